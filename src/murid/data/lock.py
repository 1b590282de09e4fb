"""One at a time: a lock on a folder that several commands, also of several machines, may change at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from murid.data.errors import MuridError
from murid.data.owner import at_work, owner_name

#: How long to wait for another command, s. A lock is held for the writing of one small table.
WAIT_S = 60.0


@contextmanager
def locked(folder: str | Path, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock of a folder (its file ``.lock``) inside the block.

    Raises
    ------
    MuridError
        When another command, still at work, holds it for longer than `wait_s`.
    """
    path = Path(folder) / ".lock"
    end = time.monotonic() + wait_s
    while not _taken(path):
        if time.monotonic() > end:
            raise MuridError(
                f"{folder}: another command is writing to it -> wait until it is done; if none is, delete {path}"
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _taken(path: Path) -> bool:
    """Take the lock, also from an owner that is gone; False while it is held."""
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(owner_name())
    except FileExistsError:
        try:
            holder, changed = path.read_text(encoding="utf-8"), path.stat().st_mtime
        except OSError:
            return False
        # A lock without a name was made an instant ago, or by a process that was killed in that instant.
        dead = not at_work(holder, changed) if holder else time.time() - changed > WAIT_S / 2
        if dead:
            stale = path.with_name(f".lock.{owner_name()}")
            try:
                path.rename(stale)
            except OSError:
                return False
            stale.unlink(missing_ok=True)
        return False
    return True
