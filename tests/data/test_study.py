"""The study folder: what goes in comes out, and damage is named."""

import json

import numpy as np
import pandas as pd
import pytest

import murid
from murid.data import atomic
from murid.data.study import Study


@pytest.fixture
def recording():
    rng = np.random.default_rng(0)
    confidence = rng.random((100, 3, 2))
    return murid.Recording(
        "r1",
        poses=murid.make_poses(
            rng.random((100, 2, 3, 2)),
            confidence,
            keypoints=["a", "b", "c"],
            individuals=["m1", "m2"],
            fps=25,
            source_file="x.csv",
        ),
        labels=murid.Labels.from_bouts(
            pd.DataFrame(
                {
                    "start_s": [0, 1.0, 2],
                    "stop_s": [1.0, 2, 3],
                    "label": list("xyx"),
                    "rater": ["jin", "jin", "oliver ü"],
                }
            ),
            duration_s=3,
            fps=25,
        ),
        events=murid.make_events(time_s=[1, 2.0], label=["tone", "shock"]),
        zones=murid.Zones(
            [
                murid.Zone("arena", polygon=[[0, 0], [1, 0], [1, 1]]),
                murid.Zone("c", centre=(0, 0), radius=2.0, kind="centre"),
            ]
        ),
        traces=murid.make_traces(rng.random((50, 3)), rate_hz=10, units=["u1", "u2", "u3"]),
        spikes=murid.Spikes({"u1": [0.1, 0.5], "u2": []}, 0.0, 4.0, {"probe": "a"}),
        group="stressed",
        animal="a7",
        meta={"sex": "f"},
    )


def test_round_trip(tmp_path, recording):
    study = Study.create(tmp_path / "s", name="pilot")
    study.add(recording, source="x.csv")
    back = Study(tmp_path / "s")["r1"].validate()
    assert (back.animal, back.group, back.meta["sex"]) == ("a7", "stressed", "f")
    np.testing.assert_array_equal(back.poses["position"], recording.poses["position"])
    np.testing.assert_array_equal(back.poses["confidence"], recording.poses["confidence"])
    assert back.poses.attrs["unit"] == "px"
    pd.testing.assert_frame_equal(
        back.labels.bouts.sort_values(["rater", "start_s"], ignore_index=True),
        recording.labels.bouts.sort_values(["rater", "start_s"], ignore_index=True),
    )
    assert back.labels.raters == recording.labels.raters
    assert back.labels.fps == 25
    pd.testing.assert_frame_equal(back.events, recording.events)
    assert back.zones["c"].kind == "centre"
    assert back.zones["c"].area == pytest.approx(np.pi * 4)
    np.testing.assert_array_equal(back.traces, recording.traces)
    assert back.spikes.units == ["u1", "u2"]
    assert (back.spikes.stop_s, back.spikes.meta) == (4, {"probe": "a"})


def test_nouns_open_only_when_asked(tmp_path, recording):
    study = Study.create(tmp_path / "s")
    study.add(recording)
    (tmp_path / "s/data/r1/traces.nc").unlink()
    back = study["r1"]
    assert back.poses.sizes["time"] == 100
    with pytest.raises(murid.DataError, match="traces file is missing"):
        _ = back.traces


def test_half_deleted_study_names_all_that_is_gone(tmp_path, recording):
    study = Study.create(tmp_path / "s")
    study.add(recording)
    study.add(recording.replace(id="r2"))
    (tmp_path / "s/data/r1/poses.nc").write_bytes(b"CDF")
    (tmp_path / "s/data/r2/events.csv").unlink()
    (tmp_path / "s/data/stray").mkdir()
    text = study.faults().message()
    assert "poses.nc" in text
    assert "events file is missing" in text
    assert "data/stray" in text


def test_ids_are_unique_and_safe(tmp_path, recording):
    study = Study.create(tmp_path / "s")
    study.add(recording)
    with pytest.raises(murid.DataError, match="already there"):
        study.add(recording)
    study.add(recording.replace(group="ctrl"), replace=True)
    assert study["r1"].group == "ctrl"
    assert len(study) == 1
    with pytest.raises(murid.DataError, match="use 'a_b'"):
        study.add(recording.replace(id="a/b"))
    with pytest.raises(murid.DataError, match="did you mean 'r1'"):
        study["r11"]
    study.remove("r1")
    assert len(study) == 0
    assert not (tmp_path / "s/data/r1").exists()


def test_not_a_study(tmp_path):
    with pytest.raises(murid.DataError, match="murid new"):
        Study(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(murid.DataError, match="not empty"):
        Study.create(tmp_path)


def test_newer_layout_is_refused(tmp_path):
    Study.create(tmp_path / "s").set(layout=99)
    with pytest.raises(murid.DataError, match="upgrade murid"):
        Study(tmp_path / "s")


def test_settings_keep_comments(tmp_path):
    study = Study.create(tmp_path / "s")
    study.set(fps=25.0)
    text = (tmp_path / "s/study.toml").read_text()
    assert text.startswith("# A murid study")
    assert Study(tmp_path / "s").settings["fps"] == 25.0


def test_roles_of_recordings_become_the_studys(tmp_path, recording):
    study = Study.create(tmp_path / "s")
    study.add(recording.replace(roles={"nose": "a"}))
    study.add(recording.replace(id="r2", roles={"nose": "a", "tail_base": "c"}))
    study.add(recording.replace(id="r3", roles={}))
    assert Study(tmp_path / "s")["r3"].roles == {"nose": "a", "tail_base": "c"}
    with pytest.raises(murid.DataError, match=r"its nose is another keypoint.*expected a, got b"):
        study.add(recording.replace(id="r4", roles={"nose": "b"}))
    assert study.ids == ["r1", "r2", "r3"]


def test_journal_cut_off_by_a_kill_keeps_whole_lines(tmp_path, recording):
    study = Study.create(tmp_path / "s")
    study.add(recording)
    journal = tmp_path / "s/data/r1/labels/jin.jsonl"
    journal.write_text(journal.read_text() + '{"op": "add", "start_s": 2.')
    assert len(study["r1"].labels.select(rater="jin").bouts) == 2
    journal.write_text('{"op": broken}\n' + json.dumps({"op": "open"}) + "\n")
    with pytest.raises(murid.DataError, match="line 1"):
        _ = study["r1"].labels


def test_failed_write_leaves_nothing(tmp_path, recording, monkeypatch):
    study = Study.create(tmp_path / "s")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(murid.MuridError, match="no space left"):
        study.add(recording)
    monkeypatch.undo()
    assert len(study) == 0
    assert not list((tmp_path / "s/data").iterdir())


def test_labels_past_the_poses_are_a_fault(recording):
    late = murid.Labels.from_bouts(pd.DataFrame({"start_s": [0.0], "stop_s": [60.0], "label": ["x"]}))
    with pytest.raises(murid.DataError, match="past the recording"):
        recording.replace(labels=late).validate()


def test_need_names_what_is_there():
    with pytest.raises(murid.DataError, match="has no poses"):
        murid.Recording("r").need("poses")
    with pytest.raises(murid.DataError, match="wrong type"):
        murid.Recording("r", labels={"a": 1})


def test_raters_of_any_script_keep_their_journals(tmp_path):
    raters = ["Jürgen", "Jörgen", "Ä", "Ö", "Анна", "a/b"]
    bouts = pd.DataFrame({"start_s": range(6), "stop_s": range(1, 7), "label": "rear", "rater": raters})
    study = Study.create(tmp_path / "s")
    study.add(murid.Recording("Мышь1", labels=murid.Labels.from_bouts(bouts, duration_s=10)))
    back = Study(tmp_path / "s")["Мышь1"].need("labels")
    assert back.raters == sorted(raters)
    assert len(back.bouts) == 6


def test_raters_or_recordings_that_would_share_a_file_are_an_error(tmp_path):
    bouts = pd.DataFrame({"start_s": [0, 1], "stop_s": [1, 2], "label": "rear", "rater": ["Ann", "ann"]})
    labels = murid.Labels.from_bouts(bouts, duration_s=3)
    study = Study.create(tmp_path / "s")
    with pytest.raises(murid.DataError, match="raters are alike"):
        study.add(murid.Recording("m1", labels=labels))
    study.add(murid.Recording("m1", labels=labels.select(rater="Ann")))
    with pytest.raises(murid.DataError, match="'M1' and 'm1' are alike"):
        study.add(murid.Recording("M1", labels=labels.select(rater="ann")))


def by_hand(folder, text):
    """A study whose recordings.csv somebody typed."""
    study = Study.create(folder)
    (folder / "recordings.csv").write_bytes(text.encode("utf-8-sig"))
    return study


def test_a_sheet_typed_by_hand_is_read_as_it_is_meant(tmp_path):
    study = by_hand(tmp_path / "s", "id , animal,group,sex\nr1,a1 ,ctrl ,f\nr2, a1,ctrl,NA\nr3,a2,n/a,\n,,,\n")
    assert study.ids == ["r1", "r2", "r3"]
    assert [r.animal for r in study] == ["a1", "a1", "a2"]
    assert [r.group for r in study] == ["ctrl", "ctrl", ""]
    assert study["r2"].meta == {}


@pytest.mark.parametrize("id", ["../../x", "a/b", "..", "NA", "a b", "con"])
def test_ids_that_lead_out_of_the_study_are_refused_when_read(tmp_path, id):
    study = by_hand(tmp_path / "s", f"id,animal\nr1,a1\n{id},a2\n")
    with pytest.raises(murid.DataError, match=r"line 3: .* is no id of a recording"):
        _ = study.ids


def test_roles_typed_by_hand_are_checked(tmp_path):
    study = Study.create(tmp_path / "s")
    toml = tmp_path / "s/study.toml"
    text = toml.read_text()
    toml.write_text(text + '\n[roles]\nnose = " snoot "\n')
    assert Study(study.folder).settings["roles"] == {"nose": "snoot"}
    toml.write_text(text + '\n[roles]\nTailBase = "tail"\nnose = 3\near_left = "tail"\n')
    with pytest.raises(murid.DataError) as error:
        Study(study.folder)
    assert "write tail_base" in str(error.value)
    assert "nose: keypoint is no text" in str(error.value)
    assert "keypoints have two roles" in str(error.value)


def test_animals_that_look_alike_are_warned_of_once(tmp_path):
    study = by_hand(tmp_path / "s", "id,animal,group\nr1,a1,ctrl\nr2,A1,ctrl\n")
    with pytest.warns(UserWarning, match="'a1', 'A1' in column 'animal' look alike and count as 2"):
        study.recordings()
    assert len(study.recordings()) == 2


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "m 1", ".", "aux"])
def test_an_id_that_a_study_refuses_is_no_id_of_a_recording(name):
    with pytest.raises(murid.DataError, match="cannot be a folder name"):
        murid.Recording(name)


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
def test_folders_that_the_encoding_of_the_process_cannot_name_are_no_missing_files(
    tmp_path, recording, monkeypatch, encoding
):
    """Where Python takes file names for ASCII or Latin-1, files of 'Mäuschen' were called deleted or moved."""
    study = Study.create(tmp_path / "s")
    study.add(recording.replace(id="Mäuschen"))
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: encoding)
    said = rf"encoding of this shell \({encoding}\) cannot name the files of 'Mäuschen'.*set PYTHONUTF8=1"
    with pytest.raises(murid.DataError, match=said):
        Study(tmp_path / "s").recordings()
    other = Study.create(tmp_path / "other")
    with pytest.raises(murid.DataError, match=said):
        other.add(recording.replace(id="Mäuschen"))
    with pytest.raises(murid.DataError, match="cannot name the files of 'oliver ü'"):
        other.add(recording)
    other.add(recording.replace(labels=None))
    assert other.ids == ["r1"]
