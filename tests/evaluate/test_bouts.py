from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.clock import frame_times
from murid.evaluate import bouts, frames
from murid.evaluate.detection import Detections, average_precision

T = frame_times(40, 10.0)


def mask(*spans, n=40):
    out = np.zeros(n, np.int8)
    for a, b in spans:
        out[a:b] = 1
    return out


def iou(a, b):
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return max(shared, 0.0) / (max(a[1], b[1]) - min(a[0], b[0])) if shared > 0 else 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=14, max_size=14), st.lists(st.booleans(), min_size=14, max_size=14))
def test_matching_is_the_best_one_to_one_matching(truth, said):
    time = frame_times(14, 10.0)
    a, b = bouts.spans_of(truth, time), bouts.spans_of(said, time)
    i, j, value = bouts.match(a, b, 0.3)
    assert len(set(i)) == len(i) == len(set(j))
    np.testing.assert_allclose(value, [iou(a[x], b[y]) for x, y in zip(i, j, strict=True)])
    # Brute force over all assignments of the shorter side.
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    best = (0, 0.0)
    for order in permutations(range(len(long)), len(short)):
        values = [v for x, y in enumerate(order) if (v := iou(short[x], long[y])) >= 0.3 - 1e-9]
        best = max(best, (len(values), sum(values)))
    assert len(i) == best[0]
    assert value.sum() == pytest.approx(best[1])


def test_onset_and_offset_errors_are_signed():
    found = bouts.compare_bouts(mask((5, 15)), mask((7, 14)), T)
    assert (found.n_truth, found.n_predicted, found.n_matched) == (1, 1, 1)
    np.testing.assert_allclose(found.onset_ms, [200.0])
    np.testing.assert_allclose(found.offset_ms, [-100.0])


def test_a_fragmented_bout_is_one_hit_and_false_alarms():
    found = bouts.compare_bouts(mask((0, 20)), mask((0, 8), (9, 20)), T, iou=0.5)
    assert (found.n_truth, found.n_predicted, found.n_matched) == (1, 2, 1)


def test_predictions_where_nobody_looked_do_not_count():
    truth = mask((5, 10))
    truth[20:] = -1
    assert bouts.compare_bouts(truth, mask((5, 10), (25, 30)), T).n_predicted == 1


def test_interval_f1_by_hand():
    # truth:      none 0-10, a 10-20, none 20-30, b 30-40
    # prediction: none 0-12, a 12-16, b 16-22, none 22-34, b 34-40
    truth = np.repeat([0, 1, 0, 2], 10)
    said = np.repeat([0, 1, 2, 0, 2], [12, 4, 6, 12, 6])
    cells = bouts.interval_cells(truth, said, 3, T)
    # annotation: a's interval overlaps a and b 4 frames each, the earlier wins -> a; b 6 vs none 4 -> b
    np.testing.assert_array_equal(cells[:, 0], [2, 1, 1])
    np.testing.assert_allclose(frames.f1_of(cells), 1.0)
    cells = bouts.interval_cells(said, truth, 3, T)
    # prediction: the b at 16-22 lies mostly on a: one wrong b
    assert cells[2, 0] == 1
    np.testing.assert_array_equal(cells[2, :3], [1, 0, 1])
    np.testing.assert_array_equal(cells[1, :3], [1, 1, 0])


def test_interval_f1_is_perfect_on_itself_and_counts_merges():
    truth = mask((2, 6), (8, 12), (20, 24))
    np.testing.assert_allclose(frames.f1_of(bouts.interval_cells(truth, truth, 2, T)), 1.0)
    merged = mask((2, 12), (20, 24))
    assert frames.f1_of(bouts.interval_cells(merged, truth, 2, T))[1] == 1.0  # every predicted one is right
    assert frames.f1_of(bouts.interval_cells(truth, merged, 2, T))[0] < 1.0  # but a pause was lost


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=6, unique=True), st.lists(st.integers(0, 30), max_size=6, unique=True))
def test_boundaries_match_one_to_one_as_often_as_possible(a, b):
    got = bouts.match_points(a, b, 2.0)
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    best = max(
        sum(abs(x - y) <= 2 for x, y in zip(short, order, strict=True)) for order in permutations(long, len(short))
    )
    assert got == best


def test_boundaries_skip_unlabelled_and_dropped_frames():
    time = np.r_[0:5, 10:15] / 10.0
    np.testing.assert_allclose(bouts.boundaries([0, 1, 1, -1, 0, 1, 1, 2, 2, 2], time), [0.1, 1.2])


@pytest.mark.parametrize("start_s", [0.0, 7.3, 1.7e9, 3.8e9])
def test_half_of_the_union_is_half_on_every_clock(start_s):
    """In Unix seconds bouts that share exactly half of their union were no match."""
    for n in range(1, 40):
        edges = start_s + (17 + n * np.arange(3)) / 25.0
        truth, found = edges[[0, 2]][None], edges[[0, 1]][None]
        assert len(bouts.match(truth, found, 0.5)[0]) == 1
        pair = Detections(truth, np.array(["rear"]), np.ones(1)), Detections(found, np.array(["rear"]), np.ones(1))
        assert average_precision([pair], ious=(0.5,)).at["rear", 0.5] == 1
