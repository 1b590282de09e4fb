"""Learning curves: a known curve is found again, and the advice follows from it."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.evaluate import learning_curves


def points(top, gap, rate, noise=0.004, sizes=(5, 10, 20, 40, 80), folds=4, seed=0):
    rng = np.random.default_rng(seed)
    rows = [(f, n, top - gap * n**-rate + rng.normal(0, noise)) for f in range(folds) for n in sizes]
    return pd.DataFrame(rows, columns=["fold", "n_bouts", "score"])


def test_a_known_curve_is_found_again():
    curve = learning_curves.fit_curve(*points(0.9, 1.2, 0.6, noise=0)[["n_bouts", "score"]].to_numpy().T)
    assert (curve.top, curve.gap, curve.rate) == pytest.approx((0.9, 1.2, 0.6), rel=0.05)


def test_the_expected_gain_is_that_of_the_curve_and_lies_in_its_limits():
    gain = learning_curves.expected_gain(points(0.9, 1.2, 0.6), more=80)
    true = 1.2 * (80**-0.6 - 160**-0.6)
    assert gain.gain == pytest.approx(true, abs=0.01)
    assert gain.low <= true <= gain.high
    assert gain.now == 80
    assert not gain.stop
    assert "80 more bouts are expected to raise macro F1 by 0.0" in str(gain)
    assert gain.curve["expected"].is_monotonic_increasing
    assert gain.curve["n_bouts"].iloc[-1] == 160


def test_a_flat_curve_says_stop():
    gain = learning_curves.expected_gain(points(0.85, 0.8, 1.5, noise=0.001))
    assert gain.stop
    assert gain.more == 40
    assert "hardly help" in str(gain)


@pytest.mark.parametrize(("gap", "stop"), [(0.3, True), (0.35, False)])
def test_the_advice_to_stop_is_that_of_the_upper_limit(gap, stop):
    gain = learning_curves.expected_gain(points(0.8, gap, 0.3, noise=0.0005), more=40, n_boot=8)
    assert 0.0085 < gain.high < 0.0115, "near 0.01, on either side"
    assert gain.gain < 0.01 or not stop
    assert gain.stop == stop == (gain.high < 0.01)


def test_one_fold_has_no_limits_and_two_sizes_are_refused():
    gain = learning_curves.expected_gain(points(0.9, 1.2, 0.6, folds=1))
    assert np.isnan(gain.low)
    assert not gain.stop
    with pytest.raises(DataError, match="too few sizes"):
        learning_curves.expected_gain(points(0.9, 1.2, 0.6, sizes=(5, 10)))


def test_area_is_the_mean_height():
    assert learning_curves.area([10, 0, 30], [0.5, 0.5, 0.5]) == pytest.approx(0.5)
    assert learning_curves.area([0, 10], [0.0, 1.0]) == pytest.approx(0.5)
