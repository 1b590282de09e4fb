"""Importing murid is cheap and has no side effects."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "numba", "sklearn", "lightgbm", "matplotlib", "umap", "scipy.signal", "statsmodels", "pandas")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_is_fast():
    code = "import time; t = time.perf_counter(); import murid; print(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(3)) < 0.5


def test_import_loads_nothing_heavy():
    loaded = run("import sys, murid; print(' '.join(sys.modules))").split()
    assert not [m for m in HEAVY if m in loaded]


@pytest.mark.parametrize("name", ["Recording", "Study", "read_poses", "method", "make_poses", "evaluate"])
def test_public_names_resolve(name):
    import murid

    assert getattr(murid, name) is not None
    assert name in dir(murid)


def test_unknown_name():
    import murid

    with pytest.raises(AttributeError, match="no_such"):
        _ = murid.no_such
