"""The unit of length: cm where the poses are calibrated, else the animals' body length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import xarray as xr

from murid.data.body_scale import measured_body_length
from murid.data.errors import fail
from murid.data.units import LengthUnit


def length_unit(
    poses: xr.Dataset, roles: Mapping[str, str], wanted: Literal["auto", "cm", "body"] = "auto"
) -> tuple[float, str]:
    """Say how long the unit of length is in the unit of the poses, and what it is called.

    Returns
    -------
    length : float
        Divide positions by this.
    name : str
        ``"cm"``, or ``"bl"`` for body lengths.
    """
    unit = LengthUnit.of(poses.attrs)
    if wanted != "body" and unit.per_cm is not None:
        return unit.per_cm, "cm"
    if wanted == "cm":
        fail(
            "features",
            "the poses are not calibrated",
            expected="unit cm, mm, or px with px_per_cm",
            got=unit.name,
            todo="calibrate with murid.prepare.calibrate, or use length='body'",
        )
    return measured_body_length(poses, roles), "bl"
