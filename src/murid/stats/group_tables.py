"""Tables of comparisons between groups, as runs keep them: what `Comparison.row` and `Survival.row` give."""

from __future__ import annotations

from murid.data.tables import Table, TableColumn, count_column, flag_column, number_column, text_column

#: Difference and effect, as a comparison and a pair of groups have them.
_ESTIMATES: dict[str, TableColumn] = {
    "difference": number_column(why="second minus first group, in the unit of the measure"),
    "difference_low": number_column(why="lower end of its interval"),
    "difference_high": number_column(why="upper end of its interval"),
    "effect_name": text_column(why="which effect size"),
    "effect": number_column(why="effect size"),
    "effect_low": number_column(why="lower end of its interval"),
    "effect_high": number_column(why="upper end of its interval"),
}
_TESTS: dict[str, TableColumn] = {
    "test": text_column(),
    "statistic": number_column(),
    "p": number_column(low=0, high=1),
    "q": number_column(low=0, high=1, why="p corrected together with the other measures (Benjamini-Hochberg)"),
    "p_floor": number_column(low=0, high=1, why="the smallest p that the test can give"),
}
_DESIGN: dict[str, TableColumn] = {
    "groups": text_column(why="in order; the first is what zero of a difference stands for"),
    "paired": flag_column(),
    "unit_of_analysis": text_column(why="what a value belongs to: animal, pair, set"),
    "covariates": text_column(why="what the numbers are adjusted for"),
    "left_out": text_column(why="groups that are too small, and their size"),
    "level": number_column(low=0, high=1, why="confidence level of the intervals"),
    "notes": text_column(),
}
_OF_GROUPS = number_column(why="n, mean and SD of every group: n_GROUP, mean_GROUP, sd_GROUP")

COMPARISON = Table(
    "comparison",
    {"measure": text_column(), **_ESTIMATES, **_TESTS, **_DESIGN},
    "One row a measure that was compared between groups.",
    measures=_OF_GROUPS,
    measures_after="measure",
)
DESCRIBED = Table(
    "described",
    {"measure": text_column(), **_ESTIMATES, **_DESIGN},
    "One row a measure that is described and not tested.",
    measures=_OF_GROUPS,
    measures_after="measure",
)
PAIRWISE = Table(
    "pairwise",
    {
        "measure": text_column(),
        "first": text_column(),
        "second": text_column(),
        **{name: column for name, column in _ESTIMATES.items() if name != "effect_name"},
        "p": number_column(low=0, high=1),
        "p_holm": number_column(low=0, high=1, why="corrected for the pairs of a measure (Holm)"),
    },
    "One row a measure and pair of groups, where there are more than two.",
)
LATENCIES = Table(
    "latencies",
    {
        "measure": text_column(),
        "statistic": number_column(why="log-rank"),
        "p": number_column(low=0, high=1),
        "q": number_column(low=0, high=1, why="corrected together with the other measures", optional=True),
        "groups": text_column(),
        "horizon_s": number_column("horizon", unit="s", low=0, why="all groups were watched at least this long"),
        "pairs_p_holm": text_column(why="p of every pair of groups (Holm)"),
        "n_missing": count_column(why="animals without a latency"),
        "n_no_group": count_column(why="animals without a group"),
    },
    "One row a latency that some animals never reached, compared by its survival.",
    measures=number_column(why="n, events, median and mean of every group: n_GROUP, events_GROUP, median_s_GROUP"),
    measures_after="measure",
)
TABLES = (COMPARISON, DESCRIBED, PAIRWISE, LATENCIES)
