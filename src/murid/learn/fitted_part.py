"""A fitted part: plain arrays, so that it can be saved without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np


class Fitted:
    """Mixin of the frozen dataclasses that fitting returns.

    Every field is an array, a number, a bool or None, so that `arrays` and `from_arrays`
    carry the whole model through any array container (safetensors, npz, HDF5).
    """

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every field that is not None as an array (numbers become 0-d arrays)."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {name: np.asarray(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Rebuild the model from what `arrays` returned; unknown names are ignored."""
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        values: dict[str, Any] = {name: None for name in known}
        for name in known & set(arrays):
            value = np.asarray(arrays[name])
            values[name] = value.item() if value.ndim == 0 else value
        return cls(**values)
