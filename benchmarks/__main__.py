"""Run the short benchmarks one after the other: ``python -m benchmarks [name ...]``."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: Minutes on two cores, all of them; the others run by name.
SHORT = ("features", "tuning", "segment")


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]


def main() -> int:
    known = {p.stem: p for p in sorted(HERE.glob("*.py")) if not p.stem.startswith("_")}
    names = sys.argv[1:] or [n for n in SHORT if n in known]
    if unknown := [n for n in names if n not in known]:
        print(f"no benchmark {', '.join(unknown)}; there are:")
        print(*(f"  {n:20s} {first_line(p)}" for n, p in known.items()), sep="\n")
        return 2
    for name in names:
        print(f"\n== {name}: {first_line(known[name])}", flush=True)
        if code := subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent).returncode:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
