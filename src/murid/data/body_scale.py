"""Body scale: how long the animals are in the unit of their own poses.

Uncalibrated recordings have no centimetres, so gates against jumps and swaps, distances between animals and
features are stated in body lengths.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.data.poses import keypoint_names
from murid.data.roles import LIMBS, guess_roles, stand_ins


def trunk_keypoints(names: list[str]) -> list[int]:
    """Indices of the keypoints that may lie on the trunk: all but the tail beyond its base, and the paws."""
    limbs = {keypoint for role, keypoint in guess_roles(names).items() if role in LIMBS}
    return [i for i, name in enumerate(names) if name not in limbs]


def nose_and_tail_base(names: list[str]) -> tuple[str, str] | None:
    """Return the names of nose and tail base, or None when the names do not say."""
    roles = guess_roles(names)
    return (roles["nose"], roles["tail_base"]) if {"nose", "tail_base"} <= roles.keys() else None


def typical_body_length(
    poses: xr.Dataset,
    roles: Mapping[str, str] | None = None,
    *,
    min_confidence: float = 0.5,
    max_frames: int = 20_000,
) -> float:
    """Return the typical length of the animals' trunk in the unit of the poses; NaN when it cannot be measured.

    The median over frames and individuals of nose (or head) to tail base (or hips); where these are never seen
    together, the largest median distance between two trunk keypoints.

    Parameters
    ----------
    poses : Dataset
        Poses in any unit.
    roles : mapping of role to keypoint, optional
        Guessed from the names by default; names that say nothing leave every keypoint that moves.
    min_confidence : float
        Keypoints below are ignored; NaN confidence counts as good.
    max_frames : int
        Evenly spaced frames to look at: 20,000 fix the median to well under 1 %.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.tile(np.array([[8.0, 0.0], [0.0, 0.0]])[None, :, :, None], (5, 1, 1, 1))
    >>> typical_body_length(make_poses(xy, keypoints=["nose", "tail_base"], fps=30, unit="cm"))
    8.0
    """
    every = max(1, -(-poses.sizes["time"] // max_frames))
    part = poses.isel(time=slice(None, None, every))
    xy = part["position"].values[:, :2].astype(np.float64)  # (time, space, keypoint, individual)
    xy = np.where((part["confidence"].values < min_confidence)[:, None], np.nan, xy)
    names = keypoint_names(poses)
    roles = guess_roles(names) if roles is None else roles
    points = {role: xy[:, :, names.index(keypoint)] for role, keypoint in roles.items()}
    sources = stand_ins(points)
    made = {p: np.mean([points[r] for r in sources[p]], axis=0) for p in ("nose", "rear") if p in sources}
    if len(made) == 2 and sources["nose"] != sources["rear"]:
        length = _median_distance(made["nose"], made["rear"])
        if length > 0:
            return length
    trunk = [p for role, p in points.items() if role not in LIMBS]
    if len(trunk) < 2:
        trunk = [xy[:, :, k] for k in trunk_keypoints(names) if k in _moving(xy)]
    longest = max((_median_distance(a, b) for a, b in combinations(trunk, 2)), default=0.0)
    return longest if longest > 0 else float("nan")


def measured_body_length(poses: xr.Dataset, roles: Mapping[str, str] | None = None) -> float:
    """`typical_body_length`, or a DataError when no two trunk keypoints are ever seen together."""
    length = typical_body_length(poses, roles)
    if not np.isfinite(length):
        fail(
            "poses",
            "no body length can be measured",
            expected="two trunk keypoints seen together",
            got=", ".join((roles or {}).values()) or "none",
            todo="calibrate the poses in cm, or check roles",
        )
    return length


def speed_scale(poses: xr.Dataset, per_cm: float, per_body: float) -> float:
    """Return a length (or speed) in the unit of `poses`, given per cm and per body length.

    Calibrated poses use `per_cm`; pixels use `per_body` times the body length (NaN when unknown).
    """
    unit = poses.attrs.get("unit")
    if unit == "cm":
        return per_cm
    if unit == "mm":
        return per_cm * 10.0
    return per_body * typical_body_length(poses)


def _median_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Median over frames and individuals of the distance of ``(time, space, individual)``; 0 with under 3 frames."""
    distance = np.sqrt(((a - b) ** 2).sum(1))
    known = distance[np.isfinite(distance)]
    return float(np.median(known)) if known.size >= 3 else 0.0


def _moving(xy: np.ndarray) -> list[int]:
    """Keypoints whose spread over the recording is at least 5 % of the largest spread: no arena corners."""
    spread = np.zeros(xy.shape[2])
    for k in range(xy.shape[2]):
        for i in range(xy.shape[3]):
            seen = xy[np.isfinite(xy[:, :, k, i]).all(axis=1), :, k, i]
            if len(seen) > 1:
                low, high = np.percentile(seen, [5, 95], axis=0)
                spread[k] = max(spread[k], float(np.linalg.norm(high - low)))
    if spread.max() == 0:  # an animal that never moved: nothing can be told apart
        return list(range(xy.shape[2]))
    return [k for k in range(xy.shape[2]) if spread[k] >= 0.05 * spread.max()]
