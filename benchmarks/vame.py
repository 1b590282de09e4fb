"""VAME: seconds an epoch, what its latent tells about planted behaviour, and whole runs on real recordings.

``python -m benchmarks.vame [speed] [probe] [bsoid_openfield] [three_chamber]``. `speed`: 27,000 windows of 30 + 15
rows, batch 256, the original's sizes (vame-py 0.13 takes 252 CPU-s an epoch on the same kind of machine). `probe`:
balanced logistic regression of the simulated behaviours from latents of unseen animals. The others: whole data sets.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

import murid
from benchmarks._outcome import data_dir
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.ethogram.exclusive import to_exclusive
from murid.evaluate.latent import linear_probe

BEHAVIOURS = ("walk", "rest", "rear", "groom")


def speed(n_steps: int = 4) -> None:
    """Time some steps of each network and scale to an epoch."""
    import torch

    from murid.learn.nets.batches import Windows
    from murid.learn.nets.loop import TrainParams, train
    from murid.learn.nets.vame import VameNetParams, loss_terms, make_vame_net

    rng = np.random.default_rng(0)
    source = Windows([np.cumsum(rng.normal(size=(27_044, 9)), axis=0).astype(np.float32) / 30], 45)
    params = TrainParams(epochs=1, batch=256, drop_last=True, lr=5e-4, optimizer="amsgrad", device="cpu")
    for kind in ("gru", "conv"):
        net = make_vame_net(9, VameNetParams(kind=kind))
        steps = n_steps if kind == "gru" else 10 * n_steps
        with silent():
            train(net, loss_terms, source, params.replace(max_steps=1))
            start = time.process_time()
            train(net, loss_terms, source, params.replace(max_steps=steps))
        each = (time.process_time() - start) / steps
        n_weights = sum(w.numel() for w in net.parameters())
        epoch = each * 105
        print(
            f"{kind}: {n_weights:,} weights, {each:.3f} CPU-s a step of 256, {epoch:.0f} CPU-s an epoch of 27,000 "
            f"windows; the original 252 ({252 / epoch:.1f} times)",
            flush=True,
        )
    print(f"torch {torch.__version__}, one thread")


def animals(seeds: range, duration_s: float = 90.0) -> list[Recording]:
    options = {"duration_s": duration_s, "fps": 30, "behaviours": BEHAVIOURS}
    return [simulate.recording("open_field", seed=s, id=f"r{s}", animal=f"a{s}", **options) for s in seeds]


def codes(recording: Recording) -> np.ndarray:
    states = recording.labels.to_states(recording.poses["time"].values, list(BEHAVIOURS))
    return to_exclusive(states, none="none").values[:, 0]


def onehot(out) -> np.ndarray:
    x = out["states"].values[:, 0]
    return np.where(x[:, None] < 0, np.nan, np.eye(int(out["states"].values.max()) + 1)[np.maximum(x, 0)])


def probe(seeds: int = 1, steps: int | None = None, gru: Sequence[int] = ()) -> None:
    """Compare what latents tell about planted behaviours of unseen animals.

    `steps` shortens the training; `gru` are numbers of steps after which the published network is asked, too: one takes
    as long as about 48 of the default's (`speed`), of which there are 600 here.
    """
    from murid.learn.nets.vame import default_training

    published = {n: default_training("gru", 7_000).replace(max_steps=n, patience=None) for n in gru}
    train_params = {"epochs": 50, "max_steps": steps, "lr": 2e-3, "schedule": "cosine", "warmup": 0.05, "clip": 50.0}
    short = {"segment": "kmeans", **({"train": train_params} if steps else {})}
    rows = []
    for seed in range(seeds):
        train, test = animals(range(10 * seed, 10 * seed + 3)), animals(range(10 * seed + 5, 10 * seed + 7))
        truth = [np.concatenate([codes(r) for r in part]) for part in (train, test)]
        for name, method in (
            ("kmeans on PCA", murid.method("kmeans", seed=seed)),
            ("vame, posture alone", murid.method("vame", seed=seed, movement=False, **short)),
            ("vame", murid.method("vame", seed=seed, **short)),
            *(
                (f"vame, gru {n} steps", murid.method("vame", seed=seed, net="gru", segment="kmeans", train=train))
                for n, train in published.items()
            ),
        ):
            start = time.process_time()
            with silent(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outs = [[method.apply(r) for r in part] for part in (train, test) if method.fitted or method.fit(train)]
            spent = time.process_time() - start
            for what, read in (("latent", lambda o: o["latent"].values[:, 0]), ("motifs", onehot)):
                x = [np.concatenate([read(o) for o in part]) for part in outs]
                width = min(a.shape[1] for a in x)
                f1 = linear_probe((x[0][:, :width], truth[0]), (x[1][:, :width], truth[1]))["macro_f1"]
                rows.append({"method": name, "read from": what, "seed": seed, "macro_f1": f1, "cpu_s": spent})
                print(rows[-1], flush=True)
    print(pd.DataFrame(rows).groupby(["method", "read from"], sort=False)[["macro_f1", "cpu_s"]].mean().round(3))


#: Data set → pattern of its files, frame rate (not in the files).
REAL = {"bsoid_openfield": ("*.csv.gz", 60.0), "three_chamber": ("poses/*.csv.gz", 15.0)}


def real_recordings(name: str) -> list[Recording]:
    """The recordings of a data set; poses are read when they are asked for."""
    pattern, fps = REAL[name]
    paths = sorted((data_dir() / name).glob(pattern))
    return [Recording(p.name[:24].strip("_"), poses=lambda p=p: murid.read_poses(p, fps=fps)) for p in paths]


def real(name: str) -> None:
    """Fit and apply the defaults to a whole data set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recordings = real_recordings(name)
        start = time.process_time()
        with silent():
            method = murid.method("vame").fit(recordings)
            fitted = time.process_time() - start
            outs = []
            for recording in recordings:
                outs.append(method.apply(recording))
                recording.forget()
        groups, _ = method.communities(outs)
    frames = sum(o.sizes["time"] for o in outs)
    history = method.facts["history"]
    print(
        f"{name}: {len(recordings)} recordings, {frames:,} frames: fit {fitted / 60:.1f} CPU-min, with apply "
        f"{(time.process_time() - start) / 60:.1f}; {len(history)} epochs, held-out loss "
        f"{history[-1].get('valid_loss', np.nan):.3g}; communities {sorted(groups.value_counts().tolist())}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"speed": speed, "probe": probe, **{name: partial(real, name) for name in REAL}}
    parser.add_argument("parts", nargs="*", default=list(parts))
    parser.add_argument("--steps", type=int, help="of the probe's trainings; the default's own by default")
    parser.add_argument("--gru", type=int, nargs="*", default=(), help="steps of the published network in the probe")
    parser.add_argument("--seeds", type=int, default=1, help="sets of simulated mice in the probe")
    args = parser.parse_args()
    parts["probe"] = partial(probe, seeds=args.seeds, steps=args.steps, gru=args.gru)
    for part in args.parts:
        print(f"\n-- {part}", flush=True)
        parts[part]()


if __name__ == "__main__":
    main()
