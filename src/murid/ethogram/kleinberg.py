"""Kleinberg's burst detection on event times (Kleinberg 2003, Data Mining and Knowledge Discovery 7:373).

The gaps between events come from an automaton whose state i expects gaps shorter by sigma^i than the mean;
rising one state costs gamma·ln n. A burst of level i is a stretch spent in state i or above.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numba import njit
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.data.resample import sample_at
from murid.data.states import UNLABELLED, is_multilabel


def bursts(times_s: ArrayLike, *, sigma: float = 2.0, gamma: float = 0.3) -> pd.DataFrame:
    """Find nested bursts.

    Parameters
    ----------
    times_s : array (event,)
        Distinct event times, seconds.
    sigma : float
        Ratio of rates of successive levels, > 1. 2: each level is twice as dense.
    gamma : float
        Cost of rising a level, ≥ 0; larger = fewer and longer bursts. 0.3 is SimBA's, 0.01 DeepOF's.

    Returns
    -------
    DataFrame
        ``level, start_s, stop_s``: from the first to the last event of the burst. Level 0 is the whole train.
    """
    if not sigma > 1 or not gamma >= 0:
        fail("kleinberg", "parameters are not valid", expected="sigma > 1, gamma >= 0", got=f"{sigma}, {gamma}")
    t = np.sort(np.asarray(times_s, np.float64))
    columns = ["level", "start_s", "stop_s"]
    if t.size < 2:
        return pd.DataFrame([(0, x, x) for x in t], columns=columns)
    gaps = np.diff(t)
    if gaps.min() <= 0:
        fail("kleinberg", "two events at one time", where=f"{t[int(np.argmin(gaps))]:.6g} s", todo="drop repeats")
    level = _levels(gaps, sigma, gamma)
    rows = []
    for k in range(int(level.max()) + 1):
        inside = np.r_[0, (level >= k).astype(np.int8), 0]
        starts, stops = np.flatnonzero(np.diff(inside) == 1), np.flatnonzero(np.diff(inside) == -1)
        rows += [(k, t[a], t[b]) for a, b in zip(starts, stops, strict=True)]
    return pd.DataFrame(rows, columns=columns)


def _levels(gaps: np.ndarray, sigma: float, gamma: float) -> np.ndarray:
    """Cheapest state of each gap."""
    total, n = gaps.sum(), gaps.size
    n_states = max(2, int(np.ceil(1 + np.log(total / gaps.min()) / np.log(sigma))))
    rates = sigma ** np.arange(n_states) * n / total
    return cheapest_path(gaps, rates, gamma * np.log(n))


@njit(cache=True, nogil=True)
def cheapest_path(gaps: np.ndarray, rates: np.ndarray, rise: float) -> np.ndarray:
    """State of each gap ``(gap,)`` on the cheapest path; `rates` per state in 1/s, `rise` the cost of a level."""
    n, k = gaps.size, rates.size
    cost = np.full(k, np.inf)
    cost[0] = 0.0
    origin = np.zeros((n, k), np.int16)
    new = np.empty(k)
    for t in range(n):
        for j in range(k):
            best, where = np.inf, 0
            for i in range(k):
                c = cost[i] + (rise * (j - i) if j > i else 0.0)
                if c < best:
                    best, where = c, i
            origin[t, j] = where
            new[j] = best - np.log(rates[j]) + rates[j] * gaps[t]
        cost[:] = new
    path = np.empty(n, np.int64)
    state = int(np.argmin(cost))
    for t in range(n - 1, -1, -1):
        path[t] = state
        state = origin[t, state]
    return path


def smooth_by_bursts(
    states: xr.DataArray, *, sigma: float = 2.0, gamma: float = 0.3, hierarchy: int = 1
) -> xr.DataArray:
    """Replace each behaviour's present samples by its bursts of one level.

    Parameters
    ----------
    states : DataArray (time, individual, behaviour)
        Multi-label.
    sigma, gamma
        See `bursts`.
    hierarchy : int
        Level that counts as a bout; 1 = the outermost bursts.

    Returns
    -------
    DataArray
        A sample is present when it lies in a burst; unlabelled samples stay unlabelled, although a burst may
        reach across them.
    """
    if not is_multilabel(states):
        fail("kleinberg", "needs multi-label states", todo="use to_multilabel()")
    time = states["time"].values
    values = states.values.reshape(time.size, -1)
    out = np.where(values == UNLABELLED, UNLABELLED, 0).astype(np.int8)
    for track in range(values.shape[1]):
        present = np.flatnonzero(values[:, track] == 1)
        if present.size < 2:
            continue
        episodes = bursts(time[present], sigma=sigma, gamma=gamma)
        for _, burst in episodes[episodes["level"] == hierarchy].iterrows():
            a, b = sample_at(time, [burst["start_s"], burst["stop_s"]])
            block = out[a : b + 1, track]
            block[block == 0] = 1
    return states.copy(data=out.reshape(states.shape))
