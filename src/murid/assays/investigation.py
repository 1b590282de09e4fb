"""Investigation of a cup, a cage or an object: nose near its border, and, if asked for, the head turned to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from murid.assays.arena import middle_of
from murid.assays.assay_result import Measures
from murid.assays.locomotion import Bools, CentreTrack
from murid.assays.occupancy import Mask, add_latency, visits
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import AssayScene
from murid.data.params import param
from murid.features.zone_mask import depth_in, without_flicker


class InvestigationParams(ZoneTestParams):
    """Parameters of tests in which something is investigated."""

    reach_cm: float = param(
        2.0, unit="cm", ge=0, why="nose this near to the border of the cup or object; 0 when its sniff zone was drawn"
    )
    cone_deg: float | None = param(
        None, unit="deg", gt=0, le=180, why="head turned to it within ± this; None: nearness is enough"
    )
    investigation_min_s: float = param(0.1, unit="s", ge=0, why="shorter contacts are passing by")


def investigations(scene: AssayScene[InvestigationParams], zones: Iterable[str]) -> dict[str, Mask]:
    """Return for each zone when it is investigated, int8 (time,); {} where the nose was not tracked."""
    p, time = scene.params, scene.track.time_s
    nose = scene.point("nose", "investigations")
    head = scene.point("front", "investigations with cone_deg") if p.cone_deg is not None else None
    if nose is None or (p.cone_deg is not None and head is None):
        return {}
    out = {}
    for name in zones:
        zone = scene.layout.zone(name)
        depth = depth_in(zone, nose[:, 0], nose[:, 1])
        state = np.where(np.isfinite(depth), depth >= -p.reach_cm, -1).astype(np.int8)
        if head is not None and p.cone_deg is not None:
            off = _angle(nose - head, middle_of(zone) - nose)
            state[np.isnan(off) & (state == 1)] = -1
            state[off > np.radians(p.cone_deg)] = 0
        out[name] = without_flicker(state, time, p.fill_gap_s, p.investigation_min_s)
    return out


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle (time,) between two vectors (time, 2), 0 to pi rad."""
    return np.abs(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)))


def add_investigation(out: Measures, zone: str, mask: Mask, track: CentreTrack, where: Bools) -> None:
    """Add time, bouts and latency of the investigation of one zone."""
    what = "nose within reach_cm of the border (and the head within cone_deg, where given)"
    out.add("investigation", track.seconds(where & (mask == 1)), "s", what, zone=zone)
    out.add("investigation_bouts", len(visits(mask, track.piece, where)), "count", what, zone=zone)
    add_latency(out, zone, where & (mask == 1), track, where, measure="investigation_latency")


def add_preference(out: Measures, measure: str, target: float, other: float, what: str) -> None:
    """Add index and difference between what was given to the target and to the other."""
    total = target + other
    index = (target - other) / total if total else np.nan
    out.add(f"{measure}_index", index, "", f"(target − other) / (target + other) of the {what}, −1 to 1")
    out.add(f"{measure}_difference", target - other, "s", f"target − other, {what}")
