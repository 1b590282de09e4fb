"""Light–dark box: time in the light, crossings, latencies; also where the dark side cannot be seen into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from murid.assays.arena import AssayArena
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.locomotion import Bools
from murid.assays.occupancy import changes
from murid.assays.stretch import COLUMNS
from murid.assays.zone_kinds import by_kind, require_kinds
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone

PRIMARY = ("time_percent:light", "crossings", "latency:light", "latency:dark", "distance")
KINDS = {"light": ("lit", "bright", "white"), "dark": ("black", "shelter"), "door": ("opening",)}


class LightDarkParams(ZoneTestParams):
    """Parameters of the light–dark box."""

    dark_is_hidden: bool = param(False, why="the camera cannot see into the dark side: unseen for hidden_min_s is dark")
    hidden_min_s: float = param(0.5, unit="s", ge=0, why="shorter losses of the animal are tracking gaps")


def measure_light_dark(recording: Recording, params: LightDarkParams | None = None, **changes: Any) -> AssayResult:
    """Analyse a light–dark box.

    Parameters
    ----------
    recording : Recording
        With poses and zones of the kinds ``light`` and ``dark`` (by kind, else by name); with ``dark_is_hidden`` the
        dark one may be drawn or not. Every other zone is measured under its name.
    params : LightDarkParams
    **changes
        Single parameters of `LightDarkParams`, over `params`.

    Returns
    -------
    AssayResult
        Per side: time, %, entries, latency (censored), distance; crossings between the sides, the side of the start.

    Raises
    ------
    DataError
        Without a light side, without a dark one that can be seen, or without a scale.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("light_dark", duration_s=60, seed=1)
    >>> result = murid.assays.measure_light_dark(recording)
    >>> round(result.value("time_percent", "light") + result.value("time_percent", "dark"))
    100
    """
    p = LightDarkParams.of(params, changes)
    # An animal that cannot be seen at the ends is in the dark, not away.
    return measure_zones(TEST, recording, p.replace(cut_absent_s=0.0) if p.dark_is_hidden else p)


def _layout(arena: AssayArena, own: Sequence[Zone], p: LightDarkParams) -> Layout:
    kinds = by_kind(own, KINDS)
    require_kinds("light-dark box", kinds, ("light", "dark"), "--template light_dark")
    light, dark = kinds["light"], kinds["dark"]
    sides = [_called("light", light[0]), _called("dark", dark[0])]
    hidden = ("dark", p.hidden_min_s) if p.dark_is_hidden else None
    others = [*light[1:], *dark[1:], *kinds["door"], *kinds[""]]
    return Layout(arena, (*sides, *others), hidden=hidden, shown=("light", "dark"))


def _called(name: str, zone: Zone) -> Zone:
    return Zone(name, zone.polygon, zone.centre, zone.radius, zone.unit, name)


def _extra(scene: AssayScene[LightDarkParams]) -> Extra:
    sides = {side: scene.masks[side] for side in ("light", "dark")}
    raw = {side: mask[1] for side, mask in sides.items()}
    known = (raw["light"] == 1) | (raw["dark"] == 1)
    first = int(np.flatnonzero(known)[0]) if known.any() else None

    def add(out: Measures, where: Bools) -> None:
        into = sum(changes(tidy, where, scene.track.piece)[0] for tidy, _ in sides.values())
        out.add("crossings", into, "count", "entries into the light side + entries into the dark side")
        both = scene.track.seconds(where & known)
        share = 100 * scene.track.seconds(where & (raw["light"] == 1)) / both if both else np.nan
        out.add("light_of_both_percent", share, "%", "time in light / (light + dark): the door is left out")
        if first is not None and where.all():
            out.add("starts_in_light", float(raw["light"][first] == 1), "", "1: first seen in the light side, 0: dark")

    return add


TEST = ZoneTest("light_dark", LightDarkParams, _layout, PRIMARY, extra=_extra, kinds=("light", "dark"))


@analysis(
    "light_dark",
    family="assay",
    params=LightDarkParams,
    needs=("poses", "zones"),
    uses=("events",),
    columns=COLUMNS,
    tables=TABLES,
    compare="animals",
    primary=PRIMARY,
    cites=("Crawley and Goodwin 1980", "Serchov et al. 2016"),
)
def analyse_light_dark(recording: Recording, params: LightDarkParams) -> Tables:
    """Measure the light and the dark side of a light-dark box, crossings and latencies."""
    return tables_of(measure_light_dark(recording, params))
