"""The unit of length: cm where the poses are calibrated, else the animals' body length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr

from murid.data.body import measured_body_length
from murid.data.errors import fail


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
    unit = poses.attrs.get("unit", "px")
    per_cm = {"cm": 1.0, "mm": 10.0}.get(unit, poses.attrs.get("px_per_cm"))
    if wanted != "body" and per_cm is not None and np.isfinite(per_cm) and per_cm > 0:
        return float(per_cm), "cm"
    if wanted == "cm":
        fail(
            "features",
            "the poses are not calibrated",
            expected="unit cm, mm, or px with px_per_cm",
            got=str(unit),
            todo="calibrate with murid.prepare.calibrate, or use length='body'",
        )
    return measured_body_length(poses, roles), "bl"
