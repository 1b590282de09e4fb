"""Killed, interrupted, disk full, folder read-only: nothing is lost but the step in flight."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
import run_driver
import run_work as work

from murid.data.atomic import DiskError
from murid.data.errors import DataError
from murid.data.study import Study
from murid.run.check import check_study
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run, runs_of
from murid.run.step import Step

HERE = Path(__file__).parent
N = 5
WAIT_S = 0.15


def start(study: Path, workers: int) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "run_driver.py"), str(study), str(workers), str(WAIT_S)]
    # A parent in the background ignores Ctrl-C, and its children would inherit that.
    listens = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listens)


def finished(study: Path) -> list[Path]:
    return sorted(study.glob("cache/mean/[!.]*/entry.json"))


def wait_for(study: Path, n: int, process: subprocess.Popen) -> None:
    """Wait until `n` steps are done and the process still works."""
    end = time.monotonic() + 120
    while len(finished(study)) < n:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the steps do not come"
        time.sleep(0.01)


def result(study: Path) -> pd.DataFrame:
    return runs_of(Study(study))[-1].tables["means"]


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_killed_run_continues_and_gives_the_same(tmp_path, calls, workers):
    folder = work.small_study(tmp_path / "study", N).folder
    shutil.copytree(folder, tmp_path / "whole")

    process = start(folder, workers)
    wait_for(folder, 2, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not psutil.wait_procs(children, timeout=10)[1], "workers outlive their parent"
    before = {p: p.stat().st_mtime_ns for p in finished(folder)}
    assert 2 <= len(before) < N
    done = len(calls("mean"))

    run_driver.main(str(folder), "1", str(WAIT_S))
    assert {p: p.stat().st_mtime_ns for p in before} == before, "finished steps were done again"
    assert len(calls("mean")) == done + N - len(before)
    assert not list(folder.glob("cache/*/.*")), "leftovers of the killed process"
    assert len(list((folder / "runs").iterdir())) == 1

    run_driver.main(str(tmp_path / "whole"), "1", str(WAIT_S))
    pd.testing.assert_frame_equal(result(folder), result(tmp_path / "whole"), check_exact=True)


def test_ctrl_c_stops_the_workers_at_once_and_keeps_what_is_done(tmp_path):
    folder = work.small_study(tmp_path / "study", N).folder
    process = start(folder, 2)
    wait_for(folder, 1, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert "KeyboardInterrupt" in err
    assert not psutil.wait_procs(children, timeout=10)[1]
    (run,) = (folder / "runs").iterdir()
    assert Run.read(run).provenance["status"] == "stopped"
    assert 1 <= len(finished(folder)) < N
    run_driver.main(str(folder), "1", str(WAIT_S))
    assert len(result(folder)) == N


def means(study):
    return [Step("mean", work.mean_of, {"recording": s}, recording=s.id) for s in inputs_of(study, None, ["poses"])]


def test_disk_full_in_the_middle_is_explained_and_survived(tmp_path, monkeypatch, calls):
    study = work.small_study(tmp_path / "study")
    real, written = Path.write_text, []

    def fills_up(self, text, *args, **kwargs):
        if self.name == "value.json":
            written.append(self)
            if len(written) > 2:
                raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, text, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fills_up)
        with pytest.raises(DiskError, match=r"no space left on the disk.*run again"):
            Runner(study).do(means(study))
    assert len(list((tmp_path / "study" / "cache" / "mean").iterdir())) == 2
    assert len(Runner(study).values(means(study))) == 4
    assert len(calls("mean")) == 5


def test_disk_full_is_explained_from_a_worker_too(tmp_path, monkeypatch):
    study = work.small_study(tmp_path / "study", 2)
    steps = [Step("full", work.fills_the_disk, {"recording": s}) for s in inputs_of(study, None, ["poses"])]
    with pytest.raises(DiskError, match="no space left"):
        Runner(study, workers=2).do(steps)


def test_read_only_folder_is_explained(tmp_path, monkeypatch):
    study = work.small_study(tmp_path / "study", 1)

    def denied(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", denied)  # as root, rights alone would not stop the test
    with pytest.raises(DiskError, match=r"cannot be written.*check the rights"):
        check_study(study)


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_read_only_folder_for_real(tmp_path):
    study = work.small_study(tmp_path / "study", 1)
    study.folder.chmod(0o500)
    try:
        with pytest.raises(DiskError, match="cannot be written"):
            check_study(study)
    finally:
        study.folder.chmod(0o700)


def test_wrong_path_says_how_to_make_a_study(tmp_path):
    with pytest.raises(DataError, match=r"no study here.*murid new"):
        Study(tmp_path / "nothing")


def test_half_deleted_study_fails_before_work_and_says_what_to_do(tmp_path, calls):
    study = work.small_study(tmp_path / "study")
    shutil.rmtree(study.folder / "data" / "r2")
    with pytest.raises(DataError, match=r"'r2'.*poses file is missing.*--replace"):
        Runner(study).do(means(study))
    (study.folder / "recordings.csv").unlink()
    with pytest.raises(DataError, match=r"recordings.csv is missing"):
        Runner(study).do(means(study))
    assert calls("mean") == []


def test_deleting_the_cache_only_costs_time(tmp_path):
    study = work.small_study(tmp_path / "study")
    first = Runner(study).values(means(study))
    shutil.rmtree(study.folder / "cache")
    assert Runner(study).values(means(study)) == first
