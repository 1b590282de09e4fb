"""The way work is done: plan → steps → executor → store, with progress and a written account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from murid.data.progress import tell
from murid.data.study import Study
from murid.run.executor import Outcome, executor_for, raise_failures
from murid.run.provenance import versions
from murid.run.runs import Run
from murid.run.step import Input, Kept, Plan, RecordingInput, Step, Task, account_of, plan_steps
from murid.run.store import Store


@dataclass(frozen=True)
class Result:
    """A result in the store; `value` reads it."""

    store: Store
    kept: Kept
    step: Step

    @property
    def value(self) -> Any:
        """The step's result, read from disk at each use."""
        return self.store.get(self.kept)


@dataclass(frozen=True)
class Failure:
    """A step without a result.

    Attributes
    ----------
    step : Step
    reason : str
        What was wrong, for people.
    crash : str
        Traceback, when it was no fault of the data.
    """

    step: Step
    reason: str
    crash: str = ""


class Runner:
    """Does steps for one study.

    Parameters
    ----------
    study : Study
        Whose cache holds the results.
    workers : int
        Processes to use. With more than one, a script must keep its own code under
        ``if __name__ == "__main__":`` since workers import it.
    run : Run, optional
        Where to write the account.

    Examples
    --------
    >>> import murid
    >>> from murid.run import Runner, Step
    >>> Runner(murid.open_study("mice")).values([Step("root", pow, {}, {"base": 2, "exp": 5})])
    [32]
    """

    def __init__(self, study: Study, workers: int = 1, run: Run | None = None) -> None:
        self.study, self.workers, self.run = study, max(1, int(workers)), run
        self.store = Store(study.folder / "cache")
        #: Inputs that were written down before the steps at work, and steps of them that were.
        self._before: list[Any] = []
        self._noted: set[Kept] = set()

    def do(self, steps: Iterable[Step], text: str = "") -> list[Result]:
        """Return the results of `steps`, doing only what is not there yet.

        A failing step does not keep the others from being done; then one error names all that failed. What somebody
        edited while it was at work is done once more, with what it is now.

        Parameters
        ----------
        steps : iterable of Step
            What is wanted; what it depends on is found and done first.
        text : str
            Shown beside the progress.
        """
        steps = list(steps)
        scheme = plan_steps(steps)
        if self._work(scheme, text, None):
            scheme = self._anew(scheme, plan_steps(steps))
            self._work(scheme, text, None, last=True)
        return [Result(self.store, kept, step) for kept, step in zip(scheme.wanted, steps, strict=True)]

    def attempt(self, steps: Iterable[Step], text: str = "") -> tuple[list[Result], list[Failure]]:
        """Return the results of the steps that could be done, and why the others could not.

        For work in which one bad recording must not cost the others their results.
        """
        steps = list(steps)
        unreadable: dict[int, str] = {}
        scheme = plan_steps(steps, unreadable=unreadable)
        failed: dict[Kept, Failure] = {}
        if self._work(scheme, text, failed):
            unreadable, failed = {}, {}
            scheme = self._anew(scheme, plan_steps(steps, unreadable=unreadable))
            self._work(scheme, text, failed, last=True)
        wanted = iter(scheme.wanted)
        results, failures = [], []
        for step in steps:
            kept = None if id(step) in unreadable else next(wanted)
            if kept is None:
                failures.append(Failure(step, unreadable[id(step)]))
            elif kept in failed:
                failures.append(Failure(step, failed[kept].reason, failed[kept].crash))
            else:
                results.append(Result(self.store, kept, step))
        return results, failures

    def _anew(self, first: Plan, second: Plan) -> Plan:
        """Forget the inputs of a plan that were edited meanwhile; return the plan that takes its place."""
        if self.run is not None:
            past = [m for m in map(self._placed, first.inputs) if m not in map(self._placed, second.inputs)]
            noted = self.run.provenance["inputs"]
            noted[:] = [m for m in noted if m not in past or m in self._before]
            self.run.log("again", changed=[m.get("id", m.get("file")) for m in past if isinstance(m, dict)])
        return second

    def _work(self, scheme: Plan, text: str, failed: dict[Kept, Failure] | None, *, last: bool = False) -> bool:
        """Do what is stale; failures are gathered in `failed`, or raised when it is None.

        True, unless it is the `last` try, where something was edited while it was at work.
        """
        changed = False
        self._before = [] if self.run is None else list(self.run.provenance["inputs"])
        noted = self._noted if last else set()
        self._noted = noted
        self.store.sweep()
        self._note_inputs(scheme)
        entries = {task.address: self.store.entry(task.address) for task in scheme.tasks}
        done = 0
        tell(text or "steps", 0, len(scheme.tasks))
        for wave in _waves(scheme.tasks):
            for task in wave:
                cause = _failed_parent(task, failed)
                if failed is not None and cause is not None:
                    failed[task.address] = Failure(task.step, cause.reason, cause.crash)
            wave = [task for task in wave if failed is None or task.address not in failed]
            stale = [task for task in wave if entries[task.address] is None]
            for task in wave:
                entry = entries[task.address]
                if entry is not None:
                    done += 1
                    if task.address in noted:
                        continue
                    noted.add(task.address)
                    self._note_step(task, "kept", entry["seconds"], entry["peak_mb"], entry["warnings"])
                    self._note_versions(entry.get("versions", {}))
            if done:
                tell(text or "steps", done, len(scheme.tasks))
            outcomes: list[Outcome] = []
            for outcome in executor_for(self.workers, len(stale)).outcomes(stale, self.store.root):
                outcomes.append(outcome)
                done += 1
                tell(text or "steps", done, len(scheme.tasks))
                state = "failed" if outcome.failed else "done"
                noted.add(stale[outcome.index].address)
                self._note_step(stale[outcome.index], state, outcome.seconds, outcome.peak_mb, outcome.warnings)
            changed |= not last and any(o.changed for o in outcomes)
            if failed is None and changed:
                return True
            if failed is None:
                raise_failures(stale, sorted(outcomes, key=lambda o: o.index))
            else:
                failed.update({stale[o.index].address: _failure(stale[o.index], o) for o in outcomes if o.failed})
        return changed

    def values(self, steps: Iterable[Step], text: str = "") -> list[Any]:
        """Return the values of `steps` themselves, in order."""
        return [result.value for result in self.do(steps, text)]

    def note_read(self, given: Input) -> None:
        """Write down an input that a command reads outside its steps."""
        if self.run is not None:
            mark = self._placed(account_of(given, given.fingerprint()))
            if mark not in self.run.provenance["inputs"]:
                self.run.provenance["inputs"].append(mark)

    def _placed(self, mark: Any) -> Any:
        """The mark of a file inside the study with its path from there: a study may be moved."""
        own = self.study.folder.resolve()
        if not isinstance(mark, dict) or "file" not in mark or not Path(mark["file"]).resolve().is_relative_to(own):
            return mark
        return {**mark, "file": Path(mark["file"]).resolve().relative_to(own).as_posix()}

    def _note_inputs(self, scheme: Plan) -> None:
        if self.run is not None:
            known = self.run.provenance["inputs"]
            known.extend(mark for mark in map(self._placed, scheme.inputs) if mark not in known)
            seeds = {t.step.name: t.step.seed for t in scheme.tasks if t.step.seed is not None}
            self.run.provenance["seeds"].update(seeds)

    def _note_versions(self, made_with: Mapping[str, str]) -> None:
        """Name what had another version when a result that is kept was made; warn of libraries.

        murid itself is written down only: the code that made the result is in its key, so it is the same code.
        """
        if self.run is None:
            return
        now = versions()
        for name in sorted(n for n in made_with if made_with[n] != now.get(n)):
            kept = self.run.provenance.setdefault("versions_of_kept", {}).setdefault(name, [])
            if made_with[name] not in kept:
                kept.append(made_with[name])
            if name == "murid":
                continue
            self.run.warn(
                f"some results were made with {name} {made_with[name]} and are kept ({now.get(name, 'not')} is "
                "installed now); delete the folder cache/ of the study to make them anew"
            )

    def _note_step(self, task: Task, state: str, seconds: float, peak_mb: float, warned: Sequence[str]) -> None:
        if self.run is None:
            return
        step = task.step
        account = {
            "step": step.name,
            "recording": step.recording,
            "key": task.key,
            "state": state,
            "seconds": round(seconds, 3),
            "peak_mb": round(peak_mb, 1),
        }
        self.run.provenance["steps"].append(account)
        self.run.log("step", **account)
        self.run.warn(*(f"{step.title}: {text}" if step.recording not in text else text for text in warned))


def inputs_of(
    study: Study,
    ids: Sequence[str] | None,
    nouns: Sequence[str],
    keys: Sequence[str] = ("animal",),
    columns: Sequence[str] = (),
    rater: str | None = None,
) -> list[RecordingInput]:
    """Return the recordings of a study as inputs; unknown ids are an error."""
    return [
        RecordingInput(study.folder, r.id, tuple(nouns), tuple(keys), tuple(columns), rater or "")
        for r in study.recordings(ids)
    ]


def _failed_parent(task: Task, failed: dict[Kept, Failure] | None) -> Failure | None:
    """The first of the steps that a task depends on that failed."""
    parents = [v for value in task.given.values() for v in (value if isinstance(value, list) else [value])]
    return next((failed[p] for p in parents if isinstance(p, Kept) and p in failed), None) if failed else None


def _failure(task: Task, outcome: Outcome) -> Failure:
    last = outcome.crash.strip().splitlines()[-1] if outcome.crash else ""
    reason = outcome.fault or f"an unforeseen error, please report it: {last} (traceback in log.jsonl of the run)"
    return Failure(task.step, reason, outcome.crash)


def _waves(tasks: Sequence[Task]) -> list[list[Task]]:
    """Group tasks so that each group depends on earlier groups alone."""
    level: dict[Kept, int] = {}
    waves: list[list[Task]] = []
    for task in tasks:
        parents = [v for value in task.given.values() for v in (value if isinstance(value, list) else [value])]
        depth = max((level[p] + 1 for p in parents if isinstance(p, Kept)), default=0)
        level[task.address] = depth
        while len(waves) <= depth:
            waves.append([])
        waves[depth].append(task)
    return waves
