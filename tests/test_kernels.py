"""Compiled loops: no size is written in, and none reads or writes outside its arrays."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Tests that run every compiled loop of a package on ordinary and on awkward sizes.
RUN = (
    "tests/features/test_windows.py",
    "tests/features/test_zone_mask.py",
    "tests/features/test_point_pairs.py",
    "tests/prepare/test_jumps.py",
    "tests/prepare/test_gaps.py",
    "tests/prepare/test_smooth.py",
    "tests/prepare/test_kalman.py",
    "tests/prepare/test_identity.py",
    "tests/ethogram",
    "tests/learn/test_classify.py",
    "tests/learn/test_dtw.py",
    "tests/learn/test_hmm.py",
    "tests/learn/test_parts.py",
    "tests/learn/test_ward.py",
)


def _is_compiled(function: ast.FunctionDef) -> bool:
    return any("njit" in ast.unparse(d) for d in function.decorator_list)


def _compiled() -> list[tuple[Path, ast.FunctionDef]]:
    found = []
    for path in sorted((ROOT / "src" / "murid").rglob("*.py")):
        text = path.read_text()
        if "njit" in text:
            functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
            found += [(path, f) for f in functions if _is_compiled(f)]
    return found


def test_no_size_is_written_into_a_compiled_loop():
    """``n_bins = 31`` wrote counts of 250 bins past the end of an array."""
    found = _compiled()
    assert len(found) > 30
    written = []
    for path, function in found:
        for node in ast.walk(function):
            number = None
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                number = node.value.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "np.empty",
                "np.zeros",
                "np.ones",
                "np.full",
            ):
                shape = node.args[0]
                sizes = shape.elts if isinstance(shape, ast.Tuple) else [shape]
                number = max((n.value for n in sizes if isinstance(n, ast.Constant)), default=None)
            if isinstance(number, int) and not isinstance(number, bool) and number > 4:
                written.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert written == []


@pytest.mark.slow
def test_compiled_loops_stay_inside_their_arrays(tmp_path):
    """Numba checks no bounds by default: outside an array it reads and writes whatever is there."""
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *RUN]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
