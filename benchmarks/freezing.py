"""Freezing of one mouse in fear conditioning against a person's labels: the rule and the classifiers.

``python -m benchmarks.freezing [method ...]``. Classifiers learn from one half (about 60 s) and are scored on the
other, both ways, pooled. The published tool reaches F1 .903 with thresholds of its authors for this very video.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import murid
from benchmarks._outcome import data_dir, scored
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.progress import silent
from murid.data.states import make_states
from murid.prepare import calibrate

FPS, PX_PER_CM = 50.0, 32.0
METHODS = ("rules", "gbdt", "simba", "jaaba", "dlcanalyzer", "mars")


def halves(folder: Path) -> list[murid.Recording]:
    """First and second half as two recordings of one animal."""
    poses = murid.read_poses(folder / "demo1_tracking.csv.gz", fps=FPS)
    with h5py.File(folder / "hB_demo1_manual_annotations.mat.mat") as file:
        human = np.asarray(file["hBehavior/Freezing/Vector"]).ravel() == 1
    out = []
    for k, part in enumerate(np.split(np.arange(len(human)), [uncut(human)])):
        names = {axis: poses[axis].values for axis in ("keypoint", "individual")}
        here = make_poses(
            poses["position"].values[part],
            poses["confidence"].values[part],
            fps=FPS,
            keypoints=names["keypoint"],
            individuals=names["individual"],
            unit="px",
        )
        here = calibrate(here, px_per_cm=PX_PER_CM)
        truth = make_states(
            human[part][:, None, None].astype(np.int8), here["time"].values, ["freezing"], [str(names["individual"][0])]
        )
        out.append(murid.Recording(f"half_{k + 1}", animal="mouse", poses=here, labels=Labels.from_states(truth)))
    return out


def uncut(human: np.ndarray) -> int:
    """Frame nearest to the middle with a second of no freezing to either side: a cut bout is neither's."""
    clear = np.convolve(human, np.ones(2 * int(FPS) + 1), "same") == 0
    return int(min(np.flatnonzero(clear), key=lambda frame: abs(frame - len(human) // 2)))


def outputs(name: str, params: dict[str, Any], pair: list[murid.Recording]) -> list[Any]:
    """States of each half by a method that learnt from the other."""
    if name == "rules":
        rule = murid.method("rules", behaviours=("freezing",), **params)
        return [rule.apply(half) for half in pair]
    params = {"sample_hz": FPS / 2, **params}
    return [
        murid.method(name, behaviours=("freezing",), seed=0, **params).fit(pair[1 - k]).apply(pair[k]) for k in (0, 1)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=list(METHODS))
    parser.add_argument("--params", type=json.loads, default={}, help='JSON, e.g. {"sample_hz": 25}')
    args = parser.parse_args()
    pair = halves(data_dir() / "behaviordepot" / "demo1")
    for name in args.methods:
        cpu = time.process_time()
        with silent(), warnings.catch_warnings():
            # One recording to learn from: folds are blocks of it, and the method says so.
            warnings.simplefilter("ignore")
            found = scored(pair, outputs(name, args.params, pair), behaviours=["freezing"], others="negative")
        row, single = found.table.loc["freezing"], ", ".join(f"{v:.3f}" for v in found.recordings["f1"])
        print(
            f"{name:12s} F1 {row['f1']:.3f} ({single})  precision {row['precision']:.3f} recall {row['recall']:.3f}  "
            f"bout F1 {row['bout_f1']:.3f}  {time.process_time() - cpu:.0f} CPU-s",
            flush=True,
        )


if __name__ == "__main__":
    main()
