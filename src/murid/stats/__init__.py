"""Group statistics with the animal as the unit.

==============  ===========================================================================
`compare`       two or more groups, paired or not, with covariates: permutation test, effect size, sentence
`compare_many`  several measures at once, Benjamini–Hochberg over them
`compare_survival`      latencies that may be censored: Kaplan–Meier, log-rank
`fit_mixed_model`         repeated measures: linear mixed model with its convergence surfaced, and a permutation test
`comparison_statements`    sentences and their fields from a stored table of comparisons
==============  ===========================================================================
"""

from __future__ import annotations

from murid.stats.comparison import CompareParams, Comparison, compare, compare_many, compare_tables
from murid.stats.effects import hedges_g, paired_effects
from murid.stats.mixed import MixedResult, fit_mixed_model
from murid.stats.statements import GroupPair, LatencyStatement, Statement, comparison_statements, latency_statements
from murid.stats.survival import Survival, compare_survival, kaplan_meier
from murid.stats.units import by_unit

__all__ = [
    "CompareParams",
    "Comparison",
    "LatencyStatement",
    "MixedResult",
    "GroupPair",
    "Statement",
    "Survival",
    "by_unit",
    "compare",
    "compare_many",
    "compare_tables",
    "hedges_g",
    "kaplan_meier",
    "latency_statements",
    "fit_mixed_model",
    "paired_effects",
    "comparison_statements",
    "compare_survival",
]
