"""Real recordings read as their sources describe them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import murid.io as io
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.pandas_release import EXACT_NUMBERS

pytestmark = pytest.mark.realdata


def one(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))))


def text_table(path: Path, header: int) -> np.ndarray:
    """The same numbers read the plain way."""
    return pd.read_csv(path, skiprows=header, header=None, **EXACT_NUMBERS).to_numpy(float)


# -- rat_social ----------------------------------------------------------------------------------

S1 = {"social": (273_659, 1_217), "nonsocial": (252_271, 1_078), "base": (112_537, 94), "aggression": (50_070, 207)}
S2 = {
    "base": (511_192, 246),
    "keepdown": (19_275, 178),
    "lateralthreat": (14_938, 395),
    "clinch": (10_999, 324),
    "uprightposture": (2_763, 93),
    "freezing": (1_147, 20),
    "chase": (472, 37),
    "bite": (471, 29),
}


def test_rat_social_annotations(data_dir):
    """Frames and bouts of both streams over all 48 sessions are those of the source."""
    fps = 24.0
    parts = [io.read_labels(p, fps=fps) for p in sorted((data_dir / "rat_social" / "annotations").glob("*.txt"))]
    assert len(parts) == 48
    assert sum("S2" in p.streams for p in parts) == 39
    bouts = pd.concat([p.bouts for p in parts])
    frames = np.round((bouts["stop_s"] - bouts["start_s"]) * fps).astype(int)
    for stream, truth in (("S1", S1), ("S2", S2)):
        mine = frames.groupby([bouts["stream"], bouts["label"]]).agg(["sum", "size"]).loc[stream]
        assert {word: tuple(row) for word, row in zip(mine.index, mine.to_numpy().tolist(), strict=True)} == truth


def test_rat_social_annotations_cut_at_the_poses(data_dir):
    """Cut at the end of the poses, the labels of a session fill exactly the frames of the film."""
    folder = data_dir / "rat_social"
    poses = io.read_poses(one(folder / "poses", "10DLC*"), fps=24)
    labels = io.read_labels(folder / "annotations" / "10_annot.txt", fps=24, duration_s=poses.sizes["time"] / 24)
    stream = labels.select(stream="S1")
    assert labels.exclusive
    assert "clinch" in labels.vocabulary
    states = stream.to_states(poses["time"].values, [*stream.behaviours, "base"])
    assert (states.values.sum(axis=2) == 1).all()


def test_rat_social_poses(data_dir):
    path = one(data_dir / "rat_social" / "poses", "10DLC*")
    poses = io.read_poses(path, fps=24)
    assert poses["individual"].values.tolist() == ["individual1", "individual2"]
    assert poses["keypoint"].values.tolist() == ["top", "body", "tail", "tail-m", "tail-e"]
    table = text_table(path, 4)
    assert poses.sizes["time"] == len(table) == 14_957
    # Column 1 + 3 * 5 * animal + 3 * keypoint holds x.
    np.testing.assert_allclose(
        poses["position"].sel(individual="individual2", keypoint="tail", space="y"), table[:, 23], rtol=1e-6
    )
    np.testing.assert_allclose(
        poses["confidence"].sel(individual="individual1", keypoint="body"), table[:, 6], rtol=1e-6
    )


def test_rat_social_rounding_against_the_original(data_dir):
    folder = data_dir / "rat_social"
    exact = io.read_poses(one(folder / "original", "*.csv.gz"), fps=24)
    rounded = io.read_poses(one(folder / "poses", "1DLC*"), fps=24)
    assert float(np.nanmax(np.abs(exact["position"] - rounded["position"]))) < 0.0052


# -- other poses ---------------------------------------------------------------------------------


def test_three_chamber(data_dir):
    folder = data_dir / "three_chamber" / "poses"
    paths = sorted(folder.glob("*.csv.gz"))
    assert len(paths) == 35
    poses = io.read_poses(paths[0], fps=24)
    assert poses["keypoint"].values.tolist() == ["nose", "right ear", "left ear", "tail"]
    assert 0.8 < float((poses["confidence"] > 0.9).mean()) < 1


def test_calms21_excerpt(data_dir):
    folder = data_dir / "calms21_excerpt"
    poses = io.read_poses(one(folder, "mouse083*"), fps=30)
    assert dict(poses.sizes) == {"time": 4_881, "space": 2, "keypoint": 7, "individual": 2}
    first = poses["position"].isel(time=0).sel(individual="Intruder", keypoint="tail_base").values
    np.testing.assert_allclose(first, [859.32, 296.88], rtol=1e-6)
    labels = io.read_labels(one(folder, "asoid*"), fps=30)
    frames = (labels.bouts["stop_s"] - labels.bouts["start_s"]).groupby(labels.bouts["label"]).sum() * 30
    assert frames.round(6).to_dict() == {"investigation": 4_617, "mount": 264}
    assert labels.vocabulary == ("investigation", "mount", "attack", "other")


@pytest.mark.parametrize("name", ["single", "multi", "madlc"])
def test_deepof_csv_and_h5(data_dir, name):
    """Every number is that of a plain reading; exact zeros with likelihood 0 are missing."""
    folder = data_dir / "deepof_fixtures" / f"test_{name}_topview"
    text, binary = io.read_poses(one(folder, "*.csv"), fps=25), io.read_poses(one(folder, "*.h5"), fps=25)
    plain = {
        "csv": text_table(one(folder, "*.csv"), 4 if name == "madlc" else 3)[:, 1:],
        "h5": pd.read_hdf(one(folder, "*.h5")).to_numpy(float),
    }
    assert text["keypoint"].values.tolist() == binary["keypoint"].values.tolist()
    assert text.sizes["individual"] == (2 if name == "madlc" else 1)
    for poses, truth in ((text, plain["csv"]), (binary, plain["h5"])):
        place = poses["position"].transpose("time", "individual", "keypoint", "space").values
        sure = poses["confidence"].transpose("time", "individual", "keypoint").values
        truth = truth.reshape(*sure.shape, 3)
        lost = (truth == 0).all(axis=-1)
        assert poses.attrs["n_zero_points"] == lost.sum()
        np.testing.assert_array_equal(np.isnan(place[..., 0]), lost)
        np.testing.assert_allclose(place[~lost], truth[~lost][:, :2], rtol=1e-6)
        np.testing.assert_allclose(sure, truth[..., 2], rtol=1e-6)


def test_deepof_prefixed_animals(data_dir):
    path = one(data_dir / "deepof_fixtures" / "test_multi_topview", "*.csv")
    poses = io.read_poses(path, fps=25, individuals=["B", "W"])
    flat = io.read_poses(path, fps=25)
    assert poses.sizes["individual"] == 2
    assert poses.sizes["keypoint"] == 14
    np.testing.assert_array_equal(
        poses["position"].sel(individual="W", keypoint="Nose"),
        flat["position"].sel(individual="individual_0", keypoint="W_Nose"),
    )


def test_deepof_sleap_files_agree(data_dir):
    folder = data_dir / "deepof_fixtures" / "test_single_topview" / "SLEAP"
    analysis = io.read_poses(one(folder, "*.analysis.h5"), fps=25)
    pytest.importorskip("sleap_io")
    project = io.read_poses(one(folder, "*.slp"), fps=25)
    assert dict(analysis.sizes) == dict(project.sizes) == {"time": 101, "space": 2, "keypoint": 14, "individual": 1}
    np.testing.assert_allclose(analysis["position"], project["position"], rtol=1e-5)
    np.testing.assert_allclose(analysis["confidence"], project["confidence"], rtol=1e-5)


def test_sleap_social_against_its_decoded_copy(data_dir):
    pytest.importorskip("sleap_io")
    folder = data_dir / "sleap_social" / "raw_slp"
    poses = io.read_poses(folder / "example_dep.slp")
    with np.load(folder / "example_slp_decoded.npz") as truth:
        kp, nodes, tracks = truth["kp"], truth["node_names"].tolist(), truth["track_names"].tolist()
    assert poses["keypoint"].values.tolist() == nodes
    assert poses["individual"].values.tolist() == tracks
    np.testing.assert_array_equal(poses["position"].transpose("time", "individual", "keypoint", "space").values, kp)
    assert poses.attrs["fps"] == 50
    assert int(poses["frame"][0]) == 70_805
    with pytest.warns(UserWarning, match=r"states 50 fps, 25 was given"):
        assert io.read_poses(folder / "example_dep.slp", fps=25).attrs["fps"] == 25


def test_oft_pose_saved_twice(data_dir):
    path = one(data_dir / "oft_pose_fixture", "8_01*DeepCut*")
    poses = io.read_poses(path, fps=25)
    assert dict(poses.sizes) == {"time": 1_998, "space": 2, "keypoint": 18, "individual": 1}
    assert poses["frame"].values.tolist() == list(range(1_998))
    np.testing.assert_allclose(poses["position"].sel(keypoint="tl").values[0, :, 0], [445.63, 277.73], rtol=1e-6)


def test_vame_clip(data_dir):
    folder = data_dir / "vame_clip"
    text = io.read_poses(folder / "cropped_video.csv.gz", fps=25)
    assert dict(text.sizes) == {"time": 750, "space": 2, "keypoint": 6, "individual": 1}
    with pytest.warns(UserWarning, match=r"states 30 fps, 25 was given"):
        nc = io.read_poses(folder / "cropped_video.nc", fps=25)
    np.testing.assert_allclose(nc["position"], text["position"], rtol=1e-6)
    np.testing.assert_allclose(nc["time"], text["time"], atol=1e-9)
    assert io.read_poses(folder / "cropped_video.nc").attrs["fps"] == 30


def test_bsoid_openfield(data_dir):
    poses = io.read_poses(one(data_dir / "bsoid_openfield", "raw_clip1*"), fps=60)
    assert poses.sizes["time"] == 7_200
    assert poses["keypoint"].values.tolist()[-1] == "Butt/Proximal Tail"


def test_behaviordepot_demo1(data_dir):
    path = data_dir / "behaviordepot" / "demo1" / "demo1_tracking.csv.gz"
    poses = io.read_poses(path, fps=50)
    assert poses.sizes["time"] == 6_000
    assert poses.sizes["keypoint"] == 8
    table = text_table(path, 3)
    np.testing.assert_array_equal(
        poses["position"].sel(keypoint="Mid-Back", space="x").values[:, 0], table[:, 19].astype(np.float32)
    )


def test_labelled_images_of_openfield_pose(data_dir):
    folder = data_dir / "openfield_pose" / "labeled-data" / "m4s1"
    text, binary = io.read_poses(one(folder, "*.csv"), fps=1), io.read_poses(one(folder, "*.h5"), fps=1)
    np.testing.assert_allclose(text["position"], binary["position"], rtol=1e-5)
    assert text.sizes["time"] == 96


# -- labels of several raters ----------------------------------------------------------------------

OFT = {"Furkan": (777, 553, 94, 2), "Jin": (751, 565, 45, 2), "Oliver": (770, 594, 81, 2)}
EPM = {"Jin": (129, 212, 55, 50, 13), "Oliver": (125, 203, 58, 44, 20), "Sian": (122, 158, 70, 66, 38)}


def counts(path: Path, raters: dict, words: list[str]) -> dict:
    with pytest.raises(DataError) as error:
        io.read_labels(path)
    recordings = error.value.faults[0].got.split(", ")
    labels = [io.read_labels(path, recording=r, fps=25) for r in recordings]
    bouts = pd.concat([x.bouts for x in labels])
    assert set(bouts["label"]) == set(words)
    return {r: tuple(int(((bouts["rater"] == r) & (bouts["label"] == w)).sum()) for w in words) for r in raters}


def test_open_field_raters(data_dir):
    path = data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz"
    assert counts(path, OFT, ["Supported", "Unsupported", "Grooming", "Jumping"]) == OFT


def test_plus_maze_raters(data_dir):
    path = data_dir / "dlcanalyzer_labels" / "AllEPMLables.csv.gz"
    words = ["Grooming", "Head Dip", "Protected Stretch", "Rearing", "Unprotected Stretch"]
    assert counts(path, EPM, words) == EPM


def test_frame_level_agreement(data_dir):
    """F1 of two raters on supported rears, pooled: through Labels and straight from the table."""
    path = data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz"
    table = pd.read_csv(path, sep=";")
    table = table[table["type"] == "Supported"]
    clock = np.arange(15_200) / 25

    def straight(recording: str, rater: str) -> np.ndarray:
        rows = table[(table["ID"] == recording) & (table["Experimenter"] == rater)]
        out = np.zeros(clock.size, bool)
        for start, stop in zip(np.round(rows["from"] * 25), np.round(rows["to"] * 25), strict=True):
            out[int(start) : int(stop)] = True
        return out

    def f1(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
        return 2 * sum(int((a & b).sum()) for a, b in pairs) / sum(int(a.sum() + b.sum()) for a, b in pairs)

    mine, truth = [], []
    for recording in table["ID"].unique():
        labels: Labels = io.read_labels(path, recording=recording, fps=25, duration_s=608.0)
        states = [
            labels.select(rater=r).to_states(clock, ["Supported"], others="negative").values[:, 0, 0] == 1
            for r in ("Furkan", "Oliver")
        ]
        mine.append((states[0], states[1]))
        truth.append((straight(recording, "Furkan"), straight(recording, "Oliver")))
    # Ties at half a frame may round either way: a few frames of 230,000.
    assert f1(mine) == pytest.approx(f1(truth), abs=1e-4)
    assert f1(truth) == pytest.approx(0.8848, abs=5e-5)


def test_oft_fixture_intervals(data_dir):
    labels = io.read_labels(data_dir / "oft_pose_fixture" / "12_01_A_190507144429.csv", fps=25)
    assert labels.raters == ["Oliver"]
    assert (labels.bouts["label"] == "Supported").sum() == 15


def test_zones_of_the_plus_maze(data_dir):
    folder = data_dir / "dlcanalyzer_labels"
    poses = io.read_poses(one(folder, "EPM_15*"), fps=25)
    zones = io.zones_from_points(folder / "EPM_zoneinfo.csv", poses)
    assert list(zones) == ["arena", "closed.top", "closed.bottom", "open.left", "open.right", "center"]
    assert [zones[z].kind for z in zones] == ["arena", "closed", "closed", "open", "open", "centre"]
    parts = sum(zones[z].area for z in list(zones)[1:])
    assert parts == pytest.approx(zones["arena"].area, rel=0.02)  # arms and centre tile the maze


# -- neural ------------------------------------------------------------------------------------


def test_photometry_epm(data_dir):
    path = data_dir / "photometry_epm" / "F0002_epm_30fps.csv.gz"
    with pytest.warns(UserWarning, match="not read as signals: open_arm, closed_arm, center, CaSig_diff, CaSig_same"):
        traces = io.read_traces(path, kind="photometry")
    assert dict(traces.sizes) == {"time": 27_272, "unit": 5}
    assert float(traces["time"][0]) == 39.0
    traces = io.read_traces(path, units=["open_arm", "closed_arm", "center"])
    share = traces.sel(unit=["open_arm", "closed_arm", "center"]).mean("time").values * 100
    np.testing.assert_allclose(share, [16.91, 75.38, 7.52], atol=0.006)


@pytest.mark.parametrize(
    ("session", "share", "n_bouts"), [("10005_phase2_habituation1", 16.45, 33), ("10005_phase2_Ext6", 30.20, 47)]
)
def test_silva2021(data_dir, session, share, n_bouts):
    path = data_dir / "silva2021" / "reference_output" / f"{session}_PhotFreezeTable.csv.gz"
    with pytest.raises(DataError, match=r"no time column.*time_ext"):
        io.read_traces(path)
    traces = io.read_traces(path, time="time_ext", units=["dF_405", "dF_465"])
    assert dict(traces.sizes) == {"time": 17_400, "unit": 2}
    assert float(traces["time"][0]) == 6.0
    labels = io.read_labels(path, source="onehot", behaviours=["freeze"], time="time_ext", fps=100)
    assert len(labels.bouts) == n_bouts
    lasted = float((labels.bouts["stop_s"] - labels.bouts["start_s"]).sum())
    assert lasted / 174 * 100 == pytest.approx(share, abs=0.006)


def test_matlab_trace_with_its_clock_in_another_file(data_dir):
    import scipy.io

    folder = data_dir / "caimdecoding" / "Linear_track_data"
    clock = scipy.io.loadmat(folder / "ca_time.mat")["ca_time"]
    with pytest.raises(DataError, match=r"which array is the time"):
        io.read_traces(folder / "ca_trace.mat")
    assert io.read_traces(folder / "ca_trace.mat", time_s=clock).sizes["time"] == 26_771


def test_netcdf3_traces_that_count_frames(data_dir):
    path = data_dir / "placecell" / "regression_1d" / "reference.pcellbundle" / "traces.nc"
    assert dict(io.read_traces(path, time="frame", rate_hz=20).sizes) == {"time": 10_000, "unit": 10}
