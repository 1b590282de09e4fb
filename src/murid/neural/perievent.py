"""What a unit does around events: PSTH of spikes, event-triggered average of traces.

Rate in bin k is ``(1 / (E D)) * sum over events of N_ek``; a trace is averaged sample by sample at
fixed distances from the event, never interpolated. Baseline, exclusions and the unit of the
confidence interval are stated, not implied. Significance is in `perievent_tests`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of
from murid.data.errors import did_you_mean, fail
from murid.data.params import Params, param
from murid.data.traces import Spikes

Floats = NDArray[np.float64]


class PeriEventParams(Params):
    """Window, bins, baseline and which events count."""

    before_s: float = param(2.0, unit="s", gt=0, why="window before the event")
    after_s: float = param(2.0, unit="s", gt=0, why="window after the event")
    bin_s: float | None = param(None, unit="s", why="bin width; by default the trace's own step, 50 ms for spikes")
    baseline_s: tuple[float, float] | None = param(
        None, unit="s", why="(start, stop) relative to the event, half-open, as (-2, -1); needed unless scale is 'none'"
    )
    scale: Literal["none", "subtract", "z"] = param(
        "none", why="raw; minus each event's own baseline mean; or (x - mean) / sd of the baseline pooled over events"
    )
    overlap: Literal["drop", "keep"] = param(
        "drop", why="drop events whose window overlaps that of the last kept event: one response would count twice"
    )


@dataclass(frozen=True)
class PeriEvent:
    """Response to each event and what was left out.

    Attributes
    ----------
    trials : DataArray (event, lag, unit)
        float64; ``lag`` s relative to the event (bin centre for spikes), ``event_s`` and ``animal`` along
        ``event``. Hz for spikes; NaN where the recording does not reach.
    events : DataFrame
        ``time_s, kept, reason, interval_s`` (time since the previous event) for every event given.
    params : PeriEventParams
    baseline_mean, baseline_sd : array (unit,)
        Of the baseline pooled over events, NaN without baseline.
    """

    trials: xr.DataArray
    events: pd.DataFrame
    params: PeriEventParams
    baseline_mean: Floats
    baseline_sd: Floats

    @property
    def n_events(self) -> int:
        """Number of events that count."""
        return int(self.trials.sizes["event"])

    def average(self) -> xr.DataArray:
        """Return the mean over events, (lag, unit)."""
        return self.trials.mean("event")

    def sem(self) -> xr.DataArray:
        """Return sd / sqrt(n) over events, (lag, unit); descriptive: events of one animal are not independent."""
        n = self.trials.notnull().sum("event")
        return self.trials.std("event", ddof=1) / np.sqrt(n)


def bout_events(
    bouts: pd.DataFrame,
    label: str,
    *,
    edge: Literal["start", "stop"] = "start",
    min_duration_s: float = 0.0,
    min_gap_s: float = 0.0,
) -> Floats:
    """Return onset or end times (s) of the bouts of one behaviour.

    Parameters
    ----------
    bouts : DataFrame
        Bout table (``start_s, stop_s, label``).
    label : str
        Behaviour.
    edge : {"start", "stop"}
        Onset, or end. Bouts are half-open: the end is the first moment after the behaviour.
    min_duration_s : float
        Leave out shorter bouts.
    min_gap_s : float
        Leave out bouts whose behaviour was present within this time before the onset.
    """
    labels = bouts["label"].astype(str).unique()
    if label not in labels:
        fail("bouts", f"no bout of '{label}'", todo=did_you_mean(label, labels))
    own = bouts[bouts["label"] == label].sort_values("start_s")
    start, stop = own["start_s"].to_numpy(float), own["stop_s"].to_numpy(float)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(stop)[:-1]])
    keep = (stop - start >= min_duration_s - 1e-9) & (start - before >= min_gap_s - 1e-9)
    return (start if edge == "start" else stop)[keep]


def perievent(
    signal: xr.DataArray | Spikes, events_s: ArrayLike, *, params: PeriEventParams | None = None, animal: str = ""
) -> PeriEvent:
    """Cut the signal around events.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the recording's time base, s.
    events_s : array of shape (event,)
        Event times, s, e.g. from `bout_events` or ``events["time_s"]``.
    params : PeriEventParams, optional
    animal : str
        Whose recording; needed to join recordings for group statistics (`join`).

    Returns
    -------
    PeriEvent

    Raises
    ------
    DataError
        No event inside the recording, or a scale without baseline.
    """
    params = params or PeriEventParams()
    if params.scale != "none" and params.baseline_s is None:
        fail(
            "perievent",
            f"scale '{params.scale}' needs a baseline",
            expected="baseline_s=(start, stop)",
            got="none",
            todo="state the baseline, e.g. baseline_s=(-2, -1)",
        )
    times = np.sort(np.asarray(events_s, np.float64).ravel())
    table = _select(times, signal, params)
    kept = table.loc[table["kept"], "time_s"].to_numpy()
    if kept.size == 0:
        fail(
            "perievent",
            "no event can be used",
            expected="at least one event inside the recording",
            got="; ".join(f"{n} x {r}" for r, n in table["reason"].value_counts().items()) or "no events",
        )
    if isinstance(signal, Spikes):
        values, lag, units = _spike_trials(signal, kept, params)
    else:
        values, lag = _trace_trials(signal, kept, params)
        units = [str(u) for u in signal["unit"].values]
    values, mean, sd = _rescale(values, lag, params)
    trials = xr.DataArray(
        values,
        dims=("event", "lag", "unit"),
        name="response",
        coords={
            "lag": lag,
            "unit": np.asarray(units, object),
            "event_s": ("event", kept),
            "animal": ("event", np.full(kept.size, str(animal), object)),
        },
    )
    return PeriEvent(trials, table, params, mean, sd)


def _span(signal: xr.DataArray | Spikes) -> tuple[float, float]:
    if isinstance(signal, Spikes):
        return signal.start_s, signal.stop_s
    time = signal["time"].values
    return float(time[0]), float(time[-1])


def _select(times: Floats, signal: xr.DataArray | Spikes, params: PeriEventParams) -> pd.DataFrame:
    """Say of each event whether it counts, and why not."""
    start, stop = _span(signal)
    reasons, last = [], -np.inf
    for t in times:
        if not np.isfinite(t):
            reason = "time is missing"
        elif t < start or t > stop:
            reason = "outside the recording"
        elif params.overlap == "drop" and t - last < params.before_s + params.after_s - 1e-9:
            reason = "window overlaps the previous event's"
        else:
            reason, last = "", t
        reasons.append(reason)
    interval = np.diff(times, prepend=np.nan)
    reason = np.asarray(reasons, object)
    return pd.DataFrame({"time_s": times, "kept": reason == "", "reason": reason, "interval_s": interval})


def _trace_trials(signal: xr.DataArray, events: Floats, params: PeriEventParams) -> tuple[Floats, Floats]:
    """Return (event, lag, unit) by sample offset from the sample nearest to each event."""
    time = signal["time"].values.astype(np.float64)
    values = np.asarray(signal.values, np.float64)
    step = 1.0 / rate_of(time)
    offsets = np.arange(-round(params.before_s / step), round(params.after_s / step) + 1)
    centre = nearest_sample(time, events)
    index = centre[:, None] + offsets
    inside = (index >= 0) & (index < time.size)
    safe = np.clip(index, 0, time.size - 1)
    # A dropped frame inside the window moves later samples: those that are off by half a step are missing.
    inside &= np.abs(time[safe] - time[centre][:, None] - offsets * step) < 0.5 * step
    trials = np.where(inside[..., None], values[safe], np.nan)
    lag = offsets * step
    if params.bin_s is None or params.bin_s <= 1.5 * step:
        return trials, lag
    bin_of = np.floor(lag / params.bin_s + 1e-9).astype(int)
    bins = np.unique(bin_of)
    whole = [k for k in bins if (bin_of == k).sum() >= 0.5 * params.bin_s / step]
    averaged = np.stack([_nanmean(trials[:, bin_of == k], axis=1) for k in whole], axis=1)
    return averaged, (np.asarray(whole) + 0.5) * params.bin_s


def _spike_trials(spikes: Spikes, events: Floats, params: PeriEventParams) -> tuple[Floats, Floats, list[str]]:
    """Return (event, bin, unit) in Hz; bins are half-open and tile the window from −before."""
    width = params.bin_s or 0.05
    n_before, n_after = round(params.before_s / width), round(params.after_s / width)
    edges = np.arange(-n_before, n_after + 1) * width
    out = np.empty((events.size, edges.size - 1, len(spikes.units)))
    for u, times in enumerate(spikes.times_s.values()):
        # Counting below each edge gives half-open bins exactly, whatever the event time rounds to.
        below = np.searchsorted(times, (events[:, None] + edges - 1e-9).ravel()).reshape(events.size, -1)
        out[:, :, u] = np.diff(below, axis=1) / width
    start, stop = spikes.start_s, spikes.stop_s
    cut = (events[:, None] + edges[:-1] < start - 1e-9) | (events[:, None] + edges[1:] > stop + 1e-9)
    out[cut] = np.nan
    return out, (edges[:-1] + edges[1:]) / 2, spikes.units


def _rescale(trials: Floats, lag: Floats, params: PeriEventParams) -> tuple[Floats, Floats, Floats]:
    """Apply the baseline; also return its pooled mean and sd per unit."""
    n_unit = trials.shape[2]
    if params.baseline_s is None:
        return trials, np.full(n_unit, np.nan), np.full(n_unit, np.nan)
    low, high = params.baseline_s
    window = (lag >= low - 1e-9) & (lag < high - 1e-9)
    if not window.any():
        fail(
            "perievent",
            "no bin lies in the baseline",
            expected=f"within {lag[0]:.3f}..{lag[-1]:.3f} s",
            got=f"{low}..{high} s",
        )
    base = trials[:, window]
    pooled = base.reshape(-1, n_unit)
    mean = _nanmean(pooled, axis=0)
    centred = np.where(np.isfinite(pooled), pooled - mean, 0.0)
    sd = np.sqrt((centred**2).sum(0) / np.maximum(np.isfinite(pooled).sum(0) - 1, 1))
    if params.scale == "subtract":
        trials = trials - _nanmean(base, axis=1)[:, None]
    elif params.scale == "z":
        trials = (trials - mean) / np.where(sd > 0, sd, np.nan)
    return trials, mean, sd


def _nanmean(x: Floats, axis: int) -> Floats:
    """Mean of the finite values, NaN (without a warning) where there are none."""
    finite = np.isfinite(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(finite, x, 0.0).sum(axis=axis) / finite.sum(axis=axis)


def join(results: Sequence[PeriEvent]) -> xr.DataArray:
    """Join several recordings into one (event, lag, unit) array for group statistics.

    Recordings with other unit names are averaged over units first (one signal per recording), because
    cells of different animals are not the same cells.
    """
    if not results:
        fail("perievent.join", "no recordings given")
    parts: list[Any] = [r.trials for r in results]
    lag = parts[0]["lag"].values
    for part in parts:
        if part.sizes["lag"] != lag.size or not np.allclose(part["lag"].values, lag, atol=1e-6):
            fail(
                "perievent.join",
                "recordings have different windows or bins",
                expected=f"{lag.size} lags from {lag[0]:.3f} s",
                got=f"{part.sizes['lag']} from {part['lag'].values[0]:.3f} s",
                todo="use the same params, with bin_s set, for all recordings",
            )
    if any(list(part["unit"].values) != list(parts[0]["unit"].values) for part in parts):
        parts = [part.mean("unit").expand_dims(unit=["mean"]).transpose("event", "lag", "unit") for part in parts]
    parts = [part.assign_coords(lag=lag) for part in parts]
    return xr.concat(parts, dim="event")
