"""Unlikely points by each file's own likelihoods, held at their last place, as in B-SOiD (Hsu & Yttri 2021)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.warning import warn_user

#: Bins of the histogram of one point's likelihoods.
N_BINS = 10
#: Fewest likelihoods for a histogram.
LEAST = 20


def histogram_threshold(likelihood: np.ndarray) -> float:
    """Likelihood under which a point counts as unlikely, from the histogram of its likelihoods in a file.

    The left edge of the first of ten bins that does not hold more than the next one; a first or second bin is passed
    over for the next such bin. So the pile of bad frames at the low end is cut off where it stops falling.

    Parameters
    ----------
    likelihood : array
        Of one point in one file; NaN is left out.

    Returns
    -------
    float
        NaN where the histogram never stops falling, where all values are equal, or for fewer than 20 values.

    Examples
    --------
    >>> per_bin = [40, 20, 10, 2, 5, 8, 20, 40, 60, 100]
    >>> likelihood = np.concatenate([[0, 1], np.repeat(np.arange(0.05, 1, 0.1), per_bin)])
    >>> round(histogram_threshold(likelihood), 2)
    0.3
    """
    known = np.asarray(likelihood, float)
    known = known[np.isfinite(known)]
    if len(known) < LEAST or np.ptp(known) == 0:
        return float("nan")
    counts, edges = np.histogram(known, N_BINS)
    rising = np.flatnonzero(np.diff(counts) >= 0)
    if len(rising) and rising[0] <= 1:
        rising = rising[1:]
    return float(edges[rising[0]]) if len(rising) else float("nan")


def hold_unlikely(poses: xr.Dataset) -> tuple[xr.Dataset, pd.DataFrame]:
    """Leave points with a likelihood under their own threshold where they were last likely.

    Parameters
    ----------
    poses : Dataset
        As the tracker gave them.

    Returns
    -------
    poses : Dataset
        With held positions; before a point's first likely frame it is missing. Points that are missing already stay
        so: how long a gap may be filled is for `murid.prepare.clean` to say. A point without a likelihood in a frame
        is no unlikely one.
    table : DataFrame
        One row a point and individual: ``individual, keypoint, threshold`` (NaN: no threshold found, nothing held),
        ``held`` (share of the frames in which the point stands where it was before).

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> sure = np.concatenate([np.linspace(0.4, 1, 300) ** 0.2, np.linspace(0, 0.2, 20)])[:, None, None]
    >>> poses = make_poses(np.arange(640.0).reshape(320, 2, 1, 1), sure, keypoints=["nose"], fps=30)
    >>> hold_unlikely(poses)[1]["held"].round(2).tolist()
    [0.06]
    """
    position, sure = poses["position"].values.copy(), poses["confidence"].values
    keypoints = [str(k) for k in poses["keypoint"].values]
    rows = []
    for i, person in enumerate(str(p) for p in poses["individual"].values):
        for k, name in enumerate(keypoints):
            threshold = histogram_threshold(sure[:, k, i])
            held = 0.0
            if np.isfinite(threshold):
                seen = np.isfinite(position[:, :, k, i]).all(axis=1)
                unlikely = seen & (sure[:, k, i] < threshold)
                last = np.maximum.accumulate(np.where(seen & ~unlikely, np.arange(len(seen)), -1))
                own = position[:, :, k, i].copy()
                position[unlikely, :, k, i] = np.where((last >= 0)[:, None], own[np.maximum(last, 0)], np.nan)[unlikely]
                held = float((unlikely & (last >= 0)).mean())
            rows.append({"individual": person, "keypoint": name, "threshold": threshold, "held": held})
    table = pd.DataFrame(rows)
    lacking = table.loc[table["threshold"].isna(), "keypoint"].unique()
    if len(lacking):
        warn_user(
            f"likelihood: the histogram gives no threshold for {', '.join(lacking)} (no likelihoods, all alike, or "
            "more in every lower bin): nothing of these points is held"
        )
    return poses.assign(position=(poses["position"].dims, position)), table
