"""DBM on its authors' operant trials: network against trees, on distances and on place; microstates and their order.

``python -m benchmarks.dbm_operant [--seeds 5] [--only NAME ...] [--inside]``. 57 trials of one mouse (two sessions),
800 steps, 6 points, 9 pseudo-labels of the source; 45 random trials to learn from, 12 to test. The frame rate is not
stated: 10 Hz is assumed, which only names the seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import h5py
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, homogeneity_score

import murid
from benchmarks._outcome import data_dir
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.progress import silent
from murid.data.states import make_states
from murid.ethogram.trials import label_shares, order_test, phases, raster, stack
from murid.methods.base import Method
from murid.methods.self_supervised.pose_inputs import distances

NAMES = ["LEVERSLOT", "LEVER", "PORT", "EATING", "SIPPER", "LOCOMOTION", "WALLS", "RESTING", "OTHER"]
FPS, EVENT_FRAME, N_TRAIN = 10.0, 100, 45
ORDER = ("LEVER", "PORT", "EATING")
COMMON = {"labels_from": "labels", "rate_hz": FPS, "clean": {"smoothing": "none"}, "min_bout_s": 0.0, "scale": "study"}
METHODS = {
    "faithful (lstm)": {"net": "lstm"},
    "improved": {"net": "tcn", "place": "camera"},
    "improved, no place": {"net": "tcn", "place": "none"},
}
#: The published network trained otherwise, for ``--inside``.
PUBLISHED = {"epochs": 100, "batch": 1, "lr": 3e-3, "weight_decay": 1e-4}
VARIANTS = {
    "lstm": {"net": "lstm"},
    "lstm, no L2": {"net": "lstm", "train": {**PUBLISHED, "weight_decay": 0.0}},
    "lstm, two trials a batch": {"net": "lstm", "train": {**PUBLISHED, "batch": 2}},
    "lstm, falling rate": {"net": "lstm", "train": {**PUBLISHED, "schedule": "cosine"}},
    "lstm, half the epochs": {"net": "lstm", "train": {**PUBLISHED, "epochs": 50}},
    "lstm, twice the epochs": {"net": "lstm", "train": {**PUBLISHED, "epochs": 200}},
    "lstm, 20 s sequences": {"net": "lstm", "sequence_s": 20.0, "train": {**PUBLISHED, "batch": 4}},
}


def trials() -> list[murid.Recording]:
    """The 57 trials as recordings."""
    out = []
    with h5py.File(data_dir() / "dbm_operant" / "DBM_sample_data.mat") as file:
        x, y = ([np.asarray(file[r]) for r in file[f"body_parts_{axis}"][0]] for axis in "XY")
        # Categoricals are opaque objects: their codes are the arrays of 800 bytes, in the order of the references.
        opaque = [file[r] for r in file["#subsystem#/MCOS"][0]]
        codes = [np.asarray(o).ravel().astype(np.int16) - 1 for o in opaque if o.dtype == np.uint8 and o.size == 800]
    for k, (a, b, code) in enumerate(zip(x, y, codes, strict=True)):
        position, points = np.stack([a, b], axis=1)[:, :, :, None], [f"point_{i + 1}" for i in range(6)]
        poses = make_poses(
            position, np.ones(a.shape)[:, :, None], fps=FPS, keypoints=points, individuals=["mouse"], unit="px"
        )
        states = make_states(code[:, None], poses["time"].values, NAMES, ["mouse"], source="source")
        out.append(
            murid.Recording(
                f"trial_{k:02d}", animal="mouse", poses=poses, labels=Labels.from_states(states), meta={"codes": code}
            )
        )
    return out


def truth_of(recordings: list[murid.Recording]) -> np.ndarray:
    return np.concatenate([r.meta["codes"] for r in recordings])


def predicted(out: list) -> np.ndarray:
    """Pseudo-label with the highest probability, as a code of `NAMES`."""
    names = [str(n) for n in out[0]["probability"]["behaviour"].values]
    codes = np.array([NAMES.index(n) for n in names])
    return np.concatenate([codes[o["probability"].values[:, 0].argmax(1)] for o in out])


def trees(describe: Callable, train: list, test: list, seed: int) -> np.ndarray:
    """LightGBM at its defaults on rows."""
    import lightgbm

    model = lightgbm.LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1, deterministic=True, force_row_wise=True)
    xy = [[describe(r.poses["position"].values[:, :, :, 0].transpose(0, 2, 1)) for r in part] for part in (train, test)]
    model.fit(np.concatenate(xy[0]), truth_of(train))
    return model.classes_[model.predict_proba(np.concatenate(xy[1])).argmax(1)]


TREES = {"LightGBM, distances": distances, "LightGBM, position": lambda xy: xy.reshape(len(xy), -1)}


def scores(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    here = [k for k in range(len(NAMES)) if (truth == k).any()]
    f1 = f1_score(truth, found, labels=here, average=None, zero_division=0)
    return {
        "accuracy": float((truth == found).mean()),
        "macro_f1": float(f1.mean()),
        **{NAMES[k]: float(v) for k, v in zip(here, f1, strict=True)},
    }


def microstates(method: Method, train: list, test: list, seed: int) -> None:
    """Print how microstates relate to the labels, and the order of the task's phases in all of them."""
    fitted = [method.apply(r) for r in train]
    unseen = [method.apply(r) for r in test]
    micro, truth = (np.concatenate([o["states"].values[:, 0] for o in unseen]), truth_of(test))
    names = [f"microstate_{k:02d}" for k in range(method.n_motifs)]
    learnt = label_shares(np.concatenate([o["states"].values[:, 0] for o in fitted]), truth_of(train), names, NAMES)
    meaning = learnt.fillna(0).to_numpy().argmax(1)
    shares = label_shares(micro, truth, names, NAMES).dropna()
    by_label = np.stack([np.bincount(micro[(truth == k) & (micro >= 0)], minlength=len(names)) for k in range(9)])
    p = by_label / np.maximum(by_label.sum(1, keepdims=True), 1)
    effective = np.exp(-(p * np.log(np.where(p > 0, p, 1))).sum(1))
    print(
        f"\nmicrostates of 12 unseen trials (seed {seed}): {len(shares)} of {len(names)} occur; the commonest label "
        f"holds {shares.max(axis=1).mean():.2f} of a microstate; "
        f"homogeneity {homogeneity_score(truth, micro):.2f}; read as their training label: accuracy "
        f"{(meaning[micro] == truth).mean():.3f}"
    )
    print("effective microstates a label: " + ", ".join(f"{n} {e:.1f}" for n, e in zip(NAMES, effective, strict=True)))
    event = EVENT_FRAME / FPS
    cut = {"before_s": 2.0, "after_s": 69.0}
    rows = {}
    for name, codes in (
        ("source's labels", truth),
        ("network's labels", predicted(unseen)),
        ("microstates, read as labels", meaning[micro]),
    ):
        parts = np.split(codes, len(test))
        made = [
            make_states(c.astype(np.int16)[:, None], r.poses["time"].values, NAMES, ["mouse"], source=name)
            for c, r in zip(parts, test, strict=True)
        ]
        cuts = stack([raster(m, [event], **cut) for m in made], [r.id for r in test])
        order = order_test(cuts, ORDER, n_shuffles=2000)
        table = phases(cuts, ORDER).groupby("phase", sort=False)["latency_s"].median()
        rows[name] = {
            "trials with all": order["trials"],
            "in order": order["share"],
            "chance": order["chance"],
            "p": order["p"],
            **{f"{a[0]}->{b[0]}": v for (a, b), v in order["pairs"].items()},
            **{f"{k} at s": v for k, v in table.items()},
        }
    print(f"order {' -> '.join(ORDER)} after the event:")
    print(pd.DataFrame(rows).T.to_string(float_format=lambda v: f"{v:.3f}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--only", nargs="+", help="names of methods")
    parser.add_argument(
        "--inside",
        action="store_true",
        help="the published network trained otherwise: 36 of the training trials to learn from, 9 to test",
    )
    args = parser.parse_args()
    methods = VARIANTS if args.inside else METHODS
    recordings = trials()
    rows: list[dict] = []
    for seed in range(args.first, args.first + args.seeds):
        order = np.random.default_rng(seed).permutation(len(recordings))
        train, test = ([recordings[i] for i in part] for part in (order[:N_TRAIN], order[N_TRAIN:]))
        if args.inside:
            train, test = train[:-9], train[-9:]
        truth = truth_of(test)
        for name in args.only or [*methods, *([] if args.inside else TREES)]:
            start = time.process_time()
            with silent():
                if name in TREES:
                    found = trees(TREES[name], train, test, seed)
                else:
                    method = murid.method("dbm", seed=seed, **{**COMMON, **methods[name]}).fit(train)
                    found = predicted([method.apply(r) for r in test])
            rows.append({"method": name, "seed": seed, **scores(truth, found), "cpu_s": time.process_time() - start})
            print(
                f"{name:20s} seed {seed}: accuracy {rows[-1]['accuracy']:.3f}, macro F1 {rows[-1]['macro_f1']:.3f}, "
                f"{rows[-1]['cpu_s']:.0f} CPU-s",
                flush=True,
            )
            if seed == 0 and name in METHODS and not args.inside:
                with silent():
                    microstates(method, train, test, seed)
    table = pd.DataFrame(rows).drop(columns="seed").groupby("method", sort=False)
    low, high = (table["accuracy"].agg(kind).map("{:.2f}".format) for kind in ("min", "max"))
    print(f"\nmean over {args.seeds} seeds (split and start):")
    print(table.mean().assign(range=low + "-" + high).to_string(float_format=lambda v: f"{v:.3f}"))


if __name__ == "__main__":
    main()
