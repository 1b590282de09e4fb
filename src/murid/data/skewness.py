"""Are values too skewed for intervals that rest on Student's t?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Standard errors of skewness from which values are called skewed.
SKEWED = 2.5
#: Of fewer values the skewness says nothing.
FEWEST = 8


def skewness_z(samples: Sequence[NDArray[np.float64]]) -> float:
    """Return the skewness of values around their group means, in standard errors (absolute).

    Each group is scaled by its own SD, so that groups which differ in spread do not pass for skewed.
    """
    from scipy.stats import skew

    scaled = [(x - x.mean()) / x.std() for x in samples if x.size > 2 and x.std() > 0]
    residual = np.concatenate(scaled) if scaled else np.zeros(0)
    return abs(float(skew(residual))) / float(np.sqrt(6 / residual.size)) if residual.size >= FEWEST else 0.0
