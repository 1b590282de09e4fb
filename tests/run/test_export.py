"""Files for annotation programs: read back they are the states frame by frame, and what cannot be written is said."""

import numpy as np
import pandas as pd
import pytest
from run_tiny import Tiny

import murid
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.data.study import Study
from murid.data.warning import MuridWarning
from murid.methods import registry
from murid.methods.base import output
from murid.run import apply_method, export_states, fit_method

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
        return output(make_states(values[:, :, None], time, ["rear"], PEOPLE, source="gappy"))


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "gappy", f"{__name__}:Gappy")
    monkeypatch.chdir(tmp_path)
    made = Study.create(tmp_path / "S")
    rng = np.random.default_rng(0)
    for k in (1, 2):
        walk = rng.normal(0, 2, (N, 2, 1, 2)).cumsum(axis=0)
        poses = make_poses(walk, keypoints=["nose"], individuals=PEOPLE, fps=FPS, unit="cm")
        bouts = pd.DataFrame({"start_s": [1.0, 5.0], "stop_s": [2.5, 6.0], "label": ["rear", "groom"]})
        labels = Labels.from_bouts(bouts, duration_s=SECONDS, fps=FPS)
        made.add(Recording(f"m{k}", poses=poses, labels=labels))
    return made


def test_predictions_read_back_frame_by_frame_also_where_nothing_was_labelled(study):
    fit_method(study, "gappy")
    run = apply_method(study, "gappy")
    with pytest.warns(MuridWarning, match=r"not labelled.*bouts of 'unlabelled'.*m1 and m2"):
        files = export_states(study, "gappy", "predicted")
    assert len(files) == 2
    for recording_id, path in zip(("m1", "m2"), files, strict=True):
        table = pd.read_csv(path)
        assert set(table["Observation id"]) == {recording_id}
        assert set(table["FPS"]) == {FPS}
        back = murid.read_labels(path)
        states = run.states_of(recording_id)
        time = states["time"].values
        assert back.stop_s == pytest.approx(SECONDS)
        read = back.to_states(time, ["rear"], individuals=PEOPLE)
        assert np.array_equal(read.values, states.values)
        assert (read.values == -1).sum() == 3 * FPS, "one second of one animal, one of both"


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
    fit_method(study, "gappy")
    with pytest.raises(DataError, match="'gappy' was not applied"):
        export_states(study, "gappy", out="other")
    apply_method(study, "gappy", ["m1"])
    with pytest.raises(DataError, match=r"m2.*not applied to these recordings"):
        export_states(study, "gappy", out="other", ids=["m2"])
