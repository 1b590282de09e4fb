"""The quality check as an analysis: every recording judged, and what to look at first."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from murid.data.analysis import Tables, analysis
from murid.data.recording import Recording
from murid.data.tables import KEYS, Table, count_column, number_column, text_column
from murid.prepare.label_quality import NAME_COLUMNS, inventory, name_rows
from murid.prepare.quality import BAD, LOOK, OK, QualityParams, assess_quality

#: Best to worst.
VERDICTS = (OK, LOOK, BAD)

QUALITY = Table(
    "quality",
    {
        "check": text_column(why="what was looked at"),
        "where": text_column(why="the worst case: keypoint, animal, unit"),
        "value": number_column(why="in the unit of the row"),
        "unit": text_column(),
        "verdict": text_column(choices=VERDICTS),
        "reason": text_column(why="why the verdict; empty when ok"),
        "todo": text_column("what to do", why="empty when ok"),
    },
    "One row a recording and check, worst verdicts first.",
)
SCORED = Table(
    "scored",
    {
        "rater": text_column(),
        "stream": text_column(),
        "label": text_column("behaviour", why="empty where the rater scored no bout"),
        "count": count_column("bouts"),
        "total_s": number_column("time", unit="s", low=0),
    },
    "One row a recording, rater, stream and behaviour: what people scored.",
)
OVERVIEW = Table(
    "overview",
    {
        "check": text_column(),
        "verdict": text_column(choices=VERDICTS),
        "recordings": count_column(why="with a verdict other than ok"),
        "worst": text_column(why="recording and place"),
        "reason": text_column(),
        "todo": text_column("what to do"),
    },
    "One row a check that is not ok in every recording.",
)
#: What is wrong with the folder of the study; ``murid check`` writes it beside the tables of the analysis.
FAULTS = Table(
    "faults",
    {
        "what": text_column(why="the fault in one phrase"),
        "where": text_column(why="file, row, column"),
        "expected": text_column(),
        "got": text_column(),
        "todo": text_column("what to do"),
    },
    "One row a fault of the study folder.",
)
TABLES = (FAULTS,)


def overview(quality: pd.DataFrame) -> pd.DataFrame:
    """Return one row per check that is not ok: how many recordings, the worst of them, what to do."""
    order = {verdict: k for k, verdict in enumerate(VERDICTS)}
    rows = []
    for check, all_of in quality[quality["verdict"] != OK].groupby("check", sort=False):
        ranked = all_of.assign(rank=all_of["verdict"].map(order)).reset_index(drop=True)
        last = ranked[["rank", "value"]].fillna(0).sort_values(["rank", "value"], kind="stable").index[-1]
        worst = ranked.loc[last]
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
    table = pd.DataFrame(rows, columns=list(OVERVIEW.columns))
    return table.sort_values("verdict", key=lambda v: -v.map(order), kind="stable").reset_index(drop=True)


def summarise(frames: Mapping[str, pd.DataFrame], _params: QualityParams) -> Tables:
    """Count the verdicts, and say what to look at first."""
    table = frames["quality"]
    scored = frames.get("scored")
    if scored is not None and len(scored):
        names = pd.DataFrame(name_rows(scored), columns=list(NAME_COLUMNS)).assign(verdict=LOOK)
        table = pd.concat([table, _with_keys(names, scored)], ignore_index=True) if len(names) else table
    verdicts = table["verdict"].value_counts()
    counts = {verdict: int(verdicts.get(verdict, 0)) for verdict in VERDICTS}
    return Tables({"quality": table, "overview": overview(table)}, summary=counts)


def _with_keys(rows: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """Give rows the animal, group, day and session of their recordings."""
    keys = [k for k in KEYS if k in scored]
    return rows.merge(scored[keys].drop_duplicates("recording"), how="left", on="recording")


@analysis(
    "check",
    params=QualityParams,
    any_of=("poses", "traces", "labels"),
    uses=("video",),
    tables=(QUALITY, OVERVIEW, SCORED),
    together=summarise,
    shown=("overview",),
)
def analyse_quality(recording: Recording, params: QualityParams) -> Tables:
    """Judge every recording: gaps, swaps, clocks, scale, labels."""
    frames = {"quality": assess_quality(recording, params)}
    if recording.has("labels"):
        frames["scored"] = inventory(recording)
    return Tables(frames)
