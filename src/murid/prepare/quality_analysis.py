"""The quality check as an analysis: every recording judged, and what to look at first."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from murid.data.analysis import Tables, analysis
from murid.data.recording import Recording
from murid.data.tables import Table, count_column, number_column, text_column
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
    verdicts = table["verdict"].value_counts()
    counts = {verdict: int(verdicts.get(verdict, 0)) for verdict in VERDICTS}
    return Tables({"overview": overview(table)}, summary=counts)


@analysis(
    "check",
    params=QualityParams,
    any_of=("poses", "traces"),
    uses=("labels", "video"),
    tables=(QUALITY, OVERVIEW),
    together=summarise,
    shown=("overview",),
)
def analyse_quality(recording: Recording, params: QualityParams) -> Tables:
    """Judge every recording: gaps, swaps, clocks, scale."""
    return Tables({"quality": assess_quality(recording, params)})
