"""Is the response around events real? Permutation tests.

The unit is the animal where there are several animals, the stretch of events, or the shift of the whole event train,
where there is one. Tests over many time bins are corrected by cluster mass or by the maximum, because neighbouring
bins are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypedDict

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import fail
from murid.data.pvalues import rank_p
from murid.neural.confidence_bands import observations, trials_of
from murid.neural.perievent import PeriEvent

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
