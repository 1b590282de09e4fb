"""The unit of length: cm where the poses are calibrated, else the animals' body length."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Literal

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.features.roles import LIMBS, stand_ins


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
        fail("features", "the poses are not calibrated", expected="unit cm, mm, or px with px_per_cm",
             got=str(unit), todo="calibrate with murid.prepare.calibrate, or use length='body'")  # fmt: skip
    return body_length(poses, roles), "bl"


def body_length(poses: xr.Dataset, roles: Mapping[str, str], max_frames: int = 20_000) -> float:
    """Typical length of the animals' trunk in the unit of the poses.

    The median over frames and individuals of nose (or head) to tail base (or hips); where these
    are never seen together, of the trunk keypoints that lie farthest apart. At most `max_frames`
    evenly spaced frames are looked at, which fixes the median to well under 1 %.

    Raises
    ------
    DataError
        When no two trunk keypoints are ever seen together.
    """
    names = [str(k) for k in poses["keypoint"].values]
    every = max(1, -(-poses.sizes["time"] // max_frames))
    position = poses["position"].values[::every, :2]
    points = {role: position[:, :, names.index(k)].astype(np.float64) for role, k in roles.items()}
    sources = stand_ins(points)
    made = {p: np.mean([points[r] for r in sources[p]], axis=0) for p in ("nose", "rear") if p in sources}
    if len(made) == 2 and sources["nose"] != sources["rear"]:
        length = _median_distance(made["nose"], made["rear"])
        if length > 0:
            return length
    trunk = [role for role in points if role not in LIMBS] or list(points)
    best = max((_median_distance(points[a], points[b]) for a, b in combinations(trunk, 2)), default=0.0)
    if not best > 0:
        fail("features", "no body length can be measured", expected="two trunk keypoints seen together",
             got=", ".join(roles.values()), todo="calibrate the poses in cm, or check roles")  # fmt: skip
    return best


def _median_distance(a: np.ndarray, b: np.ndarray) -> float:
    distance = np.sqrt(((a - b) ** 2).sum(1))
    known = distance[np.isfinite(distance)]
    return float(np.median(known)) if known.size else 0.0
