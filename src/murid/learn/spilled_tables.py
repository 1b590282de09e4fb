"""Feature tables that lie on disk: a fit holds one recording's features at a time, however many there are."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np


class SpilledTables(Sequence[np.ndarray]):
    """Arrays ``(row, feature)`` kept in files of a temporary folder and read when asked for.

    The folder goes when the object does. What changes an array that was read changes nothing here.

    Examples
    --------
    >>> tables = SpilledTables()
    >>> tables.append(np.ones((3, 2), np.float32))
    >>> len(tables), tables[0].shape
    (1, (3, 2))
    """

    def __init__(self, tables: Iterable[np.ndarray] = ()) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="murid_tables_"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._count = 0
        for table in tables:
            self.append(table)

    def append(self, table: np.ndarray) -> None:
        """Add a table at the end."""
        np.save(self._path(self._count), table, allow_pickle=False)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        table: np.ndarray = np.load(self._path(index % self._count), allow_pickle=False)
        return table

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(self._count))

    def _path(self, index: int) -> Path:
        return self._folder / f"{index}.npy"


def blocks_of(tables: Iterable[np.ndarray], n_rows: int) -> Iterator[np.ndarray]:
    """Yield the rows of all tables, one after the other, in blocks of `n_rows`; the last one may be shorter.

    Examples
    --------
    >>> [len(b) for b in blocks_of([np.zeros((3, 1)), np.zeros((4, 1))], 5)]
    [5, 2]
    """
    parts: list[np.ndarray] = []
    held = 0
    for table in tables:
        start = 0
        while len(table) - start >= n_rows - held:
            stop = start + n_rows - held
            yield np.concatenate([*parts, table[start:stop]])
            parts, held, start = [], 0, stop
        if start < len(table):
            parts.append(table[start:])
            held += len(table) - start
    if held:
        yield np.concatenate(parts)
