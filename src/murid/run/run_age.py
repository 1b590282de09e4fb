"""Is a run older than its data? What it read is compared with what the study holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.errors import DataError
from murid.data.recording import NOUNS
from murid.data.study import Study
from murid.run.keys import file_digest
from murid.run.runs import Run, find_run, runs_of, sheet_of
from murid.run.step import RecordingInput

_KEYS = ("animal", "group", "day", "session")
#: Where a run lists recordings that have what is needed and were not used: the same command would not use them today.
_NOT_USED = ("failed", "skipped", "passed_over")


def newest_runs(study: Study, *, each_model: bool = False) -> list[Run]:
    """Return the newest complete run of each command and analysis, in the order of their first use.

    With `each_model`, of each model and method too: the newest fit of one says nothing of the other models.
    """
    newest: dict[tuple[str, ...], Run] = {}
    for run in runs_of(study):
        of = (run.provenance["command"], str(run.summary.get("analysis", "")))
        newest[(*of, _subject(run)) if each_model else of] = run
    return list(newest.values())


def _subject(run: Run) -> str:
    """What a run is about: its model, or the methods that it compares; "" where there is none."""
    named = run.summary.get("model") or run.summary.get("methods") or ""
    return named if isinstance(named, str) else ",".join(sorted(map(str, named)))


def chosen_runs(study: Study, runs: Sequence[Run | str] | str | None) -> list[Run]:
    """Return runs given as such, by folder name or by command (its newest); the newest of each by default."""
    if not runs:
        return newest_runs(study)
    names = [runs] if isinstance(runs, str) else runs
    return [r if isinstance(r, Run) else find_run(study, r) for r in names]


def outdated(study: Study, run: Run) -> list[str]:
    """Return why a run is older than its data, in words; nothing when it is not.

    Compared are the fingerprints of every file that the run read, the columns of ``recordings.csv`` that its results
    rest on, the models it used, and, where it used every recording that has what it needs, which ones these are now.
    Recordings that it could have used and passed over are no news, unless one of those columns has changed for them.
    """
    before, now = run.provenance.get("sheet", {}), sheet_of(study)
    rests = run.provenance.get("rests_on") or {}
    marks = [m for m in run.provenance.get("inputs", []) if isinstance(m, dict)]
    read = [m for m in marks if "id" in m]
    used = list(dict.fromkeys(str(m["id"]) for m in read))
    passed_over = [str(i) for i in run.summary.get("passed_over", ())]
    kept = _changed_keys(before, now, [*used, *passed_over], rests.get("columns"))
    reasons = [*_changed_nouns(study, read, now), *kept]
    reasons += [
        f"{_kind_of(study.folder / m['file'])} '{Path(m['file']).name}' was changed"
        for m in marks
        if "file" in m and _differs(study.folder / m["file"], m["fingerprint"])
    ]
    reasons += _usable_now(study, run, before, used)
    reasons += _of_states(study, str(rests.get("states_of", "")))
    return list(dict.fromkeys(reasons))


def _usable_now(study: Study, run: Run, before: Mapping[str, Any], used: Sequence[str]) -> list[str]:
    """Recordings that the same command would take today and did not take then."""
    rests = run.provenance.get("rests_on")
    if rests is None:  # written before runs said what they rest on
        added = [i for i in study.ids if i not in before]
        return [f"{_listed(added)} added since"] if before and added and set(before) <= set(used) else []
    if not rests["every"]:
        return []
    known = {*used, *(i for key in _NOT_USED for i in run.summary.get(key, ()))}
    takes = [
        r.id
        for r in study.recordings()
        if r.id not in known and all(any(r.has(noun) for noun in nouns) for nouns in rests["needs"])
    ]
    added, usable = [i for i in takes if i not in before], [i for i in takes if i in before]
    return [f"{_listed(ids)} {what}" for ids, what in ((added, "added since"), (usable, "usable since")) if ids]


def _of_states(study: Study, name: str) -> list[str]:
    """Why the run whose states were used is older than its data."""
    if not name:
        return []
    folder = study.runs_dir / name
    if not (folder / "provenance.json").is_file():
        return [f"the run {name}, whose states it shows, is gone"]
    return [f"states of {name}: {reason}" for reason in outdated(study, Run.read(folder))]


def _kind_of(folder: Path) -> str:
    """What a file or folder is, for the message: a model, unless there is none in it."""
    return "model" if (folder / "params.json").is_file() or not folder.exists() else "file"


def outdated_runs(study: Study, runs: Iterable[Run] | None = None) -> dict[str, list[str]]:
    """Return the runs that are older than their data: name of the folder → reasons.

    Parameters
    ----------
    study : Study
    runs : iterable of Run, optional
        The newest of each command and analysis by default.
    """
    chosen = newest_runs(study) if runs is None else runs
    return {run.folder.name: reasons for run in chosen if (reasons := outdated(study, run))}


def warning_of(name: str, reasons: list[str]) -> str:
    """One sentence about a run that is older than its data."""
    return f"the run {name} is older than its data: {'; '.join(reasons[:6])}. Run its command again."


def states_warning(study: Study, applied: Run) -> str:
    """One sentence about states that are older than the data they were made from; empty when they are not."""
    reasons = outdated(study, applied)
    if not reasons:
        return ""
    return f"the states of {applied.folder.name} are older than the data ({'; '.join(reasons[:6])}): apply again"


def _changed_nouns(study: Study, read: Iterable[Mapping[str, Any]], now: Mapping[str, Any]) -> list[str]:
    changed: dict[str, list[str]] = {}
    for mark in read:
        recording_id = str(mark["id"])
        if recording_id not in now:
            changed.setdefault("removed", []).append(recording_id)
            continue
        nouns = tuple(n for n in NOUNS if n in mark)
        keys = tuple(k for k in _KEYS if k in mark)
        columns = tuple(mark.get("meta", ()))
        try:
            rater = str(mark.get("rater", ""))
            present = RecordingInput(study.folder, recording_id, nouns, keys, columns, rater).fingerprint()
        except DataError:
            changed.setdefault("files gone", []).append(recording_id)
            continue
        for noun in nouns:
            if present.get(noun) != mark[noun]:
                changed.setdefault(f"{noun} changed", []).append(recording_id)
        if present["roles"] != mark.get("roles"):
            changed.setdefault("roles of keypoints changed", []).append(recording_id)
    return [f"{what}: {_listed(list(dict.fromkeys(ids)))}" for what, ids in changed.items()]


def _changed_keys(
    before: Mapping[str, Mapping[str, str]],
    now: Mapping[str, Mapping[str, str]],
    used: list[str],
    columns: Sequence[str] | None,
) -> list[str]:
    changed: dict[str, list[str]] = {}
    for recording_id in used:
        old, new = before.get(recording_id), now.get(recording_id)
        if old is None or new is None:
            continue
        for key in dict.fromkeys([*old, *new] if columns is None else columns):
            if old.get(key, "") != new.get(key, ""):
                changed.setdefault(key, []).append(recording_id)
    return [f"{key} changed: {_listed(ids)}" for key, ids in changed.items()]


def _differs(path: Path, fingerprint: Any) -> bool:
    try:
        return file_digest(path) != fingerprint
    except OSError:
        return True


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def outdated_table(changed_inputs: Mapping[str, list[str]]) -> pd.DataFrame:
    """One row a run that is older than its data."""
    return pd.DataFrame(
        {"run": list(changed_inputs), "older than its data since": ["; ".join(r) for r in changed_inputs.values()]}
    )
