"""Elevated zero maze: time and entries on open and closed quadrants, head dips, stretched attend postures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from murid.assays.arena import AssayArena
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.elevated import ElevatedParams, add_shares, check_open_and_closed, edge_actions, maze_layout
from murid.assays.locomotion import Bools
from murid.assays.stretch import COLUMNS
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.recording import Recording
from murid.data.zones import Zone

PRIMARY = ("time_percent:open", "entries:open", "latency:open", "head_dips", "entries:closed", "distance")


class ZeroMazeParams(ElevatedParams):
    """Parameters of the elevated zero maze."""


def measure_zero_maze(recording: Recording, params: ZeroMazeParams | None = None, **changes: Any) -> AssayResult:
    """Analyse an elevated zero maze.

    Parameters
    ----------
    recording : Recording
        With poses and the quadrants as zones of the kinds ``open`` and ``closed`` (by kind, else by their names);
        every other zone is measured under its name.
    params : ZeroMazeParams
    **changes
        Single parameters of `ZeroMazeParams`, over `params`.

    Returns
    -------
    AssayResult
        As of the plus maze, without a centre: there is none, which is what the maze was made for.

    Raises
    ------
    DataError
        Without open or closed quadrants, or a scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("zero_maze", duration_s=60, seed=1)
    >>> result = murid.assays.measure_zero_maze(recording)
    >>> result.value("time_percent", "open") + result.value("time_percent", "closed")
    100.0
    """
    return measure_zones(TEST, recording, ZeroMazeParams.of(params, changes))


def _layout(arena: AssayArena, own: Sequence[Zone], _: ZeroMazeParams) -> Layout:
    return maze_layout("zero maze", "zero_maze", arena, own)


def _extra(scene: AssayScene[ZeroMazeParams]) -> Extra:
    check_open_and_closed(scene)
    quadrants = [scene.layout.zone(name) for members in scene.layout.groups.values() for name in members]
    add_actions = edge_actions(scene, quadrants)

    def add(out: Measures, where: Bools) -> None:
        add_shares(out, scene, where)
        add_actions(out, where)

    return add


TEST = ZoneTest("zero_maze", ZeroMazeParams, _layout, PRIMARY, extra=_extra, kinds=("open", "closed"))


@analysis(
    "zero_maze",
    family="assay",
    params=ZeroMazeParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=COLUMNS,
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Shepherd et al. 1994", "Sturman et al. 2020"),
)
def analyse_zero_maze(recording: Recording, params: ZeroMazeParams) -> Tables:
    """Measure open and closed quadrants of an elevated zero maze, head dips and stretched attend postures."""
    return tables_of(measure_zero_maze(recording, params))
