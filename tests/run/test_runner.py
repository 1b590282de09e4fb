"""Plan, executors, resume: the promises every command rests on."""

import json
from pathlib import Path

import pytest
import run_work as work

from murid.data import progress
from murid.data.errors import DataError, MuridError
from murid.run import executor
from murid.run.executor import StepFailed
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run, find_run, runs_of
from murid.run.step import Step, plan_steps


@pytest.fixture
def study(tmp_path):
    return work.small_study(tmp_path / "study")


def means(study, function=work.mean_of, seed=7, **params):
    return [
        Step("mean", function, {"recording": source}, params, seed=seed, recording=source.id)
        for source in inputs_of(study, None, ["poses"])
    ]


def both(study, **params):
    steps = means(study, **params)
    return [*steps, Step("table", work.table_of, {"parts": steps})]


def test_results_come_in_order_and_dependencies_are_done_first(study, calls):
    *parts, table = Runner(study).values(both(study))
    assert table["mean"].tolist() == [p["mean"] for p in parts]
    assert table["mean"].iloc[0] == pytest.approx(float(study["r0"].poses["position"].mean()))
    assert (len(calls("mean")), len(calls("table"))) == (4, 1)


def test_second_run_does_nothing(study, calls):
    first = Runner(study).values(both(study))
    second = Runner(study).values(both(study))
    assert (len(calls("mean")), len(calls("table"))) == (4, 1)
    assert first[0] == second[0]


def test_only_what_is_stale_is_redone(study, calls):
    Runner(study).do(both(study))
    study.add(work.Recording("r2", poses=work.small_poses(99), animal="a2", group="x"), replace=True)
    Runner(study).do(both(study))
    assert (len(calls("mean")), len(calls("table"))) == (5, 2)


def test_parameters_and_seed_are_part_of_the_key(study, calls):
    for kw in ({}, {"factor": 2.0}, {"seed": 8}):
        Runner(study).do(means(study, **kw))
    assert len(calls("mean")) == 12


def test_a_corrected_group_does_not_make_stale_what_does_not_see_it(study, calls):
    Runner(study).do(means(study))
    table = study.table
    table["group"] = "z"
    study._write_table(table)
    Runner(study).do(means(study))
    assert len(calls("mean")) == 4


def test_a_step_sees_only_what_it_declared(study):
    def seen(keys, nouns):
        source = inputs_of(study, ["r1"], nouns, keys)[0]
        return Runner(study).values([Step("sees", work.sees, {"recording": source})])[0]

    assert seen(("animal",), ["poses"]) == {"animal": "a1", "group": "", "poses": True}
    assert seen(("animal", "group"), []) == {"animal": "a1", "group": "y", "poses": False}


def test_damaged_results_are_redone(study, calls):
    results = Runner(study).do(means(study))
    path = Path(results[1].store.folder(results[1].kept)) / "value.json"
    path.write_text(path.read_text().replace("mean", "naem"))
    again = Runner(study).values(means(study))
    assert len(calls("mean")) == 5
    assert "mean" in again[1]


def test_processes_give_what_serial_gives(study, calls):
    alone = Runner(study, workers=1).values(both(study))
    for kept in (study.folder / "cache").glob("*/*/entry.json"):
        kept.unlink()
    together = Runner(study, workers=2).values(both(study))
    assert alone[:4] == together[:4]
    assert alone[4].equals(together[4])
    assert len(calls("mean")) == 8


@pytest.mark.parametrize("workers", [1, 2])
def test_one_error_names_every_recording_that_failed_and_the_others_are_kept(study, workers):
    steps = [Step("picky", work.picky, {"recording": s}, recording=s.id) for s in inputs_of(study, None, ["poses"])]
    with pytest.raises(DataError) as error:
        Runner(study, workers).do(steps)
    assert "2 of 4" in str(error.value)
    assert "2 recordings (r1, r3)" in str(error.value)
    assert "-> drop it" in str(error.value)
    assert len(list((study.folder / "cache" / "picky").glob("*/entry.json"))) == 2


def test_an_unforeseen_error_names_the_recording_and_carries_the_traceback(study):
    steps = [Step("buggy", work.buggy, {"recording": s}, recording=s.id) for s in inputs_of(study, ["r2"], ["poses"])]
    with pytest.raises(StepFailed, match=r"recording 'r2'.*KeyError") as error:
        Runner(study).do(steps)
    assert "run_work.py" in str(error.value)


def test_a_worker_that_is_killed_is_explained(study):
    steps = [Step("dies", work.dies, {"recording": s}, recording=s.id) for s in inputs_of(study, None, ["poses"])]
    with pytest.raises(MuridError, match="fewer workers"):
        Runner(study, workers=2).do(steps)


def test_missing_files_are_all_named_before_anything_starts(study, calls):
    for id in ("r0", "r3"):
        (study.folder / "data" / id / "poses.nc").unlink()
    with pytest.raises(DataError) as error:
        Runner(study).do(means(study))
    assert "'r0'" in str(error.value)
    assert "'r3'" in str(error.value)
    assert len(calls("mean")) == 0


def test_same_step_asked_twice_is_planned_once(study):
    twice = plan_steps([*both(study), *both(study)])
    assert len(twice.tasks) == 5
    assert len(twice.wanted) == 10


def test_a_step_that_depends_on_itself_is_refused(study):
    parts: list = []
    loop = Step("table", work.table_of, {"parts": parts})
    parts.append(loop)
    with pytest.raises(DataError, match="depends on itself"):
        plan_steps([loop])


def test_progress_counts_kept_and_new(study):
    heard = []
    with progress.listen(lambda text, done, total: heard.append((done, total))):
        Runner(study).do(means(study)[:2], "means")
        Runner(study).do(means(study), "means")
    assert heard[0] == (0, 2)
    assert heard[-1] == (4, 4)
    assert (2, 4) in heard


# ---- runs -----------------------------------------------------------------------------------------
def test_a_run_keeps_an_account(study):
    with Run.start(study, "means", {"factor": 2.0}, "x y") as run:
        Runner(study, run=run).do(means(study, factor=2.0))
        run.table("means", work.table_of([{"a": 1.5}]))
        run.note(n=4)
    back = find_run(study, "means")
    account = back.provenance
    assert back.folder.name.endswith("means-x_y")
    assert back.summary == {"n": 4}
    assert account["status"] == "complete"
    assert account["versions"]["murid"]
    assert account["versions"]["numpy"]
    assert {i["id"] for i in account["inputs"]} == {"r0", "r1", "r2", "r3"}
    assert account["inputs"][0]["poses"]
    assert account["seeds"] == {"mean": 7}
    assert account["peak_mb"] > 0
    assert [s["state"] for s in account["steps"]] == ["done"] * 4
    assert back.tables["means"]["a"].tolist() == [1.5]
    assert (back.folder / "tables" / "means.csv").read_text() == "a\n1.5\n"
    events = [json.loads(line)["event"] for line in (back.folder / "log.jsonl").read_text().splitlines()]
    assert events == ["start", *["step"] * 4, "complete"]


def test_warnings_of_steps_are_kept_also_when_the_result_is_reused(study):
    steps = [Step("warner", work.warner, {"recording": s}, recording=s.id) for s in inputs_of(study, ["r0"], ["poses"])]
    for _ in range(2):
        with Run.start(study, "warn", {}) as run:
            Runner(study, run=run).do(steps)
        assert run.provenance["warnings"] == ["warner, recording 'r0': something is odd"]


def test_a_stopped_run_is_gone_on_with_in_its_own_folder(study):
    with pytest.raises(KeyboardInterrupt), Run.start(study, "means", {"a": 1}) as first:
        raise KeyboardInterrupt
    assert Run.read(first.folder).provenance["status"] == "stopped"
    assert runs_of(study) == []
    with Run.start(study, "means", {"a": 2}) as other:
        pass
    with Run.start(study, "means", {"a": 1}) as again:
        pass
    assert again.folder == first.folder
    assert other.folder != first.folder
    with Run.start(study, "means", {"a": 1}) as fresh:
        pass
    assert fresh.folder != first.folder
    assert len(runs_of(study)) == 3


def test_unknown_run_suggests_known_ones(study):
    with Run.start(study, "means", {}) as run:
        pass
    with pytest.raises(DataError, match="did you mean"):
        find_run(study, run.folder.name + "x")


def test_no_public_function_is_hidden_by_a_file_of_its_name():
    """Importing ``murid.run.x`` puts the module under ``x``: a function of that name could not be called then."""
    import murid.run

    files = {p.stem for p in Path(murid.run.__file__).parent.glob("*.py")}
    assert not files & set(murid.run.__all__), "name the function otherwise than its file"


def test_workers_stay_for_the_next_step_until_what_they_inherited_changes(monkeypatch):
    first = executor._pool_of(2)
    assert executor._pool_of(2) is first
    monkeypatch.setenv("MURID_SOMETHING", "else")
    changed = executor._pool_of(2)
    assert changed is not first
    executor._end(changed)
    assert executor._pool_of(2) is not changed


def test_a_step_that_stopped_goes_on_from_what_it_left(study):
    steps = [
        Step("gives_up", work.gives_up_once, {"recording": s}, recording=s.id)
        for s in inputs_of(study, ["r1"], ["poses"])
    ]
    with pytest.raises(StepFailed, match="killed"):
        Runner(study).do(steps)
    left = list((study.folder / "cache").rglob("*.unfinished"))
    assert len(left) == 1
    assert Runner(study).do(steps)[0].value == {"went_on_from": "half way"}
    assert not left[0].exists()
