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
from murid.data.reserved_names import group_column
from murid.stats.statements import LatencyStatement, one_cell
from murid.stats.units import group_names
from murid.stats.wording import ALPHA

Floats = NDArray[np.float64]
#: A survival this little above one half is one half: products of exact fractions differ by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class _Latencies:
    """Checked latencies of the units that can be compared, and how many were left out."""

    time_s: Floats
    happened: NDArray[np.bool_]
    codes: NDArray[np.int64]
    groups: tuple[str, ...]
    n_missing: int
    n_no_group: int


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
        ``first, second, statistic, p, p_holm`` for more than two groups: log-rank of the pair, its labels permuted,
        Holm over the pairs. Report ``p_holm``: 14 % of studies without any difference have a pair with p ≤ 0.05.
    horizon_s : float
        Longest time up to which the curve of every group is known.
    n_missing, n_no_group : int
        Units without a latency (or without knowing whether it happened) and units without a group, left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.stats import compare_survival
    >>> rows = pd.DataFrame({"animal": range(6), "group": list("aaabbb"), "s": [1.0, 2, 6, 2, 4, 6], "happened": 1})
    >>> compare_survival(rows, "s", "happened", "group").summary["median_s"].tolist()
    [2.0, 4.0]
    """

    curves: pd.DataFrame
    summary: pd.DataFrame
    statistic: float
    p: float
    p_asymptotic: float
    pairwise: pd.DataFrame
    horizon_s: float
    n_missing: int = 0
    n_no_group: int = 0

    def statement(
        self, measure: str = "latency", q: float = float("nan"), noun: str = "animal", alpha: float = ALPHA
    ) -> LatencyStatement:
        """Return the fields that sentences are made from.

        Parameters
        ----------
        measure : str
            Readable name of the latency.
        q : float
            p corrected together with other measures.
        noun : str
            What the unit of analysis is called.
        alpha : float
            q (p where nothing was corrected for) up to which a difference counts as shown.
        """
        by_group = self.summary.to_dict("index")
        groups = tuple(str(g) for g in by_group)
        pairs = [(str(r["first"]), str(r["second"]), float(r["p_holm"])) for r in self.pairwise.to_dict("records")]
        return LatencyStatement(
            measure=measure,
            groups=groups,
            n={g: int(by_group[g]["n"]) for g in groups},
            events={g: int(by_group[g]["events"]) for g in groups},
            median_s={g: float(by_group[g]["median_s"]) for g in groups},
            horizon_s=self.horizon_s,
            p=self.p,
            q=q,
            pairs=tuple(pairs),
            n_missing=self.n_missing,
            n_no_group=self.n_no_group,
            noun=noun,
            alpha=alpha,
        )

    def row(self, measure: str) -> dict[str, float | int | str]:
        """Return one flat row for a table of several latencies; `murid.stats.latency_statements` reads it back."""
        out: dict[str, float | int | str] = {"measure": measure}
        by_group = self.summary.to_dict("index")
        for column in ("n", "events", "median_s", "rmst_s"):
            out |= {group_column(column, str(g)): row[column] for g, row in by_group.items()}
        pairs = [f"{r['first']} and {r['second']}: {r['p_holm']:.6g}" for r in self.pairwise.to_dict("records")]
        return out | {
            "statistic": self.statistic,
            "p": self.p,
            "groups": one_cell(map(str, by_group)),
            "horizon_s": self.horizon_s,
            "pairs_p_holm": one_cell(pairs),
            "n_missing": self.n_missing,
            "n_no_group": self.n_no_group,
        }


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

    Examples
    --------
    >>> kaplan_meier([1.0, 2.0, 3.0, 3.0], [True, True, False, False])["survival"].tolist()
    [0.75, 0.5, 0.5]
    """
    from scipy.stats import CensoredData, ecdf, norm

    time, happened = np.asarray(time_s, np.float64), np.asarray(event, bool)
    survival = ecdf(CensoredData.right_censored(time, ~happened)).sf
    at = survival.quantiles
    risk = (time[None] >= at[:, None]).sum(axis=1)
    events = ((time[None] == at[:, None]) & happened[None]).sum(axis=1)
    s = survival.probabilities
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(np.where(risk > events, events / (risk * (risk - events)), np.inf))
        width = norm.isf(0.025) * np.sqrt(greenwood) / np.abs(np.log(s))
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
    own = np.empty((k, len(groups), len(n)))
    score = np.empty((len(groups), k))
    for g in range(k):
        member = (groups == g).astype(np.float64)
        own[g] = member @ risk.T
        score[:, g] = (member @ died.T - own[g] * (d / n)).sum(axis=1)
    spread = np.empty((len(groups), k - 1, k - 1))
    for g in range(k - 1):
        for h in range(k - 1):
            spread[:, g, h] = own[g] @ (factor * n) * (g == h) - (own[g] * own[h]) @ factor
    solved = np.linalg.pinv(spread, hermitian=True) @ score[:, :-1, None]
    return np.asarray((score[:, :-1] * solved[..., 0]).sum(axis=1), np.float64)


def compare_survival(
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
        One row per animal. Latencies can not be averaged over recordings: choose one per animal. Rows without a
        group or a latency are left out and counted.
    time : str
        Column of the latency in s, or of the session's length where it did not happen.
    event : str
        Column that is true (1) where it happened, false (0) where the session ended first.
    group, unit : str
        Columns of group and animal; ``unit=None`` skips the check for repeated animals.
    n_permutations, seed : int
        Permutation test of the log-rank statistic.

    Returns
    -------
    Survival

    Raises
    ------
    DataError
        Missing columns, negative latencies, repeated animals, fewer than two groups.

    References
    ----------
    Kaplan EL, Meier P (1958) J Am Stat Assoc 53:457. Mantel N (1966) Cancer Chemother Rep 50:163.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"animal": range(12), "group": ["ctrl"] * 6 + ["drug"] * 6, "happened": [1] * 9 + [0] * 3,
    ...                      "latency_s": [5.0, 8, 9, 11, 14, 20, 60, 80, 110, 300, 300, 300]})
    >>> compare_survival(rows, "latency_s", "happened", "group").statement("latency to enter").finding()
    'latency to enter differs: ctrl median 9 s (6 of 6 did), drug median 110 s (3 of 6 did), log-rank p = 0.0024'
    """
    from scipy.stats import chi2

    checked = _checked(table, time, event, group, unit)
    time_s, happened, codes = checked.time_s, checked.happened, checked.codes
    statistic, p = _tested(time_s, happened, codes, n_permutations, seed)
    horizon = _horizon(checked)
    curves, rows = [], []
    for k, name in enumerate(checked.groups):
        own = codes == k
        curve = kaplan_meier(time_s[own], happened[own])
        curves.append(curve.assign(group=name))
        rows.append(
            {
                "n": int(own.sum()),
                "events": int(happened[own].sum()),
                "censored": int((~happened[own]).sum()),
                "median_s": _median(curve),
                "rmst_s": _area(curve, horizon),
            }
        )
    return Survival(
        pd.concat(curves, ignore_index=True),
        pd.DataFrame(rows, index=pd.Index(checked.groups, name="group")),
        statistic,
        p,
        float(chi2.sf(statistic, len(checked.groups) - 1)),
        _pairs(checked, n_permutations, seed) if len(checked.groups) > 2 else pd.DataFrame(),
        horizon,
        checked.n_missing,
        checked.n_no_group,
    )


def _tested(
    time_s: Floats, happened: NDArray[np.bool_], codes: NDArray[np.int64], n_permutations: int, seed: int
) -> tuple[float, float]:
    """Log-rank chi-square and its permutation p."""
    parts = _score_parts(time_s, happened)
    if not happened.any():
        return 0.0, 1.0
    statistic = float(_chi2(*parts, codes[None])[0])
    orders = np.argsort(np.random.default_rng(seed).random((n_permutations, codes.size)), axis=1)
    null = _chi2(*parts, codes[orders])
    return statistic, float(rank_p(np.count_nonzero(null >= statistic * (1 - 1e-9)), n_permutations))


def _horizon(checked: _Latencies) -> float:
    """Longest time up to which every group's curve is known, s.

    A group in which the last animals were censored is known to its longest time; one in which all did it, for ever.
    """
    limits = []
    for k in range(len(checked.groups)):
        own = checked.codes == k
        last = float(checked.time_s[own].max())
        if (~checked.happened[own] & (checked.time_s[own] == last)).any():
            limits.append(last)
    return min(limits) if limits else float(checked.time_s.max())


def _median(curve: pd.DataFrame) -> float:
    """First time at which at least half have done it; NaN when fewer did."""
    below = curve.loc[curve["survival"] <= 0.5 + ROUNDING, "time_s"]
    return float(below.min()) if below.size else float("nan")


def _checked(table: pd.DataFrame, time: str, event: str, group: str, unit: str | None) -> _Latencies:
    faults = Faults(f"latencies '{time}'")
    for column in [time, event, group] + ([unit] if unit else []):
        if column not in table:
            faults.add(f"no column '{column}'", todo=did_you_mean(column, map(str, table.columns)))
    faults.raise_if_any()
    named = group_names(table[group])
    known = table[[time, event]].notna().all(axis=1)
    rows, names = table[known & named.notna()], named[known & named.notna()]
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
    groups = tuple(str(g) for g in names.unique())
    if len(groups) < 2:
        faults.add("too few groups", expected="at least 2", got=", ".join(groups) or "none")
    faults.raise_if_any()
    codes = np.asarray(names.map({g: i for i, g in enumerate(groups)}), np.int64)
    missing, no_group = int((~known).sum()), int((known & named.isna()).sum())
    return _Latencies(latency, rows[event].to_numpy().astype(bool), codes, groups, missing, no_group)


def _area(curve: pd.DataFrame, horizon: float) -> float:
    """Area under the survival curve up to the horizon: restricted mean latency, s."""
    at = np.concatenate([[0.0], np.minimum(curve["time_s"], horizon), [horizon]])
    height = np.concatenate([[1.0], curve["survival"]])
    return float((np.diff(at) * height).sum())


def _pairs(checked: _Latencies, n_permutations: int, seed: int) -> pd.DataFrame:
    """Log-rank of every pair of groups, labels permuted within the pair; Holm over the pairs."""
    rows = []
    for i, j in combinations(range(len(checked.groups)), 2):
        own = (checked.codes == i) | (checked.codes == j)
        member = (checked.codes[own] == j).astype(np.int64)
        statistic, p = _tested(checked.time_s[own], checked.happened[own], member, n_permutations, seed)
        rows.append({"first": checked.groups[i], "second": checked.groups[j], "statistic": statistic, "p": p})
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))
