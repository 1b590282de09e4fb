"""Zone masks: frame by frame, is the animal in the zone by the zone's own entry rule?

The result says 1 inside, 0 outside, -1 unknown. A frame without the keypoints that decide is
unknown, never outside; short unknown stretches are closed like any other flicker.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from murid.data.clock import spans, unbroken
from murid.data.errors import Faults, did_you_mean
from murid.data.meet import keypoints_and_roles, poses_and_zones
from murid.data.poses import individual_names, keypoint_names
from murid.data.roles import prefix_advice, stand_ins
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.geometry import signed_depth

INSIDE, OUTSIDE, UNKNOWN = np.int8(1), np.int8(0), np.int8(-1)


def zone_masks(
    poses: xr.Dataset,
    zones: Zones,
    rule: EntryRule | None = None,
    roles: Mapping[str, str] | None = None,
) -> xr.DataArray:
    """Find for every frame, individual and zone whether the animal is inside.

    Parameters
    ----------
    poses : Dataset
    zones : Zones
        In any unit that the poses' scale can bring to theirs; the depth of the rule is converted along.
    rule : EntryRule, optional
        Instead of the zones' own, its depth in the unit of the poses. Its keypoints are roles
        (``"nose"``, ``"centre"``, ``"head"``, ``"rear"``; made from others where not
        tracked) or names of keypoints; a role wins.
    roles : dict of role to keypoint, optional
        Guessed from the names when not given.

    Returns
    -------
    DataArray (time, individual, zone)
        int8: 1 inside, 0 outside, -1 unknown. The rule is in ``attrs["rule"]``; the border itself
        belongs to the zone.

    Notes
    -----
    The steps, in this order: (1) the animal enters when `mode` of its keypoints lie at least
    `hysteresis` inside the border and leaves when they no longer lie inside; before the first
    crossing, and after a pause of the clock, inside means within the border; (2) absences and unknown
    stretches shorter than `fill_gap_s` between two visits join them, unknown stretches as short between
    two absences are absences; (3) visits shorter than `min_visit_s` are dropped, or unknown where they touch an
    unknown stretch.

    Raises
    ------
    DataError
        A keypoint of the rule cannot be had, or the units do not fit.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[2.0, 2.0], [8.0, 2.0], [np.nan, np.nan]])[:, :, None, None]
    >>> poses = make_poses(xy, keypoints=["centre"], fps=1, unit="cm")
    >>> left = Zone("left", [[0, 0], [5, 0], [5, 5], [0, 5]], unit="cm")
    >>> zone_masks(poses, Zones([left], EntryRule(fill_gap_s=0, min_visit_s=0))).values.ravel().tolist()
    [1, 0, -1]
    """
    aligned = poses_and_zones(poses, zones)
    rule = rule or aligned.rule
    points = rule_points(poses, rule, roles)
    shapes = list(aligned.values())
    names, time = individual_names(poses), np.asarray(poses["time"].values, np.float64)
    out = np.empty((poses.sizes["time"], len(names), len(shapes)), np.int8)
    for i in range(len(names)):
        for z, zone in enumerate(shapes):
            depth = np.stack([depth_in(zone, xy[:, 0, i], xy[:, 1, i]) for xy in points])
            enter, stay = _condition(depth, rule.hysteresis, rule), _condition(depth, 0.0, rule)
            state = np.empty(time.size, np.int8)
            for a, b in unbroken(time):
                state[a:b] = _hysteresis(enter[a:b], stay[a:b])
            out[:, i, z] = without_flicker(state, time, rule.fill_gap_s, rule.min_visit_s)
    return xr.DataArray(
        out,
        dims=("time", "individual", "zone"),
        coords={"time": poses["time"].values, "individual": names, "zone": list(zones)},
        attrs={"rule": rule.model_dump(mode="json"), "values": "1 inside, 0 outside, -1 unknown"},
        name="zone_masks",
    )


def without_flicker(
    state: NDArray[np.int8], time: NDArray[np.float64], fill_gap_s: float, min_visit_s: float
) -> NDArray[np.int8]:
    """Close short gaps in a state and drop short stays, as `zone_masks` does; nothing reaches across a pause.

    Parameters
    ----------
    state : int8 array (time,)
        1 yes, 0 no, -1 unknown.
    time : array (time,)
        Clock in seconds.
    fill_gap_s, min_visit_s : float
        Shorter gaps are closed, shorter stays dropped.

    Examples
    --------
    >>> flicker = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0, 1], np.int8)
    >>> without_flicker(flicker, np.arange(10.0), 2.0, 2.0).tolist()
    [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    """
    gap, visit, until = _limits(fill_gap_s, min_visit_s, time)
    out = np.empty_like(state)
    for a, b in unbroken(time):
        out[a:b] = _drop_short(_fill_gaps(state[a:b], until[a : b + 1], gap), until[a : b + 1], visit)
    return out


def depth_in(zone: Zone, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Distance to the zone's border: positive inside, negative outside, NaN where missing."""
    if zone.polygon is not None:
        return signed_depth(np.ascontiguousarray(x), np.ascontiguousarray(y), np.ascontiguousarray(zone.polygon))
    cx, cy, radius = zone.circle
    return radius - np.hypot(np.asarray(x, np.float64) - cx, np.asarray(y, np.float64) - cy)


def rule_points(poses: xr.Dataset, rule: EntryRule, roles: Mapping[str, str] | None) -> list[NDArray]:
    """Positions ``(time, 2, individual)`` of the keypoints that decide."""
    names = keypoint_names(poses)
    known = keypoints_and_roles(poses, roles, needed=False)
    made = stand_ins(known)
    position = poses["position"].values[:, :2]
    faults = Faults("entry rule")
    points = []
    for wanted in rule.keypoints:
        if wanted in known or wanted in made:
            sources = (wanted,) if wanted in known else made[wanted]
            index = [names.index(known[role]) for role in sources]
            points.append(position[:, :, index].mean(axis=2, dtype=np.float64))
        elif wanted in names:
            points.append(position[:, :, names.index(wanted)].astype(np.float64))
        else:
            advice = prefix_advice(names) or did_you_mean(wanted, [*known, *made, *names])
            faults.add(f"no keypoint or role '{wanted}'", todo=advice)
    faults.raise_if_any()
    return points


def _limits(
    fill_gap_s: float, min_visit_s: float, time: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64]]:
    """Times below which absences are closed and visits dropped, and the time seen until each frame ``(time + 1,)``.

    Durations are sums of the frames' own spans. A hair less than the times given, so that the float noise of
    the clock never makes a visit of exactly the minimum too short.
    """
    until = np.concatenate([[0.0], np.cumsum(np.nan_to_num(spans(time)))])
    hair = 1e-6 * until[-1] / max(time.size, 1) + 16 * np.spacing(np.abs(time).max())
    return fill_gap_s - hair, min_visit_s - hair, until


def _condition(depth: NDArray, least: float, rule: EntryRule) -> NDArray[np.int8]:
    """Combine the keypoints' depths ``(keypoint, time)``: 1 holds, 0 does not, -1 cannot be known.

    A missing keypoint only matters where it could tip the balance.
    """
    missing = np.isnan(depth)
    within = (np.where(missing, -np.inf, depth) >= least).sum(0)
    possible = within + missing.sum(0)
    total = len(depth)
    needed = {"all": total, "any": 1, "fraction": rule.fraction * total - 1e-9}[rule.mode]
    return np.where(within >= needed, INSIDE, np.where(possible < needed, OUTSIDE, UNKNOWN)).astype(np.int8)


@njit(cache=True, nogil=True)
def _hysteresis(enter, stay):
    """Run the state machine over the two conditions; unknown frames keep the state beneath."""
    out = np.empty(enter.size, np.int8)
    inside = False
    started = False
    for t in range(enter.size):
        if not started and stay[t] >= 0:
            inside, started = stay[t] == 1, True
        elif inside and stay[t] == 0:
            inside = False
        elif not inside and enter[t] == 1:
            inside = True
        if inside:
            out[t] = 1 if stay[t] == 1 else -1
        else:
            out[t] = 0 if started and enter[t] == 0 else -1
    return out


@njit(cache=True, nogil=True)
def _fill_gaps(state, until, shorter_s):
    """Close runs that are not inside between two visits, and unknown runs between two absences."""
    out = state.copy()
    for value in (1, 0):
        last = -1
        only_unknown = True
        for t in range(out.size):
            if out[t] == value:
                if last >= 0 and until[t] - until[last + 1] < shorter_s and (value == 1 or only_unknown):
                    out[last + 1 : t] = value
                last = t
                only_unknown = True
            elif out[t] >= 0:
                only_unknown = False
    return out


@njit(cache=True, nogil=True)
def _drop_short(state, until, shorter_s):
    """Drop visits shorter than `shorter_s`; beside an unknown stretch they become unknown."""
    out = state.copy()
    t = 0
    while t < out.size:
        if state[t] != 1:
            t += 1
            continue
        stop = t
        while stop < out.size and state[stop] == 1:
            stop += 1
        if until[stop] - until[t] < shorter_s:
            beside = (t > 0 and state[t - 1] < 0) or (stop < out.size and state[stop] < 0)
            out[t:stop] = -1 if beside else 0
        t = stop
    return out
