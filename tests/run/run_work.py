"""Steps for the tests of the runner: importable, so that spawned workers find them."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.errors import fail
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.scratch import scratch_path
from murid.data.study import Study


def small_poses(seed: int, n: int = 60, fps: float = 20.0):
    rng = np.random.default_rng(seed)
    position = rng.normal(100, 5, (n, 2, 2, 1)).cumsum(axis=0).astype(np.float32)
    return make_poses(position, fps=fps, keypoints=["nose", "tail_base"], individuals=["a"])


def small_study(folder: Path, n: int = 4) -> Study:
    study = Study.create(folder)
    for i in range(n):
        study.add(Recording(f"r{i}", poses=small_poses(i), animal=f"a{i}", group="xy"[i % 2]))
    return study


def mean_of(recording: Recording, factor: float = 1.0, seed: int = 0) -> dict:
    """Mean coordinate times a factor, plus a seeded number."""
    _count("mean")
    return {
        "mean": factor * float(recording.poses["position"].mean()),
        "draw": float(np.random.default_rng(seed).random()),
    }


def table_of(parts: list[dict]) -> pd.DataFrame:
    _count("table")
    return pd.DataFrame(parts)


def slow_mean(recording: Recording, wait_s: float) -> dict:
    time.sleep(wait_s)
    return mean_of(recording)


def picky(recording: Recording) -> dict:
    if recording.id in ("r1", "r3"):
        fail("picky", "do not like it", todo="drop it")
    return {"ok": True}


def buggy(recording: Recording) -> dict:
    return {"x": {}["nothing"]}


def warner(recording: Recording) -> dict:
    warnings.warn("something is odd", stacklevel=1)
    return {"ok": True}


def dies(recording: Recording) -> dict:
    os._exit(9)


def sees(recording: Recording) -> dict:
    return {"animal": recording.animal, "group": recording.group, "poses": recording.has("poses")}


def _count(what: str) -> None:
    """Leave a mark for each call, so that tests can count what was really done."""
    folder = os.environ.get("MURID_TEST_COUNT")
    if folder:
        with (Path(folder) / what).open("a") as handle:
            handle.write(f"{os.getpid()}\n")


def labelled_study(folder: Path, n: int = 6, seconds: float = 60.0, fps: float = 20.0) -> Study:
    """Animals that run and rest in turn, labelled; every recording has two units, one of them tuned."""
    from murid.data.labels import Labels
    from murid.data.states import make_states
    from murid.data.traces import make_traces

    study = Study.create(folder)
    for i in range(n):
        rng = np.random.default_rng(i)
        time = np.arange(int(seconds * fps)) / fps
        runs = np.repeat(rng.random(time.size // 40 + 1) < 0.4, 40)[: time.size]
        step = np.where(runs, 10.0, 1.0)[:, None] * rng.normal(size=(time.size, 2))
        position = (500 + step.cumsum(0))[:, :, None, None] + np.array([0, 20.0])[None, None, :, None]
        poses = make_poses(position.astype(np.float32), fps=fps, keypoints=["nose", "tail_base"], individuals=["a"])
        truth = make_states(runs.astype(np.int8)[:, None, None], time, ["run"], ["all"])
        signal = rng.normal(size=(time.size, 2)) + 2 * runs[:, None] * np.array([1, 0])
        study.add(
            Recording(
                f"r{i}",
                poses=poses,
                labels=Labels.from_states(truth, rater="me"),
                traces=make_traces(signal, time_s=time, units=["tuned", "not"]),
                animal=f"a{i // 2}",
                group="xy"[i % 2],
            )
        )
    return study


def fills_the_disk(recording: Recording) -> dict:
    import errno

    from murid.data.atomic import atomic_file

    with atomic_file(Path("somewhere") / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def gives_up_once(recording: Recording) -> dict:
    """Leave a note of how far it came, and fail the first time."""
    note = scratch_path("note.txt")
    if not note.is_file():
        note.write_text("half way")
        raise RuntimeError("killed")
    return {"went_on_from": note.read_text()}


#: A file that `edits_its_input` changes while it is at work, and how many times more it will.
JOURNAL: Path | None = None
TIMES = [0]


def edits_its_input(recording: Recording) -> dict:
    """A person deletes a label while the step is at work."""
    bouts = len(recording.labels.bouts)
    if JOURNAL is not None and recording.id == "r2" and TIMES[0] > 0:
        TIMES[0] -= 1
        JOURNAL.write_text("".join(JOURNAL.read_text().splitlines(keepends=True)[:-1]))
    return {"bouts": bouts}


def nothing(vocabulary: str) -> dict:
    return {"vocabulary": vocabulary}
