"""Is the response around events real? Shifts of the whole event train against the signal of one recording.

The unit is the shift: the intervals between events and the signal stay as they are, and only their alignment is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of, samples_in, segments
from murid.data.errors import fail
from murid.data.meet.signals import as_traces
from murid.data.pvalues import rank_p, two_sided
from murid.data.traces import Spikes
from murid.neural import nulls
from murid.neural.perievent import event_times
from murid.neural.perievent_tests import CLUSTER_COLUMNS, ResponseTest

Floats = NDArray[np.float64]


def shift_test(
    signal: xr.DataArray | Spikes,
    events_s: ArrayLike | pd.DataFrame,
    *,
    before_s: float = 2.0,
    after_s: float = 2.0,
    baseline_s: tuple[float, float] | None = None,
    null: Literal["auto", "circular", "linear"] = "auto",
    min_shift_s: float = 10.0,
    min_independent: float = 20.0,
    drift_limit: float = 0.3,
    bin_s: float = 0.05,
) -> ResponseTest:
    """Test the average response of one recording against shifts of its event train.

    The intervals between events stay as they are and so does the signal; only their alignment is lost.
    One FFT gives the average of every shift: ``R(s) = sum_e x(t_e + s)``, the response at lag tau of the
    train shifted by s being ``R(s + tau)``.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        Evenly sampled signal; spikes are binned at `bin_s`. Where samples are missing, or the clock pauses, a shift
        is the mean of the samples that its events meet, and no part of the null where fewer than a third of the
        events meet one.
    events_s : array (event,) or DataFrame
        Event times, s, or an events table with ``time_s``.
    before_s, after_s : float
        Window.
    baseline_s : (start, stop), optional
        Relative to the event, half-open; its mean is subtracted from the response, in every shift too, from each
        event's own where samples are missing. Takes slow changes out of the statistic and so leaves more independent
        shifts.
    null : {"auto", "circular", "linear"}
        Circular shifts of the whole train; or linear ones (the events of the central half against the signal up to
        a quarter of the session earlier or later), right when signal and event rate both drift, where circular
        shifts err (.09-.11 for .05). "auto" chooses unit by unit by `drift_limit`.
    min_shift_s : float
        Shifts nearer than this plus the window are no null (circular shifts).
    min_independent : float
        No verdict from fewer independent shifts: p is NaN and ``reason`` gives the number.
    drift_limit : float
        |Correlation with time| above which both must lie for linear shifts.
    bin_s : float
        Bin of spikes, s.

    Returns
    -------
    ResponseTest
        Pointwise two-sided p and p corrected by the largest |z| in the window of each shift.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import shift_test
    >>> rng = np.random.default_rng(0)
    >>> x, events = rng.standard_normal(6000), np.cumsum(rng.integers(60, 130, 60)) / 10
    >>> for k in range(3):
    ...     x[np.round(events * 10).astype(int) + k] += 2
    >>> table = shift_test(murid.make_traces(x, rate_hz=10), events).table
    >>> table[table["p_corrected"] <= 0.01]["lag_s"].round(1).tolist()
    [0.0, 0.1, 0.2]
    """
    traces = as_traces(signal, bin_s, "shift_test")
    time, x = _even_clock(traces)
    events = event_times(events_s, "shift_test")
    events = events[(events >= time[0]) & (events <= time[-1])]
    step = 1.0 / rate_of(time)
    window = _Window(samples_in(before_s, 1 / step), samples_in(after_s, 1 / step), step, baseline_s)
    train = np.bincount(nearest_sample(time, events), minlength=time.size).astype(np.float64)
    linear = np.full(len(x), null == "linear")
    if null == "auto":
        drifts = nulls.drift(x, time) > drift_limit
        linear = drifts & bool(nulls.drift(train[None], time)[0] > drift_limit)
    low = samples_in(min_shift_s, 1 / step) + window.size
    tables = []
    for u, unit in enumerate(traces["unit"].values):
        kept, lags = _shifts_of(x[u], train, window, low, bool(linear[u]))
        responses = _responses(x[u], kept, lags, window)
        table = _judge(*responses, window, min_independent)
        tables.append(table.assign(unit=str(unit), null="linear" if linear[u] else "circular"))
    table = pd.concat(tables, ignore_index=True)
    columns = ["unit", "lag_s", "statistic", "p", "p_corrected", "null", "n_independent", "reason"]
    kind = "linear shifts" if linear.all() else "circular shifts" if not linear.any() else "shifts"
    n_null = int(table["n_null"].min())
    return ResponseTest(table[columns], pd.DataFrame(columns=CLUSTER_COLUMNS), n_null, False, kind)


@dataclass(frozen=True)
class _Window:
    """Samples before and after the event, s per sample, and baseline (s) relative to the event."""

    before: int
    after: int
    step_s: float
    baseline_s: tuple[float, float] | None

    @property
    def size(self) -> int:
        return self.before + self.after

    @property
    def offsets(self) -> NDArray[np.int64]:
        return np.arange(-self.before, self.after + 1)

    def base(self) -> NDArray[np.int64]:
        """Offsets in the baseline; an error when there are none."""
        low, high = self.baseline_s or (0.0, 0.0)
        lag = np.arange(np.floor(low / self.step_s) - 1, np.ceil(high / self.step_s) + 2)
        inside = lag[(lag * self.step_s >= low - 1e-9) & (lag * self.step_s < high - 1e-9)].astype(np.int64)
        if not inside.size:
            fail("shift_test", "no sample lies in the baseline", got=f"{low}..{high} s", expected="stop after start")
        return inside


#: A shift at which fewer of the events than this share meet a sample has no statistic and is no part of the null.
LEAST_MET = 1 / 3
#: A clock whose pauses make it longer than this many times its samples is tested piece by piece.
LONGEST = 10


def _even_clock(traces: xr.DataArray) -> tuple[Floats, Floats]:
    """An even clock (time,) and the values on it (unit, time), NaN where samples are missing or the clock pauses."""
    time = np.asarray(traces["time"].values, np.float64)
    values = np.asarray(traces.values, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    if len(segments(time)) == 1:
        return time, np.ascontiguousarray(values.T)
    step = 1.0 / rate_of(time)
    place = np.round((time - time[0]) / step).astype(np.int64)
    # Samples of a piece keep their order; only a piece of another rate, or too long a pause, does not fit.
    if (np.diff(place) < 1).any() or place[-1] + 1 > LONGEST * time.size:
        fail(
            "shift_test",
            "the pieces between the pauses of the clock do not fit on one even clock",
            expected=f"one rate, and pauses of less than {LONGEST - 1} times the recorded time",
            got=f"{len(segments(time)) - 1} pauses",
            todo="test one piece, traces.sel(time=slice(start, stop)), or use sign_flip_test on the events",
        )
    even = np.full((values.shape[1], int(place[-1]) + 1), np.nan)
    even[:, place] = values.T
    return time[0] + step * np.arange(even.shape[1]), even


def _mean_at_shifts(x: Floats, kept: Floats) -> tuple[Floats, Floats]:
    """Mean of the samples that the events meet at every circular shift, and the share of the events that meet one."""
    n, exists = x.size, np.isfinite(x)
    events = nulls.transform(kept)
    if exists.all():
        return nulls.lagged_sums(nulls.transform(x[None]), events, n)[0] / kept.sum(), np.ones(n)
    centre = x[exists].mean() if exists.any() else 0.0
    sums = nulls.lagged_sums(nulls.transform(np.where(exists, x - centre, 0.0)[None]), events, n)[0]
    met = np.round(nulls.lagged_sums(nulls.transform(exists[None].astype(np.float64)), events, n)[0])
    share = met / kept.sum()
    return np.where(share >= LEAST_MET, sums / np.maximum(met, 1.0), np.nan), share


def _shifts_of(x: Floats, train: Floats, window: _Window, low: int, linear: bool) -> tuple[Floats, nulls.Lags]:
    """The events that are shifted, and which shifts are the null: all far ones, or up to a quarter of the session."""
    n = x.size
    q = n // 4 if linear else 0
    kept = train
    if linear:
        kept = np.zeros(n)
        kept[q : n - q] = train[q : n - q]
        lags = nulls.linear_lags(n, window.step_s)
    else:
        lags = nulls.Lags(0, (slice(low, max(low, n - low + 1)),), True, window.step_s)
    if kept.sum() == 0 or lags.n_null < 1 or (linear and q <= 2 * window.size):
        fail(
            "shift_test",
            "no shift can be made",
            expected=f"events inside{' the central half' if linear else ''}, and a recording longer than "
            f"{(8 * window.size if linear else 2 * low) * window.step_s:.0f} s",
            got=f"{int(kept.sum())} events, {n * window.step_s:.0f} s",
        )
    return kept, lags


def _responses(x: Floats, kept: Floats, lags: nulls.Lags, window: _Window) -> tuple[Floats, Floats, Floats]:
    """Response of every lag (lag,), its null (lag, shift), and whole windows of the null (lag, shift).

    Without a baseline the response at a lag of a shifted train is that at another lag of the train itself, so that one
    curve holds all. With one it is the response less the baseline of the same shift.
    """
    if window.baseline_s is None:
        curve, share = _mean_at_shifts(x, kept)
        curve, share = (_from_first(v, lags) for v in (curve, share))
        null = lags.null_of(curve[None])[0]
        curve = _scaled(curve, share, null)
        seen = curve[(lags.zero + window.offsets) % curve.size]
        parts = [curve[s] for s in lags.null if s.stop - s.start >= window.offsets.size]
        windows = [sliding_window_view(p, window.offsets.size).T for p in parts]
        whole = np.concatenate(windows, axis=1) if windows else np.empty((window.offsets.size, 0))
        return seen, np.asarray(lags.null_of(curve[None]), np.float64), whole
    shifts = _shifts_of_windows(lags, window)
    rows = []
    for curve, share in _less_baseline(x, kept, window):
        curve, share = curve[np.r_[0, shifts]], share[np.r_[0, shifts]]
        rows.append(_scaled(curve, share, curve[1:]))
    both = np.stack(rows)
    return both[:, 0], both[:, 1:], both[:, 1:]


#: More windows of the null than this are thinned out: neighbours differ by a sample.
MOST_WINDOWS = 20_000


def _shifts_of_windows(lags: nulls.Lags, window: _Window) -> NDArray[np.int64]:
    """Shifts at which window and baseline lie within the null."""
    base = window.base()
    before, after = max(window.before, -int(base.min())), max(window.after, int(base.max()))
    shifts = np.concatenate([np.arange(s.start + before, max(s.start + before, s.stop - after)) for s in lags.null])
    return shifts[:: max(1, -(-shifts.size // MOST_WINDOWS))] - lags.zero


def _less_baseline(x: Floats, kept: Floats, window: _Window) -> Iterator[tuple[Floats, Floats]]:
    """Mean response at every circular shift less the mean baseline of the same events, and the share that has both.

    One pair a lag of the window. A baseline is there where at least half of its samples are.
    """
    if np.isfinite(x).all():
        curve, share = _mean_at_shifts(x, kept)
        base = np.mean([np.roll(curve, -k) for k in window.base()], axis=0)
        for lag in window.offsets:
            yield np.roll(curve, -lag) - base, share
        return
    around = np.stack([np.roll(x, -k) for k in window.base()])
    there = np.isfinite(around)
    base = np.where(there, around, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    base = np.where(2 * there.sum(axis=0) >= len(around), base, np.nan)
    for lag in window.offsets:
        yield _mean_at_shifts(np.roll(x, -lag) - base, kept)


def _from_first(values: Floats, lags: nulls.Lags) -> Floats:
    """Put circular shifts in the order of the lags: from the most negative linear one."""
    q = lags.zero
    return np.concatenate([values[values.size - q :], values[: q + 1]]) if q else values


def _scaled(curve: Floats, share: Floats, null: Floats) -> Floats:
    """Scale a mean of fewer samples, which scatters more: by the root of the share of the events that met one."""
    if not (share < 1).any():
        return curve
    centre = null[np.isfinite(null)].mean() if np.isfinite(null).any() else 0.0
    return np.asarray(centre + (curve - centre) * np.sqrt(share), np.float64)


def _judge(seen: Floats, null: Floats, whole: Floats, window: _Window, min_independent: float) -> pd.DataFrame:
    """Return z and p of each lag of the window, and p corrected by the largest |z| in the window of each shift.

    Lags without a statistic (NaN) are neither tested nor part of the null, nor is a window that holds one. With a
    single row of `null` all lags have the same.
    """
    independent = float(nulls.n_independent_of(null).min()) if null.size else 0.0
    centre, spread = _centre_and_spread(null)
    z = (seen - centre) / spread
    high, below = np.full((2, seen.size), np.nan)
    for lag in range(seen.size):
        row = 0 if len(null) == 1 else lag
        ordered = np.sort((null[row][np.isfinite(null[row])] - centre[row]) / spread[row])
        high[lag] = rank_p(ordered.size - np.searchsorted(ordered, z[lag] - 1e-9), ordered.size)
        below[lag] = rank_p(np.searchsorted(ordered, z[lag] + 1e-9), ordered.size)
    # Windows of the null stay clear of the true one.
    peaks = np.abs((whole - centre[:, None]) / spread[:, None]).max(axis=0) if whole.size else np.empty(0)
    peaks = np.sort(peaks[np.isfinite(peaks)])
    corrected = rank_p(peaks.size - np.searchsorted(peaks, np.abs(z) - 1e-9), peaks.size)
    n_null = int(np.isfinite(null).sum(axis=1).min()) if null.size else 0
    moves = bool(np.isfinite(spread).any())
    reason = "" if moves else "constant signal" if n_null else "too few samples meet the events"
    if not reason and not peaks.size:
        reason = "no window of the shifts is complete"
    if not reason and not independent >= min_independent:
        reason = f"too few independent shifts ({independent:.1f} < {min_independent:g})"
    judged = np.where((reason == "") & np.isfinite(z), 1.0, np.nan)
    return pd.DataFrame(
        {
            "lag_s": window.offsets * window.step_s,
            "statistic": z,
            "p": two_sided(high, below) * judged,
            "p_corrected": corrected * judged,
            "n_independent": independent,
            "n_null": n_null,
            "reason": reason,
        }
    )


def _centre_and_spread(null: Floats) -> tuple[Floats, Floats]:
    """Mean and SD of each row of a null (lag, shift); NaN where a row is empty or does not vary."""
    there = np.isfinite(null)
    n = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(there, null, 0.0).sum(axis=1) / n
        spread = np.sqrt((np.where(there, null - centre[:, None], 0.0) ** 2).sum(axis=1) / n)
        return centre, np.where(spread > 0, spread, np.nan)
