"""What movement, sleap-io and pynapple make of the same files, and of what murid gives them.

They are no dependencies of murid: a test without its peer is skipped with the line that installs it.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import xarray as xr

from murid import io
from murid.data.poses import make_poses

# What the peers warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


def needs(*names: str):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    why = f"{', '.join(missing)} missing: pip install --group peers (pip 25.1 and Python 3.12 or newer)"
    return pytest.mark.skipif(bool(missing), reason=why)


@pytest.fixture
def poses():
    """Two animals that walk along x at 20 and 40 px/s."""
    time = np.arange(6) / 10
    x = time[:, None, None] * np.array([20.0, 40.0]) + np.arange(3)[None, :, None]
    position = np.stack([x, np.full_like(x, 5.0)], axis=1)
    position[2, :, 1, 0] = np.nan
    return make_poses(position, keypoints=["nose", "neck", "tail"], individuals=["m1", "m2"], fps=10, unit="px")


@needs("movement")
def test_movement_opens_what_murid_gives(poses):
    from movement.kinematics import compute_speed
    from movement.validators.datasets import ValidPosesInputs

    there = io.to_movement(poses)
    ValidPosesInputs.validate(there)
    speed = compute_speed(there["position"]).transpose("time", "keypoint", "individual")
    np.testing.assert_allclose(speed[:, 0], np.tile([20.0, 40.0], (6, 1)), rtol=1e-6)
    assert there.attrs["fps"] == 10
    assert there.attrs["time_unit"] == "seconds"


@needs("movement")
@pytest.mark.parametrize(("writer", "file"), [("to_dlc_file", "a.csv"), ("to_dlc_file", "a.h5")])
def test_what_movement_writes_of_it_is_read_back(poses, writer, file, tmp_path):
    from movement.io import save_poses

    getattr(save_poses, writer)(io.to_movement(poses), tmp_path / file, split_individuals=False)
    again = io.read_poses(tmp_path / file, fps=10)
    np.testing.assert_array_equal(again["position"], poses["position"])
    assert again["individual"].values.tolist() == ["m1", "m2"]


@needs("movement")
def test_movement_reads_the_netcdf_and_murid_reads_its_own(poses, tmp_path):
    from movement.io import load_poses
    from movement.validators.datasets import ValidPosesInputs

    io.to_movement(poses).to_netcdf(tmp_path / "a.nc")
    ValidPosesInputs.validate(xr.load_dataset(tmp_path / "a.nc"))
    theirs = load_poses.from_numpy(
        poses["position"].values,
        poses["confidence"].values,
        individual_names=["m1", "m2"],
        keypoint_names=["nose", "neck", "tail"],
        source_software="test",
        fps=10,
    )
    theirs.to_netcdf(tmp_path / "b.nc")
    for name in ("a.nc", "b.nc"):
        again = io.read_poses(tmp_path / name)
        np.testing.assert_array_equal(again["position"], poses["position"])
        np.testing.assert_array_equal(again["time"], poses["time"])


#: Labelled frames: murid's time is that of the images' numbers, movement counts rows. All else is the same.
LABELLED = {
    "mirror_mouse/CollectedData.csv",
    "openfield_pose/labeled-data/m4s1/CollectedData_Pranav.csv",
    "openfield_pose/labeled-data/m4s1/CollectedData_Pranav.h5",
}


@pytest.mark.slow
@pytest.mark.realdata
@needs("movement", "sleap_io")
def test_readers_agree_with_movement_and_sleap_io(data_dir):
    from benchmarks.peers.read_files import THROUGH, compare_poses

    answers = compare_poses(data_dir)
    assert len(answers["sleap-io"]) >= 5
    assert not any(answers["sleap-io"].values())
    by_movement = answers["movement"] | answers[THROUGH]
    assert len(by_movement) >= 113
    differs = {file: faults for file, faults in by_movement.items() if faults}
    assert set(differs) <= LABELLED
    assert all(fault.startswith("time: ") for faults in differs.values() for fault in faults)


@pytest.mark.slow
@pytest.mark.realdata
@needs("pynapple")
def test_signals_and_bouts_go_through_pynapple(data_dir):
    from benchmarks.peers.read_files import compare_signals

    answers = compare_signals(data_dir)["pynapple"]
    assert {file: faults for file, faults in answers.items() if faults} == {}
    assert len(answers) >= 110
