"""False positives of every test of `murid.neural` and `murid.stats` where real data are unkind: one table.

``python -m benchmarks.false_positives --csv rates.csv [--runs 500] [--only WORD] [--table]``

Nothing is planted, p ≤ 0.05 counts. Cells are run one by one and added to the file, so that a stopped run goes on
where it was; ``--table`` prints what the file holds. ``tested`` is the share of runs with a verdict, the rate is
that among them. Sessions of 10 minutes; units are AR(1) of 2 s, bouts last 6 s on average, pauses 10 s.

Conditions: *missing* = a tenth of the samples (rows) is missing in blocks (of 10 s); *one gap* = a fifth in one piece;
*drift* = signal and behaviour
(or both groups) drift; *unequal* = unequal numbers; *one day* = one group lacks the last day; *litters* = animals of
a litter resemble each other; *ties* = small counts.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.error_rates import condition_cells
from benchmarks.null_calibration import STEP_S, ar1, bouts
from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.neural import (
    DecodingParams,
    PeriEventParams,
    TuningParams,
    bootstrap_ci,
    compute_perievent,
    compute_tuning,
    confidence_band,
    decode,
    decode_states,
    shift_test,
    sign_flip_test,
)

Rng = np.random.Generator
#: One run: p values, NaN without a verdict (several where a run tests several units).
Run = Callable[[Rng], Iterable[float]]

N = 6000
MISSING_S = 10.0
#: Drift of a signal over the session, in its SD, and of the rate of behaviour, as `null_calibration` has them.
SIGNAL_DRIFT, BEHAVIOUR_DRIFT = 3.0, 0.8
#: Shifts or other sessions of one decoding: p of .05 is the least, and has its rate.
N_NULL = 19


def blocks_out(rng: Rng, n: int, step_s: float, share: float = 0.1) -> np.ndarray:
    """Samples that are missing: a share of the session, in blocks of 10 s."""
    size = round(MISSING_S / step_s)
    lost = np.zeros(n, bool)
    for start in rng.choice(n // size, max(1, round(share * n / size)), replace=False) * size:
        lost[start : start + size] = True
    return lost


def one_gap(rng: Rng, n: int, share: float = 0.2) -> slice:
    """A fifth of the session that is missing in one piece, anywhere."""
    start = int(rng.integers(0, round((1 - share) * n)))
    return slice(start, start + round(share * n))


def around_moments(rng: Rng, moments: np.ndarray, n: int) -> np.ndarray:
    """Samples lost around half of the moments, half a second before to 1.5 s after: an artefact of what was done."""
    lost = np.zeros(n, bool)
    for moment in moments[rng.random(len(moments)) < 0.5]:
        lost[round((moment - 0.5) / STEP_S) : round((moment + 1.5) / STEP_S)] = True
    return lost


def signals(rng: Rng, n_units: int, condition: str, n: int = N, step_s: float = STEP_S) -> np.ndarray:
    """Units (time, unit) without any relation to behaviour."""
    x = ar1(rng, n_units, n * round(step_s / STEP_S), 2.0)[:, :: round(step_s / STEP_S)][:, :n].T
    if condition == "drift":
        x = x + SIGNAL_DRIFT * np.linspace(-0.5, 0.5, n)[:, None] * rng.choice([-1, 1], n_units)
    if condition == "ties":
        x = rng.poisson(np.exp(0.5 * x - 1.5)).astype(float)
    if condition == "missing":
        x[blocks_out(rng, n, step_s)] = np.nan
    if condition == "one gap":
        x[one_gap(rng, n)] = np.nan
    return x


def behaviour(rng: Rng, condition: str, n: int = N) -> np.ndarray:
    """0/1 (time,); its amount drifts up or down."""
    return bouts(rng, n, BEHAVIOUR_DRIFT * rng.choice([-1, 1]) if condition == "drift" else 0.0)


def events(rng: Rng, condition: str, n: int = N) -> np.ndarray:
    """Moments 4 to 14 s apart, s; with drift twice as many in one half as in the other."""
    t = np.cumsum(rng.uniform(4, 14, 400))
    end = n * STEP_S
    if condition == "drift":
        grown = t / end
        t = end * np.where(rng.random() < 0.5, grown**1.5, 1 - (1 - np.minimum(grown, 1)) ** 1.5)
        t = np.unique(t[grown < 1])
    return np.asarray(t[(t > 3) & (t < end - 3)])


# Neural tests --------------------------------------------------------------------------------------


def tuning(statistic: str, condition: str) -> Run:
    """Four units against one behaviour."""

    def run(rng: Rng) -> np.ndarray:
        traces = make_traces(signals(rng, 4, condition), rate_hz=1 / STEP_S)
        states = make_states(behaviour(rng, condition), traces["time"].values, ["rest", "move"])
        table = compute_tuning(traces, states, params=TuningParams(statistic=statistic), workers=1).table
        return table.loc[table["behaviour"] == "move", "p"].to_numpy()

    return run


def shifted(condition: str, null: Literal["auto", "linear"] = "auto") -> Run:
    """Two units around moments, whole window of ± 2 s, as the analysis does it; linear shifts of what drifts."""

    def run(rng: Rng) -> np.ndarray:
        x, moments = signals(rng, 2, condition), events(rng, condition)
        if null == "linear":
            x = x + SIGNAL_DRIFT * np.linspace(-0.5, 0.5, N)[:, None] * rng.choice([-1, 1], 2)
            moments = events(rng, "drift")
        if condition == "missing at the moments":
            x[around_moments(rng, moments, N)] = np.nan
        traces = make_traces(x, rate_hz=1 / STEP_S)
        test = shift_test(traces, moments, baseline_s=(-2, -1), null=null).table
        return test.groupby("unit", sort=False)["p_corrected"].min().to_numpy()

    return run


CUT = PeriEventParams(baseline_s=(-2, -1), scale="subtract", overlap="keep", bin_s=0.2)


def one_animal(condition: str, memory: float = 0.0) -> Run:
    """Signs of six stretches of 40 events; with `memory` the size of the response goes on from event to event."""

    def run(rng: Rng) -> list[float]:
        x, when = signals(rng, 1, condition), events(rng, condition)[:40]
        if memory:
            size = np.zeros(when.size)
            for k in range(when.size):
                size[k] = memory * size[k - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
            for t, s in zip(when, size, strict=True):
                x[round(t / STEP_S) : round(t / STEP_S) + 10] += 2 * s
        try:
            test = sign_flip_test(
                compute_perievent(make_traces(x, rate_hz=1 / STEP_S), when, params=CUT), n_permutations=999
            )
        except ValueError:  # DataError: the events depend on each other for too long
            return [np.nan]
        return [test.table["p_corrected"].min()]

    return run


def animals(condition: str, n: int = 8) -> Run:
    """Signs of animals: means of 15 events each, or of 5 to 40."""

    def run(rng: Rng) -> list[float]:
        parts = []
        for k in range(n):
            many = int(rng.integers(5, 41)) if condition == "unequal" else 15
            when = events(rng, condition)
            when = np.sort(rng.choice(when, min(many, when.size), replace=False))
            traces = make_traces(signals(rng, 1, condition), rate_hz=1 / STEP_S)
            parts.append(compute_perievent(traces, when, params=CUT, animal=f"m{k}"))
        return [sign_flip_test(parts, n_permutations=999).table["p_corrected"].min()]

    return run


def decoded(condition: str, *, sessions: bool = False, states: bool = False) -> Run:
    """Two smooth values of 8 units at 2 Hz, or two states of 4 units at 1 Hz, against shifts or other sessions."""
    step, units = (1.0, 4) if states else (0.5, 8)
    n = round(N * STEP_S / step)
    p = DecodingParams(n_null=N_NULL, lags_s=0.0, bin_s=step, folds=3, min_independent=N_NULL)

    def target(rng: Rng, way: float) -> xr.DataArray:
        clock = np.arange(n) * step
        if states:
            codes = bouts(rng, N, BEHAVIOUR_DRIFT * way)[:: round(step / STEP_S)].astype(int)
            codes[blocks_out(rng, n, step) & (condition == "missing")] = -1
            return make_states(codes, clock, ["rest", "move"])
        x = ar1(rng, 2, N, 2.0)[:, :: round(step / STEP_S)].T + SIGNAL_DRIFT * way * np.linspace(-0.5, 0.5, n)[:, None]
        x = np.round(x) if condition == "ties" else x
        x[blocks_out(rng, n, step) & (condition == "missing")] = np.nan
        return xr.DataArray(x, dims=("time", "component"), coords={"time": clock})

    def run(rng: Rng) -> list[float]:
        way = float(rng.choice([-1, 1])) if condition == "drift" else 0.0
        signal = make_traces(signals(rng, units, condition, n, step), rate_hz=1 / step)
        others = [target(rng, way) for _ in range(N_NULL)] if sessions else []
        call = decode_states if states else decode
        return [
            call(signal, target(rng, way), p.model_copy(update={"seed": int(rng.integers(2**31))}), others=others).p
        ]

    return run


def band(kind: str, n: int, *, boot: bool = False) -> Run:
    """1 where the band of the mean over animals holds it not; ``p`` of 0 then (one lag, five events an animal)."""

    def run(rng: Rng) -> list[float]:
        own = rng.normal(0, 1, n) if kind != "log-normal" else np.exp(rng.normal(0, 1, n)) - np.exp(0.5)
        many = rng.integers(2, 20, n) if kind == "unequal" else np.full(n, 5)
        animal = np.repeat(np.arange(n), many)
        values = own[animal] + rng.normal(0, 1, animal.size)
        if kind == "missing":
            values[rng.random(animal.size) < 0.1] = np.nan
        trials = xr.DataArray(
            values[:, None, None],
            dims=("event", "lag", "unit"),
            coords={"animal": ("event", animal.astype(str)), "lag": [0.0], "unit": ["u"]},
        )
        made = bootstrap_ci(trials, n_boot=400, seed=int(rng.integers(2**31))) if boot else confidence_band(trials)
        low, _, high = made.values[:, 0, 0]
        return [np.nan if np.isnan(low) else float(low <= 0 <= high)]

    return run


def neural_cells() -> dict[tuple[str, str], Run]:
    """(test, condition) → run."""
    cells: dict[tuple[str, str], Run] = {}
    for condition in ("plain", "missing", "drift", "ties"):
        for statistic in ("auroc", "mi"):
            cells[f"tuning, {statistic}", condition] = tuning(statistic, condition)
        cells["around moments, shifts", condition] = shifted(condition)
        if condition != "drift":  # drifts anyhow
            cells["around moments, linear shifts", condition] = shifted(condition, "linear")
        cells["around moments, one animal, signs of stretches", condition] = one_animal(condition)
        cells["around moments, signs of 8 animals", condition] = animals(condition)
        cells["decode, shifts", condition] = decoded(condition)
        cells["decode, other sessions", condition] = decoded(condition, sessions=True)
    for condition in ("one gap", "missing at the moments"):
        cells["around moments, shifts", condition] = shifted(condition)
        cells["around moments, linear shifts", condition] = shifted(condition, "linear")
    cells["around moments, signs of 8 animals", "unequal"] = animals("unequal")
    for memory in (0.3, 0.5, 0.8):
        cells["around moments, one animal, signs of stretches", f"events depend, {memory}"] = one_animal(
            "plain", memory
        )
    for n in (5, 6, 8, 12):
        for kind in ("plain", "log-normal", "unequal", "missing"):
            cells[f"band over {n} animals", kind] = band(kind, n)
    for kind in ("plain", "log-normal"):
        cells["bootstrap band over 8 animals", kind] = band(kind, 8, boot=True)
    for condition in ("plain", "missing", "drift", "ties"):  # slow ones last
        cells["decode_states, shifts", condition] = decoded(condition, states=True)
        cells["decode_states, other sessions", condition] = decoded(condition, sessions=True, states=True)
    return cells


# The table -----------------------------------------------------------------------------------------


def measured(run: Run, runs: int, name: str) -> np.ndarray:
    """p values of all runs (run, p), the same whenever and beside whatever a cell is run."""
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(zlib.crc32(name.encode()),)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([np.asarray(list(run(rng)), float) for _ in range(runs)])


def fill(path: Path, runs: int, only: str) -> None:
    """Run what the file lacks, cell by cell."""
    done = set(zip(*(pd.read_csv(path)[c] for c in ("test", "condition")), strict=True)) if path.exists() else set()
    cells = {**neural_cells(), **condition_cells()}
    for (tests, condition), run in cells.items():
        names = tests.split(" / ")
        if (names[0], condition) in done or only not in f"{tests}, {condition}":
            continue
        start = time.perf_counter()
        p = measured(run, runs, f"{tests}, {condition}")
        seconds = round(time.perf_counter() - start)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            if new:
                writer.writerow(["test", "condition", "rate", "tested", "n", "runs", "seconds"])
            for test, own in zip(names, p.T if len(names) > 1 else [p.ravel()], strict=True):
                told = np.isfinite(own)
                rate = float((own[told] <= 0.05).mean()) if told.any() else float("nan")
                writer.writerow([test, condition, f"{rate:.4f}", f"{told.mean():.3f}", own.size, runs, seconds])
                print(f"{test} · {condition}: {rate:.3f} of {told.mean():.0%} ({own.size}), {seconds} s", flush=True)


def table(path: Path) -> str:
    """The file as a Markdown table: tests × conditions; outside .03–.07 in bold; the share with a verdict below 1."""
    found = pd.read_csv(path)
    columns = [c for c in dict.fromkeys(found["condition"])]

    def cell(row: pd.Series) -> str:
        if np.isnan(row["rate"]):
            return "no verdict"
        shown = f"{row['rate']:.3f}"[1:] if row["rate"] < 1 else "1"
        shown = shown if 0.03 <= row["rate"] <= 0.07 else f"**{shown}**"
        return shown + (f" ({row['tested']:.2f})".replace("(0", "(") if row["tested"] < 0.995 else "")

    text = found.assign(cell=found.apply(cell, axis=1)).pivot(index="test", columns="condition", values="cell")
    text = text.reindex(index=list(dict.fromkeys(found["test"])), columns=columns).fillna("")
    head = ["| test | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join(
        head + [f"| {name} | " + " | ".join(row) + " |" for name, row in zip(text.index, text.values, strict=True)]
    )


def main() -> None:
    """Fill the file, or print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--only", default="")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not options.table:
        fill(options.csv, options.runs, options.only)
    print(table(options.csv))


if __name__ == "__main__":
    main()
