"""States ⇄ bouts, and what is counted of them: how often, how long, how soon."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.bouts import make_bouts
from murid.data.clock import sample_stops, segments
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.meet import by_behaviour
from murid.data.resample import samples_between
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states, to_multilabel
from murid.data.stretches import runs_of_true
from murid.data.tables import Table, count_column, flag_column, number_column, text_column

BOUTS = Table(
    "bouts",
    {
        "start_s": number_column("from", unit="s"),
        "stop_s": number_column("to", unit="s"),
        "label": text_column("behaviour"),
        "individual": text_column(),
        "rater": text_column(),
        "stream": text_column(),
        "source": text_column(),
        "score": number_column(low=0, high=1 + 1e-6, why="mean probability of its samples, where there is one"),
    },
    "One row a bout: half-open, from its first sample to the end of its last.",
)
SUMMARY = Table(
    "summary",
    {
        "individual": text_column(),
        "behaviour": text_column(),
        "count": count_column("bouts"),
        "rate_per_min": number_column("bouts per minute", unit="1/min", low=0, why="bouts / scored time"),
        "total_s": number_column("time", unit="s", low=0),
        "fraction": number_column("share of the scored time", low=0, high=1 + 1e-9),
        "mean_s": number_column("mean bout", unit="s", low=0, why="missing where there is no bout"),
        "median_s": number_column("median bout", unit="s", low=0),
        "latency_s": number_column("latency", unit="s", low=0, why="to the first bout, else to the end of scoring"),
        "latency_censored": flag_column(why="true where the behaviour never happened"),
        "interval_s": number_column("median pause", unit="s", low=0, why="from the end of a bout to the next"),
        "scored_s": number_column("scored time", unit="s", low=0),
    },
    "One row a recording, individual and behaviour.",
)
#: Tables of a run that applied a method.
TABLES = (BOUTS, SUMMARY)


def runs_within(mask: ArrayLike, stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of True inside `stretches`, cut at their borders."""
    mask = np.asarray(mask, bool)
    return [(a + i, a + j) for a, b in stretches for i, j in runs_of_true(mask[a:b])]


def bouts_of(
    states: xr.DataArray,
    *,
    behaviours: Sequence[str] | None = None,
    probability: xr.DataArray | None = None,
    source: str = "model",
) -> pd.DataFrame:
    """Return the bouts of States.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
        Exclusive or multi-label. −1 and dropped frames end a bout.
    behaviours : sequence of str, optional
        Behaviours to return; all by default.
    probability : DataArray (time, individual, behaviour), optional
        Matched by name. A bout's `score` is the mean probability of its samples; NaN for a behaviour
        without probabilities.
    source : str
        Where the states are from: ``"human"``, ``"model"`` …

    Returns
    -------
    DataFrame
        ``start_s, stop_s, label, individual, score, source …``: half-open intervals in seconds from
        the first sample of the bout to the end of its last one.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 1, 1, -1], np.arange(6) / 10, ["rest", "run"], ["m"])
    >>> bouts_of(states)[["start_s", "stop_s", "label"]].values.tolist()
    [[0.0, 0.2, 'rest'], [0.2, 0.5, 'run']]
    """
    multi = to_multilabel(states)
    time = multi["time"].values
    stops, stretches = sample_stops(time), segments(time)
    names = behaviour_names(multi)
    scores = None if probability is None else by_behaviour(probability, multi)
    rows = []
    for p, person in enumerate(multi["individual"].values):
        for b, name in enumerate(names):
            if behaviours is not None and name not in behaviours:
                continue
            for start, stop in runs_within(multi.values[:, p, b] == 1, stretches):
                score = np.nan if scores is None else _mean(scores[start:stop, p, b])
                rows.append((time[start], stops[stop - 1], name, str(person), score))
    table = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "individual", "score"])
    return make_bouts(table.assign(source=source))


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def scored_of(states: xr.DataArray, *, whole: bool = False) -> pd.DataFrame:
    """Return the stretches that are labelled: ``start_s, stop_s, individual``.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
    whole : bool
        Only where it is known what happened: a behaviour is there, or each is known to be absent. By default where
        at least one behaviour is labelled, as there or as absent.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 1, 1, -1], np.arange(6) / 10, ["rest", "run"], ["m"])
    >>> scored_of(states).values.tolist()
    [[0.0, 0.5, 'm']]
    """
    time = states["time"].values
    stops, stretches = sample_stops(time), segments(time)
    known = states.values != UNLABELLED
    if is_multilabel(states):
        known = known.all(axis=2) | (states.values == 1).any(axis=2) if whole else known.any(axis=2)
    rows = [
        (time[a], stops[b - 1], str(person))
        for p, person in enumerate(states["individual"].values)
        for a, b in runs_within(known[:, p], stretches)
    ]
    return pd.DataFrame(rows, columns=["start_s", "stop_s", "individual"])


def states_of(
    bouts: pd.DataFrame,
    time_s: ArrayLike,
    *,
    behaviours: Sequence[str] | None = None,
    individuals: Sequence[str] | None = None,
    scored: pd.DataFrame | None = None,
    exclusive: bool = False,
) -> xr.DataArray:
    """Return the States of a bout table on a clock; the inverse of `bouts_of`.

    Parameters
    ----------
    bouts : DataFrame
        ``start_s, stop_s, label, individual``.
    time_s : array of shape (time,)
        Sample times, seconds.
    behaviours, individuals : sequence of str, optional
        Names and their order; those of the table by default.
    scored : DataFrame, optional
        ``start_s, stop_s[, individual]``: what was watched. Outside it a sample is −1. By default the
        whole clock counts as scored.
    exclusive : bool
        Return ``(time, individual)``; a sample without a bout is then −1.

    Raises
    ------
    DataError
        Bouts of several raters, or `exclusive` and two behaviours share a sample.

    Examples
    --------
    >>> bouts = pd.DataFrame({"start_s": [0.1], "stop_s": [0.3], "label": ["run"]})
    >>> states_of(bouts, np.arange(4) / 10).values.ravel().tolist()
    [0, 1, 1, 0]
    """
    time = np.asarray(time_s, np.float64)
    bouts = make_bouts(bouts)
    raters = sorted(set(bouts["rater"]))
    if len(raters) > 1:
        fail(
            "bouts",
            "several raters",
            got=", ".join(map(repr, raters)),
            todo="choose one: bouts[bouts['rater'] == ...]",
        )
    bouts = bouts.assign(rater="", stream="")
    names = list(behaviours) if behaviours is not None else list(dict.fromkeys(bouts["label"]))
    people = list(individuals) if individuals is not None else list(dict.fromkeys(bouts["individual"])) or ["all"]
    whole = {"start_s": time[:1], "stop_s": sample_stops(time)[-1:]}
    watched = (pd.DataFrame(whole) if scored is None else scored).assign(rater="", stream="")
    columns = []
    for person in people:
        own = watched
        if "individual" in watched:
            own = watched[watched["individual"].isin([person, "all"])]
        labels = Labels(bouts, own.reset_index(drop=True), vocabulary=tuple(names))
        columns.append(labels.to_states(time, names, others="negative", individuals=[person]).values)
    values = np.concatenate(columns, axis=1)
    if not exclusive:
        return make_states(values, time, names, people)
    if (values == 1).sum(axis=2).max(initial=0) > 1:
        t, p = np.argwhere((values == 1).sum(axis=2) > 1)[0]
        both = [n for n, v in zip(names, values[t, p], strict=True) if v == 1]
        fail(
            "bouts",
            "behaviours overlap",
            where=f"{time[t]:.3f} s, {people[p]}",
            got=" and ".join(both),
            todo="use exclusive=False, or ethogram.exclusive.exclude() to choose one",
        )
    index = np.where((values == 1).any(axis=2), (values == 1).argmax(axis=2), UNLABELLED)
    return make_states(index, time, names, people)


def summarise_states(
    states: xr.DataArray, *, start_s: float | None = None, stop_s: float | None = None
) -> pd.DataFrame:
    """Summarise each behaviour of each individual, over all scored time or over a time window.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
        States.
    start_s, stop_s : float, optional
        Window in seconds, half-open; the whole recording by default.

    Returns
    -------
    DataFrame
        One row per individual and behaviour. ``count`` and durations: bouts that *begin* in the window
        (their full length); ``total_s`` and ``fraction``: time inside the window, and its share of the
        *scored* time; ``latency_s``: from the window's first scored sample to the first bout, or to the
        end of scoring when there is none (``latency_censored``: feed it to survival statistics, not to
        a mean); ``interval_s``: median time from the end of a bout to the start of the next inside the
        same scored stretch. Without scored time all are NaN.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 1, 1, -1], np.arange(6) / 10, ["rest", "run"], ["m"])
    >>> table = summarise_states(states).set_index("behaviour")
    >>> table["count"].tolist(), table["total_s"].round(3).tolist(), table["fraction"].round(2).tolist()
    ([1, 1], [0.2, 0.3], [0.4, 0.6])
    """
    low = -np.inf if start_s is None else start_s
    high = np.inf if stop_s is None else stop_s
    rows = [track.summary(low, high) for track in _tracks(states)]
    return pd.DataFrame(rows, columns=list(SUMMARY.columns))


@dataclass(frozen=True)
class _Track:
    """One behaviour of one individual, prepared so that any time window is cheap to summarise."""

    individual: str
    behaviour: str
    time: np.ndarray  # (sample,) s
    stops: np.ndarray  # (sample,) s
    column: np.ndarray  # (sample,) 1, 0, −1
    first: np.ndarray  # (bout,) sample
    last: np.ndarray  # (bout,) sample after the bout
    joined: np.ndarray  # (bout − 1,) bool: only scored, undropped samples up to the next bout

    def summary(self, low: float, high: float) -> dict[str, object]:
        """Return one row of `summarise_states` for the window [low, high)."""
        own = samples_between(self.time, low, high)
        a, b = own.start, own.stop
        column, width = self.column[a:b], (self.stops - self.time)[a:b]
        scored_s = float(width[column != UNLABELLED].sum())
        total = float(width[column == 1].sum())
        i, j = np.searchsorted(self.first, [a, b])
        lengths = self.stops[self.last[i:j] - 1] - self.time[self.first[i:j]]
        pauses = self.time[self.first[i + 1 : j]] - self.stops[self.last[i : max(j - 1, i)] - 1]
        pauses = pauses[self.joined[i : max(j - 1, i)]]
        present = np.flatnonzero(column == 1)
        known = np.flatnonzero(column != UNLABELLED)
        return {
            "individual": self.individual,
            "behaviour": self.behaviour,
            "count": int(j - i) if scored_s else np.nan,
            "rate_per_min": 60.0 * (j - i) / scored_s if scored_s else np.nan,
            "total_s": total if scored_s else np.nan,
            "fraction": total / scored_s if scored_s else np.nan,
            "mean_s": float(lengths.mean()) if lengths.size else np.nan,
            "median_s": float(np.median(lengths)) if lengths.size else np.nan,
            "latency_s": _latency(self.time[a:b], self.stops[a:b], known, present),
            "latency_censored": known.size > 0 and present.size == 0,
            "interval_s": float(np.median(pauses)) if pauses.size else np.nan,
            "scored_s": scored_s,
        }


def _tracks(states: xr.DataArray) -> list[_Track]:
    multi = to_multilabel(states)
    time = multi["time"].values
    stops, stretches = sample_stops(time), segments(time)
    stretch = np.repeat(np.arange(len(stretches)), [b - a for a, b in stretches])
    out = []
    for p, person in enumerate(multi["individual"].values):
        for b, name in enumerate(behaviour_names(multi)):
            column = multi.values[:, p, b]
            spans = np.array(runs_within(column == 1, stretches), np.int64).reshape(-1, 2)
            first, last = spans.T
            unknown = np.cumsum(column == UNLABELLED)
            joined = (stretch[last[:-1] - 1] == stretch[first[1:]]) & (unknown[last[:-1] - 1] == unknown[first[1:]])
            out.append(_Track(str(person), name, time, stops, column, first, last, joined))
    return out


def _latency(time: np.ndarray, stops: np.ndarray, known: np.ndarray, present: np.ndarray) -> float:
    if known.size == 0:
        return float("nan")
    end = time[present[0]] if present.size else stops[known[-1]]
    return float(end - time[known[0]])


def summarise_bins(states: xr.DataArray, bin_s: float | Sequence[float]) -> pd.DataFrame:
    """Summarise in time bins.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
        States.
    bin_s : float or sequence of float
        Bin width in seconds from the first sample, or the edges themselves.

    Returns
    -------
    DataFrame
        The columns of `summarise_states` with ``bin, start_s, stop_s`` in front. A bout counts in the bin in
        which it begins; its time is shared out. Bins without scored time hold NaN, not 0.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 1, 1, -1], np.arange(6) / 10, ["rest", "run"], ["m"])
    >>> table = summarise_bins(states, 0.3)
    >>> table[table["behaviour"] == "run"]["total_s"].round(3).tolist()
    [0.1, 0.2]
    """
    time = states["time"].values
    if isinstance(bin_s, (int, float)):
        if not bin_s > 0:
            fail("time_bins", "bin_s is not valid", expected="> 0 s", got=str(bin_s))
        end = sample_stops(time)[-1]
        n = max(1, int(np.ceil((end - time[0]) / bin_s - 1e-9)))
        edges = time[0] + bin_s * np.arange(n + 1)
    else:
        edges = np.asarray(bin_s, np.float64)
        if edges.size < 2 or (np.diff(edges) <= 0).any():
            fail("time_bins", "edges are not valid", expected="increasing, at least 2", got=str(bin_s))
    tracks = _tracks(states)
    rows = [
        {"bin": k, "start_s": float(a), "stop_s": float(b), **track.summary(a, b)}
        for k, (a, b) in enumerate(itertools.pairwise(edges))
        for track in tracks
    ]
    return pd.DataFrame(rows, columns=["bin", "start_s", "stop_s", *SUMMARY.columns])
