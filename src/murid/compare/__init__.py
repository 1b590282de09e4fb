"""Methods head to head: one table, one figure, and whether the difference is more than chance."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
