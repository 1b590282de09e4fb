"""Adapters: files of other programs in, files for other programs out. One file per format."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
