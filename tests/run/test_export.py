"""Files for annotation programs: read back they are the states frame by frame, and what cannot be written is said."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_tiny import Tiny

import murid
from murid.data.atomic import DiskError
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.data.study import Study
from murid.data.video import write_video
from murid.data.warning import MuridWarning
from murid.methods import registry
from murid.methods.base import output
from murid.run import apply_method, export_states, fit_method
from murid.run.apply import newest_applied

FPS, N = 24.0, 240
SECONDS = N / FPS
PEOPLE = ("a", "b")


class Gappy(Tiny):
    """Does not label the first animal in the first second, nor any in the last; rears every other second."""

    name = "gappy"

    def _apply(self, recording):
        time = recording.need("poses")["time"].values
        on = ((time.astype(int) + int(recording.id[-1])) % 2).astype(np.int8)
        values = np.stack([on, 1 - on], axis=1)
        values[time < 1, 0] = -1
        values[time >= SECONDS - 1] = -1
        states = make_states(values[:, :, None], time, ["rear"], PEOPLE, source="gappy")
        return output(states, probability=np.where(values == 1, 0.75, 0.25)[:, :, None])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Study.create(tmp_path_factory.mktemp("made") / "S")
    rng = np.random.default_rng(0)
    for k in (1, 2):
        walk = rng.normal(0, 2, (N, 2, 1, 2)).cumsum(axis=0)
        poses = make_poses(walk, keypoints=["nose"], individuals=PEOPLE, fps=FPS, unit="cm")
        bouts = pd.DataFrame({"start_s": [1.0, 5.0], "stop_s": [2.5, 6.0], "label": ["rear", "groom"]})
        labels = Labels.from_bouts(bouts, duration_s=SECONDS, fps=FPS)
        made.add(Recording(f"m{k}", poses=poses, labels=labels))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, "gappy", f"{__name__}:Gappy")
        fit_method(made, "gappy")
        fit_method(made, "gappy", model="idle")
        apply_method(made, "gappy")
        apply_method(made, "idle", ["m1"])
    return made.folder


@pytest.fixture
def study(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Study(shutil.copytree(made, tmp_path / "S"))


@pytest.fixture
def run(study):
    return newest_applied(study, study.models_dir / "gappy", "test")


@pytest.mark.parametrize("format", ["boris_aggregated", "bouts"])
def test_predictions_read_back_frame_by_frame_also_where_nothing_was_labelled(study, run, format):
    with pytest.warns(MuridWarning, match=r"not labelled.*bouts of 'unlabelled'.*m1 and m2"):
        files = export_states(study, "gappy", "predicted", format=format)
    assert len(files) == 2
    for recording_id, path in zip(("m1", "m2"), files, strict=True):
        table = pd.read_csv(path)
        if format == "boris_aggregated":
            assert set(table["Observation id"]) == {recording_id}
            assert set(table["FPS"]) == {FPS}
        else:
            found = table[table["label"] == "rear"]
            assert set(table["source"]) == {"model"}
            assert found["score"].round(6).tolist() == [0.75] * len(found)
        back = murid.read_labels(path)
        states = run.states_of(recording_id)
        time = states["time"].values
        assert back.stop_s == pytest.approx(SECONDS)
        read = back.to_states(time, ["rear"], individuals=PEOPLE)
        assert np.array_equal(read.values, states.values)
        assert (read.values == -1).sum() == 3 * FPS, "one second of one animal, one of both"


def test_text_of_caltech_is_of_one_animal_and_tells_unlabelled_from_absent(study, run):
    with pytest.raises(DataError, match=r"m1: .*animals apart; got a, b; -> .*--individual a(.|\n)*m2: "):
        export_states(study, "gappy", format="caltech")
    with pytest.raises(DataError, match=r"m1: no animal 'c'; -> known: a, b"):
        export_states(study, "gappy", individual="c")
    with pytest.warns(MuridWarning, match="'unlabelled'"):
        files = export_states(study, "gappy", "texts", format="caltech", individual="a")
    for recording_id, path in zip(("m1", "m2"), files, strict=True):
        states = run.states_of(recording_id).sel(individual=["a"])
        back = murid.read_labels(path, fps=FPS)
        assert "unlabelled" not in (*back.vocabulary, *back.bouts["label"])
        read = back.to_states(states["time"].values, ["rear"], individuals=["a"], others="negative")
        assert np.array_equal(read.values, states.values)
        assert (read.values == -1).sum() == 2 * FPS


@pytest.mark.parametrize("format", ["boris_aggregated", "bouts"])
@pytest.mark.filterwarnings("ignore:frames that are not labelled")
def test_who_was_watched_when_comes_back_up_to_the_end_of_the_recording(study, format):
    bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"], "individual": ["a"]})
    spans = [(0.0, 4.0, "a"), (6.0, 7.0, "a"), (0.0, 8.0, "b")]
    scored = pd.DataFrame(spans, columns=["start_s", "stop_s", "individual"]).assign(rater="", stream="")
    labels = Labels.from_bouts(bouts, scored=scored, fps=FPS)
    study.add(study["m1"].replace(labels=labels), replace=True)
    (path,) = export_states(study, format=format, ids=["m1"])
    time = study["m1"].need("poses")["time"].values
    back = murid.read_labels(path, duration_s=SECONDS).to_states(time, ["rear"], individuals=PEOPLE)
    truth = labels.to_states(time, ["rear"], individuals=PEOPLE)
    assert np.array_equal(back.values, truth.values)
    assert (back.values == -1).sum(axis=0).ravel().tolist() == [5 * FPS, 2 * FPS]


def test_a_behaviour_that_one_recording_never_shows_is_absent_there(study):
    bouts = pd.DataFrame({"start_s": [0.0, 1.0], "stop_s": [1.0, 3.0], "label": ["base", "groom"]})
    study.add(study["m2"].replace(labels=Labels.from_bouts(bouts, duration_s=SECONDS, fps=FPS)), replace=True)
    for format in ("boris_aggregated", "bouts", "caltech"):
        files = export_states(study, out=format, format=format, labels=LabelChoice(behaviours=("rear",)))
        rows = [murid.read_labels(f, fps=FPS, duration_s=SECONDS) for f in files]
        assert rows[0].behaviours == ["rear"]
        assert rows[1].behaviours == []
        states = rows[1].to_states(rows[1].clock(), ["rear"], others="negative" if format == "caltech" else "auto")
        # What 'base' means is decided when it is read.
        expected = [] if format == "caltech" else [-1] * 24
        assert states.values[:, 0, 0].tolist() == expected + [0] * (N - len(expected))


@pytest.mark.filterwarnings("ignore:frames that are not labelled", "ignore:.*without any event", "ignore:100%")
def test_an_animal_that_did_nothing_and_one_that_nobody_watched(study):
    nothing = pd.DataFrame({"start_s": [], "stop_s": [], "label": []})
    watched = pd.DataFrame({"start_s": [0.0], "stop_s": [SECONDS], "rater": ["A"], "stream": [""]})
    for name, scored, expected in (("m1", watched, 0), ("m2", watched.iloc[:0], -1)):
        study.add(study[name].replace(labels=Labels.from_bouts(nothing, scored=scored)), replace=True)
        for format in ("boris_aggregated", "bouts", "caltech"):
            (path,) = export_states(study, out=f"{name}_{format}", format=format, ids=[name])
            back = murid.read_labels(path, fps=FPS, duration_s=SECONDS)
            others = "negative" if format == "caltech" else "auto"
            states = back.to_states(np.arange(N) / FPS, ["rear"], individuals=["a"], others=others)
            assert set(states.values.ravel()) == {expected}


def test_labels_of_people_in_each_format(study):
    truth = study["m1"].need("labels")
    time = truth.clock()
    for format, names in (("boris_aggregated", None), ("caltech", None), ("bouts", ("groom",))):
        files = export_states(study, out=format, format=format, ids=["m1"], labels=LabelChoice(behaviours=names))
        assert len(files) == 1
        back = murid.read_labels(files[0], fps=FPS, duration_s=SECONDS)
        wanted = list(names or ("rear", "groom"))
        assert set(back.behaviours) == set(wanted)
        # What carries no label is 'base' in Caltech's text.
        read = back.to_states(time, wanted, others="negative")
        assert np.array_equal(read.values, truth.to_states(time, wanted).values)


def test_nothing_is_written_over_and_faults_are_named(study):
    export_states(study, out="there")
    with pytest.raises(DataError, match=r"files are there already.*m1"):
        export_states(study, out="there")
    with pytest.raises(DataError, match="unknown format 'boris'"):
        export_states(study, format="boris")
    with pytest.raises(DataError, match=r"no behaviour 'grom'.*groom"):
        export_states(study, out="other", labels=LabelChoice(behaviours=("grom",)))
    with pytest.raises(DataError, match=r"m2.*not applied to these recordings"):
        export_states(study, "idle", out="other", ids=["m2"])
    shutil.rmtree(study.runs_dir)
    with pytest.raises(DataError, match="'idle' was not applied"):
        export_states(study, "idle", out="other")
    assert not Path("other").exists()


def test_labels_of_people_alone_have_raters_and_streams(study):
    with pytest.raises(DataError, match=r"labels of people.*leave --rater and --stream out"):
        export_states(study, "gappy", out="other", labels=LabelChoice(stream="S1"))


def test_nothing_is_written_where_one_recording_does_not_fit_or_the_disk_is_full(study, tmp_path, monkeypatch):
    bouts = pd.DataFrame({"start_s": [1.0, 1.5], "stop_s": [2.5, 6.0], "label": ["rear", "groom"]})
    study.add(study["m2"].replace(labels=Labels.from_bouts(bouts, duration_s=SECONDS)), replace=True)
    with pytest.raises(DataError, match=r"m2, .*groom at 1.500 s: bouts overlap"):
        export_states(study, out=tmp_path / "new" / "texts", format="caltech")
    there = tmp_path / "there"
    there.mkdir()
    (there / "notes.txt").write_text("mine")
    rename, moved = Path.rename, []

    def full(self, target):
        if moved:
            raise OSError(errno.ENOSPC, "full", str(target))
        moved.append(target)
        return rename(self, target)

    for out in (tmp_path / "new" / "tables", there):
        moved.clear()
        with monkeypatch.context() as patch, pytest.raises(DiskError, match="no space left"):
            patch.setattr(Path, "rename", full)
            export_states(study, out=out)
        assert len(moved) == 1, "one file was in its place already"
    assert not (tmp_path / "new").exists()
    assert [p.name for p in there.iterdir()] == ["notes.txt"]
    assert len(export_states(study, out=there)) == 2


def test_states_older_than_their_data_are_told(study, run):
    poses = study["m1"].need("poses")
    study.add(study["m1"].replace(poses=poses.assign(position=poses["position"] + 1)), replace=True)
    with pytest.warns(MuridWarning) as told:
        export_states(study, "gappy")
    assert any(
        f"states of {run.folder.name} are older than the data (poses changed: m1): apply again" in str(w.message)
        for w in told
    )


def rate_of_table(study, recording, out):
    study.add(recording)
    return pd.read_csv(export_states(study, out=out, ids=[recording.id])[0])["FPS"].iloc[0]


def test_the_rate_is_that_of_the_poses_then_the_film_then_the_labels(study, tmp_path):
    bouts = pd.DataFrame({"start_s": [0.2], "stop_s": [0.6], "label": ["rear"]})
    labels = Labels.from_bouts(bouts, duration_s=1.0, fps=5.0)
    film = write_video(tmp_path / "m3.mp4", (np.full((16, 16), i, np.uint8) for i in range(20)), fps=20)
    poses = make_poses(np.ones((20, 2, 1, 1)), keypoints=["nose"], individuals=["a"], time_s=np.arange(20) / 20)
    poses = poses.assign_attrs(fps=20.001)
    assert rate_of_table(study, Recording("l", labels=labels), "l") == 5.0
    assert rate_of_table(study, Recording("f", labels=labels, video=film), "f") == 20.0
    assert rate_of_table(study, Recording("p", labels=labels, video=film, poses=poses), "p") == 20.001
    export_states(study, out="texts", ids=["l", "f"], format="caltech")
    assert "\t2\t3\trear" in Path("texts/l.txt").read_text()
    assert "\t5\t12\trear" in Path("texts/f.txt").read_text()
    study.add(Recording("n", labels=Labels.from_bouts(bouts, duration_s=1.0)))
    with pytest.raises(DataError, match=r"n: the frame rate is not known; -> add the poses or the film"):
        export_states(study, out="none", ids=["n"], format="caltech")


@pytest.mark.parametrize(
    ("time", "frames", "expected"),
    [
        ([0.0, 0.1, 0.2, 1.2, 1.3, 1.4], None, "4\t5"),  # the film was paused for a second
        ([0.0, 0.1, 0.2, 1.2, 1.3, 1.4], [0, 1, 2, 12, 13, 14], "13\t14"),  # frames were dropped from the table
        ([7.0, 7.1, 7.2, 8.2, 8.3, 8.4], None, "4\t5"),  # on the clock of the signals
    ],
)
@pytest.mark.filterwarnings("ignore:frames that are not labelled")
def test_frames_are_counted_as_the_poses_number_them(tmp_path, time, frames, expected):
    study = Study.create(tmp_path / "S")
    time = np.array(time)
    poses = make_poses(
        np.ones((6, 2, 1, 1)), keypoints=["nose"], individuals=["a"], time_s=time, frames=frames
    ).assign_attrs(fps=10.0)
    bouts = pd.DataFrame({"start_s": [time[3]], "stop_s": [time[5]], "label": ["rear up"]})
    scored = pd.DataFrame({"start_s": [time[0]], "stop_s": [time[0] + 1.5], "rater": "", "stream": ""})
    study.add(Recording("m", poses=poses, labels=Labels.from_bouts(bouts, scored=scored)))
    with pytest.warns(MuridWarning) as told:
        (path,) = export_states(study, out=tmp_path / "out", format="caltech")
    assert f"\t{expected}\trear_up" in path.read_text()
    messages = " ".join(str(w.message) for w in told)
    assert "'rear up' is 'rear_up'" in messages
    assert ("frames are counted as the poses" in messages) == (frames is None)
