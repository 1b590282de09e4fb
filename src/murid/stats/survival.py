"""Latencies that may never happen: Kaplan–Meier curves and the log-rank test.

An animal that did not do it within the session has a *censored* latency: at least the session, not
the session. Means and t tests of such numbers are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import Faults, did_you_mean
from murid.data.pvalues import holm, rank_p

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Survival:
    """Latencies of groups.

    Attributes
    ----------
    curves : DataFrame
        ``group, time_s, at_risk, events, survival, low, high``: share that has not done it yet, with its
        log-log 95 % interval.
    summary : DataFrame
        Per group ``n, events, censored, median_s`` (NaN when fewer than half did it) and ``rmst_s``: mean
        latency up to ``horizon_s``.
    statistic, p : float
        Log-rank over all groups (chi-square) and its permutation p (labels of units permuted).
    p_asymptotic : float
        From the chi-square distribution; too small in small groups.
    pairwise : DataFrame
        ``first, second, p, p_holm`` for more than two groups.
    horizon_s : float
        Shortest of the groups' longest observed times.
    """

    curves: pd.DataFrame
    summary: pd.DataFrame
    statistic: float
    p: float
    p_asymptotic: float
    pairwise: pd.DataFrame
    horizon_s: float


def kaplan_meier(time_s: ArrayLike, event: ArrayLike) -> pd.DataFrame:
    """Return the Kaplan–Meier estimate with log-log 95 % intervals.

    Parameters
    ----------
    time_s : array (n,)
        Latency, or time of censoring, s.
    event : bool array (n,)
        True where it happened.

    Returns
    -------
    DataFrame
        ``time_s, at_risk, events, survival, low, high``, one row a distinct time.
    """
    from scipy.stats import CensoredData, ecdf

    time, happened = np.asarray(time_s, np.float64), np.asarray(event, bool)
    survival = ecdf(CensoredData.right_censored(time, ~happened)).sf
    at = survival.quantiles
    risk = (time[None] >= at[:, None]).sum(axis=1)
    events = ((time[None] == at[:, None]) & happened[None]).sum(axis=1)
    s = survival.probabilities
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(np.where(risk > events, events / (risk * (risk - events)), np.inf))
        width = 1.959964 * np.sqrt(greenwood) / np.abs(np.log(s))
        low, high = s ** np.exp(width), s ** np.exp(-width)
    inside = (s > 0) & (s < 1)
    return pd.DataFrame(
        {
            "time_s": at,
            "at_risk": risk,
            "events": events,
            "survival": s,
            "low": np.where(inside, low, s),
            "high": np.where(inside, high, s),
        }
    )


def logrank(time_s: ArrayLike, event: ArrayLike, group: ArrayLike) -> float:
    """Return the log-rank chi-square of k groups (k − 1 degrees of freedom).

    Parameters
    ----------
    time_s : array (n,)
    event : bool array (n,)
    group : int array (n,)
        Group index 0..k−1.
    """
    return float(_chi2(*_score_parts(time_s, event), np.asarray(group)[None])[0])


def _score_parts(time_s: ArrayLike, event: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return at-risk (time, unit), events (time, unit) and the variance factor (time,) of each event time."""
    time, happened = np.asarray(time_s, np.float64), np.asarray(event, bool)
    at = np.unique(time[happened])
    risk = (time[None] >= at[:, None]).astype(np.float64)
    died = ((time[None] == at[:, None]) & happened[None]).astype(np.float64)
    n, d = risk.sum(axis=1), died.sum(axis=1)
    return risk, died, d * (n - d) / np.maximum(n - 1, 1) / n**2


def _chi2(risk: Floats, died: Floats, factor: Floats, groups: NDArray[np.int64]) -> Floats:
    """Log-rank chi-square for each row of `groups` (arrangement, unit)."""
    k = int(groups.max()) + 1
    n, d = risk.sum(axis=1), died.sum(axis=1)
    out = np.empty(len(groups))
    for row, group in enumerate(groups):
        member = (group[:, None] == np.arange(k)).astype(np.float64)
        own = risk @ member
        score = (died @ member - d[:, None] * own / n[:, None]).sum(axis=0)[:-1]
        spread = np.einsum("t,tg,th->gh", -factor, own, own) + np.diag(np.einsum("t,tg->g", factor * n, own))
        out[row] = score @ np.linalg.pinv(spread[:-1, :-1]) @ score
    return out


def survival(
    table: pd.DataFrame,
    time: str,
    event: str,
    group: str,
    *,
    unit: str | None = "animal",
    n_permutations: int = 9999,
    seed: int = 0,
) -> Survival:
    """Compare latencies between groups.

    Parameters
    ----------
    table : DataFrame
        One row per animal. Latencies can not be averaged over recordings: choose one per animal.
    time : str
        Column of the latency in s, or of the session's length where it did not happen.
    event : str
        Column that is true (1) where it happened, false (0) where the session ended first.
    group, unit : str
        Columns of group and animal; ``unit=None`` skips the check for repeated animals.
    n_permutations, seed : int
        Permutation test of the log-rank statistic.

    Raises
    ------
    DataError
        Missing columns, negative latencies, repeated animals, fewer than two groups.
    """
    from scipy.stats import chi2

    time_s, happened, codes, groups = _checked(table, time, event, group, unit)
    parts = _score_parts(time_s, happened)
    rng = np.random.default_rng(seed)
    statistic = float(_chi2(*parts, codes[None])[0])
    null = _chi2(*parts, codes[np.argsort(rng.random((n_permutations, codes.size)), axis=1)])
    p = float(rank_p(np.count_nonzero(null >= statistic * (1 - 1e-9)), n_permutations))
    horizon = min(float(time_s[codes == k].max()) for k in range(len(groups)))
    curves, rows = [], []
    for k, name in enumerate(groups):
        own = codes == k
        curve = kaplan_meier(time_s[own], happened[own])
        curves.append(curve.assign(group=name))
        below = curve.loc[curve["survival"] <= 0.5, "time_s"]
        rows.append(
            {
                "n": int(own.sum()),
                "events": int(happened[own].sum()),
                "censored": int((~happened[own]).sum()),
                "median_s": float(below.min()) if below.size else np.nan,
                "rmst_s": _area(curve, horizon),
            }
        )
    pairs = _pairs(time_s, happened, codes, groups) if len(groups) > 2 else pd.DataFrame()
    return Survival(
        pd.concat(curves, ignore_index=True),
        pd.DataFrame(rows, index=pd.Index(groups, name="group")),
        statistic,
        p,
        float(chi2.sf(statistic, len(groups) - 1)),
        pairs,
        horizon,
    )


def _checked(
    table: pd.DataFrame, time: str, event: str, group: str, unit: str | None
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64], list[str]]:
    faults = Faults(f"latencies '{time}'")
    for column in [time, event, group] + ([unit] if unit else []):
        if column not in table:
            faults.add(f"no column '{column}'", todo=did_you_mean(column, map(str, table.columns)))
    faults.raise_if_any()
    rows = table.dropna(subset=[time, event, group])
    latency = pd.to_numeric(rows[time], errors="coerce").to_numpy(np.float64)
    if not (np.isfinite(latency).all() and (latency >= 0).all()):
        faults.add(
            "latencies must be numbers >= 0",
            got=f"{int((~(latency >= 0)).sum())} others",
            todo="give the session's length and event = 0 where it did not happen",
        )
    if unit and rows[unit].duplicated().any():
        faults.add(
            "animals occur more than once",
            got=str(rows.loc[rows[unit].duplicated(), unit].iloc[0]),
            todo="keep one recording per animal",
        )
    if not rows[event].isin([0, 1, True, False]).all():
        faults.add(f"'{event}' must be 0 or 1", got=str(rows[event].unique()[:5]))
    groups = [str(g) for g in rows[group].unique()]
    if len(groups) < 2:
        faults.add("too few groups", expected="at least 2", got=", ".join(groups) or "none")
    faults.raise_if_any()
    codes = rows[group].astype(str).map({g: i for i, g in enumerate(groups)}).to_numpy(np.int64)
    return latency, rows[event].to_numpy().astype(bool), codes, groups


def _area(curve: pd.DataFrame, horizon: float) -> float:
    """Area under the survival curve up to the horizon: restricted mean latency, s."""
    at = np.concatenate([[0.0], np.minimum(curve["time_s"], horizon), [horizon]])
    height = np.concatenate([[1.0], curve["survival"]])
    return float((np.diff(at) * height).sum())


def _pairs(time_s: Floats, happened: NDArray[np.bool_], codes: NDArray[np.int64], groups: list[str]) -> pd.DataFrame:
    from scipy.stats import chi2

    rows = []
    for i, j in combinations(range(len(groups)), 2):
        own = (codes == i) | (codes == j)
        stat = logrank(time_s[own], happened[own], (codes[own] == j).astype(int))
        rows.append({"first": groups[i], "second": groups[j], "p": float(chi2.sf(stat, 1))})
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))
