from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from murid.data.bouts import make_bouts
from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.evaluate import agreement, bootstrap


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 2)), min_size=1, max_size=60))
def test_kappa_agrees_with_scikit_learn(rows):
    a, b = np.array(rows).T
    got = float(agreement.kappa_of(agreement.cross_tabulate(a, b, 3)))
    both = (a >= 0) & (b >= 0)
    if both.sum() == 0 or np.unique(np.r_[a[both], b[both]]).size < 2:
        assert np.isnan(got)
    else:
        assert got == pytest.approx(cohen_kappa_score(a[both], b[both]))


def test_pabak_is_not_fooled_by_prevalence():
    rare = np.array([[2, 1], [1, 96]])
    assert float(agreement.pabak_of(rare)) == pytest.approx(0.96)
    assert float(agreement.kappa_of(rare)) < 0.7


def test_krippendorff_alpha_of_the_textbook_example():
    # Krippendorff (2011), Computing Krippendorff's alpha-reliability, nominal data with missing: 0.743.
    rows = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    ratings = np.array([[-1 if c == "." else int(c) - 1 for c in row.split()] for row in rows])
    assert agreement.krippendorff_alpha(ratings) == pytest.approx(0.743, abs=5e-4)
    assert agreement.krippendorff_alpha(np.array([[0, 1, 1], [0, 1, 1]])) == 1.0
    assert np.isnan(agreement.krippendorff_alpha(np.array([[0, -1], [-1, 1]])))


def bouty(seed, n=6000, stay=0.98):
    rng = np.random.default_rng(seed)
    z = np.zeros(n, np.int64)
    for t in range(1, n):
        z[t] = z[t - 1] if rng.random() < stay else 1 - z[t - 1]
    return z


def test_the_interval_of_kappa_is_wider_than_independent_frames_would_give():
    a = bouty(0)
    b = np.where(bouty(1, stay=0.99) == 1, a, bouty(2))  # long stretches of agreement and of none
    kappa, low, high = agreement.cohen_kappa(a, b, fps=25.0, block_s=20.0)
    assert low < kappa < high
    _, low_frames, high_frames = agreement.cohen_kappa(a, b, fps=25.0, block_s=0.04)
    assert high - low > 2 * (high_frames - low_frames)


def labels(*raters, duration=10.0):
    rows = [(s, e, name, rater) for rater, spans in raters for s, e, name in spans]
    bouts = make_bouts(pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "rater"]))
    scored = pd.DataFrame([(0.0, duration, r, "") for r, _ in raters], columns=["start_s", "stop_s", "rater", "stream"])
    return Labels(bouts, scored)


def test_consensus_is_the_majority_and_a_tie_is_nobody():
    three = labels(
        ("a", [(0, 4, "rear")]),
        ("b", [(2, 6, "rear")]),
        ("c", [(3, 5, "rear")]),
    )
    got = agreement.consensus(three, frame_times(10, 1.0), ["rear"]).values.ravel()
    np.testing.assert_array_equal(got, [0, 0, 1, 1, 1, 0, 0, 0, 0, 0])
    two = labels(("a", [(0, 4, "rear")]), ("b", [(2, 6, "rear")]))
    got = agreement.consensus(two, frame_times(10, 1.0), ["rear"]).values.ravel()
    np.testing.assert_array_equal(got, [-1, -1, 1, 1, -1, -1, 0, 0, 0, 0])


def test_raters_are_compared_in_pairs_on_what_both_scored():
    both = labels(("a", [(0, 4, "rear"), (6, 8, "groom")]), ("b", [(0.4, 4, "rear"), (6, 8, "groom")]))
    got = agreement.compare_raters(both, fps=10.0, n_boot=50)
    row = got.pairs.set_index("behaviour").loc["rear"]
    assert row["f1"] == pytest.approx(2 * 36 / (40 + 36))
    assert row["event_f1"] == 1.0
    assert row["onset_ms"] == pytest.approx(400.0)
    assert row["prevalence"] == pytest.approx(0.38)
    assert row["n"] == 100
    assert got.alpha["groom"] == 1.0
    assert got.classes["kappa"].iloc[0] < 1.0
    assert "rear" in str(got)


def test_one_rater_and_no_clock_are_refused():
    with pytest.raises(DataError, match="fewer than two raters"):
        agreement.compare_raters(labels(("a", [(0, 1, "x")])), fps=10.0)
    with pytest.raises(DataError, match="no clock"):
        agreement.compare_raters(labels(("a", [(0, 1, "x")]), ("b", [(0, 1, "x")])))


def test_the_interval_of_kappa_is_over_recordings_and_blocks_only_within_one():
    """Recordings in which the raters agree well or badly throughout: blocks see little of what other films may hold."""
    many = []
    for k in range(6):
        late = 0.3 + 0.35 * k
        starts = np.arange(5.0, 115.0, 10.0)
        spans = [(s, s + 4, "rear") for s in starts]
        many.append(labels(("a", spans), ("b", [(s + late, e + late, n) for s, e, n in spans]), duration=120.0))
    got = agreement.compare_raters(many, fps=10.0, n_boot=200).pairs.iloc[0]
    assert (got["interval_over"], got["n_recordings"]) == ("recordings", 6)
    assert got["kappa_low"] < got["kappa"] < got["kappa_high"]
    one = [agreement.compare_raters(x, fps=10.0, n_boot=200).pairs.iloc[0] for x in many]
    assert {row["interval_over"] for row in one} == {"blocks of one recording"}
    assert got["kappa_high"] - got["kappa_low"] > 3 * max(row["kappa_high"] - row["kappa_low"] for row in one)
    few = agreement.compare_raters(many[:4], fps=10.0, n_boot=200).pairs.iloc[0]
    assert np.isnan(few["kappa_low"])
    assert few["interval_over"] == "none: 4 recordings, 5 are needed"


def test_the_jackknife_interval_covers_kappa_of_few_recordings_where_percentiles_do_not():
    rng = np.random.default_rng(0)

    def recordings(n):
        present = rng.binomial(300, rng.beta(3, 12, n))
        hit, false = rng.binomial(present, 1 - rng.beta(3, 12, n)), rng.binomial(300 - present, rng.beta(2, 38, n))
        return np.stack([300 - present - false, false, present - hit, hit], -1).reshape(n, 2, 2).astype(float)

    true = float(agreement.kappa_of(recordings(40_000).sum(0)))
    kept = np.zeros(2)
    for _ in range(300):
        tables = recordings(6)
        low, high = bootstrap.jackknife_interval(tables, agreement.kappa_of)
        below, above = bootstrap.interval(tables, agreement.kappa_of, n_boot=200)
        kept += (low <= true <= high, below <= true <= above)
    assert 0.91 <= kept[0] / 300 <= 0.985  # .95, four standard errors
    assert kept[1] / 300 < 0.90
