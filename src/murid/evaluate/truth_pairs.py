"""Truth and prediction on one clock: the pair that every score is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.data.errors import Faults, did_you_mean, fail, nearest_names
from murid.data.labels import PLACEHOLDERS, Labels, Others
from murid.data.meet import nearest_states
from murid.data.states import UNLABELLED, behaviour_names, to_multilabel
from murid.evaluate.raters import consensus, known_behaviours, unwatched_end

#: Names of the class "none of the behaviours": a prediction may have it, a truth need not.
NONE_NAMES = ("none", "other", "others", "background", "negative", "nothing", *PLACEHOLDERS)


@dataclass(frozen=True)
class AlignedPair:
    """Truth and prediction of one recording, sample by sample.

    Attributes
    ----------
    truth, predicted : int8 array (time, individual, behaviour)
        1 present, 0 absent, −1 unlabelled.
    probability : float array of the same shape, or None
        NaN where unknown.
    time_s : array (time,)
        Clock of the prediction, seconds.
    notes : list of str
        What was left out, for the reader of the score.
    """

    recording: str
    time_s: np.ndarray
    behaviours: list[str]
    individuals: list[str]
    truth: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def scored(self) -> np.ndarray:
        """Bool (time, individual): the truth labels at least one behaviour."""
        return np.any(self.truth != UNLABELLED, axis=2)

    @property
    def exclusive(self) -> bool:
        """True when neither side ever has two behaviours at once."""
        return bool(
            (self.truth == 1).sum(axis=2).max(initial=0) <= 1 and (self.predicted == 1).sum(axis=2).max(initial=0) <= 1
        )


def align_prediction(
    truth: Labels | xr.DataArray,
    predicted: xr.DataArray | xr.Dataset,
    *,
    probability: xr.DataArray | None = None,
    behaviours: Sequence[str] | None = None,
    others: Others = "auto",
    rater: str | None = None,
    stream: str | None = None,
    recording: str = "",
) -> AlignedPair:
    """Put truth and prediction on the prediction's clock, with the same individuals and behaviours.

    Parameters
    ----------
    truth : Labels or States
        Of several streams the one that holds the predicted behaviours is taken; of several raters
        `rater`, which may be ``"consensus"`` (majority; ties are unlabelled).
    predicted : States, or Dataset with ``states`` and optionally ``probability``
        Of a method.
    probability : DataArray (time, individual, behaviour), optional
        Class probabilities on the prediction's clock.
    behaviours : sequence of str, optional
        Behaviours to score; by default those that both sides know.
    others : {"auto", "ignore", "negative"}
        See `Labels.to_states`.
    rater, stream, recording : str
        Whose labels, and of which stream (channel); name of the recording.

    Raises
    ------
    DataError
        No shared behaviour or individual, several raters, clocks that do not overlap.
    """
    if isinstance(predicted, xr.Dataset):
        probability = predicted.get("probability") if probability is None else probability
        predicted = predicted["states"]
    what = f"score of '{recording}'" if recording else "score"
    if stream is not None and isinstance(truth, Labels):
        truth = truth.select(stream=stream)
    names, notes = _shared_behaviours(truth, predicted, behaviours, what)
    multi = to_multilabel(predicted)
    people, of_truth = _shared_individuals(_individuals_of(truth), _individuals_of(multi), what)
    time = multi["time"].values
    want, remark = _truth_states(truth, time, names, of_truth, others, rater)
    picked = multi.sel(individual=people, behaviour=names).values
    if remark:
        notes.append(f"{recording}: {remark}" if recording else remark)
    if not (want != UNLABELLED).any():
        fail(
            what,
            "no sample is labelled in the truth",
            got=f"prediction from {time[0]:.2f} to {time[-1]:.2f} s",
            todo="check that labels and prediction belong to the same recording and clock",
        )
    p = None
    if probability is not None:
        p = nearest_states(probability, time, people, names, missing=np.nan)
    return AlignedPair(recording, time, names, people, want, picked.astype(np.int8), p, notes)


def _shared_behaviours(
    truth: Labels | xr.DataArray, predicted: xr.DataArray, behaviours: Sequence[str] | None, what: str
) -> tuple[list[str], list[str]]:
    predicted_names, known = behaviour_names(predicted), known_behaviours(truth)
    if behaviours is not None:
        faults = Faults(what)
        for name in behaviours:
            if name not in predicted_names:
                faults.add(f"'{name}' was not predicted", todo=did_you_mean(name, predicted_names))
            if not isinstance(truth, Labels) and name not in known:
                faults.add(f"'{name}' is not in the truth", todo=did_you_mean(name, known))
        faults.raise_if_any()
        return list(behaviours), []
    names = [n for n in predicted_names if n in known]
    if not names:
        fail(
            what,
            "truth and prediction share no behaviour",
            expected=", ".join(known),
            got=", ".join(predicted_names),
            todo="rename one side, or name `behaviours`",
        )
    notes = []
    for name in predicted_names:
        if name not in names and name.lower() not in NONE_NAMES:
            close = [c for c in nearest_names(name, known) if c not in names]
            hint = f" (truth has '{close[0]}')" if close else ""
            notes.append(f"'{name}' was predicted but the truth does not know it: not scored{hint}")
    asked = _behaviours_of_streams(truth, names)
    missing = [n for n in asked if n not in predicted_names and n.lower() not in NONE_NAMES]
    if missing:
        notes.append(f"in the truth but never predicted, counted as other: {', '.join(missing)}")
    return names, notes


def _behaviours_of_streams(truth: Labels | xr.DataArray, names: list[str]) -> list[str]:
    """Behaviours of a truth in the streams that hold `names`; those of other streams were not asked for."""
    if not isinstance(truth, Labels) or len(truth.streams) <= 1:
        return known_behaviours(truth)
    held = set(truth.stream_showing(names).bouts["label"])
    return [n for n in known_behaviours(truth) if n in held]


def _individuals_of(side: Labels | xr.DataArray) -> list[str]:
    if isinstance(side, Labels):
        return side.individuals
    return [str(i) for i in side["individual"].values]


def _shared_individuals(of_truth: list[str], predicted: list[str], what: str) -> tuple[list[str], list[str]]:
    """Individuals to take from the prediction and, in the same order, from the truth."""
    if len(of_truth) == 1 and len(predicted) == 1:
        return predicted, of_truth
    both = [name for name in predicted if name in of_truth]
    if not both:
        hint = "labels of all animals together need a prediction for 'all'" if of_truth == [EVERYONE] else ""
        fail(
            what,
            "truth and prediction share no individual",
            expected=", ".join(of_truth),
            got=", ".join(predicted),
            todo=hint or "rename the individuals of one side",
        )
    return both, both


def _truth_states(
    truth: Labels | xr.DataArray,
    time: np.ndarray,
    names: list[str],
    people: list[str],
    others: Others,
    rater: str | None,
) -> tuple[np.ndarray, str]:
    """Truth on the prediction's clock, and a remark where its end was probably not watched."""
    if not isinstance(truth, Labels):
        return nearest_states(to_multilabel(truth), time, people, names, missing=UNLABELLED).astype(np.int8), ""
    labels = truth.stream_showing(names)
    if rater == "consensus":
        return consensus(labels, time, names, others=others, individuals=people).values, ""
    if rater is not None:
        labels = labels.select(rater=rater)
    elif len(labels.raters) > 1:
        fail(
            "score",
            "the truth has several raters",
            got=", ".join(labels.raters),
            todo="give rater='...' or rater='consensus'",
        )
    return labels.to_states(time, names, others=others, individuals=people).values, unwatched_end(labels)
