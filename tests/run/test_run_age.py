"""Runs say what they are made of, and when that has changed since."""

import json
import re
import shutil
import threading
import time

import pandas as pd
import pytest
import run_toy  # noqa: F401  # registers the analysis 'toy'
import run_work as work

from murid.data import process_owner as owners
from murid.data.atomic import atomic_folder
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.methods.registry import method_class, method_names
from murid.run import runs as runs_module
from murid.run.analysis import run_analysis
from murid.run.check import check_study
from murid.run.fit import FILE_PARAMS, files_in
from murid.run.report import build_report
from murid.run.run_age import outdated
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run, find_run, runs_of
from murid.run.step import FileInput, Kept, Step
from murid.run.store import Store


@pytest.fixture
def study(tmp_path):
    """Four recordings of four animals in two groups, with labels."""
    study = Study.create(tmp_path / "S")
    for i in range(4):
        bouts = pd.DataFrame({"start_s": [0.5], "stop_s": [1.0 + i / 4], "label": ["rear"]})
        labels = Labels.from_bouts(bouts, duration_s=3.0, fps=20.0)
        poses = work.small_poses(i)
        study.add(Recording(f"r{i}", poses=poses, labels=labels, animal=f"a{i}", group="xy"[i % 2]))
    return study


def edit(study, column, **values):
    """Change recordings.csv by hand."""
    table = study.table
    for recording_id, value in values.items():
        table.loc[table["id"] == recording_id, column] = value
    table.to_csv(study.folder / "recordings.csv", index=False)


# ---- older than its data --------------------------------------------------------------------------
def test_what_was_changed_since_is_named_and_what_does_not_matter_is_not(study):
    budget, toy = run_analysis(study, "budget"), run_analysis(study, "toy")
    assert outdated(study, budget) == outdated(study, toy) == []
    edit(study, "group", r0="y", r1="x")
    assert outdated(study, toy) == ["group changed: r0, r1"]
    edit(study, "group", r0="x", r1="y")
    journal = next((study.folder / "data" / "r2" / "labels").glob("*.jsonl"))
    journal.write_text(journal.read_text().replace('"rear"', '"groom"'))
    assert outdated(study, budget) == ["labels changed: r2"]
    assert outdated(study, toy) == []
    shutil.copy(study.folder / "data" / "r3" / "poses.nc", study.folder / "data" / "r1" / "poses.nc")
    assert outdated(study, toy) == ["poses changed: r1"]
    study.remove("r3")
    assert outdated(study, toy) == ["poses changed: r1", "removed: r3"]
    study.add(Recording("r9", poses=work.small_poses(9), animal="a9", group="x"))
    assert "r9 added since" in outdated(study, toy)


def test_report_and_check_say_which_runs_are_older_than_their_data(study):
    run = run_analysis(study, "toy")
    assert "older than its data" not in build_report(study).read_text()
    edit(study, "group", r0="y", r1="x")
    text = build_report(study).read_text()
    assert f"The run {run.folder.name} is older than its data (group changed: r0, r1)" in text
    check = check_study(study)
    assert check.summary["outdated"] == {run.folder.name: ["group changed: r0, r1"]}
    run_analysis(study, "toy")
    assert "older than its data" not in build_report(study).read_text()


# ---- which run is the newest ----------------------------------------------------------------------
def test_the_newest_run_is_the_one_that_finished_last(study):
    poses = study.folder / "data" / "r1" / "poses.nc"
    good = poses.read_bytes()
    poses.write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match="stopped here"), Run.start(study, "toy", {"x": 1}, "first"):
        raise RuntimeError("stopped here")
    second = run_analysis(study, "toy", ids=["r0", "r2"])
    poses.write_bytes(good)
    with Run.start(study, "toy", {"x": 1}, "first") as third:
        third.note(recordings=["r0"])
    assert third.folder.name < second.folder.name or third.folder.name.split("-")[1] <= second.folder.name.split("-")[1]
    assert find_run(study, "toy").folder == third.folder
    assert [r.folder for r in runs_of(study, "toy")] == [second.folder, third.folder]


def test_a_clock_that_is_set_back_and_many_runs_in_a_second_change_no_order(study, monkeypatch):
    folders = []
    for k in range(12):
        with Run.start(study, "toy", {"k": k}) as run:
            folders.append(run.folder)
        if k == 5:

            class Earlier(runs_module.datetime):
                @classmethod
                def now(cls, tz=None):
                    return runs_module.datetime.fromisoformat("2001-01-01T00:00:00+00:00").astimezone(tz)

            monkeypatch.setattr(runs_module, "datetime", Earlier)
    assert len(set(folders)) == 12
    assert [r.folder for r in runs_of(study)] == folders


def test_a_folder_gone_on_with_holds_nothing_of_the_run_before(study):
    with pytest.raises(RuntimeError), Run.start(study, "toy", {"x": 1}) as first:
        first.table("means", pd.DataFrame({"p": [0.01]}))
        first.states("r3", Study(study.folder)["r3"].poses)
        raise RuntimeError("killed here")
    with Run.start(study, "toy", {"x": 1}) as second:
        second.table("animals", pd.DataFrame({"a": [1]}))
    assert second.folder == first.folder
    assert set(second.tables) == {"animals"}
    assert second.recordings == []


def test_runs_that_begin_at_one_instant_have_a_folder_each(study):
    started, barrier = [], threading.Barrier(8)

    def start(k):
        barrier.wait(60)
        started.append(Run.start(study, "toy", {"k": k}).folder)

    threads = [threading.Thread(target=start, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(started)) == 8


# ---- other hosts ----------------------------------------------------------------------------------
def test_work_of_another_host_is_left_alone_until_it_is_old(study, monkeypatch, tmp_path):
    store = Store(tmp_path / "cache")
    with monkeypatch.context() as there:
        there.setattr(owners, "host", lambda: "feedbeef")
        other = Run.start(study, "evaluate", {"x": 1})
        unfinished = tmp_path / "cache" / "fit" / f".abc.31000-{owners.host()}.tmp"
        unfinished.mkdir(parents=True)
    store.sweep()
    assert unfinished.is_dir()
    mine = Run.start(study, "evaluate", {"x": 1})
    assert mine.folder != other.folder
    monkeypatch.setattr(owners, "OLD_S", 0.0)
    time.sleep(0.01)
    store.sweep()
    assert not unfinished.exists()


def test_the_number_of_a_process_that_is_gone_and_used_again_is_not_taken_for_it():
    assert owners.at_work(owners.owner_name(), time.time())
    assert not owners.at_work(f"1-{owners.host()}", 0.0)  # the first process began after 1970
    assert not owners.at_work(f"999999999-{owners.host()}", time.time())
    assert not owners.at_work("nobody", time.time())
    assert not owners.at_work(f"999999999-{owners.host()}-7", time.time())
    assert owners.at_work("1-feedbeef-7", time.time())  # of another host


# ---- what a result is made of ---------------------------------------------------------------------
def editing(study, monkeypatch, times):
    """A step on r2 that somebody else edits so many times; the journal, and the step with one that is left alone."""
    path = study.folder / "data" / "r2" / "labels"
    bouts = pd.DataFrame({"start_s": [0.5, 1.0, 1.5], "stop_s": [0.7, 1.2, 1.7], "label": "rear"})
    study.add(
        study["r2"].replace(labels=Labels.from_bouts(bouts, duration_s=3.0, fps=20.0)), replace=True, keep=("poses",)
    )
    monkeypatch.setattr(work, "JOURNAL", next(path.glob("*.jsonl")))
    monkeypatch.setattr(work, "TIMES", [times])
    sources = inputs_of(study, ["r2", "r3"], ["labels"])
    return work.JOURNAL, [
        Step("edit", work.edits_its_input, {"recording": sources[0]}, recording="r2"),
        Step("count", work.edits_its_input, {"recording": sources[1]}, {}, recording="r3"),
    ]


@pytest.mark.parametrize("ask", ["attempt", "do"])
def test_labels_edited_while_a_step_is_at_work_are_read_once_more(study, monkeypatch, ask):
    journal, steps = editing(study, monkeypatch, 1)
    before = journal.read_text()
    with Run.start(study, "toy", {}) as run:
        found = getattr(Runner(study, run=run), ask)(steps)
    results = found[0] if ask == "attempt" else found
    assert [r.value for r in results] == [{"bouts": 2}, {"bouts": 1}]
    assert len(run.provenance["inputs"]) == 2  # as they are now, and not as they were
    assert outdated(study, run) == []
    assert [(s["recording"], s["state"]) for s in run.provenance["steps"]] == [
        ("r2", "failed"),
        ("r3", "done"),
        ("r2", "done"),
    ]
    journal.write_text(before)
    assert outdated(study, run) == ["labels changed: r2"]
    assert Runner(study).values(steps[:1]) == [{"bouts": 3}]  # nothing was kept under the old fingerprint


def test_labels_edited_at_every_try_are_no_result_and_it_is_said(study, monkeypatch):
    _, steps = editing(study, monkeypatch, 2)
    results, failures = Runner(study).attempt(steps)
    assert [r.step.recording for r in results] == ["r3"]
    assert "was changed while the command was at work" in failures[0].reason


def test_names_that_look_alike_in_a_file_name_keep_their_own_results(tmp_path):
    store, kept = Store(tmp_path), Kept("tables", "k")
    tables = {
        name: pd.DataFrame({"name": [name]}) for name in ("Maus ü", "Maus ö", "α", "β", "mouse 1", "mouse_1", "../x")
    }
    store.put(kept, tables)
    assert {name: t["name"][0] for name, t in store.get(kept).items()} == {name: name for name in tables}


def test_a_result_that_is_there_stays_when_another_process_did_the_same(tmp_path):
    store, kept = Store(tmp_path), Kept("s", "k")
    store.put(kept, {"a": 1})
    store.put(kept, {"a": 2})
    assert store.get(kept) == {"a": 1}


def test_a_result_that_another_process_finishes_at_the_same_instant_stays_and_no_error_is_raised(tmp_path, monkeypatch):
    """The other one puts its own while this one writes."""
    import murid.run.store as module

    first, second, kept = Store(tmp_path), Store(tmp_path), Kept("s", "k")
    real = module.write_value

    def slow(value, path):
        if value == {"a": 1}:
            with monkeypatch.context() as there:
                there.setattr("murid.data.atomic.work_name", lambda: f"31000-{owners.host()}-1")
                second.put(kept, {"a": 2})
        return real(value, path)

    monkeypatch.setattr(module, "write_value", slow)
    first.put(kept, {"a": 1})
    assert first.get(kept) == {"a": 2}
    assert [p.name for p in (tmp_path / "s").iterdir()] == ["k"]


def test_a_recording_whose_replacing_was_killed_is_put_back_when_the_study_is_opened(study):
    data = study.folder / "data"
    gone = f"999999999-{owners.host()}"
    (data / "r1").rename(data / f".r1.{gone}.old")
    (data / f".r2.{gone}.tmp").mkdir()
    (data / f".r3.{owners.owner_name()}.tmp").mkdir()
    with pytest.warns(UserWarning, match="'r1' was being replaced when a command was killed"):
        opened = Study(study.folder)
    assert len(opened["r1"].labels.bouts) == 1
    assert [p.name for p in data.glob(".*")] == [f".r3.{owners.owner_name()}.tmp"]


def test_a_model_whose_replacing_was_killed_is_put_back_and_files_of_other_programs_stay(study):
    models, data = study.folder / "models", study.folder / "data"
    gone = f"999999999-{owners.host()}-3"
    (models / f".trees.{gone}.old").mkdir(parents=True)
    (models / f".kmeans.{gone}.tmp").mkdir()
    others = [data / ".x.tmp", data / ".backup.2026.old", data / ".DS_Store"]
    others[1].mkdir()
    for path in (others[0], others[2]):
        path.write_text("")
    with pytest.warns(UserWarning, match="'models/trees' was being replaced when a command was killed"):
        Study(study.folder)
    assert [p.name for p in models.iterdir()] == ["trees"]
    assert sorted(data.glob(".*")) == sorted(others)


def test_check_removes_files_that_killed_commands_left_half_written(study):
    gone, here = f"999999999-{owners.host()}-3", owners.work_name()
    run = study.runs_dir / "20260101-000000-check" / "tables"
    run.mkdir(parents=True)
    places = [study.folder, study.folder / "data" / "r1", study.folder / "data" / "r1" / "labels", run]
    for place in places:
        for owner in (gone, here):
            (place / f".a.csv.{owner}.tmp").write_text("half")
    check_study(study)
    assert sorted(study.folder.rglob(".*.tmp")) == sorted(p / f".a.csv.{here}.tmp" for p in places)


def test_a_recording_that_is_being_swapped_is_waited_for(study):
    data = study.folder / "data"
    (data / "r1").rename(data / f".r1.{owners.owner_name()}.old")
    later = threading.Timer(0.1, lambda: (data / f".r1.{owners.owner_name()}.old").rename(data / "r1"))
    later.start()
    assert inputs_of(study, ["r1"], ["poses"])[0].fingerprint()["poses"]
    later.join()


def test_results_of_another_version_of_a_library_are_named(study, monkeypatch):
    steps = [Step("mean", work.mean_of, {"recording": s}, seed=0) for s in inputs_of(study, ["r0"], ["poses"])]
    Runner(study).do(steps)
    import murid.run.runner as module

    monkeypatch.setattr(module, "versions", lambda: {**real, "numpy": "99.0"})
    real = __import__("murid.run.provenance", fromlist=["versions"]).versions()
    with Run.start(study, "toy", {}) as run:
        Runner(study, run=run).do(steps)
    assert run.provenance["versions_of_kept"] == {"numpy": [real["numpy"]]}
    assert any(f"made with numpy {real['numpy']}" in w for w in run.provenance["warnings"])


def test_another_build_of_the_same_code_keeps_results_and_does_not_warn(study, monkeypatch):
    """Keys and identities of runs do not hang on murid's version, so not on its part after the plus either."""
    import murid
    import murid.run.provenance as provenance
    import murid.run.runner as module

    def done(version):
        monkeypatch.setattr(murid, "__version__", version, raising=False)
        known = {**real, "murid": version}
        for place in (provenance, module):
            monkeypatch.setattr(place, "versions", lambda: known)
        steps = [Step("mean", work.mean_of, {"recording": s}, seed=0) for s in inputs_of(study, ["r0"], ["poses"])]
        with Run.start(study, "toy", {"seed": 0}) as run:
            Runner(study, run=run).do(steps)
        return run.provenance

    real = provenance.versions()
    first, second = done("1.2.3"), done("1.2.4.dev7+g0123abc.d20300101")
    assert first["asked"] == second["asked"]
    assert [s["key"] for s in first["steps"]] == [s["key"] for s in second["steps"]]
    assert [s["state"] for s in second["steps"]] == ["kept"]
    assert second["warnings"] == []


def test_the_content_of_a_file_that_a_parameter_names_is_part_of_the_key(study, tmp_path):
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (folder / "words").write_text("one")
    key = lambda: Runner(study).do([step])[0].kept.key  # noqa: E731
    step = Step("mean", work.nothing, {}, {"vocabulary": str(folder)}, reads=(FileInput(folder),))
    first = key()
    assert key() == first
    (folder / "words").write_text("two")
    assert key() != first


#: Parameters that take in the text of the file that they name.
TAKES_TEXT = {"rules", "pseudo_labels"}


def test_every_parameter_that_names_a_file_is_known_to_fits():
    """A file replaced under its name is another model: `pretrained` weights once were not looked at."""
    for name in method_names():
        for parameter, field in method_class(name).Params.model_fields.items():
            why = str(field.description)
            if field.annotation in (str, str | None) and re.search(r"\b(file|folder)\b|safetensors", why):
                assert parameter in {*FILE_PARAMS, *TAKES_TEXT}, f"{name}: {parameter} ({why})"


def test_pretrained_weights_of_another_content_are_another_fit(study, tmp_path):
    weights = tmp_path / "resnet.safetensors"
    settings = {"backbone": "resnet18", "pretrained": str(weights)}
    prints = []
    for content in (b"one", b"two"):
        weights.write_bytes(content)
        prints.append([f.fingerprint() for f in files_in(settings)])
    assert len(prints[0]) == 1
    assert prints[0] != prints[1]


def test_a_lock_left_by_a_killed_process_is_taken_and_a_living_one_is_waited_for(tmp_path):
    from murid.data.errors import MuridError
    from murid.data.lock import locked

    (tmp_path / ".lock").write_text(f"999999999-{owners.host()}")
    refused = []

    def other():
        with pytest.raises(MuridError, match="another command") as error, locked(tmp_path, wait_s=0.05):
            pass
        refused.append(error)

    with locked(tmp_path, wait_s=2), locked(tmp_path):  # its own thread may take it again
        assert (tmp_path / ".lock").read_text() == owners.owner_name()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (tmp_path / ".lock").exists()
    assert len(refused) == 1
    assert not (tmp_path / ".lock").exists()


def test_a_lock_that_another_has_taken_meanwhile_is_not_broken(tmp_path, monkeypatch):
    """Two see the lock of a dead process; the second breaks it when the first has taken its own."""
    from murid.data import lock

    path, real, mine = tmp_path / ".lock", lock._abandoned, owners.owner_name()
    path.write_text(f"999999999-{owners.host()}")

    def slow(seen):
        found = real(seen)
        if found and not (tmp_path / ".lock.broken").exists():
            path.write_text(mine)  # the first was faster
        return found

    monkeypatch.setattr(lock, "_abandoned", slow)
    assert not lock._taken(path)
    assert path.read_text() == mine
    assert not (tmp_path / ".lock.broken").exists()


def test_an_id_that_another_process_has_added_meanwhile_is_refused_and_its_folder_stays(tmp_path, monkeypatch):
    study = Study.create(tmp_path / "S")
    real, times = Study._check_taken, []

    def slow(self, name, replace):
        real(self, name, replace)
        if not times:
            times.append(1)
            Study(study.folder).add(Recording("r", poses=work.small_poses(1, n=10)))

    monkeypatch.setattr(Study, "_check_taken", slow)
    with pytest.raises(DataError, match="'r' is already there"):
        study.add(Recording("r", poses=work.small_poses(2, n=20)))
    assert study["r"].need("poses").sizes["time"] == 10
    assert not list((study.folder / "data").glob(".*"))


def test_roles_that_another_process_has_added_meanwhile_stay(tmp_path):
    first = Study.create(tmp_path / "S")
    second = Study(first.folder)
    first.add(Recording("r0", poses=work.small_poses(0, n=10), roles={"nose": "nose"}))
    second.add(Recording("r1", poses=work.small_poses(1, n=10), roles={"tail_base": "tail_base"}))
    assert Study(first.folder).settings["roles"] == {"nose": "nose", "tail_base": "tail_base"}


def test_adds_at_one_time_lose_no_row(tmp_path):
    study = Study.create(tmp_path / "S")

    def add(k):
        for i in range(5):
            Study(study.folder).add(Recording(f"r{k}_{i}", poses=work.small_poses(i, n=10)))

    threads = [threading.Thread(target=add, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(study.ids) == sorted(f"r{k}_{i}" for k in range(4) for i in range(5))
    assert not study.faults()


def test_a_temporary_folder_names_its_owner(tmp_path):
    with atomic_folder(tmp_path / "x") as temporary:
        assert temporary.name.startswith(f".x.{owners.owner_name()}-")
        assert owners.at_work(temporary.name.rsplit(".", 2)[1], time.time())


def test_provenance_holds_sheet_and_owner(study):
    run = run_analysis(study, "toy")
    stored = json.loads((run.folder / "provenance.json").read_text())
    assert stored["sheet"]["r1"] == {"animal": "a1", "group": "y", "day": "", "session": ""}
    assert stored["owner"] == owners.owner_name()
    assert stored["order"] == 1
