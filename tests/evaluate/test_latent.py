from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.evaluate import latent


def blobs(seed, n=600):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    centres = np.random.default_rng(0).normal(0, 5, (3, 6))
    return centres[y] + rng.normal(0, 1, (n, 6)), y


def test_trustworthiness_of_an_isometry_and_of_noise():
    x, _ = blobs(1)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))[0]
    assert latent.trustworthiness(x, x @ turn) == pytest.approx(1.0)
    noise = np.random.default_rng(3).normal(size=(600, 2))
    assert latent.trustworthiness(x, noise) < 0.6
    holed = x @ turn
    holed[:50] = np.nan
    assert latent.trustworthiness(x, holed, max_samples=300, seed=1) == pytest.approx(1.0)
    with pytest.raises(DataError, match="too few"):
        latent.trustworthiness(x[:10], x[:10])


def test_the_probe_reads_what_is_linear_and_ignores_unlabelled():
    (x, y), (x2, y2) = blobs(4), blobs(5)
    y[:100], x[100, 0] = -1, np.nan
    got = latent.linear_probe((x, y), (x2, y2))
    assert got["macro_f1"] > 0.98
    assert got["map"] > 0.98
    assert set(got["f1"]) == {0, 1, 2}
    blind = latent.linear_probe((np.random.default_rng(6).normal(size=x.shape), y), (x2, y2))
    assert blind["macro_f1"] < 0.5
    with pytest.raises(DataError, match="fewer than two classes"):
        latent.linear_probe((x, np.zeros(600, int)), (x2, y2))


def test_runs_are_compared_up_to_an_affine_map():
    rng = np.random.default_rng(7)
    z = rng.normal(size=(800, 3))
    other = z @ rng.normal(size=(3, 3)) + 5
    assert latent.r2_between(z, other) == pytest.approx(1.0)
    assert latent.r2_between(z, rng.normal(size=(800, 3))) < 0.05
    got = latent.consistency([z, other, rng.normal(size=(800, 3))])
    np.testing.assert_allclose(got, got.T)
    assert got[0, 1] > 0.99 > 0.1 > got[0, 2]


def test_a_class_that_training_lacks_is_missed():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(600, 3)), np.repeat([0, 1, 0], 200)
    x[:, 0] += 3 * y
    got = latent.linear_probe((x, y), (x, np.repeat([0, 1, 2], 200)))
    assert got["f1"][2] == 0
    assert got["macro_f1"] == pytest.approx(np.mean([got["f1"][0], got["f1"][1], 0]))
