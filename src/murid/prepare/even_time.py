"""Even time: tracks on a grid of a fixed rate, so that models of time mean the same at every frame rate.

A grid row without a frame nearby is NaN: a dropped frame is a gap, not a jump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from murid.data.clock import rate_of
from murid.data.resample import exposure, integrals, straight_line

#: A clock this near to the wanted rate is taken as it is: interpolation would cost more than 3 % of time.
TOLERANCE = 0.03


@dataclass(frozen=True)
class EvenTime:
    """A grid over a recording.

    Attributes
    ----------
    time_s : (n,) array
        Time of each grid row, s: of its frame, or the middle of the frames that it stands for.
    row : (T,) int array
        Grid row of each frame.
    frame : (n,) int array
        Frame of each grid row where the grid is the recording's own clock, −1 where that has no frame;
        empty where values are averaged or interpolated.
    step_s : float
        Time from row to row, s.
    """

    time_s: np.ndarray
    row: np.ndarray
    frame: np.ndarray
    step_s: float

    def resample(self, values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Bring values (T, …) sampled at `time_s` onto the grid (n, …).

        Recordings faster than the grid: each row is the mean of the frames inside it, each frame weighted by
        its share of the row, NaN where less than half of the row was seen. Rows share no frame at whole ratios
        of the rates (60 Hz to 30 Hz) and at most the one at their border otherwise, so that the jitter of the
        tracker stays white: a smoother that reaches over its neighbours makes it look like posture.
        Slower recordings: values between two frames are interpolated where both are known.
        """
        values = np.asarray(values, np.float64)
        if len(self.frame):
            out = np.where(self.frame >= 0, 0.0, np.nan).reshape(-1, *[1] * (values.ndim - 1))
            return values[np.maximum(self.frame, 0)] + out
        flat = values.reshape(len(values), -1)
        fps = rate_of(time_s)
        out = self._means(flat, time_s) if fps * self.step_s > 1 else self._between(flat, time_s, fps)
        return out.reshape(-1, *values.shape[1:])

    def _means(self, flat: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Mean over each row's span of a signal that keeps a frame's value over the frame's span."""
        spans, known = exposure(time_s), ~np.isnan(flat)
        begin, end = self.time_s - self.step_s / 2, self.time_s + self.step_s / 2
        seen = integrals(known, spans, begin, end)
        total = integrals(np.where(known, flat, 0.0), spans, begin, end)
        return np.where(seen >= (0.5 - 1e-6) * self.step_s, total / np.maximum(seen, 1e-12), np.nan)

    def _between(self, flat: np.ndarray, time_s: np.ndarray, fps: float) -> np.ndarray:
        return straight_line(flat, time_s, self.time_s, longest_s=1.5 / fps)


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
    faster = bool(np.isfinite(fps)) and not own and fps > rate_hz
    since = time_s - time_s[0]
    # Rows that hold several frames begin where their first frame begins; others lie on the first frame.
    row = np.floor((since + 0.5 / fps) / step + 1e-6) if faster else np.round(since / step)
    row = row.astype(np.int64)
    first = time_s[0] + (0.5 * (step - 1 / fps) if faster else 0.0)
    grid = first + step * np.arange(int(row[-1]) + 1)
    frame = np.empty(0, np.int64)
    if own:
        frame = np.full(len(grid), -1, np.int64)
        frame[row[::-1]] = np.arange(len(time_s))[::-1]
    return EvenTime(grid, row, frame, step)


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
