"""Published methods and murid's own: one file each, one interface, one registry."""

from murid.methods.registry import load_method, method, method_class, method_names, methods_table

__all__ = ["load_method", "method", "method_class", "method_names", "methods_table"]
