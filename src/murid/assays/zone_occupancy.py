"""Zones of one's own: time, entries, latency and distance for whatever was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from murid.assays.arena import AssayArena
from murid.assays.assay_result import AssayResult, tables_of
from murid.assays.stretch import COLUMNS
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import TABLES, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.zones import Zone


class ZoneOccupancyParams(ZoneTestParams):
    """Parameters of zones of one's own."""


def measure_zone_occupancy(
    recording: Recording, params: ZoneOccupancyParams | None = None, **changes: Any
) -> AssayResult:
    """Measure every zone that was drawn.

    Parameters
    ----------
    recording : Recording
        With poses and zones. Zones of one kind are measured together as well, under the name of their kind.
    params : ZoneOccupancyParams
    **changes
        Single parameters of `ZoneOccupancyParams`, over `params`.

    Returns
    -------
    AssayResult
        Per zone: time, %, entries (cleaned and raw), latency (censored), distance, visits; distance and speed overall.

    Raises
    ------
    DataError
        No zone but the arena, or no scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("operant", duration_s=60, seed=1)
    >>> result = murid.assays.measure_zone_occupancy(recording)
    >>> result.conventions["zones"]
    ['lever', 'port']
    """
    return measure_zones(TEST, recording, ZoneOccupancyParams.of(params, changes))


def _layout(arena: AssayArena, own: Sequence[Zone], _: ZoneOccupancyParams) -> Layout:
    if not own:
        fail("zones", "nothing to measure", expected="zones beside the arena", todo="draw them: murid zones")
    names = {z.name for z in own}
    kinds = Counter(z.kind for z in own if z.kind)
    groups = {k: tuple(z.name for z in own if z.kind == k) for k, n in kinds.items() if n > 1 and k not in names}
    return Layout(arena, tuple(own), groups, shown=tuple(z.name for z in own))


TEST = ZoneTest("zone_occupancy", ZoneOccupancyParams, _layout, ())


@analysis(
    "zone_occupancy",
    family="assay",
    params=ZoneOccupancyParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=COLUMNS,
    tables=TABLES,
    compare="animals",
)
def analyse_zone_occupancy(recording: Recording, params: ZoneOccupancyParams) -> Tables:
    """Measure time, entries, latency and distance for every zone that was drawn."""
    return tables_of(measure_zone_occupancy(recording, params))
