"""The same tables as Excel, pandas, R and BORIS write them.

A *kind* (`kinds.py`) is one small table with what reading it must give, worked out by hand and not by a reader. A
*dialect* (`excel.py`, `pandas_files.py`, `r_files.py`) is a function that writes any such table as one program does in
one of its ways; a variant is one kind in one dialect. Files that only one kind has (`boris.py`, `special.py`) are
variants of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.io.variants.kinds import KINDS, Kind


@dataclass(frozen=True)
class Variant:
    """One file.

    Attributes
    ----------
    name : str
        Program, dialect and kind.
    kind : Kind
        What the file holds.
    write : callable
        ``write(folder) -> path``.
    refused : str
        Pattern of the one error that refuses it; empty when it is read.
    warned : str
        Pattern of a warning that comes with it.
    options : dict
        Options for reading it.
    right : object
        What reading must give, where that differs from the kind's.
    slow : bool
        Left out of the default run, in which each dialect is read in three kinds.
    """

    name: str
    kind: Kind
    write: Callable[[Path], Path]
    refused: str = ""
    warned: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    right: Any = None
    slow: bool = False


VARIANTS: dict[str, Variant] = {}
_TURN = itertools.count()


def add(variant: Variant) -> None:
    assert variant.name not in VARIANTS, variant.name
    VARIANTS[variant.name] = variant


def dialect(
    program: str,
    kinds: Iterable[str] = KINDS,
    *,
    refused: str | Mapping[str, str] = "",
    warned: str | Mapping[str, str] = "",
) -> Callable:
    """Register a function ``f(kind, folder) -> path`` as a dialect of all kinds named.

    `refused` and `warned` hold for all kinds, or name the kinds for which they do.
    """

    def register(write: Callable[[Kind, Path], Path]) -> Callable[[Kind, Path], Path]:
        names = list(kinds)
        # Three kinds of each dialect, others for the next one, so that the default run meets every kind often.
        first = next(_TURN)
        often = {names[(first + j * max(1, len(names) // 3)) % len(names)] for j in range(3)}
        for name in names:
            kind = KINDS[name]
            add(
                Variant(
                    f"{program}-{write.__name__}-{name}",
                    kind,
                    lambda folder, kind=kind: write(kind, folder),
                    refused if isinstance(refused, str) else refused.get(name, ""),
                    warned if isinstance(warned, str) else warned.get(name, ""),
                    kind.options,
                    slow=name not in often,
                )
            )
        return write

    return register


def variant(
    program: str, kind: str, *, refused: str = "", warned: str = "", right: Any = None, **options: Any
) -> Callable:
    """Register a function ``f(folder) -> path`` as one variant of a kind."""

    def register(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
        known = KINDS[kind]
        add(
            Variant(
                f"{program}-{write.__name__}-{kind}", known, write, refused, warned, {**known.options, **options}, right
            )
        )
        return write

    return register
