"""`simba(faithful=True)` against the same steps written down with scikit-learn and pandas."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier

import murid
from murid import simulate
from murid.features.sets.scene import make_scene
from murid.features.sets.simba import simba_faithful
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
    # Raw share of trees, cut at one half, nothing smoothed.
    np.testing.assert_array_equal(out["states"].values[:, 0, 0] == 1, expected >= 0.5)


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
