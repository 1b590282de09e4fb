"""What the published parts of motif methods that are options change, on one recording each.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.published_parts motionmapper DATASET`` (stays, frames outside the hull
of their neighbours), ``… bsoid DATASET`` (likelihoods, noise bins, report on unseen bins, coherence of shifted bins),
``… views DATASET`` (how faithful the views of `pyrat` and `alphatracker` are) or ``… likelihoods DATASET`` (each
point's own threshold in the first recording), with DATASET ``simulated`` (six syllables of .6 s, two animals of 80 s,
30 frames/s, 1 px of jitter; a third is scored) or one of `benchmarks.motifs_real`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

import murid
from benchmarks.motifs_real import DATASETS
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.prepare.likelihood import hold_unlikely

#: Quick maps.
MAP = {"n_templates": 800, "per_track": 800, "iterations": 400}


def recordings(name: str) -> tuple[list[Recording], Recording, np.ndarray | None]:
    """Recordings to learn from, one to label, and its true syllables where they are known."""
    if name != "simulated":
        found = DATASETS[name].recordings()[:2]
        return found, found[-1], None
    made, truth = [], []
    for animal in range(3):
        poses, states = simulate.syllable_poses(80.0, 30.0, seed=3, animal=animal, n_states=6, median_s=0.6)
        one = Recording(f"r{animal}", poses=poses, animal=f"a{animal}")
        made.append(simulate.corrupt(one, jitter_px=1.0, occlusions_per_min=0.0, jumps_per_min=0.0, seed=animal))
        truth.append(states.values[:, 0])
    return made[:2], made[2], truth[2]


def ari(a: np.ndarray, b: np.ndarray | None) -> str:
    """Agreement in words; a frame without label counts as a label of its own."""
    return "" if b is None else f"{adjusted_rand_score(a, b):.3f}"


def stays(known: list[Recording], new: Recording) -> None:
    """Rules of stays on one map."""
    with silent():
        model = murid.method("motionmapper", **MAP).fit(known)
    print("outside the hull: ", model.facts["evidence"]["outside_hull"], "of the frames of the fit")
    track = next(iter(model.tracks(new)))
    table = model._describe(track)
    base = None
    for changes in (
        {},
        {"outside": "kept"},
        {"outside": "unlabelled"},
        {"stay_s": 0.0},
        {"stay_s": 0.2},
        {"stays": "all"},
    ):
        other = murid.method("motionmapper", **{**MAP, "transit": "unlabelled", **changes})
        other.parts, other.facts = model.parts, model.facts
        codes = other._label(track, table).codes
        base = codes if base is None else base
        edges = np.flatnonzero(np.diff(codes)) + 1
        length = np.diff([0, *edges, len(codes)])[codes[[0, *edges]] >= 0] / track.fps
        print(
            f"{changes!s:28s} labelled {(codes >= 0).mean():.3f}, median stay {np.median(length):.3f} s, under .05 s "
            f"{(length < 0.05).mean():.2f}, ARI to the default {ari(codes, base)}",
            flush=True,
        )


def bins(known: list[Recording], new: Recording, truth: np.ndarray | None) -> None:
    """Options of `bsoid`."""
    from murid.methods.motifs.frame_shift import frame_shift_coherence

    base = None
    for changes in ({}, {"likelihood": "histogram"}, {"noise_bins": "soft"}, {"folds": 10}):
        start = time.process_time()
        with silent():
            model = murid.method("bsoid", **{"max_bins": 4000, **changes}).fit(known)
        spent = time.process_time() - start
        codes = model.apply(new)["states"].values[:, 0]
        base = codes if base is None else base
        found = model.facts["evidence"]
        recall = [r["recall"] for r in found["forest_held_out"]["motifs"] if r["recall"] is not None]
        print(
            f"{changes!s:28s} {model.n_motifs} motifs, noise {found['noise_share']:.2f}, "
            f"taught {found['taught_share']:.2f}, "
            f"held-out accuracy {found['forest_held_out_accuracy']:.3f} (most used motif "
            f"{found['forest_held_out']['chance']:.2f}), median recall {np.median(recall):.2f}, ARI truth "
            f"{ari(codes, truth)}, to the default {ari(codes, base)}, {spent:.0f} CPU-s",
            flush=True,
        )
        if not changes:
            print(frame_shift_coherence(model, [new]).round(3).to_string(index=False), flush=True)


def views(known: list[Recording], new: Recording) -> None:
    """Fidelity of each view."""
    from murid.methods.motifs.views import motif_view

    for name in ("pyrat", "alphatracker"):
        params: dict[str, Any] = {"n_motifs": 12}
        with silent():
            model = murid.method(name, **params).fit(known)
        out = model.apply(new)
        for kind in ("tsne", "umap", "pca"):
            start = time.process_time()
            view = motif_view([out], kind=kind, metric="correlation" if name == "alphatracker" else "euclidean")
            spent = time.process_time() - start
            print(name, kind, {k: round(v, 3) for k, v in view.quality.items()}, f"{spent:.1f} CPU-s", flush=True)


def likelihoods(recording: Recording) -> None:
    """Thresholds that the points of a file have by its own likelihoods."""
    table = hold_unlikely(recording.need("poses"))[1]
    least, most = table[["threshold", "held"]].min(), table[["threshold", "held"]].max()
    print(
        f"{recording.id}: {len(table)} points, thresholds {least['threshold']:.4f} to {most['threshold']:.4f}, "
        f"held {least['held']:.4f} to {most['held']:.3f} of the frames"
    )


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["motionmapper", "bsoid", "views", "likelihoods"])
    parser.add_argument("dataset", choices=["simulated", *DATASETS], nargs="?", default="simulated")
    args = parser.parse_args()
    known, new, truth = recordings(args.dataset)
    if args.what == "motionmapper":
        stays(known, new)
    elif args.what == "bsoid":
        bins(known, new, truth)
    elif args.what == "likelihoods":
        likelihoods(known[0])
    else:
        views(known, new)


if __name__ == "__main__":
    main()
