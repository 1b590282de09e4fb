from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.evaluate import segmentation as seg


def bouty(seed, n=3000, k=3, stay=0.95):
    rng = np.random.default_rng(seed)
    z = np.zeros(n, np.int64)
    for t in range(1, n):
        z[t] = z[t - 1] if rng.random() < stay else (z[t - 1] + rng.integers(1, k)) % k
    return z


def run_lengths(z):
    return np.diff(np.r_[0, np.flatnonzero(np.diff(z)) + 1, z.size])


def test_a_renamed_truth_is_perfect_and_noise_is_not():
    z = bouty(0)
    perfect = seg.labelling_overlap(z, (z + 1) % 3)
    assert all(perfect[key] == pytest.approx(1.0) for key in perfect if key != "k")
    assert perfect["k"] == 3
    rng = np.random.default_rng(1)
    noise = seg.labelling_overlap(z, rng.integers(3, size=z.size))
    assert abs(noise["ari"]) < 0.01
    assert abs(noise["ami"]) < 0.01
    fine = seg.labelling_overlap(z, rng.integers(1000, size=z.size))
    assert fine["purity"] > noise["purity"] + 0.1  # more states, more purity, no more truth
    assert abs(fine["ami"]) < 0.02


def test_unlabelled_samples_do_not_count():
    z = bouty(2)
    part = z.copy()
    part[::2] = -1
    assert seg.labelling_overlap(part, z)["ari"] == 1.0
    with pytest.raises(DataError, match="no sample"):
        seg.labelling_overlap(np.full(5, -1), np.zeros(5, int))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=60), st.integers(0, 99))
def test_a_control_keeps_usage_and_nearly_all_bout_lengths(values, seed):
    z = np.array(values)
    got = seg.control(z, np.random.default_rng(seed))
    np.testing.assert_array_equal(got == -1, z == -1)
    np.testing.assert_array_equal(np.sort(got), np.sort(z))


def test_a_control_keeps_bout_lengths_and_knows_nothing():
    z = bouty(3)
    scores, kept = [], []
    for seed in range(30):
        blind = seg.control(z, np.random.default_rng(seed))
        kept.append(abs(run_lengths(blind).size - run_lengths(z).size))
        scores.append(seg.labelling_overlap(z, blind)["ari"])
    assert max(kept) <= 1
    assert abs(np.mean(scores)) < 0.02


def test_the_map_is_learnt_on_training_recordings_only():
    truth = [bouty(s) for s in range(4)]
    codes = [t + 10 for t in truth]
    got = seg.mapped_score(truth, codes, seg.leave_one_out(4))
    assert got["macro_f1"] == got["balanced_accuracy"] == 1.0
    strange = [*codes[:3], codes[3] + 10]  # the last recording uses states that training never saw
    assert seg.mapped_score(truth, strange, [([0, 1, 2], [3])])["macro_f1"] == 0.0
    assert seg.mapped([3, -1, 99], {3: 0}).tolist() == [0, -1, -1]


def test_compare_sets_value_beside_control():
    truth = [bouty(s) for s in range(4)]
    rng = np.random.default_rng(5)
    codes = [np.where(rng.random(t.size) < 0.8, t, rng.integers(3, size=t.size)) for t in truth]
    good = seg.judge_segmentation(truth, codes, n_controls=5)
    assert good.at["ari", "z"] > 10
    assert good.at["mapped_f1", "value"] > good.at["mapped_f1", "control_mean"] + 0.3
    blind = seg.judge_segmentation(truth, [bouty(s + 50) for s in range(4)], n_controls=20)
    assert (blind["z"].drop("coverage").abs() < 4).all()
    np.testing.assert_array_equal(
        blind, seg.judge_segmentation(truth, [bouty(s + 50) for s in range(4)], n_controls=20)
    )


def test_the_probe_reads_behaviour_from_fine_states():
    truth = [bouty(s, stay=0.99) for s in range(3)]
    rng = np.random.default_rng(6)
    fine = [2 * t + rng.integers(2, size=t.size) for t in truth]  # each behaviour flickers between two states
    got = seg.probe_states(truth, fine, [0, 1], [2], fps=30.0)
    assert got["macro_f1"] > 0.9
    assert got["map"] > 0.95
    # In folds every recording is read once, by a probe of the others: counts of the folds, added.
    folds = seg.animal_folds(["a", "b", "c"])
    assert [test for _, test in folds] == [[0], [1], [2]]
    each = [seg.probe_states(truth, fine, *fold, fps=30.0)["counts"] for fold in folds]
    all_of = seg.probe_by_folds(truth, fine, folds, fps=30.0)
    for code in sorted(set().union(*each)):
        tp, fp, fn, _ = np.sum([c[code] for c in each if code in c], axis=0)
        assert all_of["f1"][code] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert all_of["macro_f1"] == pytest.approx(np.mean(list(all_of["f1"].values())))
    blind = seg.probe_states(truth, [bouty(s + 70) for s in range(3)], [0, 1], [2], fps=30.0)
    assert blind["macro_f1"] < 0.5


def test_boundaries_beside_chance():
    truth = [bouty(s, stay=0.98) for s in range(3)]
    times = [frame_times(t.size, 30.0) for t in truth]
    late = [np.r_[t[:2], t[:-2]] for t in truth]  # 67 ms late
    got = seg.boundary_score(truth, late, times)
    assert got["f1"] > 0.95
    assert got["z"] > 10
    blind = seg.boundary_score(truth, [bouty(s + 9, stay=0.98) for s in range(3)], times)
    assert abs(blind["z"]) < 4


def test_change_score_finds_onsets_at_changes_of_posture():
    z = bouty(7, stay=0.97)
    rng = np.random.default_rng(8)
    postures = rng.normal(0, 5, (3, 4, 2))
    x = postures[z] + rng.normal(0, 0.1, (z.size, 4, 2))
    got = seg.change_score(x, z, fps=30.0)
    assert got["z"] > 10
    assert got["p"] == pytest.approx(1 / 201)
    assert seg.change_score(x, bouty(99, stay=0.97), fps=30.0)["p"] > 0.02
    with pytest.raises(DataError, match="never change"):
        seg.change_score(x, np.zeros(z.size, int), fps=30.0)


def test_change_score_without_the_shifts_that_see_nothing():
    z = np.repeat(np.arange(10) % 2, 100)
    x = np.random.default_rng(8).normal(0, 0.1, (1000, 4, 2)) + np.array([-5.0, 5.0])[z][:, None, None]
    # Known around two of the nine onsets and in a stretch without any: some shifts see no onset.
    hidden = np.ones(1000, bool)
    for a, b in ((60, 140), (360, 440), (510, 540)):
        hidden[a:b] = False
    x[hidden] = np.nan
    got = seg.change_score(x, z, fps=30.0)
    assert got["score"] > 2
    assert np.isfinite(got["z"])
    assert got["p"] < 0.1
    x[:500] = np.nan
    assert np.isnan(seg.change_score(x, z, fps=30.0)["p"])


def test_stability_sees_through_renaming():
    z = bouty(9)
    got = seg.stability([z, (z + 1) % 3, bouty(10)]).set_index(["run_a", "run_b"])
    assert got.at[(0, 1), "ari"] == got.at[(0, 1), "agreement"] == 1.0
    assert abs(got.at[(0, 2), "ari"]) < 0.1


def test_timescale_by_hand():
    got = seg.timescale([np.array([0, 0, 1, 1, 1, 1, -1, 0])], fps=20.0)
    assert got["n_bouts"] == 3
    assert got["median_ms"] == 100.0
    assert got["below_100ms"] == pytest.approx(1 / 3)
    assert got["k"] == 2
    share = np.array([3, 4]) / 7
    assert got["usage_bits"] == pytest.approx(-(share * np.log2(share)).sum())


def test_a_segmentation_that_is_silent_where_it_errs_gains_less_than_all_and_shows_its_coverage():
    """Dropped from the score, silence took the ARI from .56 to 1."""
    rng = np.random.default_rng(0)
    n = 3000
    truth = [np.repeat(rng.integers(0, 3, n // 50), 50) for _ in range(4)]
    codes = [np.where(rng.random(n) < 0.75, a, rng.integers(0, 3, n)) for a in truth]
    silent = [np.where(c == a, c, -1) for c, a in zip(codes, truth, strict=True)]
    whole, part = (seg.judge_segmentation(truth, c, n_controls=2)["value"] for c in (codes, silent))
    assert whole["coverage"] == 1
    assert part["coverage"] == pytest.approx(0.83, abs=0.01)
    assert (whole["ari"], part["ari"]) == (pytest.approx(0.56, abs=0.005), pytest.approx(0.73, abs=0.005))
    assert (whole["mapped_f1"], part["mapped_f1"]) == (pytest.approx(0.83, abs=0.005), pytest.approx(0.91, abs=0.005))
    assert seg.mapped_score(truth, silent, seg.leave_one_out(4))["coverage"] == pytest.approx(part["coverage"])


def test_recordings_of_one_animal_stay_together():
    """States that each animal has for itself are worth nothing for another animal."""
    rng = np.random.default_rng(1)
    animals = ["a", "a", "b", "b"]
    truth = [np.repeat(rng.integers(0, 3, 40), 50) for _ in animals]
    codes = [t + 3 * (a == "b") for t, a in zip(truth, animals, strict=True)]
    assert seg.judge_segmentation(truth, codes, n_controls=2).at["mapped_f1", "value"] == 1
    assert seg.judge_segmentation(truth, codes, animals=animals, n_controls=2).at["mapped_f1", "value"] == 0
    assert seg.leave_animal_out(animals) == [([2, 3], [0, 1]), ([0, 1], [2, 3])]
    with pytest.raises(DataError, match="one animal per recording"):
        seg.judge_segmentation(truth, codes, animals=["a"])


def test_frames_that_only_one_run_leaves_out_differ():
    table = seg.stability([np.array([0, 0, 1, 1, -1]), np.array([0, 0, 1, -1, -1])])
    assert table.at[0, "agreement"] == 0.75
