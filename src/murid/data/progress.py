"""Progress: long work tells how far it is; whoever listens draws a bar with the time left.

Work calls `track(items, "fitting")` or `tell("epoch", 3, 20)`. By default a bar is drawn when the
terminal is interactive, and nothing otherwise. `listen` installs another listener (the runner's log,
a web page).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, float, float], None]

_listener: ContextVar[Listener | None] = ContextVar("murid_progress", default=None)


def tell(text: str, done: float, total: float, *, note: str = "") -> None:
    """Report that `done` of `total` units of the work called `text` are finished; `note` is shown behind the bar."""
    listener = _listener.get()
    if listener is not None:
        listener(text, done, total)
    elif sys.stderr.isatty():
        _bar(text, done, total, note)


def track(items: Iterable[Item], text: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items`, reporting after each one."""
    items = list(items) if total is None and not hasattr(items, "__len__") else items
    size = total if total is not None else len(items)  # type: ignore[arg-type]
    tell(text, 0, size)
    for i, item in enumerate(items, 1):
        yield item
        tell(text, i, size)


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Send progress to `listener(text, done, total)` inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def silent() -> Iterator[None]:
    """No progress inside the block."""
    with listen(_hear_nothing):
        yield


def silence() -> None:
    """No progress from now on, e.g. in a worker process."""
    _listener.set(_hear_nothing)


def _hear_nothing(text: str, done: float, total: float) -> None:
    """Do nothing."""


_started: dict[str, float] = {}


def _bar(text: str, done: float, total: float, note: str = "") -> None:
    """Draw one line: name, bar, share, time left, note."""
    now = time.monotonic()
    start = _started.setdefault(text, now)
    share = done / total if total else 1.0
    left = (now - start) * (1 - share) / share if share > 0 else 0.0
    filled = int(30 * share)
    line = f"\r{text[:28]:28s} [{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}  {left:5.0f} s left {note:14.14s} "
    sys.stderr.write(line)
    if done >= total:
        _started.pop(text, None)
        sys.stderr.write("\n")
    sys.stderr.flush()
