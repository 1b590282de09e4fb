"""Open field: locomotion, centre and wall, with every convention stated.

The size of "the centre" is not standardised: its share of the arena is printed with the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.assays.arena import (
    AssayArena,
    Shape,
    arenas_of,
    assign,
    convert_to_cm,
    corner_zones,
    drawn_arenas,
    known_arenas,
    middle_of,
    shrunk,
    side_ratio,
    wall_distance,
)
from murid.assays.assay_result import ANIMALS, ARENAS, MEASURES, VISITS, AssayResult, Measures, result, tables_of
from murid.assays.camera import arena_from, arenas_by_recording, positions_of
from murid.assays.locomotion import Bools, CentreTrack, Floats, add_locomotion, track_of
from murid.assays.occupancy import ENTRY, Mask, add_occupancy, time_bins, visit_table
from murid.data.analysis import Tables, analysis
from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.named_points import points_of
from murid.features.zone_mask import depth_in, zone_masks
from murid.prepare import ArenaEstimate, CleanParams, clean

#: What an open field is about: these form the family of tests, everything else is descriptive.
PRIMARY = (
    "distance",
    "time_moving",
    "time_percent:centre",
    "entries:centre",
    "latency:centre",
    "wall_distance_median",
)


#: From this on the sides of an outline contradict the size given: the picture is foreshortened, or a wall was missed.
SLANTED = 1.1


class OpenFieldParams(Params):
    """Parameters of the open-field test."""

    px_per_cm: float | None = param(
        None, unit="px/cm", gt=0, why="scale of the camera; or give arena_cm. Not needed when the poses carry their own"
    )
    arena_cm: tuple[float, ...] | None = param(
        None, unit="cm", why="true size of the arena: (side,), (width, depth), or (diameter,) of a round one"
    )
    arena_shape: Literal["auto", "box", "circle"] = param(
        "auto", why="of an arena that is guessed: box with width and depth given, else what fits the tracks better"
    )
    centre_scale: float = param(
        0.5, gt=0, lt=1, why="centre = arena shrunk by this about its middle; 0.5 is 25 % of the area (Sturman 2020)"
    )
    periphery_scale: float = param(0.8, gt=0, lt=1, why="periphery = outside the arena shrunk by this (outer 36 %)")
    corner_scale: float = param(0.2, gt=0, lt=0.5, why="corner squares = this share of width and depth")
    keypoints: tuple[str, ...] = param(("centre",), why="keypoints or roles that decide about a zone")
    hysteresis_cm: float = param(0.5, unit="cm", ge=0, why="depth beyond a border needed to enter: jitter of the point")
    fill_gap_s: float = param(0.2, unit="s", ge=0, why="shorter absences are closed")
    min_visit_s: float = param(0.3, unit="s", ge=0, why="shorter visits are dropped")
    moving_cm_s: float = param(5.0, unit="cm/s", ge=0, why="speed from which the animal moves (Sturman 2020)")
    majority_s: float = param(0.2, unit="s", ge=0, why="moving is voted over ± this (Sturman 2020: 5 frames at 25 fps)")
    bin_s: float = param(300.0, unit="s", ge=0, why="time bins, 5 min as IMPC; 0 = none")
    start_s: float = param(0.0, unit="s", ge=0, why="analysis starts here, e.g. after the hand has left")
    duration_s: float | None = param(None, unit="s", gt=0, why="and lasts this long; to the end by default")
    cut_absent_s: float = param(
        5.0, unit="s", ge=0, why="an animal not seen for so long at the start or end is not there: cut; 0 = never"
    )
    clean: CleanParams = param(
        CleanParams(smoothing="savgol", window_s=0.3), why="of the poses, before anything is measured"
    )


def measure_open_field(
    recording: Recording,
    params: OpenFieldParams | None = None,
    *,
    arena: ArenaEstimate | None = None,
    **changes: Any,
) -> AssayResult:
    """Analyse an open-field test.

    Parameters
    ----------
    recording : Recording
        With poses. Zones: those of kind ``arena`` are the arena (several: each animal its own), of kind ``centre``
        and ``corner`` these; every other zone is measured under its name. Without a drawn arena its tracked corners
        are used (keypoints ``tl, tr, br, bl``), else it is a guess from the body centre, and the result warns.
    params : OpenFieldParams
    arena : ArenaEstimate, optional
        Arena estimated over all recordings of the camera (`murid.assays.camera.shared_arena`), in the unit of the
        poses; used where none is drawn.
    **changes
        Single parameters of `OpenFieldParams`, over `params`.

    Returns
    -------
    AssayResult
        Per individual: distance, speed, moving; per zone (centre, inner field, corners, drawn zones): time, %,
        entries (cleaned and raw), latency (censored), distance; thigmotaxis and wall distance; the same per bin.

    Raises
    ------
    DataError
        Without a scale: give ``px_per_cm`` or ``arena_cm``, or calibrate the poses first.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("open_field", duration_s=60, seed=1)
    >>> result = murid.assays.measure_open_field(recording)
    >>> result.conventions["arena_area_cm2"]
    1600.0
    """
    p = OpenFieldParams.of(params, changes)
    notes: list[str] = []
    roles = recording.roles or None
    poses = clean(recording.need("poses"), p.clean)
    arenas = arenas_of(poses, recording.zones, roles, _shape_of(p), arena)
    poses, drawn, arenas, scale = convert_to_cm(poses, recording.zones, arenas, p.px_per_cm, p.arena_cm)
    notes += [a.note for a in arenas if a.note]
    _check_size(arenas, p, notes)
    if p.px_per_cm is not None and "px" not in _units_of(recording):
        notes.append("px_per_cm was not used: neither poses nor zones are in px")
    poses = _cut(poses, p, points_of(poses, "centre", roles), notes)
    centres = points_of(poses, "centre", roles)
    rule = _rule(drawn, p, notes)
    measures: list[Measures] = []
    visits: list[pd.DataFrame] = []
    layouts = []
    for own, individuals in assign(arenas, centres, notes):
        layout = _layout(own, drawn, p, alone=len(arenas) == 1)
        layouts.append(layout)
        if individuals:
            _measure(layout, poses.sel(individual=individuals), rule, centres, roles, p, scale, measures, visits)
    _list_zones(layouts, drawn, notes)
    table = pd.concat(visits, ignore_index=True).sort_values(["start_s"], kind="stable", ignore_index=True)
    return result("open_field", recording, measures, table, _conventions(p, layouts, rule, scale), notes, PRIMARY)


def _shape_of(p: OpenFieldParams) -> Shape:
    """Shape of an arena that is guessed: width and depth are those of a box."""
    return "box" if p.arena_cm is not None and len(p.arena_cm) > 1 else p.arena_shape


def _units_of(recording: Recording) -> set[str]:
    """Units of the poses and zones as they were given."""
    zones = recording.zones
    drawn = () if zones is None else zones.values()
    return {str(recording.need("poses").attrs["unit"]), *(zone.unit for zone in drawn)}


def bring_positions(recording: Recording, params: OpenFieldParams) -> dict[str, Any] | None:
    """Positions of the body centre for the guess of the arena; None where it is drawn or its corners are tracked."""
    if drawn_arenas(recording.zones):
        return None  # before any cleaning, which a study of drawn arenas would pay for twice
    poses = clean(recording.need("poses"), params.clean)
    if known_arenas(poses, recording.zones):
        return None
    xy = positions_of(poses, recording.roles or None)
    camera = str(recording.meta.get("camera", ""))
    return {"camera": camera, "unit": str(poses.attrs["unit"]), "xy": np.round(xy, 3).tolist()}


def join_arenas(brought: Mapping[str, Any], params: OpenFieldParams) -> dict[str, Any]:
    """One guessed arena a camera."""
    return dict(arenas_by_recording(brought, _shape_of(params)))


@analysis(
    "open_field",
    family="assay",
    params=OpenFieldParams,
    needs=("poses",),
    uses=("zones", "events"),
    columns=("camera",),
    tables=(MEASURES, ANIMALS, VISITS, ARENAS),
    shared=bring_positions,
    join=join_arenas,
    compare="animals",
    primary=PRIMARY,
    cites=("Sturman et al. 2020",),
)
def analyse_open_field(recording: Recording, params: OpenFieldParams, *, shared: Any = None) -> Tables:
    """Measure locomotion, centre, wall and corners of an open field."""
    return tables_of(measure_open_field(recording, params, arena=arena_from(shared)))


@dataclass(frozen=True)
class _Layout:
    """One arena with the zones measured in it; `corners` names those that count as corners."""

    arena: AssayArena
    zones: tuple[Zone, ...]
    corners: tuple[str, ...]

    def zone(self, name: str) -> Zone:
        return next(z for z in self.zones if z.name == name)


def _check_size(arenas: Sequence[AssayArena], p: OpenFieldParams, notes: list[str]) -> None:
    """Note an arena whose area in cm, or whose sides to each other, are not those asked for."""
    if p.arena_cm is None:
        return
    for arena in arenas:
        wide, deep = p.arena_cm[0], p.arena_cm[-1]
        true = np.pi * (wide / 2) ** 2 if arena.zone.polygon is None else wide * deep
        off = float(np.sqrt(arena.zone.area / true))
        if not 0.95 < off < 1.05:
            notes.append(
                f"arena '{arena.zone.name}' measures {off:.2f} times arena_cm={p.arena_cm}: its scale came with "
                "the poses or zones, arena_cm was not used"
            )
        sides = side_ratio(arena.zone)
        asked = max(p.arena_cm) / min(p.arena_cm)
        if sides is not None and not 1 / SLANTED < sides / asked < SLANTED:
            wall = ", or no animal went near one of the walls" if arena.source == "estimated" else ""
            off = 100 * abs((sides / asked) ** 0.5 - 1)
            notes.append(
                f"the longer sides of arena '{arena.zone.name}' ({arena.source}) are {100 * sides:.0f} % of the "
                f"shorter, by arena_cm {100 * asked:.0f} %: the camera looks from the side{wall}; one scale serves "
                f"both directions, so lengths along one come out about {off:.0f} % off"
            )


def _cut(poses: xr.Dataset, p: OpenFieldParams, centres: xr.DataArray, notes: list[str]) -> xr.Dataset:
    """Return the analysed stretch, without long absence of all animals at its ends."""
    time = np.asarray(poses["time"].values, np.float64)
    stop = np.inf if p.duration_s is None else time[0] + p.start_s + p.duration_s
    use = np.flatnonzero((time >= time[0] + p.start_s) & (time < stop))
    seen = np.flatnonzero(np.isfinite(centres.values).all(axis=1).any(axis=1)[use])
    if use.size < 2 or seen.size == 0:
        fail(
            "open field",
            "nothing to analyse",
            expected="frames with a body centre",
            got=f"{use.size} frames from start_s={p.start_s:g}, {seen.size} with a body centre",
        )
    first, last = use[seen[0]], use[seen[-1]]
    before, after = time[first] - time[use[0]], time[use[-1]] - time[last]
    if p.cut_absent_s > 0 and before >= p.cut_absent_s:
        use = use[use >= first]
        notes.append(f"no animal is seen in the first {before:.1f} s: analysis starts at {time[first]:.1f} s")
    if p.cut_absent_s > 0 and after >= p.cut_absent_s:
        use = use[use <= last]
        notes.append(f"no animal is seen in the last {after:.1f} s: analysis stops at {time[last]:.1f} s")
    return poses.isel(time=use)


def _rule(drawn: Zones | None, p: OpenFieldParams, notes: list[str]) -> EntryRule:
    """Return the entry rule: parameters that were changed, else what is stored with the zones, else the defaults."""
    names = {"keypoints": "keypoints", "hysteresis": "hysteresis_cm", "fill_gap_s": "fill_gap_s"}
    names["min_visit_s"] = "min_visit_s"
    asked = {rule: getattr(p, own) for rule, own in names.items()}
    default = {rule: getattr(OpenFieldParams(), own) for rule, own in names.items()}
    stored = {} if drawn is None else {k: getattr(drawn.rule, k) for k in (*names, "mode", "fraction")}
    plain = EntryRule()
    stored = {k: v for k, v in stored.items() if v != getattr(plain, k)}
    changed = {k: v for k, v in asked.items() if v != default[k]}
    both = sorted(k for k in stored if k in changed and changed[k] != stored[k])
    if both:
        notes.append(f"parameters replace the entry rule stored with the zones: {', '.join(both)}")
    return EntryRule(**{**default, **stored, **changed})


def _layout(arena: AssayArena, drawn: Zones | None, p: OpenFieldParams, *, alone: bool) -> _Layout:
    """Centre, inner field (outside of it is periphery), corners and further zones of one arena: drawn or derived."""
    own = [] if drawn is None else [z for z in drawn.values() if z.kind != "arena" and z.name != arena.zone.name]
    if not alone:  # zones belong to the arena that holds their middle
        own = [z for z in own if float(depth_in(arena.zone, *middle_of(z)[:, None])[0]) >= 0]
    centres = [z for z in own if z.kind == "centre"] or [z for z in own if z.name == "centre"]
    corners = [z for z in own if z.kind == "corner"]
    others = [z for z in own if z not in corners and z is not (centres[0] if centres else None)]
    taken = [z.name for z in [*others, *corners] if z.name in ("centre", "inner")]
    if taken:
        fail(
            "open field", f"zone '{taken[0]}' has a name of the paradigm", todo="give it another name, or kind 'centre'"
        )
    middle = centres[0] if centres else shrunk(arena.zone, p.centre_scale, "centre", "centre")
    derived = corners or corner_zones(arena.zone, p.corner_scale)
    zones = (
        Zone("centre", middle.polygon, middle.centre, middle.radius, "cm", "centre"),
        shrunk(arena.zone, p.periphery_scale, "inner", "inner"),
        *derived,
        *others,
    )
    return _Layout(arena, zones, tuple(z.name for z in derived))


def _measure(
    layout: _Layout,
    poses: xr.Dataset,
    rule: EntryRule,
    centres: xr.DataArray,
    roles: Mapping[str, str] | None,
    p: OpenFieldParams,
    scale: float | None,
    measures: list[Measures],
    visits: list[pd.DataFrame],
) -> None:
    """Add measures and visits of the animals of one arena."""
    tidy = zone_masks(poses, Zones(layout.zones, rule), roles=roles)
    bare = rule.replace(hysteresis=0.0, fill_gap_s=0.0, min_visit_s=0.0)
    raw = zone_masks(poses, Zones(layout.zones, bare), roles=roles)
    time = np.asarray(poses["time"].values, np.float64)
    bins: list[tuple[tuple[float, float] | None, Bools]] = [(None, np.ones(time.size, bool))]
    bins += [((a, b), where) for a, b, where in time_bins(time, p.bin_s)]
    for individual in map(str, poses["individual"].values):
        track = track_of(centres.sel(individual=individual), p.moving_cm_s, p.majority_s)
        masks: dict[str, tuple[Mask, Mask]] = {
            z.name: (
                tidy.sel(zone=z.name, individual=individual).values,
                raw.sel(zone=z.name, individual=individual).values,
            )
            for z in layout.zones
        }
        wall = wall_distance(layout.arena.zone, track.xy_cm)
        for bin_s, where in bins:
            out = Measures(individual, bin_s)
            add_locomotion(out, track, where)
            for zone, (mask, bare_mask) in masks.items():
                add_occupancy(out, zone, mask, bare_mask, track, where)
            _add_walls(out, masks["inner"][1], [masks[z][1] for z in layout.corners], wall, track, where)
            if bin_s is None and scale is not None:
                out.add("px_per_cm", scale, "px/cm", f"scale of the camera; arena {layout.arena.source}")
            measures.append(out)
        visits += [visit_table(z, masks[z][0], track, individual) for z in masks]


def _list_zones(layouts: Sequence[_Layout], drawn: Zones | None, notes: list[str]) -> None:
    """Note drawn zones that no arena holds: they were not measured."""
    if drawn is None:
        return
    used = {z.name for layout in layouts for z in (*layout.zones, layout.arena.zone)}
    centres = [z.name for z in drawn.values() if z.kind == "centre"]
    lost = [name for name in drawn if name not in used and name not in centres[:1] and drawn[name].kind != "arena"]
    if lost:
        notes.append(f"zones that lie in no arena were not measured: {', '.join(lost)}")


def _add_walls(
    out: Measures, inner: Mask, corners: Sequence[Mask], wall: Floats, track: CentreTrack, where: Bools
) -> None:
    """Thigmotaxis, corners (where the arena has any) and distance to the wall."""
    known, outside = where & (inner >= 0), where & (inner == 0)
    total, walked = track.seconds(known), float(np.nansum(track.step_cm[known]))
    share = 100 * track.seconds(outside) / total if total else np.nan
    out.add("thigmotaxis_percent", share, "%", "time in the periphery / known time")
    share = 100 * float(np.nansum(track.step_cm[outside])) / walked if walked else np.nan
    out.add("thigmotaxis_distance_percent", share, "%", "distance in the periphery / distance")
    corner = np.any([mask == 1 for mask in corners], axis=0) & where if corners else np.zeros(where.size, bool)
    share = 100 * track.seconds(corner) / total if corners and total else np.nan
    out.add("corner_percent", share, "%", "time in any corner / known time; NaN where the arena has no corners")
    depth = wall[where & np.isfinite(wall)]
    for name, q in (("wall_distance_q25", 25), ("wall_distance_median", 50), ("wall_distance_q75", 75)):
        out.add(
            name,
            float(np.percentile(depth, q)) if depth.size else np.nan,
            "cm",
            f"{q}th percentile of the distance from body centre to wall; needs no zone",
        )


def _conventions(
    p: OpenFieldParams, layouts: Sequence[_Layout], rule: EntryRule, scale: float | None
) -> dict[str, Any]:
    """Every choice that changes a number; areas are those of the first arena."""
    first = layouts[0]
    area = first.arena.zone.area
    corners = sum(first.zone(name).area for name in first.corners)
    return {
        "arena": "; ".join(f"{layout.arena.zone.name}: {layout.arena.source}" for layout in layouts),
        "arena_outlines": [
            {
                **layout.arena.zone.to_dict(),
                "source": layout.arena.source,
                "verdict": layout.arena.verdict,
                "centre_zone": layout.zone("centre").to_dict(),
            }
            for layout in layouts
        ],
        "arena_area_cm2": area,
        "centre_area_percent": 100 * first.zone("centre").area / area,
        "periphery_area_percent": 100 * (1 - first.zone("inner").area / area),
        "corner_area_percent": 100 * corners / area if first.corners else None,
        "zones": [z.name for z in first.zones],
        "entry": ENTRY,
        "entry_rule": rule.model_dump(mode="json"),
        "time": "frames inside the border, each with its own span; hysteresis, gap fill, minimum visit: entries only",
        "px_per_cm": scale,
        "smoothing": p.clean.model_dump(mode="json"),
        "moving": f"> {p.moving_cm_s} cm/s, majority over ±{p.majority_s} s",
        "denominator": "time in which the rule's keypoints are known",
        "latency": "never entered = censored at the analysed duration",
        "primary": list(PRIMARY),
    }
