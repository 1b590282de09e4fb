"""Novel object recognition: investigation of each object, and the preference for the novel one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from murid.assays.arena import AssayArena
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.investigation import InvestigationParams, add_investigation, add_preference, investigations
from murid.assays.locomotion import Bools
from murid.assays.stretch import COLUMNS
from murid.assays.two_choices import TARGET, target_and_other, target_of
from murid.assays.zone_kinds import by_kind, require_kinds
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone

PRIMARY = ("investigation_index", "investigation_total", "distance")
KINDS = {"object": ("obj", "novel", "familiar", "toy")}


class NovelObjectParams(InvestigationParams):
    """Parameters of novel object recognition."""

    target: str = param("", why="zone of the novel object; the sheet's column 'target' wins")
    least_total_s: float = param(
        20.0, unit="s", ge=0, why="with less investigation in all, an index is noise and the result warns (Leger 2013)"
    )


def measure_novel_object(recording: Recording, params: NovelObjectParams | None = None, **changes: Any) -> AssayResult:
    """Analyse a novel object recognition (or location) test.

    Parameters
    ----------
    recording : Recording
        With poses and the objects as zones (kind ``object``, or by name); ``target``, a parameter or a column of the
        sheet, names the novel or moved one.
    params : NovelObjectParams
    **changes
        Single parameters of `NovelObjectParams`, over `params`.

    Returns
    -------
    AssayResult
        Per object: time, bouts and latency of investigation; the index (novel − familiar) / (novel + familiar).

    Raises
    ------
    DataError
        Without objects, with a target that is no object, or without a scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("three_chambers", duration_s=60, seed=1)
    >>> cups = recording.zones.of_kind("cup")
    >>> objects = [murid.Zone(c.name, centre=c.centre, radius=c.radius, kind="object") for c in cups]
    >>> both = recording.replace(zones=murid.Zones([recording.zones["arena"], *objects]))
    >>> result = murid.assays.measure_novel_object(both, target="left", reach_cm=0)
    >>> -1 <= result.value("investigation_index") <= 1
    True
    """
    p = NovelObjectParams.of(params, changes)
    return measure_zones(TEST, recording, p.replace(target=target_of(recording, p.target)))


def _layout(arena: AssayArena, own: Sequence[Zone], _: NovelObjectParams) -> Layout:
    kinds = by_kind(own, KINDS)
    require_kinds("novel object", kinds, ("object",))
    return Layout(arena, (*kinds["object"], *kinds[""]), shown=tuple(z.name for z in kinds["object"]))


def _extra(scene: AssayScene[NovelObjectParams]) -> Extra:
    objects = [z.name for z in by_kind(scene.layout.zones, KINDS)["object"]]
    looked_at = investigations(scene, objects)
    pair = target_and_other("novel object", scene.params.target, objects)
    if pair is None:
        why = "no target is given" if not scene.params.target else f"there are {len(objects)} objects, not two"
        scene.notes.append(f"{why}, so no index is computed: -p target=ZONE, or a column 'target' in the sheet")
    total = scene.track.seconds(np.any([m == 1 for m in looked_at.values()], axis=0)) if looked_at else 0.0
    if pair is not None and looked_at and total < scene.params.least_total_s:
        scene.notes.append(f"'{scene.individual}' investigated for {total:.1f} s in all: too little for an index")

    def add(out: Measures, where: Bools) -> None:
        for name, mask in looked_at.items():
            add_investigation(out, name, mask, scene.track, where)
        if looked_at:
            seconds = scene.track.seconds(where & np.any([m == 1 for m in looked_at.values()], axis=0))
            out.add("investigation_total", seconds, "s", "time at any object")
        if pair is not None and looked_at:
            each = [scene.track.seconds(where & (looked_at[z] == 1)) for z in pair]
            add_preference(out, "investigation", each[0], each[1], "time of investigation")

    return add


TEST = ZoneTest("novel_object", NovelObjectParams, _layout, PRIMARY, extra=_extra, kinds=("object",))


@analysis(
    "novel_object",
    family="assay",
    params=NovelObjectParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=(*COLUMNS, TARGET),
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Ennaceur and Delacour 1988", "Leger et al. 2013"),
)
def analyse_novel_object(recording: Recording, params: NovelObjectParams) -> Tables:
    """Measure investigation of objects and the preference for the novel one."""
    return tables_of(measure_novel_object(recording, params))
