"""Units of length at the edge of the data: px, cm and mm, and what turns one into another.

Poses and zones carry the name of their unit; pixels become centimetres through the recording's own
scale, ``px_per_cm``. A `LengthUnit` is both together, so that no code multiplies by a scale on its own,
and two units that cannot be brought together are one error instead of a wrong number.

Why not `pint`: only one dimension is ever converted, its factor belongs to each recording (a context in
`pint`, which is global), and quantities do not survive netCDF.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from murid.data.errors import fail

LengthName = Literal["px", "cm", "mm"]
LENGTH_NAMES: tuple[LengthName, ...] = get_args(LengthName)


@dataclass(frozen=True)
class LengthUnit:
    """A unit of length, with the scale of the picture where it is known.

    Parameters
    ----------
    name : {"px", "cm", "mm"}
    px_per_cm : float, optional
        Pixels of the recording's picture in one centimetre.

    Examples
    --------
    >>> LengthUnit("px", 20.0).to("cm")
    0.05
    >>> LengthUnit("mm").to("cm")
    0.1
    """

    name: LengthName
    px_per_cm: float | None = None

    @classmethod
    def of(cls, attrs: Mapping[str, Any], default: LengthName = "px") -> LengthUnit:
        """Read the unit from the attributes of poses: ``unit`` and ``px_per_cm``."""
        name = str(attrs.get("unit", default))
        if name not in LENGTH_NAMES:
            fail("unit of length", "is not known", expected=", ".join(LENGTH_NAMES), got=name)
        scale = float(attrs.get("px_per_cm") or np.nan)
        return cls(name, scale if np.isfinite(scale) and scale > 0 else None)

    @property
    def per_cm(self) -> float | None:
        """How many of this unit make one centimetre; None for pixels without a scale."""
        return {"cm": 1.0, "mm": 10.0, "px": self.px_per_cm}[self.name]

    @property
    def shown(self) -> LengthName:
        """What lengths are shown in: cm where they can be, else this unit."""
        return self.name if self.per_cm is None else "cm"

    def can_be(self, other: LengthName) -> bool:
        """Whether lengths in this unit can be converted to `other`."""
        return self.name == other or None not in (self.per_cm, LengthUnit(other, self.px_per_cm).per_cm)

    def to(self, other: LengthName, what: str = "a length") -> float:
        """Return how many of `other` make one of this unit.

        Raises
        ------
        DataError
            Between pixels and a unit of length when ``px_per_cm`` is not known; `what` names the thing.
        """
        if self.name == other:
            return 1.0
        own, wanted = self.per_cm, LengthUnit(other, self.px_per_cm).per_cm
        if own is None or wanted is None:
            fail(
                what,
                "cannot be converted: the scale of the picture (px_per_cm) is not known",
                expected=other,
                got=self.name,
                todo="calibrate the poses from px, so that they carry px_per_cm",
            )
        return wanted / own
