"""Tables of an evaluation (``murid evaluate``): checked when written, and read by these declarations."""

from __future__ import annotations

from murid.data.reserved_names import MACRO
from murid.data.tables import Table, TableColumn, count_column, number_column, text_column

#: How far rounding may carry a share, a correlation or an agreement over its bound.
_EPS = 1e-9


def _share(why: str = "", *, label: str = "", optional: bool = False) -> TableColumn:
    return number_column(label, low=0, high=1 + _EPS, why=why, optional=optional)


_METHOD = text_column(why="method that was scored")
_BEHAVIOUR = text_column(why=f"behaviour, or {MACRO}: the mean over behaviours")
_F1 = _share("of frames: harmonic mean of precision and recall", label="F1")
_LOW = _share("lower end of its 95 % interval, over groups of recordings")
_HIGH = _share("upper end of its 95 % interval")
_PR_AUC = _share("area under the precision-recall curve", label="area under precision-recall")
_BOUT_F1 = _share("of bouts matched one to one by intersection over union", label="F1 of bouts")
_ECE = _share("mean distance of stated and observed probability", label="calibration error")
_ONSET_ABS = number_column("onset error", unit="ms", low=0, why="median, of matched bouts, either way")
_TIME_TRUE = number_column("labelled time", unit="s", low=0)
_TIME_PREDICTED = number_column("predicted time", unit="s", low=0)
_BOUTS_TRUE = count_column("labelled bouts")
_BOUTS_PREDICTED = count_column("predicted bouts")
_SUPPORT = count_column("labelled frames", why="frames that people gave this label")

_SCORES: dict[str, TableColumn] = {
    "behaviour": _BEHAVIOUR,
    "precision": _share("of the frames called so, how many are right"),
    "recall": _share("of the frames that are so, how many were found"),
    "f1": _F1,
    "accuracy": _share("share of frames that are right"),
    "support": _SUPPORT,
    "predicted": count_column("predicted frames"),
    "f1_low": _LOW,
    "f1_high": _HIGH,
    "bout_precision": _share("of the predicted bouts, how many match"),
    "bout_recall": _share("of the labelled bouts, how many are matched"),
    "bout_f1": _BOUT_F1,
    "boundary_f1": _share("of starts and ends within a tolerance"),
    "annotation_f1": _share("over labelled intervals"),
    "prediction_f1": _share("over predicted intervals"),
    "onset_ms": number_column(unit="ms", why="median error of the start of bouts, positive = late"),
    "onset_abs_ms": _ONSET_ABS,
    "offset_ms": number_column(unit="ms", why="median error of the end of bouts, positive = late"),
    "offset_abs_ms": number_column(unit="ms", low=0, why="median, either way"),
    "bouts_true": _BOUTS_TRUE,
    "bouts_predicted": _BOUTS_PREDICTED,
    "time_true_s": _TIME_TRUE,
    "time_predicted_s": _TIME_PREDICTED,
    "coverage": _share("of the scored frames, how many the prediction labels"),
    "pr_auc": _PR_AUC,
    "ece": _ECE,
    "brier": _share("mean squared difference of probability and outcome"),
}

PER_CLASS = Table(
    "per_class",
    {"method": _METHOD, **_SCORES},
    "One row a method and behaviour, scored on recordings that the method had not seen; and the mean over behaviours.",
)
LEAKY = Table(
    "leaky",
    {"method": _METHOD, "warning": text_column(why="why it is no measure of performance"), **_SCORES},
    "One row a method and behaviour: the score of a split by random frames, which is inflated.",
)
RECORDINGS = Table(
    "recordings",
    {
        "method": _METHOD,
        "recording": text_column(),
        "behaviour": text_column(),
        "precision": _SCORES["precision"],
        "recall": _SCORES["recall"],
        "f1": _share("of frames", label="F1"),
        "tp": count_column(why="rightly called so"),
        "fp": count_column(why="wrongly called so"),
        "fn": count_column(why="missed"),
        "tn": count_column(why="rightly not called so"),
        "bout_f1": _BOUT_F1,
        "time_true_s": _TIME_TRUE,
        "time_predicted_s": _TIME_PREDICTED,
        "bouts_true": _BOUTS_TRUE,
        "bouts_predicted": _BOUTS_PREDICTED,
    },
    "One row a method, recording and behaviour.",
)
TOTALS = Table(
    "totals",
    {
        "method": _METHOD,
        "behaviour": text_column(),
        "f1": _share("of frames, pooled over recordings", label="F1 of frames"),
        "n": count_column("recordings"),
        "time_r": number_column("r of time", low=-1 - _EPS, high=1 + _EPS, why="over recordings"),
        "time_bias": number_column("bias of time", unit="s", why="predicted minus labelled, a recording"),
        "time_low": number_column(unit="s", why="lower limit of agreement"),
        "time_high": number_column(unit="s", why="upper limit of agreement"),
        "bouts_r": number_column("r of bout counts", low=-1 - _EPS, high=1 + _EPS),
        "bouts_bias": number_column("bias of bouts", why="predicted minus labelled, a recording"),
        "bouts_low": number_column(why="lower limit of agreement"),
        "bouts_high": number_column(why="upper limit of agreement"),
    },
    "One row a method and behaviour: how far totals per recording agree (Bland and Altman).",
)
CALIBRATION = Table(
    "calibration",
    {
        "method": _METHOD,
        "behaviour": text_column(),
        "low": _share("lower edge of the bin", optional=True),
        "high": _share("upper edge of the bin", optional=True),
        "probability": _share("mean that the method stated", optional=True),
        "observed": _share("share that came true", optional=True),
        "n": count_column("frames", optional=True),
    },
    "One row a method, behaviour and bin of the stated probability.",
)
CONFUSION = Table(
    "confusion_*",
    {
        "truth": text_column(why="labelled behaviour", optional=True),
        "behaviour": text_column(
            why="instead of truth where behaviours overlap: their counts tp, fp, fn, tn", optional=True
        ),
    },
    "One table a method, one row a labelled behaviour: frames by predicted behaviour.",
    measures=count_column(),
)
FOLDS = Table(
    "folds",
    {
        "fold": count_column(),
        "side": text_column(choices=("train", "test")),
        "recording": text_column(),
        "animal": text_column(),
    },
    "One row a split and recording.",
)
METHODS = Table(
    "methods",
    {
        "behaviour": _BEHAVIOUR,
        "method": _METHOD,
        "f1": _F1,
        "f1_low": _LOW,
        "f1_high": _HIGH,
        "bout_f1": _BOUT_F1,
        "pr_auc": _PR_AUC,
        "onset_abs_ms": _ONSET_ABS,
        "time_r": TOTALS.columns["time_r"],
        "time_bias": TOTALS.columns["time_bias"],
        "ece": _ECE,
        "support": _SUPPORT,
    },
    "One row a behaviour and method, within a behaviour the best F1 first.",
)
DIFFERENCES = Table(
    "differences",
    {
        "behaviour": _BEHAVIOUR,
        "method": text_column(),
        "best": text_column(why="method with the highest mean F1, which the other is compared with"),
        "difference": number_column(low=-1 - _EPS, high=1 + _EPS, why="F1 of the method minus that of the best"),
        "low": number_column(
            low=-1 - _EPS, high=1 + _EPS, why="lower end of its interval (1 - alpha), paired over animals"
        ),
        "high": number_column(low=-1 - _EPS, high=1 + _EPS, why="upper end of its interval"),
        "n_recordings": count_column("recordings"),
        "n_animals": count_column("animals"),
    },
    "One row a behaviour and method that is not the best.",
)
CEILING = Table(
    "ceiling",
    {
        "behaviour": _BEHAVIOUR,
        "f1": _share("of frames, mean over pairs of people", label="F1"),
        "event_f1": _share("of bouts (IoU >= .5)"),
        "kappa": number_column(low=-1 - _EPS, high=1 + _EPS, why="Cohen"),
        "pabak": number_column(low=-1 - _EPS, high=1 + _EPS, why="kappa adjusted for prevalence and bias"),
        "alpha": number_column(high=1 + _EPS, why="Krippendorff, all raters"),
        "n_pairs": count_column("pairs of people"),
        "n_recordings": count_column("recordings"),
    },
    "One row a behaviour: person against person on the same recordings.",
)
TABLES = (
    *(PER_CLASS, LEAKY, RECORDINGS, TOTALS, CALIBRATION, CONFUSION),
    *(FOLDS, METHODS, DIFFERENCES, CEILING),
)
