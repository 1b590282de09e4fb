"""Poses as the keypoint SLDS takes them, and a first guess of heading, centroid and shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from murid.data.errors import Faults
from murid.learn.embed.pca import fit_pca
from murid.learn.segment._pose_state import PoseState, turn
from murid.learn.segment.chains import find_chains
from murid.learn.sequences import Sequences

LEAST_CONFIDENCE = 1e-3
TRUSTED = 0.5  # Keypoints below this confidence do not shape the first guess.


class PoseSequences(NamedTuple):
    """Stacked keypoints: y (N, K, S) NaN where missing, confidence (N, K), offsets, and whether a list was given."""

    y: np.ndarray
    confidence: np.ndarray
    offsets: np.ndarray
    listed: bool


class PoseFields(TypedDict):
    """Fields of `Slds` other than the dynamics."""

    anterior: np.ndarray
    posterior: np.ndarray
    noise_std: float | np.ndarray
    step_std: float
    noise_dof: float
    confidence_slope: float
    apply_rounds: int
    shape: np.ndarray
    rest: np.ndarray


def as_poses(poses, confidence=None, *, n_keypoints: int | None = None, n_space: int | None = None) -> PoseSequences:
    """Check and stack keypoints (T_i, K, S) and confidences (T_i, K)."""
    listed = not (isinstance(poses, np.ndarray) and poses.ndim == 3)
    parts = [np.asarray(p) for p in (poses if listed else [poses])]
    given = [None] * len(parts) if confidence is None else list(confidence if listed else [confidence])
    faults = Faults("poses")
    if len(given) != len(parts):
        faults.add("not one confidence array a recording", expected=str(len(parts)), got=str(len(given)))
    wanted = (n_keypoints, n_space) if n_keypoints else (parts[0].shape[1:] if parts and parts[0].ndim == 3 else None)
    for i, (part, sure) in enumerate(zip(parts, given, strict=False)):
        if part.ndim != 3 or part.shape[1:] != wanted or part.shape[2] not in (2, 3):
            faults.add("wrong shape", where=f"recording {i}", expected=f"(frames, {wanted})", got=str(part.shape))
        elif sure is not None and np.shape(sure) != part.shape[:2]:
            faults.add(
                "confidence of wrong shape",
                where=f"recording {i}",
                expected=str(part.shape[:2]),
                got=str(np.shape(sure)),
            )
    faults.raise_if_any()
    y = np.concatenate(parts).astype(np.float32)
    sure = np.concatenate(
        [np.ones(p.shape[:2]) if c is None else np.asarray(c) for p, c in zip(parts, given, strict=True)]
    )
    offsets = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    return PoseSequences(y, np.nan_to_num(sure, nan=0.0).astype(np.float32), offsets, listed)


def fit_shape(
    seqs: PoseSequences, anterior: Sequence[int], posterior: Sequence[int], params
) -> tuple[PoseFields, PoseState]:
    """Shape space by PCA of aligned keypoints, measured scales, and the pose state to start from.

    Returns
    -------
    start : PoseFields
        Fields of `Slds` other than the dynamics.
    state : PoseState
    """
    faults = Faults("poses")
    k = seqs.y.shape[1]
    for name, keypoints in (("anterior", anterior), ("posterior", posterior)):
        if not len(keypoints) or max(keypoints) >= k or min(keypoints) < 0:
            faults.add(f"'{name}' names no keypoints", expected=f"numbers from 0 to {k - 1}", got=str(list(keypoints)))
    unseen = np.flatnonzero(np.isnan(seqs.y).any(axis=2).all(axis=0))
    if len(unseen):
        faults.add("keypoints that are never seen", where=f"keypoints {unseen.tolist()}", todo="leave them out")
    if params.keypoint_noise and (len(params.keypoint_noise) != k or min(params.keypoint_noise) < 0):
        faults.add("wrong 'keypoint_noise'", expected=f"{k} numbers >= 0", got=str(params.keypoint_noise))
    faults.raise_if_any()
    front, rear = np.asarray(anterior, np.int64), np.asarray(posterior, np.int64)
    filled = _filled(seqs)
    heading, centroid = _first_guess(filled, front, rear)
    steps = np.diff(centroid, axis=0)[np.setdiff1d(np.arange(len(centroid) - 1), seqs.offsets[1:-1] - 1)]
    aligned = turn(filled - centroid[:, None], -heading).reshape(len(filled), -1)
    known = aligned[~np.isnan(aligned).any(axis=1)]
    most = min(params.n_latent, (k - 1) * seqs.y.shape[2])
    pca = fit_pca(known[:: max(1, len(known) // 1_000_000)], params.variance, whiten=True, max_components=most)
    shape = (pca.components.T @ pca.whitener).reshape(k, seqs.y.shape[2], -1)
    rest = pca.mean.reshape(k, -1)
    start = PoseFields(
        anterior=front,
        posterior=rear,
        noise_std=_noise(seqs, params),
        step_std=params.step_std or float(np.sqrt(np.nanmean(steps**2)) + 1e-6),
        noise_dof=params.noise_dof,
        confidence_slope=params.confidence_slope,
        apply_rounds=params.apply_rounds,
        shape=shape,
        rest=rest,
    )
    return start, _state(seqs, filled, heading, centroid, start, params.dynamics.gap_frames)


def pose_state(seqs: PoseSequences, model, gap_frames: int) -> PoseState:
    """First guess of the pose state of recordings under a fitted model."""
    filled = _filled(seqs)
    heading, centroid = _first_guess(filled, model.anterior, model.posterior)
    start = PoseFields(
        anterior=model.anterior,
        posterior=model.posterior,
        noise_std=model.noise_std,
        step_std=model.step_std,
        noise_dof=model.noise_dof,
        confidence_slope=model.confidence_slope,
        apply_rounds=model.apply_rounds,
        shape=model.shape,
        rest=model.rest,
    )
    return _state(seqs, filled, heading, centroid, start, gap_frames)


def _state(
    seqs: PoseSequences,
    filled: np.ndarray,
    heading: np.ndarray,
    centroid: np.ndarray,
    start: PoseFields,
    gap_frames: int,
) -> PoseState:
    shape, rest = start["shape"], start["rest"]
    k, s, d = shape.shape
    flat = shape.reshape(k * s, d)
    aligned = turn(filled - centroid[:, None], -heading) - rest
    x = np.linalg.lstsq(flat, aligned.reshape(len(filled), -1).T, rcond=None)[0].T if len(filled) else np.empty((0, d))
    seen = ~np.isnan(seqs.y).any(axis=2)
    # Where the animal was not seen at all for long, there is no chain and no latent shape.
    at_all = np.where(seen.any(axis=1), 0.0, np.nan)[:, None]
    inside = np.zeros(len(seen), bool)
    for chain in find_chains(Sequences(at_all, seqs.offsets, True), gap_frames=gap_frames):
        inside[chain.start : chain.stop] = True
    x = np.where(inside[:, None], np.nan_to_num(x), np.nan)
    prior = (start["noise_std"] * np.maximum(seqs.confidence, LEAST_CONFIDENCE) ** start["confidence_slope"]) ** 2
    state = PoseState(
        y=np.nan_to_num(seqs.y),
        seen=seen,
        x=np.ascontiguousarray(x, np.float32),
        heading=np.nan_to_num(heading).astype(np.float32),
        centroid=np.nan_to_num(centroid).astype(np.float32),
        noise=prior.astype(np.float32),
        noise_prior=prior.astype(np.float32),
        shape=np.asarray(shape, float),
        rest=np.asarray(rest, float),
        step_variance=start["step_std"] ** 2,
        noise_dof=start["noise_dof"],
    )
    state.settle()
    return state


def _noise(seqs: PoseSequences, params) -> float | np.ndarray:
    """Noise (std, data units) of a keypoint seen with full confidence: one for all, or one each."""
    given = np.asarray(params.keypoint_noise, float)
    if given.size and (given > 0).all():
        return given
    common = params.noise_std or _jitter(seqs)
    return np.where(given > 0, given, common) if given.size else common


def _jitter(seqs: PoseSequences) -> float:
    """Frame-to-frame jitter (std, data units): third differences cancel smooth movement."""
    third = np.diff(seqs.y, 3, axis=0)
    return float(1.4826 * np.nanmedian(np.abs(third)) / np.sqrt(20) + 1e-6)


def _filled(seqs: PoseSequences) -> np.ndarray:
    """Keypoints with untrusted and missing ones interpolated in time inside each recording; NaN where never seen."""
    out = np.where((seqs.confidence >= TRUSTED)[..., None], seqs.y, np.nan).astype(np.float64)
    for a, b in zip(seqs.offsets[:-1], seqs.offsets[1:], strict=True):
        frames = np.arange(b - a)
        for k in range(out.shape[1]):
            known = ~np.isnan(out[a:b, k]).any(axis=1)
            if not known.any():  # Rather an untrusted keypoint than none.
                out[a:b, k] = seqs.y[a:b, k]
                known = ~np.isnan(out[a:b, k]).any(axis=1)
            if known.any() and not known.all():
                for s in range(out.shape[2]):
                    out[a:b, k, s] = np.interp(frames, frames[known], out[a:b, k, s][known])
    return out


def _first_guess(filled: np.ndarray, anterior: np.ndarray, posterior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heading (N,) from rear to front and centroid (N, S), mean of the keypoints."""
    axis = _mean(filled[:, anterior]) - _mean(filled[:, posterior])
    return np.arctan2(axis[:, 1], axis[:, 0]), _mean(filled)


def _mean(points: np.ndarray) -> np.ndarray:
    known = ~np.isnan(points)
    return np.where(known, points, 0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
