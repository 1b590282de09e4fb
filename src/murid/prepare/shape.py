"""Alignment by the whole shape: each frame is moved and turned onto a mean shape by all points it has.

A heading taken from two points carries their jitter into every coordinate, and is lost when one of them
is hidden. Here place and heading of a frame are those that bring its visible points nearest to a mean
shape, in closed form (Procrustes without scaling; Gower 1975 for the mean shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from murid.data.errors import fail


class Aligned(NamedTuple):
    """Points (T, P, 2) in the animal's own frame, centre (T, 2) and heading (T,) in rad; NaN where unknown."""

    points: np.ndarray
    centre: np.ndarray
    heading: np.ndarray


def align_to(xy: np.ndarray, template: np.ndarray, *, least: int = 2) -> Aligned:
    """Move and turn every frame onto a mean shape.

    Parameters
    ----------
    xy : (T, P, 2) array
        Points, any unit; NaN where hidden.
    template : (P, 2) array
        Mean shape in the same unit, as `fit_template` gives it.
    least : int
        Frames with fewer visible points stay NaN.

    Returns
    -------
    Aligned
        ``xy = centre + turn(heading) · points``.
    """
    z, m = _complex(xy), _complex(np.asarray(template))
    seen = ~np.isnan(z)
    number = np.maximum(seen.sum(axis=1), 1)
    middle = np.where(seen, z, 0).sum(axis=1) / number
    own_middle = (seen * m).sum(axis=1) / number
    away = np.where(seen, z - middle[:, None], 0)
    turn = (away * np.conj(m - own_middle[:, None])).sum(axis=1)
    size = np.abs(turn)
    # Points that coincide have no heading.
    known = (seen.sum(axis=1) >= least) & (size > 1e-9 * max(float((np.abs(m) ** 2).sum()), 1e-300))
    turn = np.where(known, turn / np.where(size > 0, size, 1), np.nan)
    centre = middle - own_middle * turn
    points = (z - centre[:, None]) * np.conj(turn)[:, None]
    heading = np.where(known, np.angle(np.where(known, turn, 1)), np.nan)
    return Aligned(_real(points), _real(centre), heading)


def fit_template(parts: Sequence[np.ndarray], *, rounds: int = 10, max_frames: int = 20_000) -> np.ndarray:
    """Mean shape of animals, centred at 0 and turned so that it looks along +x.

    Parameters
    ----------
    parts : sequence of (T_i, P, 2) arrays
        Points, any unit, the same for all; NaN where hidden.
    rounds : int
        Alignments to the mean and new means; a few suffice.
    max_frames : int
        At most so many frames, evenly spaced, are looked at.

    Returns
    -------
    (P, 2) array
        The first points lie ahead: points are given from nose to tail (as roles are).

    Raises
    ------
    DataError
        When a point is never seen, or the points do not move apart.
    """
    xy = np.concatenate([np.asarray(p, np.float64) for p in parts])
    seen = ~np.isnan(xy).any(axis=2)
    hidden = np.flatnonzero(~seen.any(axis=0))
    if len(hidden):
        fail("posture", "points that are never seen", got=str(hidden.tolist()), todo="leave them out with points=")
    best = np.flatnonzero(seen.sum(axis=1) == seen.sum(axis=1).max())
    sample = xy[seen.sum(axis=1) >= 2]
    sample = sample[:: max(1, -(-len(sample) // max_frames))]
    mean = xy[best[len(best) // 2]]
    mean = np.where(np.isnan(mean), np.nanmean(mean, axis=0), mean)
    for _ in range(rounds):
        mean = mean - mean.mean(axis=0)
        aligned = align_to(sample, mean).points
        mean = np.stack([_mean(aligned[:, p]) for p in range(aligned.shape[1])])
    spread = np.sqrt(((mean - mean.mean(axis=0)) ** 2).sum())
    if not spread > 0 or np.nanmax(np.abs(aligned - mean)) <= 1e-6 * spread:
        fail(
            "posture",
            "the points never move against each other",
            expected="an animal that changes its posture",
            got="constant keypoints",
            todo="check the tracks with: murid check",
        )
    mean -= mean.mean(axis=0)
    # The long axis of the shape, with the first points ahead.
    axis = np.linalg.svd(mean)[2][0]
    half = max(1, len(mean) // 2)
    if axis @ (mean[:half].mean(axis=0) - mean[-half:].mean(axis=0)) < 0:
        axis = -axis
    mean = _real(_complex(mean) * (axis[0] - 1j * axis[1]))
    return mean


def _mean(points: np.ndarray) -> np.ndarray:
    """Mean (2,) of the seen among points (T, 2)."""
    return points[~np.isnan(points).any(axis=1)].mean(axis=0)


def _complex(xy: np.ndarray) -> np.ndarray:
    return np.asarray(xy[..., 0] + 1j * xy[..., 1])


def _real(z: np.ndarray) -> np.ndarray:
    return np.stack([z.real, z.imag], axis=-1)
