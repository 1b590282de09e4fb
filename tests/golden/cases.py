"""What is kept as golden numbers: from real recordings, cut short, to the numbers a user reads.

Each case takes the folder of recordings and returns plain names and values. Text and integers must not change at all,
floats not beyond rounding (see `test_golden`). What a case fits is small: it need not be good, it must stay the same.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import murid
from murid import assays
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.states import behaviour_names, to_multilabel
from murid.run.demo import run_demo

Numbers = dict[str, Any]

#: Shown states: every so manieth frame.
_STRIDE = 50
_OPEN_FIELD_S = 1998 / 25.0


# ---- recordings -------------------------------------------------------------------------------------------------
@cache
def open_fields(folder: Path) -> tuple[Recording, ...]:
    """Two open fields of 80 s at 25 frames/s, one rater's rearing against the wall."""
    table = pd.read_csv(folder / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz", sep=";")
    table = table[(table["Experimenter"] == "Jin") & table["type"].isin(["Supported", "Unsupported", "Grooming"])]
    table = table.rename(columns={"from": "start_s", "to": "stop_s", "type": "label", "Experimenter": "rater"})
    out = []
    for path in sorted((folder / "oft_pose_fixture").glob("*.csv.gz")):
        bouts = table[(table["DLCFile"] == path.name.removesuffix(".gz")) & (table["start_s"] < _OPEN_FIELD_S)]
        bouts = bouts[["start_s", "stop_s", "label", "rater"]].reset_index(drop=True)
        bouts["stop_s"] = bouts["stop_s"].clip(upper=_OPEN_FIELD_S)
        labels = Labels.from_bouts(bouts, duration_s=_OPEN_FIELD_S)
        name = path.name[:8].strip("_")
        out.append(Recording(name, animal=name, poses=murid.read_poses(path, fps=25), labels=labels))
    return tuple(out)


@cache
def clips(folder: Path) -> tuple[Recording, ...]:
    """The first 40 s of two open fields from below, 60 frames/s."""
    out = []
    for path in sorted((folder / "bsoid_openfield").glob("*.csv.gz")):
        poses = murid.read_poses(path, fps=60).isel(time=slice(0, 2400))
        out.append(Recording(path.name[4:9], animal=path.name[4:9], poses=poses))
    return tuple(out)


@cache
def intruders(folder: Path) -> tuple[Recording, ...]:
    """Two mice at 30 frames/s, four parts of 30 s of one recording, with another tool's labels."""
    poses = murid.read_poses(folder / "calms21_excerpt" / "mouse083_task1_annotator1_alt.csv.gz", fps=30)
    labels = murid.read_labels(folder / "calms21_excerpt" / "asoid_prediction_iteration-0.csv.gz", fps=30)
    states = labels.to_states(poses["time"].values)
    out = []
    for start in (0, 1100, 2200, 3300):
        part = {"time": slice(start, start + 900)}
        out.append(
            Recording(
                f"from_{start}",
                animal=f"from_{start}",
                poses=poses.isel(part),
                labels=Labels.from_states(states.isel(part)),
            )
        )
    return tuple(out)


# ---- numbers ----------------------------------------------------------------------------------------------------
def quietly(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call without warnings: the cases are short of data on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given, **named)


def of_states(states: xr.DataArray) -> Numbers:
    """Frames, bouts and a sample of the frames of each behaviour."""
    found: Numbers = {}
    present = to_multilabel(states)
    for individual in map(str, present["individual"].values):
        for name in behaviour_names(states):
            one = present.sel(individual=individual, behaviour=name).values == 1
            starts = np.flatnonzero(np.diff(one.astype(np.int8), prepend=0) == 1)
            key = f"{individual}/{name}"
            found |= {f"{key}/frames": int(one.sum()), f"{key}/bouts": len(starts)}
            found[f"{key}/shown"] = "".join("x" if seen else "." for seen in one[::_STRIDE])
    return found


def open_field(folder: Path) -> Numbers:
    """Every measure of the open field, whole and in bins of 30 s."""
    found: Numbers = {}
    for recording in open_fields(folder):
        result = quietly(assays.run_paradigm, "open_field", recording, arena_cm=(42.0, 42.0), bin_s=30.0)
        for row in result.measures.to_dict("records"):
            value = row.pop("value")
            bin_s = "" if np.isnan(row["bin_start_s"]) else f"{row['bin_start_s']:g} s"
            named = (recording.id, row["individual"], row["measure"], row["zone"], bin_s)
            found["/".join(map(str, named)).rstrip("/")] = value
    return found


def supervised(name: str, recordings: Callable[[Path], tuple[Recording, ...]], **params: Any) -> Callable:
    """Return a case: fitted to all recordings, applied to the first."""

    def case(folder: Path) -> Numbers:
        given = recordings(folder)
        model = quietly(murid.method(name, folds=2, seed=0, **params).fit, given)
        out = quietly(model.apply, given[0])
        rule = model.model.decision
        found: Numbers = {"features": len(model.model.feature_names), "behaviours": ", ".join(rule.behaviours)}
        for b, behaviour in enumerate(rule.behaviours):
            for what in ("smooth_s", "threshold", "min_bout_s"):
                found[f"{behaviour}/{what}"] = float(getattr(rule, what)[b])
            scores = np.concatenate([one.values[..., b].ravel() for one in model.out_of_fold.values()])
            found[f"{behaviour}/mean out-of-fold probability"] = float(np.nanmean(scores))
            found[f"{behaviour}/mean probability"] = float(
                out["probability"].sel(behaviour=behaviour).mean(dtype=float)
            )
        return found | of_states(out["states"])

    return case


def motifs(name: str, recordings: Callable[[Path], tuple[Recording, ...]], **params: Any) -> Callable:
    """Return a case: fitted to all recordings, applied to the first."""

    def case(folder: Path) -> Numbers:
        given = recordings(folder)
        out = quietly(quietly(murid.method(name, seed=0, **params).fit, given).apply, given[0])
        found: Numbers = {"components": out.sizes.get("component", 0)}
        if "latent" in out:
            spread = out["latent"].std("time", dtype=float).values
            found |= {f"sd of component {i}": float(v) for i, v in enumerate(spread[0])}
        return found | of_states(out["states"])

    return case


def of_demo(data: dict[str, Any]) -> Numbers:
    """What the demo found, by its own words for it."""
    found = {k: v for k, v in data.items() if k not in ("ok", "study", "report", "runs", "behaviours")}
    found |= {f"f1 of {b}": v for b, v in data["behaviours"].items()}
    return {k: ", ".join(v) if isinstance(v, list) else v for k, v in found.items()}


def demo(folder: Path) -> Numbers:
    """Findings of a small demo, which `tests/cli/test_demo.py` runs anyway and compares."""
    del folder
    with tempfile.TemporaryDirectory() as out:
        return of_demo(quietly(run_demo, Path(out) / "demo", n_animals=6, minutes=2.0, seed=0).data)


TREES = {"n_trees": 30, "n_threads": 1}
FOREST = {"n_trees": 40, "n_threads": 1}

#: Name → case. Those in `LONG` take more than 2 s; the demo is compared where it is run.
CASES: dict[str, Callable[[Path], Numbers]] = {
    "open_field": open_field,
    "simba_rearing": supervised("simba", open_fields, behaviours=("Supported",), forest=FOREST),
    "jaaba_rearing": supervised("jaaba", open_fields, behaviours=("Supported",), n_rounds=25, amount="less"),
    "mars_rearing": supervised("mars", open_fields, behaviours=("Supported",), trees=TREES),
    "gbdt_rearing": supervised(
        "gbdt", open_fields, behaviours=("Supported",), trees=TREES, context_s=(), n_features=5000
    ),
    "mars_intruder": supervised("mars", intruders, behaviours=("investigation", "mount"), trees=TREES),
    "kmeans_open_field": motifs("kmeans", clips, n_motifs=8, replicates=2),
    "pyrat_open_field": motifs("pyrat", clips, n_motifs=8, n_prototypes=400),
    "alphatracker_open_field": motifs("alphatracker", clips, n_motifs=8),
    "moseq_open_field": motifs("moseq", clips, n_states=15, kappa=4000, em_iterations=6, sweeps=4),
    "kmeans_intruder": motifs("kmeans", intruders, n_motifs=6, replicates=2),
    "demo": demo,
}
LONG = ("gbdt_rearing", "simba_rearing", "mars_rearing", "mars_intruder", "kmeans_intruder")
