"""Warnings: what murid did that its user may not have meant, shown at the user's own line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType


class MuridWarning(UserWarning):
    """Base of every warning of murid: something was guessed, left out, or looks wrong, and work went on.

    Its place is the first line outside murid on the way to it: a line of your own. It is a category of its own so
    that murid's warnings can be made errors, or silenced, without touching those of other libraries.

    Examples
    --------
    >>> import warnings
    >>> import murid
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", murid.MuridWarning)
    ...     try:
    ...         murid.Spikes({"u1": [0.5, 7.0]}, start_s=0.0, stop_s=2.0)
    ...     except murid.MuridWarning as warning:
    ...         print(warning)
    spikes: 1 spikes outside 0-2 s are left out
    """


def warn_user(message: str, category: type[Warning] = MuridWarning) -> None:
    """Warn at the first line outside murid, however deep the caller lies.

    Parameters
    ----------
    message : str
        What was seen, what was done about it, and what the user can do.
    category : type
        `MuridWarning` or a subclass.
    """
    frame = _first_outside(sys._getframe(1))  # noqa: SLF001 (no public function walks the stack at this price)
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    # warn_explicit, not a counted stacklevel: the count differs by the way a function is called.
    warnings.warn_explicit(
        message,
        category,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=names.get("__name__") or "<unknown>",
        registry=registry,
    )


def _first_outside(frame: FrameType) -> FrameType:
    """First frame whose module is not murid's; the outermost one where all are (the command line).

    The module is asked and not the file: the ``__init__`` that a dataclass writes has no file.
    """
    while _is_own(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _is_own(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "murid"
