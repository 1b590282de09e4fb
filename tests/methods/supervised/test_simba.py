"""`simba(faithful=True)` against the same steps written down with scikit-learn and pandas."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import murid
from murid import simulate
from murid.data.poses import make_poses
from murid.data.warning import MuridWarning
from murid.features.sets.scene import make_scene
from murid.features.sets.simba import simba_faithful
from murid.features.sets.simba_outliers import correct_outliers
from murid.learn.classify.forests import ForestParams


def mice(seed: int):
    return simulate.recording(
        "open_field", duration_s=40, fps=15, seed=seed, id=f"r{seed}", animal=f"a{seed}", unit="cm"
    )


def test_faithful_is_a_plain_forest_on_frame_windows_cut_at_one_half():
    train, test = [mice(1), mice(2)], mice(3)
    forest = ForestParams(n_trees=15, min_leaf=1, max_rows=None, balance=0.0, n_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = murid.method(
            "simba",
            behaviours=("walk",),
            others="negative",
            faithful=True,
            movement_criterion=None,
            location_criterion=None,
            forest=forest,
            sample_hz=15.0,
            folds=2,
            seed=5,
        ).fit(train)
    out = method.apply(test)

    def table(recording):
        zeroed = recording.poses.assign(position=recording.poses["position"].fillna(0))
        who = str(recording.poses["individual"].values[0])
        return simba_faithful(make_scene(zeroed, who, step_frames=(1, 0))).values

    truth = [r.labels.to_states(r.poses["time"].values, ["walk"], others="negative").values[:, 0, 0] for r in train]
    x, y = np.concatenate([table(r) for r in train]), np.concatenate(truth)
    plain = RandomForestClassifier(n_estimators=15, max_features="sqrt", min_samples_leaf=1, random_state=5)
    # Weights of one, as in the method: without any, scikit-learn breaks ties another way.
    expected = plain.fit(x, y, sample_weight=np.ones(len(y))).predict_proba(table(test))[:, 1]
    np.testing.assert_allclose(out["probability"].values[:, 0, 0], expected, atol=1e-4)
    # Raw share of trees, cut above one half, nothing smoothed.
    np.testing.assert_array_equal(out["states"].values[:, 0, 0] == 1, expected > 0.5)


def test_faithful_depends_on_the_length_of_the_recording_and_the_default_does_not():
    long = mice(4)
    short = long.replace(poses=long.poses.isel(time=slice(0, 300)))
    who = str(long.poses["individual"].values[0])
    parts = [simba_faithful(make_scene(r.poses, who, step_frames=(1, 0))) for r in (long, short)]
    ranks = [f for f in map(str, parts[0]["feature"].values) if f.endswith(("_rank", "_deviation"))]
    assert ranks
    assert not np.allclose(parts[0].sel(feature=ranks).values[:300], parts[1].sel(feature=ranks).values)
    from murid.features.sets.simba import simba_columns

    whole, cut = (simba_columns(make_scene(r.poses, who)).values[:280] for r in (long, short))
    np.testing.assert_allclose(whole, cut, rtol=1e-3, atol=1e-4)


def test_faithful_has_the_deviations_and_ranks_of_the_original():
    """11 of frames and 8 at each of five windows; 7 ranks; of the sum of confidences one of each; no copies."""
    pair = simulate.recording("open_field", duration_s=20, fps=15, n_animals=2, seed=1, unit="cm").poses
    table = simba_faithful(make_scene(pair, "all", step_frames=(1, 0)))
    names = [str(f) for f in table["feature"].values]
    deviations = [n for n in names if n.endswith("_deviation")]
    rolled = [n for n in deviations if re.search(r"_(mean|sum)_(2|5|6|7|15)_deviation$", n)]
    of_frames = [n for n in deviations if n not in rolled and n != "confidence_sum_deviation"]
    assert (len(of_frames), len(rolled), len(names)) == (11, 40, len(set(names)))
    ranks = [n for n in names if n.endswith("_rank")]
    assert len(ranks) == 7 + 1
    assert {n for n in names if n.startswith(("confidence", "low_"))} == {
        "confidence_sum",
        "low_0.1_sum",
        "low_0.5_sum",
        "low_0.75_sum",
        "confidence_sum_deviation",
        "confidence_sum_deviation_rank",
    }
    column = {n: table.sel(feature=n).values.astype(float) for n in names}
    sure = np.nansum(pair["confidence"].values, axis=(1, 2))
    np.testing.assert_allclose(column["confidence_sum"], sure, rtol=1e-4)
    np.testing.assert_allclose(column["confidence_sum_deviation"], sure.mean() - sure, atol=1e-3)
    both = column["pair_sum_1"] + column["pair_sum_2"]
    mean15 = np.array([both[max(0, i - 14) : i + 1].mean() for i in range(len(both))])
    np.testing.assert_allclose(column["pair_sum_total_mean_15_deviation"], mean15.mean() - mean15, atol=2e-3)


def line(n=12, **moved):
    """Four points on a line, 2 cm apart, at rest; single frames of a keypoint elsewhere."""
    xy = np.zeros((n, 2, 4, 1))
    xy[:, 0, :, 0] = [10, 12, 14, 16]
    xy[:, 1] = 20
    names = ["nose", "neck", "centre", "tail_base"]
    for name, places in moved.items():
        for frame, place in places.items():
            xy[frame, :, names.index(name), 0] = place
    return make_poses(xy, keypoints=names, fps=30, unit="cm")


def test_a_point_that_jumps_is_held_at_its_last_accepted_place():
    jump = {3: (30, 20), 4: (31, 20), 7: (11, 20), 8: (np.nan, np.nan)}
    got = correct_outliers(line(nose=jump), movement=0.7, location=None)["position"].values[:, 0, 0, 0]
    # 0.7 of the mean distance of nose and tail base is about 5 cm: jumps of 20 are held, a step of 1 is kept.
    np.testing.assert_allclose(got, [10, 10, 10, 10, 10, 10, 10, 11, 11, 10, 10, 10])


def test_a_point_far_from_two_others_takes_its_last_place_and_none_before_any():
    away = {0: (90, 20), 5: (90, 20), 6: (90, 20)}
    got = correct_outliers(line(nose=away), movement=None, location=1.5)["position"].values[:, :, 0, 0]
    assert got[0].tolist() == [0, 0]
    np.testing.assert_allclose(got[1:, 0], 10)
    kept = correct_outliers(line(nose=away), movement=None, location=None)["position"].values[5, 0, 0, 0]
    assert kept == 90
    # Far from one other only: stays.
    alone = correct_outliers(line(nose={5: (-3, 20)}), movement=None, location=1.1)["position"].values
    assert alone[5, 0, 3, 0] == 16


@pytest.mark.parametrize("late", [("nose", "neck"), ("centre", "tail_base")])
def test_points_that_were_not_seen_yet_are_none_to_be_far_from(late):
    unseen = {k: (np.nan, np.nan) for k in range(6)}
    got = correct_outliers(line(**dict.fromkeys(late, unseen)), movement=0.7, location=1.5)["position"].values[..., 0]
    # Two points stand at (0, 0) until they are seen, 22 cm and more away: the other two stay where they are.
    x = np.array([10, 12, 14, 16])
    waiting = np.isin(["nose", "neck", "centre", "tail_base"], late)
    np.testing.assert_allclose(got[:6, 0], [np.where(waiting, 0, x)] * 6)
    np.testing.assert_allclose(got[6:, 0], [x] * 6)
    np.testing.assert_allclose(got[6:, 1], 20)


def test_a_skeleton_without_nose_says_by_what_length_outliers_are_found():
    poses = line().sel(keypoint=["neck", "centre", "tail_base"])
    with pytest.warns(MuridWarning, match="largest mean distance"):
        correct_outliers(poses, movement=0.7, location=1.5)
