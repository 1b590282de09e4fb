"""What a rule table calls the frames of a study, before any network is trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.data.study import Study
from murid.run.figures import write_figure
from murid.run.fit import nouns_for
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step

#: More figures than these are not looked through; the table has all recordings.
MAX_FIGURES = 20


def preview_labels(
    study: Study,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    workers: int = 1,
) -> Run:
    """Draw the pseudo-labels of `dbm` on the timeline of each recording.

    Parameters
    ----------
    study : Study
    params : mapping, optional
        Parameters of `dbm`; `pseudo_labels` is the rule table or the path of its file.
    ids : sequence of str, optional
        Recordings; all with poses by default.
    workers : int
        Processes.

    Returns
    -------
    Run
        Table ``pseudo_labels``: ``recording, individual, label, share, bouts, median_s`` (share of all frames; those
        that no rule can decide are the label ``unknown``). Figures ``figures/<recording>`` of the first 20.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.preview_labels(murid.open_study("mice"), ids=["control_1"])
    >>> run.tables["pseudo_labels"].columns.tolist()[:3]
    ['recording', 'individual', 'label']
    """
    from murid.ethogram.pseudo_labels import times_by_event
    from murid.methods.self_supervised.dbm import Dbm, DbmParams
    from murid.report.figures.trials import preview

    declared = DbmParams(**(params or {}))
    unfitted = Dbm(**dict(declared))
    recordings = [r for r in study.recordings(ids) if r.has("poses")]
    if not recordings:
        fail(f"study {study.folder}", "no recording has poses", todo="add them with: murid add")
    settings = declared.model_dump(mode="json")
    events = sorted({name for r in recordings if r.has("events") for name in times_by_event(r.events)})
    nouns = (*nouns_for(unfitted), *(["labels"] if declared.labels_from == "labels" else []))
    steps = [
        Step(
            "preview",
            _preview,
            {"recording": source},
            {"params": settings, "events": events},
            recording=source.id,
            code=(type(unfitted).__module__, "murid.ethogram.pseudo_labels"),
        )
        for source in inputs_of(study, [r.id for r in recordings], nouns)
    ]
    with Run.start(study, "preview", {"params": settings, "ids": [r.id for r in recordings]}) as run:
        for k, result in enumerate(Runner(study, workers, run).do(steps, "pseudo-labels")):
            states, recording_id = result.value, str(result.step.recording)
            run.parts.setdefault("pseudo_labels", []).append(summarise_pseudo_labels(states, recording_id))
            if k < MAX_FIGURES:
                write_figure(run, recording_id, preview(states, study[recording_id].events))
        run.write_parts()
        run.note(recordings=[r.id for r in recordings], labels=behaviour_names(states), events=events)
    return run


def summarise_pseudo_labels(states: xr.DataArray, recording: str) -> pd.DataFrame:
    """Share, bouts and median duration of each pseudo-label; every label has its row, also where it never occurs."""
    from murid.ethogram import bouts_of

    rows, bouts = [], bouts_of(states)
    names = behaviour_names(states)
    for i, individual in enumerate(states["individual"].values):
        own = bouts[bouts["individual"] == individual]
        codes = states.values[:, i]
        for code, name in [*enumerate(names), (-1, "unknown")]:
            of_label = own[own["label"] == name]
            rows.append(
                {
                    "recording": recording,
                    "individual": str(individual),
                    "label": name,
                    "share": float((codes == code).mean()),
                    "bouts": len(of_label) if code >= 0 else None,
                    "median_s": float((of_label["stop_s"] - of_label["start_s"]).median()) if len(of_label) else None,
                }
            )
    return pd.DataFrame(rows).astype({"bouts": "Int64", "median_s": float})


def _preview(recording: Recording, params: dict[str, Any], events: list[str]) -> xr.DataArray:
    from murid.methods.self_supervised.dbm import Dbm

    return Dbm(**params).preview(recording, events=events)
