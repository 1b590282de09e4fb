"""Every command, as a user types it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import run_work as work

from murid.cli import docs
from murid.cli.app import COMMANDS, main
from murid.data.registry import BUILT_IN, command_word
from murid.data.study import Study

ROOT = Path(__file__).resolve().parents[2]


# ---- help and docs --------------------------------------------------------------------------------
#: Commands as they are typed: a file ``compare_motifs.py`` is ``murid compare-motifs``.
TYPED = [name.replace("_", "-") for name in COMMANDS]


@pytest.mark.parametrize("name", TYPED)
def test_help_shows_what_it_does_and_examples(murid, name):
    said = murid(name, "--help").out
    assert "--json" in said
    assert "--debug" in said
    assert f"murid {name}" in said.split("Examples")[1]


def test_help_lists_every_command(murid):
    said = murid("--help").out
    assert all(name in said for name in TYPED)


def test_every_file_of_a_command_is_registered():
    from murid.cli.app import app

    helpers = {
        "__init__",
        "analysis",
        "app",
        "command",
        "console",
        "docs",
        "options",
        "measure_tables",
        "option_messages",
        "run_summaries",
        "table",
    }
    files = {p.stem for p in (ROOT / "src" / "murid" / "cli").glob("*.py")} - helpers
    assert files == set(COMMANDS)
    own = {command_word(name) for name, entry in BUILT_IN.items() if not entry.family}
    assert set(TYPED) | own == {c.name for c in app.registered_commands}


def test_reference_page_is_in_date():
    page = ROOT / "docs" / "reference" / "cli.md"
    assert page.read_text() == docs.reference(), "run: python -m murid.cli.docs"
    assert all(f"| [`murid {name}`]" in page.read_text() for name in TYPED)


def test_help_needs_no_heavy_library():
    code = (
        "import sys; sys.argv = ['murid', '--help']\n"
        "from murid.cli import main\n"
        "try: main()\n"
        "except SystemExit as e: assert not e.code\n"
        "heavy = {'numpy', 'pandas', 'xarray', 'torch', 'lightgbm', 'numba', 'sklearn', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- the first ten minutes ------------------------------------------------------------------------
def test_new_add_check(murid, pose_files, tmp_path):
    folder = tmp_path / "S"
    assert "Next: murid add" in murid("new", folder).out
    poses = sorted((pose_files / "poses").glob("*.csv"))
    dry = murid("add", folder, *poses, "--labels", pose_files / "labels", "--fps", 24, "--dry-run", "--json").json
    assert dry["states"] == {"would be new": 3}
    shown = murid("add", folder, *poses, "--labels", pose_files / "labels", "--fps", 24, "--dry-run").out
    assert "11_annot.csv" in shown
    assert Study(folder).ids == []
    added = murid("add", folder, *poses, "--labels", pose_files / "labels", "--fps", 24)
    assert "11_annot.csv" in added.out
    assert "3 recordings: 3 new" in added.out
    study = Study(folder)
    assert study.ids == ["1", "2", "11"]
    assert study["11"].labels.behaviours == ["rear", "groom"]
    assert study["1"].poses.attrs["fps"] == 24
    assert not study["2"].has("labels")
    again = murid("add", folder, *poses, "--labels", pose_files / "labels", "--fps", 24, "--json").json
    assert again["states"] == {"unchanged": 3}
    found = murid("check", folder, "--workers", 1, "--json").json
    assert found["ok"]
    assert found["recordings"] == 3
    assert found["faults"] == 0
    assert {r["recording"] for r in found["tables"]["quality"]} == {"1", "2", "11"}


def test_adding_something_else_under_a_known_name_is_refused(murid, pose_files, tmp_path):
    murid("new", tmp_path / "S")
    poses = pose_files / "poses"
    murid("add", tmp_path / "S", poses, "--fps", 24)
    failed = murid("add", tmp_path / "S", poses, "--fps", 30, expect=1)
    assert "3 recording(s) are there already" in failed.err
    assert "--replace" in failed.err
    assert murid("add", tmp_path / "S", poses, "--fps", 30, "--replace", "--json").json["states"] == {"replaced": 3}
    assert Study(tmp_path / "S")["1"].poses.attrs["fps"] == 30


def test_unreadable_files_are_named_and_the_others_added(murid, pose_files, tmp_path):
    murid("new", tmp_path / "S")
    (pose_files / "poses" / "7DLC_resnet50_x.csv").write_text("nothing,of,the,kind\n1,2,3,4\n")
    failed = murid("add", tmp_path / "S", pose_files / "poses", "--fps", 24, expect=1)
    assert "7DLC_resnet50_x.csv" in failed.err
    assert "1 of 4 recordings were not added" in failed.err
    assert Study(tmp_path / "S").ids == ["1", "2", "11"]


def test_sheet_and_reader_options(murid, pose_files, tmp_path):
    murid("new", tmp_path / "S")
    (tmp_path / "animals.csv").write_text("id;animal;group;dose\n1;A;ctrl;0\n2;B;drug;3\n11;C;drug;3\n")
    murid("add", tmp_path / "S", pose_files / "poses", "--fps", 24, "--sheet", tmp_path / "animals.csv")
    recording = Study(tmp_path / "S")["11"]
    assert (recording.animal, recording.group, recording.meta["dose"]) == ("C", "drug", "3")
    failed = murid("add", tmp_path / "S", pose_files / "poses", "-o", "pose.source=dlc_csv", expect=1)
    assert "did you mean 'poses'" in failed.err


# ---- methods --------------------------------------------------------------------------------------
def test_evaluate_as_json(murid, study, tiny):
    found = murid("evaluate", study, "tiny", "--group", "animal", "--folds", 3, "--workers", 1, "--json").json
    assert found["ok"]
    assert 0.7 < found["methods"]["tiny"]["macro_f1"] <= 1
    assert {r["behaviour"] for r in found["tables"]["per_class"]} == {"run", "macro"}


def test_fit_apply_neural(murid, study, tiny):
    murid("fit", study, "tiny", "-p", "margin=1.1", "--ids", "r0,r1,r2", "--model", "mine", "-j", 1)
    found = murid("apply", study, "mine", "--ids", "r[3-5]", "-j", 1, "--json").json
    assert found["recordings"] == ["r3", "r4", "r5"]
    assert found["tables"]["summary"]
    said = murid("neural", study, "--states-from", "mine", "-j", 1).out
    assert "6 of 12 tested units are tuned" in said


def test_preview_reads_the_rules_from_a_file(murid, study, tmp_path):
    (tmp_path / "rules.txt").write_text("fast:\n    when speed_centre > 900 bl/s\n")
    words = ("preview", study, "-p", f"pseudo_labels={tmp_path / 'rules.txt'}", "--ids", "r0", "-j", 1)
    assert "Never occurs: fast." in murid(*words).out
    assert {r["label"] for r in murid(*words, "--json").json["tables"]["pseudo_labels"]} == {"fast", "other", "unknown"}


def test_methods_lists_shows_and_refuses(murid):
    assert {"gbdt", "kmeans"} <= {m["name"] for m in murid("methods", "--json").json["methods"]}
    card = murid("methods", "kmeans", "--json").json
    assert {p["name"] for p in card["params"]} >= {"n_motifs", "seed"}
    assert any("k-means++" in paper for paper in card["cites"])
    assert f"cites: {card['cites'][0]}" in murid("methods", "kmeans").out
    assert "did you mean 'kmeans'" in murid("methods", "kmean", expect=1).err


def test_methods_check_finds_a_broken_promise(murid, tiny, monkeypatch):
    import run_tiny

    kept = murid("methods", "check", "tiny", "--json", expect=1).json
    results = {c["promise"]: c["result"] for c in kept["checks"]}
    assert results["same seed, same answer"] == "kept"
    # The tiny method never looks at how much data it has: the contract finds that out.
    assert results["too little data is one clear error"] == "failed"
    monkeypatch.setattr(run_tiny.Tiny, "_restore", lambda self, dump: setattr(self, "names", ["run"]))
    broken = murid("methods", "check", "tiny", "--json", expect=1).json
    assert {c["promise"]: c["result"] for c in broken["checks"]}[
        "saved and read again, same answer; no pickle"
    ] == "failed"


def test_formats_and_doctor(murid):
    assert "dlc_csv" in {f["name"] for f in murid("formats", "poses", "--json").json["formats"]}
    assert "did you mean 'poses'" in murid("formats", "pose", expect=1).err
    found = murid("doctor", "--json").json
    assert found["facts"]["cores"] == str(os.cpu_count())
    assert "writable" in found["facts"]["disk here"]
    assert found["versions"]["numpy"]
    assert isinstance(found["suggestions"], list)


# ---- errors ---------------------------------------------------------------------------------------
def test_errors_of_the_user_are_one_message_without_traceback(murid, tmp_path):
    failed = murid("check", tmp_path / "nothing", expect=1)
    assert "no study here" in failed.err
    assert "murid new" in failed.err
    assert "Traceback" not in failed.err
    assert failed.out == ""
    as_json = murid("check", tmp_path / "nothing", "--json", expect=1)
    assert as_json.json["ok"] is False
    assert as_json.json["faults"][0]["todo"].startswith("make one")
    assert "Traceback" in murid("check", tmp_path / "nothing", "--debug", expect=1).err


def test_faults_of_a_study_give_exit_code_1(murid, study):
    import shutil

    shutil.rmtree(study / "data" / "r1")
    found = murid("check", study, "-j", 1, "--json", expect=1).json
    assert found["ok"] is False
    assert found["faults"] >= 1
    assert "r1" in found["tables"]["faults"][0]["what"]
    assert found["recordings"] == 5


def test_a_folder_that_no_row_names_gives_exit_code_1_though_every_recording_is_sound(murid, study):
    (study / "data" / "stray").mkdir()
    found = murid("check", study, "-j", 1, "--json", expect=1).json
    assert found["ok"] is False
    assert found["faults"] == 1
    assert "failed" not in found
    assert "1 fault of the folder" in murid("check", study, "-j", 1, expect=1).out


@pytest.mark.parametrize(
    "words", [["chekc"], ["check"], ["evaluate", "S", "gbdt", "--folds", "one"], ["new", "--bad", "x"]]
)
def test_what_cannot_be_read_gives_exit_code_2(murid, words):
    assert murid(*words, expect=2).err


def test_letters_that_the_shell_cannot_read_are_refused(monkeypatch, capsys):
    """A study called "Angst ü" where the locale is POSIX: a traceback of the codec, in the crash log too."""
    monkeypatch.setattr(
        sys, "argv", ["murid", "new", "S", "--name", b"Angst \xc3\xbc".decode("ascii", "surrogateescape")]
    )
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "cannot read 'Angst \\udcc3\\udcbc'" in capsys.readouterr().err


def test_letters_that_the_shell_cannot_show_are_shown_by_their_code(monkeypatch, tmp_path):
    (tmp_path / "Mäuschen α.csv").write_text("start_s,stop_s,label\n1,2,rear\n", encoding="utf-8")
    Study.create(tmp_path / "S")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["murid", "add", "S", "--labels", "."])
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    stdout.flush()
    assert "Mäuschen_\\u03b1" in stdout.buffer.getvalue().decode("latin-1")


def test_the_unforeseen_leaves_a_crash_log(murid, study, monkeypatch):
    import murid.run as module

    def fails(*_args, **_kw):
        raise ZeroDivisionError("division of the sea")

    monkeypatch.setattr(module, "check_study", fails)
    failed = murid("check", study, "--json", expect=1)
    log = Path(failed.json["crash_log"])
    assert "division of the sea" in failed.err
    assert str(log) in failed.err
    assert "Traceback" not in failed.err
    assert "ZeroDivisionError" in log.read_text()
    assert "numpy" in log.read_text()
    log.unlink()


def test_bad_parameters_are_all_named(murid, study, tiny):
    failed = murid("fit", study, "tiny", "-p", "margn=2", "-p", "margin", expect=1)
    assert "did you mean 'margin'" in failed.err
    assert "key=value" in failed.err
    assert "greater than 0" in murid("fit", study, "tiny", "-p", "margin=-1", expect=1).err


def test_ctrl_c_gives_130_and_the_same_command_continues(tmp_path, pose_files):
    folder = work.small_study(tmp_path / "S", 12).folder
    command = [sys.executable, "-c", "from murid.cli import main; main()", "check", str(folder), "-j", "1", "--json"]
    # A parent in the background ignores Ctrl-C, and its children would inherit that.
    listens = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listens)
    end = time.monotonic() + 120
    while not list(folder.glob("cache/check/[!.]*/entry.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, out, err)
    assert "stopped; run the same command again to continue" in err
    assert "Traceback" not in err
    assert json.loads(out)["ok"] is False
    done = len(list(folder.glob("cache/check/[!.]*/entry.json")))
    assert 0 < done < 12
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0
    assert json.loads(again.stdout)["recordings"] == 12
    assert len(list((folder / "runs").iterdir())) == 1
