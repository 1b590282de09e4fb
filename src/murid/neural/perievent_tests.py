"""Is the response around events real? Confidence bands and permutation tests.

The unit is the animal where there are several animals, the event where there is one. Tests over many
time bins are corrected by cluster mass or by the maximum, because neighbouring bins are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of
from murid.data.errors import fail
from murid.data.pvalues import rank_p, two_sided

Floats = NDArray[np.float64]


def bootstrap_ci(trials: xr.DataArray, *, level: float = 0.95, n_boot: int = 2000, seed: int = 0) -> xr.DataArray:
    """Return a hierarchical bootstrap band of the mean response.

    Animals are drawn with replacement, then events within each drawn animal; animals count equally
    however many events they have. With one animal only events are drawn, and the band then speaks
    about that animal alone.

    Parameters
    ----------
    trials : DataArray (event, lag, unit)
        `PeriEvent.trials`, or several recordings joined by `join`.
    level : float
        Confidence level.
    n_boot : int
        Bootstrap replicates.
    seed : int
        Seed.

    Returns
    -------
    DataArray (bound, lag, unit)
        ``low``, ``mean``, ``high``; attribute ``drawn`` says what was drawn. The mean is that of animal means.
    """
    rng = np.random.default_rng(seed)
    animals, member = np.unique(trials["animal"].values.astype(str), return_inverse=True)
    n_animals, n_events = animals.size, member.size
    weights = np.zeros((n_boot + 1, n_events))
    own = [np.flatnonzero(member == a) for a in range(n_animals)]
    for index in own:
        weights[0, index] = 1.0 / (n_animals * index.size)
    for replicate in range(1, n_boot + 1):
        drawn = rng.integers(n_animals, size=n_animals) if n_animals > 1 else np.zeros(1, int)
        for a in drawn:
            index = own[a]
            weights[replicate, index] += np.bincount(
                rng.integers(index.size, size=index.size), minlength=index.size
            ) / (drawn.size * index.size)
    values = np.asarray(trials.values, np.float64)
    flat = values.reshape(n_events, -1)
    finite = np.isfinite(flat)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ np.where(finite, flat, 0.0)) / (weights @ finite)
    means = means.reshape(n_boot + 1, *values.shape[1:])
    tail = (1 - level) / 2
    low, high = np.nanquantile(means[1:], [tail, 1 - tail], axis=0) if finite.any(0).all() else _quantiles(means, tail)
    return xr.DataArray(
        np.stack([low, means[0], high]),
        dims=("bound", "lag", "unit"),
        coords={"bound": ["low", "mean", "high"], "lag": trials["lag"].values, "unit": trials["unit"].values},
        attrs={
            "drawn": "animals, then events" if n_animals > 1 else "events",
            "level": level,
            "n_boot": n_boot,
            "n_animals": n_animals,
            "n_events": n_events,
            "seed": seed,
        },
    )


def _quantiles(means: Floats, tail: float) -> Floats:
    """Quantiles where some columns have no data at all: those stay NaN without a warning."""
    out = np.full((2, *means.shape[1:]), np.nan)
    some = np.isfinite(means[1:]).any(axis=0)
    out[:, some] = np.nanquantile(means[1:][:, some], [tail, 1 - tail], axis=0)
    return out


@dataclass(frozen=True)
class ResponseTest:
    """Outcome of a test over time bins.

    Attributes
    ----------
    table : DataFrame
        ``unit, lag_s, statistic, p`` (pointwise), ``p_corrected`` over the bins of that unit.
    clusters : DataFrame
        ``unit, start_s, stop_s, mass, p`` of each cluster, for the cluster-mass test; else empty.
    n_null : int
        Null replicates; p is never below ``1 / (n_null + 1)`` (``1 / n_null`` when `exact`).
    exact : bool
        True when every possible sign pattern was used.
    unit_of_test : str
        ``"animals"``, ``"events"`` or ``"shifts"``.
    """

    table: pd.DataFrame
    clusters: pd.DataFrame
    n_null: int
    exact: bool
    unit_of_test: str


def sign_flip_test(
    trials: xr.DataArray, *, n_permutations: int = 9999, threshold_p: float = 0.05, seed: int = 0
) -> ResponseTest:
    """Test whether the response differs from 0, with cluster-mass correction over time.

    Under the null a baseline-subtracted response is as likely as its negative, so signs of whole
    responses are flipped: of animals' mean responses when there are two or more animals, of events
    otherwise. All 2^n patterns are used when there are no more than `n_permutations`.

    Parameters
    ----------
    trials : DataArray (event, lag, unit)
        Baseline-subtracted (``scale="subtract"`` or ``"z"``) responses. Lags with missing values are left out.
    n_permutations : int
        Random patterns when 2^n is larger.
    threshold_p : float
        Two-sided pointwise p of a t test that starts a cluster; mass is the sum of |t| in a run of one sign.
    seed : int
        Seed.

    References
    ----------
    Maris E, Oostenveld R (2007) J Neurosci Methods 164:177.
    """
    from scipy.stats import t as t_distribution

    animals = trials["animal"].values.astype(str)
    by_animal = np.unique(animals).size > 1
    data = trials.groupby("animal").mean("event").values if by_animal else trials.values
    n = data.shape[0]
    if n < 2:
        fail("sign_flip_test", "too few responses", expected="at least 2 animals or events", got=str(n))
    signs, exact = _signs(n, n_permutations, np.random.default_rng(seed))
    threshold = float(t_distribution.isf(threshold_p / 2, n - 1))
    tables, clusters = [], []
    lag = trials["lag"].values
    for u, unit in enumerate(trials["unit"].values):
        x = np.asarray(data[:, :, u], np.float64)
        use = np.isfinite(x).all(axis=0)
        if not use.any():
            continue
        t = _flipped_t(x[:, use], signs)
        null = t if exact else t[1:]
        count = np.count_nonzero(np.abs(null) >= np.abs(t[0]) - 1e-9, axis=0)
        p = count / len(null) if exact else rank_p(count, len(null))
        # Runs must not jump over lags that were left out.
        masses = cluster_masses(t, threshold, lag_index=np.flatnonzero(use))
        found = _clusters(t[0], lag[use], np.flatnonzero(use), threshold)
        null_mass = masses if exact else masses[1:]
        corrected = np.ones(use.sum())
        for row in found:
            k = np.count_nonzero(null_mass >= row["mass"] - 1e-9)
            row["p"] = float(k / len(null_mass)) if exact else float(rank_p(k, len(null_mass)))
            corrected[row.pop("first") : row.pop("last") + 1] = row["p"]
            clusters.append({"unit": str(unit), **row})
        tables.append(
            pd.DataFrame({"unit": str(unit), "lag_s": lag[use], "statistic": t[0], "p": p, "p_corrected": corrected})
        )
    if not tables:
        fail("sign_flip_test", "no lag has values in every response", todo="use a window the recordings cover")
    found_table = pd.DataFrame(clusters, columns=["unit", "start_s", "stop_s", "mass", "p"])
    return ResponseTest(
        pd.concat(tables, ignore_index=True),
        found_table,
        len(signs) - (not exact),
        exact,
        "animals" if by_animal else "events",
    )


def _signs(n: int, n_permutations: int, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Return sign patterns (pattern, n), the first all +1; exact when all 2^n fit."""
    if 2**n <= n_permutations + 1:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return 1.0 - 2.0 * patterns, True
    signs = rng.integers(0, 2, size=(n_permutations + 1, n)) * 2.0 - 1.0
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


def _clusters(t: Floats, lag: Floats, index: NDArray[np.int64], threshold: float) -> list[dict]:
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
    traces: xr.DataArray, events_s: ArrayLike, *, before_s: float = 2.0, after_s: float = 2.0, min_shift_s: float = 10.0
) -> ResponseTest:
    """Test the average response of one recording against all circular shifts of its event train.

    The intervals between events stay as they are and so does the signal; only their alignment is lost.
    One FFT gives the average of every shift: ``R(s) = sum_e x(t_e + s)``, the response at lag tau of the
    train shifted by s being ``R(s + tau)``.

    Parameters
    ----------
    traces : DataArray (time, unit)
        Evenly sampled signal without missing samples (bin spikes first: `Spikes.binned`).
    events_s : array (event,)
        Event times, s.
    before_s, after_s : float
        Window.
    min_shift_s : float
        Shifts nearer than this plus the window are no null.

    Returns
    -------
    ResponseTest
        Pointwise two-sided p and p corrected by the largest |z| in the window of each shift.
    """
    from scipy.fft import irfft, rfft
    from scipy.ndimage import maximum_filter1d

    time = traces["time"].values.astype(np.float64)
    x = np.asarray(traces.values, np.float64).T
    if not np.isfinite(x).all():
        fail(
            "shift_test",
            "the signal has missing samples",
            got=f"{int((~np.isfinite(x)).sum())} values",
            todo="fill or cut them, or use sign_flip_test on the events",
        )
    n, step = time.size, 1.0 / rate_of(time)
    events = np.asarray(events_s, np.float64)
    events = events[(events >= time[0]) & (events <= time[-1])]
    train = np.bincount(nearest_sample(time, events), minlength=n).astype(np.float64)
    response = irfft(rfft(x, axis=1) * np.conj(rfft(train)), n=n, axis=1) / max(events.size, 1)
    n_before, n_after = round(before_s / step), round(after_s / step)
    reach = n_before + n_after
    low = round(min_shift_s / step) + reach
    if events.size == 0 or n - 2 * low < 1:
        fail(
            "shift_test",
            "no shift can be made",
            expected=f"events inside, and a recording longer than {2 * low * step:.0f} s",
            got=f"{events.size} events, {n * step:.0f} s",
        )
    null = response[:, low : n - low + 1]
    scale = np.where(null.std(axis=1) > 0, null.std(axis=1), np.nan)[:, None]
    z = (response - null.mean(axis=1, keepdims=True)) / scale
    offsets = np.arange(-n_before, n_after + 1)
    width = offsets.size
    # Largest |z| in the window of each shift, by the index at which the window starts; the windows of the null
    # stay clear of the true one.
    starts = np.arange(low, n - low - width + 2) if n - 2 * low >= width - 1 else np.arange(low, low + 1)
    peak = maximum_filter1d(np.abs(z), width, axis=1, mode="wrap")
    null_peak = peak[:, (starts + width // 2) % n]
    tables = []
    for u, unit in enumerate(traces["unit"].values):
        seen = z[u, offsets % n]
        ordered = np.sort(z[u, low : n - low + 1])
        high = rank_p(ordered.size - np.searchsorted(ordered, seen - 1e-9), ordered.size)
        below = rank_p(np.searchsorted(ordered, seen + 1e-9), ordered.size)
        peaks = np.sort(null_peak[u])
        corrected = rank_p(peaks.size - np.searchsorted(peaks, np.abs(seen) - 1e-9), peaks.size)
        tables.append(
            pd.DataFrame(
                {
                    "unit": str(unit),
                    "lag_s": offsets * step,
                    "statistic": seen,
                    "p": two_sided(high, below),
                    "p_corrected": corrected,
                }
            )
        )
    empty = pd.DataFrame(columns=["unit", "start_s", "stop_s", "mass", "p"])
    return ResponseTest(pd.concat(tables, ignore_index=True), empty, int(null.shape[1]), False, "shifts")
