"""What a rule table calls the frames of a study, before any network is trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.data.tables import Table, count_column, number_column, text_column
from murid.ethogram import bouts_of
from murid.ethogram.pseudo_labels import times_by_event
from murid.methods.self_supervised.dbm import Dbm, DbmParams

#: Label of the frames that no rule can decide.
UNKNOWN = "unknown"

PSEUDO_LABELS = Table(
    "pseudo_labels",
    {
        "label": text_column(),
        "share": number_column(low=0, high=1, why="of all frames; those that no rule can decide are 'unknown'"),
        "bouts": count_column(why="missing for 'unknown'"),
        "median_s": number_column("median bout", unit="s", low=0, why="missing where there is no bout"),
    },
    "One row a recording, individual and pseudo-label.",
)
LABELS = Table(
    "labels",
    {
        "label": text_column(),
        "share": number_column("share of the frames, mean", low=0, high=1),
        "least": number_column("least", low=0, high=1),
        "most": number_column("most", low=0, high=1),
        "bouts": count_column(),
        "median_s": number_column("median bout", unit="s", low=0),
    },
    "One row a pseudo-label, over all recordings.",
)


def known_events(recording: Recording, _params: DbmParams) -> list[str]:
    """Events of a recording: a rule may name one that never happened in another."""
    return list(times_by_event(recording.events)) if recording.has("events") else []


def overall(frames: Mapping[str, pd.DataFrame], _params: DbmParams) -> Tables:
    """Put recordings together: share of each label, and which labels never occur."""
    by_label = frames["pseudo_labels"].groupby("label", sort=False)
    table = by_label.agg(
        share=("share", "mean"),
        least=("share", "min"),
        most=("share", "max"),
        bouts=("bouts", lambda n: n.sum(min_count=1)),
        median_s=("median_s", "median"),
    ).reset_index()
    never = table.loc[(table["most"] == 0) & (table["label"] != UNKNOWN), "label"].tolist()
    return Tables(
        {"labels": table},
        summary={"labels": [name for name in table["label"] if name != UNKNOWN]},
        sentences=[f"Never occurs: {', '.join(never)}."] if never else [],
    )


@analysis(
    "preview",
    params=DbmParams,
    needs=("poses",),
    uses=("zones", "events", "labels"),
    tables=(PSEUDO_LABELS, LABELS),
    shared=known_events,
    together=overall,
    shown=("labels",),
    figure="murid.report.figures.trials:preview_of_recording",
)
def analyse_preview(recording: Recording, params: DbmParams, *, shared: Sequence[str]) -> Tables:
    """Draw the pseudo-labels of dbm's rule table on the timeline, before any training.

    Edit the table until they are what you mean, then fit `dbm` with the same parameters.
    """
    states = Dbm(**dict(params)).preview(recording, events=shared)
    return Tables({"pseudo_labels": summarise_pseudo_labels(states)}, summary={"events": list(shared)}, states=states)


def summarise_pseudo_labels(states: xr.DataArray) -> pd.DataFrame:
    """Share, bouts and median duration of each pseudo-label; every label has its row, also where it never occurs."""
    rows, bouts = [], bouts_of(states)
    bouts = bouts.assign(length=bouts["stop_s"] - bouts["start_s"])
    for i, individual in enumerate(states["individual"].values):
        codes = states.values[:, i]
        for code, name in [*enumerate(behaviour_names(states)), (-1, UNKNOWN)]:
            lengths = bouts.loc[(bouts["individual"] == individual) & (bouts["label"] == name), "length"]
            rows.append(
                {
                    "individual": str(individual),
                    "label": name,
                    "share": float((codes == code).mean()),
                    "bouts": len(lengths) if code >= 0 else None,
                    "median_s": float(lengths.median()) if len(lengths) else None,
                }
            )
    return pd.DataFrame(rows).astype({"bouts": "Int64", "median_s": float})
