"""Run a paradigm on the recordings of a study, and compare the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from murid.data.analysis import find_analysis
from murid.data.errors import did_you_mean, fail
from murid.data.registry import BUILT_IN
from murid.data.study import Study
from murid.run.analysis import run_analysis
from murid.run.runs import Run


def run_assay(
    study: Study,
    name: str = "open_field",
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    compare: str | None = "group",
    measures: Sequence[str] | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Measure what a paradigm measures, recording by recording.

    Parameters
    ----------
    study : Study
    name : str
        Paradigm: ``"open_field"`` …
    params : mapping, optional
        Its parameters, see ``murid assay STUDY NAME --params``.
    ids, compare, measures, seed, workers
        As for `run_analysis`.

    Returns
    -------
    Run
        Tables: ``measures`` (long, with units and definitions), ``animals`` (one row per recording and
        individual), ``visits``, ``comparison`` (one row a measure: effect size, interval, p, q), ``latencies``
        (those that are censored somewhere, by survival). Summary: recordings, conventions, measures that
        differ.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.run_assay(murid.open_study("mice"), "open_field", {"arena_cm": (40,)})
    >>> len(run.tables["animals"])
    4
    """
    require_family(name, "assay")
    return run_analysis(study, name, params, ids, compare=compare, measures=measures, seed=seed, workers=workers)


def require_family(name: str, family: str) -> None:
    """Refuse the name of an analysis that is no paradigm (or no neural analysis)."""
    if find_analysis(name).family != family:
        known = [other for other, (_, of, _) in BUILT_IN.items() if of == family]
        fail(family, f"'{name}' is not one of them", todo=did_you_mean(name, known))
