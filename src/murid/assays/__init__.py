"""Paradigms: one file each, every convention stated with the result.

`PARADIGMS` names them; `run_paradigm` runs one by name.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
