"""Score a prediction against the truth: frames, bouts, totals and calibration in one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import fail
from murid.data.json_values import to_plain
from murid.data.labels import Labels, Others
from murid.data.notebook_html import shown_as_html
from murid.data.reserved_names import MACRO, NONE_OF_THEM, behaviour_column, behaviour_of
from murid.evaluate import bootstrap, calibration, frames, totals
from murid.evaluate.recording_score import Given, Options, Part, align_all, part_of
from murid.evaluate.truth_pairs import AlignedPair

#: Columns of which the macro row is the mean over behaviours.
_MACRO = (
    "precision",
    "recall",
    "f1",
    "pr_auc",
    "bout_f1",
    "boundary_f1",
    "annotation_f1",
    "prediction_f1",
    "coverage",
)
_SHOWN = (
    "precision",
    "recall",
    "f1",
    "f1_low",
    "f1_high",
    "pr_auc",
    "bout_f1",
    "annotation_f1",
    "prediction_f1",
    "coverage",
    "support",
    "bouts_true",
    "bouts_predicted",
)


@dataclass(frozen=True)
class Score:
    """How good a prediction is.

    Attributes
    ----------
    table : DataFrame
        One row per behaviour and a row ``macro``. Frames: ``precision, recall, f1`` with its confidence
        limits ``f1_low, f1_high`` (over recordings), ``pr_auc, accuracy, support, predicted`` (samples).
        Bouts: ``bout_precision, bout_recall, bout_f1`` (one-to-one, IoU), ``boundary_f1``,
        ``annotation_f1, prediction_f1``, ``coverage`` (share of its scored samples that the prediction labels; the
        others count as absent), ``onset_ms, offset_ms`` (median error, positive = late),
        ``onset_abs_ms, offset_abs_ms``, ``bouts_true, bouts_predicted``, ``time_true_s, time_predicted_s``.
        Probabilities: ``ece, brier``.
    confusion : DataFrame
        Samples, rows = truth, columns = prediction, with "none of them"; for behaviours that overlap the
        2 × 2 counts ``tp, fp, fn, tn`` per behaviour.
    recordings : DataFrame
        One row per recording and behaviour.
    totals : DataFrame
        Correlation, bias and limits of agreement of time and bout counts, beside the frame F1.
    accuracy : float
        Share of scored samples with every behaviour right; ``accuracy_ci`` its limits.
    coverage : float
        Share of scored samples that the prediction labels at all; of each behaviour it is a column of `table`.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 1], [0.0, 0.1, 0.2, 0.3], ["rest", "walk"])
    >>> score(states, states).behaviours
    ['rest', 'walk']
    """

    table: pd.DataFrame
    confusion: pd.DataFrame
    recordings: pd.DataFrame
    totals: pd.DataFrame
    accuracy: float
    accuracy_ci: tuple[float, float]
    macro_f1_ci: tuple[float, float]
    coverage: float
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        columns = ("precision", "recall", "f1", "bout_f1", "pr_auc", "support")
        table = self.table[[c for c in columns if c in self.table]].round(3).reset_index()
        facts = {"accuracy": f"{self.accuracy:.3f}", "labelled by the prediction": f"{self.coverage:.0%}"}
        return shown_as_html("Score", facts, table)

    @property
    def f1(self) -> float:
        """Macro frame F1."""
        return float(self.table["f1"].to_numpy(float)[list(self.table.index).index(MACRO)])

    @property
    def behaviours(self) -> list[str]:
        """Scored behaviours."""
        return [behaviour_of(str(b)) for b in self.table.index if b != MACRO]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not known is None."""
        return cast(
            "dict[str, Any]",
            to_plain(
                {
                    "accuracy": self.accuracy,
                    "accuracy_ci": list(self.accuracy_ci),
                    "coverage": self.coverage,
                    "macro_f1": self.f1,
                    "macro_f1_ci": list(self.macro_f1_ci),
                    "behaviours": self.table.to_dict(orient="index"),
                    "confusion": self.confusion.to_dict(orient="index"),
                    "totals": self.totals.to_dict(orient="index"),
                    "recordings": self.recordings.to_dict(orient="records"),
                    "settings": self.settings,
                    "notes": list(self.notes),
                }
            ),
        )

    def __str__(self) -> str:
        shown = self.table[[c for c in _SHOWN if self.table[c].notna().any()]].copy()
        for column in ("support", "bouts_true", "bouts_predicted"):
            shown[column] = shown[column].map(lambda v: f"{v:,.0f}")
        n = self.settings["n_recordings"]
        lines = [
            f"{n} recording{'s' * (n != 1)}, accuracy {self.accuracy:.3f}{_ci(self.accuracy_ci)}, "
            f"macro F1 {self.f1:.3f}{_ci(self.macro_f1_ci)}, {self.coverage:.1%} of the scored frames predicted",
            shown.to_string(float_format=lambda v: f"{v:.3f}", na_rep="-"),
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def score(
    truth: Labels | xr.DataArray | Sequence[Labels | xr.DataArray],
    predicted: xr.DataArray | xr.Dataset | Sequence[xr.DataArray | xr.Dataset],
    *,
    probability: xr.DataArray | None = None,
    behaviours: Sequence[str] | None = None,
    others: Others = "auto",
    rater: str | None = None,
    stream: str | None = None,
    iou: float = 0.3,
    tolerance_s: float = 0.1,
    skip_silent: bool = False,
) -> Score:
    """Score one prediction (or lists of them, pooled) against the truth.

    Parameters
    ----------
    truth : Labels or States, or a list of them
        Labels of several streams: the stream that holds the predicted behaviours is taken. Of several
        raters name one, or ``rater="consensus"``.
    predicted : States or Dataset with ``states`` (and ``probability``), or a list of them
        The score is computed on the prediction's clock, over the samples that the truth labels.
    probability : DataArray (time, individual, behaviour), optional
        For PR-AUC and calibration.
    behaviours : sequence of str, optional
        Which to score; those that both sides know by default. A class such as "none" is never scored as a
        behaviour unless the truth labels it too.
    others : {"auto", "ignore", "negative"}
        What samples are that carry only labels not asked for; see `Labels.to_states`.
    rater, stream : str, optional
        Whose labels, and of which stream (channel); by default the stream that holds the predicted behaviours.
    iou : float
        Bouts match from this intersection over union on. 0.3 forgives a late onset of a short bout, not a
        merge of two.
    tolerance_s : float
        Boundaries match within this time, 0.1 s.
    skip_silent : bool
        Leave out the samples of which the prediction is −1 instead of counting them as absent.

    Returns
    -------
    Score

    Raises
    ------
    DataError
        No shared behaviours or individuals, several raters, lists of different lengths.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> time = [0.0, 0.1, 0.2, 0.3]
    >>> truth = make_states([0, 0, 1, 1], time, ["rest", "walk"])
    >>> predicted = make_states([0, 0, 1, 0], time, ["rest", "walk"])
    >>> result = score(truth, predicted)
    >>> round(result.f1, 3), result.accuracy, result.coverage
    (0.733, 0.75, 1.0)
    """
    options = Options(tuple(behaviours) if behaviours is not None else None, others, rater, stream, iou, tolerance_s)
    return _score(_pairs(truth, predicted, probability), options._replace(skip_silent=skip_silent))


def _pairs(
    truth: Labels | xr.DataArray | Sequence[Labels | xr.DataArray],
    predicted: xr.DataArray | xr.Dataset | Sequence[xr.DataArray | xr.Dataset],
    probability: xr.DataArray | None,
) -> list[Given]:
    """One truth and one prediction, or two lists of them, as pairs."""
    many = isinstance(truth, (list, tuple))
    if many != isinstance(predicted, (list, tuple)) or (many and probability is not None):
        fail("score", "one side is a list", todo="give two lists of equal length, probabilities in Datasets")
    if not many:
        return [(cast("Labels | xr.DataArray", truth), cast("xr.DataArray | xr.Dataset", predicted), probability)]
    truths, predictions = cast("Sequence[Labels | xr.DataArray]", truth), cast("Sequence[xr.Dataset]", predicted)
    if len(truths) != len(predictions):
        fail("score", "lists differ in length", expected=str(len(truths)), got=str(len(predictions)))
    return [(t, p, None) for t, p in zip(truths, predictions, strict=True)]


def score_many(
    pairs: Sequence[tuple[Labels | xr.DataArray, xr.DataArray | xr.Dataset]],
    *,
    recordings: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    behaviours: Sequence[str] | None = None,
    others: Others = "auto",
    rater: str | None = None,
    stream: str | None = None,
    iou: float = 0.3,
    tolerance_s: float = 0.1,
    skip_silent: bool = False,
    n_boot: int = 1000,
    seed: int = 0,
) -> Score:
    """Score predictions of several recordings: pooled, per recording, with confidence intervals.

    Parameters
    ----------
    pairs : sequence of (truth, predicted)
        As in `score`.
    recordings : sequence of str, optional
        Names of the recordings, for the per-recording table.
    groups : sequence of str, optional
        Animal of each recording: the confidence intervals resample animals. Each recording is its own
        group by default.
    behaviours, others, rater, stream, iou, tolerance_s, skip_silent
        As in `score`.
    n_boot, seed
        Resamples of the bootstrap over recordings, and its seed.

    Returns
    -------
    Score
        Samples and bouts pooled over recordings; ``f1_low, f1_high`` are 95 % percentile limits, NaN below five groups.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> time = [0.0, 0.1, 0.2, 0.3]
    >>> one = make_states([0, 0, 1, 1], time, ["rest", "walk"])
    >>> two = make_states([0, 1, 1, 1], time, ["rest", "walk"])
    >>> pooled = score_many([(one, one), (one, two)], recordings=["r1", "r2"], groups=["a1", "a2"], n_boot=50)
    >>> pooled.accuracy, len(pooled.recordings)
    (0.875, 4)
    """
    if not pairs:
        fail("score", "no recordings given")
    names = tuple(behaviours) if behaviours is not None else None
    options = Options(names, others, rater, stream, iou, tolerance_s, skip_silent, n_boot, seed)
    return _score([(truth, predicted, None) for truth, predicted in pairs], options, recordings, groups)


def _score(
    pairs: Sequence[Given],
    options: Options,
    recordings: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> Score:
    """Score several recordings."""
    names = [f"recording {i + 1}" for i in range(len(pairs))] if recordings is None else [str(r) for r in recordings]
    if len(names) != len(pairs):
        fail("score", "one name per recording is needed", expected=str(len(pairs)), got=str(len(names)))
    if options.stream is not None:
        pairs = [(t.select(stream=options.stream) if isinstance(t, Labels) else t, p, q) for t, p, q in pairs]
    aligned = align_all(pairs, names, options)
    parts = [part_of(pair, options) for pair in aligned]
    return _pool(aligned, parts, groups, options)


def _pool(pairs: list[AlignedPair], parts: list[Part], groups: Sequence[str] | None, options: Options) -> Score:
    names = [behaviour_column(b) for b in pairs[0].behaviours]
    per = np.stack([p.frames for p in parts])

    def interval(cells: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return np.asarray(bootstrap.interval(cells, of, groups=groups, n_boot=options.n_boot, seed=options.seed))

    table = frames.table(per.sum(0), names)
    table["f1_low"], table["f1_high"] = interval(per, frames.f1_of)
    _add_bout_columns(table, parts)
    covered = np.sum([p.coverage for p in parts], axis=0)
    table["coverage"] = frames.ratio(covered[:, 0], covered[:, 1])
    for b, name in enumerate(names):
        for column, value in _of_probability(pairs, b).items():
            table.loc[name, column] = value
    macro = {c: float(frames.mean_known(table[c].to_numpy())) for c in _MACRO}
    macro_ci = interval(per, lambda cells: frames.mean_known(frames.f1_of(cells)))
    table.loc[MACRO, list(macro)] = list(macro.values())
    table.loc[MACRO, ["f1_low", "f1_high"]] = [float(v) for v in macro_ci]
    for column in ("support", "predicted", "bouts_true", "bouts_predicted", "time_true_s", "time_predicted_s"):
        table.loc[MACRO, column] = table.loc[names, column].sum()
    right = np.array([p.exact for p in parts])
    accuracy_ci = interval(right, lambda x: frames.ratio(x[:, 0], x[:, 1]))
    recordings = _per_recording(pairs, parts)
    return Score(
        table=table,
        confusion=_confusion(pairs, per.sum(0)),
        recordings=recordings,
        totals=totals.compare_totals(recordings),
        accuracy=float(frames.ratio(*right.sum(0))),
        accuracy_ci=(float(accuracy_ci[0]), float(accuracy_ci[1])),
        macro_f1_ci=(float(macro_ci[0]), float(macro_ci[1])),
        coverage=float(frames.ratio(sum(p.labelled for p in parts), right[:, 1].sum())),
        settings={**{k: v for k, v in options._asdict().items() if k != "behaviours"}, "n_recordings": len(pairs)},
        notes=tuple(dict.fromkeys(note for pair in pairs for note in pair.notes)),
    )


def _add_bout_columns(table: pd.DataFrame, parts: list[Part]) -> None:
    cells = np.sum([p.bouts for p in parts], axis=0)
    tp, fp, fn, _ = cells.T
    table["bout_precision"], table["bout_recall"] = frames.ratio(tp, tp + fp), frames.ratio(tp, tp + fn)
    table["bout_f1"] = frames.f1_of(cells)
    table["boundary_f1"] = frames.f1_of(np.sum([p.boundaries for p in parts], axis=0))
    table["annotation_f1"] = frames.f1_of(np.sum([p.annotation for p in parts], axis=0))
    table["prediction_f1"] = frames.f1_of(np.sum([p.prediction for p in parts], axis=0))
    late = [np.concatenate([p.late_ms[b] for p in parts]) for b in range(len(table))]
    for side, column in enumerate(("onset", "offset")):
        table[f"{column}_ms"] = [float(np.median(x[:, side])) if len(x) else np.nan for x in late]
        table[f"{column}_abs_ms"] = [float(np.median(np.abs(x[:, side]))) if len(x) else np.nan for x in late]
    table["bouts_true"], table["bouts_predicted"] = tp + fn, tp + fp
    seconds = np.sum([p.seconds for p in parts], axis=0)
    table["time_true_s"], table["time_predicted_s"] = seconds[:, 0], seconds[:, 1]


def _of_probability(pairs: list[AlignedPair], b: int) -> dict[str, float]:
    given = [(pair.truth[..., b], pair.probability[..., b]) for pair in pairs if pair.probability is not None]
    if not given:
        return {"pr_auc": np.nan, "ece": np.nan, "brier": np.nan}
    truth, p = (np.concatenate([side.ravel() for side in sides]) for sides in zip(*given, strict=True))
    finite = p[np.isfinite(p)]
    out = {"pr_auc": frames.pr_auc(truth, p), "ece": np.nan, "brier": np.nan}
    if finite.size and finite.min() >= 0 and finite.max() <= 1:
        out |= {"ece": calibration.ece(truth, p), "brier": calibration.brier(truth, p)}
    return out


def _per_recording(pairs: list[AlignedPair], parts: list[Part]) -> pd.DataFrame:
    tables = []
    for pair, part in zip(pairs, parts, strict=True):
        names = [behaviour_column(b) for b in pair.behaviours]
        table = frames.table(part.frames, names)[["precision", "recall", "f1"]].reset_index()
        table.insert(0, "recording", pair.recording)
        table[list(frames.CELLS)] = part.frames
        table["bout_f1"] = frames.f1_of(part.bouts)
        table["time_true_s"], table["time_predicted_s"] = part.seconds.T
        table["bouts_true"] = part.bouts[:, 0] + part.bouts[:, 2]
        table["bouts_predicted"] = part.bouts[:, 0] + part.bouts[:, 1]
        # A behaviour that the prediction leaves unlabelled throughout was not found to be absent: its total is unknown.
        silent = (part.coverage[:, 0] == 0) & (part.coverage[:, 1] > 0)
        table[["time_predicted_s", "bouts_predicted"]] = table[["time_predicted_s", "bouts_predicted"]].mask(
            pd.Series(silent, table.index), np.nan
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _confusion(pairs: list[AlignedPair], cells: np.ndarray) -> pd.DataFrame:
    names = [behaviour_column(b) for b in pairs[0].behaviours]
    if not all(pair.exclusive for pair in pairs):
        return pd.DataFrame(cells, index=pd.Index(names, name="behaviour"), columns=list(frames.CELLS))
    matrix = np.sum([frames.confusion(pair.truth, pair.predicted) for pair in pairs], axis=0)
    order = [*range(1, len(names) + 1), 0]
    labels = [*names, NONE_OF_THEM]
    return pd.DataFrame(
        matrix[np.ix_(order, order)], index=pd.Index(labels, name="truth"), columns=pd.Index(labels, name="predicted")
    )


def _ci(limits: tuple[float, float]) -> str:
    return f" [{limits[0]:.3f}, {limits[1]:.3f}]" if np.isfinite(limits[0]) else ""
