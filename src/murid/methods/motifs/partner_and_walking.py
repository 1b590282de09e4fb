"""Channels beside posture for `syllables` and `moseq`: walking, and the nearest partner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from murid.prepare.shape import Aligned


def walking_channels(own: Aligned, rate_hz: float) -> np.ndarray:
    """Speed ahead and to the side (body lengths/s) and turning (rad/s), ``(row, 3)``; NaN beside gaps."""
    step = np.full(own.centre.shape, np.nan)
    step[1:-1] = (own.centre[2:] - own.centre[:-2]) / 2 * rate_hz
    turn = np.full(len(step), np.nan)
    turn[1:-1] = np.angle(np.exp(1j * (own.heading[2:] - own.heading[:-2]))) / 2 * rate_hz
    if len(step) > 1:
        step[[0, -1]], turn[[0, -1]] = step[[1, -2]], turn[[1, -2]]
    cos, sin = np.cos(own.heading), np.sin(own.heading)
    return np.stack([cos * step[:, 0] + sin * step[:, 1], cos * step[:, 1] - sin * step[:, 0], turn], axis=1)


def partner_channels(own: Aligned, others: Sequence[Aligned]) -> np.ndarray:
    """Where the nearest partner is and where it looks, seen from the animal, ``(row, 4)``.

    Place as a direction that shrinks with nearness to (1, 0)-like length d / (1 + d), d in body lengths, and
    heading of the partner relative to the own, weighted by 1 / (1 + d): a far partner says little. NaN
    where none is seen.
    """
    n = len(own.centre)
    if not others:
        return np.full((n, 4), np.nan)
    away = np.stack([other.centre - own.centre for other in others])
    far = np.linalg.norm(away, axis=2)
    nearest = np.where(np.isnan(far), np.inf, far).argmin(axis=0)
    rows = np.arange(n)
    d, way = far[nearest, rows], away[nearest, rows]
    looks = np.stack([other.heading for other in others])[nearest, rows] - own.heading
    cos, sin = np.cos(own.heading), np.sin(own.heading)
    ahead, side = cos * way[:, 0] + sin * way[:, 1], cos * way[:, 1] - sin * way[:, 0]
    near = 1 / (1 + d)
    return np.stack([ahead * near, side * near, np.cos(looks) * near, np.sin(looks) * near], axis=1)


def scale_of(extra: np.ndarray) -> dict[str, list[float]]:
    """Mean and SD of each channel ``(row, channel)``, as ``extra_mean, extra_sd``.

    SD 0, which makes a channel say nothing, where training never saw it (no partner) or saw one value alone.
    """
    seen = np.isfinite(extra).any(axis=0)
    mean, sd = np.zeros(extra.shape[1]), np.zeros(extra.shape[1])
    if seen.any():
        mean[seen], sd[seen] = np.nanmean(extra[:, seen], axis=0), np.nanstd(extra[:, seen], axis=0)
    return {"extra_mean": mean.tolist(), "extra_sd": np.where(sd > 1e-6, sd + 1e-6, 0.0).tolist()}


def scaled_channels(extra: np.ndarray, scale: Mapping[str, Any], known: np.ndarray) -> np.ndarray:
    """Channels ``(row, channel)`` in SD from their mean, by `scale_of`.

    A channel may be unknown for a row whose posture is `known` (no partner in sight): its mean then says nothing
    either way.
    """
    if not extra.shape[1]:
        return extra
    mean, sd = (np.asarray(scale[k], float) for k in ("extra_mean", "extra_sd"))
    scaled = (extra - mean) / np.where(sd > 0, sd, np.inf)
    return np.where(np.isnan(scaled) & known[:, None], 0, scaled)
