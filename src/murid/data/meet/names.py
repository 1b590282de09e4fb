"""Individuals, behaviours and keypoints meet by name, never by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.labels import Labels
from murid.data.poses import keypoint_names
from murid.data.roles import guess_roles, resolve_roles
from murid.data.states import UNLABELLED, behaviour_names


def column_of(data: xr.DataArray | xr.Dataset, individual: str | None = None, subject: str = "individuals") -> int:
    """Return the place of one individual; it may be left out where there is only one.

    Parameters
    ----------
    data : DataArray or Dataset with a dimension ``individual``
        Poses, states, features.
    individual : str, optional
        Its name.
    subject : str
        What needs it, for errors.

    Raises
    ------
    DataError
        Several individuals and none named, or no such name.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> column_of(make_states([[0, 1]], [0.0], ["rest", "run"], ["m1", "m2"]), "m2")
    1
    """
    names = [str(i) for i in data["individual"].values]
    if individual is None and len(names) == 1:
        return 0
    if individual is None:
        fail(subject, "several individuals, and none was named", got=", ".join(names), todo="name one: individual=...")
    if individual not in names:
        fail(
            subject,
            f"no individual '{individual}'",
            expected=", ".join(names),
            todo=did_you_mean(individual, names),
        )
    return names.index(individual)


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


def only_animal(labels: Labels, individuals: Sequence[str]) -> Labels:
    """Call the only animal that labels name as the only animal there is: it is the same one.

    Parameters
    ----------
    labels : Labels
        Returned as they are when they name no animal, several, or the same one.
    individuals : sequence of str
        Animals of the poses; with several nothing is renamed.

    Examples
    --------
    >>> bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"], "individual": ["subject"]})
    >>> only_animal(Labels.from_bouts(bouts, duration_s=3), ["mouse_1"]).individuals
    ['mouse_1']
    """
    points = labels.meta.get("points")
    tables = [t for t in (labels.bouts, labels.scored, points) if t is not None and "individual" in t]
    own = {str(i) for t in tables for i in t["individual"].dropna()} - {EVERYONE}
    if len(individuals) != 1 or len(own) != 1 or own == set(individuals):
        return labels
    (old,) = own

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        if "individual" not in table:
            return table
        return table.assign(individual=table["individual"].replace(old, individuals[0]))

    meta = labels.meta if points is None else {**labels.meta, "points": renamed(points)}
    return replace(labels, bouts=renamed(labels.bouts), scored=renamed(labels.scored), meta=meta)


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


def keypoints_and_roles(
    poses: xr.Dataset, roles: Mapping[str, str] | None = None, *, needed: bool = True
) -> dict[str, str]:
    """Return which keypoint of the poses plays which role: the given roles, and guessed ones beside them.

    Parameters
    ----------
    poses : Dataset
    roles : mapping of role to keypoint, optional
        Each wins over a guess; an empty keypoint takes the guessed role away.
    needed : bool
        Without any role: an error, or an empty answer.

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
    names = keypoint_names(poses)
    if not (needed or roles or guess_roles(names)):
        return {}
    return resolve_roles(names, roles)
