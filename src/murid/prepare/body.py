"""Body scale: how long the animal is in the units of its own poses.

Uncalibrated recordings have no centimetres, so gates against jumps and swaps are stated in body
lengths. The body length is read off the poses and needs no skeleton.
"""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from murid.data.poses import keypoint_names

#: Frames looked at: the length is a median, and a few thousand frames fix it to under 1 %.
_SAMPLE = 5000
_NOSE = re.compile(r"^(nose|snout)(tip)?$")
_TAIL_BASE = re.compile(r"^(tail(base|root|start|1)?|base(of)?tail|tb)$")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def trunk_keypoints(names: list[str]) -> list[int]:
    """Indices of the keypoints that lie on the trunk: all but the tail beyond its base."""
    tail = [i for i, name in enumerate(names) if "tail" in name.lower()]
    base = [i for i in tail if _TAIL_BASE.match(_plain(names[i]))]
    if len(base) > 1:  # "tailbase" beside "tail": the plain one is further out
        base = [i for i in base if _plain(names[i]) != "tail"]
    drop = set(tail) - set(base[:1])
    return [i for i in range(len(names)) if i not in drop]


def nose_and_tail_base(names: list[str]) -> tuple[str, str] | None:
    """Return the names of nose and tail base, or None when the names do not say."""
    nose = [n for n in names if _NOSE.match(_plain(n))]
    base = [n for n in names if _TAIL_BASE.match(_plain(n))]
    base = [n for n in base if _plain(n) != "tail"] or base
    return (nose[0], base[0]) if nose and base else None


def body_length(poses: xr.Dataset, min_confidence: float = 0.5) -> float:
    """Return the body length in the unit of `poses`; NaN when it cannot be told.

    The largest of the median distances between any two trunk keypoints of one animal, averaged
    over individuals. Keypoints that hardly move (arena corners tracked along) are left out.

    Parameters
    ----------
    poses : Dataset
        Poses in any unit.
    min_confidence : float
        Keypoints below are ignored; NaN confidence counts as good.
    """
    every = max(1, poses.sizes["time"] // _SAMPLE)
    part = poses.isel(time=slice(None, None, every))
    xy = part["position"].values.astype(np.float64)  # (time, space, keypoint, individual)
    xy = np.where((part["confidence"].values < min_confidence)[:, None], np.nan, xy)
    keep = trunk_keypoints(keypoint_names(poses))
    keep = [k for k in keep if k in _moving(xy)]
    lengths = [_longest_pair(xy[:, :, keep, i]) for i in range(xy.shape[3])]
    lengths = [length for length in lengths if np.isfinite(length)]
    return float(np.mean(lengths)) if lengths else float("nan")


def _moving(xy: np.ndarray) -> list[int]:
    """Keypoints whose spread over the recording is at least 5 % of the largest spread."""
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


def _longest_pair(xy: np.ndarray) -> float:
    """Largest median distance between two keypoints of ``(time, space, keypoint)``."""
    best = float("nan")
    for a in range(xy.shape[2]):
        for b in range(a + 1, xy.shape[2]):
            distance = np.linalg.norm(xy[:, :, a] - xy[:, :, b], axis=1)
            distance = distance[np.isfinite(distance)]
            if distance.size >= 3:
                best = np.nanmax([best, np.median(distance)])
    return float(best)


def speed_scale(poses: xr.Dataset, per_cm: float, per_body: float) -> float:
    """Return a length (or speed) in the unit of `poses`, given per cm and per body length.

    Calibrated poses use `per_cm`; pixels use `per_body` times the body length (NaN when unknown).
    """
    unit = poses.attrs.get("unit")
    if unit == "cm":
        return per_cm
    if unit == "mm":
        return per_cm * 10.0
    return per_body * body_length(poses)
