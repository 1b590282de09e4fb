"""Files of one recording are brought together: one clock, one film, one animal, nothing lost."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murid import io
from murid.data.errors import DataError
from murid.data.study import Study
from murid.data.video import Video
from murid.data.warning import MuridWarning
from murid.run import add_files, export_states


def poses_file(folder, name="m1.csv", frames=range(1200)):
    rows = [f"{f},{10 + f % 7},{20 + f % 5},1" for f in frames]
    path = folder / name
    path.write_text("scorer,S,S,S\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n" + "\n".join(rows) + "\n")
    return path


def film(folder, time_s, name="m1.mp4"):
    """A film that shows its frames at these times (ms)."""
    import av

    path = folder / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 16
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for i, t in enumerate(time_s):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16), i % 200, np.uint8), format="gray")
            frame.pts, frame.time_base = round(1000 * t), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def added(folder, *args, **kwargs):
    study = Study.create(folder / "s")
    add_files(study, *args, **kwargs)
    return study


UNEVEN = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])


def test_a_film_that_changes_its_rate_gives_frames_its_own_times(tmp_path):
    labels = tmp_path / "m1_annot.csv"
    labels.write_text("frame,rear\n" + "\n".join(f"{i},{int(600 <= i < 900)}" for i in range(1200)) + "\n")
    with pytest.warns(UserWarning, match="does not run evenly"):
        study = added(tmp_path, poses_file(tmp_path), labels=labels, video=film(tmp_path, UNEVEN))
    recording = study["m1"]
    assert recording.duration_s == pytest.approx(60, abs=0.1)
    bout = recording.need("labels").bouts.iloc[0]
    assert (bout["start_s"], bout["stop_s"]) == pytest.approx((20, 40), abs=0.1)
    with pytest.warns(UserWarning, match=r"frames are counted as the poses or the film number them.*m1 \(up to 10\.0"):
        (text,) = export_states(study, out=tmp_path / "texts", format="caltech")
    assert "\t601\t900\trear" in text.read_text()
    again = Study.create(tmp_path / "again")
    with pytest.warns(UserWarning, match="does not run evenly"):
        add_files(again, tmp_path / "m1.csv", labels=text, video=tmp_path / "m1.mp4")
    read = again["m1"].need("labels").bouts.set_index("label")
    assert read.loc["rear", ["start_s", "stop_s"]].tolist() == bout[["start_s", "stop_s"]].tolist()


def test_tracking_that_covers_part_of_the_film_is_matched_by_frame(tmp_path):
    video = film(tmp_path, np.arange(1200) / 30)
    with pytest.warns(UserWarning, match=r"poses cover frames 300-599 of 1200 \(25%\); what is not covered is missing"):
        study = added(tmp_path, poses_file(tmp_path, frames=range(300, 600)), video=video)
    assert study["m1"].need("poses")["time"].values[[0, -1]] == pytest.approx([10, 599 / 30])


def test_poses_of_another_longer_film_are_refused(tmp_path):
    with pytest.raises(DataError, match="poses have frames that the video has not"):
        added(tmp_path, poses_file(tmp_path), video=film(tmp_path, np.arange(900) / 30))


def bouts_file(folder, stop, name="m1_annot.csv"):
    rows = "\n".join(f"{t},{t + 1},rear" for t in np.arange(0, stop, 2.0))
    path = folder / name
    path.write_text(f"start_s,stop_s,label\n{rows}\n")
    return path


def test_an_early_end_of_scoring_is_warned_of_and_can_be_given(tmp_path):
    poses = poses_file(tmp_path, frames=range(3600))
    labels = bouts_file(tmp_path, 100)
    with pytest.warns(UserWarning, match=r"last label ends at 99\.0 s.*scored_s=99\.0"):
        io.read_labels(labels, duration_s=200)
    study = added(tmp_path, poses, labels=labels, fps=18, options={"labels": {"scored_s": 100}})
    states = study["m1"].need("labels").to_states(np.arange(0, 200, 1.0), ["rear"]).values.ravel()
    assert (states[:100] >= 0).all()
    assert (states[100:] == -1).all()


def test_options_of_labels_go_before_those_of_the_film(tmp_path):
    poses, labels = poses_file(tmp_path), bouts_file(tmp_path, 60)
    study = added(tmp_path, poses, labels=labels, fps=30, options={"labels": {"duration_s": 30, "fps": 10}})
    kept = study["m1"].need("labels")
    assert (kept.stop_s, kept.fps) == (30, 10)


def test_labels_longer_than_the_film_are_cut_on_request(tmp_path):
    labels = bouts_file(tmp_path, 60)
    with pytest.raises(DataError, match="run past the end"):
        io.read_labels(labels, duration_s=40)
    assert io.read_labels(labels, duration_s=40, cut=True).stop_s == 40


BORIS = Path(__file__).parents[1] / "io" / "small" / "boris_project.boris"


def test_point_events_and_the_only_animal_of_boris(tmp_path):
    with pytest.warns(UserWarning, match="'mouse 1' in the labels and 'individual_0' in the poses are the only animal"):
        study = added(
            tmp_path, poses_file(tmp_path), labels=BORIS, fps=20, options={"labels": {"recording": "I_single_point"}}
        )
    events = study["m1"].need("events")
    assert events[["time_s", "label"]].to_numpy().tolist() == [[7.0, "poke"]]


@pytest.mark.filterwarnings("ignore:recording .* are the only animal")
def test_one_boris_file_of_many_observations(tmp_path):
    files = [poses_file(tmp_path, f"{n}.csv", range(1250)) for n in ("B_two_films", "G_empty")]
    study = Study.create(tmp_path / "s")
    report = add_files(study, files, labels=BORIS, fps=20)
    assert ("labels", "boris_project.boris: D_live") in report.unused
    assert study.ids == ["B_two_films", "G_empty"]
    assert [len(r.need("labels").bouts) for r in study] == [
        len(io.read_labels(BORIS, recording="B_two_films").bouts),
        0,
    ]


def test_observations_alone_make_recordings(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("from,to,type,ID\n1,2,rear,m1\n3,4,rear,m2\n")
    study = added(tmp_path, labels=path)
    assert [(r.id, len(r.need("labels").bouts)) for r in study] == [("m1", 1), ("m2", 1)]


def test_raters_in_files_of_their_own(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    for n in (1, 2, 3):
        for rater in ("Anna", "Ben"):
            bouts_file(folder, 20, f"OFT_{n}_{rater}.csv")
    study = added(tmp_path, labels=folder, several_raters=True)
    assert study.ids == ["OFT_1", "OFT_2", "OFT_3"]
    assert all(r.need("labels").raters == ["Anna", "Ben"] for r in study)


def test_units_in_files_of_their_own(tmp_path):
    folder = tmp_path / "spikes"
    folder.mkdir()
    for name, units in (("m1_c1", "ab"), ("m1_c2", "c"), ("m2_c1", "a")):
        (folder / f"{name}.csv").write_text("unit,time_s\n" + "".join(f"{u},{k + 1.5}\n" for k, u in enumerate(units)))
    ends = {"options": {"spikes": {"stop_s": 10.0}}}
    with pytest.warns(MuridWarning, match=r"3 spike files look like units of 2 recordings \(m1, m2\).*--units"):
        apart = added(tmp_path, spikes=folder, **ends)
    assert apart.ids == ["m1_c1", "m1_c2", "m2_c1"]
    study = Study.create(tmp_path / "united")
    add_files(study, spikes=folder, several_units=True, **ends)
    assert {r.id: r.need("spikes").units for r in study} == {"m1": ["a", "b", "c"], "m2": ["a"]}
    assert study["m1"].need("spikes").times_s["b"].tolist() == [2.5]
    (folder / "m2_c2.csv").write_text("unit,time_s\na,1\n")
    with pytest.raises(DataError, match=r"unit 'a' is in 2 files; got m2_c1\.csv, m2_c2\.csv"):
        add_files(study, spikes=folder, several_units=True, replace=True, **ends)


def test_units_of_a_recording_with_poses_are_united(tmp_path):
    for name, unit in (("m1_shankA", "a"), ("m1_shankB", "b")):
        (tmp_path / f"{name}.csv").write_text(f"unit,time_s\n{unit},1\n")
    spikes = [tmp_path / "m1_shankA.csv", tmp_path / "m1_shankB.csv"]
    study = Study.create(tmp_path / "s")
    add_files(study, [poses_file(tmp_path)], spikes=spikes, fps=30, options={"spikes": {"stop_s": 10.0}})
    assert study["m1"].need("spikes").units == ["a", "b"]


def test_signals_and_behaviours_in_one_file(tmp_path):
    t = np.arange(100) / 10
    table = pd.DataFrame({"time": t, "dFF": np.sin(t), "freezing": ((t >= 2) & (t < 4)).astype(int)})
    table.to_csv(tmp_path / "m1.csv", index=False)
    study = Study.create(tmp_path / "s")
    with pytest.warns(MuridWarning, match=r"not read as signals: freezing; .* --traces m1\.csv --labels m1\.csv"):
        add_files(study, traces=tmp_path / "m1.csv")
    assert not study["m1"].has("labels")
    with pytest.warns(MuridWarning, match=r"one file: columns with 0 and 1 only are behaviours: freezing") as said:
        add_files(study, traces=tmp_path / "m1.csv", labels=tmp_path / "m1.csv", replace=True)
    assert len(said) == 1
    assert study["m1"].need("traces")["unit"].values.tolist() == ["dFF"]
    bouts = study["m1"].need("labels").bouts
    assert bouts[["label", "start_s", "stop_s"]].values.tolist() == [["freezing", 2.0, 4.0]]


def test_the_clock_of_signals_is_that_of_behaviours_in_the_same_file(tmp_path):
    t = np.arange(100) / 10
    table = pd.DataFrame({"time_ext": t, "dF_465": np.sin(t), "freeze": (t >= 5).astype(int)})
    path = tmp_path / "m1.csv"
    table.to_csv(path, index=False)
    study = Study.create(tmp_path / "s")
    with pytest.warns(MuridWarning, match="behaviours: freeze"):
        add_files(study, traces=path, labels=path, options={"traces": {"time": "time_ext"}})
    assert study["m1"].need("traces")["unit"].values.tolist() == ["dF_465"]
    assert study["m1"].need("labels").bouts[["start_s", "stop_s"]].values.tolist() == [[5.0, 10.0]]


def test_a_stray_file_in_a_folder_is_listed_not_refused(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    bouts_file(folder, 40, "m1_annot.csv")
    bouts_file(folder, 40, "zzz_annot.csv")
    study = Study.create(tmp_path / "s")
    report = add_files(study, [poses_file(tmp_path), poses_file(tmp_path, "m2.csv")], labels=folder, fps=30)
    assert report.unused == [("labels", "zzz_annot.csv")]
    assert study["m1"].has("labels")
    assert not study["m2"].has("labels")
    with pytest.raises(DataError, match=r"zzz_annot\.csv: labels file fits no recording"):
        add_files(
            study, [poses_file(tmp_path), poses_file(tmp_path, "m2.csv")], labels=folder / "zzz_annot.csv", fps=30
        )


def test_events_of_files_and_points_of_labels_are_both_kept(tmp_path):
    pd.DataFrame({"time_s": [3.0], "label": ["tone"]}).to_csv(tmp_path / "m1_events.csv", index=False)
    options = {"labels": {"recording": "I_single_point"}}
    with pytest.warns(UserWarning, match="only animal"):
        study = added(
            tmp_path, poses_file(tmp_path), labels=BORIS, events=tmp_path / "m1_events.csv", fps=20, options=options
        )
    assert study["m1"].need("events")["label"].tolist() == ["tone", "poke"]


def test_a_video_knows_its_uneven_times(tmp_path):
    np.testing.assert_allclose(Video(film(tmp_path, UNEVEN)).time_s, UNEVEN, atol=2e-3)


def test_films_in_or_beside_a_study_are_found_when_both_are_moved(tmp_path):
    home = tmp_path / "lab"
    (home / "films").mkdir(parents=True)
    film(home / "films", np.arange(60) / 30)
    study = Study.create(home / "S")
    add_files(study, poses_file(home, frames=range(60)), video=home / "films" / "m1.mp4")
    assert study.table["video"].tolist() == ["../films/m1.mp4"]
    home.rename(tmp_path / "archive")
    moved = Study(tmp_path / "archive" / "S")
    assert moved["m1"].need("video").n_frames == 60
    assert moved.path_of("m1", "video") == (tmp_path / "archive" / "films" / "m1.mp4").resolve()
    (tmp_path / "archive" / "films" / "m1.mp4").unlink()
    with pytest.raises(DataError, match=r"'m1'.*film not found.*column 'video' of recordings.csv"):
        moved["m1"].need("video")


def test_a_film_far_from_the_study_keeps_its_whole_path(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    study = Study.create(tmp_path / "home" / "S")
    there = film(tmp_path / "disk", np.arange(60) / 30)
    add_files(study, poses_file(tmp_path, frames=range(60)), video=there)
    assert study.table["video"].tolist() == [str(there.resolve())]


def test_digital_lines_are_read_with_the_signal_and_stay_beside_other_events(tmp_path):
    head = json.dumps({"sampling_rate": 10, "volts_per_division": [1, 1]}).encode()
    raw = np.full((100, 2), 4, "<u2")
    raw[[20, 21, 60], 0] |= 1  # line 1 is high at 2.0-2.1 s and at 6.0 s
    signal = tmp_path / "m1.ppd"
    signal.write_bytes(len(head).to_bytes(2, "little") + head + raw.tobytes())
    tones = tmp_path / "m1.csv"
    tones.write_text("time_s,label\n1.5,tone\n")
    study = Study.create(tmp_path / "study")
    with pytest.warns(UserWarning, match=r"its 2 events \(digital_1\) are read with its traces"):
        add_files(study, traces=signal)
    events = study["m1"].need("events")
    assert list(zip(events["label"], events["time_s"], strict=True)) == [("digital_1", 2.0), ("digital_1", 6.0)]
    add_files(study, traces=signal, events=tones, replace=True)
    assert study["m1"].need("events")["label"].tolist() == ["tone"]  # what is given is what is meant
    with pytest.warns(UserWarning, match="read with its traces"):
        add_files(study, traces=signal, replace=True)
    assert study["m1"].need("events")["label"].tolist() == ["tone", "digital_1", "digital_1"]
