"""The bar that any method must clear: LightGBM on 26 hand-made features of a pair, arg-max, nothing tuned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import xarray as xr

from murid.data.recording import Recording
from murid.data.states import make_states
from murid.methods.base import output

PAIRS = (
    ("top", "top"),
    ("top", "tail"),
    ("tail", "top"),
    ("body", "body"),
    ("top", "body"),
    ("body", "top"),
    ("tail", "tail"),
)


def hand_features(poses: xr.Dataset) -> np.ndarray:
    """Return ``(time, 26)``: per animal lengths, bend, speeds; between them distances, approach, facing. Pixels."""
    at = {str(k): poses["position"].sel(keypoint=k).values for k in poses["keypoint"].values}  # time, xy, animal
    rate = float(poses.attrs["fps"])
    out: list[np.ndarray] = []
    for a in (0, 1):
        p = {k: v[..., a] for k, v in at.items()}
        front, back = p["top"] - p["body"], p["body"] - p["tail"]
        cross = front[:, 0] * back[:, 1] - front[:, 1] * back[:, 0]
        out += [_norm(p["top"] - p["tail"]), _norm(front), _norm(back), np.arctan2(cross, (front * back).sum(1))]
        out += [_norm(np.gradient(p[k], axis=0)) * rate for k in ("top", "body", "tail")]
    out += [_norm(at[a][..., 0] - at[b][..., 1]) for a, b in PAIRS]
    gap = at["body"][..., 1] - at["body"][..., 0]
    out.append(np.gradient(_norm(gap)) * rate)
    heads = [at["top"][..., a] - at["body"][..., a] for a in (0, 1)]
    out += [_cosine(heads[0], gap), _cosine(heads[1], -gap), _cosine(*heads)]
    out.append(np.abs(out[5] - out[12]))
    return np.stack(out, axis=1).astype(np.float32)


def _norm(v: np.ndarray) -> np.ndarray:
    return np.sqrt((v**2).sum(axis=1))


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / (_norm(a) * _norm(b))


class Plain:
    """Default LightGBM classifier of exclusive behaviours on `hand_features`; frames that show none are a class."""

    def __init__(self, behaviours: Sequence[str], stream: str, others: str = "auto", sample_hz: float = 4.0) -> None:
        self.behaviours, self.stream, self.others, self.sample_hz = list(behaviours), stream, others, sample_hz

    def fit(self, recordings: Sequence[Recording]) -> Self:
        """Learn from every k-th labelled frame."""
        import lightgbm

        xs, ys = [], []
        for r in recordings:
            labels = r.labels.select(stream=self.stream)
            truth = labels.to_states(r.poses["time"].values, self.behaviours, others=self.others).values[:, 0]
            truth = truth if truth.ndim == 2 else (truth[:, None] == np.arange(len(self.behaviours))).astype(int)
            step = max(1, round(float(r.poses.attrs["fps"]) / self.sample_hz))
            rows = np.flatnonzero((truth >= 0).all(axis=1))[::step]
            shown = truth[rows].max(axis=1) > 0
            xs.append(hand_features(r.poses)[rows])
            ys.append(np.where(shown, truth[rows].argmax(axis=1), len(self.behaviours)))
            r.forget()
        model = lightgbm.LGBMClassifier(random_state=0, n_jobs=1, verbose=-1)
        self.model = model.fit(np.concatenate(xs), np.concatenate(ys))
        return self

    def apply(self, recording: Recording) -> xr.Dataset:
        """Arg-max per frame."""
        found = self.model.predict_proba(hand_features(recording.poses), num_threads=1)
        every = np.zeros((len(found), len(self.behaviours) + 1))
        every[:, self.model.classes_] = found
        best, n = every.argmax(axis=1), len(self.behaviours)
        time = recording.poses["time"].values
        states = make_states((best[:, None, None] == np.arange(n)).astype(np.int8), time, self.behaviours, ["all"])
        return output(states, probability=every[:, None, :n], behaviours=self.behaviours)
