"""Difficulty: 0 changes nothing, 1 makes animals differ and be half-clear, trackers and scorers err."""

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.simulate.corruption import covered_by_others


def lengths(recording):
    """Body length of each frame, cm, by true behaviour."""
    poses = recording.poses
    p = poses["position"].sel(keypoint=["neck", "tail_base"]).values[..., 0]
    return np.hypot(*(p[:, :, 0] - p[:, :, 1]).T) / poses.attrs["px_per_cm"]


@pytest.fixture(scope="module")
def pair():
    return tuple(
        simulate.recording(duration_s=240, fps=20, seed=3, behaviours=["walk", "rest", "groom", "rear"], difficulty=d)
        for d in (0.0, 1.0)
    )


def test_zero_is_the_easy_animal_and_the_brain_does_not_change(pair):
    easy, hard = pair
    usual = simulate.recording(duration_s=240, fps=20, seed=3, behaviours=["walk", "rest", "groom", "rear"])
    np.testing.assert_array_equal(usual.poses["position"].values, easy.poses["position"].values)
    assert easy.labels.bouts.equals(hard.labels.bouts)
    assert not np.allclose(easy.poses["position"].values, hard.poses["position"].values)


def test_hard_bouts_of_one_behaviour_differ(pair):
    """Some bouts show only part of their posture."""

    def spread(recording):
        time, length = recording.poses["time"].values, lengths(recording)
        bouts = recording.labels.bouts
        grooms = bouts[(bouts["label"] == "groom") & (bouts["stop_s"] - bouts["start_s"] > 1)]
        inside = [(time > b.start_s + 0.5) & (time < b.stop_s) for b in grooms.itertuples()]
        return np.std([length[i].mean() for i in inside])

    easy, hard = (spread(r) for r in pair)
    assert hard > 2 * easy


def test_postures_settle_more_slowly_when_it_is_hard():
    """The way into a rear is less steep."""
    from murid.simulate.difficulty import settling

    assert (settling(0.0), settling(1.0)) == (1.0, 2.5)
    kinds = {"rest": 1.0, "rear": 1.0}
    easy, hard = (
        simulate.recording(duration_s=120, fps=20, seed=3, behaviours=kinds, difficulty=d) for d in (0.0, 1.0)
    )
    steps = [np.abs(np.diff(lengths(r)))[_onsets(r)].max(axis=1) for r in (easy, hard)]
    assert np.median(steps[1]) < 0.75 * np.median(steps[0])


def _onsets(recording):
    """Frames of the half second behind the onset of each rear: (bout, frame)."""
    bouts = recording.labels.bouts.query("label == 'rear' and 1 < start_s < 115")
    return np.round(bouts["start_s"].to_numpy() * 20).astype(int)[:, None] + np.arange(10)


def test_animals_have_a_style_of_their_own():
    def length(seed):
        r = simulate.recording(duration_s=60, fps=10, seed=seed, behaviours=["walk", "rest"], difficulty=1.0)
        return lengths(r)[simulate.true_states(r).values[:, 0] == 1].mean()

    assert np.std([length(s) for s in range(5)]) > 0.03


def test_observed_has_a_scorer_who_disagrees_with_the_truth_and_keeps_it(pair):
    lab = simulate.observed(pair[1], 1.0, seed=2)
    assert lab.labels.raters == ["scorer"]
    truth = lab.meta["planted"]["truth"]
    time = lab.poses["time"].values
    names = truth.vocabulary
    agree = (truth.to_states(time, names).values == lab.labels.to_states(time, names).values).all(-1).mean()
    assert 0.75 < agree < 0.99
    gentle = simulate.observed(pair[1], 0.0, seed=2)
    alike = (truth.to_states(time, names).values == gentle.labels.to_states(time, names).values).all(-1).mean()
    assert alike > agree


def test_the_animal_below_is_hidden_in_turns():
    r = simulate.recording(duration_s=120, fps=20, n_animals=2, seed=1)
    covered = covered_by_others(r.poses, 2.0, np.random.default_rng(0))
    assert not (covered.any(axis=1).all(axis=1)).any()
    assert 0.001 < covered.mean() < 0.2
    middle = r.poses["position"].sel(keypoint="centre").values
    apart = np.hypot(*(middle[..., 0] - middle[..., 1]).T) / r.poses.attrs["px_per_cm"]
    assert apart[covered.any(axis=(1, 2))].max() < 15
    assert not covered_by_others(r.poses, 0.0, np.random.default_rng(0)).any()
    lab = simulate.observed(r, 1.0, seed=0)
    assert lab.meta["planted"]["hidden"].mean() > simulate.observed(r, 0.0, seed=0).meta["planted"]["hidden"].mean()


def test_difficulty_has_bounds():
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(DataError, match="difficulty"):
            simulate.recording(duration_s=5, difficulty=wrong)


def test_a_study_passes_difficulty_on():
    (first, *_), _ = simulate.study(1, duration_s=5, difficulty=0.7)
    assert first.meta["difficulty"] == 0.7
