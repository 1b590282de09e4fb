"""States around events: trial rasters, latency and duration of each phase, and whether phases come in their order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.clock import nearest_sample, rate_of, samples_in, spans
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import column_of
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel


def raster(
    states: xr.DataArray, events_s: ArrayLike, *, before_s: float, after_s: float, individual: str | None = None
) -> xr.DataArray:
    """Cut exclusive states around events.

    Parameters
    ----------
    states : DataArray (time, individual)
        Exclusive.
    events_s : array (trial,)
        Times of the events, s.
    before_s, after_s : float
        Span around each event, s.
    individual : str, optional
        Whose; may be left out where there is one.

    Returns
    -------
    DataArray (trial, lag)
        Codes, −1 unlabelled and outside the recording; ``lag`` in s from the event, ``event_s`` along trials, the
        names of the states in ``attrs["behaviours"]``. Several recordings: `stack`.
    """
    if is_multilabel(states):
        fail("trials", "need exclusive states", todo="use ethogram.exclusive.to_exclusive()")
    time, events = states["time"].values, np.asarray(events_s, np.float64).ravel()
    rate = rate_of(time)
    one = states[:, column_of(states, individual, "trials")]
    lags = np.arange(-samples_in(before_s, rate), samples_in(after_s, rate) + 1) / rate
    at = events[:, None] + lags
    index = nearest_sample(time, at.ravel()).reshape(at.shape)
    near = np.abs(time[index] - at) <= 0.75 * np.maximum(spans(time)[index], 1 / rate)
    codes = np.where(near, one.values[index], UNLABELLED).astype(np.int16)
    return xr.DataArray(
        codes,
        dims=("trial", "lag"),
        coords={"lag": lags, "event_s": ("trial", events)},
        attrs={"behaviours": behaviour_names(states)},
    )


def stack(rasters: Sequence[xr.DataArray], recordings: Sequence[str]) -> xr.DataArray:
    """Put the trials of several recordings below each other; ``recording`` along trials. Same states and lags."""
    faults = Faults("trials")
    for name, one in zip(recordings, rasters, strict=True):
        if one.attrs["behaviours"] != rasters[0].attrs["behaviours"]:
            faults.add("has other states", where=name, got=", ".join(one.attrs["behaviours"]))
        if one.sizes["lag"] != rasters[0].sizes["lag"]:
            faults.add("has other lags", where=name, expected=str(rasters[0].sizes["lag"]), got=str(one.sizes["lag"]))
    faults.raise_if_any()
    same = [
        r.assign_coords(lag=rasters[0]["lag"].values, recording=("trial", [str(n)] * r.sizes["trial"]))
        for n, r in zip(recordings, rasters, strict=True)
    ]
    return xr.concat(same, "trial", join="exact", combine_attrs="override")


def phases(trials: xr.DataArray, order: Sequence[str], *, from_s: float = 0.0) -> pd.DataFrame:
    """Latency and duration of each phase in each trial.

    Parameters
    ----------
    trials : DataArray (trial, lag)
        From `raster` or `stack`.
    order : sequence of str
        Phases: states of the raster.
    from_s : float
        Only what happens from this lag on counts.

    Returns
    -------
    DataFrame
        One row a trial and phase: ``trial, recording, phase, present`` (missing where the trial was not seen to its
        end and the phase not in what was seen), ``latency_s`` (from the event to the first bout;
        NaN when the phase does not occur), ``first_s`` (length of the first bout), ``total_s``, ``bouts``.
        For training days: `by_day`.
    """
    codes = _codes_of(trials, order)
    lag = trials["lag"].values
    step = float(lag[1] - lag[0])
    late = lag >= from_s - 1e-9
    names = trials["recording"].values if "recording" in trials.coords else [""] * trials.sizes["trial"]
    rows = []
    for i, row in enumerate(trials.values[:, late]):
        for phase, code in zip(order, codes, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], row == code, [False]]).astype(np.int8)))
            bouts = edges.reshape(-1, 2)
            rows.append(
                {
                    "trial": i,
                    "recording": str(names[i]),
                    "phase": phase,
                    "present": True if len(bouts) else pd.NA if (row == UNLABELLED).any() else False,
                    "latency_s": float(lag[late][bouts[0, 0]]) if len(bouts) else np.nan,
                    "first_s": float(bouts[0, 1] - bouts[0, 0]) * step if len(bouts) else np.nan,
                    "total_s": float((row == code).sum()) * step,
                    "bouts": len(bouts),
                }
            )
    return pd.DataFrame(rows).astype({"present": "boolean"})


def by_day(table: pd.DataFrame, recordings: Sequence[Recording]) -> pd.DataFrame:
    """Bring phases together by animal and training day, ready for `murid.stats` with the animal as the unit.

    Parameters
    ----------
    table : DataFrame
        From `phases`, of trials that `stack` named by recording.
    recordings : sequence of Recording
        With `animal`, `day` and perhaps `group`.

    Returns
    -------
    DataFrame
        One row an animal, day and phase: ``animal, group, day, phase, trials`` (those seen well enough to
        know), ``present`` (share of them that have the phase),
        ``latency_s, first_s, total_s`` (medians over the trials that have it; NaN where none has). Days are
        numbers where all of them are. Compare days by ``murid.stats.compare(rows, "latency_s", "day", paired=True)``
        for one phase's rows, groups over days by ``murid.stats.fit_mixed_model(rows, "latency_s", "group", "day")``.
    """
    keys = {r.id: (r.animal, r.group, r.day) for r in recordings}
    faults = Faults("phases by day")
    for name in dict.fromkeys(table["recording"]):
        if name not in keys:
            faults.add(f"no recording '{name}'", todo=did_you_mean(str(name), keys))
        elif not keys[name][2]:
            faults.add("has no day", where=f"recording '{name}'", todo="give it one: column 'day' of recordings.csv")
    faults.raise_if_any()
    rows = table.assign(
        **{k: [keys[n][i] for n in table["recording"]] for i, k in enumerate(("animal", "group", "day"))}
    )
    days = pd.to_numeric(rows["day"], errors="coerce")
    rows["day"] = days if days.notna().all() else rows["day"]
    # A trial without the phase spent no time in it, but its median belongs to the trials that have it.
    rows.loc[~rows["present"].fillna(False), "total_s"] = np.nan
    out = rows.groupby(["animal", "group", "day", "phase"], sort=False).agg(
        trials=("present", "count"),
        present=("present", "mean"),
        latency_s=("latency_s", "median"),
        first_s=("first_s", "median"),
        total_s=("total_s", "median"),
    )
    return out.reset_index().sort_values(["animal", "day"], kind="stable", ignore_index=True)


def order_test(
    trials: xr.DataArray, order: Sequence[str], *, from_s: float = 0.0, n_shuffles: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Ask whether phases follow each other in an order more often than the same bouts in any order would.

    In every trial the bouts of the phases (anything between them left out) are one chain. The trial counts when the
    chain holds the whole order in a row. The null draws the chain's bouts in random order, trial by trial, so it has
    the same bouts in the same trials.

    Returns
    -------
    dict
        ``share`` (of trials that have all phases), ``trials`` (how many those are), ``chance`` (mean of the null),
        ``chance_high`` (its 95th percentile), ``p`` (one-sided), and ``pairs``: (a, b) → share of moves out of a
        that go to b.
    """
    codes = _codes_of(trials, order)
    late = trials["lag"].values >= from_s - 1e-9
    chains = [_chain(row, codes) for row in trials.values[:, late]]
    whole = [c for c in chains if len(set(c.tolist())) == len(codes)]
    moves = np.zeros((len(codes), len(codes)))
    for chain in chains:
        np.add.at(moves, (chain[:-1], chain[1:]), 1)
    out_of = np.maximum(moves.sum(1, keepdims=True), 1)
    pairs = {(a, b): float((moves / out_of)[i, i + 1]) for i, (a, b) in enumerate(pairwise(order))}
    if not whole:
        return {"share": np.nan, "trials": 0, "chance": np.nan, "chance_high": np.nan, "p": np.nan, "pairs": pairs}
    wanted = np.arange(len(codes))
    rng = np.random.default_rng(seed)
    share = float(np.mean([_holds(c, wanted) for c in whole]))
    null = np.array(
        [np.mean([_holds(_distinct(rng.permutation(c)), wanted) for c in whole]) for _ in range(n_shuffles)]
    )
    return {
        "share": share,
        "trials": len(whole),
        "chance": float(null.mean()),
        "chance_high": float(np.percentile(null, 95)),
        "p": float((1 + (null >= share).sum()) / (1 + n_shuffles)),
        "pairs": pairs,
    }


def label_shares(
    trials_or_codes: ArrayLike, labels: ArrayLike, names: Sequence[str], label_names: Sequence[str]
) -> pd.DataFrame:
    """Share of each state's frames that carry each label (rows sum to 1); states without frames are NaN.

    Parameters
    ----------
    trials_or_codes, labels : int arrays of equal shape
        −1 on either side is left out.
    names, label_names : sequence of str
        Of the codes.
    """
    a, b = np.asarray(trials_or_codes).ravel(), np.asarray(labels).ravel()
    faults = Faults("overlap")
    for what, codes, known_names in (("state", a, names), ("label", b, label_names)):
        if codes.size and codes.max() >= len(known_names):
            faults.add(f"a {what} has no name", expected=f"codes below {len(known_names)}", got=str(int(codes.max())))
    faults.raise_if_any()
    known = (a >= 0) & (b >= 0)
    flat = np.bincount(a[known].astype(np.int64) * len(label_names) + b[known], minlength=len(names) * len(label_names))
    counts = flat.reshape(len(names), len(label_names)).astype(float)
    total = counts.sum(1, keepdims=True)
    return pd.DataFrame(
        np.where(total > 0, counts / np.maximum(total, 1), np.nan), index=list(names), columns=list(label_names)
    )


def _codes_of(trials: xr.DataArray, order: Sequence[str]) -> list[int]:
    names, faults = list(trials.attrs["behaviours"]), Faults("phases")
    for name in order:
        if name not in names:
            faults.add(f"no state '{name}'", todo=did_you_mean(name, names))
    faults.raise_if_any()
    return [names.index(name) for name in order]


def _chain(row: np.ndarray, codes: Sequence[int]) -> np.ndarray:
    """Phases (numbers in their order) of a row, each bout once, anything else left out."""
    place = np.full(max(int(row.max()), *codes) + 2, -1)
    place[np.asarray(codes)] = np.arange(len(codes))
    state = place[row]
    return _distinct(state[state >= 0])


def _distinct(chain: np.ndarray) -> np.ndarray:
    return chain[np.concatenate([[True], chain[1:] != chain[:-1]])] if len(chain) else chain


def _holds(chain: np.ndarray, wanted: np.ndarray) -> bool:
    if len(chain) < len(wanted):
        return False
    return bool((np.lib.stride_tricks.sliding_window_view(chain, len(wanted)) == wanted).all(1).any())
