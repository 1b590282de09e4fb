"""Permutation tests: exact when all rearrangements fit, at least 9,999 random ones otherwise.

All take plain arrays (one number a unit) and return `PermutationTest`. Everything is vectorised: one
matrix product evaluates all rearrangements.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.pvalues import rank_p

Floats = NDArray[np.float64]

#: Statistics closer than this share of their size are ties (they differ by rounding only).
RTOL = 1e-9


@dataclass(frozen=True)
class PermutationTest:
    """Outcome.

    Attributes
    ----------
    statistic : float
        Of the data as they are.
    p : float
        Two-sided (or upper, for F).
    n_permutations : int
        Rearrangements used, the data themselves included when exact.
    exact : bool
        All rearrangements were used: p is exact, ``k / n``; else ``(1 + k) / (1 + n)``.
    name : str
        What was permuted and which statistic.
    """

    statistic: float
    p: float
    n_permutations: int
    exact: bool
    name: str

    @property
    def p_floor(self) -> float:
        """Smallest p that this test could have given."""
        return 1.0 / self.n_permutations if self.exact else 1.0 / (self.n_permutations + 1)


def _outcome(null: Floats, observed: float, exact: bool, name: str) -> PermutationTest:
    """Upper-tail p of `observed` in `null`; an exact null holds the observed arrangement itself."""
    tolerance = RTOL * max(abs(observed), 1e-300) if np.isfinite(observed) else 0.0
    k = int(np.count_nonzero(null >= observed - tolerance))
    p = k / null.size if exact else float(rank_p(k, null.size))
    return PermutationTest(float(observed), float(p), int(null.size), exact, name)


def two_groups(
    a: ArrayLike, b: ArrayLike, *, n_permutations: int = 9999, exact_up_to: int = 50_000, seed: int = 0
) -> PermutationTest:
    """Permute group labels; statistic |Welch t|.

    The studentised statistic keeps the error rate when the groups differ in spread and size (Janssen 1997), where
    the plain mean difference does not. The sign of ``statistic`` is that of mean(b) − mean(a).

    Parameters
    ----------
    a, b : array of shape (n_a,), (n_b,)
        One value a unit.
    n_permutations : int
        Random permutations when there are more than `exact_up_to` arrangements.
    exact_up_to : int
        Use all arrangements up to this many (50,000: 9 against 9 units).
    seed : int
        Seed.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    pooled = np.concatenate([a, b])
    n, n_b = pooled.size, b.size
    exact = comb(n, n_b) <= exact_up_to
    if exact:
        index = np.asarray(list(combinations(range(n), n_b)))
    else:
        rng = np.random.default_rng(seed)
        index = np.argsort(rng.random((n_permutations, n)), axis=1)[:, :n_b]
    member = np.zeros((len(index), n))
    np.put_along_axis(member, index, 1.0, axis=1)
    observed = _welch(pooled, np.concatenate([np.zeros(a.size), np.ones(n_b)])[None])[0]
    null = np.abs(_welch(pooled, member))
    test = _outcome(null, abs(observed), exact, "permutation of group labels, Welch t")
    return PermutationTest(float(observed), test.p, test.n_permutations, exact, test.name)


def _welch(x: Floats, member: Floats) -> Floats:
    """Welch t of members minus the others, per row of `member` (row, unit)."""
    n_in = member.sum(axis=1)
    n_out = x.size - n_in
    y = x - x.mean()
    sum_in, square_in = member @ y, member @ y**2
    sum_out, square_out = y.sum() - sum_in, (y**2).sum() - square_in
    mean_in, mean_out = sum_in / n_in, sum_out / n_out
    var_in = np.maximum(square_in - n_in * mean_in**2, 0.0) / np.maximum(n_in - 1, 1)
    var_out = np.maximum(square_out - n_out * mean_out**2, 0.0) / np.maximum(n_out - 1, 1)
    # The tiny floor orders arrangements without any spread by their difference instead of dividing by 0.
    floor = 1e-20 * max(float((y**2).mean()), 1e-300)
    return (mean_in - mean_out) / np.sqrt(var_in / n_in + var_out / n_out + floor)


def sign_flip(
    difference: ArrayLike, *, n_permutations: int = 9999, exact_up_to: int = 50_000, seed: int = 0
) -> PermutationTest:
    """Flip the sign of paired differences; statistic |mean|.

    Parameters
    ----------
    difference : array of shape (n,)
        One difference a unit.
    n_permutations, exact_up_to, seed
        See `two_groups` (exact up to 15 units).
    """
    d = np.asarray(difference, np.float64)
    exact = 2**d.size <= exact_up_to
    if exact:
        signs = 1.0 - 2.0 * ((np.arange(2**d.size)[:, None] >> np.arange(d.size)) & 1)
    else:
        signs = np.random.default_rng(seed).integers(0, 2, size=(n_permutations, d.size)) * 2.0 - 1.0
    test = _outcome(np.abs(signs @ d) / d.size, abs(d.mean()), exact, "sign flips of paired differences, mean")
    return PermutationTest(float(d.mean()), test.p, test.n_permutations, exact, test.name)


def f_test(
    values: ArrayLike, group: ArrayLike, *, ranks: bool = False, n_permutations: int = 9999, seed: int = 0
) -> PermutationTest:
    """Permute group labels; statistic the one-way F, or Kruskal–Wallis H on ranks.

    Parameters
    ----------
    values : array of shape (n,)
    group : int array of shape (n,)
        Group index of each unit.
    ranks : bool
        H instead of F.
    """
    from scipy.stats import rankdata

    y = np.asarray(values, np.float64)
    y = rankdata(y) if ranks else y
    y = y - y.mean()
    group = np.asarray(group)
    k, n = int(group.max()) + 1, y.size
    onehot = (group[:, None] == np.arange(k)).astype(np.float64)
    sizes, total = onehot.sum(axis=0), float((y**2).sum())
    orders = np.argsort(np.random.default_rng(seed).random((n_permutations, n)), axis=1)
    orders = np.concatenate([np.arange(n)[None], orders])
    between = ((y[orders] @ onehot) ** 2 / sizes).sum(axis=1)
    if ranks:
        statistic = between / max(total / (n - 1), 1e-300)
    else:
        within = np.maximum(total - between, 1e-12 * max(total, 1e-300))
        statistic = (between / (k - 1)) / (within / (n - k))
    return _outcome(
        statistic[1:],
        float(statistic[0]),
        False,
        f"permutation of group labels, {'Kruskal-Wallis H' if ranks else 'one-way F'}",
    )


def within_units(matrix: ArrayLike, *, n_permutations: int = 9999, seed: int = 0) -> PermutationTest:
    """Permute conditions within each unit; statistic the repeated-measures F.

    Parameters
    ----------
    matrix : array of shape (unit, condition)
    """
    x = np.asarray(matrix, np.float64)
    x = x - x.mean(axis=1, keepdims=True)  # what does not change under the permutation: each unit's own level
    n, k = x.shape
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((n_permutations, n, k)), axis=2)
    shuffled = np.take_along_axis(np.broadcast_to(x, orders.shape), orders, axis=2)
    total = float((x**2).sum())

    def statistic(means: Floats) -> Floats:
        between = n * (means**2).sum(axis=-1)
        rest = np.maximum(total - between, 1e-12 * max(total, 1e-300))
        return (between / (k - 1)) / (rest / ((n - 1) * (k - 1)))

    return _outcome(
        statistic(shuffled.mean(axis=1)),
        float(statistic(x.mean(axis=0))),
        False,
        "permutation of conditions within units, repeated-measures F",
    )


def freedman_lane(
    values: ArrayLike, design: ArrayLike, nuisance: ArrayLike, *, n_permutations: int = 9999, seed: int = 0
) -> PermutationTest:
    """Test the terms of `design` after `nuisance`, permuting residuals of the reduced model.

    Parameters
    ----------
    values : array of shape (n,)
    design : array of shape (n, p)
        Columns of interest (group dummies), without intercept.
    nuisance : array of shape (n, q)
        Covariates, intercept included.

    References
    ----------
    Freedman D, Lane D (1983) J Bus Econ Stat 1:292. Winkler AM et al. (2014) NeuroImage 92:381.
    """
    y = np.asarray(values, np.float64)
    x, z = np.asarray(design, np.float64), np.asarray(nuisance, np.float64)
    q_reduced = _basis(z)
    q_full = _basis(np.column_stack([z, x]))
    p = q_full.shape[1] - q_reduced.shape[1]
    fitted = q_reduced @ (q_reduced.T @ y)
    residual = y - fitted
    n, rest = y.size, y.size - q_full.shape[1]
    orders = np.argsort(np.random.default_rng(seed).random((n_permutations, n)), axis=1)
    surrogate = np.concatenate([y[None], fitted + residual[orders]])
    total = (surrogate**2).sum(axis=1)
    reduced = np.maximum(total - ((surrogate @ q_reduced) ** 2).sum(axis=1), 0.0)
    full = np.maximum(total - ((surrogate @ q_full) ** 2).sum(axis=1), 1e-14 * total + 1e-300)
    f = ((reduced - full) / max(p, 1)) / (full / max(rest, 1))
    return _outcome(f[1:], float(f[0]), False, "Freedman-Lane permutation of residuals, F")


def _basis(columns: Floats) -> Floats:
    """Orthonormal basis of the column space."""
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    return u[:, s > s.max() * 1e-10]
