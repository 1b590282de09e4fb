"""Of several fits from different seeds, the one to report (Weinreb et al. 2024).

A switching model has many optima. The fit is kept whose dynamics best predict what the other fits inferred; how far
the fits agree is part of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from murid.data.errors import fail
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.kappa import expected_marginal_likelihood
from murid.learn.sequences import Arrays


def rank_fits(
    models: Sequence[ArHmm],
    latents: Sequence[Arrays],
    labels: Sequence[np.ndarray],
    *,
    groups: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Compare fits to the same recordings.

    Parameters
    ----------
    models : sequence of ArHmm
        Dynamics of each fit; at least two.
    latents : sequence of lists of (T_i, D) arrays
        What each fit inferred: its latent shape, in one space for all fits; the features themselves for a plain AR-HMM.
    labels : sequence of (n_frames,) int arrays
        Labels that each fit gives, all recordings one after the other; −1 counts as a label of its own.
    groups : sequence of int, optional
        Group of each recording.

    Returns
    -------
    list of dict
        One a fit: ``score`` (expected marginal likelihood, nats a row), ``n_states``, ``ari_with_others`` (mean
        adjusted Rand index) and ``chosen``: true for the highest score, the first one where several are equal.

    Raises
    ------
    DataError
        For fewer than two fits, or other numbers of latents or labels.

    Examples
    --------
    >>> from murid.learn.segment.arhmm_fit import fit_arhmm
    >>> x = np.random.default_rng(0).normal(size=(400, 2)).cumsum(axis=0)
    >>> fits = [fit_arhmm(x, n_states=3, kappa=50, sweeps=0, draws=0, em_iterations=2, seed=s) for s in (0, 1)]
    >>> [row["chosen"] for row in rank_fits(fits, [[x], [x]], [f.predict(x) for f in fits])].count(True)
    1
    """
    from sklearn.metrics import adjusted_rand_score

    if not 2 <= len(models) == len(latents) == len(labels):
        fail(
            "fits",
            "cannot be compared",
            expected="at least two, with a latent and labels each",
            got=f"{len(models)} fits, {len(latents)} latents, {len(labels)} labels",
        )
    scores = expected_marginal_likelihood(models, latents, groups=groups)
    agreement = np.full((len(models), len(models)), np.nan)
    for a, b in combinations(range(len(models)), 2):
        agreement[a, b] = agreement[b, a] = adjusted_rand_score(labels[a], labels[b])
    return [
        {
            "score": float(scores[k]),
            "n_states": model.n_states,
            "ari_with_others": float(np.nanmean(agreement[k])),
            "chosen": bool(k == int(np.argmax(scores))),
        }
        for k, model in enumerate(models)
    ]
