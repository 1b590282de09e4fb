"""The published parts of B-SOiD: likelihood thresholds, soft assignment, held-out report, coherence of shifted bins."""

from types import SimpleNamespace

import numpy as np
import pytest

import murid
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.methods.motifs.frame_shift import _held, frame_shift_coherence
from murid.methods.motifs.held_out_forest import held_out_report
from murid.prepare.likelihood import histogram_threshold, hold_unlikely
from murid.simulate.syllables import syllable_poses


def with_counts(counts):
    """Likelihoods with these counts in ten bins from 0 to 1."""
    middle = np.repeat(np.arange(10) / 10 + 0.05, counts)
    return np.concatenate([[0.0, 1.0], middle])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([40, 20, 10, 2, 5, 8, 20, 40, 60, 100], 0.3),  # falls to the fourth bin
        ([5, 9, 4, 3, 2, 6, 9, 30, 60, 100], 0.4),  # the first bin rises: the next one that does
        ([90, 50, 40, 30, 20, 10, 9, 8, 7, 2], None),  # never stops falling
        ([0] * 9 + [3], None),  # too few
    ],
)
def test_threshold_is_where_the_histogram_stops_falling(counts, expected):
    found = histogram_threshold(with_counts(counts))
    assert (np.isnan(found) and expected is None) or found == pytest.approx(expected)


def test_unlikely_points_stay_where_they_were_last_likely():
    sure = np.random.default_rng(0).permutation(with_counts([40, 20, 10, 2, 5, 8, 20, 40, 60, 100]))
    sure[0] = 0.05
    n = len(sure)
    place = np.arange(n, dtype=float)
    # Missing is not unlikely, whatever its likelihood: cleaning decides how long a gap may be filled.
    place[60:75] = np.nan
    poses = make_poses(
        np.stack([place, -place], 1)[:, :, None, None] + np.zeros((1, 1, 2, 1)),
        np.stack([sure, np.full(n, 0.9)], 1)[:, :, None],
        keypoints=["nose", "rump"],
        fps=30,
    )
    with pytest.warns(UserWarning, match="no threshold for rump"):
        held, table = hold_unlikely(poses)
    x = held["position"].values[:, 0, 0, 0]
    seen = np.isfinite(place)
    likely = (sure >= 0.3) & seen
    first = np.flatnonzero(likely)[0]
    assert first > 0
    assert np.isnan(x[:first]).all()
    assert np.isnan(x[~seen]).all()
    for k in np.flatnonzero(~likely & np.isfinite(x)):
        assert x[k] == np.flatnonzero(likely[:k])[-1]
    assert np.array_equal(x[likely], place[likely])
    assert np.array_equal(held["position"].values[:, 0, 1, 0], place, equal_nan=True)
    assert table["held"].tolist() == pytest.approx([(~likely & seen)[first:].sum() / n, 0])
    assert table["threshold"].iloc[0] == pytest.approx(0.3)


def test_soft_labels_give_noise_to_its_cluster_and_leave_the_rest():
    from murid.learn.segment.hdbscan import fit_hdbscan, soft_labels

    rng = np.random.default_rng(0)
    blobs = [rng.normal((c, 0), 0.3, (n, 2)) for c, n in ((0, 150), (3, 120))]
    lone = np.array([[-6.0, 0.0], [10.0, 0.0], [3.0, 9.0]])
    clustering = fit_hdbscan(np.concatenate([*blobs, lone]), shares=(0.1, 0.2), n_sizes=2)
    assert (clustering.labels[-3:] == -1).all()
    soft = soft_labels(clustering)
    inside = clustering.labels >= 0
    assert np.array_equal(soft[inside], clustering.labels[inside])
    assert soft[-3:].tolist() == [clustering.labels[0], clustering.labels[200], clustering.labels[200]]


def test_held_out_report_covers_every_block_and_knows_which_motif_is_missed():
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 3, 60), 50)
    seen = np.zeros(len(labels), int)

    def told(train, test):
        assert not (train & test).any()
        seen[test] += 1
        return np.where(labels[test] == 2, 0, labels[test])

    report = held_out_report(labels, told, folds=10)
    assert (seen == 1).all()
    assert len(report["by_fold"]) == 10
    by_motif = {r["motif"]: r for r in report["motifs"]}
    assert by_motif[1]["recall"] == by_motif[1]["precision"] == by_motif[0]["recall"] == 1
    assert by_motif[2]["recall"] == 0
    assert by_motif[2]["precision"] is None
    assert by_motif[0]["precision"] == pytest.approx((labels == 0).sum() / (labels != 1).sum())
    one = held_out_report(labels, lambda train, test: labels[test])
    assert sum(r["bins"] for r in one["motifs"]) == len(labels) // 5
    assert np.isnan(held_out_report(labels[:30], told)["accuracy"])


def shown(labels, bin_s=0.1, rate=30.0):
    """A fitted method that says `labels` of the rows of any recording."""
    return SimpleNamespace(
        tracks=lambda recording: [recording],
        row_labels=lambda track: np.asarray(labels),
        params=SimpleNamespace(bin_s=bin_s),
        facts={"rate_hz": rate},
        n_motifs=int(max(labels)) + 1,
    )


def test_coherence_is_one_for_long_motifs_and_none_for_those_that_hang_on_the_bins():
    recording = SimpleNamespace(forget=lambda: None)
    long = frame_shift_coherence(shown(np.repeat(np.random.default_rng(0).integers(0, 4, 100), 60)), [recording])
    assert long["shift_s"].tolist() == pytest.approx([1 / 30, 2 / 30])
    assert (long["coherence"] > 0.93).all()
    noise = frame_shift_coherence(shown(np.random.default_rng(1).integers(0, 4, 30_000)), [recording])
    assert np.allclose(noise["coherence"], 0, atol=0.03)
    assert np.allclose(noise["chance"], 0.25, atol=0.01)
    with pytest.raises(DataError, match="one row"):
        frame_shift_coherence(shown([0, 1], bin_s=0.03), [recording])


def test_bins_last_100_ms_at_25_rows_a_second_too():
    """2.5 rows a bin: 2 and 3 in turn, three beginnings. Rounded to 2 rows they would be of 80 ms."""
    recording = SimpleNamespace(forget=lambda: None)
    rows = np.arange(1000)
    found = frame_shift_coherence(shown(rows, rate=25.0), [recording]).set_index("shift_s")
    assert found.index.tolist() == pytest.approx([0.04, 0.08])
    held = [_held(rows, 2.5, first) for first in range(3)]
    for first, labels in enumerate(held):
        inside = labels >= 0
        lengths = np.diff(np.flatnonzero(np.diff(labels[inside])))
        assert lengths.mean() == pytest.approx(2.5, abs=0.01)
        assert np.abs(labels - rows)[inside].max() <= 1
        assert (~inside).sum() <= first + 3
    pairs = {1: [(0, 1), (1, 2)], 2: [(0, 2)]}
    for shift, of in pairs.items():
        both = [(held[a][k], held[b][k]) for a, b in of for k in rows if held[a][k] >= 0 and held[b][k] >= 0]
        assert found["agreement"].iloc[shift - 1] == pytest.approx(np.mean([a == b for a, b in both]))
        assert found["frames"].iloc[shift - 1] == len(both)
    assert np.array_equal(_held(rows, 3.0, 1)[1:10], np.repeat([2, 5, 8], 3))


@pytest.mark.slow
def test_a_fit_reports_its_forest_by_motif_and_its_shifted_bins():
    made = [syllable_poses(40.0, 30.0, seed=3, animal=a, n_states=6, median_s=0.6)[0] for a in range(2)]
    recordings = [Recording(f"r{a}", poses=p, animal=f"a{a}") for a, p in enumerate(made)]
    quick = {"smallest": (0.03, 0.06), "n_trees": 10, "n_neighbors": 20}
    model = murid.method("bsoid", **quick, folds=4).fit(recordings)
    found = model.facts["evidence"]["forest_held_out"]
    assert len(found["by_fold"]) == 4
    assert sum(r["bins"] for r in found["motifs"]) == round(
        model.facts["evidence"]["bins"] * model.facts["evidence"]["taught_share"]
    )
    assert model.facts["evidence"]["forest_held_out_accuracy"] > found["chance"] + 0.4
    coherence = frame_shift_coherence(model, recordings)
    assert (coherence["coherence"] > 0.5).all()
    soft = murid.method("bsoid", **quick, noise_bins="soft").fit(recordings)
    assert soft.facts["evidence"]["taught_share"] > model.facts["evidence"]["taught_share"]
