"""A warning of murid points at the user's own line, however deep in murid it arises."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import murid
from murid.data.warning import warn_user

SRC = Path(murid.__file__).parent
HERE = __file__


def line_of(mark: str) -> int:
    """Number of the line of this file that ends in a mark."""
    return 1 + next(k for k, line in enumerate(Path(HERE).read_text().splitlines()) if line.endswith(f"# {mark}"))


def inside(module: str, depth: int):
    """A function of a module that calls itself before it warns: `depth` frames of that module."""
    code = "def call(depth):\n    return call(depth - 1) if depth > 1 else warn_user('odd')\n"
    names = {"__name__": module, "warn_user": warn_user}
    exec(compile(code, f"{module}.py", "exec"), names)
    return lambda: names["call"](depth)  # of the caller


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_the_place_is_the_first_line_outside_whatever_the_depth(depth):
    call = inside("murid.pretended", depth)
    with pytest.warns(murid.MuridWarning, match="^odd$") as caught:
        call()
    assert Path(caught[0].filename) == Path(HERE)
    assert caught[0].lineno == line_of("of the caller")


def test_a_package_whose_name_begins_alike_is_outside():
    with pytest.warns(murid.MuridWarning) as caught:
        inside("murid_toy.analysis", 2)()
    assert caught[0].filename == "murid_toy.analysis.py"


def crossed():
    return murid.Zone("x", polygon=[(0, 0), (1, 1), (1, 0), (0, 1)])  # through a generated __init__


def frame_split():
    return murid.evaluate.folds.leaky_frames(40)  # called directly


def other_rate(folder):
    path = folder / "poses.csv"
    rows = "\n".join(f"{t / 10:.1f},{t + 1},{t + 1}" for t in range(20))
    path.write_text(f"time_s,nose_x,nose_y\n{rows}\n")
    return murid.read_poses(path, fps=50)  # through readers


@pytest.mark.parametrize(
    ("call", "mark", "text"),
    [
        (lambda folder: crossed(), "through a generated __init__", "crossed itself"),
        (lambda folder: frame_split(), "called directly", "leaky_frames"),
        (other_rate, "through readers", "fps=50 is not"),
    ],
)
def test_warnings_of_real_calls_point_at_this_file(call, mark, text, tmp_path):
    with pytest.warns(murid.MuridWarning, match=text) as caught:
        call(tmp_path)
    assert Path(caught[0].filename) == Path(HERE)
    assert caught[0].lineno == line_of(mark)


def test_one_line_warns_once_and_another_line_warns_too():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            murid.Spikes({"u": np.array([1.0, 9.0])}, start_s=0.0, stop_s=2.0)
        murid.Spikes({"u": np.array([1.0, 9.0])}, start_s=0.0, stop_s=2.0)
    assert len(caught) == 2


def test_nothing_else_in_murid_warns():
    calls = re.compile(r"warnings\.warn\b|from warnings import|stacklevel")
    found = [str(p.relative_to(SRC)) for p in SRC.rglob("*.py") if calls.search(p.read_text(encoding="utf-8"))]
    assert found == ["data/warning.py"]
