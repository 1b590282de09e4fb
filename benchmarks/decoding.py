"""Decoding from simulated neurons: planted R2 recovered, and what the AR-HMM prior adds to a plain decoder.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.decoding`` (about a minute on one core). Four latents switch between four
linear dynamics (bouts of 1.3 s, 15 rows/s, 10 minutes); 30 units mix them linearly.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.neural.bayes import combine
from murid.neural.decoding import decode, decode_states

RATE, N_ROWS, N_UNITS = 15.0, 9000, 30


def latents(seed: int) -> np.ndarray:
    """Rows (time, 4) of a switching linear process."""
    rng = np.random.default_rng(seed)
    level = 1.2 * rng.standard_normal((4, 4))
    maps = [0.85 * (0.6 * np.eye(4) + 0.4 * np.linalg.qr(rng.standard_normal((4, 4)))[0]) for _ in range(4)]
    x, k = np.zeros((N_ROWS, 4)), 0
    for t in range(1, N_ROWS):
        k = k if rng.random() < 0.95 else int(rng.integers(4))
        x[t] = level[k] + maps[k] @ (x[t - 1] - level[k]) + 0.3 * rng.standard_normal(4)
    return x


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(1)
    x = latents(0)
    time = np.arange(N_ROWS) / RATE
    target = xr.DataArray(x, dims=("time", "component"), coords={"time": time})
    mixing = rng.standard_normal((4, N_UNITS))
    print("planted R2: neurons see the latents and an unrelated process of the same spectrum")
    white = (x - x.mean(0)) @ np.linalg.cholesky(np.linalg.inv(np.cov(x.T)))
    for planted in (0.1, 0.3, 0.5, 0.7, 0.9):
        seen = (white + np.sqrt(1 / planted - 1) * np.roll(white, N_ROWS // 2, axis=0)) @ mixing
        signal = make_traces(seen + 0.01 * rng.standard_normal(seen.shape), rate_hz=RATE)
        goal = xr.DataArray(white, dims=("time", "component"), coords={"time": time})
        found = [decode(signal, goal, lags_s=lags).r2 for lags in (0.0, 0.25)]
        print(f"  planted {planted:.2f}   found {found[0]:.3f} (no lags), {found[1]:.3f} (lags ± 0.25 s)", flush=True)
    model = fit_from_levels([x.astype(np.float32)], ArHmmParams(n_states=8, lags=1, kappa=200, sweeps=0, draws=0))
    labels = model.predict(x.astype(np.float32))
    states = make_states(labels, time, [f"state_{k}" for k in range(model.n_states)])
    print("noise: SD of white noise of a unit over the SD of its signal; R2 of latents, balanced accuracy of states")
    print("  noise   R2: no lags  lags ±0.25 s  Bayes    states: no lags  lags ±0.25 s  Bayes")
    for noise in (0.3, 1.0, 2.0, 4.0):
        clear = x @ mixing
        signal = make_traces(clear + noise * clear.std(0) * rng.standard_normal(clear.shape), rate_hz=RATE)
        plain, lagged = (decode(signal, target, lags_s=lags) for lags in (0.0, 0.25))
        said = [decode_states(signal, states, lags_s=lags).balanced_accuracy for lags in (0.0, 0.25)]
        both = combine(signal, target, model)
        hit = np.mean([(both.states[labels == k] == k).mean() for k in range(model.n_states)])
        print(
            f"  {noise:5.1f}   {plain.r2:11.3f} {lagged.r2:13.3f} {both.r2:6.3f}   {said[0]:15.3f} {said[1]:13.3f} "
            f"{hit:6.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
