"""Even time: tracks on a grid of a fixed rate, so that models of time mean the same at every frame rate.

A grid row without a frame nearby is NaN: a dropped frame is a gap, not a jump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from murid.data.clock import rate_of

#: A clock this near to the wanted rate is taken as it is: interpolation would cost more than 3 % of time.
TOLERANCE = 0.03


@dataclass(frozen=True)
class EvenTime:
    """A grid over a recording.

    Attributes
    ----------
    time_s : (n,) array
        Time of each grid row, s.
    row : (T,) int array
        Grid row of each frame.
    frame : (n,) int array
        Frame of each grid row where the grid is the recording's own clock, −1 where that has no frame;
        empty where values are interpolated.
    """

    time_s: np.ndarray
    row: np.ndarray
    frame: np.ndarray

    def resample(self, values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Bring values (T, …) sampled at `time_s` onto the grid (n, …).

        Faster recordings are smoothed first by a Gaussian that leaves the noise of the slower rate;
        values between two frames are interpolated when both are known.
        """
        values = np.asarray(values, np.float64)
        if len(self.frame):
            out = np.where(self.frame >= 0, 0.0, np.nan).reshape(-1, *[1] * (values.ndim - 1))
            return values[np.maximum(self.frame, 0)] + out
        flat = values.reshape(len(values), -1)
        fps, rate = rate_of(time_s), 1 / np.median(np.diff(self.time_s))
        if fps > rate:
            flat = smooth_known(flat, 0.5 * np.sqrt((fps / rate) ** 2 - 1))
        after = np.clip(np.searchsorted(time_s, self.time_s, side="left"), 1, len(time_s) - 1)
        before = after - 1
        span = time_s[after] - time_s[before]
        weight = np.clip((self.time_s - time_s[before]) / span, 0, 1)[:, None]
        # With weight 0 or 1 the other neighbour may be missing.
        low, high = np.where(weight == 1, 0, flat[before]), np.where(weight == 0, 0, flat[after])
        out = (1 - weight) * low + weight * high
        out[span > 1.5 / fps] = np.nan
        return out.reshape(-1, *values.shape[1:])


def even_time(time_s: np.ndarray, rate_hz: float) -> EvenTime:
    """Grid of `rate_hz` over a recording; the recording's own clock where that is within 3 % of it.

    Parameters
    ----------
    time_s : (T,) array
        Time of each frame, s, increasing.
    rate_hz : float
        Rows a second.
    """
    time_s = np.asarray(time_s, np.float64)
    fps = rate_of(time_s)
    own = bool(np.isfinite(fps)) and abs(fps / rate_hz - 1) <= TOLERANCE
    step = 1 / (fps if own else rate_hz)
    row = np.round((time_s - time_s[0]) / step).astype(np.int64)
    grid = time_s[0] + step * np.arange(int(row[-1]) + 1)
    frame = np.empty(0, np.int64)
    if own:
        frame = np.full(len(grid), -1, np.int64)
        frame[row[::-1]] = np.arange(len(time_s))[::-1]
    return EvenTime(grid, row, frame)


def smooth_known(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean over the known neighbours of each known value (T, D); unknown ones stay NaN.

    Parameters
    ----------
    sigma : float
        Width in rows; 0 returns a copy.
    """
    known = ~np.isnan(values)
    if sigma <= 0:
        return values.copy()
    weight = gaussian_filter1d(known.astype(float), sigma, axis=0, mode="constant")
    total = gaussian_filter1d(np.where(known, values, 0.0), sigma, axis=0, mode="constant")
    return np.where(known, total / np.maximum(weight, 1e-12), np.nan)
