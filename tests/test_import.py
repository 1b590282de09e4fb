"""Importing murid is cheap and has no side effects."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import murid

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

    assert getattr(murid, name) is not None
    assert name in dir(murid)


def test_unknown_name():

    with pytest.raises(AttributeError, match="no_such"):
        _ = murid.no_such


def test_public_names_are_written_once():
    """Packages find their names by `lazy_loader`; only the root adds one by hand, its version."""
    source = Path(murid.__file__).parent
    by_hand = [
        init.parent.relative_to(source.parent).as_posix()
        for init in sorted(source.rglob("__init__.py"))
        if any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in ast.parse(init.read_text()).body)
    ]
    assert by_hand == ["murid"]


@pytest.mark.parametrize("package", ["murid.features", "murid.plot"])
def test_importing_a_package_loads_none_of_its_modules(package):
    code = f"import sys, {package}; print(' '.join(m for m in sys.modules if m.startswith('{package}.')))"
    assert run(code).split() == []
