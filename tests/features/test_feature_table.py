"""From recordings to X, y, groups and back: rows, names, clocks, and scikit-learn's own splits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.features import FeatureParams, FeatureTable, compute

SMALL = FeatureParams(families=("kinematics", "shape"), windows_s=(0.4,), stats=("mean",), lags_s=(), path_windows_s=())
KEYPOINTS = ["nose", "centre", "tail_base"]


def _recording(id_="r", animals=("m1", "m2"), n=300, seed=0, unit="cm", fps=30.0, **keys) -> Recording:
    rng = np.random.default_rng(seed)
    centre = np.cumsum(rng.normal(size=(n, 2, 1, len(animals))), 0) * 0.2
    xy = centre + np.array([[4, 0, -4], [0, 0, 0.0]])[None, :, :, None]
    poses = make_poses(xy, keypoints=KEYPOINTS, individuals=animals, fps=fps, unit=unit)
    bouts = pd.DataFrame(
        {
            "start_s": [1.0, 3.0, 5.0],
            "stop_s": [2.0, 4.0, 6.0],
            "label": ["rear", "groom", "rear"],
            "individual": ["m1", "m1", "m2"],
        }
    )
    labels = Labels.from_bouts(bouts, duration_s=8.0)
    return Recording(id_, poses=poses, labels=labels, **keys)


def test_rows_labels_and_groups_belong_together() -> None:
    recordings = [_recording("r1", animal="a"), _recording("r2", animal="b", seed=1)]
    X, y, groups = FeatureTable(SMALL, sample_hz=10).fit_transform(recordings, behaviour="rear")
    assert len(X) == len(y) == len(groups)
    assert set(groups) == {"a", "b"}
    index = X.index.to_frame(index=False)
    assert index["time_s"].max() < 8.0, "what was not scored has no label"
    for individual, spans in (("m1", [(1, 2)]), ("m2", [(5, 6)])):
        rows = index["individual"] == individual
        t = index["time_s"][rows].to_numpy()
        right = np.any([(t >= a - 1e-9) & (t < b - 1e-9) for a, b in spans], axis=0)
        np.testing.assert_array_equal(y[rows.to_numpy()], right)
    one = compute(recordings[0].poses, "m2", SMALL)
    row = X.loc[("r1", "m2")].iloc[5]
    at = int(np.argmin(np.abs(one["time"].values - X.loc[("r1", "m2")].index[5])))
    np.testing.assert_array_equal(row.to_numpy(), one.values[at])
    assert X.attrs["units"]["speed_centre"] == "cm/s"


def test_labels_come_back_onto_every_clock() -> None:
    recordings = [_recording("r1", fps=30.0), _recording("r2", fps=17.0, n=200, seed=1)]
    table = FeatureTable(SMALL, sample_hz=10)
    _, y, _ = table.fit_transform(recordings, behaviour="rear")
    back = table.inverse_transform(y, recordings, behaviour="rear")
    for recording in recordings:
        states = back[recording.id]
        truth = recording.labels.to_states(states["time"].values, ["rear"], individuals=["m1", "m2"]).values
        agree = states.values == truth
        # A row every 0.1 s: only frames at an edge differ.
        assert agree.mean() > 0.96
        assert (states.values[truth == 1] == 1).mean() > 0.9
        assert (states.values[-10:] == -1).all()


def test_probabilities_come_back_by_name_and_rows() -> None:
    recordings = [_recording("r1"), _recording("r2", seed=1)]
    table = FeatureTable(SMALL, sample_hz=10)
    X, y, _ = table.fit_transform(recordings, behaviour="rear")
    p = np.stack([1 - y, y], axis=1).astype(float)
    order = np.random.default_rng(0).permutation(len(y))
    mixed = table.inverse_transform(p[order], recordings[::-1], behaviour="rear", rows=X.index[order])
    plain = table.inverse_transform(p, recordings, behaviour="rear")
    for id_ in ("r1", "r2"):
        np.testing.assert_array_equal(mixed[id_].values, plain[id_].values)
        assert plain[id_].sel(individual="m1", time=1.5).item() == 1.0
    with pytest.raises(DataError, match="do not fit the rows"):
        table.inverse_transform(p[:10], recordings)
    with pytest.raises(DataError, match="do not fit the names"):
        table.inverse_transform(np.ones((len(y), 3)), recordings, behaviour="rear")


def test_a_frame_takes_the_row_nearest_in_time() -> None:
    recordings = [_recording("r1", fps=30.0)]
    table = FeatureTable(SMALL, sample_hz=7)
    X, y, _ = table.fit_transform(recordings, behaviour="rear")
    p = np.arange(len(y)) / len(y)  # each row says which it is
    back = table.inverse_transform(np.stack([1 - p, p], axis=1), recordings, behaviour="rear")["r1"]
    at = X.index.to_frame(index=False)
    for individual in ("m1", "m2"):
        own = np.flatnonzero(at["individual"] == individual)
        stamps = at["time_s"].to_numpy()[own]
        for frame in (0, 8, 31, 100, 200):
            time = back["time"].values[frame]
            nearest = own[np.abs(stamps - time).argmin()]
            assert back.sel(individual=individual, behaviour="rear").values[frame] == pytest.approx(
                p[nearest], abs=1e-6
            )


def test_several_behaviours_are_names_and_none() -> None:
    recordings = [_recording("r1")]
    table = FeatureTable(SMALL, sample_hz=10)
    _, y, _ = table.fit_transform(recordings, behaviour=["rear", "groom"])
    assert set(y) == {"rear", "groom", "none"}
    states = table.inverse_transform(y, recordings, behaviour=["groom", "none", "rear"])["r1"]
    assert states.attrs["behaviours"] == ["groom", "none", "rear"]
    assert states.sel(individual="m1", time=3.5).item() == 0


def test_what_does_not_fit_is_one_error() -> None:
    table = FeatureTable(SMALL)
    with pytest.raises(DataError, match="no recording has the behaviour 'reer'"):
        table.fit_transform([_recording()], behaviour="reer")
    px = _recording("px", unit="px")
    with pytest.raises(DataError, match=r"recording 'px': has other units"):
        table.fit([_recording("cm"), px])
    table.fit([_recording("cm"), px.replace(poses=px.poses.assign_attrs(unit="cm"))])
    fewer = _recording("few")
    fewer = fewer.replace(poses=fewer.poses.sel(keypoint=["nose", "tail_base"]))
    with pytest.raises(DataError, match=r"recording 'few': gives other features"):
        table.transform([_recording("cm"), fewer])
    with pytest.raises(DataError, match="recordings of one id"):
        table.fit([_recording("a"), _recording("a")])
    with pytest.raises(DataError, match="sample_hz"):
        FeatureTable(sample_hz=0)


def test_animals_together_where_the_labels_are() -> None:
    recording = _recording()
    together = recording.labels.bouts.assign(individual="all")
    recording = recording.replace(labels=Labels.from_bouts(together, duration_s=8.0))
    X, _, _ = FeatureTable(SMALL).fit_transform([recording], behaviour="rear")
    assert X.index.get_level_values("individual").unique().tolist() == ["all"]
    each = FeatureTable(SMALL, subject="each").transform([recording])
    assert each.index.get_level_values("individual").unique().tolist() == ["m1", "m2"]


def test_cross_validation_of_scikit_learn_by_animal() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, cross_val_score

    recordings = [simulate.recording(duration_s=60, seed=i, unit="cm", id=f"r{i}") for i in range(3)]
    X, y, groups = FeatureTable(SMALL, sample_hz=8).fit_transform(recordings, behaviour="walk")
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    scores = cross_val_score(model, X, y, groups=groups, cv=GroupKFold(3), scoring="roc_auc")
    assert scores.min() > 0.85
