"""Does the tuning null keep its error rate, and what can it see?

False positives at p <= 0.05 of untuned AR(1) units against bouty behaviour (exponential bouts of
6 s, gaps of 10 s, 10 Hz), for each null and for the one that ``null="auto"`` chooses; then the power
curve of the default for units that follow the behaviour.

Run: ``python benchmarks/null_calibration.py [--sessions 60]`` (about 2 minutes)
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.signal import lfilter
from scipy.stats import norm

from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.neural import compute_tuning, nulls

STEP_S = 0.1
#: name -> (AR time constant in s, drift of the unit in sd over the session, drift of the behaviour)
SITUATIONS = {
    "AR tau 2 s": (2.0, 0.0, 0.0),
    "AR tau 10 s": (10.0, 0.0, 0.0),
    "drift in unit only": (2.0, 3.0, 0.0),
    "drift in both": (2.0, 3.0, 0.8),
    "mild drift in both": (2.0, 1.0, 0.4),
}


def ar1(rng: np.random.Generator, n_units: int, n: int, tau_s: float) -> np.ndarray:
    """Stationary AR(1) units (unit, time) of unit variance."""
    a, burn = np.exp(-STEP_S / tau_s), int(10 * tau_s / STEP_S)
    return lfilter([np.sqrt(1 - a * a)], [1, -a], rng.standard_normal((n_units, n + burn)), axis=1)[:, burn:]


def bouts(rng: np.random.Generator, n: int, drift: float = 0.0) -> np.ndarray:
    """0/1 behaviour (time,); with drift the bouts grow and the gaps shrink towards the end."""
    out, t, state = np.zeros(n, np.int8), 0, 0
    while t < n:
        factor = 1 + drift * (2 * t / n - 1)
        k = max(1, int(rng.exponential(6.0 * factor if state else 10.0 / factor) / STEP_S))
        out[t : t + k] = state
        t, state = t + k, 1 - state
    return out


def frame_shuffle_p(x: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Two-sided p if frames were independent: the limit of shuffling frames."""
    n, n_in = b.size, int(b.sum())
    ranks = nulls.centred_ranks(x)
    z = ranks[:, b == 1].sum(1) / np.sqrt(n_in * (n - n_in) * (n + 1) / 12)
    return 2 * norm.sf(np.abs(z))


def false_positives(minutes: float, sessions: int, units: int = 20) -> None:
    """Print a table of error rates for one session length."""
    n = int(minutes * 60 / STEP_S)
    print(f"\nsession of {minutes:g} min, {sessions} sessions x {units} units; share with p <= 0.05")
    print(f"{'':20s} {'frame shuffle':>14s} {'circular':>9s} {'linear':>7s} {'auto':>6s} {'auto +- se':>11s}")
    for name, (tau, unit_drift, behaviour_drift) in SITUATIONS.items():
        rng = np.random.default_rng(7)
        rates: dict[str, list[float]] = {"frame": [], "circular": [], "linear": [], "auto": []}
        for _ in range(sessions):
            b = bouts(rng, n, behaviour_drift * rng.choice([-1, 1]))
            x = ar1(rng, units, n, tau) + unit_drift * np.linspace(-0.5, 0.5, n)
            traces = make_traces(x.T, rate_hz=1 / STEP_S)
            states = make_states(b, traces["time"].values, ["rest", "move"])
            rates["frame"].append((frame_shuffle_p(x, b) <= 0.05).mean())
            for null in ("circular", "linear", "auto"):
                table = compute_tuning(traces, states, null=null, workers=2).table
                p = table.loc[table["behaviour"] == "move", "p"]
                rates[null].append(float((p <= 0.05).mean()))
        mean = {k: np.mean(v) for k, v in rates.items()}
        se = np.std(rates["auto"], ddof=1) / np.sqrt(sessions)
        print(
            f"{name:20s} {mean['frame']:14.3f} {mean['circular']:9.3f} {mean['linear']:7.3f} {mean['auto']:6.3f} "
            f"{se:11.3f}",
            flush=True,
        )


def power(minutes: float, sessions: int, units: int = 20) -> None:
    """Print how often units are found whose mean rises in the behaviour (sd of noise 1)."""
    n = int(minutes * 60 / STEP_S)
    steps = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
    print(f"\npower, session of {minutes:g} min: share with p <= 0.05 / p <= 0.001 by rise in sd")
    print(f"{'':12s}" + "".join(f"{s:>14.1f}" for s in steps))
    for tau in (2.0, 10.0):
        cells = []
        for rise in steps:
            rng, found = np.random.default_rng(8), []
            for _ in range(sessions):
                b = bouts(rng, n)
                traces = make_traces((ar1(rng, units, n, tau) + rise * b).T, rate_hz=1 / STEP_S)
                states = make_states(b, traces["time"].values, ["rest", "move"])
                table = compute_tuning(traces, states, workers=2).table
                found.append(table.loc[table["behaviour"] == "move", "p"])
            p = np.concatenate(found)
            cells.append(f"{(p <= 0.05).mean():>7.2f}/{(p <= 0.001).mean():<6.2f}")
        print(f"tau {tau:4.0f} s  " + "".join(cells), flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    sessions = parser.parse_args().sessions
    for minutes in (10, 20):
        false_positives(minutes, sessions)
    power(20, max(5, sessions // 6))


if __name__ == "__main__":
    main()
