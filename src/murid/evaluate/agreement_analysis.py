"""Agreement of raters as an analysis: how far do people who scored the same recordings agree?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.data.analysis import Tables, analysis
from murid.data.clock import frame_times, samples_in
from murid.data.errors import fail
from murid.data.labels import LabelChoice, Labels
from murid.data.names import counted
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.tables import Table, count_column, number_column, text_column
from murid.evaluate.agreement import compare_raters
from murid.evaluate.bootstrap import MIN_GROUPS

_KAPPAS = {
    "kappa": number_column("Cohen's kappa", low=-1, high=1, why="agreement of frames beyond chance"),
    "kappa_low": number_column(
        "95 % from", low=-1, high=1, why="over recordings, five or more; within a single one over blocks of time"
    ),
    "kappa_high": number_column("to", low=-1, high=1),
    "interval_over": text_column("interval over", why="recordings, blocks of the only one, or why there is none"),
    "pabak": number_column("PABAK", low=-1, high=1, why="kappa corrected for rarity"),
    "n": count_column("samples", why="both scored"),
    "n_recordings": count_column("recordings", why="that both scored"),
}
PAIRS = Table(
    "pairs",
    {
        "rater_a": text_column("rater"),
        "rater_b": text_column("other rater"),
        "behaviour": text_column(),
        **_KAPPAS,
        "prevalence": number_column(low=0, high=1, why="share of time, mean of the two"),
        "f1": number_column("F1 of frames", low=0, high=1),
        "event_f1": number_column("F1 of bouts", low=0, high=1, why="matched one to one by overlap"),
        "onset_ms": number_column("onset error", unit="ms", low=0, why="median, absolute, of matched bouts"),
        "time_r": number_column("r of times", low=-1, high=1, why="over recordings"),
        "bouts_r": number_column("r of counts", low=-1, high=1, why="over recordings"),
    },
    "One row a pair of raters and behaviour, pooled over recordings.",
)
CLASSES = Table(
    "classes",
    {"rater_a": text_column("rater"), "rater_b": text_column("other rater"), **_KAPPAS},
    "One row a pair of raters: kappa over all behaviours at once, for labels of which one holds at a time.",
)
ALPHA = Table(
    "alpha",
    {"behaviour": text_column(), "alpha": number_column("Krippendorff's alpha", low=-1, high=1, why="over all raters")},
    "One row a behaviour.",
)


class AgreementParams(Params):
    """How frames and bouts of raters are compared."""

    rate_hz: float = param(25.0, unit="1/s", gt=0, why="clock of labels that were scored in seconds, not frames")
    iou: float = param(0.5, gt=0, le=1, why="overlap from which two bouts are the same event; 0.5 is usual")
    block_s: float = param(
        10.0, unit="s", gt=0, why="blocks of the bootstrap within a single recording: longer than most bouts"
    )
    n_boot: int = param(1000, ge=100, why="draws of that bootstrap")


@analysis(
    "agreement",
    params=AgreementParams,
    needs=("labels",),
    pooled=True,
    tables=(PAIRS, CLASSES, ALPHA),
    shown=("pairs", "alpha"),
    cites=("Cohen 1960", "Byrt et al. 1993", "Krippendorff 2004"),
)
def analyse_agreement(
    recordings: list[Recording], params: AgreementParams, *, choice: LabelChoice, seed: int = 0
) -> Tables:
    """How far raters of the same recordings agree: kappa, PABAK, F1 of frames and bouts, alpha.

    Recordings that one person alone has scored say nothing about agreement and are left out.
    """
    rated: dict[str, Labels] = {}
    single = []
    for recording in recordings:
        labels = recording.need("labels").select(stream=choice.stream)
        if len(labels.raters) < 2:
            single.append(recording.id)
        else:
            rated[recording.id] = labels
    if not rated:
        fail(
            "agreement",
            "no recording has two raters",
            got=f"{len(single)} recordings with one",
            todo="add the files of all raters of a recording together: murid add ... --labels FOLDER --raters",
        )
    many = list(rated.values())
    clocks = []
    for labels in many:
        rate = labels.fps if np.isfinite(labels.fps) else params.rate_hz
        clocks.append(frame_times(samples_in(labels.stop_s, rate), rate))
    result = compare_raters(
        many,
        choice.behaviours,
        time_s=clocks,
        others=choice.others,
        iou=params.iou,
        block_s=params.block_s,
        n_boot=params.n_boot,
        seed=seed,
    )
    alpha = result.alpha.rename_axis("behaviour").reset_index(name="alpha")
    frames = {"pairs": result.pairs, "classes": result.classes, "alpha": alpha}
    warned = [f"left out, since one rater alone scored: {', '.join(single[:8])}"] if single else []
    raters = sorted({rater for labels in many for rater in labels.raters})
    if len(many) == 1:
        warned.append("the intervals of kappa are over blocks of the one recording: they say nothing about others")
    elif len(many) < MIN_GROUPS:
        warned.append(f"no interval of kappa: {counted(len(many))}, {MIN_GROUPS} are needed")
    return Tables(
        {name: pd.DataFrame(frame) for name, frame in frames.items() if len(frame)},
        warnings=warned,
        summary={"raters": raters, "rated_twice": list(rated)},
        sentences=[f"{counted(len(raters), 'rater')}, {counted(len(rated))} that two or more of them scored."],
    )
