"""Pose state of a keypoint SLDS: latent shape, heading, centroid and keypoint noise, and their updates.

Every update has one form for two uses: with a random stream it is a Gibbs step, without one it
moves to the conditional mean or mode, so that applying a model needs no randomness.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from murid.learn.segment._banded_chain import sample_path, solve_walk
from murid.learn.segment.chains import Chain, Segment

START_VARIANCE = 10.0  # Of the first frames of a chain, in whitened units, as in keypoint-MoSeq.

WORK = threading.local()  # One band of each thread: fresh pages cost more than the arithmetic.


@dataclass
class PoseState:
    """Poses and what explains them: ``y = v + R(h)·(H x + d) + noise``, noise variance `s`.

    Parameters
    ----------
    y : (N, K, S) float32
        Keypoints in data units; 0 where not seen. S is 2 or 3; heading turns the first two axes.
    seen : (N, K) bool
    x : (N, D) float32
        Latent shape, whitened.
    heading : (N,) float32
        In radians.
    centroid : (N, S) float32
        In data units.
    noise, noise_prior : (N, K) float32
        Variance of each keypoint in each frame, and its prior scale, in squared data units.
    shape : (K, S, D) array
        H.
    rest : (K, S) array
        d, mean shape.
    step_variance : float
        Variance of a step of the centroid, in squared data units a frame.
    noise_dof : float
        Degrees of freedom of the noise.
    """

    y: np.ndarray
    seen: np.ndarray
    x: np.ndarray
    heading: np.ndarray
    centroid: np.ndarray
    noise: np.ndarray
    noise_prior: np.ndarray
    shape: np.ndarray
    rest: np.ndarray
    step_variance: float
    noise_dof: float

    def __post_init__(self) -> None:
        k, s, d = self.shape.shape
        self.flat = np.ascontiguousarray(self.shape.reshape(k * s, d), np.float64)
        self.squares = np.einsum("ksi,ksj->kij", self.shape, self.shape).reshape(k, d * d)

    def weights(self, part: slice | np.ndarray) -> np.ndarray:
        """Precision (T, K) of each keypoint; 0 where not seen."""
        return np.where(self.seen[part], 1.0 / self.noise[part], 0.0)

    def body(self, part: slice | np.ndarray) -> np.ndarray:
        """Keypoints (T, K, S) in the animal's own frame as the latent shape predicts them."""
        k, s, _ = self.shape.shape
        return (self.x[part] @ self.flat.T).reshape(-1, k, s) + self.rest

    def shape_evidence(self, part: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the seen keypoints say of the shape: precision (T, D, D) and precision times value (T, D)."""
        weight, d = self.weights(part), self.x.shape[1]
        own = turn(self.y[part] - self.centroid[part, None], -self.heading[part]) - self.rest
        pull = (own * weight[..., None]).reshape(len(own), -1) @ self.flat
        return (weight.astype(np.float64) @ self.squares).reshape(-1, d, d), pull

    def settle(self, rounds: int = 5, block: int = 20_000) -> None:
        """Move shape, heading and centroid of each frame by itself to what its seen keypoints say.

        The shape counts as drawn from N(0, 1) in its whitened dimensions, so that a frame with few keypoints is not
        torn away from the mean shape. Frames without a keypoint, and those outside all chains, stay.
        """
        d = self.x.shape[1]
        shown = np.flatnonzero(self.seen.any(axis=1) & ~np.isnan(self.x).any(axis=1))
        for start in range(0, len(shown), block):
            at = shown[start : start + block]
            weight, y = self.weights(at), self.y[at]
            for _ in range(rounds):
                precision, pull = self.shape_evidence(at)
                self.x[at] = np.linalg.solve(precision + np.eye(d), pull[..., None])[..., 0]
                self.update_heading(at)
                free = y - turn(self.body(at), self.heading[at])
                self.centroid[at] = (weight[..., None] * free).sum(axis=1) / weight.sum(axis=1, keepdims=True)

    def update_shape(self, segment: Segment, chain: Chain, states, quadratic, linear, rng=None) -> None:
        """Latent shape of one segment given all else, frames beside its borders included."""
        part = slice(segment.start, segment.stop)
        n, d = segment.stop - segment.start, self.x.shape[1]
        width = quadratic.shape[1]
        precision, pull = self.shape_evidence(part)
        rows = n * d + width
        if getattr(WORK, "band", np.empty((0, 0))).shape[1] != width or len(WORK.band) < rows:
            WORK.band = np.empty((rows, width))
        potential = np.empty(rows)
        edges = np.array([segment.start, segment.stop, chain.start, chain.stop])
        noise = np.zeros(n * d) if rng is None else rng.standard_normal(n * d)
        sample_path(
            WORK.band,
            potential,
            self.x,
            states,
            edges,
            quadratic,
            linear,
            1 / START_VARIANCE,
            precision.reshape(n, d * d),
            pull,
            noise,
        )
        self.x[part] = potential[: n * d].reshape(n, d)

    def update_heading(self, part: slice | np.ndarray, rng=None) -> None:
        """Heading of each seen frame of `part`: von Mises around the best rotation."""
        weight, body = self.weights(part), self.body(part)
        own = self.y[part] - self.centroid[part, None]
        along = (weight * (own[..., 0] * body[..., 0] + own[..., 1] * body[..., 1])).sum(axis=1)
        across = (weight * (own[..., 1] * body[..., 0] - own[..., 0] * body[..., 1])).sum(axis=1)
        best, sharpness = np.arctan2(across, along), np.hypot(along, across)
        if rng is not None:
            best = rng.vonmises(best, np.maximum(sharpness, 1e-6))
        self.heading[part] = np.where(sharpness > 0, best, self.heading[part])

    def update_centroid(self, chain: Chain, rng=None) -> None:
        """Centroid of one chain: a random walk seen through all keypoints."""
        n = chain.stop - chain.start
        total, pull = np.empty(n), np.empty((n, self.y.shape[2]))
        for start in range(chain.start, chain.stop, 8192):
            part = slice(start, min(start + 8192, chain.stop))
            weight = self.weights(part)
            rows = slice(start - chain.start, part.stop - chain.start)
            total[rows] = weight.sum(axis=1)
            free = self.y[part] - turn(self.body(part), self.heading[part])
            pull[rows] = np.einsum("tk,tks->ts", weight, free)
        noise = np.zeros(pull.shape) if rng is None else rng.standard_normal(pull.shape)
        solve_walk(total, pull, 1 / self.step_variance, noise)
        self.centroid[chain.start : chain.stop] = pull

    def update_noise(self, segment: Segment, rng=None) -> None:
        """Noise variance of each keypoint and frame: scaled inverse χ²."""
        part = slice(segment.start, segment.stop)
        miss = self.y[part] - self.centroid[part, None] - turn(self.body(part), self.heading[part])
        total = self.noise_dof * self.noise_prior[part] + (miss**2).sum(axis=2)
        dof = self.noise_dof + self.y.shape[2]
        if rng is None:
            fresh = total / dof
        else:
            fresh = total / (2 * rng.standard_gamma(dof / 2, total.shape, np.float32))
        self.noise[part] = np.where(self.seen[part], fresh, self.noise_prior[part])


def turn(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotate points (T, K, S) by `angle` (T,) radians in the plane of the first two axes."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    out = points.copy()
    out[..., 0] = c * points[..., 0] - s * points[..., 1]
    out[..., 1] = s * points[..., 0] + c * points[..., 1]
    return out


def factors(coef: np.ndarray, cov: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision (K, W, W) and potential (K, W) of each state's dynamics over ``[x_{t-lags}, …, x_t]``."""
    k, d, _ = coef.shape
    blocks = [-coef[:, :, lag * d : (lag + 1) * d] for lag in reversed(range(lags))]
    maps = np.concatenate([*blocks, np.broadcast_to(np.eye(d), (k, d, d))], axis=2)
    weighted = np.linalg.solve(cov, maps)
    quadratic = maps.transpose(0, 2, 1) @ weighted
    linear = np.einsum("kdw,kd->kw", weighted, coef[:, :, -1])
    return np.ascontiguousarray(quadratic), np.ascontiguousarray(linear)
