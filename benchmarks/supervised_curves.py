"""Frame F1 of every supervised method on simulated pairs of mice: against tracking noise, and against labelled bouts.

``python -m benchmarks.supervised_curves [method ...] [--figure FILE] [--keep FOLDER]``. Behaviours are those that the
pose determines. Noise is jitter of a keypoint in px (10 px/cm), always with 10 % of keypoint frames hidden (guessed
15 px off, low confidence) and names exchanged 2 % of the time. Learnt on five pairs, scored on two others.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

import murid
from benchmarks._outcome import keep, kept, scored
from murid import simulate
from murid.data.labels import Labels
from murid.data.progress import silent
from murid.data.recording import Recording

BEHAVIOURS = ["run", "rear", "groom", "sniff_nose", "side_by_side", "attack"]
METHODS = ("gbdt", "simba", "jaaba", "dlcanalyzer", "mars")
JITTER_PX, BOUTS = (0.0, 1.0, 3.0), (60, 180)
SECONDS, N_TRAIN, N_TEST = 100.0, 5, 2
#: For every method: frames a second that are learnt from, and folds.
SAMPLE_HZ, FOLDS = 5.0, 2
#: Chosen so that 10 % of keypoint frames are hidden and names are exchanged 2 % of the time (printed as measured).
HIDDEN_PER_MIN, SWAPS_PER_MIN = 16.0, 0.55


def pairs(jitter_px: float) -> list[Recording]:
    """Train and test recordings with one amount of jitter."""
    out = []
    for k in range(N_TRAIN + N_TEST):
        clean = simulate.recording(
            "open_field",
            n_animals=2,
            duration_s=SECONDS,
            fps=25,
            seed=100 + k,
            id=f"r{k}",
            animal=f"pair{k}",
            behaviours=[*BEHAVIOURS, "rest", "walk"],
        )
        out.append(
            simulate.corrupt(
                clean, seed=k, jitter_px=jitter_px, occlusions_per_min=HIDDEN_PER_MIN, swaps_per_min=SWAPS_PER_MIN
            )
        )
    return out


def spoilt(recordings: list[Recording]) -> str:
    """What share of keypoint frames is hidden, and of time exchanged."""
    planted = [r.meta["planted"] for r in recordings]
    hidden = np.mean([p["hidden"].mean() for p in planted])
    swapped = np.mean([sum(s[1] - s[0] for s in p["swaps"]) / SECONDS for p in planted])
    return f"{hidden:.1%} of keypoint frames hidden, names exchanged {swapped:.1%} of the time"


def first_bouts(recordings: list[Recording], n: int) -> tuple[list[Recording], int]:
    """The same recordings with only the first stretch of each labelled, so long that they hold `n` bouts together."""
    starts = np.sort(np.concatenate([r.labels.bouts["start_s"].to_numpy() for r in recordings]))
    until = float(starts[n]) if n < len(starts) else SECONDS
    out, count = [], 0
    for r in recordings:
        bouts = r.labels.bouts[r.labels.bouts["start_s"] < until].reset_index(drop=True)
        bouts["stop_s"] = bouts["stop_s"].clip(upper=until)
        scored_until = r.labels.scored.assign(stop_s=until)
        labels = Labels(bouts, scored_until, r.labels.exclusive, r.labels.vocabulary, r.labels.fps)
        out.append(r.replace(labels=labels))
        count += len(bouts)
    return out, count


def macro(name: str, train: list[Recording], test: list[Recording]) -> dict[str, Any]:
    """Fit, apply, score."""
    start = time.process_time()
    known = set().union(*(r.labels.bouts["label"] for r in train))
    learnt = [b for b in BEHAVIOURS if b in known]
    method = murid.method(name, behaviours=learnt, others="negative", seed=0, sample_hz=SAMPLE_HZ, folds=FOLDS)
    with silent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method.fit(train)
        score = scored(test, [method.apply(r) for r in test], behaviours=learnt, others="negative")
    f1 = {b: float(score.table.at[b, "f1"]) for b in learnt}
    # A behaviour without a single label cannot be found: it counts as 0.
    total = sum(f1.values()) / len(BEHAVIOURS)
    return {"f1": total, **f1, "cpu_s": time.process_time() - start}


def curves(names: list[str], folder: Path | None) -> pd.DataFrame:
    """Both curves as one table."""
    rows = []

    def add(kind: str, x: float, name: str, train: list[Recording], test: list[Recording]) -> None:
        key = f"curve_{kind}_{x:g}_{name}"
        found = kept(folder, key)
        if found is None:
            found = macro(name, train, test)
            keep(folder, key, found)
        rows.append({"curve": kind, "x": x, "method": name, **found})
        print(f"{kind:7s} {x:7g}  {name:12s} F1 {found['f1']:.3f}  {found['cpu_s']:.0f} CPU-s", flush=True)

    for jitter in JITTER_PX:
        every = pairs(jitter)
        print(f"jitter {jitter:g} px: {spoilt(every)}")
        for name in names:
            add("noise", jitter, name, every[:N_TRAIN], every[N_TRAIN:])
    every = pairs(1.0)
    for n in BOUTS:
        few, count = first_bouts(every[:N_TRAIN], n)
        for name in names:
            add("bouts", count, name, few, every[N_TRAIN:])
    # All labels at 1 px are on both curves.
    total = sum(len(r.labels.bouts) for r in every[:N_TRAIN])
    rows += [{**row, "curve": "bouts", "x": total} for row in rows if row["curve"] == "noise" and row["x"] == 1]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Both curves side by side."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    colours = dict(zip(METHODS, ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"), strict=True))
    for axis, kind, label in zip(
        axes, ("noise", "bouts"), ("jitter of a keypoint (px; body 85 px)", "labelled bouts"), strict=True
    ):
        for name, part in table[table["curve"] == kind].groupby("method", sort=False):
            axis.plot(part["x"], part["f1"], "o-", ms=4, lw=1.8, color=colours[str(name)], label=name)
        axis.set_xlabel(label)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[1].set_xscale("log")
    ticks = sorted(set(table[table["curve"] == "bouts"]["x"]))
    axes[1].set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes[1].minorticks_off()
    axes[0].set_ylabel("macro frame F1, new pairs")
    axes[0].set_ylim(0, 1)
    axes[1].legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=list(METHODS))
    parser.add_argument("--figure", type=Path, default=Path("docs/images/supervised_curves.png"))
    parser.add_argument("--keep", type=Path, help="folder of outcomes: those found there are not run again")
    args = parser.parse_args()
    table = curves(args.methods, args.keep)
    print(table.pivot_table(index=["curve", "x"], columns="method", values="f1").to_string(float_format="%.3f"))
    one = table[(table["curve"] == "noise") & (table["x"] == 1)].set_index("method")
    print(one[[b for b in BEHAVIOURS if b in one]].T.to_string(float_format="%.3f"))
    draw(table, args.figure)


if __name__ == "__main__":
    main()
