"""How good is a prediction, how far do raters agree, what is a segmentation worth: with honest splits.

`score` compares one prediction with the truth, `score_many` pools recordings; `folds.grouped` splits so
that no animal is on both sides; `compare_totals` gives the human ceiling; `segmentation` and `latent` judge
what was found without labels, always beside a control.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
