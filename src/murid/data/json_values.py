"""Plain values: what JSON can hold, written in one way everywhere."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pydantic

from murid.data.errors import fail

#: What JSON can hold.
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


def to_plain(value: object, *, nonfinite: Literal["null", "text"] = "null", name: str = "value") -> Plain:
    """Return `value` as JSON can hold it.

    Parameters
    ----------
    value : object
        Numbers, text, paths, dates, numpy scalars and arrays, mappings, lists, tuples, sets, dataclasses
        and parameter objects, nested at will.
    nonfinite : {"null", "text"}
        What NaN and infinities become. "null" for everything that is read by people or programs, since
        JSON knows no NaN; "text" keeps ``nan``, ``inf`` and None apart, for fingerprints.
    name : str
        What to call the value in an error.

    Raises
    ------
    DataError
        For anything else: its content cannot be seen.

    Examples
    --------
    >>> plain({"auc": float("nan"), "n": (1, 2)})
    {'auc': None, 'n': [1, 2]}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return None if nonfinite == "null" else repr(float(value))
    if isinstance(value, (np.generic, np.ndarray)):
        return to_plain(value.tolist(), nonfinite=nonfinite, name=name)
    if isinstance(value, (Path, dt.date)):
        return str(value)
    if isinstance(value, pydantic.BaseModel):
        return to_plain(value.model_dump(), nonfinite=nonfinite, name=name)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return to_plain(fields, nonfinite=nonfinite, name=name)
    if isinstance(value, Mapping):
        return {str(k): to_plain(v, nonfinite=nonfinite, name=name) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v, nonfinite=nonfinite, name=name) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_plain(v, nonfinite=nonfinite, name=name) for v in value), key=str)
    fail(
        name,
        "cannot be written as JSON",
        expected="numbers, text, lists, mappings",
        got=type(value).__name__,
        todo="pass plain values, and name files and recordings as inputs",
    )


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return `value` as JSON text; NaN and infinities become null.

    Parameters
    ----------
    value : object
        As for `to_plain`.
    indent : int, optional
        Spaces per level; one line when left out.

    Examples
    --------
    >>> to_json({"id": "m1", "score": float("nan")})
    '{"id": "m1", "score": null}'
    """
    return json.dumps(to_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
