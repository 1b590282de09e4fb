"""Recordings as another camera, tracker or animal would have given them, to see whether labels stay the same.

Each variant keeps what the animals did and changes how it was seen; labels of the same moments should agree
with those of the original (see `murid.methods.motifs.stability.robustness_report`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from murid.data.clock import rate_of
from murid.data.meet import keypoints_and_roles
from murid.data.poses import keypoint_names, make_poses
from murid.data.recording import Recording
from murid.data.roles import mirrored_roles as swapped
from murid.simulate.corruption import Corruption, corrupt

#: Kind of variant → its levels, and their unit.
LEVELS: dict[str, tuple[tuple[float, ...], str]] = {
    "jitter": ((0.5, 1.0, 3.0), "px"),
    "dropout": ((0.1,), "share of keypoints"),
    "rate": ((0.5, 2.0), "times the frame rate"),
    "mirror": ((1.0,), "left and right exchanged"),
    "size": ((0.85, 1.15), "times the body size"),
}


def variant(recording: Recording, kind: str, level: float, *, seed: int = 0) -> Recording:
    """Return a recording with the same behaviour, seen otherwise.

    Parameters
    ----------
    recording : Recording
        With poses.
    kind : str
        ``jitter``: every keypoint jitters by `level` px (SD; the tail twice as much). ``dropout``: this share of the
        keypoints is hidden, in bursts of a quarter of a second. ``rate``: `level` times as many frames; below 1
        frames are left out, above 1 positions are interpolated. ``mirror``: the picture is mirrored, so that left
        points become right ones. ``size``: the animal is `level` times as large.
    level : float
    seed : int
        Of jitter and dropout.
    """
    make: dict[str, Callable[[], Recording]] = {
        "jitter": lambda: _spoilt(recording, seed, jitter_px=level),
        "dropout": lambda: _spoilt(
            recording, seed, occlusions_per_min=-200 * np.log(1 - level), occlusion_s=0.25, occluded="nan"
        ),
        "rate": lambda: at_rate(recording, level),
        "mirror": lambda: mirrored_recording(recording),
        "size": lambda: _spoilt(recording, seed, scale=level),
    }
    return make[kind]()


def _spoilt(recording: Recording, seed: int, **changes: float | str) -> Recording:
    still = Corruption(jitter_px=0, occlusions_per_min=0, jumps_per_min=0)
    return corrupt(recording, still, seed=seed, **changes)


def mirrored_recording(recording: Recording) -> Recording:
    """Mirror the picture: x runs the other way, and what was a left keypoint looks like a right one.

    Sides are known by roles (the recording's, else guessed from the names); other keypoints keep their names.
    """
    poses = recording.need("poses")
    names = keypoint_names(poses)
    roles = keypoints_and_roles(poses, recording.roles, needed=False)
    seen = swapped(roles)
    opposite = {roles[role]: seen[role] for role in roles}
    partner = [names.index(opposite.get(name, name)) for name in names]
    position = poses["position"].values[:, :, partner].copy()
    position[:, 0] = np.nanmax(position[:, 0]) + np.nanmin(position[:, 0]) - position[:, 0]
    confidence = poses["confidence"].values[:, partner]
    return recording.replace(
        poses=poses.assign(
            position=poses["position"].copy(data=position), confidence=poses["confidence"].copy(data=confidence)
        )
    )


def at_rate(recording: Recording, factor: float) -> Recording:
    """Give a recording `factor` times as many frames: every n-th one, or straight lines between neighbours.

    Moments that both clocks have keep their positions exactly; gaps of the clock are not filled.
    """
    poses = recording.need("poses")
    time = np.asarray(poses["time"].values, np.float64)
    fps = rate_of(time)
    if factor < 1:
        every = round(1 / factor)
        return recording.replace(poses=poses.isel(time=slice(None, None, every)).assign_attrs(fps=fps / every))
    times = round(factor)
    share = np.arange(times) / times
    before = np.repeat(np.arange(len(time)), times)
    after, weight = np.minimum(before + 1, len(time) - 1), np.tile(share, len(time))
    kept = (weight == 0) | ((after > before) & (time[after] - time[before] < 1.5 / fps))
    before, after, weight = before[kept], after[kept], weight[kept]
    xy, sure = poses["position"].values, poses["confidence"].values
    w = weight[:, None, None, None]
    attrs = {k: v for k, v in poses.attrs.items() if k not in ("unit", "fps", "ds_type", "time_unit")}
    finer = make_poses(
        np.where(w == 0, xy[before], (1 - w) * xy[before] + w * xy[after]),
        np.where(w[..., 0] == 0, sure[before], np.minimum(sure[before], sure[after])),
        keypoints=keypoint_names(poses),
        individuals=[str(i) for i in poses["individual"].values],
        time_s=time[before] + weight * (time[after] - time[before]),
        unit=poses.attrs["unit"],
        **attrs,
    )
    return recording.replace(poses=finer)
