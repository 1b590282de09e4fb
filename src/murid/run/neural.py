"""Which units care about which behaviours, recording by recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import apply_step, model_folder
from murid.run.comparing import with_keys
from murid.run.fit import nouns_for
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step

FROM_LABELS = "labels"


def run_neural(
    study: Study,
    states_from: str | Path = FROM_LABELS,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    behaviours: Sequence[str] | None = None,
    individual: str | None = None,
    rater: str | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Test every unit of every recording for tuning to every behaviour.

    Parameters
    ----------
    study : Study
    states_from : str or Path
        ``"labels"``, or a fitted model (by name or folder) that says what the animal did.
    params : mapping, optional
        Parameters of `murid.neural.tuning`.
    ids : sequence of str, optional
        Recordings; all that have traces or spikes, and what `states_from` needs, by default.
    behaviours : sequence of str, optional
        Behaviours to test; all by default.
    individual : str, optional
        Whose behaviour, when there are several animals.
    rater : str, optional
        Whose labels, when there are several raters.
    seed : int
        Passed on.
    workers : int
        Processes.

    Returns
    -------
    Run
        Table ``tuning``: one row per recording, unit and behaviour, with effect size, p against the shift
        null, ``q`` within the recording and ``q_all`` over all recordings. Table ``tuned``: number of
        units tested, excited and suppressed by behaviour. Summary: counts.
    """
    from murid.neural import TuningParams

    told = TuningParams(**(params or {})).model_dump(mode="json")
    options = {
        "params": told,
        "behaviours": list(behaviours) if behaviours is not None else None,
        "individual": individual,
        "rater": rater,
    }
    ids = _usable(study, ids, states_from)
    asked = {"states_from": str(states_from), **options, "ids": ids, "seed": seed}
    with Run.start(study, "neural", asked, Path(states_from).name) as run:
        who = study.table.set_index("id")
        steps = _steps(study, states_from, ids, options, seed)
        for result in Runner(study, workers, run).do(steps, "tuning"):
            found, recording_id = result.value, result.step.recording
            run.parts.setdefault("tuning", []).append(with_keys(found["table"], recording_id, who))
            run.warn(*(f"recording '{recording_id}': {note}" for note in found["notes"]["notes"]))
        _write(run, told["alpha"])
        run.note(states_from=str(states_from), recordings=ids)
    return run


def _usable(study: Study, ids: Sequence[str] | None, states_from: str | Path) -> list[str]:
    if ids is not None:
        return list(ids)
    noun = "labels" if states_from == FROM_LABELS else "poses"
    found = [r.id for r in study.recordings() if (r.has("traces") or r.has("spikes")) and r.has(noun)]
    if not found:
        fail(
            f"study {study.folder}",
            f"no recording has both a neural signal and {noun}",
            todo="add them with: murid add --traces ... " + ("--labels ..." if noun == "labels" else ""),
        )
    return found


def _steps(
    study: Study, states_from: str | Path, ids: Sequence[str], options: Mapping[str, Any], seed: int
) -> list[Step]:
    signals = ("traces", "spikes")
    if states_from == FROM_LABELS:
        sources = inputs_of(study, ids, (*signals, "labels"))
        return [Step("tuning", _tuning, {"recording": s}, options, seed, s.id) for s in sources]
    from murid.methods import method_class
    from murid.methods.base import read_head

    folder = model_folder(study, states_from)
    method = method_class(read_head(folder)["method"])
    said = [apply_step(FileInput(folder), s, method) for s in inputs_of(study, ids, nouns_for(method))]
    return [
        Step("tuning", _tuning, {"recording": s, "said": a}, options, seed, s.id)
        for s, a in zip(inputs_of(study, ids, signals), said, strict=True)
    ]


def _tuning(
    recording: Recording,
    params: dict[str, Any],
    behaviours: list[str] | None,
    individual: str | None,
    rater: str | None,
    seed: int,
    said: Any = None,
) -> dict[str, Any]:
    from murid.neural import TuningParams, tuning

    signal = recording.need("traces" if recording.has("traces") else "spikes")
    states = _labelled_states(recording, behaviours, rater) if said is None else said["states"]
    if said is not None and behaviours is not None and "behaviour" in states.dims:
        states = states.sel(behaviour=behaviours)
    if individual is None and states.sizes["individual"] > 1:
        fail(
            "tuning",
            "several animals have states",
            got=", ".join(map(str, states["individual"].values)),
            todo="say whose behaviour: --individual",
        )
    found = tuning(signal, states, params=TuningParams(**params), individual=individual)
    table = found.table if behaviours is None else found.table[found.table["behaviour"].isin(behaviours)]
    return {"table": table.reset_index(drop=True), "notes": {"notes": list(found.notes)}}


def _labelled_states(recording: Recording, behaviours: list[str] | None, rater: str | None) -> Any:
    """Labels as States, ten times a second or as fast as they were scored."""
    import numpy as np

    labels = recording.need("labels")
    labels = labels.select(rater=rater) if rater is not None else labels
    rate = labels.fps if np.isfinite(labels.fps) else 10.0
    return labels.to_states(np.arange(0.0, labels.stop_s, 1.0 / rate), behaviours)


def _write(run: Run, alpha: float) -> None:
    """Write the tables and count what is tuned."""
    from murid.data.pvalues import fdr

    table = pd.concat(run.parts.pop("tuning"), ignore_index=True)
    table["q_all"] = fdr(table["p"])
    run.table("tuning", table)
    counts = pd.DataFrame(
        {
            "tested": table[table["p"].notna()].groupby("behaviour").size(),
            "excited": table[table["direction"] == "excited"].groupby("behaviour").size(),
            "suppressed": table[table["direction"] == "suppressed"].groupby("behaviour").size(),
        }
    )
    counts = counts.reindex(table["behaviour"].unique()).fillna(0).astype(int).rename_axis("behaviour").reset_index()
    run.table("tuned", counts)
    units = table.groupby("recording")["unit"].nunique().sum()
    tuned = table[table["direction"].isin(["excited", "suppressed"])].groupby("recording")["unit"].nunique().sum()
    run.note(
        units=int(units), tuned_units=int(tuned), alpha=alpha, behaviours=counts.set_index("behaviour").to_dict("index")
    )
