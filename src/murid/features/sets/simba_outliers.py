"""SimBA's outlier correction: points that jump are held, points far from their own body take their last place.

Both criteria are a factor times the mean distance between two keypoints of the animal over the recording. The
original's rule, for ``faithful=True``; `murid.prepare.clean` masks instead of inventing places.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import xarray as xr
from numba import njit

from murid.data.meet import keypoints_and_roles
from murid.data.poses import keypoint_names
from murid.data.warning import warn_user

#: Points of one animal that a misplaced one must be far from.
_FAR_FROM = 2


def correct_outliers(
    poses: xr.Dataset,
    roles: Mapping[str, str] | None = None,
    *,
    movement: float | None,
    location: float | None,
) -> xr.Dataset:
    """Return poses as SimBA's outlier correction leaves them, missing points at (0, 0).

    Parameters
    ----------
    poses : Dataset
    roles : mapping of role to keypoint, optional
    movement : float or None
        A point that lies further from its last accepted place than `movement` x the animal's length stays there. The
        first place at which it was seen is accepted. None = no such check.
    location : float or None
        A point that lies further than `location` x the length from two or more other points of the same animal takes
        the last place where it did not, or (0, 0) before any. Points that were not seen (yet) are no others to be far
        from: they have no place. None = no such check.

    Notes
    -----
    The length is the mean distance of nose and tail base over the frames that show both, of each animal; of a skeleton
    without these, of the two keypoints that lie furthest apart, with a warning. Movement comes first.
    """
    used, names = keypoints_and_roles(poses, roles), keypoint_names(poses)
    position = np.asarray(poses["position"].values, np.float64).copy()
    flat = position[:, :2]
    for animal in range(flat.shape[3]):
        xy = np.ascontiguousarray(flat[..., animal].transpose(2, 0, 1))  # (keypoint, frame, 2)
        length = _length(xy, [names.index(used[r]) for r in ("nose", "tail_base") if r in used])
        if movement is not None:
            for k in range(len(xy)):
                xy[k] = _held(xy[k], movement * length)
        seen: np.ndarray = np.asarray(np.isfinite(xy).all(axis=2))  # once movement is checked: has been seen
        xy = np.nan_to_num(xy)
        if location is not None:
            away = _misplaced(xy, location * length, seen)
            for k in range(len(xy)):
                xy[k] = _last_place(xy[k], away[k])
        flat[..., animal] = xy.transpose(1, 2, 0)
    return poses.assign(position=poses["position"].copy(data=position.astype(poses["position"].dtype)))


def _length(xy: np.ndarray, between: list[int]) -> float:
    """Mean distance of two keypoints; of the pair furthest apart where nose or tail base is not tracked."""

    def mean(a: int, b: int) -> float:
        gap = np.hypot(*(xy[a] - xy[b]).T)
        return float(np.nanmean(gap)) if np.isfinite(gap).any() else np.nan

    if len(between) == 2:
        return mean(*between)
    warn_user(
        "simba: outlier correction is measured in the largest mean distance of two keypoints, because nose and tail "
        "base are not both tracked -> name them in roles"
    )
    return max((mean(a, b) for a, b in combinations(range(len(xy)), 2)), default=np.nan)


@njit(cache=True, nogil=True)
def _held(xy: np.ndarray, limit: float) -> np.ndarray:
    """Places of one point ``(frame, 2)``, held where it would jump further than `limit` or is missing."""
    out = xy.copy()
    last = -1
    for t in range(len(xy)):
        seen = np.isfinite(xy[t, 0]) and np.isfinite(xy[t, 1])
        if last < 0:
            last = t if seen else -1
            continue
        if not seen or np.hypot(xy[t, 0] - out[last, 0], xy[t, 1] - out[last, 1]) > limit:
            out[t] = out[last]
        last = t
    return out


def _misplaced(xy: np.ndarray, limit: float, seen: np.ndarray) -> np.ndarray:
    """Whether each point lies further than `limit` from two or more others that are seen, ``(keypoint, frame)``."""
    count = np.zeros(xy.shape[:2], np.int16)
    for a, b in combinations(range(len(xy)), 2):
        far = np.hypot(*(xy[a] - xy[b]).T) > limit
        count[a] += far & seen[b]
        count[b] += far & seen[a]
    return count >= _FAR_FROM


def _last_place(xy: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Places of one point, the last good one where it is away; (0, 0) before any."""
    at = np.maximum.accumulate(np.where(away, -1, np.arange(len(xy))))
    return np.where((at >= 0)[:, None], xy[np.maximum(at, 0)], 0.0)


__all__ = ["correct_outliers"]
