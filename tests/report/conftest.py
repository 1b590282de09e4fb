"""A small simulated study with run folders made by hand, once for all tests of the report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murid.data.study import Study
from tests.report import folders

BEHAVIOURS = ["freeze", "rear", "groom"]
UNITS = {
    "distance": "cm",
    "time_percent:centre": "%",
    "entries:centre": "",
    "latency:centre": "s",
    "mean_speed": "cm/s",
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
    from murid.run import run_analysis

    folder = tmp_path_factory.mktemp("report") / "study"
    study = Study.create(folder, "small study")
    recordings, _ = simulate.study(2, duration_s=60.0, fps=10.0, seed=3)
    for k, clean in enumerate(recordings):
        states = simulate.true_states(clean)
        traces, _ = simulate.units(states, n_units=3, tuned={"rear": 1}, rate_hz=5.0, seed=k)
        study.add(simulate.corrupt(clean, seed=k).replace(traces=traces))
    ids = study.ids
    animals = pd.DataFrame({"recording": ids, "animal": ids, "group": ["control"] * 2 + ["stressed"] * 2})
    animals["individual"] = "mouse_1"
    values = np.array([[280.0, 41, 3, 2.0, 4.7], [360, 18, 5, 25, 6.2], [362, 7, 2, 26, 6.1], [271, 9, 2, 40, 4.5]])
    animals[list(UNITS)] = values
    tuned = {("unit_0", "rear"): 0.7, ("unit_1", "groom"): -0.5}
    runs = {
        "check": folders.check_run(study, {ids[0]: "bad"}),
        "assay": folders.assay_run(study, animals, UNITS, folders.compared(animals, list(UNITS))),
        "evaluate": folders.evaluate_run(study, BEHAVIOURS),
        "fit": folders.fit_run(study),
        "apply": folders.apply_run(study),
        "neural": folders.neural_run(
            study, folders.tuning_table(study, ["unit_0", "unit_1", "unit_2"], BEHAVIOURS, tuned)
        ),
        # One real run: the layout of the folders made by hand must stay that of a run.
        "budget": run_analysis(study, "budget").folder,
    }
    return Made(folder, runs)


@pytest.fixture(scope="session")
def html(made, tmp_path_factory) -> str:
    from murid.report import build

    path = build(made.study, list(made.runs.values()), tmp_path_factory.mktemp("html") / "report.html")
    return path.read_text(encoding="utf-8")
