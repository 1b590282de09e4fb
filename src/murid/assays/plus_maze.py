"""Elevated plus maze: time and entries on open and closed arms, head dips, stretched attend postures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from murid.assays.arena import AssayArena, middle_of
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.elevated import ElevatedParams, add_shares, check_open_and_closed, edge_actions, maze_layout
from murid.assays.locomotion import Bools
from murid.assays.stretch import COLUMNS
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones, outline_of
from murid.data.analysis import Tables, analysis
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone

PRIMARY = (
    "time_percent:open",
    "open_entries_percent",
    "latency:open",
    "head_dips",
    "entries:closed",
    "distance",
)


class PlusMazeParams(ElevatedParams):
    """Parameters of the elevated plus maze."""

    end_share: float = param(
        1 / 3,
        gt=0,
        lt=1,
        why="outer share of an open arm that is its end; there is no standard",
    )


def measure_plus_maze(recording: Recording, params: PlusMazeParams | None = None, **changes: Any) -> AssayResult:
    """Analyse an elevated plus maze.

    Parameters
    ----------
    recording : Recording
        With poses and zones of the kinds ``open`` and ``closed`` (by kind, else by their names: ``open_arm_1``), and
        ``centre`` where it is drawn; every other zone is measured under its name.
    params : PlusMazeParams
    **changes
        Single parameters of `PlusMazeParams`, over `params`.

    Returns
    -------
    AssayResult
        Per zone and for all ``open`` and ``closed`` arms together: time, %, entries, latency (censored), distance;
        shares of time and entries under each denominator in use, anxiety indices, time at the ends of open arms,
        head dips and stretched attend postures.

    Raises
    ------
    DataError
        Without open or closed arms, or a scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("plus_maze", duration_s=60, seed=1)
    >>> result = murid.assays.measure_plus_maze(recording)
    >>> result.conventions["groups_of_zones"]["open"]
    ['open_n', 'open_s']
    """
    return measure_zones(TEST, recording, PlusMazeParams.of(params, changes))


def _layout(arena: AssayArena, own: Sequence[Zone], _: PlusMazeParams) -> Layout:
    return maze_layout("plus maze", "plus_maze", arena, own)


def _extra(scene: AssayScene[PlusMazeParams]) -> Extra:
    layout = scene.layout
    names = {name for members in layout.groups.values() for name in members}
    floor = [z for z in layout.zones if z.name in names or z.kind in ("centre", "middle") or z.name in ("centre",)]
    check_open_and_closed(scene)
    add_actions = edge_actions(scene, floor)
    ends = _at_ends(scene)

    def add(out: Measures, where: Bools) -> None:
        add_shares(out, scene, where)
        seconds = scene.track.seconds(where & ends)
        out.add("open_end_time", seconds, "s", f"body centre in the outer {scene.params.end_share:.0%} of an open arm")
        add_actions(out, where)

    return add


def _at_ends(scene: AssayScene[PlusMazeParams]) -> NDArray[np.bool_]:
    """Frames (time,) in which the body centre is at the end of an open arm, away from the middle of the maze."""
    layout, xy = scene.layout, scene.track.xy_cm
    arms = [layout.zone(name) for members in layout.groups.values() for name in members]
    middle = np.mean([middle_of(arm) for arm in arms], axis=0)
    at_end = np.zeros(len(xy), bool)
    for name in layout.groups["open"]:
        arm = layout.zone(name)
        away = middle_of(arm) - middle
        away = away / np.hypot(*away)
        reach = (outline_of(arm) - middle) @ away
        border = reach.max() - scene.params.end_share * (reach.max() - reach.min())
        at_end |= (scene.masks[name][1] == 1) & ((xy - middle) @ away > border)
    return at_end


TEST = ZoneTest("plus_maze", PlusMazeParams, _layout, PRIMARY, extra=_extra, kinds=("open", "closed"))


@analysis(
    "plus_maze",
    family="assay",
    params=PlusMazeParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=COLUMNS,
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Walf and Frye 2007", "Pellow et al. 1985", "Sturman et al. 2020"),
)
def analyse_plus_maze(recording: Recording, params: PlusMazeParams) -> Tables:
    """Measure open and closed arms of an elevated plus maze, head dips and stretched attend postures."""
    return tables_of(measure_plus_maze(recording, params))
