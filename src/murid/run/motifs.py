"""Motif methods on a study, side by side: one table of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.atomic import DiskError
from murid.data.errors import Faults, MuridError, fail
from murid.data.labels import LabelChoice
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import apply_step
from murid.run.executor import StepFailed, Stopped
from murid.run.fit import fit_step, nouns_for
from murid.run.runner import Result, Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step


def compare_motifs(
    study: Study,
    names: Sequence[str],
    params: Mapping[str, Mapping[str, Any]] | None = None,
    ids: Sequence[str] | None = None,
    *,
    behaviours: Sequence[str] | None = None,
    rater: str | None = None,
    stream: str | None = None,
    seeds: int = 2,
    halves: bool = True,
    robust: bool = False,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Fit several motif methods to the same recordings and put them side by side.

    Parameters
    ----------
    study : Study
    names : sequence of str
        Unsupervised or self-supervised methods.
    params : mapping, optional
        Method → its parameters.
    ids : sequence of str, optional
        Recordings; all with poses by default, or all where none has poses.
    behaviours, rater, stream
        Labels to compare with, where recordings have some: which behaviours, whose, of which channel.
    seeds : int
        Fits with this many seeds are compared (``seed_ari``); 1 leaves it out.
    halves : bool
        Compare fits to halves of the animals (``half_ari``).
    robust : bool
        Label the same tracks after jitter, dropout, at other frame rates, mirrored, and in smaller and larger animals.
    seed : int
        First seed, and that of all controls.
    workers : int
        Processes; with more than one, seconds are those of processes side by side.

    Returns
    -------
    Run
        Table ``motifs``: one row a method. ``stability``: every pair of fits. ``cuts``: every recording cut in two.
        ``robustness``: every variant of the tracks. Columns: `murid.methods.motifs.comparison_tables`.

    Raises
    ------
    DataError
        When no method could be fitted; one that fails among others has the reason in its row.

    Examples
    --------
    >>> import murid
    >>> small = {"kmeans": {"n_motifs": 3, "replicates": 1}}
    >>> run = murid.run.compare_motifs(murid.open_study("mice"), ["kmeans"], small, seeds=1, halves=False)
    >>> run.tables["motifs"]["method"].tolist()
    ['kmeans']
    """
    from murid.compare.motifs import motif_table

    settings = _params(names, params or {}, seed)
    every = ids is None
    if ids is None:
        ids = [r.id for r in study.recordings() if r.has("poses")] or [r.id for r in study.recordings()]
    ids = sorted(ids)  # the same recordings give the same table, however recordings.csv is sorted
    if not ids:
        fail("compare-motifs", "the study has no recordings", todo="add them with: murid add")
    recordings = study.recordings(ids)
    labelled = [r.id for r in recordings if r.has("labels")]
    choice = LabelChoice(None if behaviours is None else tuple(behaviours), rater=rater, stream=stream)
    halves = halves and len({r.animal for r in recordings}) > 1
    asked = {
        "methods": list(names),
        "params": settings,
        "ids": list(ids),
        "behaviours": behaviours,
        "rater": rater,
        "stream": stream,
        "seeds": seeds,
        "halves": halves,
        "robust": robust,
        "seed": seed,
    }
    with Run.start(study, "compare-motifs", asked, "motifs") as run:
        needs = [("poses",)] if all(r.has("poses") for r in recordings) else []
        run.rests_on(("animal",), needs, every=every)
        runner, rows = Runner(study, workers, run), {}
        for name in names:
            work = _work(study, name, settings[name], list(ids), seeds, halves, robust, choice, seed)
            rows[name] = _judged(run, runner, work)
        run.write_parts()
        faults = Faults("compare-motifs")
        for name, row in rows.items():
            if "failed" in row:
                run.warn(f"{name}: {row['failed']}")
            if "fit_s" not in row:
                faults.add(row["failed"], where=name)
        if len(faults.items) == len(rows):
            faults.raise_if_any()
        run.table("motifs", motif_table(rows))
        if not labelled:
            run.warn("no recording has labels: nothing is compared with human judgement")
        run.note(methods=list(names), recordings=list(ids), labelled=labelled)
    return run


# ---- steps ----------------------------------------------------------------------------------------
def _params(names: Sequence[str], params: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, dict[str, Any]]:
    """Check all methods and parameters at once; every method that has a seed gets the same one."""
    from murid.methods import method, method_class

    faults, settings = Faults("compare-motifs"), {}
    for name in names:
        cls = method_class(name)
        if cls.about.family not in ("unsupervised", "self-supervised"):
            faults.add(f"'{name}' finds no motifs ({cls.about.family})", todo="see: murid methods")
            continue
        seeded = {"seed": seed} if "seed" in cls.Params.model_fields else {}
        settings[name] = method(name, **{**seeded, **params.get(name, {})}).params.model_dump(mode="json")
    if not names:
        faults.add("no methods", expected="at least one")
    faults.raise_if_any()
    return settings


@dataclass(frozen=True)
class _Work:
    """What is done for one method: fit, labels of each recording, a row about them, and reports on refits."""

    name: str
    fit: Step
    applied: list[Step]
    row: Step
    reports: dict[str, Step]


def _work(
    study: Study,
    name: str,
    params: dict[str, Any],
    ids: list[str],
    seeds: int,
    halves: bool,
    robust: bool,
    choice: LabelChoice,
    seed: int,
) -> _Work:
    from murid.methods import method_class

    cls = method_class(name)
    code = (cls.__module__,)
    fit = fit_step(study, name, params, ids)
    sources = inputs_of(study, ids, nouns_for(cls))
    applied = [apply_step(fit, source, cls) for source in sources]
    judged = {"recordings": inputs_of(study, ids, ("poses", "labels"), rater=choice.rater), "outputs": applied}
    row = Step("motif_row", _row, judged, {"choice": vars(choice)}, seed=seed, code=code)
    reports = {}
    if seeds > 1 or halves:
        reports["stability"] = Step(
            "motif_stability",
            _stability,
            {"recordings": fit.inputs["recordings"], "outputs": applied},
            {"name": name, "params": params, "seeds": [seed + k for k in range(seeds)], "halves": halves},
            code=code,
        )
    if "poses" in cls.about.needs:
        reports["cuts"] = Step(
            "motif_cuts", _cuts, {"model": fit, "recordings": sources, "outputs": applied}, code=code
        )
    if robust and "poses" in cls.about.needs:
        reports["robustness"] = Step(
            "motif_robustness", _robustness, {"model": fit, "recordings": sources}, seed=seed, code=code
        )
    return _Work(name, fit, applied, row, reports)


def _judged(run: Run, runner: Runner, work: _Work) -> dict[str, Any]:
    """Row of one method; what fails is named in ``failed`` and leaves the rest, and the other methods, alone."""
    from murid.compare.motifs import agreement_row

    row: dict[str, Any] = {}
    failed: list[str] = []

    def tried(what: str, steps: list[Step]) -> list[Result]:
        try:
            return runner.do(steps, f"{work.name}: {what}")
        except (Stopped, DiskError):
            raise
        except StepFailed as error:
            failed.append(f"{what}: {str(error).splitlines()[0]}")  # the rest is the traceback, which the log has
        except MuridError as error:
            failed.append(f"{what}: {' '.join(str(error).split())}")
        return []

    results = tried("fit and apply", [work.fit, *work.applied])
    if results:
        frames = sum(int(r.value.sizes["time"]) for r in results[1:])
        first, spent = _entry(results[0]), sum(_entry(r)["seconds"] for r in results[1:])
        row |= {
            "fit_s": first["seconds"],
            "fit_cpu_s": first.get("cpu_s"),
            "apply_fps": frames / max(spent, 1e-9),
            "peak_mb": first["peak_mb"],
        }
        row |= next((r.value for r in tried("judge", [work.row])), {})
        reports = {part: [r.value for r in tried(part, [step])] for part, step in work.reports.items()}
        row |= agreement_row(*(report for parts in reports.values() for report in parts))
        for part, several in reports.items():
            for report in several:
                run.parts.setdefault(part, []).append(
                    report.assign(method=work.name)[["method", *(c for c in report if c != "method")]]
                )
    return {**row, "failed": "; ".join(failed)} if failed else row


def _stability(
    recordings: list[Recording],
    outputs: list[xr.Dataset],
    name: str,
    params: dict[str, Any],
    seeds: list[int],
    halves: bool,
) -> pd.DataFrame:
    from murid.methods import method
    from murid.methods.motifs.stability import codes_of, stability_report

    seeded = "seed" in params
    return stability_report(
        lambda seed: method(name, **{**params, **({"seed": seed} if seeded else {})}),
        recordings,
        seeds=seeds if seeded else seeds[:1],
        halves=halves,
        known={seeds[0]: codes_of(outputs)},
    )


def _cuts(recordings: list[Recording], outputs: list[xr.Dataset], model: Any) -> pd.DataFrame:
    from murid.methods.motifs.stability import cut_report

    return cut_report(model, recordings, outputs)


def _robustness(recordings: list[Recording], model: Any, seed: int) -> pd.DataFrame:
    from murid.methods.motifs.stability import robustness_report

    return robustness_report(model, recordings, seed=seed)


def _row(
    recordings: list[Recording], outputs: list[xr.Dataset], choice: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    from murid.compare.motifs import common_truth, motif_row

    kept = [k for k, r in enumerate(recordings) if r.has("labels")]
    row = motif_row(outputs, recordings, seed=seed)
    if kept:
        truth = common_truth([_truth(recordings[k], outputs[k], LabelChoice(**choice)) for k in kept])
        row |= motif_row([outputs[k] for k in kept], [recordings[k] for k in kept], truth=truth, seed=seed) | row
    return {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in row.items()}


def _truth(recording: Recording, out: xr.Dataset, choice: LabelChoice) -> xr.DataArray:
    """Human labels as exclusive states on the clock of the output; where behaviours overlap, the rarer one."""
    from murid.ethogram.exclusive import to_exclusive
    from murid.methods.motifs.statistics_analysis import NONE

    states = choice.states(recording.need("labels"), out["time"].values)
    present = states.values == 1
    if present.sum(axis=2).max(initial=0) > 1:
        rarity = np.where(present, 1.0 / np.maximum(present.sum(axis=(0, 1)), 1), 0.0)
        only = np.arange(present.shape[2]) == rarity.argmax(axis=2)[..., None]
        states = states.copy(data=np.where(present & ~only, 0, states.values))
    return to_exclusive(states, none=NONE)


# ---- account --------------------------------------------------------------------------------------
def _entry(result: Result) -> dict[str, Any]:
    entry = result.store.entry(result.kept)
    if entry is None:
        fail("cache", "result is missing or damaged", todo="run the command again")
    return entry
