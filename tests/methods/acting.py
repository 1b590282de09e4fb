"""Recordings that show what a method's parameters do, and everything that a method says of them."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import murid
from murid import simulate
from murid.data.bouts import make_events
from murid.data.labels import Labels
from murid.data.params import Params
from murid.data.recording import Recording
from murid.methods import method_class

FPS, SECONDS = 15.0, 32.0
FILMS = tempfile.TemporaryDirectory(prefix="murid_films_")


@cache
def recordings(kind: str) -> tuple[Recording, ...]:
    """Recordings to learn from, and a last one to apply to.

    ``one``: a mouse · ``four``: four recordings of three mice to learn from · ``pair``: two mice, who are mistaken for
    each other once · ``rough``: lost points and a lost mouse · ``px``: no scale · ``no zones``: long enough to guess
    the arena · ``raters``: two raters and streams · ``film``: with video · ``groups``:
    six mice of two groups.
    """
    animals = {"four": "aabcd", "raters": "aabcd", "pair": "abcd", "rough": "abcd", "groups": "abcdefg"}.get(
        kind, "abc"
    )
    return tuple(_made(kind, seed, animal) for seed, animal in enumerate(animals, 1))


def _made(kind: str, seed: int, animal: str) -> Recording:
    made = simulate.recording(
        duration_s=150.0 if kind == "no zones" else SECONDS,
        fps=FPS,
        n_animals=2 if kind == "pair" else 1,
        behaviours=("walk", "rest", "rear", "groom"),
        seed=seed,
        id=f"r{seed}",
        animal=animal,
        group=("drug", "control")[seed % 2],
        **({"px_per_cm": 3.0} if kind in ("film", "px") else {"unit": "cm"}),
    )
    change: dict[str, Callable[[Recording], Recording]] = {
        "pair": _mistaken,
        "rough": _lost,
        "px": _without_scale,
        "no zones": lambda r: r.replace(zones=None),
        "raters": _rated_twice,
        "film": lambda r: r.replace(video=simulate.video(r, Path(FILMS.name) / f"{r.id}.mp4")),
    }
    events = make_events(pd.DataFrame({"time_s": [4.0, 11.0], "label": "cue"}))
    return change.get(kind, lambda r: r)(made.replace(events=events))


def _mistaken(made: Recording) -> Recording:
    poses = made.need("poses").copy(deep=True)
    poses["position"].values[120:180] = poses["position"].values[120:180][..., ::-1].copy()
    return made.replace(poses=poses)


def _lost(made: Recording) -> Recording:
    """Single points are lost for long, all of them for 0.6 s, 1 s and 3 s; some are doubtful."""
    poses = made.need("poses").copy(deep=True)
    position, rng = poses["position"].values, np.random.default_rng(1)
    position[20:60, :, ::3] = np.nan
    position[70:90, :, ::2] = np.nan
    position[95:103, :, 1:] = np.nan
    for start, stop in ((120, 129), (150, 165), (200, 245)):
        position[start:stop] = np.nan
    doubt = rng.uniform(0.3, 1.0, poses["confidence"].shape).astype(np.float32)
    return made.replace(poses=poses.assign(confidence=(poses["confidence"].dims, doubt)))


def _without_scale(made: Recording) -> Recording:
    poses = made.need("poses").copy()
    poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"}
    return made.replace(poses=poses)


def _rated_twice(made: Recording) -> Recording:
    """Two raters, the second half a second late; and a second stream in which the same is later still."""
    bouts = made.need("labels").bouts
    parts = []
    for rater, stream, late in (("A", "S1", 0.0), ("B", "S1", 0.5), ("A", "S2", 1.0), ("B", "S2", 1.5)):
        part = bouts.assign(rater=rater, stream=stream)
        part["start_s"] = (part["start_s"] + late).clip(upper=SECONDS - 0.2)
        part["stop_s"] = (part["stop_s"] + late).clip(upper=SECONDS)
        parts.append(part[part["stop_s"] > part["start_s"]])
    return made.replace(labels=Labels.from_bouts(pd.concat(parts, ignore_index=True), duration_s=SECONDS))


def outcome(name: str, kind: str = "one") -> Callable[..., dict[str, Any]]:
    """Return ``run(params, kind)`` of a method: what it has learnt, and what it says of a recording that is new to it.

    Parameters
    ----------
    name : str
        Method.
    kind : str
        Recordings, where none are named.
    """

    def run(params: Params, on: str = kind) -> dict[str, Any]:
        *known, new = recordings(on)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = murid.method(name, **dict(params))
            model = model if method_class(name).about.family == "rules" else model.fit(known)
            out = model.apply(new)
        found = {str(k): out[k].values for k in out.data_vars}
        found["names"] = list(out["states"].attrs["behaviours"])
        found["out of fold"] = {k: v.values for k, v in getattr(model, "out_of_fold", {}).items()}
        # Pseudo-labels, where a method makes its own.
        found["classes"] = list(getattr(model, "facts", {}).get("behaviours", ()))
        return found | {"learnt": model._dump().arrays}

    return run
