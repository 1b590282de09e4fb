"""Four processes on one study at once: no row, label, run or folder is lost or shared."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import run_race
import run_work as work

from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run import run_analysis
from murid.run.add import add_files
from murid.run.runs import runs_of

HERE = Path(__file__).parent


def race(folder, rounds):
    """Let the four go; return what each said when it failed."""
    command = [sys.executable, "-W", "ignore", str(HERE / "run_race.py"), str(folder)]
    errors = {role: folder.parent / f"{role}.txt" for role in run_race.ROLES}
    at_work = {}
    for role, path in errors.items():
        with path.open("w") as handle:
            at_work[role] = subprocess.Popen([*command, role, str(rounds)], stderr=handle, cwd=HERE)
    try:
        # One that fails lets the others wait for ever.
        while not any(p.poll() for p in at_work.values()) and any(p.poll() is None for p in at_work.values()):
            time.sleep(0.05)
    finally:
        for process in at_work.values():
            process.kill()
            process.wait()
    return {role: text for role, path in errors.items() if (text := path.read_text())}


#: Rounds of the slow test; a hundred take a quarter of an hour: MURID_RACE_ROUNDS=100.
MANY = int(os.environ.get("MURID_RACE_ROUNDS", "12"))


@pytest.mark.parametrize("rounds", [1, pytest.param(MANY, marks=pytest.mark.slow)])
def test_four_at_once_lose_and_share_nothing(tmp_path, rounds):
    (tmp_path / "poses").mkdir()
    study = Study.create(tmp_path / "S")
    add_files(study, run_race.write_poses(tmp_path / "poses" / "r0.csv", 0), fps=run_race.FPS)
    bouts = pd.DataFrame({"start_s": [2.5], "stop_s": [2.8], "label": ["rear"], "rater": ["me"]})
    labels = Labels.from_bouts(bouts, duration_s=3.0, fps=run_race.FPS)
    study.add(study["r0"].replace(labels=labels), replace=True)
    study.add(Recording("r1", poses=work.small_poses(1), labels=labels, animal="a1", group="x"))
    run_analysis(study, "budget", compare=None)

    assert race(study.folder, rounds) == {}

    study = Study(study.folder)
    assert sorted(study.ids) == sorted(["r0", "r1", *(f"new{k}" for k in range(rounds))])
    assert study.table.set_index("id").at["r1", "note"] == str(rounds - 1)
    assert study.faults().items == []
    assert not list(study.folder.glob("**/.*"))
    starts = sorted(round(s, 4) for s in study["r0"].need("labels").bouts["start_s"])
    assert starts == sorted([*(round(0.01 * k, 4) for k in range(rounds)), 2.5])
    assert study["r0"].need("poses")["position"].shape == (60, 2, 2, 1)
    runs = runs_of(study)
    assert len(runs) == len(list(study.runs_dir.iterdir())) == 1 + 3 * rounds
    budgets = [r for r in runs if r.provenance["command"] == "budget"]
    asked = [r.provenance["params"]["params"]["start_s"] for r in budgets[1:]]
    assert asked == pytest.approx([0.001 * k for k in range(rounds)])
    # Each run wrote its own tables: the window that it was asked for. A recording whose row of the sheet changed
    # between planning and reading is in no table, and is named with what to do.
    held = 0
    for run, start in zip(budgets[1:], asked, strict=True):
        if "r1" in run.summary.get("failed", []):
            assert any(
                "'r1': was changed while" in w and "run the same command again" in w for w in run.provenance["warnings"]
            )
            continue
        found = run.tables["budget"].set_index("recording")
        assert found.at["r1", "scored_s"] == pytest.approx(3.0 - start, abs=0.051)
        held += 1
    assert held, "every run was overtaken by a change of r1: no table was looked at"
    assert len({r.provenance["order"] for r in runs}) == len(runs)
    assert "<html" in (study.folder / "report.html").read_text()
