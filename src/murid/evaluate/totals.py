"""Totals per recording: time and number of bouts, correlation, bias, limits of agreement.

Never alone: every table here carries the frame F1 beside the correlations. A prediction shifted by twelve
seconds has chance-level frames and totals that correlate at .98.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.evaluate import frames


def bland_altman(truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Return bias (predicted − true) and its 95 % limits of agreement, bias ± 1.96 SD of the differences.

    Parameters
    ----------
    truth, predicted : array (recording,)
        Totals, in one unit.

    Returns
    -------
    dict
        ``bias, low, high``; the limits are NaN below 3 recordings.
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    difference = difference[np.isfinite(difference)]
    if difference.size == 0:
        return {"bias": np.nan, "low": np.nan, "high": np.nan}
    bias = float(difference.mean())
    half = 1.96 * float(difference.std(ddof=1)) if difference.size >= 3 else np.nan
    return {"bias": bias, "low": bias - half, "high": bias + half}


def correlation(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson r over recordings; NaN below 3 recordings or when one side does not vary."""
    a, b = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if a.size < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def compare_totals(recordings: pd.DataFrame) -> pd.DataFrame:
    """Compare totals over recordings, beside the pooled frame F1.

    Parameters
    ----------
    recordings : DataFrame
        One row per recording and behaviour: ``behaviour, tp, fp, fn, tn, time_true_s, time_predicted_s,
        bouts_true, bouts_predicted`` (as in ``Score.recordings``).

    Returns
    -------
    DataFrame
        Per behaviour: ``f1`` (frames, pooled), ``n`` recordings, and for ``time`` (s) and ``bouts``: ``_r``,
        ``_bias``, ``_low``, ``_high`` (Bland-Altman limits).
    """
    rows = {}
    for name, part in recordings.groupby("behaviour", sort=False):
        row = {"f1": float(frames.f1_of(part[list(frames.CELLS)].sum().to_numpy())), "n": len(part)}
        for what, true, predicted in (
            ("time", part["time_true_s"], part["time_predicted_s"]),
            ("bouts", part["bouts_true"], part["bouts_predicted"]),
        ):
            row[f"{what}_r"] = correlation(true, predicted)
            row |= {f"{what}_{key}": value for key, value in bland_altman(true, predicted).items()}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("behaviour")
