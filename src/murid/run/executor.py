"""Executors do tasks, one after the other or in several processes. They change speed, never results.

Every result goes through the store, also in the serial executor, so what a caller reads back is the
same whoever made it. Workers are spawned afresh (no state is inherited), end with their parent, and
leave Ctrl-C to it.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from murid.data import progress
from murid.data.atomic import DiskError
from murid.data.errors import DataError, Fault, MuridError, fail
from murid.data.repeats import of_recordings, reasons_once
from murid.data.scratch import scratch_in
from murid.run.provenance import versions
from murid.run.step import Input, Kept, Task
from murid.run.store import Store

STOPPED = "stopped; run the same command again to continue"


class Stopped(MuridError):
    """The user pressed Ctrl-C; what was finished is kept.

    Examples
    --------
    >>> import murid
    >>> issubclass(murid.run.Stopped, murid.MuridError)
    True
    """


class StepFailed(RuntimeError):
    """A step ended in an unforeseen error; the message names step and recording."""


@dataclass
class Outcome:
    """What became of one task.

    Attributes
    ----------
    index : int
        Position among the tasks given to the executor.
    seconds : float
        Time it took.
    cpu_s : float
        CPU seconds of this process, all its threads: what a busy machine does not stretch.
    peak_mb : float
        Largest resident memory of the process during the task, MB; on systems other than Linux, up to its end.
    warnings : list of str
        What it warned of.
    fault : str
        What was wrong with the user's data, when it failed for that.
    crash : str
        Traceback, when it failed for any other reason.
    changed : bool
        It failed, and what it reads is no longer what the key was made from: worth another try.
    """

    index: int
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    warnings: list[str] = field(default_factory=list)
    fault: str = ""
    crash: str = ""
    changed: bool = False

    @property
    def failed(self) -> bool:
        """True when there is no result."""
        return bool(self.fault or self.crash)


class Executor(Protocol):
    """Does tasks that do not depend on each other."""

    def outcomes(self, tasks: Sequence[Task], root: Path) -> Iterator[Outcome]:
        """Do `tasks`, keep their results below `root`, and yield outcomes as they come."""


class Serial:
    """One task after the other, in this process.

    Examples
    --------
    >>> from murid.run import Serial
    >>> list(Serial().outcomes([], root="cache"))
    []
    """

    def outcomes(self, tasks: Sequence[Task], root: Path) -> Iterator[Outcome]:
        """Do the tasks in order."""
        for index, task in enumerate(tasks):
            yield perform(index, task, root)


class Processes:
    """Tasks side by side in `workers` processes.

    Parameters
    ----------
    workers : int
        Number of processes.

    Examples
    --------
    >>> from murid.run import Processes
    >>> Processes(workers=2).workers
    2
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def outcomes(self, tasks: Sequence[Task], root: Path) -> Iterator[Outcome]:
        """Do the tasks, as many at once as there are workers."""
        pool = _pool_of(self.workers)
        try:
            with _threads_per_worker(self.workers):  # workers are started here, and inherit it
                pending: set[Future] = {pool.submit(perform, i, task, root) for i, task in enumerate(tasks)}
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        except BrokenProcessPool as exc:
            _end(pool)
            raise MuridError(
                "a worker process was ended by the system, most often for want of memory "
                "-> run again with fewer workers (--workers 1); what was finished is kept"
            ) from exc
        except BaseException:
            _end(pool)
            raise


def executor_for(workers: int, n_tasks: int) -> Executor:
    """Return the executor for `n_tasks` tasks: no processes where one task would be alone in them."""
    return Serial() if workers <= 1 or n_tasks <= 1 else Processes(workers)


def perform(index: int, task: Task, root: Path) -> Outcome:
    """Do one task and keep its result; errors come back as part of the outcome.

    A full disk or a folder without write rights is raised at once: no other task would fare better.
    """
    store, step = Store(root), task.step
    forget_peak()
    outcome, start, cpu = Outcome(index), time.perf_counter(), time.process_time()
    value = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            given = {name: _open(value, store) for name, value in task.given.items()}
            seed = {} if step.seed is None else {"seed": step.seed}
            with scratch_in(store.scratch(step.name, task.key)):
                value = step.function(**given, **step.params, **seed)
            _refuse_changed(task)
        except DiskError:
            raise
        except MuridError as exc:
            outcome.fault = str(exc)
        except MemoryError:
            outcome.fault = "not enough memory -> use fewer workers, shorter recordings, or a larger machine"
        except OSError as exc:
            outcome.fault = f"{exc.filename}: {exc.strerror}" if exc.filename else str(exc)
        except Exception:
            outcome.crash = traceback.format_exc()
    outcome.changed = outcome.failed and _changed_input(task) is not None
    outcome.seconds, outcome.cpu_s = time.perf_counter() - start, time.process_time() - cpu
    outcome.peak_mb = peak_memory_mb()
    outcome.warnings = list(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)))
    if not outcome.failed:
        store.put(
            Kept(step.name, task.key),
            value,
            step=step.name,
            recording=step.recording,
            params=step.params,
            seed=step.seed,
            seconds=round(outcome.seconds, 3),
            cpu_s=round(outcome.cpu_s, 3),
            peak_mb=round(outcome.peak_mb, 1),
            warnings=outcome.warnings,
            versions=versions(),
        )
        shutil.rmtree(store.scratch(step.name, task.key), ignore_errors=True)
    return outcome


def _refuse_changed(task: Task) -> None:
    """Refuse a result whose inputs are no longer those that its key was made from.

    Raises
    ------
    DataError
        When a file was changed between the plan and now: the result would be kept under the wrong fingerprint.
    """
    changed = _changed_input(task)
    if changed is not None:
        fail(
            task.step.title,
            "was changed while the command was at work",
            where=str(getattr(changed, "path", "") or f"recording '{getattr(changed, 'id', '')}'"),
            todo="run the same command again when nobody edits it",
        )


def _changed_input(task: Task) -> Input | None:
    """The first input that is no longer what the key was made from, or cannot be read any more."""
    for given, mark in task.marks:
        try:
            if given.fingerprint() != mark:
                return given
        except (DataError, OSError):
            return given
    return None


def raise_failures(tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> None:
    """Raise one error that names every task that failed, with its recording; return when none did.

    Raises
    ------
    DataError
        When the user's data or parameters are at fault.
    StepFailed
        When at least one task failed for an unforeseen reason; carries the first traceback.
    """
    failed = [(tasks[o.index].step, o) for o in outcomes if o.failed]
    if not failed:
        return
    crashed = [(step, o) for step, o in failed if o.crash]
    if crashed:
        step, first = crashed[0]
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise StepFailed(f"{step.title}{others}: {first.crash.splitlines()[-1]}\n{first.crash}")
    faults = [
        Fault(fault, _whose(ids, fault)) for ids, fault in reasons_once((s.recording, o.fault) for s, o in failed)
    ]
    if len(failed) == 1:
        raise DataError(f"{failed[0][0].name}: {faults[0]}", faults)
    head = f"{failed[0][0].name}: {len(failed)} of {len(tasks)} could not be done"
    raise DataError("\n".join([head, *(f"  {i}. {fault}" for i, fault in enumerate(faults, 1))]), faults)


def _whose(recordings: Sequence[str], message: str) -> str:
    """The recordings, unless the message names the one already."""
    whose = of_recordings(recordings)
    return whose if any(recordings) and whose not in message else ""


def forget_peak() -> None:
    """Let `peak_memory_mb` count from now on, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def peak_memory_mb() -> float:
    """Largest resident memory of this process, MB, since its start or the last `forget_peak`."""
    try:
        line = next(
            x for x in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if x.startswith("VmHWM")
        )
        return float(line.split()[1]) / 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    except ImportError:  # Windows
        import psutil

        info = psutil.Process().memory_info()
        return getattr(info, "peak_wset", info.rss) / 2**20


def _open(value: Any, store: Store) -> Any:
    if isinstance(value, list):
        return [_open(v, store) for v in value]
    return store.get(value) if isinstance(value, Kept) else value.open()


#: The workers of this process and what they were started under; starting them costs seconds of imports.
_kept: tuple[tuple[Any, ...], ProcessPoolExecutor] | None = None


def _pool_of(workers: int) -> ProcessPoolExecutor:
    """Return workers, those of the last step where nothing that they inherited has changed since."""
    global _kept
    state = (workers, Path.cwd(), tuple(sys.path), tuple(sorted(os.environ.items())))
    if _kept is not None:
        if _kept[0] == state:
            return _kept[1]
        _kept[1].shutdown(wait=False, cancel_futures=True)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
    _kept = (state, pool)
    return pool


@contextmanager
def _threads_per_worker(workers: int) -> Iterator[None]:
    """Share the cores: workers that each use all of them are slower than one alone."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    names = [
        n
        for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        if n not in os.environ
    ]
    os.environ.update(dict.fromkeys(names, share))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.silence()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """End this process when `parent` is gone."""
    parent.join()
    os._exit(1)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers at once; a half-written result is swept away by the next run."""
    global _kept
    _kept = None
    # There is no public way to end workers that are at work; without it they end with their tasks.
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)
