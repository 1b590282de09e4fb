"""Nothing half-written: files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from murid.data.errors import MuridError
from murid.data.process_owner import WORK_NAME, at_work, work_name

#: What is under way; hidden files of other programs (``.x.tmp``) are none of murid's.
_UNDER_WAY = re.compile(rf"\.(?:(?P<name>.+)\.)?(?P<owner>{WORK_NAME})\.(?P<kind>tmp|old)")
_NUMBER_OF_SYSTEM = re.compile(r"(?:os error |errno = )(\d+)")


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
    temporary = target.with_name(f".{target.name}.{work_name()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    except BaseException as exc:
        temporary.unlink(missing_ok=True)
        _raise_explained(exc, target)
        raise


@contextmanager
def atomic_folder(target: str | Path, *, stays: Callable[[], bool] | None = None) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; swap it in when the block succeeds.

    With `stays`, a target that another process has made meanwhile stays where the function says so.
    """
    target = Path(target)
    own = work_name()  # two threads of one process may write the same folder
    temporary, old = (target.with_name(f".{target.name}.{own}.{kind}") for kind in ("tmp", "old"))
    there = False
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if stays is None or not _moved(temporary, target, stays):
            _swap(temporary, target, old)
        there = True
    except Exception as exc:
        _raise_explained(exc, target)
        raise
    finally:
        if not there and old.exists() and not target.exists():
            with suppress(OSError):  # another was faster
                old.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def atomic_files(folder: str | Path) -> Iterator[Path]:
    """Yield a temporary folder in `folder`; its files appear in `folder` together when the block succeeds.

    Files of other names that are in `folder` stay. On an error none of the new files is there, and no folder that
    was not there before.

    Raises
    ------
    FileExistsError
        A file of one of the names is there already.
    DiskError
        No space left, or no right to write.
    """
    folder = Path(folder)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    temporary = folder / f".{work_name()}.tmp"  # inside: what lies beside it may be another disk
    moved: list[Path] = []
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in sorted(temporary.iterdir()):
            target = folder / file.name
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            file.rename(target)
            moved.append(target)
    except BaseException as exc:
        for target in moved:
            target.unlink(missing_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # not there, or another has put something into it
                parent.rmdir()
        _raise_explained(exc, folder)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another, which becomes `old`; the last of several that do so at once has it."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            target.rename(old)
        try:
            temporary.rename(target)
            return
        except OSError as exc:
            # Another thread has put its folder there since, and may be about to move it away again.
            if exc.errno != errno.ENOTEMPTY and not isinstance(exc, FileExistsError | PermissionError):
                raise
        shutil.rmtree(old, ignore_errors=True)  # another was faster, with a newer one
    temporary.rename(target)


def _moved(temporary: Path, target: Path, stays: Callable[[], bool]) -> bool:
    """Move a folder to a place where there is none; True too where the one that is there stays."""
    try:
        temporary.rename(target)
    except OSError:
        return target.exists() and stays()
    return True


def left_behind(path: Path) -> tuple[str, str]:
    """Return name and kind (``tmp`` or ``old``) of what a process that is gone left half-done; empty for all else."""
    match = _UNDER_WAY.fullmatch(path.name)
    if match is None:
        return "", ""
    try:
        info = path.stat()
    except OSError:
        return "", ""
    if at_work(match["owner"], max(info.st_mtime, info.st_ctime)):
        return "", ""
    return match["name"] or "", match["kind"]


def put_back(folder: Path) -> list[str]:
    """Undo what killed processes left of `atomic_folder` in a folder; return the names that were put back."""
    back = []
    for left in folder.glob(".*"):
        name, kind = left_behind(left)
        with suppress(OSError):
            if kind == "old" and name and not (folder / name).exists():
                left.rename(folder / name)
                back.append(name)
            elif kind:
                delete_path(left)
    return back


def remove_left_behind(folder: Path) -> None:
    """Remove half-written files and folders of processes that are gone from a folder and all below it."""
    for path in list(folder.rglob(".*.tmp")):
        if left_behind(path)[1]:
            with suppress(OSError):
                delete_path(path)


def delete_path(path: Path) -> None:
    """Remove a file, or a folder and all in it; one that is gone is no error."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def appears(path: Path, folder: Path) -> bool:
    """True when a path inside a folder of `atomic_folder` exists; a swap under way is waited for."""
    for _ in range(100):
        if path.exists():
            return True
        if not any(folder.parent.glob(f".{folder.name}.*.old")):
            break
        time.sleep(0.02)
    return path.exists()


def _raise_explained(exc: BaseException, target: Path) -> None:
    """Raise the error of the system with advice; nothing where it is none.

    Libraries in other languages (safetensors, HDF5) have errors of their own, with the number of the system's error
    in the text.
    """
    if isinstance(exc, OSError):
        raise explained(exc, target) from exc
    system_number = _NUMBER_OF_SYSTEM.search(str(exc)) if isinstance(exc, Exception) else None
    if system_number:
        number = int(system_number[1])
        raise explained(OSError(number, os.strerror(number), str(target)), target) from exc


def explained(exc: OSError, target: Path) -> OSError:
    """An error with advice for a full disk or missing rights; the same error otherwise."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskError(f"{target}: no space left on the disk; nothing was written -> free some space and run again")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DiskError(f"{target}: cannot be written ({exc.strerror}) -> check the rights of {target.parent}")
    return exc
