"""Files of other programs mean what they say: scored stretches, points, missing words, frames, film names."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import murid
from murid import io
from murid.data.errors import DataError
from murid.data.labels import Labels

SMALL = Path(__file__).parent / "small"


def scored(labels):
    return labels.scored[["start_s", "stop_s"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("name", "recording", "stretch"),
    [
        ("boris_project.boris", "C_two_players", [[0, 60]]),
        ("boris_project.boris", "B_two_films", [[0, 60]]),
        ("boris_project.boris", "G_empty", [[0, 60]]),
        ("boris_observation_interval_10_40.boris", None, [[10, 40]]),
        ("boris_aggregated.csv", "B_two_films", [[0, 60]]),
        ("boris_aggregated.csv", "C_two_players", [[0, 60]]),
        ("boris_tabular_time_of_events.csv", None, [[0, 60]]),
    ],
)
def test_the_whole_film_was_watched(name, recording, stretch):
    options = {"recording": recording} if recording else {}
    assert scored(io.read_labels(SMALL / name, **options)) == stretch


def test_rate_of_the_first_player():
    assert io.read_labels(SMALL / "boris_aggregated.csv", recording="C_two_players").fps == 25


def test_boris_table_saved_by_r():
    labels = io.read_labels(SMALL / "boris_saved_by_R.csv")
    assert sorted(labels.individuals) == ["all", "mouse 1", "mouse 2"]
    assert not any("NA" in m for m in labels.bouts["modifiers"])


def test_boris_table_without_events_is_an_animal_that_did_nothing():
    labels = io.read_labels(SMALL / "boris_no_events.csv", duration_s=60)
    assert len(labels.bouts) == 0
    assert scored(labels) == [[0, 60]]


def test_image_observations_go_by_their_index():
    labels = io.read_labels(SMALL / "boris_images_no_times.csv", fps=25)
    np.testing.assert_allclose(labels.bouts[["start_s", "stop_s"]] * 25, [[3, 9], [20, 25]])
    with pytest.raises(DataError, match="fps"):
        io.read_labels(SMALL / "boris_images_no_times.csv")
    project = io.read_labels(SMALL / "boris_project.boris", recording="E_images_nan", fps=25)
    np.testing.assert_allclose(project.bouts[["start_s", "stop_s"]].iloc[0] * 25, [3, 9])


@pytest.mark.filterwarnings("ignore:.*read as point events")
def test_binary_table_of_boris():
    labels = io.read_labels(SMALL / "boris_binary_1s.csv")
    points = labels.meta["points"]
    assert points.loc[points["label"] == "poke", "time_s"].tolist() == [7.0]
    assert "poke" not in set(labels.bouts["label"])
    assert scored(labels) == [[0, 60]]


def test_two_points_in_a_step_of_a_binary_table_are_two(tmp_path):
    """They were one; and as a bout (points=[]) such a step was absent."""
    path = tmp_path / "a.csv"
    rows = [f"{i},{int(3 <= i < 6)},{[0, 2][i == 7]}" for i in range(11)]
    path.write_text("time,rear,poke\n" + "\n".join(rows) + "\n")
    labels = io.read_labels(path, source="onehot")
    assert labels.meta["points"][["time_s", "label"]].to_numpy().tolist() == [[7, "poke"], [7, "poke"]]
    assert labels.bouts[["start_s", "stop_s", "label"]].to_numpy().tolist() == [[3, 6, "rear"]]
    as_bouts = io.read_labels(path, source="onehot", points=[]).bouts
    assert as_bouts[["start_s", "stop_s", "label"]].to_numpy().tolist() == [[3, 6, "rear"], [7, 8, "poke"]]


def test_time_offset_of_boris_is_taken_off(tmp_path):
    table = pd.read_csv(SMALL / "boris_tabular.csv", dtype=str, keep_default_na=False)
    table = table[table["Observation id"] == table["Observation id"].iloc[0]]
    table.to_csv(tmp_path / "a.csv", index=False)
    later = table.assign(**{"Time offset (s)": "10", "Time": (table["Time"].astype(float) + 10).astype(str)})
    later.to_csv(tmp_path / "b.csv", index=False)
    a, b = (io.read_labels(tmp_path / name) for name in ("a.csv", "b.csv"))
    np.testing.assert_allclose(b.bouts[["start_s", "stop_s"]], a.bouts[["start_s", "stop_s"]])
    np.testing.assert_allclose(b.meta["points"]["time_s"], a.meta["points"]["time_s"])
    assert scored(b) == scored(a)


def test_time_offset_of_aggregated_boris_is_taken_off_both_ends(tmp_path):
    table = pd.read_csv(SMALL / "boris_aggregated.csv", dtype=str, keep_default_na=False)
    table = table[table["Observation id"] == table["Observation id"].iloc[0]]
    table.to_csv(tmp_path / "a.csv", index=False)
    ends = {column: (table[column].astype(float) + 10).astype(str) for column in ("Start (s)", "Stop (s)")}
    table.assign(**{"Time offset (s)": "10"}, **ends).to_csv(tmp_path / "b.csv", index=False)
    a, b = (io.read_labels(tmp_path / name) for name in ("a.csv", "b.csv"))
    np.testing.assert_allclose(b.bouts[["start_s", "stop_s"]], a.bouts[["start_s", "stop_s"]])
    assert scored(b) == scored(a)


def test_two_sets_of_modifiers_are_told_apart(tmp_path):
    rows = ["1,a,START,None,weak", "2,a,START,weak,None", "3,a,STOP,None,weak", "4,a,STOP,weak,None"]
    path = tmp_path / "a.csv"
    path.write_text("Time,Behavior,Behavior type,Modifier #1,Modifier #2\n" + "\n".join(rows) + "\n")
    assert io.read_labels(path).bouts[["start_s", "stop_s"]].to_numpy().tolist() == [[1, 3], [2, 4]]


def test_clock_times_with_a_decimal_comma(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Time;Behavior;Behavior type\n00:00:01,500;a;START\n00:01:02,250;a;STOP\n")
    assert io.read_labels(path).bouts[["start_s", "stop_s"]].to_numpy().tolist() == [[1.5, 62.25]]


def test_one_hot_tables_of_pandas_and_r(tmp_path):
    labels = io.read_labels(SMALL / "oh_bool.csv", fps=10)
    assert set(labels.bouts["label"]) == {"rear"}
    path = tmp_path / "a.csv"
    path.write_text(",frame,rear\n0,0,0\n1,1,1\n2,2,1\n3,7,1\n4,8,0\n")
    states = io.read_labels(path, fps=10).to_states(np.arange(9) / 10, ["rear"]).values.ravel()
    assert states.tolist() == [0, 1, 1, -1, -1, -1, -1, 1, 0]


@pytest.mark.parametrize("name", ["deg_none_labels.csv", "deg_nobg_labels.csv"])
def test_deepethogram_calls_nothing_none_or_leaves_it_out(name):
    labels = io.read_labels(SMALL / name, fps=10, source="deepethogram")
    assert labels.vocabulary == ("rear", "groom")
    assert labels.bouts["start_s"].tolist() == [0.2, 0.3]


@pytest.mark.parametrize("name", ["dlc_excel_trailing_rows.csv", "dlc_trailing_delimiter.csv", "dlc_reset_index.csv"])
def test_deeplabcut_tables_saved_again(name):
    poses = io.read_poses(SMALL / name, fps=30)
    assert dict(poses.sizes) == {"time": 30, "space": 2, "keypoint": 2, "individual": 1}
    assert poses["frame"].values.tolist() == list(range(30))
    np.testing.assert_allclose(poses["position"].values[1, :, 0, 0], [307.252, 367.453])


def test_likelihood_of_minus_one_is_missing(tmp_path):
    text = (SMALL / "dlc_excel_trailing_rows.csv").read_text().replace("322.111,142.195,0.9304", "-1,-1,-1")
    path = tmp_path / "a.csv"
    path.write_text(text)
    first = io.read_poses(path, fps=30).isel(time=0, individual=0, keypoint=0)
    assert np.isnan(first["position"]).all()
    assert np.isnan(first["confidence"])


def dlc(tmp_path, rows):
    path = tmp_path / "a.csv"
    head = "scorer,S,S,S,S,S,S\nbodyparts,nose,nose,nose,tail,tail,tail\ncoords,x,y,likelihood,x,y,likelihood\n"
    path.write_text(head + "\n".join(f"{i},{row}" for i, row in enumerate(rows)) + "\n")
    return path


def test_points_at_the_corner_are_not_found_however_sure_the_tracker_is(tmp_path):
    path = dlc(tmp_path, ["0,0,1,5,5,1", "10,10,1,5,5,1", "0,0,0,5,5,1"] * 50)
    with pytest.warns(UserWarning, match=r"50 points at exactly \(0, 0\) px are taken as not found \(nose\)"):
        poses = io.read_poses(path, fps=30)
    assert poses.attrs["n_zero_points"] == 100
    assert np.isnan(poses["position"].values[[0, 2], :, 0, 0]).all()


def test_keypoints_that_were_never_found_are_named(tmp_path):
    path = dlc(tmp_path, ["3,4,1,,,"] * 200)
    with pytest.warns(UserWarning, match="keypoints that were never found: tail;"):
        io.read_poses(path, fps=30)


def test_labelled_frames_have_their_numbers_in_hdf5(tmp_path):
    columns = pd.MultiIndex.from_product([["S"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    rows = pd.MultiIndex.from_tuples([("labeled-data", "m1", f"img{n:03}.png") for n in (1, 4, 115)])
    pd.DataFrame(np.arange(6.0).reshape(3, 2) + 1, rows, columns).to_hdf(tmp_path / "a.h5", key="df")
    poses = io.read_poses(tmp_path / "a.h5", fps=30)
    assert poses["frame"].values.tolist() == [1, 4, 115]
    assert poses["time"].values[-1] == pytest.approx(115 / 30)


def test_a_table_that_does_not_say_which_pandas_wrote_it(tmp_path):
    """As pandas 3.1 leaves it; earlier ones take it for their oldest format."""
    columns = pd.MultiIndex.from_product([["S"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    table = pd.DataFrame(np.arange(6.0).reshape(3, 2) + 1, [f"img{n}.png" for n in (1, 4, 115)], columns)
    path = tmp_path / "a.h5"
    table.to_hdf(path, key="df", format="table")
    with h5py.File(path, "a") as file:
        file["df"].attrs.pop("pandas_version", None)
    before = path.read_bytes()
    poses = io.read_poses(path, fps=30)
    assert poses["position"].values.ravel().tolist() == [1, 2, 3, 4, 5, 6]
    assert poses["frame"].values.tolist() == [1, 4, 115]
    assert path.read_bytes() == before


def test_more_tracks_than_frames():
    poses = io.read_poses(SMALL / "sleap_60_tracks_50_frames.analysis.h5", fps=25)
    assert (poses.sizes["individual"], poses.sizes["time"]) == (60, 50)


def test_two_films_of_one_name():
    pytest.importorskip("sleap_io")
    path = SMALL / "two_films_one_name.slp"
    with pytest.raises(DataError, match=r"x/cam\.mp4, y/cam\.mp4"):
        io.read_poses(path, fps=30)
    first, second = (io.read_poses(path, fps=30, video=f"{f}/cam.mp4")["position"].values.ravel()[0] for f in "xy")
    assert (first, second) == (1, 9)


def test_frames_come_back_from_movement():
    poses = murid.make_poses(
        np.ones((5, 2, 1, 1)),
        keypoints=["nose"],
        frames=[70805, 70806, 70807, 70815, 70816],
        time_s=np.array([70805, 70806, 70807, 70815, 70816]) / 30,
    ).assign_attrs(fps=30.0)
    there = io.to_movement(poses)
    assert set(there["position"].dims) == {"time", "space", "keypoint", "individual"}
    np.testing.assert_array_equal(io.from_movement(there)["frame"], poses["frame"])
    assert io.read_poses(SMALL / "movement_gap.nc")["frame"].values.tolist() == [0, 1, 2, 7, 8]


def test_names_with_dots_and_units_in_plain_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Time (s),nose.x,nose.y\n0,1,2\n0.1,2,3\n0.2,3,4\n")
    poses = io.read_poses(path, source="plain_wide")
    assert poses["keypoint"].values.tolist() == ["nose"]
    assert poses["time"].values.tolist() == [0, 0.1, 0.2]


@pytest.mark.parametrize("read", ["poses", "traces"])
def test_times_in_ms_are_asked_for(tmp_path, read):
    path = tmp_path / "a.csv"
    columns = "nose_x,nose_y" if read == "poses" else "u1,u2"
    path.write_text(f"time,{columns}\n" + "\n".join(f"{33 * i},{i + 1},{i + 2}" for i in range(10)) + "\n")
    function = getattr(io, f"read_{read}")
    with pytest.raises(DataError, match=r"too long for seconds.*time_unit='ms'"):
        function(path)
    assert function(path, time_unit="ms")["time"].values[-1] == pytest.approx(0.297)


def test_signals_are_no_spikes(tmp_path):
    with pytest.raises(DataError, match="all arrays are of one length, as signals are"):
        io.read_spikes(SMALL / "not_spikes.npz")
    np.savez(tmp_path / "a.npz", S_0=np.array([0.3, 0.1, 0.0]), good_unit_ids=np.array([0, 1]))
    with pytest.raises(DataError) as error:
        io.read_spikes(tmp_path / "a.npz")
    assert "'S_0' is not sorted" in str(error.value)
    assert "'good_unit_ids' holds whole numbers" in str(error.value)
    np.savez(tmp_path / "b.npz", u1=np.array([0.1, 0.2]), sync=np.array([3.0, 1.0, 2.0]))
    with pytest.warns(murid.MuridWarning, match="the end of the recording is not known"):
        assert io.read_spikes(tmp_path / "b.npz", units=["u1"]).units == ["u1"]


def test_an_index_column_is_no_unit(tmp_path):
    assert io.read_traces(SMALL / "traces_index_column.csv")["unit"].values.tolist() == ["a"]
    path = tmp_path / "a.csv"
    path.write_text('time_s,"cell 1, left",b\n0,1,2\n0.1,2,3\n')
    assert io.read_traces(path)["unit"].values.tolist() == ["cell 1, left", "b"]


def test_unit_names_in_a_matlab_cell_array(tmp_path):
    from scipy.io import savemat

    names = np.empty(2, object)
    names[:] = ["n1", "n2"]
    savemat(
        tmp_path / "a.mat", {"dff": np.random.default_rng(0).random((50, 2)), "time": np.arange(50.0), "names": names}
    )
    assert io.read_traces(tmp_path / "a.mat")["unit"].values.tolist() == ["n1", "n2"]


# ---- writers: what a format cannot hold is an error ------------------------------------------------


def one_bout(**stretch):
    table = pd.DataFrame({"start_s": [12.0], "stop_s": [14.0], "label": ["rear"]})
    watched = pd.DataFrame({"rater": [""], "stream": [""], **{k: [v] for k, v in stretch.items()}})
    return Labels.from_bouts(table, scored=watched, fps=25)


@pytest.mark.parametrize("format", ["boris_aggregated", "caltech"])
def test_unscored_stretches_are_not_written_as_scored(tmp_path, format):
    with pytest.raises(DataError, match=r"not scored.*0\.000-10\.000 s"):
        io.write_labels(one_bout(start_s=10.0, stop_s=40.0), tmp_path / "a.csv", format=format)
    io.write_labels(one_bout(start_s=0.0, stop_s=40.0), tmp_path / "a.csv", format=format)


def test_streams_are_not_heaped_together(tmp_path):
    table = pd.DataFrame({"start_s": [1, 1.0], "stop_s": [2, 2.0], "label": ["a", "b"], "stream": ["S1", "S2"]})
    with pytest.raises(DataError, match=r"several streams.*S1, S2"):
        io.write_labels(Labels.from_bouts(table, duration_s=9), tmp_path / "a.csv", format="boris_aggregated")


@pytest.mark.filterwarnings("ignore:.*without any event")
def test_an_animal_that_did_nothing_is_written_and_read(tmp_path):
    nothing = Labels.from_bouts(pd.DataFrame({"start_s": [], "stop_s": [], "label": []}), duration_s=60, fps=25)
    for format in ("boris_aggregated", "bouts"):
        path = io.write_labels(nothing, tmp_path / f"{format}.csv", format=format)
        back = io.read_labels(path, duration_s=60)
        assert (len(back.bouts), scored(back)) == (0, [[0, 60]])


def test_point_events_go_to_boris_and_back_or_are_refused(tmp_path):
    labels = io.read_labels(SMALL / "boris_project.boris", recording="I_single_point")
    path = io.write_labels(labels, tmp_path / "a.csv", format="boris_aggregated", observation="I", media="I.mp4")
    back = io.read_labels(path, recording="I")
    pd.testing.assert_frame_equal(back.meta["points"], labels.meta["points"])
    with pytest.raises(DataError, match="no point events"):
        io.write_labels(labels, tmp_path / "a.txt", format="caltech", fps=25)
    with pytest.warns(UserWarning, match="1 point events are no bouts"):
        io.write_labels(labels, tmp_path / "b.csv", format="bouts")
