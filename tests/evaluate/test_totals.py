from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from murid.evaluate import totals


def test_bland_altman_by_hand():
    got = totals.bland_altman([10, 20, 30, 40], [12, 21, 33, 42])
    assert got["bias"] == pytest.approx(2.0)
    sd = np.std([2, 1, 3, 2], ddof=1)
    assert got["low"] == pytest.approx(2 - 1.96 * sd)
    assert got["high"] == pytest.approx(2 + 1.96 * sd)
    assert np.isnan(totals.bland_altman([1], [2])["low"])
    assert np.isnan(totals.bland_altman([], [])["bias"])


def test_correlation_is_undefined_without_variation():
    assert np.isnan(totals.correlation([1, 1, 1], [1, 2, 3]))
    assert np.isnan(totals.correlation([1, 2], [1, 2]))
    assert totals.correlation([1, 2, np.nan, 4], [2, 4, 9, 8]) == pytest.approx(1.0)


def test_totals_always_carry_the_frame_f1():
    rows = pd.DataFrame(
        {
            "behaviour": ["x"] * 3,
            "tp": [1, 1, 1],
            "fp": [1, 1, 1],
            "fn": [1, 1, 1],
            "tn": [0, 0, 0],
            "time_true_s": [1, 2, 3],
            "time_predicted_s": [1, 2, 3],
            "bouts_true": [1, 2, 3],
            "bouts_predicted": [3, 2, 1],
        }
    )
    got = totals.compare_totals(rows)
    assert got.columns[0] == "f1"
    assert got.at["x", "f1"] == 0.5
    assert got.at["x", "time_r"] == pytest.approx(1.0)
    assert got.at["x", "bouts_r"] == pytest.approx(-1.0)
