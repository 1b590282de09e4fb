"""What it takes to add a reader, a method, a paradigm, a neural analysis or a figure: real diffs, counted and applied.

The diffs of ``docs/contributing`` are applied to a copy of the tree, and what they add is used. Source, test and page
count; what a command writes by itself (stored pictures) does not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIFFS = ROOT / "docs" / "contributing"
#: Files that one has to touch, at most.
LIMITS = {"reader": 4, "method": 5, "paradigm": 3, "neural": 3, "plot": 2}
COPIED = ("src", "docs", "tests", "benchmarks", "pyproject.toml", "constraints.txt")

USE = """
import matplotlib, numpy as np, pathlib, sys
matplotlib.use("Agg")
import murid, murid.plot
from murid import simulate
from murid.cli.app import app
from typer.testing import CliRunner

pathlib.Path("a.log").write_text("# pointlog, 10 fps\\nframe;point;x;y\\n0;nose;1;2\\n1;nose;3;4\\n")
poses = murid.read_poses("a.log")
assert poses["position"].values[:, :, 0, 0].tolist() == [[1, 2], [3, 4]]
assert poses.attrs["fps"] == 10

made = [simulate.recording(duration_s=20, fps=10, seed=s, id=f"r{s}", animal=f"a{s}") for s in (1, 2)]
assert murid.method("speeds", n_motifs=4).get_params()["n_motifs"] == 4  # fitted in the slow test

states = simulate.true_states(made[0])
assert murid.plot.time_shares(states).get_ylabel() == "share of scored time (%)"
assert "time_shares" in dir(murid.plot)

study = murid.open_study("S", create=True)
for k, recording in enumerate(made):
    traces = simulate.units(simulate.true_states(recording), n_units=2, rate_hz=10, seed=k)[0]
    study.add(recording.replace(traces=traces))

def call(*words):
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output

assert "sides" in call("analyses") and "means" in call("analyses")
call("assay", "S", "sides", "-p", "start_s=1", "--workers", "1")
call("neural", "S", "means", "--workers", "1")
tables = {p.stem for p in pathlib.Path("S/runs").rglob("*.csv")}
assert {"animals", "means"} <= tables, tables
"""


def files_of(name: str) -> list[str]:
    """Files that a diff touches."""
    text = (DIFFS / f"add_{name}.diff").read_text(encoding="utf-8")
    return re.findall(r"^diff --git a/\S+ b/(\S+)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the tree to which every diff was applied."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path_factory.mktemp("adding") / "tree"
    folder.mkdir()
    # With what Python and numba have compiled already.
    ignored = shutil.ignore_patterns("_build", "api", "made", ".hypothesis")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    for diff in sorted(DIFFS.glob("*.diff")):
        done = subprocess.run(["git", "apply", str(diff)], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{diff.name} no longer applies: {done.stderr}"
    return folder


def python(tree: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the murid of a tree."""
    settings = {**os.environ, "PYTHONPATH": str(tree / "src"), "MPLBACKEND": "Agg"}
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, env=settings)


def test_every_kind_has_its_diff():
    assert {p.name for p in DIFFS.glob("*")} == {f"add_{name}.diff" for name in LIMITS}


@pytest.mark.parametrize("name", LIMITS)
def test_few_files_are_touched_and_all_three_kinds_are_there(name):
    files = files_of(name)
    assert 0 < len(files) <= LIMITS[name], files
    assert any(f.startswith("src/murid/") for f in files)
    assert any(f.startswith("docs/") for f in files)
    # A method is tested by the contract of all methods, a figure by the picture of its page.
    assert any(f.startswith("tests/") for f in files) or name in ("method", "plot")


def test_what_is_added_works(tree, tmp_path):
    done = python(tree, tmp_path, "-c", USE)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_what_is_added_passes_the_tests_of_its_kind(tree):
    drawn = python(
        tree, tree, "-m", "pytest", "tests/plot/test_gallery.py", "-m", "", "-k", "6_time_shares",
        "-p", "no:cacheprovider", "--mpl-generate-path=tests/plot/baseline",
    )  # fmt: skip
    assert drawn.returncode == 0, drawn.stdout[-3000:]
    chosen = "speeds or pointlog or sides or means or shares or every or registered or documented"
    places = "io/test_formats.py methods/test_contract.py methods/test_parameters.py assays neural/test_means.py"
    tests = [f"tests/{place}" for place in f"{places} plot/test_gallery.py docs/test_examples.py".split()]
    done = python(tree, tree, "-m", "pytest", "-q", "-m", "", "-k", chosen, "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout[-3000:]
