"""Errors that help: what is wrong, where, what was expected, what was got, what to do.

Every check in murid gathers *all* its faults first and raises one error. A fault is a
`Fault`; `Faults` collects them and raises. Near-miss names are suggested with `nearest_names`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NoReturn


class MuridError(Exception):
    """Base of every error murid raises on purpose. The CLI prints it without a traceback.

    Examples
    --------
    >>> import murid
    >>> try:
    ...     murid.method("kmeens")
    ... except murid.MuridError as error:
    ...     print("kmeens" in str(error))
    True
    """


class DataError(MuridError, ValueError):
    """A file, table or array is not what it must be. `faults` lists every reason.

    Examples
    --------
    >>> import murid
    >>> try:
    ...     murid.make_bouts(start_s=[2.0], stop_s=[1.0], label=["rest"])
    ... except murid.DataError as error:
    ...     print(len(error.faults))
    1
    """

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class ParameterError(DataError):
    """A parameter is unknown, has the wrong type, or lies outside its bounds."""


class NotFittedError(MuridError):
    """`apply` or `save` was called before `fit`."""


class MissingExtraError(MuridError, ImportError):
    """An optional library is not installed; the message names the install line."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    what : str
        The fault in one phrase: ``"time goes backwards"``.
    where : str
        File, row, column, frame, keypoint: as precise as is known.
    expected, got : str
        What should have been there and what was.
    todo : str
        What the user can do about it.
    """

    what: str
    where: str = ""
    expected: str = ""
    got: str = ""
    todo: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        parts = [head]
        values = {"expected": self.expected, "got": self.got}
        if given := ", ".join(f"{name} {value}" for name, value in values.items() if value):
            parts.append(given)
        if self.todo:
            parts.append(f"-> {self.todo}")
        return "; ".join(parts)


@dataclass
class Faults:
    """Collects faults; `raise_if_any` turns them into one error.

    Parameters
    ----------
    subject : str
        What was being checked, e.g. ``"poses of recording r1"`` or a file path.
    """

    subject: str
    items: list[Fault] = field(default_factory=list)

    def add(self, what: str, *, where: str = "", expected: str = "", got: str = "", todo: str = "") -> None:
        """Note one fault and go on checking."""
        self.items.append(Fault(what, where, str(expected), str(got), todo))

    def __bool__(self) -> bool:
        return bool(self.items)

    def raise_if_any(self, error: type[DataError] = DataError) -> None:
        """Raise one error naming every fault, or return when there is none."""
        if self.items:
            raise error(self.message(), self.items)

    def message(self) -> str:
        """Subject and faults as one text, one line a fault."""
        if len(self.items) == 1:
            return f"{self.subject}: {self.items[0]}"
        lines = [f"{self.subject}: {len(self.items)} faults"]
        lines += [f"  {i}. {text}" for i, text in enumerate(_without_repeats(self.items), 1)]
        return "\n".join(lines)


#: A fault in so many places is written once, with the places.
_REPEATED = 4
#: Places that are named.
_PLACES = 8


def _without_repeats(faults: Iterable[Fault]) -> list[str]:
    """Text of each fault; one that differs in its place only is written once, with the places."""
    same: dict[Fault, list[str]] = {}
    for fault in faults:
        same.setdefault(replace(fault, where=""), []).append(fault.where)
    texts: list[str] = []
    for fault, places in same.items():
        if len(places) < _REPEATED or not all(places):
            texts += [str(replace(fault, where=place)) for place in places]
            continue
        more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
        texts.append(str(replace(fault, where=f"{len(places)} places ({', '.join(places[:_PLACES])}{more})")))
    return texts


def fail(
    subject: str,
    what: str,
    *,
    where: str = "",
    expected: str = "",
    got: str = "",
    todo: str = "",
    error: type[DataError] = DataError,
) -> NoReturn:
    """Raise one error with one fault."""
    fault = Fault(what, where, str(expected), str(got), todo)
    raise error(f"{subject}: {fault}", [fault])


def nearest_names(name: str, options: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` of `options` that look like `name`, best first, ignoring case."""
    lower = {str(option).lower(): str(option) for option in options}
    return [lower[m] for m in difflib.get_close_matches(name.lower(), lower, n=n, cutoff=0.5)]


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return ``"did you mean 'x'?"`` or the list of options, for the `todo` of a fault."""
    options = list(map(str, options))
    close = nearest_names(name, options)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"known: {', '.join(options)}" if options else "none are known"


def require(module: str, extra: str):
    """Import an optional module, or say how to install it.

    Parameters
    ----------
    module : str
        Dotted module name.
    extra : str
        Name of the murid extra that brings it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise MissingExtraError(
            f"'{module}' is not installed and is needed for this; install it with: pip install 'murid[{extra}]'"
        ) from exc
