"""Golden files: each format as its tool writes it, with what reading it must give.

A file is a function under `@golden(kind, name)` that writes it into a folder and returns its path, the options to
read it with, and a check of what was read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Check = Callable[[Any], None]
Make = Callable[[Path], tuple[Path, dict[str, Any], Check]]
GOLDEN: dict[tuple[str, str], Make] = {}


def golden(kind: str, name: str) -> Callable[[Make], Make]:
    """Register the golden file of a format."""

    def register(make: Make) -> Make:
        GOLDEN[kind, name] = make
        return make

    return register


def text(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path
