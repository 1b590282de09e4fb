"""What features are used for, on features with a known meaning."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from murid.data.errors import DataError
from murid.methods.self_supervised.feature_uses import anomaly, few_labels, windowed


def features(codes, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((5, 12))
    x = centres[codes] + noise * rng.standard_normal((len(codes), 12))
    return xr.DataArray(
        x[:, None].astype(np.float32),
        dims=("time", "individual", "feature"),
        coords={"time": np.arange(len(codes)) / 20, "individual": ["a"]},
    )


def blocks(n, kinds, seed):
    rng = np.random.default_rng(seed)
    return np.repeat(rng.choice(kinds, n // 20), 20)


@pytest.mark.parametrize("reader", ["knn", "lightgbm"])
def test_few_labels_teach_unseen_recordings(reader):
    codes = [blocks(600, 3, s) for s in (1, 2, 3)]
    tables = [windowed(features(c, s)) for s, c in enumerate(codes)]
    shown = codes[0].copy()
    shown[np.random.default_rng(0).random(600) > 0.1] = -1
    read = few_labels(tables[:1], [shown], reader=reader)
    p = read(tables[2])
    assert p.shape == (600, 3)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert (p.argmax(axis=1) == codes[2]).mean() > 0.85
    hole = tables[2].copy()
    hole[5] = np.nan
    assert np.isnan(read(hole)[5]).all()
    assert np.isfinite(read(hole)[6]).all()
    with pytest.raises(DataError, match="nothing to tell apart"):
        few_labels(tables[:1], [np.zeros(600, int)])


def test_windows_hold_mean_sd_and_rhythm():
    time = np.arange(400) / 20
    x = np.zeros((400, 1, 2), np.float32)
    x[:, 0, 0] = 1
    x[:, 0, 1] = np.where(time < 10, 0, np.sin(2 * np.pi * 2 * time))
    data = xr.DataArray(x, dims=("time", "individual", "feature"), coords={"time": time, "individual": ["a"]})
    table = windowed(data, windows_s=(1.0,))
    assert table.shape == (400, 2 + 4 + 3)
    np.testing.assert_allclose(table[100, 2:6], [1, 0, 0, 0], atol=1e-5)
    assert table[300, 5] > 0.4
    assert table[300, 8] > 5 * table[100, 8]


def test_what_only_the_treated_do_is_strange():
    usual = [features(blocks(800, 3, s), s).values[:, 0] for s in range(4)]
    codes = blocks(800, [0, 1, 2, 4], 9)
    found = anomaly(features(codes, 9).values[:, 0], usual[:2], rate_hz=30.0, control=usual[2:])
    assert found.strange[codes == 4].mean() > 0.95
    assert found.strange[codes != 4].mean() < 0.02
    assert (found.nearest[:, 0] < 2).all()
    assert found.nearest[:, 1].max() < 800
    with pytest.raises(DataError, match="no reference"):
        anomaly(usual[0], [], rate_hz=30.0)


def test_what_is_rare_everywhere_is_not_strange():
    """A single odd moment is unlike the reference, but unlike the rest of its own recording too."""
    usual = [features(blocks(800, 3, s), s).values[:, 0] for s in range(3)]
    codes = blocks(800, 3, 9)
    codes[400:410] = 4
    found = anomaly(features(codes, 9).values[:, 0], usual[:2], rate_hz=30.0, control=usual[2:])
    assert found.strange[400:410].mean() <= 0.3


@pytest.mark.parametrize("fps", [10, 60])
def test_moments_are_apart_by_seconds_at_every_rate(fps):
    """What comes back after two seconds is another moment; what lasts one second is one moment."""
    usual = np.repeat(np.eye(12)[:10], 2 * fps, axis=0)
    odd = np.repeat(np.eye(12)[[11]], fps, axis=0)
    back = np.concatenate([usual, odd, usual[: 3 * fps], odd])
    once = np.concatenate([usual, odd, usual[: 3 * fps]])
    for table, strange in ((back, True), (once, False)):
        found = anomaly(table, [usual], rate_hz=fps)
        assert bool(found.score[20 * fps : 21 * fps].max() > 0.5) == strange
