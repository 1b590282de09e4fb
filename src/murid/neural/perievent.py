"""What a unit does around events: PSTH of spikes, event-triggered average of traces.

Rate in bin k is ``(1 / (E D)) * sum over events of N_ek``; a trace is averaged sample by sample at
fixed distances from the event, never interpolated. Baseline, exclusions and the unit of the
confidence band are stated, not implied. Bands are in `bands`, significance in `perievent_tests` and `event_shifts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of, samples_in
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet.signals import as_traces
from murid.data.params import Params, param
from murid.data.resample import counts_between, uncovered
from murid.data.traces import Spikes

Floats = NDArray[np.float64]


class PeriEventParams(Params):
    """Window, bins, baseline and which events count.

    Examples
    --------
    >>> from murid.neural import PeriEventParams
    >>> PeriEventParams(baseline_s=(-2, -1), scale="z").overlap
    'drop'
    """

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

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import compute_perievent
    >>> response = compute_perievent(murid.make_traces(np.arange(600), rate_hz=10), [30.0, 31.0])
    >>> response.n_events, response.events["reason"].tolist()
    (1, ['', "window overlaps the previous event's"])
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

    Examples
    --------
    >>> import murid
    >>> from murid.neural import bout_events
    >>> bouts = murid.make_bouts(start_s=[0, 5, 6], stop_s=[2, 5.5, 9], label="rear")
    >>> bout_events(bouts, "rear", min_gap_s=1.0).tolist()
    [0.0, 5.0]
    """
    labels = bouts["label"].astype(str).unique()
    if label not in labels:
        fail("bouts", f"no bout of '{label}'", todo=did_you_mean(label, labels))
    own = bouts[bouts["label"] == label].sort_values("start_s")
    start, stop = own["start_s"].to_numpy(float), own["stop_s"].to_numpy(float)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(stop)[:-1]])
    keep = (stop - start >= min_duration_s - 1e-9) & (start - before >= min_gap_s - 1e-9)
    return (start if edge == "start" else stop)[keep]


def event_times(events: ArrayLike | pd.DataFrame, subject: str) -> Floats:
    """Return event times (s), sorted: an array of times, or an events table with ``time_s``."""
    if isinstance(events, pd.DataFrame):
        if "time_s" not in events:
            fail(
                subject,
                "events have no times",
                expected="times in s, or a table with a column time_s",
                got=f"a table with {', '.join(map(str, events.columns))}",
                todo="from bouts: bout_events(bouts, 'rear')" if "start_s" in events else "",
            )
        events = events["time_s"].to_numpy()
    try:
        times = np.asarray(events, np.float64)
    except (TypeError, ValueError):
        fail(
            subject,
            "events are not times",
            expected="times in s",
            got=type(events).__name__,
            todo="from labels or states: bout_events(bouts_of(states), 'rear')",
        )
    return np.sort(times.ravel())


def compute_perievent(
    signal: xr.DataArray | Spikes,
    events_s: ArrayLike | pd.DataFrame,
    *,
    params: PeriEventParams | None = None,
    animal: str = "",
    **changes: Any,
) -> PeriEvent:
    """Cut the signal around events.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the recording's time base, s.
    events_s : array of shape (event,) or DataFrame
        Event times, s, e.g. from `bout_events`, or an events table with ``time_s``.
    params : PeriEventParams, optional
    animal : str
        Whose recording; needed to join recordings for group statistics (`join`).
    **changes
        Single parameters of `PeriEventParams`, over `params`.

    Returns
    -------
    PeriEvent

    Raises
    ------
    DataError
        No event inside the recording, or a scale without baseline.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import compute_perievent
    >>> signal = murid.make_traces(np.arange(600) // 300, rate_hz=10)
    >>> response = compute_perievent(signal, [30.0], before_s=1, after_s=1, bin_s=1.0)
    >>> response.average().values[:, 0].round(2).tolist()
    [0.0, 1.0]
    """
    params = PeriEventParams.of(params, changes)
    _need_baseline(params)
    if not isinstance(signal, Spikes):
        signal = as_traces(signal, 0.05, "perievent")
    times = event_times(events_s, "perievent")
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
        attrs={"scale": params.scale, "baseline_s": params.baseline_s},
    )
    return PeriEvent(trials, table, params, mean, sd)


def _need_baseline(params: PeriEventParams) -> None:
    """Raise where a scale lacks its baseline."""
    if params.scale != "none" and params.baseline_s is None:
        fail(
            "perievent",
            f"scale '{params.scale}' needs a baseline",
            expected="baseline_s=(start, stop)",
            got="none",
            todo="state the baseline, e.g. baseline_s=(-2, -1)",
        )


def _select(times: Floats, signal: xr.DataArray | Spikes, params: PeriEventParams) -> pd.DataFrame:
    """Say of each event whether it counts, and why not."""
    if isinstance(signal, Spikes):
        start, stop, in_gap = signal.start_s, signal.stop_s, np.zeros(times.size, bool)
    else:
        clock = signal["time"].values.astype(np.float64)
        start, stop = float(clock[0]), float(clock[-1])
        known = np.where(np.isfinite(times), times, start)
        in_gap = uncovered(clock, known)
    reasons, last = [], -np.inf
    for t, gap in zip(times, in_gap, strict=True):
        if not np.isfinite(t):
            reason = "time is missing"
        elif t > stop and isinstance(signal, Spikes) and not signal.end_known:
            reason = "after the last spike, and the end of the recording is not known"
        elif t < start or t > stop:
            reason = "outside the recording"
        elif gap:
            reason = "in a gap of the neural clock"
        elif params.overlap == "drop" and t - last < params.before_s + params.after_s - 1e-9:
            reason = "window overlaps the previous event's"
        else:
            reason, last = "", t
        reasons.append(reason)
    why = np.asarray(reasons, object)
    interval = np.diff(times, prepend=np.nan)
    return pd.DataFrame({"time_s": times, "kept": why == "", "reason": why, "interval_s": interval})


def _trace_trials(signal: xr.DataArray, events: Floats, params: PeriEventParams) -> tuple[Floats, Floats]:
    """Return (event, lag, unit) by sample offset from the sample nearest to each event."""
    time = signal["time"].values.astype(np.float64)
    values = np.asarray(signal.values, np.float64)
    step = 1.0 / rate_of(time)
    offsets = np.arange(-samples_in(params.before_s, 1 / step), samples_in(params.after_s, 1 / step) + 1)
    centre = nearest_sample(time, events)
    index = centre[:, None] + offsets
    inside = (index >= 0) & (index < time.size)
    safe = np.clip(index, 0, time.size - 1)
    # A dropped frame inside the window moves later samples: those that are off by half a step are missing.
    inside &= np.abs(time[safe] - time[centre][:, None] - offsets * step) < 0.5 * step
    trials = np.where(inside[..., None], values[safe], np.nan)
    lag = np.asarray(offsets * step, np.float64)
    if params.bin_s is None or params.bin_s <= 1.5 * step:
        return trials, lag
    bin_of = np.floor(lag / params.bin_s + 1e-9).astype(int)
    bins = np.unique(bin_of)
    whole = [k for k in bins if (bin_of == k).sum() >= 0.5 * params.bin_s / step]
    averaged = np.stack([_nanmean(trials[:, bin_of == k], axis=1) for k in whole], axis=1)
    return averaged, (np.asarray(whole, np.float64) + 0.5) * params.bin_s


def _spike_trials(spikes: Spikes, events: Floats, params: PeriEventParams) -> tuple[Floats, Floats, list[str]]:
    """Return (event, bin, unit) in Hz; bins are half-open and tile the window from −before."""
    width = params.bin_s or 0.05
    n_before, n_after = round(params.before_s / width), round(params.after_s / width)
    edges = np.arange(-n_before, n_after + 1) * width
    out = np.empty((events.size, edges.size - 1, len(spikes.units)))
    for u, times in enumerate(spikes.times_s.values()):
        out[:, :, u] = counts_between(times, events[:, None] + edges) / width
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


def join(results: Sequence[PeriEvent], *, same_units: bool = False) -> xr.DataArray:
    """Join several recordings into one (event, lag, unit) array for group statistics.

    Parameters
    ----------
    results : sequence of PeriEvent
        Made with the same parameters.
    same_units : bool
        The names mean the same in every recording (fibres, regions, cells that were matched). Otherwise each
        recording is averaged over its units first, because cells of different animals are not the same cells
        though both may be called "unit_0". One unit in each recording, of one name, needs no averaging.

    Returns
    -------
    DataArray (event, lag, unit)
        ``attrs["scale"]`` is that of the recordings.

    Raises
    ------
    DataError
        Different windows, bins or scales, or with `same_units` different names.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import join, compute_perievent
    >>> signals = [murid.make_traces(np.full((600, 3), k), rate_hz=10) for k in range(2)]
    >>> joined = join([compute_perievent(s, [20.0, 40.0], animal=f"m{k}") for k, s in enumerate(signals)])
    >>> joined.sizes["event"], joined["unit"].values.tolist()
    (4, ['mean of units'])
    """
    if not results:
        fail("perievent.join", "no recordings given")
    parts = [r.trials for r in results]
    lag = parts[0]["lag"].values
    names = [[str(u) for u in part["unit"].values] for part in parts]
    faults = Faults("perievent.join")
    for k, part in enumerate(parts):
        if part.sizes["lag"] != lag.size or not np.allclose(part["lag"].values, lag, atol=1e-6):
            faults.add(
                "recordings have different windows or bins",
                where=f"recording {k + 1}",
                expected=f"{lag.size} lags from {lag[0]:.3f} s",
                got=f"{part.sizes['lag']} from {part['lag'].values[0]:.3f} s",
                todo="use the same params, with bin_s set, for all recordings",
            )
        if part.attrs != parts[0].attrs:
            faults.add(
                "recordings have different scales or baselines",
                where=f"recording {k + 1}",
                expected=str(parts[0].attrs),
                got=str(part.attrs),
            )
        if same_units and names[k] != names[0]:
            faults.add(
                "units have different names", where=f"recording {k + 1}", expected=str(names[0]), got=str(names[k])
            )
    faults.raise_if_any()
    if not same_units and not all(n == names[0] and len(n) == 1 for n in names):
        parts = [_mean_over_units(part) for part in parts]
    return xr.concat([part.assign_coords(lag=lag) for part in parts], dim="event")


def _mean_over_units(trials: xr.DataArray) -> xr.DataArray:
    mean = trials.mean("unit", keep_attrs=True).expand_dims(unit=["mean of units"])
    return mean.transpose("event", "lag", "unit")
