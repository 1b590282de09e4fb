"""The supervised methods on rat dyads: train on sessions 1-40, test on 41-48.

``python -m benchmarks.rat_social [method ...] [--stream S1|S2] [--find] [--leaky]``; ``plain`` is LightGBM on 26
hand-made features. No session is on both sides. Frames labelled ``base`` (neither behaviour) are left out, so S2 asks
which of seven kinds of aggression a frame shows; ``--find`` counts them as absence of all, so that the aggression must
be found too. ``--inside`` scores the training sessions instead, each by folds that had not seen it (thresholds and
smoothing are tuned on the same frames, for every method alike): forty sessions tell methods apart better than eight.
``--leaky`` adds gbdt's score for a split by random frames of all sessions, to
show by how much it flatters. ``--keep FOLDER`` stores outcomes, so that methods can run one at a time.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import murid
from benchmarks._outcome import data_dir, describe, keep, kept, outcome, scored, table
from benchmarks._plain import Plain
from murid.data.progress import silent
from murid.evaluate import folds, frames

FPS = 24.0
CLASSES = {
    "S1": ["social", "nonsocial", "aggression"],
    "S2": ["keepdown", "lateralthreat", "clinch", "uprightposture", "freezing", "chase", "bite"],
}
#: Frames a second that every method learns from, and folds. Neighbours are near copies; labels change every 9 s (S1)
#: and 1.5 s (S2).
SAMPLE_HZ, FOLDS = {"S1": 2.0, "S2": 4.0}, 3
#: A fifth of the forest's work: 100 trees of 8,000 frames instead of 300 of 20,000.
LIGHTER: dict[str, dict[str, Any]] = {"simba": {"forest": {"n_trees": 100, "max_rows": 8000, "n_threads": 1}}}


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


def build(name: str, stream: str, params: dict[str, Any]) -> Any:
    params = {"sample_hz": SAMPLE_HZ[stream], **params}
    if name == "plain":
        return Plain(CLASSES[stream], stream, **params)
    return murid.method(
        name, behaviours=CLASSES[stream], stream=stream, seed=0, **{"folds": FOLDS, **LIGHTER.get(name, {}), **params}
    )


def inside(method: Any, train: Sequence[murid.Recording], **scoring: Any) -> dict[str, Any]:
    """Fit, and score every training session by what folds without it said."""
    cpu = time.process_time()
    with silent():
        method.fit(train)
    fit = time.process_time() - cpu
    outputs = []
    for r in train:
        found = method.out_of_fold[f"{r.id}/all"]
        model = method.model
        states = model.with_unlearnt(method.recipe().to_states(model.decision, model.refiner(found)))
        outputs.append(xr.Dataset({"states": states, "probability": found}))
    return {
        **scored(train, outputs, **scoring).to_dict(),
        "fit_cpu_s": fit,
        "apply_fps": np.nan,
        "apply_cpu_s": 0,
        "frames": 0,
    }


def leaky(recordings: Sequence[murid.Recording], stream: str, params: dict[str, Any]) -> str:
    """F1 of gbdt's features and trees when frames, not sessions, are split: INFLATED."""
    from murid.learn.classify.boost import TopFeatures, binned, fit_boosters
    from murid.methods.supervised import stages

    method = build("gbdt", stream, params)
    recipe, labelling = method.recipe(), method.labelling()
    material = stages.gather(recipe, recipe.features, stages.labelled(recipe, recordings, labelling), labelling)
    targets, weights = material.targets, material.weights
    columns = TopFeatures.of(material.features).choose(targets, method.params.n_features, weights=weights)
    features = np.ascontiguousarray(material.features[:, columns])
    data, said = binned(features), np.zeros_like(targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = folds.leaky_frames(len(targets), 4, seed=0)[:1]
    for train, test in parts:
        fitted = fit_boosters(data, targets, CLASSES[stream], weights=weights, rows=train, params=method.params.trees)
        p = fitted.predict(features[test])
        said[test] = (p.argmax(axis=1)[:, None] == np.arange(targets.shape[1])) & ((stream == "S1") | (p >= 0.5))
    test = parts[0][1]
    f1 = frames.f1_of(frames.counts(targets[test][:, None], said[test][:, None]))
    each = ", ".join(f"{b} {v:.3f}" for b, v in zip(CLASSES[stream], f1, strict=True))
    return f"\nLEAKY, a split by random frames, not a measure of performance: gbdt macro F1 {f1.mean():.3f} ({each})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=["gbdt"])
    parser.add_argument("--train", type=span, default=span("1-40"))
    parser.add_argument("--test", type=span, default=span("41-48"))
    parser.add_argument("--stream", choices=list(CLASSES), default="S1")
    parser.add_argument("--find", action="store_true", help="frames of none of the behaviours are examples of absence")
    parser.add_argument("--inside", action="store_true", help="score the training sessions, out-of-fold")
    parser.add_argument("--params", type=json.loads, default={}, help='JSON, e.g. {"sample_hz": 2}')
    parser.add_argument("--leaky", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder of outcomes: those found there are not run again")
    args = parser.parse_args()
    folder = data_dir() / "rat_social"
    train, test = ([session(n, folder) for n in numbers] for numbers in (args.train, args.test))
    if args.stream == "S2":
        train, test = ([r for r in side if "S2" in r.labels.streams] for side in (train, test))
    print(f"stream {args.stream}: train {len(train)} sessions, test {len(test)} ({', '.join(r.id for r in test)})")
    extra = {"others": "negative"} if args.find else {}
    found = {}
    for name in args.methods:
        key = f"{args.stream}{'_find' if args.find else ''}{'_inside' if args.inside else ''}_{name}"
        one = kept(args.keep, key)
        if one is None:
            method = build(name, args.stream, {**extra, **args.params})
            scoring = {"behaviours": CLASSES[args.stream], "stream": args.stream, **extra}
            one = inside(method, train, **scoring) if args.inside else outcome(method, train, test, **scoring)
            keep(args.keep, key, one)
        found[name] = one
        print(describe(name, one), flush=True)
    if found:
        print(table(found, {r.id: r.animal for r in [*train, *test]}))
    if args.leaky:
        print(leaky([*train, *test], args.stream, args.params))


if __name__ == "__main__":
    main()
