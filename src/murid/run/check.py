"""Check a study: what is wrong with its folder, and how good each recording is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step

#: Nouns that quality is judged by.
_NOUNS = ("poses", "labels", "video")


def check_study(study: Study, ids: Sequence[str] | None = None, *, workers: int = 1) -> Run:
    """Judge every recording and the folder itself.

    Parameters
    ----------
    study : Study
    ids : sequence of str, optional
        Recordings to check; all by default.
    workers : int
        Processes.

    Returns
    -------
    Run
        Table ``quality``: one row per recording and check with ``verdict`` (ok, look, bad), value, unit,
        reason and what to do. Table ``faults``: what is wrong with the study folder. Summary:
        ``recordings, ok, look, bad, faults``.
    """
    with Run.start(study, "check", {"ids": list(ids) if ids is not None else None}) as run:
        faults = study.faults()
        run.table("faults", pd.DataFrame([vars(f) for f in faults.items], columns=["what", "where", "expected", "got", "todo"]))  # fmt: skip  # noqa: E501
        sound = [r.id for r in study.recordings(ids) if r.has("poses") and study.path_of(r.id, "poses").exists()]
        steps = [
            Step("quality", _quality, {"recording": source}, recording=source.id)
            for source in inputs_of(study, sound, _NOUNS)
            if _complete(study, source.id)
        ]
        tables = Runner(study, workers, run).values(steps, "checking")
        quality = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        run.table("quality", quality)
        verdicts = quality["verdict"].value_counts() if len(quality) else pd.Series(dtype=int)
        run.note(
            recordings=len(steps),
            **{verdict: int(verdicts.get(verdict, 0)) for verdict in ("ok", "look", "bad")},
            faults=len(faults.items),
        )
    return run


def _complete(study: Study, id: str) -> bool:
    """True when every file that quality looks at is there; what is missing stands among the faults."""
    recording = study[id]
    return all(study.path_of(id, noun).exists() for noun in _NOUNS if recording.has(noun))


def _quality(recording: Recording) -> pd.DataFrame:
    from murid.prepare import quality

    table: Any = quality(recording)
    return table.assign(recording=recording.id)[["recording", *table.columns.drop("recording", errors="ignore")]]
