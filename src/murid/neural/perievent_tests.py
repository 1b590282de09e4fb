"""Is the response around events real? Permutation tests.

The unit is the animal where there are several animals, the stretch of events, or the shift of the whole event train,
where there is one. Tests over many time bins are corrected by cluster mass or by the maximum, because neighbouring
bins are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypedDict

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of, samples_in, segments
from murid.data.errors import fail
from murid.data.meet.signals import as_traces
from murid.data.pvalues import rank_p, two_sided
from murid.data.traces import Spikes
from murid.neural import nulls
from murid.neural.confidence_bands import observations, trials_of
from murid.neural.perievent import PeriEvent, event_times

Floats = NDArray[np.float64]
CLUSTER_COLUMNS = ["unit", "start_s", "stop_s", "mass", "p"]


class Cluster(TypedDict):
    """One cluster of the observed statistic: first and last column, start and stop (s), mass."""

    first: int
    last: int
    start_s: float
    stop_s: float
    mass: float


@dataclass(frozen=True)
class ResponseTest:
    """Outcome of a test over time bins.

    Attributes
    ----------
    table : DataFrame
        ``unit, lag_s, statistic, p`` (pointwise), ``p_corrected`` over the bins of that unit, ``n_independent``
        (shift test: independent shifts) and ``reason`` (why there is no p, else "").
    clusters : DataFrame
        ``unit, start_s, stop_s, mass, p`` of each cluster, for the cluster-mass test; else empty.
    n_null : int
        Null replicates; p is never below ``1 / (n_null + 1)`` (``1 / n_null`` when `exact`).
    exact : bool
        True when every possible sign pattern was used.
    unit_of_test : str
        ``"animals"``, ``"stretches of events"``, ``"circular shifts"`` or ``"linear shifts"``.

    Examples
    --------
    >>> from murid.neural import ResponseTest
    >>> sorted(ResponseTest.__annotations__)
    ['clusters', 'exact', 'n_null', 'table', 'unit_of_test']
    """

    table: pd.DataFrame
    clusters: pd.DataFrame
    n_null: int
    exact: bool
    unit_of_test: str


def sign_flip_test(
    response: xr.DataArray | PeriEvent | Sequence[PeriEvent],
    *,
    n_permutations: int = 9999,
    threshold_p: float = 0.05,
    seed: int = 0,
) -> ResponseTest:
    """Test whether the response differs from 0, with cluster-mass correction over time.

    Under the null a baseline-subtracted response is as likely as its negative, so signs of whole
    responses are flipped: of animals' mean responses when there are two or more animals, of six stretches
    of consecutive events otherwise, because neighbouring events of one animal resemble each other. All 2^n
    patterns are used when there are no more than `n_permutations`.

    Parameters
    ----------
    response : PeriEvent, sequence of PeriEvent, or DataArray (event, lag, unit)
        Baseline-subtracted (``scale="subtract"`` or ``"z"``) responses. Lags with missing values are left out.
    n_permutations : int
        Random patterns when 2^n is larger.
    threshold_p : float
        Two-sided pointwise p of a t test that starts a cluster; mass is the sum of |t| in a run of one sign.
    seed : int
        Seed.

    Raises
    ------
    DataError
        Raw responses (a rate is above 0 without any response), too few responses, or events of one animal
        that depend on each other for too long.

    References
    ----------
    Maris E, Oostenveld R (2007) J Neurosci Methods 164:177.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import PeriEventParams, compute_perievent, sign_flip_test
    >>> params = PeriEventParams(baseline_s=(-2, -1), scale="subtract")
    >>> noise = np.random.default_rng(0).standard_normal((6, 3000))
    >>> signals = [murid.make_traces(x, rate_hz=10) for x in noise]
    >>> cut = [compute_perievent(s, [50.0], params=params, animal=f"m{k}") for k, s in enumerate(signals)]
    >>> test = sign_flip_test(cut)
    >>> test.unit_of_test, test.n_null
    ('animals', 64)
    """
    from scipy.stats import t as t_distribution

    trials = trials_of(response, "sign_flip_test")
    if trials.attrs.get("scale") == "none":
        fail(
            "sign_flip_test",
            "the responses are raw: they differ from 0 without any response",
            expected="baseline-subtracted responses",
            got="scale 'none'",
            todo="use PeriEventParams(baseline_s=(-2, -1), scale='subtract'), or shift_test for one recording",
        )
    seen = observations(trials)
    if seen.reason or len(seen.values) < 2:
        fail(
            "sign_flip_test",
            "no test over the events of one recording",
            got=seen.reason or "one animal",
            todo="use shift_test, which keeps the dependence between events, or more animals",
        )
    signs, exact = _signs(len(seen.values), n_permutations, np.random.default_rng(seed))
    threshold = float(t_distribution.isf(threshold_p / 2, len(seen.values) - 1))
    tables, clusters = [], []
    for u, unit in enumerate(trials["unit"].values):
        use = np.isfinite(seen.values[:, :, u]).all(axis=0)
        if use.any():
            lag = np.where(use, trials["lag"].values, np.nan)
            table, runs = _flip_unit(seen.values[:, :, u], lag, signs, exact, threshold)
            tables.append(table.assign(unit=str(unit)))
            clusters.append(runs.assign(unit=str(unit)))
    if not tables:
        fail("sign_flip_test", "no lag has values in every response", todo="use a window the recordings cover")
    columns = ["unit", "lag_s", "statistic", "p", "p_corrected"]
    return ResponseTest(
        pd.concat(tables, ignore_index=True)[columns],
        pd.concat(clusters, ignore_index=True)[CLUSTER_COLUMNS],
        len(signs) - (not exact),
        exact,
        seen.kind,
    )


def _flip_unit(
    x: Floats, lag: Floats, signs: Floats, exact: bool, threshold: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and clusters of one unit's responses (observation, lag); lags that are NaN are left out."""
    index = np.flatnonzero(np.isfinite(lag))
    t = _flipped_t(x[:, index], signs)
    null = t if exact else t[1:]

    def p_of(count: NDArray[np.int64]) -> Floats:
        return np.asarray(count / len(null) if exact else rank_p(count, len(null)), np.float64)

    p = p_of(np.count_nonzero(np.abs(null) >= np.abs(t[0]) - 1e-9, axis=0))
    # Runs must not jump over lags that were left out.
    masses = cluster_masses(t, threshold, lag_index=index)
    null_mass = masses if exact else masses[1:]
    corrected, rows = np.ones(index.size), []
    for cluster in _clusters(t[0], lag[index], index, threshold):
        p_mass = float(p_of(np.asarray(np.count_nonzero(null_mass >= cluster["mass"] - 1e-9))))
        corrected[cluster["first"] : cluster["last"] + 1] = p_mass
        rows.append({"start_s": cluster["start_s"], "stop_s": cluster["stop_s"], "mass": cluster["mass"], "p": p_mass})
    table = pd.DataFrame({"lag_s": lag[index], "statistic": t[0], "p": p, "p_corrected": corrected})
    return table, pd.DataFrame(rows, columns=CLUSTER_COLUMNS[1:])


def _signs(n: int, n_permutations: int, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Return sign patterns (pattern, n), the first all +1; exact when all 2^n fit."""
    if 2**n <= n_permutations + 1:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return np.asarray(1.0 - 2.0 * patterns, np.float64), True
    signs = np.asarray(rng.integers(0, 2, size=(n_permutations + 1, n)) * 2.0 - 1.0, np.float64)
    signs[0] = 1.0
    return signs, False


def _flipped_t(x: Floats, signs: Floats) -> Floats:
    """One-sample t (pattern, lag) of sign-flipped responses; sums of squares do not change under flips."""
    n = x.shape[0]
    mean = signs @ x / n
    variance = np.maximum((x**2).sum(axis=0) / n - mean**2, 0.0) * n / (n - 1)
    # 1e-12 of the size of the data: identical responses give a huge but finite t.
    return mean / np.sqrt(np.maximum(variance / n, 1e-24 * (x**2).mean(axis=0) + 1e-300))


def cluster_masses(t: ArrayLike, threshold: float, *, lag_index: ArrayLike | None = None) -> Floats:
    """Return the largest cluster mass of each replicate.

    Parameters
    ----------
    t : array of shape (replicate, lag)
        Statistic; runs of one sign with |t| > threshold are clusters, their mass the sum of |t|.
    threshold : float
    lag_index : int array of shape (lag,), optional
        Position of each column in time; a jump ends a run.
    """
    t = np.asarray(t, np.float64)
    index = np.arange(t.shape[1]) if lag_index is None else np.asarray(lag_index)
    best, run = np.zeros(len(t)), np.zeros(len(t))
    previous = np.zeros(len(t))
    for k in range(t.shape[1]):
        sign = np.where(np.abs(t[:, k]) > threshold, np.sign(t[:, k]), 0.0)
        goes_on = (sign == previous) & (k == 0 or index[k] == index[k - 1] + 1)
        run = np.where(sign == 0, 0.0, np.where(goes_on, run, 0.0) + np.abs(t[:, k]))
        best = np.maximum(best, run)
        previous = sign
    return best


def _clusters(t: Floats, lag: Floats, index: NDArray[np.int64], threshold: float) -> list[Cluster]:
    """Return the clusters of the observed statistic: first and last column, start and stop (s), mass."""
    sign = np.where(np.abs(t) > threshold, np.sign(t), 0.0)
    breaks = np.flatnonzero((np.diff(sign) != 0) | (np.diff(index) != 1)) + 1
    bounds = np.concatenate([[0], breaks, [t.size]])
    return [
        {
            "first": a,
            "last": b - 1,
            "start_s": float(lag[a]),
            "stop_s": float(lag[b - 1]),
            "mass": float(np.abs(t[a:b]).sum()),
        }
        for a, b in pairwise(bounds)
        if sign[a] != 0
    ]


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
        Relative to the event, half-open; its mean is subtracted from the response, in every shift too. Takes slow
        changes out of the statistic and so leaves more independent shifts.
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
        curve, lags = _response_curve(x[u], train, window, low, bool(linear[u]))
        table = _judge(curve, lags, window, min_independent)
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


def _less_baseline(x: Floats, window: _Window) -> Floats:
    """Every sample less the mean of its own baseline; NaN where it, or more than half of its baseline, is missing.

    Taken sample by sample, an event that lost its response does not count with its baseline alone: the mean of a
    baseline of other events scatters more than that of the same.
    """
    base = np.stack([np.roll(x, -k) for k in window.base()])
    seen = np.isfinite(base)
    enough = 2 * seen.sum(axis=0) >= len(base)
    mean = np.where(seen, base, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.asarray(np.where(enough, x - mean, np.nan), np.float64)


def _response_curve(x: Floats, train: Floats, window: _Window, low: int, linear: bool) -> tuple[Floats, nulls.Lags]:
    """Mean response (lag,) at every shift of the event train, and which lags are observation and null.

    Where samples are missing the mean is that of the samples that are there. A mean of fewer samples scatters more:
    its distance from the mean of all shifts is scaled by the root of the share of the events that met a sample.
    """
    n = x.size
    if linear:
        q = n // 4
        kept = np.zeros(n)
        kept[q : n - q] = train[q : n - q]
        lags = nulls.linear_lags(n, window.step_s)
    else:
        q, kept = 0, train
        lags = nulls.Lags(0, (slice(low, max(low, n - low + 1)),), True, window.step_s)
    if kept.sum() == 0 or lags.n_null < 1 or (linear and q <= 2 * window.size):
        fail(
            "shift_test",
            "no shift can be made",
            expected=f"events inside{' the central half' if linear else ''}, and a recording longer than "
            f"{(8 * window.size if linear else 2 * low) * window.step_s:.0f} s",
            got=f"{int(kept.sum())} events, {n * window.step_s:.0f} s",
        )
    curve, share = _mean_at_shifts(x if window.baseline_s is None else _less_baseline(x, window), kept)
    if linear:
        curve, share = (np.concatenate([v[n - q :], v[: q + 1]]) for v in (curve, share))
    if (share < 1).any():
        null = lags.null_of(curve[None])[0]
        centre = null[np.isfinite(null)].mean() if np.isfinite(null).any() else 0.0
        curve = centre + (curve - centre) * np.sqrt(share)
    return np.asarray(curve, np.float64), lags


def _judge(curve: Floats, lags: nulls.Lags, window: _Window, min_independent: float) -> pd.DataFrame:
    """Return z and p of each lag of the window, and p corrected by the largest |z| in the window of each shift.

    Lags without a statistic (NaN) are neither tested nor part of the null, nor is a window that holds one.
    """
    from numpy.lib.stride_tricks import sliding_window_view

    null = lags.null_of(curve[None])[0]
    independent = float(nulls.n_independent_of(null[None])[0])
    null = null[np.isfinite(null)]
    spread = null.std() if null.size else 0.0
    z = (curve - (null.mean() if null.size else 0.0)) / (spread if spread > 0 else np.nan)
    seen = z[(lags.zero + window.offsets) % z.size]
    ordered = np.sort((null - null.mean()) / spread) if spread > 0 else null
    high = rank_p(ordered.size - np.searchsorted(ordered, seen - 1e-9), ordered.size)
    below = rank_p(np.searchsorted(ordered, seen + 1e-9), ordered.size)
    # Windows of the null stay clear of the true one.
    parts = [np.abs(z[s]) for s in lags.null if s.stop - s.start >= window.offsets.size]
    peaks = np.concatenate([sliding_window_view(p, window.offsets.size).max(axis=1) for p in parts] or [[]])
    peaks = np.sort(peaks[np.isfinite(peaks)])
    corrected = rank_p(peaks.size - np.searchsorted(peaks, np.abs(seen) - 1e-9), peaks.size)
    reason = "" if spread > 0 else "constant signal" if null.size else "too few samples meet the events"
    if not reason and not peaks.size:
        reason = "no window of the shifts is complete"
    if not reason and not independent >= min_independent:
        reason = f"too few independent shifts ({independent:.1f} < {min_independent:g})"
    judged = np.where((reason == "") & np.isfinite(seen), 1.0, np.nan)
    return pd.DataFrame(
        {
            "lag_s": window.offsets * window.step_s,
            "statistic": seen,
            "p": two_sided(high, below) * judged,
            "p_corrected": corrected * judged,
            "n_independent": independent,
            "n_null": null.size,
            "reason": reason,
        }
    )
