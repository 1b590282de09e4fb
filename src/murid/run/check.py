"""Check a study: what is wrong with its folder, and how good each recording is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from murid.data.errors import DataError, Fault
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step

#: Nouns that quality is judged by.
_NOUNS = ("poses", "labels", "video", "traces")
_COLUMNS = ("check", "where", "value", "unit", "verdict", "reason", "todo")

#: Best to worst.
VERDICTS = ("ok", "look", "bad")


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
        reason and what to do. Table ``overview``: one row per check that is not ok. Table ``faults``: what
        is wrong with the study folder. Summary:
        ``recordings, ok, look, bad, faults``.
    """
    with Run.start(study, "check", {"ids": list(ids) if ids is not None else None}) as run:
        faults = study.faults()
        run.table("faults", pd.DataFrame([vars(f) for f in faults.items], columns=list(Fault.__annotations__)))
        sound = [r.id for r in study.recordings(ids) if (r.has("poses") or r.has("traces")) and _opens(r)]
        steps = [
            Step("quality", _quality, {"recording": source}, recording=source.id)
            for source in inputs_of(study, sound, _NOUNS)
        ]
        tables = Runner(study, workers, run).values(steps, "checking")
        quality = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["recording", *_COLUMNS])
        run.table("quality", quality)
        run.table("overview", overview(quality))
        verdicts = quality["verdict"].value_counts()
        run.note(
            recordings=len(steps),
            **{verdict: int(verdicts.get(verdict, 0)) for verdict in VERDICTS},
            faults=len(faults.items),
        )
    return run


def overview(quality: pd.DataFrame) -> pd.DataFrame:
    """Return one row per check that is not ok: how many recordings, the worst of them, what to do."""
    order = {verdict: k for k, verdict in enumerate(VERDICTS)}
    rows = []
    for check, all_of in quality[quality["verdict"] != "ok"].groupby("check", sort=False):
        worst = all_of.iloc[
            all_of.assign(rank=all_of["verdict"].map(order))
            .reset_index()[["rank", "value"]]
            .fillna(0)
            .sort_values(["rank", "value"], kind="stable")
            .index[-1]
        ]
        rows.append(
            {
                "check": check,
                "verdict": worst["verdict"],
                "recordings": all_of["recording"].nunique(),
                "worst": ", ".join(filter(None, [worst["recording"], worst["where"]])),
                "reason": worst["reason"],
                "todo": worst["todo"],
            }
        )
    table = pd.DataFrame(rows, columns=["check", "verdict", "recordings", "worst", "reason", "todo"])
    return table.sort_values("verdict", key=lambda v: -v.map(order), kind="stable").reset_index(drop=True)


def _opens(recording: Recording) -> bool:
    """True when everything that quality looks at can be read; what cannot stands among the faults."""
    try:
        for noun in _NOUNS:
            if recording.has(noun):
                recording.need(noun)
    except DataError:
        return False
    finally:
        recording.forget()
    return True


def _quality(recording: Recording) -> pd.DataFrame:
    from murid.prepare import quality

    table = quality(recording)
    return table.assign(recording=recording.id)[["recording", *_COLUMNS]]
