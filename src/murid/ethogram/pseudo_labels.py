"""Pseudo-labels: what an animal does by where, when and how fast, from a table that people read and edit.

The rules are those of `ethogram.rules`; they stand in order of priority, and the first that holds names the frame::

    lever:
        when in_lever > 0.5
        and  until_press < 1 s
    eating:
        when distance_food < 3 cm
        and  since_reward < 20 s
        and  speed_centre < 2 cm/s
    locomotion:
        when speed_centre > 10 cm/s

``since_<event>`` is the time since the last event of that label, ``until_<event>`` the time to the next one;
before the first or after the last it is longer than any number. With values, ``since_<event>_<value>`` counts
only events of that value (rewarded, omitted).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.data.errors import fail
from murid.data.resample import since_and_until
from murid.data.states import UNLABELLED, behaviour_names, make_states
from murid.ethogram.rules import Rule, evaluate, parse

#: An event that never was, or never will be: seconds.
NEVER_S = 1e9


@dataclass(frozen=True)
class RuleTable:
    """Rules in order of priority.

    Attributes
    ----------
    rules : tuple of Rule
        The first has the highest priority.
    rest : str
        What a frame is called on which no rule holds.
    """

    rules: tuple[Rule, ...]
    rest: str = "other"

    @property
    def names(self) -> list[str]:
        """Behaviours in order of priority, the rest last."""
        names = [r.name for r in self.rules]
        return names if self.rest in names else [*names, self.rest]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.rules))


def read_rule_table(text: str, rest: str = "other") -> RuleTable:
    """Read a rule table from text (see the module's text); every line that cannot be read is named."""
    return RuleTable(tuple(parse(text)), rest)


def event_quantities(
    time_s: np.ndarray, events: pd.DataFrame | None, *, individual: str | None = None, known: Sequence[str] = ()
) -> xr.DataArray:
    """Return ``since_<event>`` and ``until_<event>`` of every label (and label_value) of an event table.

    Parameters
    ----------
    time_s : (T,) array
        s, increasing.
    events : DataFrame, optional
        ``time_s, label`` and perhaps ``value`` and ``individual``.
    individual : str, optional
        Leave out the events of other individuals.
    known : sequence of str
        Events there are in the study: one that this recording lacks never was and never will be.

    Returns
    -------
    DataArray (time, feature)
        Seconds, with coordinate ``unit``; `NEVER_S` where there is no such event.
    """
    time_s = np.asarray(time_s, np.float64)
    times_of = {name: np.empty(0) for name in known} | times_by_event(events, individual)
    names: list[str] = []
    columns: list[np.ndarray] = []
    for name, times in times_of.items():
        names += [f"since_{name}", f"until_{name}"]
        columns += since_and_until(times, time_s)
    values = np.minimum(np.stack(columns, 1), NEVER_S) if columns else np.empty((len(time_s), 0))
    units = np.array(["s"] * len(names), object)
    return xr.DataArray(
        values,
        dims=("time", "feature"),
        coords={"time": time_s, "feature": np.array(names, object), "unit": ("feature", units)},
    )


def times_by_event(events: pd.DataFrame | None, individual: str | None = None) -> dict[str, np.ndarray]:
    """Return the times (s) of each event by name: ``label`` and, where there are values, ``label_value``."""
    if events is None or not len(events):
        return {}
    if individual is not None and "individual" in events:
        events = events[events["individual"].isin([individual, EVERYONE])]
    out: dict[str, np.ndarray] = {}
    for label_, own in events.groupby("label", sort=False):
        name = _word(str(label_))
        out[name] = np.sort(own["time_s"].to_numpy(np.float64))
        if "value" in own:
            for value, some in own.dropna(subset="value").groupby("value", sort=False):
                number = f"{value:g}" if isinstance(value, float) else str(value)
                if number:
                    out[f"{name}_{_word(number)}"] = np.sort(some["time_s"].to_numpy(np.float64))
    return out


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text.strip()).strip("_").lower()


def label(
    table: RuleTable,
    quantities: xr.DataArray,
    events: pd.DataFrame | None = None,
    *,
    individual: str,
    body_length_cm: float = 8.5,
    known_events: Sequence[str] = (),
) -> xr.DataArray:
    """Name every frame by the first rule that holds.

    Parameters
    ----------
    table : RuleTable
    quantities : DataArray (time, feature)
        With coordinate ``unit``, e.g. of `features.sets.rules.rule_features`; NaN = unknown.
    events : DataFrame, optional
        ``time_s, label`` and perhaps ``value``, on the clock of the quantities.
    individual : str
    body_length_cm : float
        Length of a body, for quantities in body lengths.
    known_events : sequence of str
        Events of the study, so that a recording may lack some.

    Returns
    -------
    DataArray (time, individual)
        Exclusive states; −1 where a rule of higher priority than the one that holds cannot be decided.

    Raises
    ------
    DataError
        Names every quantity of the rules that is not there, with near names.
    """
    timing = event_quantities(quantities["time"].values, events, individual=individual, known=known_events)
    both = _joined(quantities, timing)
    names = [str(f) for f in both["feature"].values]
    used = [r.usable(names) for r in table.rules]
    if any(r is None for r in used):
        parse(str(table), names)
        fail("pseudo-labels", "a rule cannot be evaluated", got=str(table))
    kept = [r for r in used if r is not None]
    held = evaluate(kept, both, body_length_cm=body_length_cm, individual=individual)
    return by_priority(held, rest=table.rest)


def by_priority(held: xr.DataArray, *, rest: str = "other") -> xr.DataArray:
    """Make exclusive states of overlapping ones: the first behaviour that is present wins.

    Parameters
    ----------
    held : DataArray (time, individual, behaviour)
        1, 0, −1 unknown; behaviours in order of priority.
    rest : str
        Name of frames on which every behaviour is absent.
    """
    names = behaviour_names(held)
    full = names if rest in names else [*names, rest]
    x = held.values
    out = np.full(x.shape[:2], full.index(rest), np.int16)
    for k in reversed(range(len(names))):
        out = np.where(x[:, :, k] == 1, k, np.where(x[:, :, k] < 0, UNLABELLED, out))
    return make_states(
        out.astype(np.int16), held["time"].values, full, [str(i) for i in held["individual"].values], source="rules"
    )


def _joined(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    names, units = (np.concatenate([x[k].values.astype(object) for x in (a, b)]) for k in ("feature", "unit"))
    return xr.DataArray(
        np.concatenate([a.values, b.values], axis=1),
        dims=("time", "feature"),
        coords={"time": a["time"].values, "feature": names, "unit": ("feature", units)},
    )


__all__: Sequence[str] = ["RuleTable", "by_priority", "event_quantities", "times_by_event", "label", "read_rule_table"]
