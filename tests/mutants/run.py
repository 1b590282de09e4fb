"""Change one line of murid at a time and see whether the tests notice (`make mutants`).

`mutants.toml` lists the changes: a file, the text that stands there once, what it becomes, and the tests that
must fail. The source is copied to a temporary folder, so that the checkout is never touched. The exit status is 1
when a mutant survives, when its text is no longer found, or when the tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.toml")


@dataclass(frozen=True)
class Mutant:
    """One changed line: ``old`` becomes ``new`` in ``file``; one of ``tests`` must fail."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str = ""


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Return the mutants of a list, in its order."""
    return [Mutant(**{**row, "tests": tuple(row["tests"])}) for row in tomllib.loads(path.read_text())["mutant"]]


def misplaced(mutant: Mutant) -> str | None:
    """Return why a mutant cannot be applied to the checkout, or None."""
    path = ROOT / "src" / "murid" / mutant.file
    if not path.exists():
        return f"{mutant.file}: no such file"
    found = path.read_text().count(mutant.old)
    if found != 1:
        return f"{mutant.file}: {mutant.old!r} stands there {found} times, expected once"
    if mutant.new == mutant.old:
        return f"{mutant.file}: {mutant.old!r} stays as it is"
    missing = [test for test in mutant.tests if not _exists(test)]
    return f"{mutant.file}: no such test: {', '.join(missing)}" if missing else None


def _exists(test: str) -> bool:
    """Return whether there is a file, and a function of that name in it, for ``file.py::test_name[case]``."""
    name, _, function = test.partition("::")
    path = ROOT / "tests" / name
    wanted = re.escape(function.partition("[")[0])
    return path.is_file() and (not function or bool(re.search(rf"^def {wanted}\(", path.read_text(), re.MULTILINE)))


def copy_of_sources(folder: Path) -> Path:
    """Copy the sources and compile them; a file is compiled anew whenever its content changes."""
    sources = folder / "src"
    shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(sources, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return sources


def status_of(tests: Sequence[str], sources: Path) -> int:
    """Run tests on a copy of the sources; return the exit status of pytest."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header"]
        + [str(ROOT / "tests" / test) for test in tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    ).returncode


def is_caught(mutant: Mutant, sources: Path) -> bool:
    """Return whether a test fails while the mutant is in place in a copy of the sources."""
    path = sources / "murid" / mutant.file
    sound = path.read_text()
    path.write_text(sound.replace(mutant.old, mutant.new))
    try:
        # 1: tests failed; 2: the code could not be imported. Anything else (no test found) is not a catch.
        return status_of(mutant.tests, sources) in (1, 2)
    finally:
        path.write_text(sound)


def main() -> int:
    """Run the list, or the part of it whose file contains ``--only``; print one line a mutant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run mutants whose file contains this text")
    only, began = parser.parse_args().only, time.monotonic()
    mutants = [m for m in read_mutants() if only in m.file]
    faults = [fault for m in mutants if (fault := misplaced(m))]
    if faults or not mutants:
        print("\n".join(faults or ["no mutant"]))
        return 1
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        sources = copy_of_sources(Path(folder))
        # A test that fails anyway would catch everything.
        if status_of(list(dict.fromkeys(test for m in mutants for test in m.tests)), sources):
            print("the tests fail without any mutant")
            return 1
        for mutant in mutants:
            caught = is_caught(mutant, sources)
            survivors += not caught
            print(f"{'caught  ' if caught else 'SURVIVED'}  {mutant.file}: {mutant.why}", flush=True)
    print(f"{len(mutants)} mutants, {survivors} survived, {time.monotonic() - began:.0f} s")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
