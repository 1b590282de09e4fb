"""Run folders made by hand: what a run writes, without running it.

Only files are written (``provenance.json``, ``summary.json``, ``tables/``, ``states/``), so that the report is
tested against the layout of a run and not against methods.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.names import slug
from murid.data.store import write_array
from murid.data.study import Study
from murid.stats import compare_many

VERSIONS = {"murid": "0.1.0", "python": "3.11", "numpy": "2.4", "lightgbm": "4.7"}
CLEAN = {"min_confidence": 0.5, "jumps": True, "max_speed_cm_s": 200.0, "max_speed_body": 20.0, "max_gap_s": 0.2}
HASH = "0a4fddb27a824cc15da1dadd01755e8b"


def write_run(
    study: Study,
    command: str,
    *,
    params: dict | None = None,
    summary: dict | None = None,
    tables: dict[str, pd.DataFrame] | None = None,
    states: dict[str, xr.Dataset] | None = None,
    warnings: list[str] | None = None,
    name: str = "",
) -> Path:
    """Write one run folder of a study; return it."""
    folder = study.runs_dir / (name or f"20260101-120000-{command}")
    (folder / "tables").mkdir(parents=True)
    (folder / "states").mkdir()
    provenance = {
        "format": 1,
        "command": command,
        "params": params or {},
        "study": study.name,
        "status": "complete",
        "started": "2026-01-01T12:00:00+00:00",
        "seconds": 1.5,
        "versions": VERSIONS,
        "inputs": [{"id": i, "poses": HASH} for i in study.ids],
        "seeds": {},
        "steps": [{"step": command, "state": "done", "seconds": 1.0}],
        "warnings": warnings or [],
    }
    (folder / "provenance.json").write_text(json.dumps(provenance))
    (folder / "summary.json").write_text(json.dumps(summary or {}))
    for key, table in (tables or {}).items():
        table.to_parquet(folder / "tables" / f"{slug(key)}.parquet")
        table.to_csv(folder / "tables" / f"{slug(key)}.csv", index=False)
    for key, data in (states or {}).items():
        write_array(data, folder / "states" / f"{slug(key)}.nc")
    return folder


def long_table(animals: pd.DataFrame, units: dict[str, str]) -> pd.DataFrame:
    """The table ``measures`` that belongs to a table ``animals``."""
    rows = []
    for _, row in animals.iterrows():
        for column, unit in units.items():
            measure, _, zone = column.partition(":")
            rows.append(
                {
                    **{k: row[k] for k in ("recording", "animal", "group", "individual") if k in row},
                    "measure": measure,
                    "value": row[column],
                    "unit": unit,
                    "zone": zone,
                    "bin_start_s": np.nan,
                    "bin_stop_s": np.nan,
                    "censored": False,
                    "definition": f"what {measure} means",
                }
            )
    return pd.DataFrame(rows)


def assay_run(
    study: Study,
    animals: pd.DataFrame,
    units: dict[str, str],
    comparison: pd.DataFrame | None = None,
    *,
    group: str = "group",
    more: dict[str, pd.DataFrame] | None = None,
    **options,
) -> Path:
    """A run of the open field with its tables."""
    tables = {"animals": animals, "measures": long_table(animals, units), **(more or {})}
    if comparison is not None:
        tables["comparison"] = comparison
    summary = {"paradigm": "open_field", "conventions": {"entry_rule": {"hysteresis": 0.5}, "moving": "> 5.0 cm/s"}}
    params = {"name": "open_field", "params": {"hysteresis_cm": 0.5, "clean": CLEAN}, "compare": group, "seed": 0}
    return write_run(study, "assay", params=params, summary=summary, tables=tables, **options)


def compared(animals: pd.DataFrame, measures: list[str], group: str = "group") -> pd.DataFrame:
    """The table ``comparison`` of some measures."""
    return compare_many(animals, measures, group, seed=0)


def check_run(study: Study, verdicts: dict[str, str] | None = None) -> Path:
    """A run of the check: one verdict a recording, ok by default."""
    rows = [
        {
            "recording": i,
            "check": check,
            "where": "",
            "value": 0.0,
            "unit": "%",
            "verdict": (verdicts or {}).get(i, "ok") if check == "jumps" else "ok",
            "reason": "",
            "todo": "",
        }
        for i in study.ids
        for check in ("dropped frames", "jumps")
    ]
    quality = pd.DataFrame(rows)
    bad = quality[quality["verdict"] != "ok"]
    overview = pd.DataFrame(
        {"check": bad["check"], "verdict": bad["verdict"], "recordings": 1, "worst": bad["recording"], "todo": "look"}
    )
    counts = quality["verdict"].value_counts()
    summary = {"recordings": len(study.ids), **{v: int(counts.get(v, 0)) for v in ("ok", "look", "bad")}, "faults": 0}
    return write_run(study, "check", summary=summary, tables={"quality": quality, "overview": overview})


def evaluate_run(study: Study, behaviours: list[str], *, leaky_f1: float = 0.95, mistakes: int = 17) -> Path:
    """An evaluation of ``gbdt`` whose predictions lag the labels by a quarter of a second."""
    n = len(behaviours)
    f1 = np.linspace(0.6, 0.9, n)
    scores = pd.DataFrame({"method": "gbdt", "behaviour": [*behaviours, "macro"], "f1": [*f1, f1.mean()]})
    scores = scores.assign(
        precision=scores["f1"],
        recall=scores["f1"],
        f1_low=scores["f1"] - 0.1,
        f1_high=scores["f1"] + 0.05,
        bout_f1=0.8,
        pr_auc=0.9,
        onset_abs_ms=100.0,
        ece=0.02,
        support=300.0,
        bouts_true=12.0,
    )
    leaky = scores.assign(f1=leaky_f1, warning="split by frames")
    confusion = pd.DataFrame(np.diag(np.full(n + 1, 200)), columns=[*behaviours, "(none of them)"])
    confusion.iat[0, n] = mistakes
    confusion.insert(0, "truth", [*behaviours, "(none of them)"])
    bins = np.arange(10) / 10
    calibration = pd.concat(
        [
            pd.DataFrame({"method": "gbdt", "behaviour": b, "probability": bins + 0.05, "observed": bins, "n": 50})
            for b in behaviours
        ]
    )
    per = pd.DataFrame(
        [
            {"method": "gbdt", "recording": r, "behaviour": b, "time_true_s": 5.0 + k, "time_predicted_s": 5.5 + k}
            for k, r in enumerate(study.ids)
            for b in behaviours
        ]
    )
    totals = pd.DataFrame(
        {
            "method": "gbdt",
            "behaviour": behaviours,
            "f1": f1,
            "n": len(study.ids),
            "time_r": 0.9,
            "time_bias": 0.5,
            "time_low": -1.0,
            "time_high": 2.0,
        }
    )
    folds = pd.DataFrame(
        [
            {"fold": fold, "side": "test" if (k % 2 == fold) else "train", "recording": r, "animal": r}
            for fold in (0, 1)
            for k, r in enumerate(study.ids)
        ]
    )
    tables = {
        "per_class": scores,
        "leaky": leaky,
        "confusion_gbdt": confusion,
        "calibration": calibration,
        "recordings": per,
        "totals": totals,
        "folds": folds,
    }
    numbers = {
        "accuracy": 0.9,
        "macro_f1": float(f1.mean()),
        "macro_f1_ci": [0.6, 0.8],
        "leaky": {"macro_f1": leaky_f1, "honest_macro_f1": float(f1.mean())},
    }
    states = {r: xr.Dataset({"states": shifted(study, r, behaviours)}) for r in study.ids}
    params = {
        "methods": {"gbdt": {"clean": CLEAN}},
        "folds": 2,
        "group": "animal",
        "behaviours": behaviours,
        "train": None,
    }
    return write_run(
        study, "evaluate", params=params, summary={"methods": {"gbdt": numbers}}, tables=tables, states=states
    )


def shifted(study: Study, recording_id: str, behaviours: list[str]) -> xr.DataArray:
    """Labels of a recording, three samples late."""
    labels = study[recording_id].labels
    states = labels.to_states(np.arange(0.0, labels.stop_s, 0.1), behaviours, others="negative")
    return states.copy(data=np.roll(states.values, 3, axis=0))


def apply_run(study: Study, n_states: int = 5) -> Path:
    """Motifs of a model named ``motifs``: one a second, in turn, with a latent that tells them apart."""
    from murid.data.states import make_states

    names = [f"motif_{k}" for k in range(n_states)]
    states = {}
    for recording_id in study.ids:
        time = study[recording_id].poses["time"].values
        codes = (time.astype(int) * 3) % n_states
        latent = np.eye(n_states)[codes] + 0.05 * np.arange(n_states)
        one = make_states(codes, time, names, ["mouse_1"])
        states[recording_id] = xr.Dataset(
            {"states": one, "latent": (("time", "individual", "component"), latent[:, None].astype("float32"))},
            attrs={"method": "kmeans"},
        )
    params = {"model": "motifs", "ids": study.ids}
    return write_run(study, "apply", params=params, summary={"method": "kmeans", "model": "motifs"}, states=states)


def fit_run(study: Study) -> Path:
    """A fit of the model that `apply_run` used."""
    params = {
        "method": "kmeans",
        "params": {"n_motifs": 5, "clean": CLEAN, "seed": 0},
        "ids": study.ids,
        "model": "motifs",
    }
    return write_run(study, "fit", params=params, summary={"model": "motifs", "method": "kmeans"})


def tuning_table(
    study: Study, units: list[str], behaviours: list[str], tuned: dict[tuple[str, str], float]
) -> pd.DataFrame:
    """A table ``tuning``: every pair tested, those of `tuned` (unit, behaviour → selectivity) called."""
    rows = []
    for recording_id in study.ids:
        for u, unit in enumerate(units):
            for b, behaviour in enumerate(behaviours):
                strength = tuned.get((unit, behaviour), 0.02 * (u - b))
                hit = (unit, behaviour) in tuned
                rows.append(
                    {
                        "recording": recording_id,
                        "unit": unit,
                        "behaviour": behaviour,
                        "auroc": (strength + 1) / 2,
                        "selectivity": strength,
                        "z": 10 * strength,
                        "p": 0.001 if hit else 0.1 + 0.1 * b,
                        "q": 0.004 if hit else 0.8,
                        "direction": ("excited" if strength > 0 else "suppressed") if hit else "none",
                        "null": "circular",
                        "drift_unit": 0.1,
                        "drift_behaviour": 0.1,
                        "n_bouts": 8,
                        "n_independent": 50.0,
                        "p_floor": 0.001,
                        "reason": "",
                    }
                )
    return pd.DataFrame(rows)


def neural_run(study: Study, table: pd.DataFrame, **asked) -> Path:
    """A run of tuning on labels."""
    params = {"states_from": "labels", "params": {"alpha": 0.05, "min_bouts": 5, "min_shift_s": 30.0, **asked}}
    return write_run(
        study, "neural", params=params, summary={"alpha": 0.05, "states_from": "labels"}, tables={"tuning": table}
    )
