"""What cleaning leaves of a rhythm: the transfer function of the smoothers, measured on sines.

A running median is no linear filter, so its effect is measured rather than computed: sines of every
asked frequency go through the smoother that `clean` would use, and the amplitude left *at that
frequency* is compared with the one put in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from murid.data.clock import frame_times
from murid.data.errors import fail
from murid.prepare.cleaning import CleanParams, smoothed

#: Phases of the sine over which the amplitude is averaged: frames fall differently on its peaks.
_N_PHASES = 8
_LENGTH_S = 20.0


def transfer_function(
    params: CleanParams | None = None,
    *,
    fps: float = 30.0,
    hz: Sequence[float] = (1, 2, 3, 4, 6, 8, 10, 12, 14),
    **changes: Any,
) -> pd.DataFrame:
    """Measure how much of a rhythm's amplitude cleaning leaves.

    Parameters
    ----------
    params : CleanParams, optional
        Defaults when None. With ``smoothing="kalman"`` a ``kalman_noise_ratio`` is needed: without one the
        smoother adapts to each track.
    fps : float
        Frame rate of the recording, frames/s.
    hz : sequence of float
        Frequencies, Hz.
    **changes
        Single parameters of `CleanParams`, over `params`.

    Returns
    -------
    DataFrame
        ``hz, left``: share of the amplitude left at that frequency; NaN at and above half the frame rate.

    Raises
    ------
    DataError
        The Kalman smoother without a noise ratio, or a frame rate that is not positive.

    Examples
    --------
    >>> transfer_function(CleanParams(), fps=30.0, hz=[2, 10]).round(2).to_numpy().tolist()
    [[2.0, 0.99], [10.0, 0.0]]
    >>> transfer_function(CleanParams.for_rhythms(), fps=30.0, hz=[10]).round(2).to_numpy().tolist()
    [[10.0, 1.0]]
    """
    p = CleanParams.of(params, changes)
    if p.smoothing == "kalman" and p.kalman_noise_ratio is None:
        fail(
            "transfer_function",
            "the Kalman smoother has no fixed transfer function",
            todo="give kalman_noise_ratio: without it every track gets its own",
        )
    time_s = frame_times(round(_LENGTH_S * fps), fps)
    inner = slice(len(time_s) // 4, -len(time_s) // 4)
    left = [_left(p, time_s, inner, float(f)) if f < fps / 2 else np.nan for f in hz]
    return pd.DataFrame({"hz": np.asarray(hz, np.float64), "left": left})


def _left(p: CleanParams, time_s: np.ndarray, inner: slice, hz: float) -> float:
    """Amplitude at `hz` after smoothing over that before, mean over phases."""
    shares = []
    for k in range(_N_PHASES):
        phase = 2 * np.pi * (hz * time_s + k / _N_PHASES)
        before = np.sin(phase)[:, None]
        after = smoothed(before, np.ones(len(time_s)), time_s, p)
        design = np.stack([np.sin(phase), np.cos(phase)], axis=1)[inner]
        amplitude = np.linalg.lstsq(design, after[inner, 0], rcond=None)[0]
        shares.append(float(np.hypot(*amplitude)))
    return float(np.mean(shares))
