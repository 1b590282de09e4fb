"""Bouts as detections: average precision and error types on cases that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.evaluate.detection import Detections, average_precision, error_types, interval_iou


def of(rows, score=None):
    return Detections.of(pd.DataFrame(rows, columns=["start_s", "stop_s", "label"]), score)


TRUTH = of([(0, 10, "rear"), (20, 30, "rear"), (40, 50, "groom"), (60, 61, "groom")])


def test_intersection_over_union():
    got = interval_iou([[0, 10], [5, 6]], [[5, 15], [20, 21]])
    np.testing.assert_allclose(got, [[1 / 3, 0], [0.1, 0]])


def test_a_perfect_prediction_scores_one_at_every_overlap():
    table = average_precision([(TRUTH, TRUTH)])
    assert (table == 1).all(axis=None)
    assert list(table.index) == ["rear", "groom", "mean"]
    assert len(table.columns) == 11


def test_average_precision_by_hand():
    # Ranked: hit, false, hit (7 of 13 s), so precision 1 and 2/3 at its two hits of two bouts.
    predicted = of([(0, 10, "rear"), (12, 14, "rear"), (23, 33, "rear")], [0.9, 0.8, 0.7])
    table = average_precision([(TRUTH, predicted)], ious=(0.5, 0.6))
    assert table.at["rear", 0.5] == pytest.approx((1 + 2 / 3) / 2)
    assert table.at["rear", 0.6] == pytest.approx(1 / 2)
    assert table.at["groom", 0.5] == 0
    assert table.at["mean", "mean"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 4)
    # Recordings are ranked together: the false one of the second comes first.
    other = (of([(0, 5, "rear")]), of([(7, 8, "rear")], [0.95]))
    both = average_precision([(TRUTH, predicted), other], ious=(0.5,))
    assert both.at["rear", 0.5] == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_what_the_errors_are():
    predicted = of(
        [
            (0, 10, "rear"),
            (1, 9, "rear"),
            (27, 33, "rear"),
            (41, 50, "rear"),
            (47, 55, "rear"),
            (80, 82, "rear"),
            (40, 50, "groom"),
        ],
        [0.9, 0.5, 0.8, 0.7, 0.6, 0.4, 0.9],
    )
    table = error_types([(TRUTH, predicted)])
    assert table.loc["rear"].to_dict() == {
        "right": 1,
        "boundary": 1,
        "class": 1,
        "boundary and class": 1,
        "double": 1,
        "background": 1,
        "missed": 0,
    }
    assert table.loc["groom", ["right", "missed"]].tolist() == [1, 1]


def test_bad_input_is_named():
    with pytest.raises(DataError, match="one score per bout"):
        of([(0, 1, "rear")], [0.1, 0.2])
    with pytest.raises(DataError, match="the truth has no bout"):
        average_precision([(of([]), of([(0, 1, "rear")]))])
    assert error_types([(TRUTH, of([]))])["missed"].sum() == 4
