"""One look at the poses of a recording: everything the report draws from them, and no more.

Poses of an hour are large; each recording is opened once, looked at and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from murid.data.meet import zones_in
from murid.data.poses import fps_of, keypoint_names
from murid.data.recording import Recording
from murid.data.tables import Table, number_column, text_column
from murid.data.units import LengthUnit
from murid.data.zones import Zone, Zones

#: Keypoints the tracker itself doubts are not drawn.
MIN_CONFIDENCE = 0.5
#: Tracks are thinned to medians over this time: fast enough for a mouse, blind to one-frame errors.
TRACK_STEP_S = 0.2
KEYPOINTS = Table(
    "keypoints",
    {
        "individual": text_column(),
        "keypoint": text_column(),
        "missing_pct": number_column("missing", unit="%", low=0, high=100, why="share of the frames"),
        "low_pct": number_column(
            "doubted", unit="%", low=0, high=100, why="seen with a low confidence: share of the frames"
        ),
    },
    "One row an individual and keypoint.",
)


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
        As `KEYPOINTS` declares it.
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
    own = LengthUnit.of(poses.attrs)
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
        own.shown,
        table,
        _tracks(recording, low, own.to(own.shown)),
        _zones(recording, replace(own, name=own.shown)),
    )


def glance_in_cm(look: Glance, px_per_cm: float) -> Glance:
    """Return a look in pixels in centimetres, with the scale that an analysis used."""
    factor = LengthUnit("px", px_per_cm).to("cm")
    tracks = {name: xy * factor for name, xy in look.tracks.items()}
    return replace(look, unit="cm", tracks=tracks, zones=tuple(z.scaled(factor, "cm") for z in look.zones))


def with_arenas(look: Glance, outlines: Sequence[Zone]) -> Glance:
    """Return a look with the outlines (cm) that an analysis used, where no arena was drawn and the units agree."""
    drawn = any(z.kind == "arena" or z.name == "arena" for z in look.zones)
    return look if drawn or look.unit != "cm" else replace(look, zones=(*outlines, *look.zones))


def _tracks(recording: Recording, low: np.ndarray, factor: float) -> dict[str, np.ndarray]:
    from murid.features.named_points import points_of

    poses = recording.need("poses")
    sure = poses.assign(position=poses["position"].where(~low[:, None]))
    centre = points_of(sure, "centre", recording.roles or None).values
    n = max(1, round(TRACK_STEP_S * fps_of(poses)))
    whole = centre[: len(centre) // n * n].reshape(-1, n, 2, centre.shape[2])
    known = np.isfinite(whole).all(axis=2).any(axis=1)
    thin = np.full((len(whole), 2, centre.shape[2]), np.nan)
    for i in range(centre.shape[2]):
        thin[known[:, i], :, i] = np.nanmedian(whole[known[:, i], :, :, i], axis=1)
    return {str(name): thin[:, :, i] * factor for i, name in enumerate(poses["individual"].values)}


def _zones(recording: Recording, unit: LengthUnit) -> tuple[Zone, ...]:
    """Zones in the unit that is shown; those that cannot be converted are not drawn."""
    zones = recording.zones
    if zones is None:
        return ()
    own = {n: replace(LengthUnit.of({"unit": z.unit}), px_per_cm=unit.px_per_cm) for n, z in zones.items()}
    fitting = [z for n, z in zones.items() if own[n].can_be(unit.name)]
    return tuple(zones_in(Zones(fitting), unit).values())
