"""`gbdt(net=True)`: the network's say is measured out-of-fold, stored, and left out of warm fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import murid
from murid import simulate
from murid.methods.supervised import stages
from murid.methods.supervised.quick_refit import Warm
from murid.methods.supervised.temporal_network import mix_probabilities, scaled, shares_of, spread_of

#: One worker makes what these tests share.
pytestmark = pytest.mark.xdist_group("temporal network")


def mouse(seed, **changes):
    return simulate.recording("open_field", duration_s=40, fps=15, seed=seed, id=f"r{seed}", animal=f"a{seed}").replace(
        **changes
    )


@pytest.fixture(scope="module")
def fitted():
    small = {"train": {"epochs": 1, "min_steps": 4}, "width": 8, "layers": 2, "length": 32}
    method = murid.method(
        "gbdt",
        behaviours=("walk", "rear"),
        others="negative",
        folds=2,
        net=True,
        mirror=True,
        temporal=small,
        context_s=(),
        n_features=40,
        trees={"n_trees": 5, "n_threads": 1},
    )
    # The fourth recording has no labels: the network is trained on it beforehand, and nobody warns of it.
    return method.fit([mouse(1), mouse(2), mouse(3), mouse(4, labels=None)])


def test_it_is_stored_and_says_the_same(fitted, tmp_path):
    out = fitted.apply(mouse(5))
    fitted.save(tmp_path / "model")
    again = murid.load_method(tmp_path / "model").apply(mouse(5))
    np.testing.assert_array_equal(again["probability"].values, out["probability"].values)


def test_the_network_has_a_say_of_its_own(fitted):
    frames = fitted.table(mouse(5), "mouse_1")
    time = frames["time"].values
    model = fitted.model
    trees, both = model.learner.predict(frames.values), model.scores(frames.values, time)
    net = model.stacked.net(frames.values, time)
    np.testing.assert_allclose(both, mix_probabilities(trees, net, model.stacked.shares), atol=1e-6)
    # Half the frame rate: the same moments, the same clock of the network.
    slow = fitted.model.stacked.net(frames.values[::2], time[::2])
    assert np.corrcoef(slow[:, 0], net[::2, 0])[0, 1] > 0.9


def test_mirror_images_teach_but_are_not_scored(fitted):
    assert set(fitted.out_of_fold) == {f"r{k}/mouse_1" for k in (1, 2, 3)}
    recipe, labelling = fitted.recipe(), replace(fitted.labelling(), folds=2)
    frames = stages.labelled(recipe, [mouse(1), mouse(2)], labelling)
    both = stages.gather(recipe, recipe.features, frames, labelling)
    n = len(both.features) // 2
    assert [s.mirrored for s in both.samples] == [False, False, True, True]
    speed, turn = (both.feature_names.index(f) for f in ("speed_centre", "turn_rate"))
    np.testing.assert_allclose(both.features[n:, speed], both.features[:n, speed], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(both.features[n:, turn], -both.features[:n, turn], rtol=1e-3, atol=1e-3)


def test_a_network_that_knows_nothing_gets_no_say():
    rng = np.random.default_rng(0)
    y = (rng.random((2000, 1)) < 0.3).astype(np.int8)
    good = np.clip(0.1 + 0.8 * y + rng.normal(0, 0.1, y.shape), 0.01, 0.99)
    noise = rng.random(y.shape)
    weights = np.ones(2000)
    assert shares_of(good, noise, y, weights)[0] == 0
    assert shares_of(noise, good, y, weights)[0] >= 0.9
    silent = np.full(y.shape, np.nan)
    np.testing.assert_array_equal(mix_probabilities(good, silent, np.array([0.5])), good.astype(np.float32))


def test_a_feature_that_training_never_varied_counts_as_nothing_later():
    x = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    x[:, 1], x[:, 2], x[:, 3] = np.nan, 0.1, np.arange(500) % 10 == 0
    centre, spread = spread_of(x)
    later = scaled(np.array([[0, 1e4, 1e4, 1.0]]), centre, spread)
    assert later[0, 1:3].tolist() == [0, 0]
    assert later[0, 3] > 0.5


def test_a_row_without_neighbours_is_told_too(fitted):
    frames = fitted.table(mouse(5), "mouse_1")
    assert np.isfinite(fitted.model.stacked.net(frames.values[:1], frames["time"].values[:1])).all()


def test_the_manifest_names_recordings_once(fitted):
    assert set(fitted.model.training.recordings) == {"r1", "r2", "r3"}


def test_warm_fits_leave_the_network_and_the_mirror_out(fitted):
    again = Warm(fitted).refit([mouse(1), mouse(2)])
    assert again.model.stacked is None
    assert set(again.out_of_fold) == {"r1/mouse_1", "r2/mouse_1"}
