"""Does a declared parameter change anything? Cases of one class of parameters, and how results are told apart.

Every folder of tests whose floor declares parameters has an ``acts.py`` with `CASES`, class → `Acts`;
tests/data/test_parameters_act.py runs them all, and fails for a parameter without a case.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.params import Params


@dataclass(frozen=True)
class Acts:
    """How the parameters of one class are tried.

    Attributes
    ----------
    run : callable
        ``run(params)``, or ``run(params, on)`` where `on` says on what → any result that `digest` reads; without a
        record of the parameters themselves.
    others : dict
        Parameter → another legal value, which has to give another result.
    base : dict
        What both sides have instead of the defaults, so that runs are short.
    given : dict of dict
        Parameter → what both sides have as well, where it needs a setting that uses it.
    exempt : dict
        Parameter → why another value may give the same result.
    on : dict
        Parameter → what `run` is given besides: the name of the data that show the parameter.
    slow : tuple of str or bool
        Parameters whose runs take long; all when True.
    """

    run: Callable[..., Any]
    others: Mapping[str, Any]
    base: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exempt: Mapping[str, str] = field(default_factory=dict)
    on: Mapping[str, str] = field(default_factory=dict)
    slow: tuple[str, ...] | bool = ()

    def results(self, cls: type[Params], name: str) -> tuple[str, str]:
        """Return the digests of the results without and with the other value."""
        both = {**self.base, **self.given.get(name, {})}
        plain, other = cls(**both), cls(**{**both, name: self.others[name]})
        assert getattr(plain, name) != getattr(other, name), f"{name}: the other value is the one there is"
        on = (self.on[name],) if name in self.on else ()
        # What many parameters are held against is worked out once. Some parameters are mappings: no keys.
        key = (self.run, repr(plain), on)
        if key not in _KNOWN:
            _KNOWN[key] = digest(self.run(plain, *on))
        return _KNOWN[key], digest(self.run(other, *on))


_KNOWN: dict[Any, str] = {}


def digest(value: Any) -> str:
    """Return a short text that is the same for equal results alone; attributes of datasets are left out."""
    reader = hashlib.sha256()
    _read(value, reader.update)
    return reader.hexdigest()


def _read(value: Any, update: Callable[[bytes], None]) -> None:
    update(type(value).__name__.encode())
    if isinstance(value, Params):
        raise TypeError("a result must not hold the parameters it was made with")
    if isinstance(value, xr.Dataset):
        _read({str(name): value[name] for name in value.variables}, update)
    elif isinstance(value, xr.DataArray):
        update(str(value.dims).encode())
        _read(value.values, update)
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        update(value.to_csv().encode())
    elif isinstance(value, np.ndarray):
        update(f"{value.dtype} {value.shape}".encode())
        update(repr(value.tolist()).encode() if value.dtype == object else np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value):
        _read({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, update)
    elif isinstance(value, Mapping):
        for key in value:
            update(str(key).encode())
            _read(value[key], update)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _read(part, update)
    elif isinstance(value, (str, bytes, int, float, bool, type(None), np.generic)):
        update(repr(value).encode())
    else:
        raise TypeError(f"cannot tell results of type {type(value).__name__} apart: return arrays, tables or numbers")
