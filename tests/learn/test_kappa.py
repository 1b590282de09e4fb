"""Choice of κ: changepoints of planted switches, durations, and likelihood across fits."""

from __future__ import annotations

import numpy as np
import pytest

from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.learn.segment.kappa import (
    changepoints,
    default_kappas,
    durations,
    expected_marginal_likelihood,
    scan_kappa,
)


def steps(n_blocks=60, seed=0, fps=30.0):
    """Postures held for 0.4 to 1.2 s with quick moves between them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(int(0.4 * fps), int(1.2 * fps), size=n_blocks)
    held = np.repeat(rng.normal(size=(n_blocks, 5)) * 2, lengths, axis=0)
    return held + 0.1 * rng.normal(size=held.shape), np.cumsum(lengths)[:-1]


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_changepoints_are_where_the_posture_changes(fps):
    x, at = steps(fps=fps)
    x[1000 : 1000 + 2] = np.nan
    found, nothing = changepoints([x, x[:3]], fps)
    assert len(nothing) == 0
    offset = np.abs(found[:, None] - at).min(axis=1)
    assert np.mean(offset <= 0.1 * fps) > 0.9
    assert 0.6 * len(at) < len(found) < 1.3 * len(at)


def test_durations_leave_out_cut_bouts():
    labels = [np.array([0, 0, 1, 1, 1, 2, -1, -1, 3, 3, 0]), np.array([4, 4])]
    assert durations(labels, 10.0).tolist() == pytest.approx([0.3, 0.1, 0.2])


def test_scan_chooses_the_kappa_whose_bouts_match_the_blocks():
    x, _ = steps(n_blocks=120)
    params = ArHmmParams(n_states=15, lags=1, em_iterations=5, sweeps=5, draws=2)
    best, table = scan_kappa(x, 30.0, [1.0, 1e3, 1e6], params)
    assert best in table["kappa"].to_list()
    row = table.set_index("kappa").loc[best]
    assert abs(np.log(row["median_s"] / row["target_s"])) == np.abs(np.log(table["median_s"] / table["target_s"])).min()
    assert 0.3 < row["target_s"] < 1.3
    assert len(default_kappas(54_000)) == 10
    assert default_kappas(54_000)[[0, -1]].tolist() == pytest.approx([1e2, 1e6])


def test_expected_marginal_likelihood_prefers_the_fit_that_generalises():
    x, _ = steps(n_blocks=100)
    quick = ArHmmParams(n_states=10, lags=1, em_iterations=5, sweeps=4, draws=2)
    models = [fit_arhmm(x, quick, seed=s) for s in (0, 1)] + [fit_arhmm(x, quick.replace(n_states=1, lags=1), seed=2)]
    scores = expected_marginal_likelihood(models, [x, x, x])
    assert scores[:2].min() > scores[2]
