"""Label files."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from tests.io.golden import golden, text
from tests.io.golden.poses import calms21_content


def rows(labels) -> list[tuple]:
    return list(labels.bouts[["start_s", "stop_s", "label"]].itertuples(index=False, name=None))


CALTECH = (
    "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nbase\tz\nsocial\ts\nbite\tb\n\n"
    "S1:\tstart\tend\ttype\n-----------------------------\n   \t1\t10\tbase\n   \t11\t20\tsocial\n\n"
    "S2:\tstart\tend\ttype\n-----------------------------\n   \t1\t20\tbase\n  \n"
)


@golden("labels", "caltech")
def _(folder):
    def check(labels):
        one = labels.select(stream="S1")
        assert rows(one) == [(0, 1, "base"), (1, 2, "social")]
        assert labels.streams == ["S1", "S2"]
        assert labels.exclusive
        assert labels.vocabulary == ("base", "social", "bite")
        assert labels.behaviours == ["social"]
        states = one.to_states(np.arange(20) / 10, ["social"])
        assert states.values[:, 0, 0].tolist() == [-1] * 10 + [1] * 10

    return text(folder, "a.txt", CALTECH.replace("\n", "\r\n")), {"fps": 10}, check


@golden("labels", "bento")
def _(folder):
    content = (
        "Bento annotation file\nMovie file(s): a.seq\n\nStimulus name:\nAnnotation start frame: 1\n"
        "Annotation stop frame: 40\nAnnotation framerate: 10.000000\n\nList of channels:\nCh1\n\n"
        "List of annotations:\nattack\nclose_contact\n\nCh1----------\n>attack\nStart\t Stop\t Duration \n"
        "1\t10\t10\n21\t21\t1\n\n>close_contact\nStart\t Stop\t Duration \n5\t8\t4\n\n"
    )

    def check(labels):
        assert rows(labels) == [(0, 1, "attack"), (0.4, 0.8, "close_contact"), (2, 2.1, "attack")]
        assert labels.scored[["start_s", "stop_s"]].values.tolist() == [[0, 4]]
        assert labels.streams == ["Ch1"]

    return text(folder, "a.annot", content), {}, check


TABULAR = "Observation id,Media duration (s),FPS,Subject,Behavior,Modifier #1,Behavior type,Time,Comment\n"


@golden("labels", "boris_tabular")
def _(folder):
    path = text(
        folder,
        "a.csv",
        TABULAR + "o1,60,25,m1,rear,left,START,1.5,\no1,60,25,m1,rear,left,STOP,2.5,\n"
        "o1,60,25,No focal subject,groom,,START,3,\no1,60,25,m1,hop,,POINT,3.5,\n"
        "o1,60,25,No focal subject,groom,,STOP,4,\n",
    )

    def check(labels):
        assert rows(labels) == [(1.5, 2.5, "rear"), (3, 4, "groom")]
        assert labels.bouts["individual"].tolist() == ["m1", "all"]
        assert labels.bouts["modifiers"].tolist() == ["left", ""]
        assert labels.meta["points"][["time_s", "label"]].values.tolist() == [[3.5, "hop"]]
        assert labels.fps == 25
        assert labels.stop_s == 60

    return path, {}, check


@golden("labels", "boris_aggregated")
def _(folder):
    path = text(
        folder,
        "a.tsv",
        "Observation id\tSubject\tBehavior\tBehavior type\tStart (s)\tStop (s)\tDuration (s)\n"
        "o1\t\trear\tSTATE\t1\t2.5\t1.5\no1\t\thop\tPOINT\t3\t3\tNA\n",
    )

    def check(labels):
        assert rows(labels) == [(1, 2.5, "rear")]
        assert labels.meta["points"]["label"].tolist() == ["hop"]

    return path, {}, check


@golden("labels", "boris_project")
def _(folder):
    content = {
        "time_format": "seconds",
        "project_format_version": "7.0",
        "behaviors_conf": {"0": {"type": "State event", "code": "rear"}, "1": {"type": "Point event", "code": "hop"}},
        "observations": {
            "o1": {
                "events": [[1.0, "", "rear", "", "", 25], [1.5, "m1", "hop", "", ""], [2.0, "", "rear", "", "", 50]],
                "media_info": {"length": {"v.mp4": 30.0}, "fps": {"v.mp4": 25.0}},
            }
        },
    }
    path = folder / "a.boris.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))

    def check(labels):
        assert rows(labels) == [(1, 2, "rear")]
        assert labels.stop_s == 30
        assert labels.fps == 25
        assert labels.meta["points"]["individual"].tolist() == ["m1"]

    return path, {}, check


@golden("labels", "fromto")
def _(folder):
    path = text(
        folder,
        "a.csv",
        "file;Experimenter;from;to;type;ID\na;Jin;0;1;StartEnd;v1\na;Jin;2.5;3.5;Rearing;v1\n"
        "b;Oliver;0;1;Start/End;v1\nc;Jin;1;2;Rearing;v2\n",
    )

    def check(labels):
        assert rows(labels) == [(2.5, 3.5, "Rearing")]
        assert labels.raters == ["Jin", "Oliver"]  # Oliver watched and saw nothing
        assert labels.meta["markers"] == 2

    return path, {"recording": "v1"}, check


@golden("labels", "calms21")
def _(folder):
    def check(labels):
        assert rows(labels) == [(0, 0.1, "other"), (0.1, pytest.approx(0.3), "attack")]
        assert labels.raters == ["annotator-id_0"]
        assert labels.exclusive

    return text(folder, "a.json", json.dumps(calms21_content())), {"fps": 10}, check


@golden("labels", "bouts")
def _(folder):
    path = text(folder, "a.csv", "start_s,stop_s,label,individual\n1,2,rear,m1\n")

    def check(labels):
        assert rows(labels) == [(1, 2, "rear")]
        assert labels.individuals == ["m1"]
        assert labels.stop_s == 10

    return path, {"duration_s": 10}, check


@golden("labels", "onehot")
def _(folder):
    path = text(folder, "a.csv", "time,rear,groom\n0.0,1,0\n0.03,1,1\n0.07,0,-1\n0.1,,\n")

    def check(labels):
        assert rows(labels) == [
            (0, pytest.approx(2 / 30), "rear"),
            (pytest.approx(1 / 30), pytest.approx(2 / 30), "groom"),
        ]
        assert labels.stop_s == pytest.approx(0.1)
        assert not labels.exclusive

    return path, {"fps": 30}, check


@golden("labels", "deepethogram")
def _(folder):
    path = text(folder, "v_labels.csv", ",background,rear\n0,1,0\n1,0,1\n2,-1,-1\n3,0,1\n")

    def check(labels):
        assert rows(labels) == [(0.1, 0.2, "rear"), (pytest.approx(0.3), 0.4, "rear")]
        assert labels.to_states(np.arange(4) / 10).values.ravel().tolist() == [0, 1, -1, 1]

    return path, {"fps": 10}, check
