"""Recordings that could not be done: listed with their reason, and no cost to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import pandas as pd

from murid.data.errors import DataError, Faults
from murid.data.repeats import of_recordings, reasons_once
from murid.data.study import Study
from murid.data.tables import Table, text_column
from murid.run.executor import StepFailed
from murid.run.runner import Failure
from murid.run.runs import Run

FAILED = Table(
    "failed",
    {"recording": text_column(), "reason": text_column(why="what was wrong, for people")},
    "One row a recording that is in no table.",
)
TABLES = (FAILED,)


def note_failures(run: Run, failures: Sequence[Failure]) -> None:
    """List the recordings that failed, each with its reason: table ``failed``, summary, warnings, log."""
    if not failures:
        return
    for failure in failures:
        run.log("failed", recording=failure.step.recording, reason=failure.reason, traceback=failure.crash)
    table = pd.DataFrame({"recording": [f.step.recording for f in failures], "reason": [f.reason for f in failures]})
    run.table(FAILED.name, table)
    run.note(failed=table["recording"].tolist())
    for recordings, reason in reasons_once((f.step.recording, f.reason) for f in failures):
        are = "is" if len(recordings) == 1 else "are"
        run.warn(f"{of_recordings(recordings)} failed and {are} in no table: {reason}")


def raise_all(name: str, failures: Sequence[Failure]) -> NoReturn:
    """Raise one error that lists why nothing could be done."""
    crash = next((f.crash for f in failures if f.crash), "")
    if crash:
        raise StepFailed(f"{name}: {crash.strip().splitlines()[-1]}\n{crash}")
    faults = Faults(f"{name}: no recording could be analysed")
    for recordings, reason in reasons_once((f.step.recording, f.reason) for f in failures):
        owner = of_recordings(recordings)
        faults.add(reason, where=owner if any(recordings) and owner not in reason else "")
    raise DataError(faults.message(), faults.items)


def readable_recordings(study: Study, ids: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
    """Return the recordings of which every noun can be read, and for the others why not."""
    good, bad = [], {}
    for recording in study.recordings(ids):
        try:
            recording.validate()
            good.append(recording.id)
        except DataError as exc:
            bad[recording.id] = str(exc).splitlines()[0]
        recording.forget()
    return good, bad


def note_skipped(run: Run, skipped: Mapping[str, str]) -> None:
    """List the recordings that were skipped, as asked for, since they cannot be read."""
    if skipped:
        run.table(FAILED.name, pd.DataFrame({"recording": list(skipped), "reason": list(skipped.values())}))
        run.note(skipped=list(skipped))
        for recordings, reason in reasons_once(skipped.items()):
            run.warn(f"{of_recordings(recordings)} {'is' if len(recordings) == 1 else 'are'} skipped: {reason}")
