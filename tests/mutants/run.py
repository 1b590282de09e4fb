"""Change one line of murid at a time and see whether the tests notice (`make mutants`).

`mutants.toml` lists the changes: a file, the text that stands there once, what it becomes, and the tests that
must fail. The source is copied to a temporary folder, so that the checkout is never touched. The exit status is 1
when a mutant survives or when its text is no longer found, so that the list stays true to the code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
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
    missing = [test for test in mutant.tests if not (ROOT / "tests" / test.split("::")[0]).exists()]
    return f"{mutant.file}: no such test: {', '.join(missing)}" if missing else None


def is_caught(mutant: Mutant, sources: Path) -> bool:
    """Return whether a test fails while the mutant is in place in a copy of the sources."""
    path = sources / "murid" / mutant.file
    sound = path.read_text()
    path.write_text(sound.replace(mutant.old, mutant.new))
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header"]
            + [str(ROOT / "tests" / test) for test in mutant.tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(sound)
    # 1: tests failed; 2: the code could not be imported. Anything else (no test found) is not a catch.
    return run.returncode in (1, 2)


def main() -> int:
    """Run the list, or the part of it whose file contains ``--only``; print one line a mutant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run mutants whose file contains this text")
    only = parser.parse_args().only
    mutants = [m for m in read_mutants() if only in m.file]
    faults = [fault for m in mutants if (fault := misplaced(m))]
    print("\n".join(faults))
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        for mutant in mutants:
            if misplaced(mutant):
                continue
            caught = is_caught(mutant, sources)
            survivors += not caught
            print(
                f"{'caught  ' if caught else 'SURVIVED'}  {mutant.file}: {mutant.old!r} -> {mutant.new!r}", flush=True
            )
    print(f"{len(mutants)} mutants, {survivors} survived, {len(faults)} not applicable")
    return int(bool(survivors or faults))


if __name__ == "__main__":
    sys.exit(main())
