"""The number of threads that a machine offers changes no output of any method.

Each count needs a process of its own: OpenMP, BLAS, numba and torch read it once, when they are loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from murid.methods.registry import method_names

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Prints one line for each array: its name, its type, its shape and the hash of its bytes.
SCRIPT = """
import hashlib, sys
import numpy as np
from tests.methods.test_contract import SMALL, fitted, of, quietly
name, threads = sys.argv[1], int(sys.argv[2])
for trees in ("trees", "forest"):
    if trees in SMALL.get(name, {}):
        SMALL[name][trees] = {**SMALL[name][trees], "n_threads": threads}
out = quietly(fitted(name).apply, of(name))
for key in sorted(out.variables):
    values = np.ascontiguousarray(out[key].values)
    raw = values.tobytes() if values.dtype != object else repr(values.tolist()).encode()
    print("array", key, values.dtype, values.shape, hashlib.sha256(raw).hexdigest())
"""


def arrays(name: str, threads: int) -> list[str]:
    """Fit and apply the method in a process that may use `threads` threads."""
    environment = {**os.environ, **dict.fromkeys(COUNTS, str(threads))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, str(threads)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if line.startswith("array ")]


@pytest.mark.slow
@pytest.mark.parametrize("name", method_names())
def test_one_thread_or_two_give_the_same_output(name):
    one = arrays(name, 1)
    assert any(line.startswith("array states ") for line in one)
    assert one == arrays(name, 2)
