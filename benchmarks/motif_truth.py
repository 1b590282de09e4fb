"""Motif methods on simulated animals whose syllables are known.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.motif_truth``. Animals of one vocabulary (30 syllables of 300 ms
median) at 30 frames/s; tracks are exact, with 1 px jitter, or with 3 px jitter and 10 % of the keypoints missing
in bursts (a mouse is 85 px long; tail points jitter twice as much). Methods are fitted without labels on all
animals and scored on one more that they have not seen. ``ceiling`` is what the model class can reach: an AR-HMM
whose dynamics and transitions are those of the true labels, on the features of `syllables`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

import murid
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.evaluate.bouts import boundary_cells
from murid.learn.embed.persistent import fit_persistent
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.methods.motifs.body_points import shared_points

NOISE: dict[str, dict[str, float]] = {
    "exact": {"jitter_px": 0.0, "occlusions_per_min": 0.0, "jumps_per_min": 0.0},
    "1 px": {"jitter_px": 1.0, "occlusions_per_min": 0.0, "jumps_per_min": 0.0},
    "3 px, 10 % missing": {"jitter_px": 3.0, "occlusions_per_min": 20.0, "jumps_per_min": 1.0},
}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "syllables": ("syllables", {}),
    "moseq": ("moseq", {}),
    "moseq, 1 row": ("moseq", {"lags_s": 1 / 30}),
    "moseq, slds": ("moseq", {"model": "slds"}),
    "kmeans": ("kmeans", {"n_motifs": 30}),
    "pyrat": ("pyrat", {"n_motifs": 30}),
    "pyrat, gaps closed": ("pyrat", {"n_motifs": 30, "gap_s": 1 / 3}),
    "alphatracker": ("alphatracker", {"n_motifs": 30}),
    "bsoid": ("bsoid", {}),
    "motionmapper": ("motionmapper", {}),
}
CEILING = "ceiling"


def animals(n: int, minutes: float, noise: str, seed: int = 0) -> list[tuple[Recording, np.ndarray]]:
    """Recordings of `n` animals of one vocabulary, and the true syllable of each frame."""
    out = []
    for animal in range(n):
        poses, states = simulate.syllable_poses(minutes * 60, 30.0, seed=seed, animal=animal)
        clean = Recording(f"a{animal}", poses=poses)
        corruption = simulate.Corruption(occlusion_s=0.25, occluded="nan", **NOISE[noise])
        out.append((simulate.corrupt(clean, corruption, seed=animal), states.values[:, 0]))
    return out


class Ceiling:
    """AR-HMM given the syllables of the animals it learns from."""

    def __init__(self, lags: int = 1) -> None:
        self.lags = lags

    def fit(self, data: list[tuple[Recording, np.ndarray]]) -> Ceiling:
        """Estimate dynamics and transitions of each syllable from the frames that have it."""
        self.described = murid.method("syllables")
        self.described.facts = {"points": shared_points([r for r, _ in data])}
        self.described._prepare([r for r, _ in data])
        tables = [self.table(r) for r, _ in data]
        self.components = fit_persistent(tables, rank=tables[0].shape[1] - 3)
        params = ArHmmParams(
            n_states=30, lags=self.lags, kappa=0.0, em_iterations=0, sweeps=0, draws=0, merge=False, prune=False
        )
        features = [self.components.transform(t).astype(np.float32) for t in tables]
        self.model = fit_arhmm(features, params, labels=np.concatenate([t for _, t in data]))
        return self

    def table(self, recording: Recording) -> np.ndarray:
        """Aligned posture (row, feature)."""
        return self.described._describe(next(self.described.tracks(recording)))

    def codes(self, recording: Recording) -> np.ndarray:
        """Most likely syllables (time,)."""
        return self.model.predict(self.components.transform(self.table(recording)).astype(np.float32))


def row(method: str, noise: str, data, seed: int, workers: int) -> dict[str, Any]:
    """Fit one method; score it on the animals it saw and on the last one, which it did not see."""
    seen, unseen = data[:-1], data[-1]
    start = time.process_time()
    if method == CEILING:
        ceiling = Ceiling().fit(seen)
        seconds, n_motifs = time.process_time() - start, ceiling.model.n_states
        codes = [ceiling.codes(r) for r, _ in data]
    else:
        name, params = METHODS[method]
        threads = {"workers": workers} if name in ("syllables", "moseq") else {}
        with silent():
            fitted = murid.method(name, seed=seed, **params, **threads).fit([r for r, _ in seen])
        seconds, n_motifs = time.process_time() - start, fitted.n_motifs
        codes = [fitted.apply(r)["states"].values[:, 0] for r, _ in data]
    truth = [t for _, t in data]
    scores = [adjusted_rand_score(t[c >= 0], c[c >= 0]) for t, c in zip(truth, codes, strict=True)]
    edges = [np.flatnonzero(np.diff(x)) / 30 for x in (truth[-1], codes[-1])]
    hit, extra, missed, _ = (int(v) for v in boundary_cells(*edges, tolerance_s=0.1))
    return {
        "method": method,
        "noise": noise,
        "ari": float(np.mean(scores[:-1])),
        "ari_unseen": scores[-1],
        "boundary_f1": 2 * hit / max(2 * hit + missed + extra, 1),
        "n": n_motifs,
        "labelled": float(np.mean([(c >= 0).mean() for c in codes])),
        "median_ms": 1000 * float(np.median(np.diff(edges[1]))) if len(edges[1]) > 1 else float("nan"),
        "cpu_s": seconds,
        "codes": codes[-1],
        "unseen": unseen[0].id,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0, help="of each animal")
    parser.add_argument("--animals", type=int, default=4, help="the last one is not seen in the fit")
    parser.add_argument("--methods", nargs="*", default=["syllables", "moseq", "kmeans"], choices=[CEILING, *METHODS])
    parser.add_argument("--noise", nargs="*", default=list(NOISE), choices=list(NOISE))
    parser.add_argument("--seeds", type=int, default=2, help="fits of each method; the agreement between them is shown")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    print(f"{args.animals - 1} animals of {args.minutes:g} min seen, one not; 30 syllables, median 300 ms, 30 frames/s")
    head = ("method", "noise", "ARI", "unseen", "bound.", "states", "median", "label", "seeds", "CPU")
    print(f"{head[0]:18s} {head[1]:20s} " + " ".join(f"{h:>7s}" for h in head[2:]))
    for noise in args.noise:
        data = animals(args.animals, args.minutes, noise)
        for method in args.methods:
            rows = [row(method, noise, data, seed, args.workers) for seed in range(args.seeds)]
            pairs = [adjusted_rand_score(rows[0]["codes"], r["codes"]) for r in rows[1:]]
            mean = {k: float(np.mean([r[k] for r in rows])) for k in rows[0] if isinstance(rows[0][k], (int, float))}
            print(
                f"{method:18s} {noise:20s} {mean['ari']:7.3f} {mean['ari_unseen']:7.3f} {mean['boundary_f1']:7.3f} "
                f"{mean['n']:7.1f} {mean['median_ms']:4.0f} ms {mean['labelled']:7.1%} "
                f"{np.mean(pairs) if pairs else float('nan'):7.3f} {mean['cpu_s']:5.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
