"""One look at the poses of a recording: everything the report draws from them, and no more.

Poses of an hour are large; each recording is opened once, looked at and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from murid.data.poses import fps_of, keypoint_names
from murid.data.recording import Recording
from murid.data.zones import Zone

#: Keypoints the tracker itself doubts are not drawn.
MIN_CONFIDENCE = 0.5
#: Tracks are thinned to medians over this time: fast enough for a mouse, blind to one-frame errors.
TRACK_STEP_S = 0.2


@dataclass(frozen=True)
class Glance:
    """What the report needs of one recording's poses.

    Attributes
    ----------
    fps, duration_s : float
    keypoints, individuals : list of str
    unit : {"cm", "px", "mm"}
        Of `tracks` and `zones`: cm wherever a scale is known.
    keypoint_table : DataFrame
        ``individual, keypoint, missing_pct, low_pct``: shares of frames.
    tracks : dict of individual to array (time, 2)
        Body centre every 0.2 s, NaN where not seen.
    zones : tuple of Zone
        Drawn zones in the same unit.
    """

    fps: float
    duration_s: float
    keypoints: list[str]
    individuals: list[str]
    unit: str
    keypoint_table: pd.DataFrame
    tracks: Mapping[str, np.ndarray]
    zones: tuple[Zone, ...]


def look_at(recording: Recording) -> Glance:
    """Look at the poses of a recording."""
    poses = recording.need("poses")
    xy, confidence = poses["position"].values[:, :2], poses["confidence"].values
    seen = np.isfinite(xy).all(axis=1)
    low = seen & (confidence < MIN_CONFIDENCE)
    scale = _scale(recording)
    unit = "cm" if scale else str(poses.attrs["unit"])
    table = pd.DataFrame(
        [
            {
                "individual": i,
                "keypoint": k,
                "missing_pct": 100 * float((~seen[:, b, a]).mean()),
                "low_pct": 100 * float(low[:, b, a].mean()),
            }
            for a, i in enumerate(map(str, poses["individual"].values))
            for b, k in enumerate(keypoint_names(poses))
        ]
    )
    return Glance(
        fps_of(poses),
        recording.duration_s,
        keypoint_names(poses),
        [str(i) for i in poses["individual"].values],
        unit,
        table,
        _tracks(recording, low, scale or 1.0),
        _zones(recording, unit, scale),
    )


def glance_in_cm(look: Glance, px_per_cm: float) -> Glance:
    """Return a look in pixels in centimetres, with the scale that an analysis used."""
    zones = tuple(
        Zone(z.name, polygon=z.polygon / px_per_cm, unit="cm", kind=z.kind)
        if z.polygon is not None
        else Zone(
            z.name, centre=_divided(z.centre, px_per_cm), radius=(z.radius or 0.0) / px_per_cm, unit="cm", kind=z.kind
        )
        for z in look.zones
    )
    tracks = {name: xy / px_per_cm for name, xy in look.tracks.items()}
    return replace(look, unit="cm", tracks=tracks, zones=zones)


def _divided(point: tuple[float, float] | None, by: float) -> tuple[float, float]:
    x, y = point or (0.0, 0.0)
    return x / by, y / by


def _scale(recording: Recording) -> float | None:
    """Px per cm of poses that are in px, 1 for cm; None when not known."""
    poses = recording.need("poses")
    if poses.attrs["unit"] == "cm":
        return 1.0
    known = poses.attrs.get("px_per_cm") if poses.attrs["unit"] == "px" else None
    return float(known) if known else None


def _tracks(recording: Recording, low: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    from murid.features.points import points_of

    poses = recording.need("poses")
    sure = poses.assign(position=poses["position"].where(~low[:, None]))
    centre = points_of(sure, "centre", recording.roles or None).values
    n = max(1, round(TRACK_STEP_S * fps_of(poses)))
    whole = centre[: len(centre) // n * n].reshape(-1, n, 2, centre.shape[2])
    known = np.isfinite(whole).all(axis=2).any(axis=1)
    thin = np.full((len(whole), 2, centre.shape[2]), np.nan)
    for i in range(centre.shape[2]):
        thin[known[:, i], :, i] = np.nanmedian(whole[known[:, i], :, :, i], axis=1)
    return {str(name): thin[:, :, i] / scale for i, name in enumerate(poses["individual"].values)}


def _zones(recording: Recording, unit: str, scale: float | None) -> tuple[Zone, ...]:
    zones = recording.zones
    if zones is None:
        return ()
    if unit == "cm" and scale and any(z.unit == "px" for z in zones.values()):
        from murid.prepare import calibrate_zones

        known = recording.need("poses").attrs.get("px_per_cm")
        zones = calibrate_zones(zones, float(known or scale))
    return tuple(z for z in zones.values() if z.unit == unit)
