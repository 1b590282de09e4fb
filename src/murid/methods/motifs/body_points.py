"""Points of the body: which keypoints motif methods use, and whether they were tracked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import keypoints_and_roles
from murid.data.poses import keypoint_names
from murid.data.recording import Recording
from murid.data.warning import warn_user

#: Points off the body that flick about: left out unless asked for.
TAIL = ("tail_mid", "tail_tip")
#: A keypoint that is tracked in a smaller share of an animal's frames tells nothing of it.
LEAST_TRACKED = 0.05


def point_map(recording: Recording, wanted: Sequence[str] = ()) -> dict[str, str]:
    """Return the keypoint of each point: roles where there are two or more, else the keypoints' own names."""
    poses = recording.need("poses")
    names = keypoint_names(poses)
    # Roles that somebody gave are checked even when there are too few of them to name the points.
    roles = keypoints_and_roles(poses, recording.roles, needed=False)
    roles = roles if len(roles) >= 2 else {name: name for name in names}
    return {**roles, **{p: p for p in wanted if p in names and p not in roles}}


def tracked_share(poses: xr.Dataset, keypoints: Sequence[str], min_confidence: float = 0.0) -> np.ndarray:
    """Share of an animal's frames in which each keypoint was tracked, ``(keypoint, individual)``.

    An animal's frames are those with two of the keypoints or more; NaN for an animal that was never there. A point
    is tracked where it has coordinates, a confidence of `min_confidence` or none, and in px is not at exactly (0, 0),
    which is how trackers write "not found".

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.ones((4, 2, 3, 1))
    >>> xy[1:, :, 2] = np.nan
    >>> poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], fps=30)
    >>> tracked_share(poses, ["nose", "centre", "tail_base"])[:, 0].tolist()
    [1.0, 1.0, 0.25]
    """
    xy = poses["position"].sel(keypoint=list(keypoints)).values[:, :2]
    sure = poses["confidence"].sel(keypoint=list(keypoints)).values
    known = ~np.isnan(xy).any(axis=1) & ~(sure < min_confidence)
    if poses.attrs.get("unit", "px") == "px":
        known &= (xy != 0).any(axis=1)
    present = known.sum(axis=1) >= 2
    with np.errstate(invalid="ignore"):
        return (known & present[:, None]).sum(axis=0) / present.sum(axis=0)


def refuse_untracked(recording: Recording, keypoints: Sequence[str], min_confidence: float, method: str) -> None:
    """Refuse a recording in which a keypoint of the model is (almost) never tracked.

    Filled in from the other points it would be the same guess in every frame, and the motifs those of the guess.

    Raises
    ------
    DataError
        Naming each keypoint that is tracked in less than 5 % of the frames of an animal.
    """
    poses = recording.need("poses")
    share = tracked_share(poses, keypoints, min_confidence)
    faults = Faults(f"method '{method}', recording '{recording.id}'")
    for k, i in np.argwhere(share < LEAST_TRACKED):
        faults.add(
            f"keypoint '{keypoints[k]}' is hardly ever tracked",
            where=f"individual '{poses['individual'].values[i]}'",
            expected=f"in {LEAST_TRACKED:.0%} of the frames of the animal",
            got=f"{share[k, i]:.1%}",
            todo=f"fit with points that all recordings track (points=, without '{keypoints[k]}'), or leave it out",
        )
    faults.raise_if_any()


def shared_points(
    recordings: Sequence[Recording], wanted: Sequence[str] = (), min_confidence: float = 0.0
) -> list[str]:
    """Points that every recording tracks, or those `wanted` after checking that every recording has them.

    Points whose keypoint is tracked in less than 5 % of the frames of an animal are left out, with a warning.
    """
    maps = {}
    for recording in recordings:
        maps[recording.id] = point_map(recording, wanted)
        recording.forget()  # never the poses of all of them in memory
    faults = Faults("points")
    for point in wanted:
        lacking = [i for i, m in maps.items() if point not in m]
        if lacking:
            faults.add(f"no point '{point}'", where=", ".join(lacking), todo=did_you_mean(point, maps[lacking[0]]))
    faults.raise_if_any()
    first = next(iter(maps.values()))
    shared = list(wanted) or [p for p in first if p not in TAIL and all(p in m for m in maps.values())]
    if not wanted:
        shared = _without_untracked(shared, recordings, maps, min_confidence)
    if len(shared) < 2:
        fail(
            "points",
            "the recordings share fewer than two points",
            expected="at least 2",
            got=", ".join(shared),
            todo="give the recordings roles, so that equal points have equal names",
        )
    return shared


def _without_untracked(
    points: list[str], recordings: Sequence[Recording], maps: dict[str, dict[str, str]], min_confidence: float
) -> list[str]:
    lacking: dict[str, list[str]] = {}
    for recording in recordings:
        share = tracked_share(recording.need("poses"), [maps[recording.id][p] for p in points], min_confidence)
        for k in np.flatnonzero((share < LEAST_TRACKED).any(axis=1)):
            lacking.setdefault(points[k], []).append(recording.id)
        recording.forget()
    if lacking:
        some = "; ".join(f"'{p}' (recording {', '.join(ids[:5])})" for p, ids in lacking.items())
        warn_user(
            f"points that are tracked in less than {LEAST_TRACKED:.0%} of the frames of an animal are left out: "
            f"{some}; to keep them, leave out these recordings"
        )
    return [p for p in points if p not in lacking]
