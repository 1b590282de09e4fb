"""The one run function of all analyses: what is left out, what fails, what is compared, and who may add one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import run_toy
import run_work as work

from murid import simulate
from murid.data import registry
from murid.data.analysis import Analysis, analysis, find_analysis
from murid.data.errors import DataError, MuridError
from murid.data.labels import LabelChoice, Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.tables import TableError
from murid.run.analysis import run_analysis


@pytest.fixture
def study(tmp_path):
    """Six recordings of six animals, three a group; poses alone."""
    study = Study.create(tmp_path / "S")
    for i in range(6):
        study.add(Recording(f"r{i}", poses=work.small_poses(i), animal=f"a{i}", group="xy"[i % 2]))
    return study


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Labels of two raters and poses: x rears 1 s in each of three animals, y never; nobody rears in r5."""
    study = Study.create(tmp_path_factory.mktemp("scored") / "S")
    for i in range(6):
        rows = [(2.0, 2.0 + 0.5 * (i + 1), "groom", "A"), (2.0, 2.0 + 0.5 * (i + 1), "groom", "B")]
        if i % 2 == 0:
            rows += [(5.0, 6.0, "rear", "A"), (5.0, 6.5, "rear", "B")]
        bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "rater"])
        labels = Labels.from_bouts(bouts, duration_s=10.0, fps=20.0, vocabulary=("groom", "rear"))
        study.add(Recording(f"r{i}", labels=labels, animal=f"a{i}", group="xy"[i % 2]))
    return study


def test_one_level_is_that_of_the_comparison_and_of_the_analysis(scored):
    """Of an analysis without a parameter of that name it is the level of the comparison alone."""
    choice = LabelChoice(rater="A")
    assert run_analysis(scored, "budget", labels=choice).summary["level"] == 0.05
    run = run_analysis(scored, "budget", labels=choice, alpha=0.2)
    assert run.summary["level"] == run.provenance["params"]["alpha"] == 0.2
    q = run.tables["comparison"].set_index("measure")["q"]
    assert run.summary["differ"] == q[q <= 0.2].index.tolist()
    with pytest.raises(DataError, match="it compares no groups"):
        run_analysis(scored, "agreement", alpha=0.1)
    with pytest.raises(DataError, match="alpha is no level"):
        run_analysis(scored, "budget", labels=choice, alpha=1.0)
    with pytest.raises(DataError, match=r"two levels were asked for.*\n?.*alpha = 0.05, and alpha = 0.01") as told:
        run_analysis(scored, "tuning", {"alpha": 0.01}, alpha=0.05)
    assert len(told.value.faults) == 1
    with pytest.raises(DataError, match="no recording has what 'tuning' needs"):  # one level given twice is one
        run_analysis(scored, "tuning", {"alpha": 0.01}, alpha=0.01)


def test_any_column_of_the_sheet_can_be_compared_by(scored):
    """Of r0 to r5 the first three are male: grooming lasts 1, 2, 3 half-seconds in them, 4, 5, 6 in the others."""
    table = scored.table
    scored._write_table(table.assign(sex=["m"] * 3 + ["f"] * 3))
    try:
        run = run_analysis(scored, "budget", compare="sex", labels=LabelChoice(rater="A"))
    finally:
        scored._write_table(table)
    assert run.summary["groups"] == {"m": 3, "f": 3}
    groomed = run.tables["comparison"].set_index("measure").filter(like="groom", axis=0)["difference"]
    assert groomed.abs().round(4).iloc[0] == 15.0  # percent of 10 s: 25 against 10
    assert not any("no recording has a sex" in w for w in run.provenance["warnings"])


def test_litters_of_the_sheet_are_noted(scored):
    table = scored.table
    scored._write_table(table.assign(group=["x"] * 3 + ["y"] * 3, litter=["l1"] * 3 + ["l2"] * 3))
    try:
        run = run_analysis(scored, "budget", labels=LabelChoice(rater="A"))
    finally:
        scored._write_table(table)
    assert run.tables["comparison"]["notes"].str.contains("use unit='litter'").all()


# ---- one way for all ------------------------------------------------------------------------------
def test_tables_carry_keys_and_units_and_groups_are_compared(study):
    run = run_analysis(study, "toy")
    animals = run.tables["animals"]
    assert list(animals.columns) == ["recording", "animal", "group", "individual", "reach"]
    assert animals["recording"].tolist() == study.ids
    assert animals.attrs["units"] == {"reach": "px"}
    head = (run.folder / "tables" / "animals.csv").read_text().splitlines()[0]
    assert head == "recording,animal,group,individual,reach (px)"
    assert "second (s),reach (px)" in (run.folder / "tables" / "seconds.csv").read_text()
    found = run.tables["comparison"].set_index("measure")
    means = animals.groupby("group")["reach"].mean()
    assert found.at["reach", "difference"] == pytest.approx(means["y"] - means["x"])
    assert run.provenance["command"] == "toy"
    assert run.provenance["seeds"] == {"comparison": 0}


def test_one_bad_recording_is_listed_and_costs_the_others_nothing(study):
    whole = run_analysis(study, "toy").tables["animals"]
    run = run_analysis(study, "toy", {"refuse": "r2"})
    assert run.summary["failed"] == ["r2"]
    assert run.summary["recordings"] == ["r0", "r1", "r3", "r4", "r5"]
    assert run.tables["failed"]["recording"].tolist() == ["r2"]
    assert "cannot be borne" in run.tables["failed"]["reason"][0]
    rest = whole[whole["recording"] != "r2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(run.tables["animals"], rest)
    assert any("'r2' failed and is in no table" in w for w in run.provenance["warnings"])


def test_a_file_that_is_gone_or_damaged_costs_its_recording_alone(study):
    (study.folder / "data" / "r1" / "poses.nc").unlink()
    (study.folder / "data" / "r4" / "poses.nc").write_bytes(b"nonsense")
    run = run_analysis(study, "toy")
    assert run.summary["failed"] == ["r1", "r4"]
    reasons = dict(run.tables["failed"].itertuples(index=False))
    assert "poses file is missing" in reasons["r1"]
    assert run.tables["animals"]["recording"].tolist() == ["r0", "r2", "r3", "r5"]


def test_when_nothing_can_be_analysed_the_error_lists_every_reason(study):
    for recording_id in study.ids:
        (study.folder / "data" / recording_id / "poses.nc").unlink()
    with pytest.raises(DataError, match="no recording could be analysed: 6 recordings") as error:
        run_analysis(study, "toy")
    assert f"({', '.join(study.ids)}): poses file is missing" in str(error.value)


def test_recordings_that_lack_something_are_left_out_by_name_and_asked_for_they_fail(study):
    study.add(
        Recording("only", labels=Labels.from_bouts(pd.DataFrame({"start_s": [1], "stop_s": [2], "label": ["a"]})))
    )
    run = run_analysis(study, "toy")
    assert run.summary["left_out"] == {"only": "poses"}
    assert any("1 recording is left out" in w and "only (no poses)" in w for w in run.provenance["warnings"])
    asked = run_analysis(study, "toy", ids=["r0", "only"])
    assert asked.summary["failed"] == ["only"]
    with pytest.raises(DataError, match=r"no recording has what 'tuning' needs.*traces or spikes"):
        run_analysis(study, "tuning")


def test_a_table_that_is_not_as_declared_is_a_mistake_of_the_analysis(study):
    with pytest.raises(TableError, match=r"table 'seconds' of the analysis 'toy': column 'extra' is not declared"):
        run_analysis(study, "toy", {"column": "extra"})


def test_what_is_of_no_use_is_refused_instead_of_ignored(study, scored):
    with pytest.raises(DataError, match="rater = 'A' is of no use: it takes no states"):
        run_analysis(study, "toy", labels=LabelChoice(rater="A"))
    with pytest.raises(DataError, match="measures: it compares no groups"):
        run_analysis(scored, "agreement", measures=["kappa"])
    with pytest.raises(DataError, match="did you mean 'budget'"):
        run_analysis(study, "budgt")


def test_the_same_question_again_is_no_work_and_every_argument_makes_another_run(study, calls):
    run = run_analysis(study, "toy")
    again = run_analysis(study, "toy")
    assert {s["state"] for s in again.provenance["steps"]} == {"kept"}
    asked = {run.provenance["asked"]}
    changes = [{"ids": ["r0", "r1"]}, {"compare": None}, {"compare": "day"}, {"measures": ["reach"]}, {"seed": 1}]
    for change in [*changes, {"params": {"scale": 2.0}}]:
        asked.add(run_analysis(study, "toy", **change).provenance["asked"])
    assert len(asked) == 7


def test_primary_measures_are_the_family_and_the_rest_is_described(study, monkeypatch):
    from murid.data import analysis as module

    toy = find_analysis("toy")
    two = Analysis(**{**vars(toy), "name": "two", "function": _two, "primary": ("b",)})
    monkeypatch.setitem(module._declared, "two", two)
    found = run_analysis(study, "two")
    table = found.tables["comparison"]
    assert table["measure"].tolist() == ["b"]
    assert table["q"].tolist() == pytest.approx(table["p"].tolist())
    described = found.tables["described"]
    assert described["measure"].tolist() == ["a"]
    assert not {"p", "q"} & set(described)
    assert np.isfinite(described["difference"]).all()
    assert found.summary["compared"] == 1
    assert run_analysis(study, "two", measures=["a", "b"]).summary["compared"] == 2


@pytest.mark.slow
def test_latencies_of_a_family_are_its_primary_ones(tmp_path):
    maze = Study.create(tmp_path / "S")
    for k in range(4):
        made = simulate.recording("plus_maze", duration_s=15, fps=10, seed=k, id=f"m{k}", group="ab"[k % 2])
        maze.add(made.replace(animal=f"a{k}"))
    found = run_analysis(maze, "plus_maze")
    assert set(found.tables["latencies"]["measure"]) <= {"latency:open"}
    assert any("not primary" in w and "latency:open_n" in w for w in found.provenance["warnings"])
    asked = run_analysis(maze, "plus_maze", measures=["latency:open_n"])
    assert asked.tables["latencies"]["measure"].tolist() == ["latency:open_n"]


def _two(recording, params):
    found = run_toy.toy(recording, params)
    animals = found.frames["animals"]
    return run_toy.Tables(
        {"animals": animals.assign(a=animals["reach"], b=animals["reach"] ** 2).drop(columns="reach")}
    )


# ---- murid's own ----------------------------------------------------------------------------------
def test_time_budget_counts_animals_that_never_showed_a_behaviour_as_zero(scored):
    run = run_analysis(scored, "budget", labels=LabelChoice(rater="A"))
    animals = run.tables["animals"].set_index("recording")
    assert animals["rear"].tolist() == pytest.approx([10, 0, 10, 0, 10, 0])
    assert animals["groom"].tolist() == pytest.approx([5, 10, 15, 20, 25, 30])
    rear = run.tables["budget"].query("behaviour == 'rear'").set_index("recording")
    assert rear.loc["r1", ["count", "total_s", "fraction"]].tolist() == [0, 0, 0]
    assert rear.at["r1", "latency_censored"]
    assert rear.at["r1", "latency_s"] == pytest.approx(10.0)
    assert rear.at["r0", "latency_s"] == pytest.approx(5.0)
    found = run.tables["comparison"].set_index("measure")
    assert found.at["rear", "difference"] == pytest.approx(-10)
    assert found.at["rear", "n_y"] == 3
    with pytest.raises(DataError, match="several raters"):
        run_analysis(scored, "budget")


def test_an_animal_scored_without_a_single_bout_counts_with_zero(tmp_path):
    study = Study.create(tmp_path / "S")
    for i, rows in enumerate([[(2.0, 3.0, "groom")], []]):
        bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label"])
        study.add(Recording(f"r{i}", labels=Labels.from_bouts(bouts, duration_s=10.0, fps=20.0), animal=f"a{i}"))
    run = run_analysis(study, "budget")
    assert run.tables["animals"].set_index("recording")["groom"].tolist() == pytest.approx([10, 0])
    row = run.tables["budget"].set_index("recording").loc["r1"]
    assert (row["count"], row["scored_s"], row["latency_s"]) == (0, 10, 10)
    assert row["latency_censored"]
    with pytest.raises(DataError, match="no recording shows any behaviour"):
        run_analysis(study, "budget", ids=["r1"])


@pytest.mark.parametrize("begin", [0.0, 1.7e9])
def test_the_window_of_a_time_budget_counts_from_the_start_of_the_recording(tmp_path, begin):
    study = Study.create(tmp_path / "S")
    rows = [(begin + 2.0, begin + 3.0, "rear"), (begin + 6.0, begin + 9.0, "rear")]
    for i, own in enumerate((rows, [])):
        bouts = pd.DataFrame(own, columns=["start_s", "stop_s", "label"])
        watched = pd.DataFrame({"start_s": [begin], "stop_s": [begin + 10.0], "rater": "", "stream": ""})
        study.add(Recording(f"r{i}", labels=Labels.from_bouts(bouts, scored=watched, fps=20.0), animal=f"a{i}"))
    run = run_analysis(study, "budget", {"start_s": 1.0, "stop_s": 7.0})
    found = run.tables["budget"].set_index("recording")
    assert found["scored_s"].tolist() == pytest.approx([6, 6], abs=1e-4)
    assert found["total_s"].tolist() == pytest.approx([2, 0], abs=1e-4)
    assert found["latency_s"].tolist() == pytest.approx([1, 6], abs=1e-4)
    if begin == 0.0:
        with pytest.raises(DataError, match="no recording shows any behaviour"):
            run_analysis(study, "budget", {"start_s": 20.0}, ids=["r1"])
        late = run_analysis(study, "budget", {"start_s": 20.0}, ids=["r0"])
        assert any("all: nothing is scored from 20 s to the end" in w for w in late.provenance["warnings"])


def test_labels_that_belong_to_all_animals_are_those_of_the_one_that_is_asked_for(scored, tmp_path):
    choice = LabelChoice(rater="A")
    everyone = run_analysis(scored, "budget", labels=choice).tables["budget"]
    one = run_analysis(scored, "budget", labels=choice, individual="m1").tables["budget"]
    assert set(everyone["individual"]) == {"all"}
    pd.testing.assert_frame_equal(one, everyone.assign(individual="m1"), check_column_type=False)
    study = Study.create(tmp_path / "S")
    bouts = pd.DataFrame({"start_s": [0.5], "stop_s": [1.0], "label": ["rear"]})
    labels = Labels.from_bouts(bouts, duration_s=3.0, fps=20.0)
    study.add(Recording("r", poses=work.small_poses(0), labels=labels))
    assert run_analysis(study, "budget", individual="a").summary["recordings"] == ["r"]
    with pytest.raises(DataError, match=r"no individual 'b'.*known: a"):
        run_analysis(study, "budget", individual="b")


def test_agreement_of_raters_is_pooled_over_recordings(scored):
    run = run_analysis(scored, "agreement", {"n_boot": 100})
    pairs = run.tables["pairs"].set_index("behaviour")
    assert pairs.at["groom", "kappa"] == pytest.approx(1.0)
    # 3 × 20 frames of 1,200 in which both rear, 3 × 10 in which B alone does.
    both, alone, n = 60, 30, 1200
    chance = (60 * 90 + 1140 * 1110) / n**2
    assert pairs.at["rear", "kappa"] == pytest.approx(((n - alone) / n - chance) / (1 - chance))
    assert pairs.at["rear", "f1"] == pytest.approx(2 * both / (2 * both + alone))
    assert run.summary["raters"] == ["A", "B"]
    assert run.summary["recordings"] == scored.ids


def test_agreement_of_one_rater_says_what_to_add(tmp_path):
    study = work.labelled_study(tmp_path / "S", 2, seconds=5.0)
    with pytest.raises(DataError, match=r"^agreement: no recording has two raters.*--raters"):
        run_analysis(study, "agreement")


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_declaration_is_complete(name):
    declared = find_analysis(name)
    listed = registry.BUILT_IN[name]
    assert declared.family == listed.family
    assert bool(declared.compare) == listed.compares
    assert (declared.states != "none" or declared.pooled) == listed.states
    assert declared.title.endswith(".")
    assert all(table.caption for table in declared.tables)
    assert all(field.description for field in declared.params.model_fields.values())
    json.dumps(declared.card())


# ---- other packages -------------------------------------------------------------------------------
@pytest.fixture
def package(tmp_path):
    """Environment in which a package is installed that brings two analyses, of which one cannot be imported."""
    info = tmp_path / "site" / "murid_toy-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: murid-toy\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[murid.analyses]\ntoy = run_toy\nsorry = murid_sorry\n")
    (tmp_path / "site" / "murid_sorry.py").write_text("import no_such_library\n")
    path = [str(tmp_path / "site"), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def test_an_analysis_of_another_package_has_its_command_and_a_broken_one_harms_nothing(study, package):
    def murid(*words, code=0):
        command = [sys.executable, "-c", "from murid.cli import main; main()", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=package)
        assert done.returncode == code, done.stderr
        return done

    listed = json.loads(murid("analyses", "--json").stdout)
    assert "toy" in [card["name"] for card in listed["analyses"]]
    assert "murid-toy" in listed["broken"]["sorry"]
    assert "no_such_library" in listed["broken"]["sorry"]
    found = json.loads(murid("toy", study.folder, "-p", "scale=2", "-p", "refuse=r5", "--json", code=1).stdout)
    assert found["failed"] == ["r5"]
    assert found["ok"] is False
    assert len(found["tables"]["animals"]) == 5


def test_two_packages_cannot_bring_one_name():
    other = type("Other", (), {"__module__": "elsewhere"})
    function = lambda recording, params: None  # noqa: E731
    function.__module__ = other.__module__
    with pytest.raises(DataError, match=r"declared twice.*run_toy and elsewhere"):
        analysis("toy", params=run_toy.ToyParams, tables=[run_toy.ANIMALS])(function)


def test_mistakes_in_a_declaration_are_found_at_once():
    with pytest.raises(DataError, match="no noun 'pose'; -> did you mean 'poses'"):
        analysis("bad", params=run_toy.ToyParams, tables=[], needs=("pose",))(lambda r, p: None)
    with pytest.raises(DataError, match="no table 'animal' is declared"):
        analysis("bad", params=run_toy.ToyParams, tables=[run_toy.ANIMALS], compare="animal")(lambda r, p: None)
    with pytest.raises(MuridError, match="no analysis 'bad'"):
        find_analysis("bad")
