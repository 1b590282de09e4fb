"""One at a time: a lock on a folder that several commands, also of several machines, may change at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from murid.data.errors import MuridError
from murid.data.process_owner import at_work, owner_name

#: How long to wait for another command, s. A lock is held for the writing of one small table.
WAIT_S = 60.0
#: Locks that a thread holds.
_OWN = threading.local()


@contextmanager
def locked(folder: str | Path, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock of a folder (its file ``.lock``) inside the block; a thread that has it may take it again.

    Raises
    ------
    MuridError
        When another command, still at work, holds it for longer than `wait_s`.
    """
    path = Path(folder).resolve() / ".lock"
    held: set[Path] = _OWN.__dict__.setdefault("held", set())
    if path in held:
        yield
        return
    end = time.monotonic() + wait_s
    while not _taken(path):
        if time.monotonic() > end:
            raise MuridError(
                f"{folder}: another command is writing to it -> wait until it is done; if none is, delete {path}"
            )
        time.sleep(0.02)
    held.add(path)
    try:
        yield
    finally:
        held.discard(path)
        path.unlink(missing_ok=True)


def _taken(path: Path) -> bool:
    """Take the lock, also from an owner that is gone; False while it is held."""
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(owner_name())
    except FileExistsError:
        if _abandoned(path):
            _break(path)
        return False
    return True


def _abandoned(path: Path) -> bool:
    """True where the owner of a lock is gone."""
    try:
        holder, changed = path.read_text(encoding="utf-8"), path.stat().st_mtime
    except OSError:
        return False
    # A lock without a name was made an instant ago, or by a process that was killed in that instant.
    return not at_work(holder, changed) if holder else time.time() - changed > WAIT_S / 2


def _break(path: Path) -> None:
    """Remove a lock whose owner is gone: one process at a time, which looks again before it does.

    Without this, a process that saw the old lock could remove the one that another has taken since.
    """
    breaking = path.with_name(".lock.broken")
    try:
        breaking.mkdir()
    except FileExistsError:
        # Held for an instant; left behind only by a process that was killed in it.
        with suppress(OSError):
            if time.time() - breaking.stat().st_mtime > WAIT_S / 2:
                breaking.rmdir()
        return
    except OSError:
        return
    try:
        if _abandoned(path):
            path.unlink(missing_ok=True)
    finally:
        with suppress(OSError):
            breaking.rmdir()
