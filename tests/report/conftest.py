"""A small simulated study, analysed once for all tests of the report."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from murid.data.study import Study

BEHAVIOURS = ["freeze", "rear", "groom"]
#: As fast as it goes: what is tested is the report, not the method.
FAST_GBDT = {
    "folds": 2,
    "sample_hz": 3.0,
    "n_features": 12,
    "context_s": [],
    "tune": False,
    "repair_identity": False,
    "features": {"windows_s": [0.5], "stats": ["mean"]},
    "trees": {"n_trees": 6, "min_leaf": 10, "n_threads": 1},
}


@dataclass(frozen=True)
class Made:
    """A study folder and its runs by command."""

    folder: Path
    runs: dict[str, Path]

    @property
    def study(self) -> Study:
        return Study(self.folder)

    def copy(self, target: Path) -> Made:
        shutil.copytree(self.folder, target)
        return Made(target, {k: target / "runs" / v.name for k, v in self.runs.items()})


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    from murid import simulate
    from murid.run import (
        apply_method,
        check_study,
        evaluate_methods,
        fit_method,
        run_assay,
        run_neural,
    )

    folder = tmp_path_factory.mktemp("report") / "study"
    study = Study.create(folder, "small study")
    recordings, _ = simulate.study(2, duration_s=60.0, fps=12.0, seed=3)
    for k, clean in enumerate(recordings):
        states = simulate.true_states(clean)
        present = [b for b in BEHAVIOURS if b in states.attrs["behaviours"]]
        traces, _ = simulate.units(states, n_units=6, tuned={b: 1 for b in present}, rate_hz=5.0, seed=k)
        study.add(simulate.corrupt(clean, seed=k).replace(traces=traces))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = {
            "check": check_study(study),
            "assay": run_assay(study, "open_field"),
            "evaluate": evaluate_methods(
                study, "gbdt", params={"gbdt": FAST_GBDT}, folds=2, behaviours=BEHAVIOURS, leaky=True, rare="ignore"
            ),
            "fit": fit_method(study, "kmeans", {"n_motifs": 5, "replicates": 1}, model="motifs"),
            "apply": apply_method(study, "motifs"),
            "neural": run_neural(study, "labels", {"min_bouts": 2}),
        }
    return Made(folder, {k: r.folder for k, r in runs.items()})


@pytest.fixture(scope="session")
def html(made, tmp_path_factory) -> str:
    from murid.report import build

    path = build(made.study, list(made.runs.values()), tmp_path_factory.mktemp("html") / "report.html")
    return path.read_text(encoding="utf-8")
