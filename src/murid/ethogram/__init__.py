"""States ⇄ bouts: what is counted, smoothed and chained once each sample has a state.

Nothing here is learnt from poses. Unlabelled samples (−1) stay unlabelled through every function
and, like dropped frames, end a bout, a window and a sequence.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
