"""False positives of every test of `murid.stats`, and coverage of its intervals, by simulation.

``python benchmarks/error_rates.py [--simulations 1000] [--quick]``

Nothing differs between groups where false positives are counted; p ≤ 0.05 counts. Coverage is that of
95 % intervals of a true difference. With ``--quick`` 150 simulations a cell, for a look.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from murid.stats import CompareParams, compare, compare_survival, fit_mixed_model
from murid.stats.effects import hedges_interval, paired_effect_interval, paired_interval, welch_interval
from murid.stats.linear import Design, adjusted_difference, adjusted_effect
from murid.stats.permutation import f_test, flip_residuals, sign_flip, two_groups, within_units
from murid.stats.repeated import permuted

Rng = np.random.Generator
Check = Callable[[Rng], Iterable[float]]

#: Enough to tell p ≤ 0.05; the permutation's own noise adds nothing to the rate (p counts the data themselves).
FEW = {"n_permutations": 399}
#: A true difference of one SD, for effect sizes.
DELTA = 1.0


def draw(kind: str, n: int, rng: Rng, sd: float = 1.0) -> np.ndarray:
    """Values of mean 0: normal of a given SD, or log-normal (SD of the logarithm 1) around their mean."""
    if kind == "log-normal":
        return sd * (np.exp(rng.normal(0, 1, n)) - np.exp(0.5))
    return rng.normal(0, sd, n)


def sd_of(kind: str) -> float:
    """True SD of `draw`."""
    return float(np.sqrt((np.e - 1) * np.e)) if kind == "log-normal" else 1.0


# Coverage --------------------------------------------------------------------------------------


def difference(kind: str, n: int, m: int, sd: float) -> Check:
    """Whether Welch's interval holds the true difference 0."""

    def check(rng: Rng) -> list[float]:
        low, high = welch_interval(draw(kind, n, rng, sd), draw(kind, m, rng))
        return [low <= 0 <= high]

    return check


def paired_difference(kind: str, n: int) -> Check:
    """Whether the interval of the paired difference holds 0; correlation 0.5."""

    def check(rng: Rng) -> list[float]:
        own = draw(kind, n, rng)
        a, b = own + draw(kind, n, rng), own + draw(kind, n, rng)
        low, high = paired_interval(a, b)
        effect = paired_effect_interval(a, b)
        return [low <= 0 <= high, effect[0] <= 0 <= effect[1]]

    return check


def effect(kind: str, n: int, delta: float) -> Check:
    """Whether the interval of Hedges g holds the true standardised difference."""

    def check(rng: Rng) -> list[float]:
        a, b = draw(kind, n, rng), draw(kind, n, rng) + delta * sd_of(kind)
        low, high = hedges_interval(a, b)
        return [low <= delta <= high]

    return check


def adjusted(n: int, sd: float = 1.0, m: int | None = None) -> Check:
    """Whether the covariate-adjusted intervals of difference and effect hold the truth; covariate tied to group."""

    def check(rng: Rng) -> list[float]:
        group = np.repeat([0.0, 1.0], [n, m or n])
        weight = rng.normal(0, 1, group.size) + 0.5 * group
        y = weight + DELTA * group + np.where(group == 0, sd, 1.0) * rng.normal(0, 1, group.size)
        design = Design(group[:, None], np.column_stack([np.ones(group.size), weight]))
        low, high = adjusted_difference(y, design, 0.95).interval
        g_low, g_high = adjusted_effect(y, design, 0.95).interval
        true = DELTA / np.sqrt(2.0)  # SD within groups: weight and noise, 1 each
        return [low <= DELTA <= high, g_low <= true <= g_high]

    return check


# False positives ------------------------------------------------------------------------------


def two(kind: str, n: int, m: int, sd: float) -> Check:
    """Two groups, labels permuted."""
    return lambda rng: [two_groups(draw(kind, n, rng, sd), draw(kind, m, rng), exact_up_to=1000, **FEW).p <= 0.05]


def paired(kind: str, n: int) -> Check:
    """Signs flipped."""
    return lambda rng: [sign_flip(draw(kind, n, rng) - draw(kind, n, rng), exact_up_to=1000, **FEW).p <= 0.05]


def ties(n: int) -> Check:
    """Counts with many ties."""
    return lambda rng: [two_groups(rng.poisson(1, n), rng.poisson(1, n), exact_up_to=1000, **FEW).p <= 0.05]


def many(sizes: tuple[int, ...], sds: tuple[float, ...], *, ranks: bool = False) -> Check:
    """Three groups, F (or H)."""

    def check(rng: Rng) -> list[float]:
        values = np.concatenate([rng.normal(0, sd, n) for n, sd in zip(sizes, sds, strict=True)])
        return [f_test(values, np.repeat(np.arange(len(sizes)), sizes), ranks=ranks, **FEW).p <= 0.05]

    return check


def conditions(n: int) -> Check:
    """Three conditions of the same units."""
    return lambda rng: [within_units(rng.normal(0, 1, (n, 3)) + rng.normal(0, 2, (n, 1)), **FEW).p <= 0.05]


def covariate(sizes: tuple[int, ...], sds: tuple[float, ...]) -> Check:
    """Signs of residuals flipped; the covariate differs between groups and matters."""

    def check(rng: Rng) -> list[float]:
        group = np.repeat(np.arange(len(sizes)), sizes)
        weight = rng.normal(0, 1, group.size) + 0.5 * group
        y = 2 * weight + np.repeat(sds, sizes) * rng.normal(0, 1, group.size)
        dummies = (group[:, None] == np.arange(1, len(sizes))).astype(float)
        return [flip_residuals(y, dummies, np.column_stack([np.ones(group.size), weight]), **FEW).p <= 0.05]

    return check


def latencies(groups: int, n: int) -> Check:
    """Log-rank, a third censored; the second number is any pair after Holm."""

    def check(rng: Rng) -> list[float]:
        t = rng.exponential(50, groups * n)
        table = pd.DataFrame(
            {"animal": range(t.size), "group": np.repeat(list("abcd")[:groups], n), "t": np.minimum(t, 55), "e": t < 55}
        )
        result = compare_survival(table, "t", "e", "group", n_permutations=199)
        return [result.p <= 0.05, *([float((result.pairwise["p_holm"] <= 0.05).any())] if groups > 2 else [])]

    return check


def repeated(rng: Rng, n: int, *, slope_sd: float = 0.0, days: int = 4, missing: bool = False) -> pd.DataFrame:
    """Rows of two groups without any difference, which change with the days alike."""
    animal, day = np.divmod(np.arange(2 * n * days), days)
    level, slope = rng.normal(0, 1, 2 * n), rng.normal(0.3, slope_sd, 2 * n)
    table = pd.DataFrame({"animal": animal, "group": np.where(animal >= n, "b", "a"), "day": day})
    table["v"] = level[animal] + slope[animal] * day + rng.normal(0, 0.5, len(table))
    return table[~((table["group"] == "b") & (table["day"] == days - 1))] if missing else table


def model(n: int, *, slope_sd: float, text: bool = False, missing: bool = False) -> Check:
    """Mixed model: group, and group × day."""

    def check(rng: Rng) -> list[float]:
        table = repeated(rng, n, slope_sd=slope_sd, missing=missing)
        if text:
            table["day"] = "day " + table["day"].astype(str)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            terms = fit_mixed_model(table, "v", "group", "day", n_permutations=9).terms
        return [terms.loc["group", "p"] <= 0.05, terms.loc["group:day", "p"] <= 0.05]

    return check


def whole_animals(n: int, *, slope_sd: float, text: bool = False, missing: bool = False) -> Check:
    """Permutation beside the mixed model: group, and group × day."""

    def check(rng: Rng) -> list[float]:
        rows = repeated(rng, n, slope_sd=slope_sd, missing=missing)
        rows = rows.rename(columns={"animal": "unit", "day": "time", "v": "value"})
        if text:
            rows["time"] = "day " + rows["time"].astype(str)
        p = permuted(rows, ("a", "b"), (), n_permutations=199, seed=0)["p"]
        return [p[0] <= 0.05, p[1] <= 0.05]

    return check


def litters(n_litters: int) -> Check:
    """Whole litters are treated; the litter is the unit of analysis."""

    def check(rng: Rng) -> list[float]:
        litter = rng.normal(0, 1, 2 * n_litters)
        means = litter + rng.normal(0, 1, (4, 2 * n_litters)).mean(0)
        return [two_groups(means[:n_litters], means[n_litters:], exact_up_to=1000, **FEW).p <= 0.05]

    return check


# Conditions of real studies ---------------------------------------------------------------------

Run = Callable[[Rng], Iterable[float]]
#: Numbers of animals of two groups, and of three.
SIZES = {"plain": (8, 8, 8), "unequal": (6, 18, 12), "litters": (24, 24, 24)}


def study(rng: Rng, condition: str, groups: int, *, days: int = 4) -> pd.DataFrame:
    """One row an animal and day of groups that do not differ; all change over the days alike.

    Animals differ in level (SD 1) and in slope (SD .3). *litters*: four animals a litter, one treatment a litter,
    SD between litters 1. *ties*: counts. *missing*: a tenth of the rows, two days in a row. *drift*: the values
    change over the days by 2 SD. *one day*: the second group lacks the last day.
    """
    sizes = SIZES.get(condition, SIZES["plain"])[:groups]
    n = sum(sizes)
    animal, day = np.divmod(np.arange(n * days), days)
    name = np.repeat(list("abc")[:groups], sizes)
    level, slope = rng.normal(0, 1, n), rng.normal(0.7 if condition == "drift" else 0.1, 0.3, n)
    if condition == "litters":
        level += rng.normal(0, 1, -(-n // 4))[np.arange(n) // 4]
    # Counts are tested as they are, without the covariate: it must not differ between groups there.
    weight = rng.normal(0, 1, n) + 0.5 * (name == "b") * (condition != "ties")
    y = level[animal] + weight[animal] + slope[animal] * day + rng.normal(0, 0.7, animal.size)
    if condition == "ties":
        y = rng.poisson(np.exp(np.clip(0.3 * y, -2, 2))).astype(float)
    made = pd.DataFrame({"animal": animal, "group": name[animal], "day": day, "weight": weight[animal], "v": y})
    made["litter"] = made["animal"] // 4
    if condition == "missing":
        lost = rng.random((n, days // 2)) < 0.1
        made = made[~lost[animal, day // 2]]
    if condition == "one day":
        made = made[~((made["group"] == "b") & (made["day"] == days - 1))]
    return made


def compared(condition: str, groups: int, **options: object) -> Run:
    """`compare` of animals (of litters, where these are treated)."""

    def run(rng: Rng) -> list[float]:
        rows = study(rng, condition, groups)
        if "covariates" not in options:
            rows["v"] -= rows["weight"] * (condition != "ties")
        unit = "litter" if condition == "litters" else "animal"
        return [compare(rows, "v", "group", unit=unit, n_permutations=999, exact_up_to=1000, **options).p]

    return run


def within(condition: str, drugs: int) -> Run:
    """Each of 10 animals (20 of 10 litters) gets every drug, in three recordings; animals respond differently (SD 1).

    *unequal*: one to five recordings; *missing*: a tenth of them; *litters*: animals of a litter respond alike.
    """

    def run(rng: Rng) -> list[float]:
        n, times = 20 if condition == "litters" else 10, 3
        response = rng.normal(0, 1, (n, drugs))
        if condition == "litters":
            response = 0.7 * response + 0.7 * rng.normal(0, 1, (10, drugs))[np.arange(n) // 2]
        animal, drug, _ = (v.ravel() for v in np.indices((n, drugs, times)))
        y = rng.normal(0, 2, n)[animal] + response[animal, drug] + rng.normal(0, 1, animal.size)
        if condition == "drift":
            y = y + 1.5 * (rng.permuted(np.tile(np.arange(drugs), (n, 1)), axis=1)[animal, drug])
        if condition == "ties":
            y = rng.poisson(np.exp(np.clip(0.3 * y, -2, 2))).astype(float)
        rows = pd.DataFrame({"animal": animal, "group": np.array(list("abc"))[drug], "v": y})
        if condition == "missing":
            rows = rows[rng.random(len(rows)) > 0.1]
        if condition == "unequal":
            rows = rows.iloc[np.repeat(np.arange(len(rows)), rng.integers(0, 3, len(rows)))]
            rows["v"] += rng.normal(0, 1, len(rows))
        if condition == "one day":
            rows = rows[~((rows["animal"] < 2) & (rows["group"] == "b"))]
        unit = "litter" if condition == "litters" else "animal"
        rows["litter"] = rows["animal"] // 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [compare(rows, "v", "group", unit=unit, paired=True, n_permutations=999).p]

    return run


def entered(condition: str, groups: int) -> Run:
    """Latencies, about a third censored; *missing*: watched for less; *ties*: whole tens of seconds."""

    def run(rng: Rng) -> list[float]:
        sizes = SIZES.get(condition, SIZES["plain"])[:groups]
        name = np.repeat(list("abc")[:groups], sizes)
        t = rng.exponential(50, name.size)
        if condition == "ties":
            t = np.ceil(t / 20) * 20
        limit = np.where(rng.random(name.size) < 0.3, 30.0, 55.0) if condition == "missing" else 55.0
        rows = pd.DataFrame({"animal": range(t.size), "group": name, "t": np.minimum(t, limit), "e": t < limit})
        return [compare_survival(rows, "t", "e", "group", n_permutations=399).p]

    return run


def over_days(condition: str, *, permutation: bool) -> Run:
    """Group and group × time of the mixed model, or of the permutation of whole animals beside it."""

    def run(rng: Rng) -> list[float]:
        rows = study(rng, condition, 2)
        rows["v"] -= rows["weight"] * (condition != "ties")
        unit = "litter" if condition == "litters" else "animal"
        if permutation:
            rows = rows.groupby([unit, "group", "day"], as_index=False)["v"].mean()
            rows = rows.rename(columns={unit: "unit", "day": "time", "v": "value"})
            return list(permuted(rows, ("a", "b"), (), n_permutations=399, seed=0)["p"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fit_mixed_model(rows, "v", "group", "day", unit=unit, n_permutations=9)
        return list(found.terms.loc[["group", "group:day"], "p"]) if found.trustworthy else [np.nan] * 2

    return run


def condition_cells() -> dict[tuple[str, str], Run]:
    """(test, condition) → run, for the table of `benchmarks.false_positives`; "a / b" where a run gives two tests."""
    cells: dict[tuple[str, str], Run] = {}
    usual = ("plain", "missing", "drift", "unequal", "one day", "litters", "ties")
    for condition in usual:
        days = condition != "one day"
        if days:
            cells["two groups", condition] = compared(condition, 2)
            cells["three groups, F", condition] = compared(condition, 3)
            cells["three groups, H", condition] = compared(condition, 3, ranks=True)
        if condition not in ("litters", "one day", "ties"):
            cells["two groups, covariate", condition] = compared(condition, 2, covariates=["weight"])
            cells["three groups, covariate", condition] = compared(condition, 3, covariates=["weight"])
        cells["two drugs, each animal gets both", condition] = within(condition, 2)
        cells["three doses, each animal gets all", condition] = within(condition, 3)
        if condition in ("plain", "missing", "unequal", "ties"):
            cells["latencies, two groups", condition] = entered(condition, 2)
            cells["latencies, three groups", condition] = entered(condition, 3)
    for condition in ("plain", "missing", "drift", "unequal", "one day", "ties", "litters"):
        cells["mixed model, group / mixed model, group × time", condition] = over_days(condition, permutation=False)
        cells["whole animals permuted, group / whole animals permuted, group × time", condition] = over_days(
            condition, permutation=True
        )
    return cells


def coverage_cells() -> dict[str, tuple[Check, tuple[str, ...], float]]:
    """Cells of the table of coverage: check, names of its numbers, share of the simulations to run."""
    cells: dict[str, tuple[Check, tuple[str, ...], float]] = {}
    for kind in ("normal", "log-normal"):
        for n in (4, 6, 8, 12):
            cells[f"mean difference, {kind}, n = {n} v {n}"] = (difference(kind, n, n, 1), ("interval",), 2)
    for n, m in ((6, 6), (6, 12), (12, 6)):
        cells[f"mean difference, normal, SD 3 v 1, n = {n} v {m}"] = (difference("normal", n, m, 3), ("interval",), 2)
    cells["mean difference, log-normal, scale 3 v 1, n = 12 v 12"] = (
        difference("log-normal", 12, 12, 3),
        ("interval",),
        2,
    )
    for n in (4, 6, 12):
        cells[f"paired difference, normal, n = {n}"] = (paired_difference("normal", n), ("interval", "g_av"), 2)
    for kind in ("normal", "log-normal"):
        for n in (5, 6, 8, 12):
            cells[f"Hedges g, {kind}, true 1, n = {n} v {n}"] = (effect(kind, n, 1.0), ("interval",), 2)
    for n in (5, 8, 12):
        cells[f"adjusted for a covariate, n = {n} v {n}"] = (adjusted(n), ("difference", "g"), 1)
    cells["adjusted for a covariate, SD 3 v 1, n = 6 v 12"] = (adjusted(6, 3.0, 12), ("difference", ""), 1)
    return cells


def error_cells() -> dict[str, tuple[Check, tuple[str, ...], float]]:
    """Cells of the table of false positives."""
    terms = ("group", "group × day")
    cells: dict[str, tuple[Check, tuple[str, ...], float]] = {
        "two groups, normal, n = 6 v 6": (two("normal", 6, 6, 1), ("p",), 1),
        "two groups, log-normal, n = 6 v 12": (two("log-normal", 6, 12, 1), ("p",), 1),
        "two groups, SD 3 v 1, n = 6 v 18": (two("normal", 6, 18, 3), ("p",), 1),
        "two groups, counts with ties, n = 8 v 8": (ties(8), ("p",), 1),
        "litters as units, 5 v 5": (litters(5), ("p",), 1),
        "paired, normal, n = 8": (paired("normal", 8), ("p",), 1),
        "three conditions of the same animals, n = 8": (conditions(8), ("p",), 1),
        "three groups, n = 8": (many((8, 8, 8), (1, 1, 1)), ("p",), 1),
        "three groups, SD 3, 1, 1, n = 6, 12, 18": (many((6, 12, 18), (3, 1, 1)), ("p",), 1),
        "three groups, SD 1, 1, 3, n = 6, 12, 18": (many((6, 12, 18), (1, 1, 3)), ("p",), 1),
        "three groups, H, n = 8": (many((8, 8, 8), (1, 1, 1), ranks=True), ("p",), 1),
        "covariate, n = 6 v 6": (covariate((6, 6), (1, 1)), ("p",), 1),
        "covariate, SD 3 v 1, n = 6 v 18": (covariate((6, 18), (3, 1)), ("p",), 1),
        "covariate, three groups, SD 3, 1, 1, n = 6, 12, 18": (covariate((6, 12, 18), (3, 1, 1)), ("p",), 1),
        "latencies, two groups, n = 8": (latencies(2, 8), ("p",), 0.5),
        "latencies, three groups, n = 8": (latencies(3, 8), ("p", "any pair (Holm)"), 0.5),
    }
    for n in (6, 10):
        for label, slope in (("animals alike in slope", 0.0), ("animals differ in slope", 0.5)):
            cells[f"mixed model, {label}, n = {n}"] = (model(n, slope_sd=slope), terms, 0.4)
    cells["mixed model, one group lacks a day, n = 10"] = (model(10, slope_sd=0.3, missing=True), terms, 0.4)
    cells["mixed model, days as text, animals differ in slope, n = 10"] = (
        model(10, slope_sd=0.5, text=True),
        terms,
        0.4,
    )
    for label, options in (
        ("animals differ in slope", {"slope_sd": 0.5}),
        ("one group lacks a day", {"slope_sd": 0.3, "missing": True}),
        ("days as text", {"slope_sd": 0.5, "text": True}),
    ):
        cells[f"whole animals permuted, {label}, n = 6"] = (whole_animals(6, **options), terms, 0.5)
    return cells


def rates(cells: dict[str, tuple[Check, tuple[str, ...], float]], simulations: int, seed: int = 0) -> pd.DataFrame:
    """Run every cell; one row a number: ``cell, number, rate, simulations``."""
    rows = []
    for k, (name, (check, names, share)) in enumerate(cells.items()):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(k,)))
        n = max(round(simulations * share), 20)
        mean = np.mean([list(check(rng)) for _ in range(n)], axis=0)
        rows += [(name, number, float(rate), n) for number, rate in zip(names, mean, strict=True) if number]
        print(f"{name}: {', '.join(f'{r:.3f}' for r in mean)} ({n})", flush=True)
    return pd.DataFrame(rows, columns=["cell", "number", "rate", "simulations"])


def main() -> None:
    """Print both tables; write them as CSV where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    n = 150 if options.quick else options.simulations
    print(f"level of significance 0.05, {CompareParams().level:g} intervals")
    tables = [rates(coverage_cells(), n).assign(table="coverage"), rates(error_cells(), n).assign(table="errors")]
    if options.csv:
        pd.concat(tables).to_csv(options.csv, index=False)


if __name__ == "__main__":
    main()
