"""Supported rears in two open-field recordings of 80 s: learn one, score the other, against each of three raters.

``python -m benchmarks.rearing [method ...] [--learn own|majority]``. Both recordings are used both ways and pooled; a
method learns from the rater it is scored against, or from what two of the three raters say. People with each other on
the whole videos: F1 .88-.91; on these two stretches as printed.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import murid
from benchmarks._outcome import data_dir, scored
from murid.data.labels import Labels
from murid.data.progress import silent
from murid.data.zones import Zone, Zones
from murid.evaluate import agreement, frames

FPS, SECONDS = 25.0, 1998 / 25.0
RATERS = ("Furkan", "Jin", "Oliver")
METHODS = ("gbdt", "simba", "jaaba", "dlcanalyzer", "mars")
CORNERS = ("tl", "tr", "br", "bl")


def recordings(folder: Path) -> list[murid.Recording]:
    """The two recordings, with the arena's corners as a zone and the labels of all raters."""
    table = pd.read_csv(folder / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz", sep=";")
    table = table[~table["type"].isin(("StartEnd", "Start/End", "_DEFAULT"))].dropna(subset=["from", "to"])
    table = table.rename(columns={"from": "start_s", "to": "stop_s", "type": "label", "Experimenter": "rater"})
    out = []
    for path in sorted((folder / "oft_pose_fixture").glob("*.csv.gz")):
        mine = table[(table["DLCFile"] == path.name.removesuffix(".gz")) & (table["start_s"] < SECONDS)]
        bouts = mine[["start_s", "stop_s", "label", "rater"]].reset_index(drop=True)
        bouts["stop_s"] = bouts["stop_s"].clip(upper=SECONDS)
        labels = Labels.from_bouts(bouts, duration_s=SECONDS)
        poses = murid.read_poses(path, fps=FPS)
        corners = np.stack([np.nanmedian(poses["position"].sel(keypoint=c).values[..., 0], axis=0) for c in CORNERS])
        body = [k for k in map(str, poses["keypoint"].values) if k not in (*CORNERS, "centre")]
        arena = Zones([Zone("arena", polygon=corners, kind="arena")])
        out.append(
            murid.Recording(path.name[:8].strip("_"), poses=poses.sel(keypoint=body), labels=labels, zones=arena)
        )
    return out


def majority(recording: murid.Recording) -> murid.Recording:
    """The recording with what most raters say as its only labels."""
    states = agreement.consensus(recording.labels, recording.poses["time"].values, ["Supported"])
    return recording.replace(labels=Labels.from_states(states))


def outputs_of(method: str, params: dict[str, Any], pair: list[murid.Recording], rater: str) -> list[xr.Dataset]:
    """States of each recording by a method that learnt from the other."""
    found = []
    for test in (0, 1):
        train = majority(pair[1 - test]) if rater == "majority" else pair[1 - test]
        chosen = {} if rater == "majority" else {"rater": rater}
        options = {"behaviours": ("Supported",), "others": "negative", "seed": 0}
        found.append(murid.method(method, **options, **chosen, **params).fit(train).apply(pair[test]))
    return found


def f1(outputs: list[xr.Dataset], pair: list[murid.Recording], rater: str) -> tuple[float, list[float]]:
    """Pooled and single frame F1 of supported rears."""
    score = scored(pair, outputs, behaviours=["Supported"], others="negative", rater=rater)
    return score.table.at["Supported", "f1"], list(score.recordings["f1"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=list(METHODS))
    parser.add_argument("--learn", choices=("own", "majority"), default="own")
    parser.add_argument("--params", type=json.loads, default={}, help='JSON, e.g. {"sample_hz": 25}')
    args = parser.parse_args()
    pair = recordings(data_dir())
    for a, b in combinations(RATERS, 2):
        cells = []
        for r in pair:
            states = [
                r.labels.select(rater=x).to_states(r.poses["time"].values, ["Supported"], others="negative")
                for x in (a, b)
            ]
            cells.append(frames.counts(*(s.values for s in states)))
        print(f"{a} and {b}: F1 {float(frames.f1_of(np.sum(cells, axis=0))[0]):.3f}")
    params = {"sample_hz": FPS, **args.params}
    for name in args.methods:
        cpu = time.process_time()
        outputs: list[xr.Dataset] = []
        for rater in RATERS:
            with silent(), warnings.catch_warnings():
                # One recording to learn from: folds are blocks of it, and the method says so.
                warnings.simplefilter("ignore")
                if args.learn == "own" or not outputs:
                    outputs = outputs_of(name, params, pair, rater if args.learn == "own" else "majority")
                pooled, single = f1(outputs, pair, rater)
            print(f"{name:12s} {rater:8s} F1 {pooled:.3f}  ({', '.join(f'{v:.3f}' for v in single)})", flush=True)
        print(f"{name:12s} {time.process_time() - cpu:.0f} CPU-s", flush=True)


if __name__ == "__main__":
    main()
