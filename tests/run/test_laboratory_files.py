"""Files as laboratories have them: the right value, or one error that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import murid
from murid import io
from murid.data.errors import DataError
from murid.run.add import add_files

HEAD = "Observation id,Media duration (s),FPS,Subject,Behavior,Behavior type,Time\n"


def observation(name: str, subject: str = "mouse") -> str:
    return f"{name},60,25,{subject},rear,START,1\n{name},60,25,{subject},rear,STOP,2\n"


def poses(path: Path, individuals=("individual_0",)) -> Path:
    xy = np.random.default_rng(0).random((1500, 2, 2, len(individuals))) + 5
    return io.write_poses_dlc(
        murid.make_poses(xy, keypoints=["nose", "tail_base"], individuals=list(individuals), fps=25), path
    )


def labels(path: Path, *observations: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + "".join(observations))
    return path


def test_an_observation_that_fits_two_films(tmp_path):
    films = [poses(tmp_path / "m1_left.csv"), poses(tmp_path / "m1_right.csv")]
    table = labels(tmp_path / "all.csv", observation("m1"), observation("m2"))
    with pytest.raises(DataError, match=r"'m1' fits 2 recordings; got m1_left, m1_right; -> name observations after"):
        add_files(murid.Study.create(tmp_path / "s"), films, labels=[table], fps=25)


def test_the_only_animal_under_a_name_of_the_scorer(tmp_path):
    study = murid.Study.create(tmp_path / "s")
    table = labels(tmp_path / "l" / "m1.csv", observation("m1"))
    with pytest.warns(UserWarning, match="'mouse' in the labels and 'individual_0' in the poses are the only animal"):
        add_files(study, [poses(tmp_path / "m1.csv")], labels=[table], fps=25)
    assert study["m1"].labels.individuals == ["individual_0"]


@pytest.mark.filterwarnings("ignore:.*are the only animal", "ignore:.*without any event")
def test_an_animal_that_did_nothing_is_no_missing_animal(tmp_path):
    """An export without an event was "cut off or empty", and the animal dropped out, poses too."""
    study = murid.Study.create(tmp_path / "s")
    tables = [labels(tmp_path / "l" / "m1.csv", observation("m1")), labels(tmp_path / "l" / "m2.csv")]
    add_files(study, [poses(tmp_path / "m1.csv"), poses(tmp_path / "m2.csv")], labels=tables, fps=25)
    assert study.ids == ["m1", "m2"]
    marks = study["m2"].need("labels")
    assert (len(marks.bouts), marks.scored[["start_s", "stop_s"]].to_numpy().tolist()) == (0, [[0, 60]])


def test_one_of_two_animals_under_an_unknown_name(tmp_path):
    with pytest.raises(DataError, match="labels name individuals that have no pose; expected a, b, got mouse"):
        add_files(
            murid.Study.create(tmp_path / "s"),
            [poses(tmp_path / "m1.csv", ("a", "b"))],
            labels=[labels(tmp_path / "l" / "m1.csv", observation("m1"))],
            fps=25,
        )


def project(path: Path, interval: list[int]) -> Path:
    """A BORIS project whose observation was scored over an interval only."""
    content = {
        "project_format_version": "7.0",
        "behaviors_conf": {"0": {"type": "State event", "code": "rear"}},
        "observations": {
            "m1": {
                "events": [[15.0, "", "rear", "", ""], [16.0, "", "rear", "", ""]],
                "observation time interval": interval,
                "media_info": {"length": {"v.mp4": 60.0}, "fps": {"v.mp4": 25.0}},
            }
        },
    }
    path.write_text(json.dumps(content))
    return path


def test_raters_who_scored_different_stretches(tmp_path):
    """Outside what a rater scored the frame is unlabelled for this rater, not without behaviour."""
    both = io.read_labels([project(tmp_path / "A.boris", [0, 0]), project(tmp_path / "B.boris", [10, 40])])
    assert both.scored[["rater", "start_s", "stop_s"]].to_numpy().tolist() == [["A", 0, 60], ["B", 10, 40]]
    clock = np.arange(0, 60, 0.5)
    states = {r: both.select(rater=r).to_states(clock, ["rear"], others="negative").values.ravel() for r in "AB"}
    at = [10, 31, 100]  # 5, 15.5 and 50 s
    assert states["A"][at].tolist() == [0, 1, 0]
    assert states["B"][at].tolist() == [-1, 1, -1]


def test_raters_who_name_the_animal_differently(tmp_path):
    files = [
        labels(tmp_path / "l" / f"m1_{r}.csv", observation("m1", name)) for r, name in (("A", "mouse"), ("B", "Maus"))
    ]
    read = io.read_labels(files)
    assert read.bouts[["individual", "rater"]].to_numpy().tolist() == [["mouse", "m1_A"], ["Maus", "m1_B"]]
    study = murid.Study.create(tmp_path / "s")
    with pytest.raises(DataError, match="labels name individuals that have no pose; expected individual_0, got"):
        add_files(study, [poses(tmp_path / "m1.csv")], labels=files, fps=25, several_raters=True)
