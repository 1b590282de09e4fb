"""Write the golden numbers anew: ``python -m tests.golden.make [case ...]`` (recordings: MURID_DATA).

Only when numbers are meant to change. The change goes into the changelog under *numbers*, with its reason.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.conftest import data_folder
from tests.golden.cases import CASES

FOLDER = Path(__file__).parent / "numbers"


def stored(name: str) -> dict[str, Any]:
    """Read the golden numbers of a case."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def write(name: str, numbers: dict[str, Any]) -> None:
    """Store the golden numbers of a case, one a line."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(numbers, indent=0, ensure_ascii=False) + "\n")


def main(names: list[str]) -> None:
    """Make the cases of these names, all when none is named."""
    for name in names or list(CASES):
        write(name, CASES[name](data_folder()))
        print(f"{name}: {len(stored(name))} numbers")


if __name__ == "__main__":
    main(sys.argv[1:])
