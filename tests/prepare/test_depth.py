"""Depth extraction against the pose that the pictures were drawn from."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.prepare.depth import depth_recording, extract, open_depth


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
def test_depth_files_are_read(tmp_path, suffix):
    frames = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    path = tmp_path / f"depth{suffix}"
    if suffix == ".npy":
        np.save(path, frames)
    elif suffix == ".npz":
        np.savez(path, frames=frames)
    else:
        with h5py.File(path, "w") as file:
            file["frames"] = frames
    np.testing.assert_array_equal(open_depth(path)[:], frames)
    with pytest.raises(DataError, match=r"\.npy, \.npz or \.h5"):
        open_depth(path.rename(tmp_path / "depth.avi"))


@pytest.fixture(scope="module")
def filmed():
    made = simulate.recording("open_field", duration_s=40, fps=15, seed=3)
    return made, np.stack(list(simulate.depth_frames(made, mm_per_px=3.0, seed=1)))


def test_place_and_heading_agree_with_the_pose(filmed):
    made, frames = filmed
    from murid.prepare.depth import DepthParams

    recording = depth_recording("d", frames, 15.0, DepthParams(mm_per_px=3.0), animal="a")
    crops = recording.meta["depth"]
    assert crops.seen.mean() > 0.98
    position = made.poses["position"].values[..., 0] * (10.0 / float(made.meta["px_per_cm"]))  # mm
    names = [str(k) for k in made.poses["keypoint"].values]
    centre, neck, base = (position[:, :, names.index(k)] for k in ("centre", "neck", "tail_base"))
    off = np.linalg.norm(crops.centre_mm - centre, axis=1)
    assert np.nanmedian(off) < 12
    true = np.arctan2(*(neck - base).T[::-1])
    error = np.abs(np.angle(np.exp(1j * (crops.heading - true))))[crops.seen]
    assert np.median(error) < np.deg2rad(12)
    assert (error < np.pi / 2).mean() > 0.95
    assert recording.poses.attrs["unit"] == "cm"
    assert recording.roles["nose"] == "front"
    right, left = crops.height[:, :, 40:].sum(axis=(1, 2)), crops.height[:, :, :40].sum(axis=(1, 2))
    assert crops.height.shape[1:] == (80, 80)
    assert (right + left)[crops.seen].min() > 0


def test_gaps_empty_arenas_and_wrong_input_are_clear(filmed):
    from murid.prepare.depth import DepthParams

    _, frames = filmed
    part = frames[:100].copy()
    part[40:50] = 0
    crops = extract(part, np.arange(100) / 15, DepthParams(mm_per_px=3.0))
    assert not crops.seen[40:50].any()
    assert crops.seen[:40].mean() > 0.9
    block = np.concatenate(list(crops.blocks(64)))
    assert block.shape == (100, 1600)
    assert np.isnan(block[45]).all()
    assert not np.isnan(block[5]).any()
    with pytest.raises(DataError, match="no animal found"):
        extract(np.full((20, 60, 60), 670, np.uint16), np.arange(20) / 15)
    with pytest.raises(DataError, match="differ in length"):
        extract(part, np.arange(5) / 15)
    with pytest.raises(DataError, match="stack of pictures"):
        extract(part[0], np.arange(5) / 15)
