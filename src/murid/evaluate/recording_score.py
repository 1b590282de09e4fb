"""What one recording adds to a score: aligned truth and prediction, and their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from murid.data.clock import sample_stops
from murid.data.labels import Labels, Others
from murid.data.states import UNLABELLED, behaviour_names
from murid.evaluate import bouts, frames
from murid.evaluate.truth_pairs import NONE_NAMES, AlignedPair, align_prediction


class Options(NamedTuple):
    """How samples, bouts and boundaries are compared (see `score`)."""

    behaviours: tuple[str, ...] | None = None
    others: Others = "auto"
    rater: str | None = None
    stream: str | None = None
    iou: float = 0.3
    tolerance_s: float = 0.1
    skip_silent: bool = False
    n_boot: int = 1000
    seed: int = 0


#: Truth, prediction, and probability where it is not in the prediction.
Given = tuple[Labels | xr.DataArray, xr.DataArray | xr.Dataset, xr.DataArray | None]


def align_all(pairs: Sequence[Given], names: list[str], options: Options) -> list[AlignedPair]:
    """Align every recording; behaviours seen in one recording count in all."""

    def one(given: Given, name: str, behaviours: Sequence[str] | None) -> AlignedPair:
        truth, predicted, probability = given
        return align_prediction(
            truth,
            predicted,
            probability=probability,
            behaviours=behaviours,
            others=options.others,
            rater=options.rater,
            recording=name,
        )

    aligned = [one(given, name, options.behaviours) for given, name in zip(pairs, names, strict=True)]
    union = list(dict.fromkeys(b for pair in aligned for b in pair.behaviours))
    out = []
    for pair, given in zip(aligned, pairs, strict=True):
        if pair.behaviours == union:
            out.append(pair)
            continue
        truth, predicted, _ = given
        of_states = behaviour_names(predicted["states"] if isinstance(predicted, xr.Dataset) else predicted)
        shared = [b for b in union if b in pair.behaviours or (b in of_states and _may_be_absent(truth, b))]
        out.append(_widen(one(given, pair.recording, shared), union))
    return out


def _may_be_absent(truth: Labels | xr.DataArray, behaviour: str) -> bool:
    """True when a truth without that behaviour means that it did not happen.

    So it is for a rater's labels, but not for a class such as "none", which not every rater writes down.
    """
    return isinstance(truth, Labels) and behaviour.lower() not in NONE_NAMES


def _widen(pair: AlignedPair, union: list[str]) -> AlignedPair:
    """Add behaviours that this recording's truth or prediction cannot tell, as unlabelled."""
    shape = (*pair.truth.shape[:2], len(union))
    truth, predicted = np.full(shape, UNLABELLED, np.int8), np.full(shape, UNLABELLED, np.int8)
    p = None if pair.probability is None else np.full(shape, np.nan, np.float32)
    for i, name in enumerate(pair.behaviours):
        k = union.index(name)
        truth[..., k], predicted[..., k] = pair.truth[..., i], pair.predicted[..., i]
        if p is not None and pair.probability is not None:
            p[..., k] = pair.probability[..., i]
    return AlignedPair(pair.recording, pair.time_s, union, pair.individuals, truth, predicted, p, pair.notes)


@dataclass(frozen=True)
class Part:
    """What one recording adds to the sum."""

    frames: np.ndarray  # (behaviour, 4)
    bouts: np.ndarray  # (behaviour, 4): matched, extra, missed, 0
    boundaries: np.ndarray  # (behaviour, 4)
    annotation: np.ndarray  # (behaviour, 4) over true intervals
    prediction: np.ndarray  # (behaviour, 4) over predicted intervals
    seconds: np.ndarray  # (behaviour, 2): true, predicted
    exact: tuple[int, int]
    labelled: int
    coverage: np.ndarray  # (behaviour, 2): labelled by the prediction, scored
    late_ms: list[np.ndarray]  # per behaviour (n, 2): onset, offset


def part_of(pair: AlignedPair, options: Options) -> Part:
    """Count what one recording adds: frames, bouts, boundaries, intervals, seconds, delays and coverage."""
    truth, predicted = pair.truth, pair.predicted
    if options.skip_silent:
        truth = np.where(predicted == UNLABELLED, UNLABELLED, truth)
    n = len(pair.behaviours)
    cells = {key: np.zeros((n, 4), np.int64) for key in ("bouts", "edges", "annotation", "prediction")}
    late: list[list[np.ndarray]] = [[np.empty((0, 2))] for _ in range(n)]
    width = sample_stops(pair.time_s) - pair.time_s
    for p in range(truth.shape[1]):
        for b in range(n):
            want, got = truth[:, p, b], predicted[:, p, b]
            errors = bouts.compare_bouts(want, got, pair.time_s, options.iou)
            m = errors.n_matched
            cells["bouts"][b] += (m, errors.n_predicted - m, errors.n_truth - m, 0)
            late[b].append(np.column_stack([errors.onset_ms, errors.offset_ms]))
            shown = np.where(want == UNLABELLED, UNLABELLED, got == 1)
            edges = bouts.boundaries(want, pair.time_s), bouts.boundaries(shown, pair.time_s)
            cells["edges"][b] += bouts.boundary_cells(edges[0], edges[1], options.tolerance_s)
        _add_intervals(cells, truth[:, p], predicted[:, p], pair)
    known = truth != UNLABELLED
    seconds = [(width[:, None, None] * ((side == 1) & known)).sum(axis=(0, 1)) for side in (truth, predicted)]
    return Part(
        frames.counts(truth, predicted),
        cells["bouts"],
        cells["edges"],
        cells["annotation"],
        cells["prediction"],
        np.stack(seconds, axis=1),
        frames.exact(truth, predicted),
        int((known.any(axis=2) & (predicted != UNLABELLED).any(axis=2)).sum()),
        np.stack([(known & (predicted != UNLABELLED)).sum(axis=(0, 1)), known.sum(axis=(0, 1))], axis=1),
        [np.concatenate(rows) for rows in late],
    )


def _add_intervals(cells: dict[str, np.ndarray], truth: np.ndarray, predicted: np.ndarray, pair: AlignedPair) -> None:
    """Add annotation and prediction intervals of one individual, over classes or behaviour by behaviour."""
    n = truth.shape[1]
    known = truth != UNLABELLED
    if pair.exclusive and (known.all(axis=1) == known.any(axis=1)).all():
        want, got = frames.exclusive_codes(truth), np.maximum(frames.exclusive_codes(predicted), 0)
        got = np.where(want == UNLABELLED, UNLABELLED, got)
        cells["annotation"] += bouts.interval_cells(want, got, n + 1, pair.time_s)[1:]
        cells["prediction"] += bouts.interval_cells(got, want, n + 1, pair.time_s)[1:]
        return
    for b in range(n):
        want = truth[:, b]
        got = np.where(want == UNLABELLED, UNLABELLED, predicted[:, b] == 1)
        cells["annotation"][b] += bouts.interval_cells(want, got, 2, pair.time_s)[1]
        cells["prediction"][b] += bouts.interval_cells(got, want, 2, pair.time_s)[1]


__all__ = ["Given", "Options", "Part", "align_all", "part_of"]
