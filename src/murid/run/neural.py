"""Which units care about which behaviours, recording by recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from murid.data.labels import LabelChoice
from murid.data.study import Study
from murid.run.analysis import FROM_LABELS, run_analysis
from murid.run.runs import Run


def run_neural(
    study: Study,
    states_from: str | Path = FROM_LABELS,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    behaviours: Sequence[str] | None = None,
    individual: str | None = None,
    rater: str | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Test every unit of every recording for tuning to every behaviour.

    Parameters
    ----------
    study : Study
    states_from : str or Path
        ``"labels"``, or a fitted model (by name or folder).
    params : mapping, optional
        Parameters of `murid.neural.compute_tuning`.
    ids : sequence of str, optional
        Recordings; all that have traces or spikes, and what `states_from` needs, by default.
    behaviours : sequence of str, optional
        Behaviours to test; all by default.
    individual : str, optional
        Whose behaviour, when there are several animals.
    rater : str, optional
        Whose labels, when there are several raters.
    seed, workers
        As for `run_analysis`.

    Returns
    -------
    Run
        Table ``tuning``: one row per recording, unit and behaviour, with effect size, p against the shift
        null, ``q`` within the recording and ``q_all`` over all recordings. Table ``tuned``: number of
        units tested, excited and suppressed by behaviour. Summary: counts.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.run_neural(murid.open_study("mice"))
    >>> run.tables["tuning"]["unit"].nunique()
    2
    """
    choice = LabelChoice(tuple(behaviours) if behaviours is not None else None, rater=rater)
    return run_analysis(
        study,
        "tuning",
        params,
        ids,
        states_from=states_from,
        labels=choice,
        individual=individual,
        seed=seed,
        workers=workers,
    )
