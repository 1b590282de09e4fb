"""Feature sequences: several recordings stacked, with their borders and their missing frames.

Models of time must not run from the end of one recording into the start of the next, so
everything in `murid.learn` takes either a list of arrays or one array with `lengths`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from murid.data.errors import Faults

Arrays = np.ndarray | Sequence[np.ndarray]


@dataclass(frozen=True)
class Sequences:
    """Stacked feature sequences.

    Parameters
    ----------
    frames : (n_frames, n_features) float array
        All sequences one after the other; missing values are NaN.
    offsets : (n_sequences + 1,) int array
        Sequence `i` is ``frames[offsets[i]:offsets[i + 1]]``.
    listed : bool
        Whether the caller gave a list (answers then come back as a list).
    """

    frames: np.ndarray
    offsets: np.ndarray
    listed: bool

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.frames[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True))

    @property
    def observed(self) -> np.ndarray:
        """(n_frames,) bool: frames without any NaN."""
        return ~np.isnan(self.frames).any(axis=1)

    def answer(self, values: np.ndarray) -> Any:
        """Give per-frame `values` (n_frames, ...) back in the form the caller used."""
        if not self.listed:
            return values
        return [values[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]


def as_sequences(
    x: Arrays | Sequences,
    lengths: Sequence[int] | np.ndarray | None = None,
    *,
    dtype: Any = None,
    n_features: int | None = None,
    what: str = "features",
) -> Sequences:
    """Check and stack feature sequences.

    Parameters
    ----------
    x : list of (T_i, D) arrays, one (T, D) array, or Sequences
        Features; NaN where missing.
    lengths : sequence of int, optional
        Lengths of the sequences inside one stacked array; None means one sequence.
    dtype : numpy dtype, optional
        float32 or float64; default keeps float32 and turns everything else into float64.
    n_features : int, optional
        Number of columns that a fitted model expects.
    what : str
        Subject of error messages.

    Raises
    ------
    DataError
        Naming every sequence with a wrong shape or infinite values, or wrong lengths.
    """
    if isinstance(x, Sequences):
        frames = x.frames if dtype is None else np.ascontiguousarray(x.frames, dtype)
        x = Sequences(frames, x.offsets, x.listed)
        _check([x.frames], n_features, what, [])
        return x
    listed = not (isinstance(x, np.ndarray) and x.ndim == 2)
    parts = [np.asarray(part) for part in x] if listed else [np.asarray(x)]
    _check(parts, n_features, what, [] if lengths is None else [(listed, list(lengths))])
    kept = {part.dtype for part in parts} == {np.dtype(np.float32)}
    dtype = np.dtype(dtype or (np.float32 if kept else np.float64))
    frames = np.concatenate(parts, dtype=dtype, casting="unsafe") if len(parts) > 1 else parts[0]
    frames = np.ascontiguousarray(frames, dtype)
    sizes = [len(part) for part in parts] if lengths is None else list(lengths)
    return Sequences(frames, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), listed)


def _check(parts: list[np.ndarray], n_features: int | None, what: str, given: list[tuple[bool, list[int]]]) -> None:
    faults = Faults(what)
    if not parts:
        faults.add("there are no sequences", expected="at least one (frames, features) array", got="an empty list")
    width = n_features or next((part.shape[1] for part in parts if part.ndim == 2), 0)
    for i, part in enumerate(parts):
        where = f"sequence {i}"
        if part.ndim != 2 or part.dtype.kind not in "fiub":
            faults.add("not a table of numbers", where=where, expected="(frames, features)", got=f"{part.shape}")
        elif part.shape[1] != width:
            faults.add("wrong number of features", where=where, expected=str(width), got=str(part.shape[1]))
        elif np.isinf(part).any():
            faults.add("infinite values", where=where, expected="numbers or NaN", todo="mark missing values as NaN")
    for listed, lengths in given:
        if listed:
            faults.add(
                "lengths go with one stacked array", got="a list of arrays and lengths", todo="leave lengths out"
            )
        elif sum(lengths) != len(parts[0]) or min(lengths, default=0) < 0:
            faults.add("lengths do not add up", expected=f"{len(parts[0])} frames", got=f"{sum(lengths)}")
    faults.raise_if_any()


@dataclass(frozen=True)
class Place:
    """What a sequence is called and when its rows are, so that a message can say where a sample comes from.

    Attributes
    ----------
    name : str
        ``"m1, mouse"``.
    time_s : array (row,)
    """

    name: str
    time_s: np.ndarray


def place_of(places: Sequence[Place], sequence: int, row: int) -> str:
    """Return where a row is: by name and time where places are known, else by number."""
    if not places:
        return f"sequence {sequence}, row {row}"
    place = places[sequence]
    return f"{place.name} at {place.time_s[row]:.2f} s"
