"""Kalman smoother of one keypoint: position and velocity from noisy sightings.

State per coordinate: position and velocity (``"cv"``), or position, velocity and acceleration
(``"ca"``), driven by white noise in the highest derivative (Bar-Shalom, Li and Kirubarajan 2001,
chapter 6). The smoothed track is that of Rauch, Tung and Striebel (1965), computed by the
algebraically equal recursion of Bierman (1973), which needs no matrix inverse.

The noise of a sighting has variance ``r / confidence``: trackers err more where they are unsure.
Only the ratio of process noise to sighting noise matters for the track; it is chosen by maximum
likelihood for each keypoint when it is not given.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from murid.data.clock import rate_of, spans

Model = Literal["cv", "ca"]
#: Confidence below this is treated as this: a sighting never loses all weight.
MIN_CONFIDENCE = 0.05
#: Frames used to choose the noise ratio, in blocks spread over the recording.
_FIT_FRAMES, _FIT_BLOCKS = 20_000, 10
#: log10 of the ratio process/sighting noise, in 1/s^3 ("cv") and 1/s^5 ("ca").
_GRID = {"cv": np.linspace(0.0, 9.0, 19), "ca": np.linspace(2.0, 15.0, 27)}


def kalman_smooth(
    xy: NDArray[np.floating],
    time_s: NDArray[np.float64],
    confidence: NDArray[np.floating] | None = None,
    *,
    max_gap_s: float = 0.2,
    model: Model = "cv",
    noise_ratio: float | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Smooth one keypoint; gaps up to `max_gap_s` are bridged, longer ones stay NaN.

    Parameters
    ----------
    xy : array of shape (time, space)
        Sightings, any length unit; missing = NaN.
    time_s : array of shape (time,)
        Clock in seconds; need not be even.
    confidence : array of shape (time,), optional
        Tracker confidence 0..1; NaN counts as 1.
    max_gap_s : float
        Longest gap that is bridged, seconds.
    model : {"cv", "ca"}
        Constant velocity or constant acceleration between sightings.
    noise_ratio : float, optional
        Process noise density over sighting variance, 1/s^3 ("cv") or 1/s^5 ("ca"). Smaller is
        smoother. Maximum likelihood when None.

    Returns
    -------
    smoothed : array of shape (time, space)
    noise_ratio : float
        The ratio used (NaN when there was too little data to smooth).
    """
    xy = np.ascontiguousarray(xy, np.float64)
    seen = np.isfinite(xy).all(axis=1)
    weight = np.ones(len(xy)) if confidence is None else np.asarray(confidence, np.float64)
    variance = 1.0 / np.clip(np.where(np.isfinite(weight), weight, 1.0), MIN_CONFIDENCE, 1.0)
    time_s = np.ascontiguousarray(time_s, np.float64)
    if seen.sum() < 4:
        return np.where(seen[:, None], xy, np.nan), float("nan")
    step = 1.0 / rate_of(time_s)
    longest = max_gap_s + 1.01 * step
    order = 2 if model == "cv" else 3
    if noise_ratio is None:
        noise_ratio = _best_ratio(xy, time_s, seen, variance, longest, order, _GRID[model])
    out = np.full_like(xy, np.nan)
    index = np.flatnonzero(seen)
    far = np.flatnonzero(np.diff(time_s[index]) > max_gap_s + 1.01 * spans(time_s)[index[:-1]]) + 1
    for part in np.split(index, far):
        rows = slice(part[0], part[-1] + 1)
        out[rows] = _smooth(xy[rows], time_s[rows], seen[rows], variance[rows], noise_ratio, order)
    return out, float(noise_ratio)


def _best_ratio(xy, time_s, seen, variance, longest, order, grid) -> float:
    """Noise ratio of highest likelihood on blocks spread evenly over the recording."""
    n = len(xy)
    size = min(n, _FIT_FRAMES // _FIT_BLOCKS)
    starts = np.unique(np.linspace(0, n - size, _FIT_BLOCKS).astype(int)) if n > _FIT_FRAMES else np.array([0])
    size = n if n <= _FIT_FRAMES else size
    score = np.zeros(len(grid))
    for g, log_ratio in enumerate(grid):
        totals = np.zeros(3)
        for a in starts:
            rows = slice(a, a + size)
            totals += _innovations(xy[rows], time_s[rows], seen[rows], variance[rows], 10.0**log_ratio, order, longest)
        log_det, square, count = totals
        # The scale of the noise drops out: its best value is square / count.
        score[g] = -log_det - count * np.log(max(square / max(count, 1), 1e-12))
    best = int(np.argmax(score))
    if 0 < best < len(grid) - 1:  # parabola through the best three
        left, mid, right = score[best - 1 : best + 2]
        bend = left - 2 * mid + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        return float(10.0 ** (grid[best] + shift * (grid[1] - grid[0])))
    return float(10.0 ** grid[best])


@njit(cache=True, nogil=True)
def _transition(dt, q, order, f, noise):
    """Fill the transition matrix and the process noise of a step of `dt` seconds."""
    f[:] = 0.0
    noise[:] = 0.0
    for i in range(order):
        f[i, i] = 1.0
    f[0, 1] = dt
    if order == 2:
        noise[0, 0], noise[0, 1], noise[1, 1] = q * dt**3 / 3.0, q * dt**2 / 2.0, q * dt
        noise[1, 0] = noise[0, 1]
        return
    f[1, 2], f[0, 2] = dt, 0.5 * dt * dt
    noise[0, 0], noise[0, 1], noise[0, 2] = q * dt**5 / 20.0, q * dt**4 / 8.0, q * dt**3 / 6.0
    noise[1, 1], noise[1, 2], noise[2, 2] = q * dt**3 / 3.0, q * dt**2 / 2.0, q * dt
    noise[1, 0], noise[2, 0], noise[2, 1] = noise[0, 1], noise[0, 2], noise[1, 2]


@njit(cache=True, nogil=True)
def _start(p, r, dt, order):
    """Start: at the first sighting, and of almost any velocity."""
    p[:] = 0.0
    p[0, 0] = r
    for i in range(1, order):
        p[i, i] = 1e4 * r / dt ** (2 * i)


@njit(cache=True, nogil=True)
def _predict(f, noise, p, out, order):
    """``out = f p f' + noise``."""
    moved = np.zeros((3, 3))
    for i in range(order):
        for j in range(order):
            for k in range(order):
                moved[i, j] += f[i, k] * p[k, j]
    for i in range(order):
        for j in range(order):
            total = noise[i, j]
            for k in range(order):
                total += moved[i, k] * f[j, k]
            out[i, j] = total


@njit(cache=True, nogil=True)
def _innovations(xy, time_s, seen, variance, ratio, order, longest):
    """Sum of log variances, of scaled squares, and count of the one-step prediction errors."""
    n, n_space = xy.shape
    f, noise = np.zeros((3, 3)), np.zeros((3, 3))
    p, ahead = np.zeros((3, 3)), np.zeros((3, 3))
    state, new = np.zeros((3, n_space)), np.zeros((3, n_space))
    log_det, square, count = 0.0, 0.0, 0.0
    last = -1
    for t in range(n):
        if not seen[t]:
            continue
        if last < 0 or time_s[t] - time_s[last] > longest:
            dt = time_s[min(t + 1, n - 1)] - time_s[max(t - 1, 0)]
            _start(p, variance[t], dt, order)
            state[:] = 0.0
            state[0] = xy[t]
            last = t
            continue
        _transition(time_s[t] - time_s[last], ratio, order, f, noise)
        _predict(f, noise, p, ahead, order)
        s = ahead[0, 0] + variance[t]
        for c in range(n_space):
            for i in range(order):
                total = 0.0
                for j in range(order):
                    total += f[i, j] * state[j, c]
                new[i, c] = total
            error = xy[t, c] - new[0, c]
            for i in range(order):
                state[i, c] = new[i, c] + ahead[i, 0] / s * error
            log_det += np.log(s)
            square += error * error / s
            count += 1.0
        for i in range(order):
            for j in range(order):
                p[i, j] = ahead[i, j] - ahead[i, 0] * ahead[0, j] / s
        last = t
    return np.array([log_det, square, count])


@njit(cache=True, nogil=True)
def _smooth(xy, time_s, seen, variance, ratio, order):
    """Smoothed positions of one segment; its first and last frames are sightings."""
    n, n_space = xy.shape
    if n == 1:
        return xy.copy()
    f, noise = np.zeros((3, 3)), np.zeros((3, 3))
    p = np.zeros((3, 3))
    ahead = np.zeros((n, 3, 3))
    state = np.zeros((n, 3, n_space))  # predicted from the past alone
    error = np.zeros((n, n_space))
    now = np.zeros((3, n_space))
    for t in range(n):
        if t == 0:
            _start(ahead[0], variance[0], time_s[1] - time_s[0], order)
            ahead[0, 0, 0] = 1e4 * variance[0]
            state[0, 0] = xy[0]
        else:
            _transition(time_s[t] - time_s[t - 1], ratio, order, f, noise)
            _predict(f, noise, p, ahead[t], order)
            for i in range(order):
                for j in range(order):
                    for c in range(n_space):
                        state[t, i, c] += f[i, j] * now[j, c]
        s = ahead[t, 0, 0] + variance[t]
        for i in range(order):
            gain = ahead[t, i, 0] / s if seen[t] else 0.0
            for c in range(n_space):
                if seen[t]:
                    error[t, c] = xy[t, c] - state[t, 0, c]
                now[i, c] = state[t, i, c] + gain * error[t, c]
            for j in range(order):
                p[i, j] = ahead[t, i, j] - gain * ahead[t, 0, j]
    return _backward(time_s, seen, variance, ahead, state, error, order)


@njit(cache=True, nogil=True)
def _backward(time_s, seen, variance, ahead, state, error, order):
    """Carry what the future says back to every frame."""
    n, _, n_space = state.shape
    out = np.empty((n, n_space))
    pull = np.zeros((3, n_space))  # adjoint of the state after frame t
    before = np.zeros((3, n_space))
    f, noise = np.zeros((3, 3)), np.zeros((3, 3))
    for t in range(n - 1, -1, -1):
        before[:] = pull
        if seen[t]:
            s = ahead[t, 0, 0] + variance[t]
            for c in range(n_space):
                along = 0.0
                for i in range(order):
                    along += ahead[t, i, 0] / s * pull[i, c]
                before[0, c] = pull[0, c] - along - error[t, c] / s
        for c in range(n_space):
            total = state[t, 0, c]
            for j in range(order):
                total -= ahead[t, 0, j] * before[j, c]
            out[t, c] = total
        if t > 0:
            _transition(time_s[t] - time_s[t - 1], 0.0, order, f, noise)
            pull[:] = 0.0
            for i in range(order):
                for j in range(order):
                    for c in range(n_space):
                        pull[i, c] += f[j, i] * before[j, c]
    return out
