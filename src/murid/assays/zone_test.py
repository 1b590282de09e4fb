"""The engine of every test with zones: a paradigm says where its zones are and what it measures besides.

Cleaning, centimetres, the analysed stretch, zone membership, visits, time bins, locomotion and conventions are the same
for all, so that two paradigms never count an entry by two rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.assays.arena import AssayArena, arenas_of, assign, convert_to_cm, known_arenas, middle_of
from murid.assays.arena_size import check_size
from murid.assays.assay_result import ANIMALS, ARENAS, MEASURES, VISITS, AssayResult, Measures, result
from murid.assays.hidden_zone import unseen_is_inside
from murid.assays.locomotion import Bools, CentreTrack, add_locomotion, track_of
from murid.assays.occupancy import ENTRY, Mask, add_occupancy, time_bins, visit_table
from murid.assays.stretch import asked_stretch, cut
from murid.assays.zone_groups import GroupMasks, add_group, group_masks
from murid.assays.zone_params import ZoneTestParams, entry_rule
from murid.data.errors import DataError, fail
from murid.data.recording import Recording
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.named_points import points_of
from murid.features.zone_mask import depth_in, zone_masks
from murid.prepare import ArenaEstimate, clean

P = TypeVar("P", bound=ZoneTestParams)
P_co = TypeVar("P_co", bound=ZoneTestParams, covariant=True)
#: Adds what is a paradigm's own over the frames of a mask: the whole recording, or one time bin.
Extra = Callable[[Measures, Bools], None]
#: The tables of every test with zones.
TABLES = (MEASURES, ANIMALS, VISITS, ARENAS)


@dataclass(frozen=True)
class Layout:
    """One arena with the zones measured in it.

    Attributes
    ----------
    arena : AssayArena
    zones : tuple of Zone
        In cm, each measured under its name.
    groups : mapping of str to names of zones
        Zones that are one kind of place, measured together as well: ``{"open": ("open_left", "open_right")}``.
    corners : tuple of str
        Zones that count as corners.
    shown : tuple of str
        Zones that figures outline.
    hidden : (zone, seconds), optional
        The camera cannot see into this zone: an animal that is not seen for so long is in it.
    """

    arena: AssayArena
    zones: tuple[Zone, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    corners: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    hidden: tuple[str, float] | None = None

    def zone(self, name: str) -> Zone:
        """Return a zone by name."""
        return next(z for z in self.zones if z.name == name)


@dataclass(frozen=True)
class AssayScene(Generic[P_co]):
    """One animal in one arena, everything in cm, cleaned, over the analysed stretch.

    Attributes
    ----------
    layout : Layout
    individual : str
    poses : Dataset
        Of all animals of the arena.
    roles : mapping of role to keypoint, optional
    track : CentreTrack
    masks : mapping of zone to (by the entry rule, by the border alone)
        int8 (time,): 1 inside, 0 outside, −1 unknown.
    groups : mapping of group to GroupMasks
    params : ZoneTestParams
    notes : list of str
        Warnings; what a paradigm adds is shown with the result.
    """

    layout: Layout
    individual: str
    poses: xr.Dataset
    roles: Mapping[str, str] | None
    track: CentreTrack
    masks: Mapping[str, tuple[Mask, Mask]]
    groups: Mapping[str, GroupMasks]
    params: P_co
    notes: list[str]

    def point(self, role: str, use: str) -> NDArray[np.float64] | None:
        """Positions (time, 2) of a role or keypoint of this animal, NaN where unknown.

        None, and a note that `use` was not measured, where it is not tracked and cannot be made from others.
        """
        try:
            place = points_of(self.poses, role, self.roles).sel(individual=self.individual)
        except DataError as exc:
            self.notes.append(f"{use} were not measured: {exc}")
            return None
        return np.asarray(place.values[:, :2], np.float64)


@dataclass(frozen=True)
class ZoneTest(Generic[P]):
    """What is a paradigm's own.

    Attributes
    ----------
    name : str
    params : type of ZoneTestParams
    layout : callable
        ``f(arena, zones drawn in it, params)`` → `Layout`.
    primary : tuple of str
        The few measures that the paradigm is about.
    extra : callable
        ``f(scene)`` → `Extra`.
    facts : callable
        ``f(layouts)`` → conventions of its own.
    kinds : tuple of str
        Kinds or names of zones by which a recording is known to be drawn for it; for messages.
    guesses : bool
        An arena that is neither drawn nor tracked is guessed; other tests need their zones drawn.
    """

    name: str
    params: type[P]
    layout: Callable[[AssayArena, Sequence[Zone], P], Layout]
    primary: tuple[str, ...]
    extra: Callable[[AssayScene[P]], Extra] | None = None
    facts: Callable[[Sequence[Layout]], Mapping[str, Any]] | None = None
    kinds: tuple[str, ...] = ()
    guesses: bool = False

    @property
    def title(self) -> str:
        """Name in words."""
        return self.name.replace("_", " ")


def measure_zones(
    test: ZoneTest[P], recording: Recording, params: P, *, arena: ArenaEstimate | None = None
) -> AssayResult:
    """Measure one recording by a paradigm.

    Parameters
    ----------
    test : ZoneTest
    recording : Recording
        With poses. Several arenas: each animal its own.
    params : ZoneTestParams
        Of the test.
    arena : ArenaEstimate, optional
        Estimated over all recordings of the camera, in the unit of the poses; used where none is drawn.

    Returns
    -------
    AssayResult

    Raises
    ------
    DataError
        No scale, no zones where the test needs them, nothing to analyse.
    """
    notes: list[str] = []
    roles = recording.roles or None
    poses = clean(recording.need("poses"), params.clean)
    arenas = _arenas(test, poses, recording, params, arena)
    poses, drawn, arenas, scale = convert_to_cm(
        poses, recording.zones, arenas, params.px_per_cm, params.arena_cm, subject=test.title
    )
    notes += [a.note for a in arenas if a.note]
    check_size(arenas, params.arena_cm, notes)
    if params.px_per_cm is not None and "px" not in _units_of(recording):
        notes.append("px_per_cm was not used: neither poses nor zones are in px")
    start_s, stop_s = asked_stretch(recording, params)
    poses = cut(test.title, poses, points_of(poses, "centre", roles), start_s, stop_s, params.cut_absent_s, notes)
    centres = points_of(poses, "centre", roles)
    rule = entry_rule(drawn, params, notes)
    collected = _Collected()
    for own, individuals in assign(arenas, centres, notes):
        layout = test.layout(own, _zones_within(own, drawn, alone=len(arenas) == 1), params)
        collected.layouts.append(layout)
        if individuals:
            _measure(
                test, layout, poses.sel(individual=individuals), rule, centres, roles, params, notes, scale, collected
            )
    _list_zones(collected.layouts, drawn, notes)
    table = pd.concat(collected.visits, ignore_index=True).sort_values(["start_s"], kind="stable", ignore_index=True)
    facts = _conventions(test, params, collected.layouts, rule, scale)
    return result(test.name, recording, collected.measures, table, facts, list(dict.fromkeys(notes)), test.primary)


@dataclass
class _Collected:
    """What is collected over arenas and animals."""

    measures: list[Measures] = field(default_factory=list)
    visits: list[pd.DataFrame] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)


def _arenas(
    test: ZoneTest[P], poses: xr.Dataset, recording: Recording, p: P, shared: ArenaEstimate | None
) -> list[AssayArena]:
    """Return the arenas: without a drawn or tracked one a guess, or the hull of zones that a test needs anyway."""
    zones, roles = recording.zones, recording.roles or None
    if test.guesses:
        return arenas_of(poses, zones, roles, p.shape, shared)
    known = known_arenas(poses, zones)
    if known:
        return known
    if zones is None or not len(zones):
        fail(
            test.title,
            f"recording '{recording.id}' has no zones",
            expected=f"zones of the kinds {', '.join(test.kinds)}" if test.kinds else "drawn zones",
            todo="draw them: murid zones",
        )
    return [hull_arena(list(zones.values()))]


def hull_arena(zones: Sequence[Zone]) -> AssayArena:
    """Return the hull of zones as the arena of a recording in which none was drawn."""
    units = {z.unit for z in zones}
    if len(units) > 1:
        fail("arena", "the zones are in different units", expected="one unit, or a drawn zone of kind 'arena'")
    corners = np.concatenate([outline_of(z) for z in zones])
    import shapely

    hull = np.asarray(shapely.MultiPoint(corners).convex_hull.exterior.coords)[:-1]
    zone = Zone("arena", polygon=hull, unit=units.pop(), kind="arena")
    return AssayArena(zone, "around the zones", "no arena was drawn: the hull of the drawn zones is taken for it")


def outline_of(zone: Zone) -> NDArray[np.float64]:
    """Corners (n, 2) of a zone; a circle has 72."""
    if zone.polygon is not None:
        return np.asarray(zone.polygon, np.float64)
    x, y, radius = zone.circle
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    return np.array([x, y]) + radius * np.column_stack([np.cos(turn), np.sin(turn)])


def _units_of(recording: Recording) -> set[str]:
    """Units of the poses and zones as they were given."""
    zones = recording.zones
    drawn = () if zones is None else zones.values()
    return {str(recording.need("poses").attrs["unit"]), *(zone.unit for zone in drawn)}


def _zones_within(arena: AssayArena, drawn: Zones | None, *, alone: bool) -> list[Zone]:
    """Return the drawn zones of an arena: of several arenas, those whose middle it holds."""
    own = [] if drawn is None else [z for z in drawn.values() if z.kind != "arena" and z.name != arena.zone.name]
    return own if alone else [z for z in own if float(depth_in(arena.zone, *middle_of(z)[:, None])[0]) >= 0]


def _measure(
    test: ZoneTest[P],
    layout: Layout,
    poses: xr.Dataset,
    rule: EntryRule,
    centres: xr.DataArray,
    roles: Mapping[str, str] | None,
    p: P,
    notes: list[str],
    scale: float | None,
    collected: _Collected,
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
        if layout.hidden is not None:
            masks = unseen_is_inside(*layout.hidden, masks, track, rule)
        groups = {name: group_masks([masks[z] for z in members]) for name, members in layout.groups.items()}
        scene = AssayScene(layout, individual, poses, roles, track, masks, groups, p, notes)
        add_extra = test.extra(scene) if test.extra is not None else None
        for bin_s, where in bins:
            out = Measures(individual, bin_s)
            add_locomotion(out, track, where)
            for zone, (mask, bare_mask) in masks.items():
                add_occupancy(out, zone, mask, bare_mask, track, where)
            for group, joined in groups.items():
                add_group(out, group, joined, track, where)
            if add_extra is not None:
                add_extra(out, where)
            if bin_s is None and scale is not None:
                out.add("px_per_cm", scale, "px/cm", f"scale of the camera; arena {layout.arena.source}")
            collected.measures.append(out)
        collected.visits += [visit_table(z, masks[z][0], track, individual) for z in masks]


def _list_zones(layouts: Sequence[Layout], drawn: Zones | None, notes: list[str]) -> None:
    """Note drawn zones that no arena holds: they were not measured."""
    if drawn is None:
        return
    used = {z.name for layout in layouts for z in (*layout.zones, layout.arena.zone)}
    centres = [z.name for z in drawn.values() if z.kind == "centre"]
    lost = [name for name in drawn if name not in used and name not in centres[:1] and drawn[name].kind != "arena"]
    if lost:
        notes.append(f"zones that lie in no arena were not measured: {', '.join(lost)}")


def _conventions(
    test: ZoneTest[P], p: P, layouts: Sequence[Layout], rule: EntryRule, scale: float | None
) -> dict[str, Any]:
    """Every choice that changes a number; areas are those of the first arena."""
    groups = {name: list(members) for name, members in layouts[0].groups.items()}
    return {
        "arena": "; ".join(f"{layout.arena.zone.name}: {layout.arena.source}" for layout in layouts),
        "arena_outlines": [
            {
                **layout.arena.zone.to_dict(),
                "source": layout.arena.source,
                "verdict": layout.arena.verdict,
                "zones": [layout.zone(name).to_dict() for name in layout.shown],
            }
            for layout in layouts
        ],
        "arena_area_cm2": layouts[0].arena.zone.area,
        **(test.facts(layouts) if test.facts is not None else {}),
        "zones": [z.name for z in layouts[0].zones],
        **({"groups_of_zones": groups} if groups else {}),
        "entry": ENTRY,
        "entry_rule": rule.model_dump(mode="json"),
        "time": "frames inside the border, each with its own span; hysteresis, gap fill, minimum visit: entries only",
        "px_per_cm": scale,
        "smoothing": p.clean.model_dump(mode="json"),
        "moving": f"> {p.moving_cm_s} cm/s, majority over ±{p.majority_s} s",
        "denominator": "time in which the rule's keypoints are known",
        "latency": "never entered = censored at the analysed duration",
        "primary": list(test.primary),
    }
