"""Group statistics with the animal as the unit.

==============  ===========================================================================
`compare`       two or more groups, paired or not, with covariates: permutation test, effect size, sentence
`compare_many`  several measures at once, Benjamini–Hochberg over them
`survival`      latencies that may be censored: Kaplan–Meier, log-rank
`mixed`         repeated measures: linear mixed model with its convergence surfaced, and a permutation test
`statements`    sentences and their fields from a stored table of comparisons
==============  ===========================================================================
"""

from __future__ import annotations

from murid.stats.compare import CompareParams, Comparison, compare, compare_many, compare_tables
from murid.stats.effects import hedges_g, paired_effects
from murid.stats.mixed import MixedResult, mixed
from murid.stats.statements import GroupPair, LatencyStatement, Statement, latency_statements, statements
from murid.stats.survival import Survival, kaplan_meier, survival
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
    "mixed",
    "paired_effects",
    "statements",
    "survival",
]
