"""Simulated tracks with known truth, shared by the tests of this folder."""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.data.poses import make_poses

KEYPOINTS = ("nose", "neck", "centre", "tail_base")
#: Body plan along the animal's axis, cm.
ALONG = np.array([4.0, 1.5, 0.0, -4.0])


def smooth_path(n: int, fps: float, rng: np.random.Generator, size: float = 40.0, speed: float = 12.0) -> np.ndarray:
    """A wandering path ``(time, 2)`` in cm that stays within ``size`` × ``size`` (mirror walls)."""
    turn = np.cumsum(rng.normal(0, 1.5 / np.sqrt(fps), n))
    pace = speed * (1 + 0.8 * np.sin(2 * np.pi * 0.3 * np.arange(n) / fps + rng.uniform(0, 6)))
    path = np.cumsum(np.column_stack([np.cos(turn), np.sin(turn)]) * pace[:, None] / fps, axis=0)
    path += rng.uniform(0, size, 2)
    return size - np.abs(path % (2 * size) - size)


def animals(
    n: int = 3000, fps: float = 30.0, n_ind: int = 2, seed: int = 0, noise: float = 0.0, unit: str = "cm"
) -> xr.Dataset:
    """Animals of 8 cm that wander in 40 × 40 cm; px are 10 per cm."""
    rng = np.random.default_rng(seed)
    position = np.empty((n, 2, len(KEYPOINTS), n_ind))
    for i in range(n_ind):
        centre = smooth_path(n, fps, rng)
        angle = np.cumsum(rng.normal(0, 1.0 / np.sqrt(fps), n))
        axis = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        position[..., i] = centre[:, :, None] + axis[:, :, None] * ALONG
    position += rng.normal(0, noise, position.shape) if noise else 0.0
    scale = 10.0 if unit == "px" else 1.0
    confidence = rng.uniform(0.9, 1.0, (n, len(KEYPOINTS), n_ind))
    return make_poses(
        position * scale,
        confidence,
        keypoints=KEYPOINTS,
        individuals=[f"m{i}" for i in range(n_ind)],
        fps=fps,
        unit=unit,
    )


def with_position(poses: xr.Dataset, position: np.ndarray) -> xr.Dataset:
    """Copy with other positions."""
    return poses.assign(position=(poses["position"].dims, position.astype(np.float32)))
