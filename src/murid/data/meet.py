"""Where two nouns meet: the one place in which each pair is aligned.

Poses and zones come in two units, roles are given for some keypoints only, an arena belongs to one
animal of several: a module that aligns such things in its own way gets a wrong number in its own way.
Each function here returns the aligned things, or one error that says what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.bouts import EVERYONE
from murid.data.clock import ClockMap
from murid.data.errors import Faults, fail
from murid.data.labels import LabelChoice, Labels
from murid.data.poses import individual_names, keypoint_names
from murid.data.pulses import match_pulses
from murid.data.roles import resolve_roles
from murid.data.states import UNLABELLED, behaviour_names
from murid.data.units import LengthUnit
from murid.data.zones import Zone, Zones

#: Share of an animal's frames that must lie in its arena. Animals rear over the wall; half a recording outside is
#: another arena.
IN_ARENA = 0.5


def poses_and_zones(poses: xr.Dataset, zones: Zones) -> Zones:
    """Return the zones in the unit of the poses, the depth of their rule converted along.

    Parameters
    ----------
    poses : Dataset
        In px, cm or mm; ``px_per_cm`` among the attributes turns px into cm.
    zones : Zones
        In px, cm or mm.

    Raises
    ------
    DataError
        Units that the recording's scale cannot bring together, zone by zone; zones in several units whose
        rule has a depth.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> from murid.data.zones import EntryRule
    >>> poses = make_poses(np.ones((2, 2, 1, 1)), keypoints=["nose"], fps=30, unit="cm", px_per_cm=20.0)
    >>> drawn = Zones([Zone("hole", centre=(100, 60), radius=40, unit="px")], EntryRule(hysteresis=10))
    >>> aligned = poses_and_zones(poses, drawn)
    >>> aligned["hole"].radius, aligned["hole"].unit, aligned.rule.hysteresis
    (2.0, 'cm', 0.5)
    """
    unit = LengthUnit.of(poses.attrs)
    faults = Faults("zones")
    factors = {}
    for name, zone in zones.items():
        own = LengthUnit.of({"unit": zone.unit, "px_per_cm": unit.px_per_cm})
        if own.can_be(unit.name):
            factors[name] = own.to(unit.name)
        else:
            faults.add(
                "its unit does not fit the poses",
                where=f"zone '{name}'",
                expected=unit.name,
                got=zone.unit,
                todo="calibrate the poses, so that they know px_per_cm, or draw the zone in their unit",
            )
    units = {zone.unit for zone in zones.values()}
    if len(units) > 1 and zones.rule.hysteresis > 0:
        faults.add(
            "the depth of the entry rule has no unit: zones in several units",
            got=", ".join(sorted(units)),
            todo="give all zones in one unit",
        )
    faults.raise_if_any()
    if units <= {unit.name}:
        return zones
    depth = zones.rule.hysteresis
    rule = zones.rule.replace(hysteresis=depth * next(iter(factors.values()))) if depth else zones.rule
    return Zones([zone.scaled(factors[name], unit.name) for name, zone in zones.items()], rule)


def arena_of_each(poses: xr.Dataset, zones: Zones) -> dict[str, Zone]:
    """Return the arena of each individual, in the unit of the poses: the one in which most of its points lie.

    Parameters
    ----------
    poses : Dataset
    zones : Zones
        With one zone of kind ``"arena"`` or more.

    Returns
    -------
    dict of str to Zone
        Individual → arena; individuals without a sighting are absent.

    Raises
    ------
    DataError
        No zone of kind ``"arena"``, or an individual that was in none of them for half of its frames.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[5.0, 25.0]], [[5.0, 5.0]]]] * 3)
    >>> poses = make_poses(xy, keypoints=["centre"], individuals=["a", "b"], fps=30, unit="cm")
    >>> box = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    >>> two = Zones([Zone(n, box + [x, 0], unit="cm", kind="arena") for n, x in (("left", 0), ("right", 20))])
    >>> {animal: zone.name for animal, zone in arena_of_each(poses, two).items()}
    {'a': 'left', 'b': 'right'}
    """
    arenas = poses_and_zones(poses, zones).of_kind("arena")
    if not arenas:
        fail("zones", "no arena", expected="a zone of kind 'arena'", got=", ".join(zones) or "none", todo="draw it")
    faults, out = Faults("arena"), {}
    for i, animal in enumerate(individual_names(poses)):
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(poses["position"].values[:, :2, :, i])
            n = seen.all(axis=1).sum(axis=1)
            place = np.where(seen, poses["position"].values[:, :2, :, i], 0).sum(axis=2) / np.maximum(n, 1)[:, None]
        place = place[n > 0]
        if not len(place):
            continue
        share = [float(inside(zone, place).mean()) for zone in arenas]
        best = int(np.argmax(share))
        if share[best] < IN_ARENA:
            faults.add(
                "was outside every arena for most of the time",
                where=f"individual '{animal}'",
                expected=f"inside for at least {IN_ARENA:.0%} of its frames",
                got=", ".join(f"{zone.name} {s:.0%}" for zone, s in zip(arenas, share, strict=True)),
                todo="check the arena's place and unit, and the scale of the poses",
            )
        out[animal] = arenas[best]
    faults.raise_if_any()
    return out


def inside(zone: Zone, place: np.ndarray) -> np.ndarray:
    """Whether points ``(n, 2)`` in the zone's unit lie inside it (even-odd rule), shape (n,)."""
    if zone.polygon is None:
        x, y, radius = zone.circle
        return np.hypot(place[:, 0] - x, place[:, 1] - y) <= radius
    out = np.zeros(len(place), bool)
    px, py = place[:, 0], place[:, 1]
    for (ax, ay), (bx, by) in zip(zone.polygon, np.roll(zone.polygon, -1, axis=0), strict=True):
        if ay != by:
            out ^= ((ay > py) != (by > py)) & (px < (bx - ax) * (py - ay) / (by - ay) + ax)
    return out


def by_behaviour(probability: xr.DataArray, states: xr.DataArray) -> np.ndarray:
    """Return probabilities in the order of the individuals and behaviours of states, matched by name.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
    states : DataArray (time, individual[, behaviour])
        On the same clock.

    Returns
    -------
    float array (time, individual, behaviour)
        NaN for an individual or behaviour without probabilities (a "none" that no classifier scores).

    Raises
    ------
    DataError
        Another clock, or no behaviour in common.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([[[1, 0]]], [0.0], ["rest", "run"])
    >>> coords = {"time": [0.0], "individual": ["all"], "behaviour": ["run", "rest"]}
    >>> p = xr.DataArray([[[0.2, 0.8]]], dims=("time", "individual", "behaviour"), coords=coords)
    >>> by_behaviour(p, states).tolist()
    [[[0.8, 0.2]]]
    """
    names, known = behaviour_names(states), behaviour_names(probability)
    people = [str(i) for i in states["individual"].values]
    known_people = [str(i) for i in probability["individual"].values]
    faults = Faults("probabilities")
    if probability.dims != ("time", "individual", "behaviour"):
        faults.add("axes", expected="(time, individual, behaviour)", got=str(probability.dims))
    if not np.array_equal(probability["time"].values, states["time"].values):
        faults.add("lie on another clock than the states", expected=f"{states.sizes['time']} equal times")
    for what, wanted, there in (("behaviour", names, known), ("individual", people, known_people)):
        if not set(wanted) & set(there):
            faults.add(f"no {what} in common", expected=", ".join(wanted), got=", ".join(there))
    faults.raise_if_any()
    out = np.full((states.sizes["time"], len(people), len(names)), np.nan)
    for p, person in enumerate(people):
        for k, name in enumerate(names):
            if person in known_people and name in known:
                out[:, p, k] = probability.values[:, known_people.index(person), known.index(name)]
    return out


def keypoints_and_roles(poses: xr.Dataset, roles: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return which keypoint of the poses plays which role: the given roles, and guessed ones beside them.

    Parameters
    ----------
    poses : Dataset
    roles : mapping of role to keypoint, optional
        Each wins over a guess; an empty keypoint takes the guessed role away.

    Returns
    -------
    dict of str to str
        Role → keypoint, in the order of `murid.data.roles.ROLES`, roles of your own last.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> poses = make_poses(np.ones((2, 2, 3, 1)), keypoints=["nose", "bodycentre", "Implant"], fps=30)
    >>> keypoints_and_roles(poses, {"implant": "Implant"})
    {'nose': 'nose', 'centre': 'bodycentre', 'implant': 'Implant'}
    """
    return resolve_roles(keypoint_names(poses), roles)


def labels_on(
    labels: Labels, time_s: ArrayLike, choice: LabelChoice | None = None, *, individuals: Sequence[str] | None = None
) -> xr.DataArray:
    """Return labels on a clock: nearest sample, each sample's own span, pauses cut, −1 where nobody watched.

    Parameters
    ----------
    labels : Labels
        Of a recording.
    time_s : array of shape (time,)
        The clock, seconds; it may have pauses and change its rate.
    choice : LabelChoice, optional
        Which rater, stream and behaviours are meant.
    individuals : sequence of str, optional
        Individuals to return; labels of "all" belong to each of them.

    Returns
    -------
    DataArray (time, individual, behaviour)
        1 present, 0 absent, −1 unlabelled.

    Raises
    ------
    DataError
        Several raters or streams that hold the same behaviour, and none chosen; no label on the clock.

    Examples
    --------
    >>> import pandas as pd
    >>> labels = Labels.from_bouts(pd.DataFrame({"start_s": [1.0], "stop_s": [6.0], "label": ["rear"]}), duration_s=7)
    >>> labels_on(labels, [0.0, 1.0, 2.0, 6.0, 7.0]).values.ravel().tolist()
    [0, 1, 1, 0, -1]
    """
    time = np.asarray(time_s, np.float64)
    states = (choice or LabelChoice()).states(labels, time, individuals=individuals)
    watched = labels.scored[["start_s", "stop_s"]].to_numpy(np.float64)
    if time.size and len(watched) and not ((watched[:, 0] <= time[-1]) & (watched[:, 1] >= time[0])).any():
        fail(
            f"labels {labels.source_file}".strip(),
            "lie on another clock",
            expected=f"{time[0]:.3f}-{time[-1]:.3f} s",
            got=f"{watched[:, 0].min():.3f}-{watched[:, 1].max():.3f} s",
            todo="map one clock onto the other (recording.map_clock)",
        )
    return states


def by_individual(data: xr.DataArray, individuals: Sequence[str]) -> xr.DataArray:
    """Return data for these individuals, matched by name; what belongs to "all" belongs to each.

    Parameters
    ----------
    data : DataArray with a dimension ``individual``
        States, probabilities, measures.
    individuals : sequence of str
        Names, in the order wanted. Those without data are unlabelled: −1 (whole numbers) or NaN.

    Raises
    ------
    DataError
        When no name is shared: the animals of both are called otherwise.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([[0, 1]], [0.0], ["rest", "run"], ["m1", "m2"])
    >>> by_individual(states, ["m2", "m3"]).values.tolist()
    [[1, -1]]
    """
    known, wanted = [str(i) for i in data["individual"].values], [str(i) for i in individuals]
    if not (set(known) & {*wanted, EVERYONE}):
        fail(
            "individuals",
            "no name in common",
            expected=", ".join(wanted),
            got=", ".join(known),
            todo="rename them so that one animal has one name",
        )
    missing = UNLABELLED if data.dtype.kind in "iu" else np.nan
    parts = []
    for name in wanted:
        own = name if name in known else EVERYONE
        part = data.sel(individual=[own]) if own in known else xr.full_like(data.isel(individual=[0]), missing)
        parts.append(part.assign_coords(individual=np.array([name], dtype=object)))
    out: xr.DataArray = xr.concat(parts, "individual", coords="minimal", compat="override", join="override")
    return out.transpose(*data.dims).assign_attrs(data.attrs)


def clock_to_clock(from_s: ArrayLike, to_s: ArrayLike, *, start_s: tuple[float, float] | None = None) -> ClockMap:
    """Return the map from one clock to another by the pulses both saw, or refuse where these cannot tell.

    See `murid.data.pulses.match_pulses` for losses, doubled pulses and regular trains.

    Examples
    --------
    >>> pulses = np.array([0.0, 2.0, 7.0, 8.5, 14.0, 15.0, 21.0])
    >>> float(clock_to_clock(pulses, 100 + pulses)(3.0).round(6))
    103.0
    """
    return match_pulses(from_s, to_s, start_s=start_s)


__all__ = [
    "IN_ARENA",
    "arena_of_each",
    "by_behaviour",
    "by_individual",
    "clock_to_clock",
    "inside",
    "keypoints_and_roles",
    "labels_on",
    "poses_and_zones",
]
