"""A place for work under way: what a long computation writes there is found again after a kill.

A step of a study that is run again has the same place, so a training goes on from its last checkpoint. Outside a
step there is no such place, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_folder: ContextVar[Path | None] = ContextVar("scratch", default=None)


def scratch_path(name: str) -> Path | None:
    """Return the path for `name` in the place of the step that is being done; None outside a step."""
    folder = _folder.get()
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


@contextmanager
def scratch_in(folder: Path) -> Iterator[None]:
    """Make `folder` the place for work under way inside the block; it is made when something asks for it."""
    token = _folder.set(Path(folder))
    try:
        yield
    finally:
        _folder.reset(token)
