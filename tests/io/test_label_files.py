"""Traps of label files."""

from __future__ import annotations

import numpy as np
import pytest

import murid.io as io
from murid.data.errors import DataError

TABULAR = "Observation id,FPS,Subject,Behavior,Behavior type,Time\n"
CALTECH = (
    "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nbase\tz\nsocial\ts\n\n"
    "S1:\tstart\tend\ttype\n-----\n"
)


def write(folder, content, name="a.csv"):
    path = folder / name
    path.write_text(content)
    return path


def rows(labels):
    return list(labels.bouts[["start_s", "stop_s", "label"]].itertuples(index=False, name=None))


def test_boris_lists_every_unpaired_event(tmp_path):
    path = write(
        tmp_path, TABULAR + "o,25,a,rear,START,1\no,25,a,rear,START,2\no,25,a,rear,STOP,3\no,25,b,groom,STOP,4\n"
    )
    with pytest.raises(DataError) as error:
        io.read_labels(path)
    assert [f.what for f in error.value.faults] == ["START without STOP", "STOP without START"]
    assert "line 2 (rear, a, 1.000 s)" in error.value.faults[0].where
    assert "line 5" in error.value.faults[1].where


def test_boris_pairs_per_subject_and_modifier(tmp_path):
    head = "Subject,Behavior,Modifier #1,Behavior type,Time\n"
    path = write(
        tmp_path,
        head
        + "a,rear,x,START,1\nb,rear,x,START,2\na,rear,y,START,2.5\na,rear,x,STOP,3\nb,rear,x,STOP,4\na,rear,y,STOP,5\n",
    )
    assert rows(io.read_labels(path)) == [(1, 3, "rear"), (2, 4, "rear"), (2.5, 5, "rear")]


def test_boris_stop_and_start_at_the_same_time(tmp_path):
    path = write(
        tmp_path, TABULAR + "o,25,a,rear,START,1\no,25,a,rear,START,2\no,25,a,rear,STOP,2\no,25,a,rear,STOP,3\n"
    )
    assert rows(io.read_labels(path)) == [(1, 2, "rear"), (2, 3, "rear")]


def test_boris_older_layout_with_preamble(tmp_path):
    path = write(
        tmp_path,
        "Observation id\to1\n\nMedia file(s)\n\nPlayer #1\tv.mp4\n\n"
        "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus\n"
        "1.5\tv.mp4\t30\t25\t\trear\t\t\tSTART\n2\tv.mp4\t30\t25\t\trear\t\t\tSTOP\n3\tv.mp4\t30\t25\t\thop\t\t\tPOINT\n",
        "a.tsv",
    )
    labels = io.read_labels(path)
    assert rows(labels) == [(1.5, 2, "rear")]
    assert labels.stop_s == 30
    assert labels.fps == 25
    assert labels.meta["points"]["time_s"].tolist() == [3]


def test_boris_several_observations(tmp_path):
    path = write(
        tmp_path, TABULAR + "o1,25,a,rear,START,1\no1,25,a,rear,STOP,2\no2,25,a,rear,START,5\no2,25,a,rear,STOP,6\n"
    )
    with pytest.raises(DataError, match=r"holds 2 observations.*o1, o2.*recording="):
        io.read_labels(path)
    assert rows(io.read_labels(path, recording="o2")) == [(5, 6, "rear")]
    with pytest.raises(DataError, match=r"no observation 'o3'"):
        io.read_labels(path, recording="o3")


def test_boris_clock_times(tmp_path):
    path = write(tmp_path, TABULAR + "o,25,a,rear,START,00:01:01.500\no,25,a,rear,STOP,00:01:02.000\n")
    assert rows(io.read_labels(path)) == [(61.5, 62, "rear")]


def test_caltech_faults_all_at_once(tmp_path):
    path = write(tmp_path, CALTECH + "  1 10 base\n  5 20 social\n  21 x social\n  30 40 soical\n", "a.txt")
    with pytest.raises(DataError) as error:
        io.read_labels(path, fps=10)
    assert len(error.value.faults) == 3
    assert "did you mean 'social'" in str(error.value)
    assert "line 12" in str(error.value)


def test_caltech_frames_count_from_one_and_the_last_is_inside(tmp_path):
    labels = io.read_labels(write(tmp_path, CALTECH + "  1 10 base\n  11 20 social\n", "a.txt"), fps=10)
    assert rows(labels) == [(0, 1, "base"), (1, 2, "social")]
    alone = io.read_labels(write(tmp_path, CALTECH + "  1 10 base\n", "b.txt"), fps=10)
    assert alone.vocabulary == ("base", "social")


def test_caltech_unlabelled_beside_base_was_not_scored(tmp_path):
    text = CALTECH.replace("social", "unlabelled\tu\nsocial", 1) + "  1 10 base\n  11 20 unlabelled\n  21 30 social\n"
    labels = io.read_labels(write(tmp_path, text, "a.txt"), fps=10)
    assert rows(labels) == [(0, 1, "base"), (2, 3, "social")]
    assert labels.scored[["start_s", "stop_s"]].to_numpy().tolist() == [[0, 1], [2, 3]]
    states = labels.to_states(np.arange(30) / 10, ["social"], others="negative").values[:, 0, 0]
    assert states.tolist() == [0] * 10 + [-1] * 10 + [1] * 10
    nothing = io.read_labels(write(tmp_path, text.split("  1 10")[0] + "  1 30 unlabelled\n", "b.txt"), fps=10)
    assert (nothing.to_states(np.arange(30) / 10, ["social"]).values == -1).all()
    of_another = write(tmp_path, text.replace("base\tb", "none\tb").replace("base", "none"), "c.txt")
    assert "unlabelled" in io.read_labels(of_another, fps=10).vocabulary


def test_caltech_overhang_is_cut_and_noted(tmp_path):
    path = write(tmp_path, CALTECH + "  1 10 base\n  11 103 social\n", "a.txt")
    labels = io.read_labels(path, fps=10, duration_s=10.0)
    assert labels.stop_s == 10.0
    assert labels.meta["clipped_s"] == pytest.approx(0.3)
    with pytest.raises(DataError, match=r"run past the end of the recording.*check fps"):
        io.read_labels(path, fps=10, duration_s=2.0)


def test_bento_seconds_when_any_time_has_a_point(tmp_path):
    path = write(
        tmp_path,
        "Bento annotation file\nAnnotation start time: 0.0\nAnnotation stop time: 4.0\n"
        "Annotation framerate: 10.000000\n\nCh1----------\n>attack\nStart\t Stop\t Duration \n0.1\t1\t1\n\n"
        "Ch2----------\n\n",
        "a.annot",
    )
    labels = io.read_labels(path)
    assert rows(labels) == [(0, 1, "attack")]
    assert labels.scored[["start_s", "stop_s"]].to_numpy().tolist() == [[0, 4], [0, 4]]
    assert labels.streams == ["Ch1", "Ch2"]  # a channel without bouts was scored all the same


def test_bento_frame_rate_that_differs_is_warned_about(tmp_path):
    path = write(
        tmp_path,
        "Bento annotation file\nAnnotation framerate: 10.0\n\nCh1----------\n>a\nStart\t Stop\t Duration \n1\t10\t10\n",
        "a.annot",
    )
    with pytest.warns(UserWarning, match=r"states 10 fps, 20 was given"):
        assert rows(io.read_labels(path, fps=20)) == [(0, 0.5, "a")]


def test_onehot_columns_beside_others(tmp_path):
    path = write(tmp_path, "time_s,signal,freeze\n0,0.3,0\n0.5,0.4,1\n1,0.5,1\n")
    with pytest.raises(DataError, match=r"not recognised as labels"):
        io.read_labels(path)
    with pytest.raises(DataError, match=r"column 'signal' is not 0/1.*behaviours="):
        io.read_labels(path, source="onehot")
    labels = io.read_labels(path, source="onehot", behaviours=["freeze"])
    assert rows(labels) == [(0.5, 1.5, "freeze")]


def test_onehot_frame_rate_that_does_not_fit(tmp_path):
    path = write(tmp_path, "time_s,freeze\n0,0\n0.1,1\n0.2,1\n")
    with pytest.raises(DataError, match=r"not one frame apart at 30 fps"):
        io.read_labels(path, fps=30)


def test_deepethogram_contradictions(tmp_path):
    path = write(tmp_path, ",background,rear\n0,1,1\n1,0,0\n2,1,-1\n")
    with pytest.raises(DataError) as error:
        io.read_labels(path, fps=10)
    assert len(error.value.faults) == 2


def test_fromto_names_intervals_that_end_before_they_start(tmp_path):
    path = write(tmp_path, "from,to,type\n1,,rear\n3,2,rear\n")
    with pytest.raises(DataError) as error:
        io.read_labels(path)
    assert [f.where for f in error.value.faults] == ["line 3 (rear)"]


def test_one_row_without_an_end_does_not_refuse_the_others(tmp_path):
    path = write(tmp_path, "from,to,type,Experimenter\n1,2,rear,anna\n1,NA,rear,ben\n3,4,rear,ben\n")
    with pytest.warns(UserWarning, match=r"1 rows without start or end are left out: line 3 \(rear\)"):
        labels = io.read_labels(path)
    assert labels.raters == ["anna", "ben"]
    assert len(labels.bouts) == 2


def test_several_raters(tmp_path):
    one = write(tmp_path, "start_s,stop_s,label\n1,2,rear\n", "anna.csv")
    two = write(tmp_path, "start_s,stop_s,label\n1.5,2,rear\n", "ben.csv")
    labels = io.read_labels([one, two], duration_s=10)
    assert labels.raters == ["anna", "ben"]
    states = labels.select(rater="ben").to_states(np.arange(20) / 2)
    assert states.values.sum() == 1
    assert (states.values >= 0).all()
    assert io.read_labels([one, two], rater=["A", "B"]).raters == ["A", "B"]
    with pytest.raises(DataError, match=r"rater 'A' is in two files"):
        io.read_labels([one, two], rater=["A", "A"])
    with pytest.raises(DataError, match=r"number of raters"):
        io.read_labels([one, two], rater=["A"])
    with pytest.raises(DataError, match=r"no files"):
        io.read_labels([])


def test_raters_who_disagree_on_the_frame_rate(tmp_path):
    paths = [
        write(
            tmp_path,
            f"Bento annotation file\nAnnotation framerate: {fps}.0\n\n"
            "Ch1----------\n>a\nStart\t Stop\t Duration \n1\t10\t10\n",
            f"r{fps}.annot",
        )
        for fps in (10, 20)
    ]
    with pytest.raises(DataError, match=r"disagree on the frame rate.*r10.annot: 10 fps.*r20.annot: 20 fps"):
        io.read_labels(paths)
