"""Motif methods side by side: one row a method, every figure beside what chance would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import rate_of
from murid.data.meet import keypoints_and_roles
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, behaviour_names, make_states
from murid.evaluate import segmentation
from murid.features import FeatureParams, compute
from murid.methods.motifs.comparison_tables import MOTIFS


def motif_row(
    outputs: Sequence[xr.Dataset],
    recordings: Sequence[Recording],
    *,
    truth: Sequence[xr.DataArray] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Score the motifs that one method found in the recordings.

    Parameters
    ----------
    outputs : list of Dataset
        From `Method.apply`.
    recordings : list of Recording
        The same recordings; without poses there is no change score.
    truth : list of DataArray, optional
        Exclusive human states on the clock of the outputs, of the same animals or of ``"all"``.
    seed : int

    Returns
    -------
    dict
        The columns of `MOTIFS` that one fit can give, but for method, times and memory.
    """
    codes = [np.asarray(o["states"].values[:, i]) for o in outputs for i in range(o.sizes["individual"])]
    fps = rate_of(outputs[0]["time"].values)
    scale = segmentation.timescale(codes, fps)
    labelled = sum(int((c != UNLABELLED).sum()) for c in codes) / sum(len(c) for c in codes)
    row: dict[str, Any] = {
        "motifs": scale["k"],
        "labelled": labelled,
        "median_ms": scale["median_ms"],
        "below_100ms": scale["below_100ms"],
    }
    changes = [c for o, r in zip(outputs, recordings, strict=True) if (c := _change(o, r, seed))]
    if changes:
        row |= {key: float(np.mean([c[old] for c in changes])) for key, old in (("change", "score"), ("change_z", "z"))}
    if truth is not None:
        row |= _against_labels(outputs, recordings, truth, fps, seed)
    return row


def agreement_row(*reports: pd.DataFrame | None) -> dict[str, float]:
    """Return the mean ARI of each kind of refit or variant.

    Parameters
    ----------
    *reports : DataFrame or None
        With ``kind, ari``: from `stability_report`, `cut_report` and `robustness_report` of
        `murid.methods.motifs.stability`.

    Returns
    -------
    dict
        ``seed_ari, half_ari, cut_ari, jitter_ari …``, those that there are.
    """
    parts = [r[["kind", "ari"]] for r in reports if r is not None and len(r)]
    if not parts:
        return {}
    return {f"{kind}_ari": float(v) for kind, v in pd.concat(parts).groupby("kind")["ari"].mean().items()}


def motif_table(rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Put rows (`motif_row`, `agreement_row`, fit and apply times, memory) side by side; unknown figures are NaN."""
    table = pd.DataFrame([{"method": name, **row} for name, row in rows.items()])
    return table.reindex(columns=[c for c in MOTIFS.columns if c in table and table[c].notna().any()])


def _change(out: xr.Dataset, recording: Recording, seed: int) -> dict[str, float] | None:
    """Change score of one recording: mean over its animals; None when the motifs never change or posture is unknown."""
    scores = []
    if not recording.has("poses"):
        return None
    poses = recording.need("poses")
    fps = rate_of(out["time"].values)
    for i, individual in enumerate(individual_names(poses)):
        if individual not in out["individual"].values:
            continue
        xy = _posture(recording, poses, individual)
        seen = np.isfinite(xy).all(axis=(1, 2))
        code = np.asarray(out["states"].values[:, i])
        if seen.sum() < 100 or not (code[1:] != code[:-1]).any():
            continue
        score = segmentation.change_score(xy, code, fps=fps, n_shifts=100, seed=seed)
        # An animal whose onsets all fall where points are hidden has no score, and must not void that of the others.
        if np.isfinite([score["score"], score["z"]]).all():
            scores.append(score)
    if not scores:
        return None
    return {key: float(np.mean([f[key] for f in scores])) for key in ("score", "z")}


def _posture(recording: Recording, poses: xr.Dataset, individual: str) -> np.ndarray:
    """Points (time, point, 2) as seen from the animal: by its axis, or by its whole shape where no roles are known."""
    from murid.prepare.shape import align_to, fit_template

    params = FeatureParams(
        families=("egocentric",), windowed=(), windows_s=(), stats=(), lags_s=(), path_windows_s=(), length="body"
    )
    if len(keypoints_and_roles(poses, recording.roles, needed=False)) >= 2:
        table = compute(poses, individual, params, roles=recording.roles or None)
        columns = table.values[:, : table.sizes["feature"] // 2 * 2]
        return columns.reshape(len(columns), -1, 2)
    column = individual_names(poses).index(individual)
    xy = poses["position"].values[:, :2, :, column].transpose(0, 2, 1).astype(np.float64)
    whole = xy[np.isfinite(xy).all(axis=(1, 2))]
    if len(whole) < 2:
        return np.full_like(xy, np.nan)
    return align_to(xy, fit_template([whole[:: max(1, len(whole) // 2000)]]), least=xy.shape[1]).points


def _against_labels(
    outputs: Sequence[xr.Dataset], recordings: Sequence[Recording], truth: Sequence[xr.DataArray], fps: float, seed: int
) -> dict[str, float]:
    want, predicted, animal = [], [], []
    for out, recording, true in zip(outputs, recordings, truth, strict=True):
        people = [str(p) for p in true["individual"].values]
        for i, individual in enumerate(map(str, out["individual"].values)):
            column = (
                people.index(individual) if individual in people else people.index("all") if "all" in people else -1
            )
            if column >= 0 and (true.values[:, column] != UNLABELLED).any():
                want.append(np.asarray(true.values[:, column]))
                predicted.append(np.asarray(out["states"].values[:, i]))
                animal.append(recording.animal)
    if not want:
        return {}
    table = segmentation.judge_segmentation(want, predicted, n_controls=10, seed=seed).loc["ami"]
    row = {"ami": table["value"], "ami_control": table["control_mean"], "ami_z": table["z"]}
    if len(set(animal)) > 1:
        folds = segmentation.animal_folds(animal)
        blind = [segmentation.control(c, np.random.default_rng([seed, j])) for j, c in enumerate(predicted)]
        for name, states in (("probe_f1", predicted), ("probe_control", blind)):
            row[name] = segmentation.probe_by_folds(want, states, folds, fps=fps, seed=seed)["macro_f1"]
    return {name: float(np.asarray(value, np.float64)) for name, value in row.items()}


def common_truth(truth: Sequence[xr.DataArray]) -> list[xr.DataArray]:
    """Bring exclusive states with different label lists onto one list, so that a code means the same everywhere."""
    names = list(dict.fromkeys(n for t in truth for n in behaviour_names(t)))
    out = []
    for states in truth:
        table = np.array([*(names.index(n) for n in behaviour_names(states)), UNLABELLED])
        individuals = [str(i) for i in states["individual"].values]
        out.append(make_states(table[states.values], states["time"].values, names, individuals))
    return out
