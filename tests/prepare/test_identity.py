from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from murid.prepare import CleanParams, clean, repair_identity

from .tracks import animals, with_position


def swap(poses, start, stop, keypoints=slice(None), order=(1, 0)):
    """Exchange individuals in frames start..stop-1."""
    x, c = poses["position"].values.copy(), poses["confidence"].values.copy()
    x[start:stop, :, keypoints] = x[start:stop, :, keypoints][..., list(order)]
    c[start:stop, keypoints] = c[start:stop, keypoints][..., list(order)]
    return with_position(poses, x).assign(confidence=(poses["confidence"].dims, c))


def apart(poses, distance=6.0):
    """Frames in which the animals' centres are at least `distance` cm apart."""
    centre = poses["position"].sel(keypoint="centre").values
    return np.linalg.norm(centre[..., 0] - centre[..., 1], axis=1) > distance


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
@pytest.mark.parametrize("unit", ["cm", "px"])
@pytest.mark.parametrize("seed", range(4))
def test_never_worse_on_clean_data(seed, unit, fps):
    poses = animals(3000, fps=fps, seed=seed, noise=0.2, unit=unit)
    out, table = repair_identity(poses)
    assert table.empty
    xr.testing.assert_identical(out, poses)


@pytest.mark.parametrize("seed", range(4))
def test_planted_swaps_are_found_and_undone(seed):
    truth = animals(3000, seed=seed, noise=0.1)
    far = np.flatnonzero(apart(truth))
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.choice(far[(far > 100) & (far < 2800)], 6, replace=False))
    bad = truth
    for start in starts:
        bad = swap(bad, start, None)  # from here to the end
    out, table = repair_identity(bad)
    xr.testing.assert_identical(out, truth)
    assert table["frame"].tolist() == starts.tolist()
    np.testing.assert_allclose(table["time_s"], starts / 30)
    assert (table["what"] == "animal").all()
    assert (table["confidence"] > 0.5).all()
    assert (table["individuals"] == "m0,m1").all()


def test_a_swap_across_a_short_gap():
    truth = animals(600, seed=1)
    start = int(np.flatnonzero(apart(truth, 15.0) & (np.arange(600) > 100))[0])
    x = truth["position"].values.copy()
    x[start : start + 4] = np.nan
    truth = with_position(truth, x)
    out, table = repair_identity(swap(truth, start, None))
    xr.testing.assert_identical(out["position"], truth["position"])  # unseen frames have no name
    assert len(table) == 1
    assert 0.1 < table["gap_s"][0] < 0.2


def test_after_a_long_gap_the_tracker_is_believed():
    truth = animals(600, seed=1)
    x = truth["position"].values.copy()
    x[200:230] = np.nan
    bad = swap(with_position(truth, x), 200, None)
    out, table = repair_identity(bad)
    assert table.empty
    xr.testing.assert_identical(out, bad)


def test_one_animal_hidden_and_the_other_takes_its_name():
    truth = animals(600, seed=2)
    start = int(np.flatnonzero(apart(truth, 15.0) & (np.arange(600) > 100))[0])
    x = truth["position"].values.copy()
    x[start : start + 8, ..., 0] = np.nan  # m0 hidden
    truth = with_position(truth, x)
    out, table = repair_identity(swap(truth, start, start + 8))
    xr.testing.assert_identical(out["position"], truth["position"])
    assert len(table) == 2


def test_three_animals_turned_in_a_circle():
    truth = animals(900, n_ind=3, seed=5)
    centre = truth["position"].sel(keypoint="centre").values
    gap = np.min([np.linalg.norm(centre[..., a] - centre[..., b], axis=1) for a, b in ((0, 1), (0, 2), (1, 2))], axis=0)
    start = int(np.flatnonzero((gap > 8) & (np.arange(900) > 100))[0])
    out, table = repair_identity(swap(truth, start, None, order=(1, 2, 0)))
    xr.testing.assert_identical(out, truth)
    assert table["individuals"].tolist() == ["m0,m1,m2"]


def test_one_keypoint_exchanged():
    truth = animals(900, seed=3, noise=0.1)
    start = int(np.flatnonzero(apart(truth, 15.0)[100:800])[0]) + 100
    bad = swap(truth, start, start + 6, keypoints=[3])
    out, table = repair_identity(bad)
    xr.testing.assert_identical(out, truth)
    assert table["keypoint"].tolist() == ["tail_base"]
    assert table["what"].tolist() == ["keypoint"]
    alone, none = repair_identity(bad.isel(individual=[0]))
    assert none.empty
    assert alone.sizes["individual"] == 1


def test_names_go_with_everything_that_was_cleaned():
    truth = animals(900, seed=0)
    start = int(np.flatnonzero(apart(truth, 15.0)[100:])[0]) + 100
    p = CleanParams(smoothing="none", jumps=False)
    out, _ = repair_identity(clean(swap(truth, start, None), p))
    want = clean(truth, p)
    for name in ("position", "position_raw", "status", "confidence"):
        np.testing.assert_array_equal(out[name].values, want[name].values)
