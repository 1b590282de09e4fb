"""The same behaviour filmed at 15, 30, 60 and 120 frames/s: does a method say the same?

Run ``OMP_NUM_THREADS=1 python -m benchmarks.frame_rates [method ...]``. Each method is fitted on three animals at 30
frames/s and applied to another one filmed at each rate: one way of the animal, every k-th of its frames, and jitter
of the tracker drawn anew in every frame. ``again`` is the ceiling: the same film at 30 frames/s with jitter drawn
once more; ``later``: with jitter once more and without its first frame, so that what counts from there begins
elsewhere. Figures are the adjusted Rand index of the labels to those of the film at 30 frames/s, by the times of its
frames; a frame without label counts as a label of its own. ``truth``: that of the 30-Hz labels to what was simulated.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.metrics import adjusted_rand_score

import murid
from murid import simulate
from murid.data.clock import nearest_sample
from murid.data.errors import DataError
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.data.states import to_multilabel
from murid.methods.registry import method_class, method_names

RATES = (15.0, 30.0, 60.0, 120.0)
FASTEST, FITTED = max(RATES), 30.0
FILMS = tempfile.TemporaryDirectory(prefix="murid_rates_")
#: Parameters that keep a fit at minutes of one core; everything else stays at its default.
SHORT: dict[str, dict[str, Any]] = {
    "kmeans": {"n_motifs": 8},
    "pyrat": {"n_motifs": 8},
    "alphatracker": {"n_motifs": 8},
    "motionmapper": {"n_templates": 800, "iterations": 400, "max_regions": 12},
    "moseq slds": {"model": "slds", "slds_sweeps": 20},
    "syllables": {"n_starts": 2},
    "dbm": {"n_motifs": 8, "train": {"epochs": 30, "batch": 5, "lr": 0.003}},
    "vame": {"n_motifs": 8, "train": {"epochs": 15, "batch": 128, "lr": 3e-3}},
    "selfee": {"pictures": {"height": 32, "width": 32}, "train": {"epochs": 1, "min_steps": 60, "batch": 64}},
    "behavenet": {"pictures": {"height": 32, "width": 32}, "n_latents": 6, "train": {"epochs": 8, "batch": 32}},
}


@cache
def life(family: str, animal: int, seconds: float) -> Recording:
    """One animal at 120 frames/s: of syllables for motif methods, of named behaviours for the others."""
    if family == "unsupervised":
        poses, states = simulate.syllable_poses(seconds, FASTEST, seed=0, animal=animal, n_states=8, median_s=0.6)
        labels = murid.Labels.from_states(states)
        return Recording(f"a{animal}", poses=poses, labels=labels)
    return simulate.recording(
        duration_s=seconds,
        fps=FASTEST,
        behaviours=("walk", "rest", "rear", "groom"),
        seed=animal,
        id=f"a{animal}",
        animal=f"a{animal}",
        px_per_cm=3.0 if family == "video" else 10.0,
    )


def film(name: str, animal: int, fps: float, *, draw: int = 0, jitter_px: float = 1.0, seconds: float = 120.0):
    """The animal filmed at `fps`: every k-th frame, with jitter of its own in each."""
    family = family_of(name)
    lived = life(family, animal, seconds)
    every = round(FASTEST / fps)
    poses = lived.poses.isel(time=slice(0, None, every)).copy(deep=True).assign_attrs(fps=fps)
    poses = poses.assign_coords(frame=("time", np.arange(poses.sizes["time"])))
    rng = np.random.default_rng([animal, every, draw])
    scale = float(poses.attrs.get("px_per_cm", 10.0)) / 10.0
    poses["position"].values[:] += rng.normal(size=poses["position"].shape) * jitter_px * scale
    made = lived.replace(poses=poses.drop_vars("position_raw", errors="ignore"))
    if family == "video":
        path = Path(FILMS.name) / f"{animal}_{fps:g}_{draw}_{jitter_px:g}_{seconds:g}.mp4"
        made = made.replace(video=simulate.video(made, path))
    return made


def family_of(name: str) -> str:
    """What kind of animals a method is shown."""
    about = method_class(name.split()[0]).about
    if "video" in about.needs:
        return "video"
    return "unsupervised" if about.family in ("unsupervised", "self-supervised") else about.family


def codes(states: xr.DataArray) -> np.ndarray:
    """One number for each frame's whole answer, what is silent included, ``(time,)``."""
    values = to_multilabel(states).values[:, 0]
    return np.unique(values, axis=0, return_inverse=True)[1].ravel()


def alike(a: xr.DataArray, b: xr.DataArray) -> float:
    """Agreement of two answers at the times of the slower film."""
    slow, fast = (a, b) if a.sizes["time"] <= b.sizes["time"] else (b, a)
    return float(
        adjusted_rand_score(
            codes(slow), codes(fast.isel(time=nearest_sample(fast["time"].values, slow["time"].values)))
        )
    )


def measure(name: str, *, jitter_px: float = 1.0, seconds: float = 120.0, **params: Any) -> dict[str, Any]:
    """Fit at 30 frames/s, apply at each rate, and compare with the labels at 30.

    Returns
    -------
    dict
        ``method, n, truth, again`` and a column for each rate: a figure, or the reason of a refusal.
    """
    how = {"jitter_px": jitter_px, "seconds": seconds}
    start = time.process_time()
    with silent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = murid.method(name.split()[0], **{**SHORT.get(name, {}), **params})
        if method_class(model.name).about.family != "rules":
            model.fit([film(name, a, FITTED, **how) for a in (1, 2, 3)])
        usual = film(name, 4, FITTED, **how)
        at_30 = model.apply(usual)["states"]
        again = model.apply(film(name, 4, FITTED, draw=1, **how))["states"]
        row = {"method": name, "n": getattr(model, "n_motifs", at_30.sizes.get("behaviour", 0))}
        truth = usual.labels.to_states(at_30["time"].values)
        later = film(name, 4, FITTED, draw=2, **how)
        later = later.replace(poses=later.poses.isel(time=slice(1, None)))
        row |= {"truth": alike(truth, at_30), "again": alike(at_30, again)}
        if family_of(name) != "video":
            row["later"] = alike(at_30.isel(time=slice(1, None)), model.apply(later)["states"])
        for fps in RATES:
            if fps == FITTED:
                continue
            try:
                row[f"{fps:g}"] = alike(at_30, model.apply(film(name, 4, fps, **how))["states"])
            except DataError as error:
                row[f"{fps:g}"] = f"refused: {error}"
    return {**row, "cpu_s": time.process_time() - start}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = [*method_names(), "moseq slds"]
    parser.add_argument("methods", nargs="*", default=[])
    parser.add_argument(
        "--jitter", type=float, default=1.0, help="SD of the tracker's jitter, px; a mouse is 85 px long"
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="of each animal")
    args = parser.parse_args()
    rows = []
    for name in args.methods or every:
        rows.append(measure(name, jitter_px=args.jitter, seconds=args.seconds))
        shown = {k: v if not isinstance(v, float) else round(v, 3) for k, v in rows[-1].items()}
        print(shown, flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda v: f"{v:.2f}", max_colwidth=24))


if __name__ == "__main__":
    main()
