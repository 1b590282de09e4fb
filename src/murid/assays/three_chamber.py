"""Three-chamber test: time in the chambers, investigation of the cups, sociability or novelty preference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from murid.assays.arena import AssayArena, middle_of
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.investigation import InvestigationParams, add_investigation, add_preference, investigations
from murid.assays.locomotion import Bools
from murid.assays.occupancy import changes
from murid.assays.stretch import COLUMNS
from murid.assays.two_choices import TARGET, target_and_other, target_of
from murid.assays.zone_kinds import by_kind, require_kinds
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone
from murid.features.zone_mask import depth_in

PRIMARY = ("chamber_index", "investigation_index", "chamber_crossings", "distance")
KINDS = {"chamber": ("compartment", "room"), "cup": ("cage", "wire", "stimulus", "object", "sniff")}
_MIDDLE = {"middle", "center", "centre", "central"}


class ThreeChamberParams(InvestigationParams):
    """Parameters of the three-chamber test."""

    target: str = param(
        "", why="side with the animal, later the novel one: 'left', or a cup's name; the sheet's column 'target' wins"
    )


def measure_three_chamber(
    recording: Recording, params: ThreeChamberParams | None = None, **changes: Any
) -> AssayResult:
    """Analyse one phase of a three-chamber test.

    Parameters
    ----------
    recording : Recording
        With poses and zones: the chambers (kind ``chamber``, or by name), the cups where they are drawn (``cup``).
        The column ``target`` of the sheet names the side of the stranger (sociability) or of the novel animal.
    params : ThreeChamberParams
        ``start_s`` and ``duration_s``, or the columns ``start_s`` and ``stop_s``, choose the phase.
    **changes
        Single parameters of `ThreeChamberParams`, over `params`.

    Returns
    -------
    AssayResult
        Per chamber: time, %, entries, latency, distance; per cup: time, bouts and latency of investigation;
        preference for the target over the other side, by chamber and by investigation.

    Raises
    ------
    DataError
        Without chambers, with a target that is no side, or without a scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("three_chambers", duration_s=60, seed=1)
    >>> result = murid.assays.measure_three_chamber(recording, target="left", reach_cm=0)
    >>> -1 <= result.value("chamber_index") <= 1
    True
    """
    p = ThreeChamberParams.of(params, changes)
    return measure_zones(TEST, recording, p.replace(target=target_of(recording, p.target)))


def _layout(arena: AssayArena, own: Sequence[Zone], _: ThreeChamberParams) -> Layout:
    kinds = by_kind(own, KINDS)
    require_kinds("three chambers", kinds, ("chamber",), "--template three_chamber")
    zones = (*kinds["chamber"], *kinds["cup"], *kinds[""])
    return Layout(arena, zones, shown=tuple(z.name for z in (*kinds["chamber"], *kinds["cup"])))


def _extra(scene: AssayScene[ThreeChamberParams]) -> Extra:
    kinds = by_kind(scene.layout.zones, KINDS)
    sides = [
        z for z in kinds["chamber"] if not _MIDDLE & set(f"{z.name} {z.kind}".casefold().replace("_", " ").split())
    ]
    cups = [z.name for z in kinds["cup"]]
    sniffed = investigations(scene, cups)
    pair = target_and_other(
        "three chambers", _side_of(scene.params.target, sides, kinds["cup"]), [z.name for z in sides]
    )
    if pair is None:
        scene.notes.append(
            "no target is given, so no preference is computed: say on which side the animal was, "
            "-p target=left for all, or a column 'target' in the sheet"
        )
    chambers = [scene.masks[z.name][0] for z in kinds["chamber"]]

    def add(out: Measures, where: Bools) -> None:
        into = sum(changes(mask, where, scene.track.piece)[0] for mask in chambers)
        out.add("chamber_crossings", into, "count", "entries into any chamber")
        for name, mask in sniffed.items():
            add_investigation(out, name, mask, scene.track, where)
        if pair is None:
            return
        seconds = [scene.track.seconds(where & (scene.masks[z][1] == 1)) for z in pair]
        add_preference(out, "chamber", seconds[0], seconds[1], "time in the chamber")
        if sniffed:
            by_side = [_investigated(scene, z, kinds["cup"], sniffed, where) for z in pair]
            add_preference(out, "investigation", by_side[0], by_side[1], "time of investigation")

    return add


def _side_of(target: str, sides: Sequence[Zone], cups: Sequence[Zone]) -> str:
    """Return the chamber of a target that was given by the name of its cup."""
    cup = next((c for c in cups if c.name.casefold() == target.casefold()), None)
    holds = [s.name for s in sides if cup is not None and _holds(s, cup)]
    return holds[0] if holds else target


def _holds(side: Zone, cup: Zone) -> bool:
    return float(depth_in(side, *middle_of(cup)[:, None])[0]) >= 0


def _investigated(
    scene: AssayScene[ThreeChamberParams], side: str, cups: Sequence[Zone], sniffed: dict[str, np.ndarray], where: Bools
) -> float:
    """Seconds of investigation of the cups in one chamber."""
    own = [sniffed[c.name] == 1 for c in cups if _holds(scene.layout.zone(side), c)]
    return scene.track.seconds(where & np.any(own, axis=0)) if own else 0.0


TEST = ZoneTest("three_chamber", ThreeChamberParams, _layout, PRIMARY, extra=_extra, kinds=("chamber", "cup"))


@analysis(
    "three_chamber",
    family="assay",
    params=ThreeChamberParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=(*COLUMNS, TARGET),
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Moy et al. 2004", "Rein et al. 2020"),
)
def analyse_three_chamber(recording: Recording, params: ThreeChamberParams) -> Tables:
    """Measure chambers, cups and preference of a three-chamber test."""
    return tables_of(measure_three_chamber(recording, params))
