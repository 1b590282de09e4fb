"""Why a supervised method predicts what it predicts: what it looks at, what it would miss, and examples to watch.

Three views that answer different questions:

* *Contributions* (TreeSHAP, exact for boosted trees): how much each feature counted for or against, frame by frame.
* *Permutation*: how much worse the method gets when a family of features is scrambled. A feature may contribute much
  and still be dispensable, because another one carries the same.
* *Examples*: bouts that were right, false and missed, with their times: the film decides.

All of them are meant for recordings of animals that the model has not seen. What a model predicts for its training
frames explains the training frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import did_you_mean, fail
from murid.data.recording import Recording
from murid.data.resample import samples_between
from murid.data.states import UNLABELLED
from murid.evaluate import bouts, frames
from murid.evaluate.truth_pairs import align_prediction
from murid.features.naming import base_of, in_words
from murid.methods.supervised.base import Supervised

#: Names of the two ways to get contributions, as written into the tables.
TREESHAP, OCCLUSION = "TreeSHAP", "occlusion"
_EPS = 1e-4


@dataclass(frozen=True)
class Evidence:
    """What is evidence for and against each behaviour in each frame, in log-odds of the raw score.

    Attributes
    ----------
    how : str
        `TREESHAP` (exact, sums to the score) or `OCCLUSION` (how the score falls when a feature and all its window
        statistics are set to their median; for methods without trees).
    names : list of str
        Per-frame features; their window statistics and lags are summed into them.
    families : list of str
    values : float32 array (frame, behaviour, feature)
    start : float array (behaviour,)
        Score before any feature is looked at.
    strongest : int array (frame, behaviour, feature)
        Column of the feature table with the largest contribution among those of the feature.
    """

    how: str
    names: list[str]
    families: list[str]
    values: np.ndarray
    start: np.ndarray
    strongest: np.ndarray


def evidence(method: Supervised, table: xr.DataArray) -> Evidence:
    """Split the scores of some frames into what each feature contributes.

    Parameters
    ----------
    method : Supervised
        Fitted.
    table : DataArray (frame, feature)
        From ``method.table``.
    """
    features = np.asarray(table.values, np.float32)
    columns = [str(f) for f in table["feature"].values]
    names = list(dict.fromkeys(base_of(c) for c in columns))
    member = np.array([names.index(base_of(c)) for c in columns])
    family_of = dict(zip((base_of(c) for c in columns), _coord(table, "family"), strict=True))
    families = [family_of[n] for n in names]
    if hasattr(method.model.learner, "contributions"):
        raw = method.model.learner.contributions(features)
        each, start = raw[..., :-1], raw[..., -1].mean(axis=0)
        values = np.stack([each[..., member == g].sum(axis=2) for g in range(len(names))], axis=2)
        strongest = np.stack([_largest(each, np.flatnonzero(member == g)) for g in range(len(names))], axis=2)
        return Evidence(TREESHAP, names, families, values, start, strongest)
    return _occlusion(method, features, names, families, member)


def _largest(each: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return columns[np.abs(each[..., columns]).argmax(axis=2)]


def _occlusion(
    method: Supervised, features: np.ndarray, names: list[str], families: list[str], member: np.ndarray
) -> Evidence:
    """How each score falls when a feature is set to its median over these frames."""
    known = np.isfinite(features).any(axis=0)
    typical = np.zeros(features.shape[1], np.float32)
    typical[known] = np.nanmedian(features[:, known], axis=0)
    typical[~known] = np.nan
    score = _logit(method.model.learner.predict(features))
    values = np.empty((*score.shape, len(names)), np.float32)
    for g in range(len(names)):
        hidden = features.copy()
        hidden[:, member == g] = typical[member == g]
        values[..., g] = score - _logit(method.model.learner.predict(hidden))
    start = _logit(method.model.learner.predict(typical[None]))[0]
    first = np.array([np.flatnonzero(member == g)[0] for g in range(len(names))])
    return Evidence(OCCLUSION, names, families, values, start, np.broadcast_to(first, values.shape))


def importance(method: Supervised, recording: Recording, *, n_frames: int = 400, seed: int = 0) -> pd.DataFrame:
    """What a model looks at in one recording it has not seen.

    Half of the frames are evenly spread, half are frames of the behaviours (equally many of each), so that a
    rare behaviour is explained by frames that show it.

    Returns
    -------
    DataFrame
        One row per behaviour and per-frame feature: ``recording, behaviour, feature, family, words, how,
        strength`` (mean absolute contribution, log-odds), ``direction`` (correlation of the value with the
        contribution: + more of it is evidence for the behaviour), ``frames``.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for subject, rows, targets in _scored_rows(method, recording):
        chosen = _spread(targets, n_frames, rng)
        table = method.table(recording, subject, rows[chosen])
        contributions = evidence(method, table)
        words = dict(zip((str(f) for f in table["feature"].values), _coord(table, "meaning"), strict=True))
        for b, behaviour in enumerate(method.model.behaviours):
            for g, name in enumerate(contributions.names):
                column = np.bincount(contributions.strongest[:, b, g]).argmax()
                meaning = words[str(table["feature"].values[column])]
                parts.append(
                    (
                        recording.id,
                        behaviour,
                        name,
                        contributions.families[g],
                        in_words(name, meaning),
                        contributions.how,
                        float(np.abs(contributions.values[:, b, g]).mean()),
                        _correlation(table.values[:, column], contributions.values[:, b, g]),
                        len(chosen),
                    )
                )
    columns = ["recording", "behaviour", "feature", "family", "words", "how", "strength", "direction", "frames"]
    return pd.DataFrame(parts, columns=columns)


def family_strength(method: Supervised, recording: Recording, *, n_frames: int = 400, seed: int = 0) -> pd.DataFrame:
    """Like `importance`, by family: contributions are summed within a family before their size is taken.

    Returns
    -------
    DataFrame
        ``recording, behaviour, family, strength, share`` (of the sum over families), ``frames``.
    """
    rng = np.random.default_rng(seed)
    rows_out = []
    for subject, rows, targets in _scored_rows(method, recording):
        chosen = _spread(targets, n_frames, rng)
        contributions = evidence(method, method.table(recording, subject, rows[chosen]))
        families = list(dict.fromkeys(contributions.families))
        of = np.array([families.index(f) for f in contributions.families])
        sums = np.stack([contributions.values[..., of == k].sum(axis=2) for k in range(len(families))], axis=2)
        strength = np.abs(sums).mean(axis=0)
        share = strength / np.maximum(strength.sum(axis=1, keepdims=True), 1e-12)
        for b, behaviour in enumerate(method.model.behaviours):
            for k, family in enumerate(families):
                rows_out.append(
                    (recording.id, behaviour, family, float(strength[b, k]), float(share[b, k]), len(chosen))
                )
    return pd.DataFrame(rows_out, columns=["recording", "behaviour", "family", "strength", "share", "frames"])


def permutation(
    method: Supervised, recording: Recording, *, max_frames: int = 3000, repeats: int = 3, seed: int = 0
) -> pd.DataFrame:
    """How much worse a model gets on one unseen recording when a family of features is scrambled in time.

    Returns
    -------
    DataFrame
        ``recording, behaviour, family, pr_auc, loss`` (fall of the area under the precision-recall curve, mean
        over repeats), ``positives`` (frames). Behaviours that the recording does not show are NaN.
    """
    rng = np.random.default_rng(seed)
    out = []
    for subject, rows, targets in _scored_rows(method, recording):
        keep = np.unique(np.linspace(0, len(rows) - 1, min(max_frames, len(rows))).astype(np.intp))
        table, y = method.table(recording, subject, rows[keep]), targets[keep]
        features, family = np.asarray(table.values, np.float32), _coord(table, "family")
        whole = _areas(y, method.probability(features))
        for name in dict.fromkeys(family):
            columns = np.flatnonzero([f == name for f in family])
            fallen = []
            for _ in range(repeats):
                mixed = features.copy()
                mixed[:, columns] = features[rng.permutation(len(features))][:, columns]
                fallen.append(whole - _areas(y, method.probability(mixed)))
            for b, behaviour in enumerate(method.model.behaviours):
                loss = float(np.mean([f[b] for f in fallen]))
                out.append((recording.id, behaviour, name, float(whole[b]), loss, int((y[:, b] == 1).sum())))
    return pd.DataFrame(out, columns=["recording", "behaviour", "family", "pr_auc", "loss", "positives"])


def choose_examples(method: Supervised, recording: Recording, *, n: int = 3, iou: float = 0.3) -> pd.DataFrame:
    """Bouts to watch: the clearest right ones, the most confident false ones, and the clearest misses.

    Returns
    -------
    DataFrame
        ``recording, individual, behaviour, kind`` (right, false, missed), ``start_s, stop_s, probability`` (mean
        over the bout); at most `n` of a kind per behaviour and individual, the most telling first.
    """
    out = method.apply(recording.replace(labels=None))
    pair = align_prediction(method.labels_of(recording), out, others=method.params.others, recording=recording.id)
    probability = np.full(pair.truth.shape, np.nan) if pair.probability is None else pair.probability
    rows = []
    for i, person in enumerate(pair.individuals):
        for b, behaviour in enumerate(pair.behaviours):
            truth, p = pair.truth[:, i, b], probability[:, i, b]
            shown = np.where(truth >= 0, pair.predicted[:, i, b], 0)
            true, marked = (bouts.spans_of(x == 1, pair.time_s) for x in (truth, shown))
            at, of, _ = bouts.match(true, marked, iou)
            kinds = {"right": marked[of], "false": np.delete(marked, of, axis=0), "missed": np.delete(true, at, axis=0)}
            for kind, spans in kinds.items():
                mean = np.array([_mean_between(p, pair.time_s, *span) for span in spans])
                order = np.argsort(mean if kind == "missed" else -mean, kind="stable")[:n]
                rows += [(recording.id, person, behaviour, kind, *spans[k].tolist(), float(mean[k])) for k in order]
    columns = ["recording", "individual", "behaviour", "kind", "start_s", "stop_s", "probability"]
    return pd.DataFrame(rows, columns=columns)


def why(
    method: Supervised,
    recording: Recording,
    time_s: float,
    *,
    behaviour: str | None = None,
    individual: str | None = None,
    n: int = 8,
) -> pd.DataFrame:
    """Say why this frame: the largest contributions for and against, with values, units and plain words.

    Parameters
    ----------
    method : Supervised
    recording : Recording
    time_s : float
        Seconds; the nearest frame is taken.
    behaviour : str, optional
        The one with the highest probability there by default.
    individual : str, optional
        May be left out when there is only one.
    n : int
        Features to name.

    Returns
    -------
    DataFrame
        ``recording, individual, time_s, behaviour, probability, feature, value, unit, rank`` (share of the
        recording's frames with a lower value), ``contribution`` (log-odds), ``words``; largest first.
    """
    time = recording.need("poses")["time"].values
    if not time[0] - 1 <= time_s <= time[-1] + 1:
        fail("why", "time lies outside the recording", expected=f"{time[0]:.2f}..{time[-1]:.2f} s", got=f"{time_s:g} s")
    subject = _subject(method, recording, individual)
    names = method.model.behaviours
    if behaviour is not None and behaviour not in names:
        fail("why", f"the model does not know '{behaviour}'", todo=did_you_mean(behaviour, names))
    row = int(np.abs(time - time_s).argmin())
    # The frame itself first, then what is usual in this recording.
    around = np.unique(np.linspace(0, len(time) - 1, min(400, len(time))).astype(np.int64))
    table = method.table(recording, subject, np.r_[row, around])
    p = method.probability(table.values[:1])[0]
    b = names.index(behaviour) if behaviour else int(p.argmax())
    parts = evidence(method, table if not hasattr(method.model.learner, "contributions") else table[:1])
    order = np.argsort(-np.abs(parts.values[0, b]), kind="stable")[:n]
    head = {"recording": recording.id, "individual": subject, "time_s": float(time[row])}
    head |= {"behaviour": names[b], "probability": float(p[b])}
    rows = [
        {**head, **_reason(table, int(parts.strongest[0, b, g]), float(parts.values[0, b, g]))} for g in order.tolist()
    ]
    return pd.DataFrame(rows)


def _subject(method: Supervised, recording: Recording, individual: str | None) -> str:
    subjects = method.subjects_of(recording)
    subject = individual if individual is not None or len(subjects) > 1 else subjects[0]
    if subject is None or subject not in subjects:
        fail("why", "which individual?", got=str(individual), todo=did_you_mean(str(individual), subjects))
    return subject


def _reason(table: xr.DataArray, column: int, amount: float) -> dict[str, str | float]:
    """One feature of the first frame of a table, read against the others."""
    value, usual = float(table.values[0, column]), table.values[1:, column]
    usual = usual[np.isfinite(usual)]
    rank = float((usual < value).mean()) if usual.size and np.isfinite(value) else float("nan")
    feature, unit = str(table["feature"].values[column]), _coord(table, "unit")[column]
    words = in_words(feature, _coord(table, "meaning")[column])
    return {
        "feature": feature,
        "value": value,
        "unit": unit,
        "rank": rank,
        "contribution": amount,
        "words": _sentence(words, value, unit, rank, amount),
    }


# ---- help -----------------------------------------------------------------------------------------
def _sentence(what: str, value: float, unit: str, rank: float, contribution: float) -> str:
    side = "for" if contribution > 0 else "against"
    if not np.isfinite(value):
        return f"{what} is not known here: evidence {side}"
    level = "" if not np.isfinite(rank) else f", higher than in {rank:.0%} of the recording"
    shown = "" if unit in ("", "1") else f" {unit}"
    return f"{what} is {value:.3g}{shown}{level}: evidence {side}"


def _scored_rows(method: Supervised, recording: Recording) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Subject, frames with labels (at the sampling rate of learning), and their targets."""
    time = recording.need("poses")["time"].values
    rows = method.rows_of(recording)
    people = method.subjects_of(recording)
    states = method.labels_of(recording).to_states(
        time, method.model.behaviours, others=method.params.others, individuals=people
    )
    out = []
    for i, person in enumerate(people):
        y = states.values[rows, i]
        known = (y != UNLABELLED).any(axis=1)
        if known.any():
            out.append((person, rows[known], y[known]))
    if not out:
        fail(
            "explain",
            "no frame of this recording is labelled",
            where=recording.id,
            todo="explain recordings with labels of these behaviours",
        )
    return out


def _spread(targets: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Half of the frames evenly spread, half from the behaviours."""
    even = np.linspace(0, len(targets) - 1, min(n // 2, len(targets))).astype(np.intp)
    each = max(1, n // 2 // targets.shape[1])
    picked = [even]
    for b in range(targets.shape[1]):
        there = np.flatnonzero(targets[:, b] == 1)
        picked.append(rng.choice(there, min(each, there.size), replace=False))
    return np.unique(np.concatenate(picked))


def _areas(targets: np.ndarray, probability: np.ndarray) -> np.ndarray:
    return np.array([frames.pr_auc(targets[:, b], probability[:, b]) for b in range(targets.shape[1])])


def _mean_between(p: np.ndarray, time_s: np.ndarray, start_s: float, stop_s: float) -> float:
    own = samples_between(time_s, start_s, stop_s)
    return float(frames.mean_known(p[own.start : max(own.stop, own.start + 1)]))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    known = np.isfinite(x)
    if known.sum() < 3 or np.ptp(x[known]) == 0 or np.ptp(y[known]) == 0:
        return float("nan")
    return float(np.corrcoef(x[known].astype(np.float64), y[known])[0, 1])


def _coord(table: xr.DataArray, name: str) -> list[str]:
    """A coordinate along the features; method-specific tables may lack it."""
    if name in table.coords:
        return [str(v) for v in table[name].values]
    return ["all" if name == "family" else ""] * table.sizes["feature"]


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(np.asarray(p, np.float64), _EPS, 1 - _EPS)
    return np.log(p / (1 - p))
