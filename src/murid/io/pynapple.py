"""Exchange with pynapple: traces, spikes, bouts and events (extra ``interop``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.bouts import EVERYONE, make_bouts, make_events
from murid.data.errors import fail, require
from murid.data.traces import Spikes, make_traces
from murid.data.warning import warn_user


def to_pynapple(data: xr.DataArray | Spikes | pd.DataFrame) -> Any:
    """Return the pynapple object of the same meaning.

    Parameters
    ----------
    data : traces, Spikes, bout table or event table
        Times in seconds.

    Returns
    -------
    TsdFrame, TsGroup or dict
        Traces become a ``TsdFrame``; spikes a ``TsGroup`` with unit names as metadata ``unit``;
        bouts ``{label: IntervalSet}`` with metadata ``individual`` (bouts of one label that overlap
        are merged and lose it, with a warning: select raters and animals before); events ``{label: Ts}``,
        supported from 0 s to the last event.

    Raises
    ------
    DataError
        For any other object.

    Examples
    --------
    >>> import murid, numpy as np
    >>> spikes = murid.Spikes({"u1": np.array([0.5, 1.5])}, start_s=0.0, stop_s=2.0)
    >>> len(murid.io.to_pynapple(spikes))
    1
    """
    nap = require("pynapple", "interop")
    if isinstance(data, xr.DataArray) and data.dims == ("time", "unit"):
        return nap.TsdFrame(t=data["time"].values, d=data.values, columns=[str(u) for u in data["unit"].values])
    if isinstance(data, Spikes):
        support = _support(nap, data.start_s, data.stop_s)
        group = {i: nap.Ts(t=t, time_support=support) for i, t in enumerate(data.times_s.values())}
        return nap.TsGroup(group, time_support=support, metadata={"unit": data.units})
    if isinstance(data, pd.DataFrame) and {"start_s", "stop_s", "label"} <= set(data.columns):
        return {str(label): _intervals(nap, rows) for label, rows in data.groupby("label", sort=False)}
    if isinstance(data, pd.DataFrame) and {"time_s", "label"} <= set(data.columns):
        _warn_of_losses(data)
        times = data["time_s"].to_numpy(np.float64)
        support = _support(nap, min(0.0, times.min(initial=0.0)), times.max(initial=0.0))
        return {
            str(label): nap.Ts(t=np.sort(rows["time_s"].to_numpy()), time_support=support)
            for label, rows in data.groupby("label", sort=False)
        }
    fail(
        "to_pynapple",
        "no pynapple object means the same",
        got=type(data).__name__,
        expected="traces, Spikes, a bout table or an event table",
    )


def _warn_of_losses(events: pd.DataFrame) -> None:
    """A ``Ts`` holds times alone: say so when values or individuals are left behind."""
    lost = []
    if "value" in events and events["value"].notna().any():
        lost.append("values")
    if "individual" in events and (events["individual"] != EVERYONE).any():
        lost.append("individuals")
    if lost:
        warn_user(
            f"to_pynapple: {' and '.join(lost)} of events have no place in a Ts and are left out; select by them before"
        )


def _support(nap: Any, start_s: float, stop_s: float) -> Any:
    """Stretch of time that was watched; pynapple has none without a duration."""
    return nap.IntervalSet(start=start_s, end=max(stop_s, start_s + 1e-6))


def _intervals(nap: Any, rows: pd.DataFrame) -> Any:
    rows = rows.sort_values("start_s")
    start, stop = rows["start_s"].to_numpy(), rows["stop_s"].to_numpy()
    keep = stop > start  # pynapple has no empty intervals
    disjoint = bool((start[keep][1:] > stop[keep][:-1]).all())
    people = {"individual": rows["individual"].to_numpy()[keep]} if "individual" in rows and disjoint else None
    if not disjoint:
        warn_user(
            "to_pynapple: bouts of one label that touch or overlap become one interval, and lose their individual"
        )
        return _merged(nap, start, stop)
    return nap.IntervalSet(start=start[keep], end=stop[keep], metadata=people)


def _merged(nap: Any, start: np.ndarray, stop: np.ndarray) -> Any:
    """Union of intervals that touch or overlap."""
    out: list[list[float]] = []
    for a, b in zip(start, stop, strict=True):
        if b <= a:
            continue
        if out and a <= out[-1][1]:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return nap.IntervalSet(start=[a for a, _ in out], end=[b for _, b in out])


def from_pynapple(data: Any, *, kind: str = "dff", label: str = "") -> Any:
    """Return the murid object of the same meaning.

    Parameters
    ----------
    data : Tsd, TsdFrame, TsGroup, IntervalSet, Ts, or dict of IntervalSet or Ts by label
        pynapple object.
    kind : str
        What the numbers of a Tsd or TsdFrame are.
    label : str
        Label of a single IntervalSet or Ts; those in a dict have theirs.

    Returns
    -------
    traces, Spikes, bout table or event table

    Examples
    --------
    >>> import murid, numpy as np
    >>> spikes = murid.Spikes({"u1": np.array([0.5, 1.5])}, start_s=0.0, stop_s=2.0)
    >>> murid.io.from_pynapple(murid.io.to_pynapple(spikes)).times_s["u1"].tolist()
    [0.5, 1.5]
    """
    nap = require("pynapple", "interop")
    if isinstance(data, (nap.Tsd, nap.TsdFrame)):
        columns = [str(c) for c in data.columns] if isinstance(data, nap.TsdFrame) else None
        return make_traces(np.asarray(data.d), time_s=np.asarray(data.t), units=columns, kind=kind)
    if isinstance(data, nap.TsGroup):
        names = list(data["unit"]) if "unit" in data.metadata_columns else list(data.keys())
        times = {str(n): np.asarray(data[k].t) for n, k in zip(names, data.keys(), strict=True)}
        return Spikes(times, float(data.time_support.start[0]), float(data.time_support.end[-1]))
    parts = data if isinstance(data, dict) else {label: data}
    if parts and all(isinstance(v, nap.IntervalSet) for v in parts.values()):
        return make_bouts(pd.concat([_bouts(v, k) for k, v in parts.items()], ignore_index=True))
    if parts and all(isinstance(v, nap.Ts) for v in parts.values()):
        rows = [pd.DataFrame({"time_s": np.asarray(v.t), "label": k, "individual": EVERYONE}) for k, v in parts.items()]
        return make_events(pd.concat(rows, ignore_index=True))
    fail(
        "from_pynapple",
        "not a pynapple object murid knows",
        got=type(data).__name__,
        expected="Tsd, TsdFrame, TsGroup, IntervalSet, Ts, or a dict of these by label",
    )


def _bouts(intervals: Any, label: str) -> pd.DataFrame:
    table = pd.DataFrame({"start_s": intervals.start, "stop_s": intervals.end, "label": label})
    if "individual" in intervals.metadata_columns:
        table["individual"] = list(intervals["individual"])
    return table
