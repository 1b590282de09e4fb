"""Which bouts to label next: uncertain ones, unlike each other, and a blind random share.

*Uncertain*: the calibrated probability lies near the decision, so that a label moves the border (A-SOiD: Tillmann et
al. 2024). *Unlike each other*: drawn by k-means++ in the features that the model uses most, far from what is labelled
already, so that twenty copies of one doubtful posture cost one label (BADGE: Ash et al. 2020). *Blind*: windows at
random times, whose prediction the rater must not see (JAABA: Kabra et al. 2013); only they give an unbiased score,
because the others were chosen for being hard.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from murid.data.clock import rate_of, sample_stops, samples_in
from murid.data.labels import LabelChoice
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.states import UNLABELLED
from murid.data.stretches import runs_of_true as stretches
from murid.methods.supervised.base import Supervised
from murid.methods.supervised.decision import Decision
from murid.methods.supervised.model import Model
from murid.methods.supervised.quick_refit import Tables, learning_tables

UNCERTAIN, BLIND = "uncertain", "blind"
NONE = "(none of them)"
_COLUMNS = (
    "recording",
    "individual",
    "start_s",
    "stop_s",
    "kind",
    "proposed",
    "probability",
    "uncertainty",
    "unseen",
)
_NUMBERS = ("start_s", "stop_s", "probability", "uncertainty", "unseen")


class QueueParams(Params):
    """Parameters of the queue."""

    n: int = param(20, ge=1, why="bouts proposed at a time: a quarter of an hour of labelling")
    blind: float = param(0.2, ge=0, le=1, why="share of random windows, for an unbiased score")
    shortest_s: float = param(0.5, unit="s", ge=0, why="shorter candidates are joined with the one before")
    longest_s: float = param(5.0, unit="s", gt=0, why="longer ones are cut: a clip is watched in one go")
    blind_s: float = param(5.0, unit="s", gt=0, why="length of a blind window")
    sharpness: float = param(2.0, ge=0, why="power of the uncertainty in the draw; 0 = diversity alone")
    seed: int = param(0, why="same seed, same queue")


@dataclass(frozen=True)
class Candidates:
    """What could be labelled in one recording.

    Attributes
    ----------
    table : DataFrame
        ``recording, individual, start_s, stop_s, kind, proposed, probability, uncertainty, unseen``.
    place : float32 array (candidate, k)
        Where each lies in the model's most used features (mean over its frames).
    labelled : float32 array (frame, k)
        Frames that are labelled already, at most 200 of them.
    """

    table: pd.DataFrame
    place: np.ndarray
    labelled: np.ndarray


def uncertainty(decision: Decision, probability: np.ndarray) -> np.ndarray:
    """How near each frame is to another decision, 0 (certain) to 1 (see `Decision.certainty`)."""
    return 1 - decision.certainty(probability)


def candidates(
    method: Supervised,
    recording: Recording,
    params: QueueParams | None = None,
    tables: Tables | None = None,
    **changes: Any,
) -> Candidates:
    """Cut the unlabelled part of a recording into bouts as the model sees them, and into blind windows.

    Parameters
    ----------
    method : Supervised
        Fitted.
    recording : Recording
        Labels may be absent.
    params : QueueParams
    tables : mapping, optional
        From `murid.methods.supervised.quick_refit.learning_tables`; computed when not given.
    **changes
        Single parameters of `QueueParams`, over `params`.
    """
    params = QueueParams.of(params, changes)
    tables = learning_tables(method, recording) if tables is None else tables
    model = method.model
    rows: list[tuple] = []
    places: list[np.ndarray] = []
    known = []
    for subject in method.subjects_of(recording):
        table = tables[recording.id, subject].sel(feature=list(model.feature_names))
        x, time = np.asarray(table.values, np.float32), table["time"].values
        labelled = _labelled(method, recording, subject, time)
        place = _place(model, x)
        p = _smooth(model.probability(x), samples_in(0.5, rate_of(time)))
        doubt = uncertainty(model.decision, p)
        proposed = model.decision.strongest(p)
        unseen = model.novelty(x) if model.novelty is not None else np.full(len(x), np.nan)
        for kind, spans in (
            (UNCERTAIN, _cut(proposed, labelled, time, params)),
            (BLIND, _windows(labelled, time, params.blind_s)),
        ):
            for a, b in spans:
                code = np.bincount(proposed[a:b] + 1).argmax() - 1
                rows.append(
                    (
                        recording.id,
                        subject,
                        float(time[a]),
                        float(sample_stops(time)[b - 1]),
                        kind,
                        model.behaviours[code] if code >= 0 else NONE,
                        float(p[a:b, code].mean()) if code >= 0 else float(1 - p[a:b].max(axis=1).mean()),
                        float(doubt[a:b].mean()),
                        float(np.nanmean(np.nan_to_num(unseen[a:b]))),
                    )
                )
                places.append(place[a:b].mean(axis=0))
        known.append(place[labelled][:: max(1, int(labelled.sum()) // 200)])
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(_NUMBERS, float))
    return Candidates(frame, np.array(places, np.float32).reshape(-1, known[0].shape[1]), np.concatenate(known))


def propose(parts: list[Candidates], params: QueueParams | None = None, **changes: Any) -> pd.DataFrame:
    """Choose the next bouts to label.

    Returns
    -------
    DataFrame
        ``rank, recording, individual, start_s, stop_s, kind, proposed, probability, uncertainty, unseen, why``, in the
        order to label. Of blind rows the prediction is withheld (empty, NaN). Fewer rows than asked for when little is
        left to label.
    """
    params = QueueParams.of(params, changes)
    table = pd.concat([f.table for f in parts], ignore_index=True)
    place = np.concatenate([f.place for f in parts]) if len(table) else np.empty((0, 1), np.float32)
    rng = np.random.default_rng(params.seed)
    n_blind = round(params.n * params.blind)
    windows = np.flatnonzero(table["kind"] == BLIND)
    # All windows are equally long, so each labelled second has the same chance.
    blind = rng.choice(windows, min(n_blind, windows.size), replace=False)
    free = np.flatnonzero((table["kind"] == UNCERTAIN) & ~_overlapping(table, blind))
    chosen = _draw(
        place[free],
        table["uncertainty"].to_numpy()[free],
        np.concatenate([f.labelled for f in parts]),
        params.n - blind.size,
        params.sharpness,
        rng,
    )
    order = rng.permutation(np.concatenate([free[chosen], blind]).astype(int))
    queue = table.loc[order].reset_index(drop=True)
    hidden = queue["kind"] == BLIND
    queue["why"] = [
        "at random, for an unbiased score: label it without looking at the prediction" if h else _reason(p, float(u))
        for h, p, u in zip(hidden, queue["proposed"].astype(str), queue["unseen"], strict=True)
    ]
    queue.loc[hidden, "proposed"] = ""
    queue.loc[hidden, ["probability", "uncertainty", "unseen"]] = np.nan
    queue.insert(0, "rank", np.arange(1, len(queue) + 1))
    return queue


def _reason(proposed: str, unseen: float) -> str:
    text = f"could be {proposed}" if proposed != NONE else "could be none of them"
    return f"{text}: near the decision" + ("; unlike anything learnt from" if unseen >= 0.99 else "")


def _draw(
    place: np.ndarray, doubt: np.ndarray, labelled: np.ndarray, n: int, sharpness: float, rng: np.random.Generator
) -> np.ndarray:
    """k-means++ over the most doubtful candidates: chance ∝ doubt ** sharpness × squared distance to all chosen."""
    pool = np.argsort(-doubt, kind="stable")[: max(10 * n, 200)]
    z, weight = place[pool], np.maximum(doubt[pool], 1e-6) ** sharpness
    far = np.full(len(pool), np.inf)
    for start in range(0, len(labelled), 512):
        far = np.minimum(far, ((z[:, None] - labelled[None, start : start + 512]) ** 2).sum(axis=2).min(axis=1))
    far = np.where(np.isfinite(far), far, 1.0)
    chosen: list[int] = []
    for _ in range(min(n, len(pool))):
        chance = weight * far
        chance[chosen] = 0
        if not chance.sum() > 0:
            chance = weight.copy()
            chance[chosen] = 0
        pick = int(rng.choice(len(pool), p=chance / chance.sum()))
        chosen.append(pick)
        far = np.minimum(far, ((z - z[pick]) ** 2).sum(axis=1))
    return pool[chosen] if chosen else np.empty(0, int)


def _overlapping(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Candidates that share time with some of the rows: nothing is labelled twice."""
    out = np.zeros(len(table), bool)
    for r in rows:
        one = table.loc[r]
        same = (table["recording"] == one["recording"]) & (table["individual"] == one["individual"])
        out |= (same & (table["start_s"] < one["stop_s"]) & (table["stop_s"] > one["start_s"])).to_numpy()
    return out


def _labelled(method: Supervised, recording: Recording, subject: str, time: np.ndarray) -> np.ndarray:
    """Frames that carry a label of the chosen rater already; a recording of other raters is unlabelled."""
    if not recording.has("labels"):
        return np.zeros(len(time), bool)
    choice = method.label_choice()
    if not _has(recording, choice):
        return np.zeros(len(time), bool)
    labels = method.labels_of(recording)
    states = labels.to_states(time, method.model.asked, others=choice.others, individuals=[subject])
    return (states.values[:, 0] != UNLABELLED).any(axis=1)


def _has(recording: Recording, choice: LabelChoice) -> bool:
    labels = recording.need("labels")
    return (choice.rater is None or choice.rater in labels.raters) and (
        choice.stream is None or choice.stream in labels.streams
    )


def _place(model: Model, x: np.ndarray) -> np.ndarray:
    z = model.novelty.embed(x) if model.novelty is not None else np.empty((len(x), 0), np.float32)
    return np.clip(np.nan_to_num(z), -4, 4)


def _smooth(p: np.ndarray, width: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(p, max(1, width), axis=0, mode="nearest")


def _cut(proposed: np.ndarray, labelled: np.ndarray, time: np.ndarray, params: QueueParams) -> list[tuple[int, int]]:
    """Runs of one proposal in unlabelled stretches: not too short, not too long."""
    fps = rate_of(time)
    longest, shortest = max(1, samples_in(params.longest_s, fps)), max(1, samples_in(params.shortest_s, fps))
    spans: list[tuple[int, int]] = []
    for a, b in stretches(~labelled):
        edges = [a, *(a + 1 + np.flatnonzero(np.diff(proposed[a:b]))).tolist(), b]
        kept = [a]
        for e in edges[1:-1]:
            if e - kept[-1] >= shortest and b - e >= shortest:
                kept.append(e)
        kept.append(b)
        for s, e in pairwise(kept):
            pieces = max(1, -(-(e - s) // longest))
            at = np.linspace(s, e, pieces + 1).round().astype(int)
            spans += [(int(u), int(v)) for u, v in pairwise(at) if v - u >= min(shortest, b - a)]
    return spans


def _windows(labelled: np.ndarray, time: np.ndarray, length_s: float) -> list[tuple[int, int]]:
    """Windows on a fixed grid that hold no label: their choice cannot depend on the model."""
    size = max(1, samples_in(length_s, rate_of(time)))
    return [(a, a + size) for a in range(0, len(time) - size + 1, size) if not labelled[a : a + size].any()]
