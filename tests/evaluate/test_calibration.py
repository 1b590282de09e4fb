from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from murid.data.errors import DataError
from murid.evaluate import calibration


def test_curve_and_brier_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(3000)
    y = (rng.random(3000) < p**2).astype(int)
    curve = calibration.reliability(y, p, 10)
    observed, said = calibration_curve(y, p, n_bins=10)
    np.testing.assert_allclose(curve["observed"], observed)
    np.testing.assert_allclose(curve["probability"], said)
    assert calibration.brier(y, p) == pytest.approx(brier_score_loss(y, p))
    assert calibration.ece(y, p) == pytest.approx(0.166, abs=0.02)  # E|p - p^2| = 1/6


def test_calibrated_probabilities_have_no_error_and_unlabelled_are_ignored():
    rng = np.random.default_rng(1)
    p = rng.random(200_000)
    y = (rng.random(p.size) < p).astype(int)
    assert calibration.ece(y, p) < 0.01
    assert calibration.brier([1, -1, 0], [1.0, 0.5, np.nan]) == 0.0
    assert np.isnan(calibration.ece([-1], [0.5]))


def test_bins_weigh_by_their_samples():
    p = np.repeat([0.05, 0.95], [90, 10])
    assert calibration.ece(np.zeros(100, int), p) == pytest.approx(0.9 * 0.05 + 0.1 * 0.95)


def test_scores_are_no_probabilities():
    with pytest.raises(DataError, match="out of range"):
        calibration.ece([1, 0], [2.0, -1.0])
