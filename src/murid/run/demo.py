"""The whole way on simulated animals, whose truth is known: poses to report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import fail
from murid.data.progress import track
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.analysis import run_analysis
from murid.run.apply import apply_method
from murid.run.check import check_study
from murid.run.evaluate import evaluate_methods
from murid.run.fit import fit_method
from murid.run.report import build_report
from murid.run.runs import Run

#: Behaviours that are learnt; the others count as "none of these".
BEHAVIOURS = ("freeze", "rear", "groom", "stretch_attend")
FPS = 25.0
#: Animals differ and half-do things, the tracker and the scorer err: macro F1 as in real work, not .99.
DIFFICULTY = 1.0
#: What an open field is run for; asked beforehand, so that few comparisons have to be corrected for.
MEASURES = ("distance", "time_percent:centre", "entries:centre", "thigmotaxis_percent")
#: Planted: how much more often stressed animals choose to freeze, …, and how much the centre appeals to them.
EFFECT = {"freeze": 4.0, "groom": 1.5, "rear": 0.5, "centre": 0.1}
#: Units of each animal, and how many of them follow which behaviour.
N_UNITS, TUNED = 20, {"freeze": 3, "rear": 3, "groom": 2}
FOLDS, N_MOTIFS = 3, 12
#: A light `gbdt`: the demo shows the way in two minutes; the defaults take longer and score higher.
LIGHT = {
    "folds": 2,
    "sample_hz": 4.0,
    "trees": {"n_trees": 40},
    "features": {
        "families": ("kinematics", "shape"),
        "windowed": ("kinematics", "shape"),
        "windows_s": (0.4, 1.6),
        "stats": ("mean", "sd"),
        "lags_s": (),
    },
    "context_s": (),
    "n_features": 5000,
}


@dataclass
class Demo:
    """What the demo found.

    Attributes
    ----------
    study, report : Path
    lines : list of str
        The findings, each beside the truth it should meet.
    data : dict
        The same as numbers.
    """

    study: Path
    report: Path
    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


def run_demo(out: str | Path, *, n_animals: int = 12, minutes: float = 4.0, seed: int = 0, workers: int = 1) -> Demo:
    """Simulate an open-field study of two groups and analyse it from poses to a report.

    A stopped demo goes on where it was when it is run again with the same settings.

    Parameters
    ----------
    out : path
        Folder to make: ``out/study`` and ``out/report.html``.
    n_animals : int
        Animals; the first half are controls, the others stressed.
    minutes : float
        Length of each recording.
    seed : int
        Of the animals and of everything after.
    workers : int
        Processes.

    Examples
    --------
    >>> import murid
    >>> demo = murid.run.run_demo("demo")  # doctest: +SKIP
    >>> demo.report  # doctest: +SKIP
    """
    out = Path(out)
    study, truth = _study(out / "study", n_animals, minutes, seed)
    check = check_study(study, workers=workers)
    assay = run_analysis(study, "open_field", measures=MEASURES, seed=seed, workers=workers)
    score = evaluate_methods(
        study,
        "gbdt",
        params={"gbdt": LIGHT},
        folds=min(FOLDS, n_animals),
        behaviours=BEHAVIOURS,
        seed=seed,
        workers=workers,
    )
    motifs = fit_method(
        study,
        "kmeans",
        {"n_motifs": N_MOTIFS, "replicates": 3, "seed": seed},
        model="motifs",
        replace=True,
        workers=workers,
    )
    applied = apply_method(study, "motifs", workers=workers)
    neural = run_analysis(study, "tuning", seed=seed, workers=workers)
    report = build_report(study, [check, assay, score, applied, neural], out=out / "report.html")
    demo = Demo(study.folder, report)
    demo.data = {"study": str(study.folder), "report": str(report), "runs": {}}
    for name, run in dict(check=check, assay=assay, evaluate=score, fit=motifs, apply=applied, neural=neural).items():
        demo.data["runs"][name] = {"folder": str(run.folder), "seconds": run.provenance["seconds"]}
    _tell(demo, assay, score, neural, truth)
    return demo


def _study(folder: Path, n_animals: int, minutes: float, seed: int) -> tuple[Study, pd.DataFrame]:
    """Open or make the simulated study; return it with the units that were planted."""
    planned = {"n_animals": n_animals, "minutes": minutes, "seed": seed}
    if (folder / "study.toml").is_file():
        study = Study(folder)
        if study.settings.get("demo") != planned:
            fail(
                "demo",
                "the folder holds another study",
                where=str(folder),
                expected=str(planned),
                got=str(study.settings.get("demo")),
                todo="choose another folder with --out",
            )
    else:
        study = Study.create(folder, "demo: open field, simulated", demo=planned)
    planted = folder / "planted_units.csv"
    if len(study) < n_animals or not planted.is_file():
        _simulate(study, planted, n_animals, minutes, seed)
    return study, pd.read_csv(planted)


def _simulate(study: Study, planted: Path, n_animals: int, minutes: float, seed: int) -> None:
    from murid import simulate

    known = set(study.ids)
    per_group = -(-n_animals // 2)
    recordings, _ = simulate.study(
        per_group, effect=EFFECT, duration_s=60 * minutes, fps=FPS, seed=seed, difficulty=DIFFICULTY
    )
    controls, stressed = recordings[:per_group], recordings[per_group:]
    units = []
    for k, clean in enumerate(track([*controls, *stressed[: n_animals - per_group]], "simulating neurons")):
        recording, truth = _with_signal(clean, np.random.SeedSequence(seed, spawn_key=(k,)))
        units.append(truth.assign(recording=recording.id))
        if recording.id not in known:
            study.add(recording, source="simulated")
    pd.concat(units, ignore_index=True).to_csv(planted, index=False)


def _with_signal(clean: Recording, seeds: np.random.SeedSequence) -> tuple[Recording, pd.DataFrame]:
    """Give a recording a tracker and a scorer that err, and calcium traces of known tuning."""
    from murid import simulate

    a, b = (int(s) for s in seeds.generate_state(2))
    states = simulate.true_states(clean)
    present = {name: n for name, n in TUNED.items() if name in states.attrs["behaviours"]}
    traces, truth = simulate.units(states, n_units=N_UNITS, tuned=present, rate_hz=10.0, seed=a)
    return simulate.observed(clean, DIFFICULTY, seed=b).replace(traces=traces), truth


def _tell(demo: Demo, assay: Run, score: Run, neural: Run, truth: pd.DataFrame) -> None:
    """Say what was found beside what was planted."""
    differ, compared = assay.summary.get("differ", []), assay.summary.get("compared", 0)
    moved, behaviours = score.summary.get("differ", []), score.summary.get("compared", 0)
    numbers = score.summary["methods"]["gbdt"]
    table = neural.tables["tuning"]
    tuned = table[table["direction"] == "excited"]
    real = truth[truth["sign"] != 0] if "sign" in truth else truth
    wanted = set(zip(real["recording"], real["unit"].astype(str), real["behaviour"], strict=True))
    tested = table[table["p"].notna()]
    could = wanted & set(zip(tested["recording"], tested["unit"].astype(str), tested["behaviour"], strict=True))
    hits = set(zip(tuned["recording"], tuned["unit"].astype(str), tuned["behaviour"], strict=True))
    units = {key[:2] for key in wanted}
    blank = {key[:2] for key in zip(tested["recording"], tested["unit"].astype(str), strict=True)} - units
    wrong = {key[:2] for key in hits} & blank
    demo.data.update(
        open_field_differ=differ,
        behaviours_differ=moved,
        macro_f1=numbers["macro_f1"],
        behaviours={b: v["f1"] for b, v in numbers["behaviours"].items()},
        units_planted=len(could),
        units_found=len(hits & could),
        untuned_units=len(blank),
        untuned_called=len(wrong),
    )
    demo.lines += [
        f"Open field: {_of(differ, compared, 'measures')} between control and stressed animals "
        "(planted: the centre appeals less to stressed ones).",
        f"Predicted behaviour: {_of(moved, behaviours, 'behaviours')} in their share of time (planted: more freezing "
        "and grooming, less rearing).",
        f"Behaviour of unseen animals (gbdt, held-out folds): macro F1 {numbers['macro_f1']:.2f} ("
        + ", ".join(f"{b} {v['f1']:.2f}" for b, v in numbers["behaviours"].items())
        + ").",
        f"Neurons: {len(hits & could)} of {len(could)} planted pairs of unit and behaviour found; "
        f"{len(wrong)} of {len(blank)} untuned units called tuned.",
    ]


def _of(differing: list[str], compared: int, what: str) -> str:
    names = f" ({', '.join(differing)})" if differing else ""
    return f"{len(differing)} of {compared} {what} differ{names}"
