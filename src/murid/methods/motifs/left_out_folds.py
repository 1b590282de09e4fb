"""How well an AR-HMM fitted to some animals predicts others, fold by fold, with a stickiness of its own in each.

MoSeq reports the likelihood of left-out recordings beside its fits; here whole animals are left out, so that
recordings of one animal do not vouch for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from murid.data.errors import fail
from murid.data.warning import warn_user
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm

#: Fits an AR-HMM to some tables; their groups, numbered from 0, and what number each of these has among all.
Fit = Callable[[list[np.ndarray], list[int] | None, list[int]], ArHmm]


def left_out_likelihood(
    features: Sequence[np.ndarray],
    animals: Sequence[str],
    groups: Sequence[int] | None,
    n_folds: int,
    fit: Fit,
    settings: ArHmmParams,
) -> list[dict[str, Any]]:
    """Leave each fold of animals out of a fit, and measure the likelihood of their rows.

    Parameters
    ----------
    features : list of (T_i, D) arrays
        Whitened features in one space, so that likelihoods can be compared.
    animals : sequence of str
        Animal of each table; all its tables are in one fold.
    groups : sequence of int, optional
        Group of each table. One that no animal of a fit has is read with the mean of the others.
    n_folds : int
        Capped at the number of animals, with a warning.
    fit : callable
        Tables, their groups, groups of the fit → model, the choice of the stickiness included.
    settings : ArHmmParams
        Of the one AR model without states that the fits are compared with.

    Returns
    -------
    list of dict
        One a fold: ``animals, kappa, n_states``; nats a row ``fitted`` (animals of the fit), ``left_out`` and
        ``one_state`` (the left-out animals under one AR model for all rows of the others: what states bring is
        the difference).

    Raises
    ------
    DataError
        For fewer than two animals.
    """
    names = list(dict.fromkeys(animals))
    if len(names) < 2:
        fail("left-out folds", "all recordings are of one animal", expected="two animals or more", todo="set folds=0")
    if n_folds > len(names):
        warn_user(f"{n_folds} folds were asked for; there are {len(names)} animals, so {len(names)} folds are made")
    rows = []
    for out in (names[k::n_folds] for k in range(min(n_folds, len(names)))):
        held = [animal in out for animal in animals]
        test, own = [[x for x, h in zip(features, held, strict=True) if h is side] for side in (True, False)]
        test_groups = own_groups = None
        known: list[int] = []
        if groups is not None:
            known = sorted({g for g, h in zip(groups, held, strict=True) if not h})
            own_groups = [known.index(g) for g, h in zip(groups, held, strict=True) if not h]
            test_groups = [known.index(g) if g in known else -1 for g, h in zip(groups, held, strict=True) if h]
        model = fit(own, own_groups, known)
        single = fit_arhmm(own, settings.replace(n_states=1, kappa=0.0, group_kappa=(), merge=False, sweeps=0, draws=0))
        rows.append(
            {
                "animals": out,
                "kappa": float(model.kappa),
                "n_states": model.n_states,
                "fitted": model.score(own, groups=own_groups),
                "left_out": model.score(test, groups=test_groups),
                "one_state": single.score(test),
            }
        )
    return rows
