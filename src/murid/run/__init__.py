"""The runner: the only way work is done. Command line and Python call the same functions.

>>> import murid
>>> run = murid.run.check_study(murid.Study("my_study"))  # doctest: +SKIP
>>> run.tables["quality"]  # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
