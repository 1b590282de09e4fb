"""Nothing half-written: files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from murid.data.errors import MuridError
from murid.data.process_owner import owner_name


class DiskError(MuridError, OSError):
    """The disk is full or the folder cannot be written."""


@contextmanager
def atomic_file(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it over `target` when the block succeeds.

    Raises
    ------
    DiskError
        No space left, or no right to write: says which folder, and leaves nothing behind.
    """
    target = Path(target)
    temporary = target.with_name(f".{target.name}.{owner_name()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise explained(exc, target) from exc
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(target: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; swap it in when the block succeeds."""
    target = Path(target)
    temporary = target.with_name(f".{target.name}.{owner_name()}.tmp")
    old = target.with_name(f".{target.name}.{owner_name()}.old")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rename(old)
        temporary.rename(target)
    except OSError as exc:
        raise explained(exc, target) from exc
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def explained(exc: OSError, target: Path) -> OSError:
    """An error with advice for a full disk or missing rights; the same error otherwise."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskError(f"{target}: no space left on the disk; nothing was written -> free some space and run again")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DiskError(f"{target}: cannot be written ({exc.strerror}) -> check the rights of {target.parent}")
    return exc
