"""What the elevated mazes share: open and closed places, head dips over the edge, stretched attend postures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from murid.assays.arena import AssayArena
from murid.assays.assay_result import Measures
from murid.assays.locomotion import Bools
from murid.assays.occupancy import Mask, visits
from murid.assays.zone_groups import entries_of
from murid.assays.zone_kinds import Kinds, by_kind, require_kinds
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import AssayScene, Extra, Layout
from murid.data.errors import fail
from murid.data.params import param
from murid.data.zones import Zone
from murid.features.zone_mask import depth_in, without_flicker

#: Kinds of places in a maze, and the words by which labs call them.
MAZE_KINDS: Kinds = {"open": ("exposed",), "closed": ("enclosed", "close"), "centre": ("center", "middle", "central")}


class ElevatedParams(ZoneTestParams):
    """Parameters of an elevated maze."""

    dip_point: str = param("head", why="this point beyond the edge is a head dip (Sturman 2020)")
    dip_min_s: float = param(0.2, unit="s", ge=0, why="shorter dips are jitter at the edge (Sturman 2020: ± 5 frames)")
    stretch_sd: float = param(
        1.0, ge=0, why="stretched: nose to tail base this many SD above its mean over the recording"
    )
    stretch_below_cm_s: float = param(
        5.0, unit="cm/s", gt=0, why="slower than this, or it is a stride and no attend posture"
    )
    stretch_min_s: float = param(0.2, unit="s", ge=0, why="shorter stretches are jitter of the two points")


def maze_layout(subject: str, template: str, arena: AssayArena, own: Sequence[Zone]) -> Layout:
    """Return the layout of a maze: its open and closed places, also as groups, the centre, and further zones."""
    kinds = by_kind(own, MAZE_KINDS)
    require_kinds(subject, kinds, ("open", "closed"), f"--template {template}")
    zones = [*kinds["open"], *kinds["closed"], *kinds["centre"], *kinds[""]]
    taken = [z.name for z in zones if z.name in ("open", "closed") and len(kinds[z.name]) > 1]
    if taken:
        fail(subject, f"zone '{taken[0]}' has the name of all zones of its kind", todo="call it " + taken[0] + "_1")
    groups = {k: tuple(z.name for z in kinds[k]) for k in ("open", "closed")}
    return Layout(arena, tuple(zones), groups, shown=(*groups["open"], *groups["closed"]))


def add_shares(out: Measures, scene: AssayScene[ElevatedParams], where: Bools) -> None:
    """Add the shares by which mazes are compared, under each denominator in use, and both anxiety indices."""
    track, opened, closed = scene.track, scene.groups["open"], scene.groups["closed"]
    in_open, in_closed = (track.seconds(where & (g.raw == 1)) for g in (opened, closed))
    into_open, into_closed = (entries_of(g, track, where) for g in (opened, closed))
    known = track.seconds(where & (opened.raw >= 0))
    both, entries = in_open + in_closed, into_open + into_closed
    of_arms = 100 * in_open / both if both else np.nan
    of_entries = 100 * into_open / entries if entries else np.nan
    out.add("open_time_of_both_percent", of_arms, "%", "time in open / (open + closed): the centre is left out")
    out.add("open_entries_percent", of_entries, "%", "entries into open / (open + closed)")
    out.add("entries_open_and_closed", entries, "count", "all entries into open and closed places: activity")
    index = 1 - in_open / known if known else np.nan
    out.add("anxiety_index_time", index, "", "1 − time in open / known time")
    mean = 1 - (in_open / known + into_open / entries) / 2 if known and entries else np.nan
    out.add("anxiety_index", mean, "", "1 − mean of the shares of time and of entries in open (Cohen)")


def edge_actions(scene: AssayScene[ElevatedParams], floor: Sequence[Zone]) -> Extra:
    """Head dips and stretched attend postures, protected (body in a closed place or the centre) or not."""
    dips, stretches = _dips(scene, floor), _stretches(scene)
    opened = scene.groups["open"].raw == 1
    kinds = (
        ("head_dips", dips, "head beyond the edge while the body centre is on the maze and not between walls"),
        ("stretched_attends", stretches, "nose to tail base stretched while the body hardly moves"),
    )

    def add(out: Measures, where: Bools) -> None:
        for name, mask, what in kinds:
            if mask is None:
                continue
            begun = [a for a, _ in visits(mask, scene.track.piece, where)]
            exposed = sum(bool(opened[a]) for a in begun)
            out.add(name, len(begun), "count", what)
            out.add(f"{name}_protected", len(begun) - exposed, "count", f"{what}; body not in an open place")
            out.add(f"{name}_unprotected", exposed, "count", f"{what}; body in an open place")
            out.add(f"{name}_time", scene.track.seconds(where & (mask == 1)), "s", what)

    return add


def _on(zones: Sequence[Zone], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth (time,) in the nearest of some zones: positive on them, negative beyond, NaN where unknown."""
    return np.max([depth_in(z, xy[:, 0], xy[:, 1]) for z in zones], axis=0)


def _dips(scene: AssayScene[ElevatedParams], floor: Sequence[Zone]) -> Mask | None:
    """Head dips (time,); None where the head was not tracked."""
    head, neck = (scene.point(point, "head dips") for point in (scene.params.dip_point, "front"))
    if head is None or neck is None:
        return None
    closed = [scene.layout.zone(name) for name in scene.layout.groups["closed"]]
    head_depth, body_depth = _on(floor, head), _on(floor, scene.track.xy_cm)
    walled = _on(closed, neck)
    over = (head_depth < 0) & (body_depth >= 0) & ~(walled >= 0)
    known = np.isfinite(head_depth) & np.isfinite(body_depth)
    state = np.where(known, over, -1).astype(np.int8)
    return without_flicker(state, scene.track.time_s, scene.params.fill_gap_s, scene.params.dip_min_s)


def _stretches(scene: AssayScene[ElevatedParams]) -> Mask | None:
    """Stretched attend postures (time,); None where nose and tail base were not tracked."""
    p = scene.params
    nose, rear = (scene.point(point, "stretched attends") for point in ("nose", "rear"))
    if nose is None or rear is None:
        return None
    length = np.hypot(*(nose - rear).T)
    known = np.isfinite(length) & np.isfinite(scene.track.speed_cm_s)
    if known.sum() < 2:
        return None
    long = length >= np.nanmean(length) + p.stretch_sd * np.nanstd(length)
    state = np.where(known, long & (scene.track.speed_cm_s < p.stretch_below_cm_s), -1).astype(np.int8)
    return without_flicker(state, scene.track.time_s, p.fill_gap_s, p.stretch_min_s)


def check_open_and_closed(scene: AssayScene[ElevatedParams]) -> None:
    """Note a maze in which the open arms were preferred: perhaps they are named the wrong way round."""
    whole = np.ones(scene.track.time_s.size, bool)
    opened, closed = (scene.track.seconds(whole & (scene.groups[k].raw == 1)) for k in ("open", "closed"))
    if opened > 2 * closed and opened > 0:
        scene.notes.append(
            f"'{scene.individual}' spent {opened:.0f} s in the open and {closed:.0f} s in the closed places: rare, so "
            "check that they are not named the wrong way round"
        )
