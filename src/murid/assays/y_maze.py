"""Y-maze: spontaneous alternation from the order of arm entries, and time in a novel arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from murid.assays.arena import AssayArena
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.locomotion import Bools
from murid.assays.occupancy import visits
from murid.assays.stretch import COLUMNS
from murid.assays.two_choices import TARGET, target_of
from murid.assays.zone_kinds import by_kind
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.errors import did_you_mean, fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone

PRIMARY = ("alternation_percent", "arm_entries", "distance")
KINDS = {"arm": ("branch",), "centre": ("center", "middle", "central")}


class YMazeParams(ZoneTestParams):
    """Parameters of the Y-maze."""

    target: str = param("", why="the novel arm, where there is one; the sheet's column 'target' wins")
    least_entries: int = param(8, ge=3, why="fewer entries make the share of triads unreliable, and the result warns")


def measure_y_maze(recording: Recording, params: YMazeParams | None = None, **changes: Any) -> AssayResult:
    """Analyse a Y-maze or a T-maze with free choice.

    Parameters
    ----------
    recording : Recording
        With poses and three or more arms as zones (kind ``arm``, or by name).
    params : YMazeParams
    **changes
        Single parameters of `YMazeParams`, over `params`.

    Returns
    -------
    AssayResult
        Per arm: time, %, entries, latency, distance; alternation by overlapping triads, by triads without returns to
        the same arm, same-arm and alternate-arm returns, and time in the novel arm.

    Raises
    ------
    DataError
        With fewer than three arms, or a target that is no arm.

    Examples
    --------
    >>> alternation("ABCABCBCA")["alternation_percent"]
    71.42857142857143
    """
    p = YMazeParams.of(params, changes)
    return measure_zones(TEST, recording, p.replace(target=target_of(recording, p.target)))


def alternation(arms: Sequence[str]) -> dict[str, float]:
    """Return the measures of alternation of a sequence of arms.

    Parameters
    ----------
    arms : sequence of str
        Arms in the order of entries.

    Returns
    -------
    dict of str to float
        ``alternation_percent``: triads of three different arms of all triads; ``alternation_no_returns_percent``: of
        triads without two entries into one arm in a row (ABC against ABA); ``same_arm_returns_percent`` (AA) and
        ``alternate_arm_returns_percent`` (ABA) of all triads. NaN where there is no triad.

    Examples
    --------
    >>> alternation("ABACC")["alternate_arm_returns_percent"]
    33.333333333333336
    """
    triads = list(zip(arms, arms[1:], arms[2:], strict=False))
    different = sum(len(set(t)) == 3 for t in triads)
    back = sum(a == c and a != b for a, b, c in triads)
    same = len(triads) - different - back
    judged = different + back
    return {
        "alternation_percent": 100 * different / len(triads) if triads else np.nan,
        "alternation_no_returns_percent": 100 * different / judged if judged else np.nan,
        "alternate_arm_returns_percent": 100 * back / len(triads) if triads else np.nan,
        "same_arm_returns_percent": 100 * same / len(triads) if triads else np.nan,
    }


_WHAT = {
    "alternation_percent": "overlapping triads of three different arms / (entries − 2); the arm of the start counts",
    "alternation_no_returns_percent": "ABC / (ABC + ABA): triads with an arm twice in a row are left out; chance 50 %",
    "alternate_arm_returns_percent": "triads ABA / all triads",
    "same_arm_returns_percent": "triads with the same arm twice in a row / all triads",
}


def _layout(arena: AssayArena, own: Sequence[Zone], p: YMazeParams) -> Layout:
    kinds = by_kind(own, KINDS)
    arms = [z.name for z in kinds["arm"]]
    if len(arms) < 3:
        there = ", ".join(z.name for z in own) or "no zones"
        fail("y-maze", "arms", expected="three or more zones of kind 'arm'", got=there, todo="draw them: murid zones")
    if p.target and p.target not in arms:
        fail("y-maze", f"target '{p.target}' is no arm", todo=did_you_mean(p.target, arms))
    zones = (*kinds["arm"], *kinds["centre"], *kinds[""])
    groups = {} if "arms" in {z.name for z in zones} else {"arms": tuple(arms)}
    return Layout(arena, zones, groups, shown=tuple(arms))


def _extra(scene: AssayScene[YMazeParams]) -> Extra:
    track = scene.track
    arms = [z.name for z in by_kind(scene.layout.zones, KINDS)["arm"]]
    begun = sorted((a, arm) for arm in arms for a, _ in visits(scene.masks[arm][0], track.piece))
    if len(begun) < scene.params.least_entries:
        scene.notes.append(
            f"'{scene.individual}' entered arms {len(begun)} times; with fewer than {scene.params.least_entries} "
            "alternation is unreliable"
        )

    def add(out: Measures, where: Bools) -> None:
        order = [arm for a, arm in begun if where[a]]
        out.add("arm_entries", len(order), "count", "visits to arms, with the arm of the start")
        for name, value in alternation(order).items():
            out.add(name, value, "%", _WHAT[name])
        if scene.params.target:
            seconds = {arm: track.seconds(where & (scene.masks[arm][1] == 1)) for arm in arms}
            total = sum(seconds.values())
            share = 100 * seconds[scene.params.target] / total if total else np.nan
            out.add("target_arm_percent", share, "%", "time in the novel arm / time in all arms")

    return add


TEST = ZoneTest("y_maze", YMazeParams, _layout, PRIMARY, extra=_extra, kinds=("arm",))


@analysis(
    "y_maze",
    family="assay",
    params=YMazeParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=(*COLUMNS, TARGET),
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Hughes 2004", "Miedel et al. 2017"),
)
def analyse_y_maze(recording: Recording, params: YMazeParams) -> Tables:
    """Measure spontaneous alternation and time in the arms of a Y-maze."""
    return tables_of(measure_y_maze(recording, params))
