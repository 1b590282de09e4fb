"""`gbdt` and the other supervised methods on rat dyads: train on sessions 1-40, test on 41-48.

Run with ``python -m benchmarks.rat_social [method ...] [--leaky] [--train 1-40] [--stream S1|S2]``. Every
session is another pair of animals or another day, so the split shares no recording. ``--leaky`` adds the
score of a split by random frames, to show by how much it flatters.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import psutil

import murid
from murid import evaluate
from murid.data.progress import silent

FPS = 24.0
CLASSES = {
    "S1": ["social", "nonsocial", "aggression"],
    "S2": ["keepdown", "lateralthreat", "clinch", "uprightposture", "freezing", "chase", "bite"],
}


def data_dir() -> Path:
    return Path(os.environ.get("MURID_DATA", Path(__file__).parents[2] / "shared" / "data"))


def session(number: int, folder: Path) -> murid.Recording:
    poses = next((folder / "poses").glob(f"{number}DLC_*.csv.gz"))
    return murid.Recording(
        f"s{number:02d}",
        poses=lambda: murid.read_poses(poses, fps=FPS),
        labels=murid.read_labels(folder / "annotations" / f"{number}_annot.txt", fps=FPS),
    )


def span(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def run(name: str, params: dict, train: list, test: list, stream: str) -> dict:
    extra = {"others": "negative"} if stream == "S2" else {}
    method = murid.method(name, behaviours=CLASSES[stream], stream=stream, seed=0, **extra, **params)
    with silent():
        start, cpu = time.perf_counter(), time.process_time()
        method.fit(train)
        fit_s, fit_cpu = time.perf_counter() - start, time.process_time() - cpu
        start = time.perf_counter()
        outputs = [method.apply(recording) for recording in test]
    frames = sum(r.poses.sizes["time"] for r in test)
    truth = [r.labels.select(stream=stream) for r in test]
    score = evaluate.score_many(
        list(zip(truth, outputs, strict=True)), behaviours=CLASSES[stream], recordings=[r.id for r in test], **extra
    )
    print(f"\n{name} {json.dumps(params)}  train {len(train)} sessions, test {len(test)}, stream {stream}")
    print(score)
    print(f"fit {fit_s:.0f} s ({fit_cpu:.0f} CPU-s), apply {frames / (time.perf_counter() - start):,.0f} frames/s, "
          f"peak {psutil.Process().memory_info().rss / 2**30:.1f} GiB")  # fmt: skip
    print("decision", method.decision)
    return {"macro_f1": score.f1, "accuracy": score.accuracy}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=["gbdt"])
    parser.add_argument("--train", type=span, default=span("1-40"))
    parser.add_argument("--test", type=span, default=span("41-48"))
    parser.add_argument("--stream", choices=list(CLASSES), default="S1")
    parser.add_argument("--params", type=json.loads, default={}, help='JSON, e.g. {"sample_hz": 4}')
    args = parser.parse_args()
    folder = data_dir() / "rat_social"
    train = [session(n, folder) for n in args.train]
    test = [session(n, folder) for n in args.test]
    if args.stream == "S2":
        train = [r for r in train if "S2" in r.labels.streams]
        test = [r for r in test if "S2" in r.labels.streams]
    for name in args.methods:
        run(name, args.params, train, test, args.stream)


if __name__ == "__main__":
    main()
