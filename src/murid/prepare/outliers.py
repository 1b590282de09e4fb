"""Points far from the rest of the animal, judged by each point's own usual distance (Weinreb et al. 2024)."""

from __future__ import annotations

import warnings

import numpy as np

from murid.data.warning import warn_user

#: A point that loses more than this share of its frames is warned of.
MANY = 0.05


def without_outliers(xy: np.ndarray, mads: float) -> np.ndarray:
    """Mask points that lie far from the others of their frame, as keypoint-MoSeq finds outliers.

    Parameters
    ----------
    xy : array (time, point, 2)
        NaN where missing.
    mads : float
        A point is masked where its distance to the median point of the frame is above its own median distance by more
        than so many median absolute deviations of it; 6 in keypoint-MoSeq.

    Notes
    -----
    A point near the middle of few points is itself the median point in most frames, its usual distance is next to
    nothing, and every step away from it counts as an outlier: a warning names points that lose more than a twentieth
    of their frames.

    Examples
    --------
    >>> body = [[0.0, 0], [1, 0.5], [1, -0.5], [2, 0.5], [2, -0.5], [3, 0]]
    >>> xy = np.random.default_rng(0).normal(body, 0.2, (300, 6, 2))
    >>> xy[7, 2] = 9, 9
    >>> np.argwhere(np.isnan(without_outliers(xy, 8.0)[..., 0])).tolist()
    [[7, 2]]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames without a point have no median
        away = np.linalg.norm(xy - np.nanmedian(xy, axis=1, keepdims=True), axis=2)
        usual = np.nanmedian(away, axis=0)
        spread = np.nanmedian(np.abs(away - usual), axis=0)
    far = away > usual + mads * spread
    lost = far.sum(axis=0) / np.maximum(np.isfinite(away).sum(axis=0), 1)
    if (lost > MANY).any():
        named = ", ".join(f"point {k} loses {100 * lost[k]:.0f} %" for k in np.flatnonzero(lost > MANY))
        warn_user(
            f"outliers: {named} of its frames: that is where it usually is; give a larger number of MADs, or leave "
            "outliers to cleaning"
        )
    return np.where(far[..., None], np.nan, xy)
