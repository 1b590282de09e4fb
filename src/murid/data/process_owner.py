"""Who is at work: a process on a host, told apart from processes of other machines and containers.

Several machines may share a study on a network disk. A process number means nothing on another machine, so
what is under way carries the host beside it, and what belongs to another host is left alone until it is old.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

#: What `work_name` returns, as a pattern.
WORK_NAME = r"\d+-[0-9a-f]{8}(?:-\d+)?"
#: What another host has not touched for so long is taken for dead.
OLD_S = 7 * 24 * 3600.0


@cache
def host() -> str:
    """Eight hex digits that stand for this machine since its last start, and for this container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.blake2b("|".join(parts).encode(), digest_size=4).hexdigest()


def owner_name() -> str:
    """Return ``<pid>-<host>`` of this process."""
    return f"{os.getpid()}-{host()}"


_works = count(1)


def work_name() -> str:
    """Return ``<pid>-<host>-<number>``: one piece of unfinished work of this process, apart from its other threads'."""
    return f"{owner_name()}-{next(_works)}"


def at_work(name: str, changed: float) -> bool:
    """True while the owner of something unfinished may still be at work on it.

    Parameters
    ----------
    name : str
        What `owner_name` or `work_name` returned, or a bare process number (of this machine).
    changed : float
        When it was last written to, seconds since 1970.
    """
    import psutil

    pid, _, rest = name.partition("-")
    machine = rest.partition("-")[0]
    if not pid.isdigit():
        return False
    if machine and machine != host():
        return time.time() - changed < OLD_S
    if int(pid) == os.getpid():
        return True
    try:
        # A process that began after the last change has only inherited the number.
        return psutil.Process(int(pid)).create_time() <= changed + 60.0
    except psutil.Error:
        return False
