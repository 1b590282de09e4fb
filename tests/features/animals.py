"""Animals whose poses are a function of time alone, and when two tables of features are the same."""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.data.poses import make_poses
from murid.features import FeatureParams

KEYPOINTS = ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"]
SKELETON = np.array([[4, 0], [3, -1], [3, 1], [2, 0], [-2, -1.2], [-2, 1.2], [-3.5, 0]], float)
SMALL = FeatureParams(windows_s=(0.1, 1.0))
NO_WINDOWS = FeatureParams(windowed=())


def walk(t: np.ndarray, seed: int) -> np.ndarray:
    """A smooth walk that bends and turns: ``(time, 2, keypoint)`` in cm, a function of time alone."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0.05, 0.4, 3)
    heading = 2 * np.sin(2 * np.pi * a * t) + seed
    centre = np.stack([15 * np.sin(2 * np.pi * b * t + seed), 12 * np.cos(2 * np.pi * c * t)], 1)
    bend = 0.5 * np.sin(2 * np.pi * 0.31 * t)
    points = np.repeat(SKELETON[None], t.size, 0)
    points[:, :4] = turned(points[:, :4], bend)
    return (turned(points, heading) + centre[:, None]).transpose(0, 2, 1)


def turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], -1)


def walking_poses(
    n: int = 300,
    fps: float = 30.0,
    animals: int = 2,
    *,
    gaps: float = 0.0,
    unit: str = "cm",
    scale: float = 1.0,
    keypoints: list[str] = KEYPOINTS,
) -> xr.Dataset:
    t = np.arange(n) / fps
    position = np.stack([walk(t, i) for i in range(animals)], -1) * scale + 100 * scale
    rng = np.random.default_rng(9)
    confidence = rng.uniform(0.3, 1, (n, len(KEYPOINTS), animals))
    lost = rng.random((n, 1, len(KEYPOINTS), animals)) < gaps
    position[np.broadcast_to(lost, position.shape)] = np.nan
    return make_poses(
        position, confidence, keypoints=keypoints, individuals=[f"m{i}" for i in range(animals)], fps=fps, unit=unit
    )


def seen_from_elsewhere(poses: xr.Dataset, angle: float, shift: tuple[float, float]) -> xr.Dataset:
    cos, sin = np.cos(angle), np.sin(angle)
    position = poses["position"].values.astype(np.float64)
    x, y = position[:, 0], position[:, 1]
    turned = np.stack([cos * x - sin * y + shift[0], sin * x + cos * y + shift[1]], 1)
    return poses.assign(position=(poses["position"].dims, turned.astype(np.float32)))


def assert_same(a: xr.DataArray, b: xr.DataArray, share: float = 1e-2) -> None:
    """Equal up to `share` of each feature's spread: positions are float32 and accelerations divide by 0.004 s²."""
    assert a["feature"].values.tolist() == b["feature"].values.tolist()
    for i, name in enumerate(a["feature"].values):
        atol = share * (np.nanstd(a.values[:, i]) + 1) if np.isfinite(a.values[:, i]).any() else 0.0
        np.testing.assert_allclose(a.values[:, i], b.values[:, i], rtol=share, atol=atol, err_msg=str(name))
