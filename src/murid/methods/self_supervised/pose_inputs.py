"""What networks see of a track: distances, posture, movement and place, on even time, in body lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from murid.data.zones import Zone
from murid.features.zone import depth
from murid.prepare.even_time import smooth_known
from murid.prepare.shape import Aligned

#: Windows of the mean speed, s: a step, an action, a spell of activity.
SPEED_WINDOWS_S = (0.0, 0.5, 1.5, 4.5)

#: Half waves over the arena: from halves of it down to a quarter.
PLACE_WAVES = (1, 2, 4)


def distances(xy: np.ndarray) -> np.ndarray:
    """Distances between points of a row, and from each point of the next row to every point of this one.

    Parameters
    ----------
    xy : (n, P, 2) array

    Returns
    -------
    float32 array (n, P(P − 1)/2 + P²)
        As in DBM: shape and movement, no place. A row so knows where the points are one row later, as published. The
        last row has no next one and repeats those distances of the row before it.
    """
    i, j = np.triu_indices(xy.shape[1], 1)
    within = np.linalg.norm(xy[:, i] - xy[:, j], axis=2)
    if len(xy) < 2:
        between = np.full((len(xy), xy.shape[1] ** 2), np.nan)
    else:
        between = np.linalg.norm(xy[1:, :, None] - xy[:-1, None, :], axis=3).reshape(len(xy) - 1, -1)
        between = np.concatenate([between, between[-1:]])
    return np.concatenate([within, between], axis=1).astype(np.float32)


def movement(aligned: Aligned, rate_hz: float, windows_s: Sequence[float] = SPEED_WINDOWS_S) -> np.ndarray:
    """Log of the mean speed over some windows, and turning; float32 ``(n, windows + 1)``.

    Speed in body lengths/s (log of 1 + speed: between standing and walking lies the difference, not between running
    and running faster), turning in rad/s.
    """
    centre = aligned.centre
    step = np.full(len(centre), np.nan)
    turn = np.full(len(centre), np.nan)
    step[1:] = np.linalg.norm(np.diff(centre, axis=0), axis=1) * rate_hz
    turn[1:] = np.angle(np.exp(1j * np.diff(aligned.heading))) * rate_hz
    # A boxcar's spread is its length / √12.
    speeds = [smooth_known(step[:, None], w * rate_hz / np.sqrt(12)) for w in windows_s]
    return np.concatenate([np.log1p(np.concatenate(speeds, 1)), turn[:, None]], axis=1).astype(np.float32)


def steps(aligned: Aligned, rate_hz: float) -> np.ndarray:
    """Forward and sideways speed (body lengths/s) and turning (rad/s); float32 ``(n, 3)``.

    Sideways and turning are positive clockwise as seen in the picture, whose y points down: to the animal's right.
    The first row is NaN.
    """
    out = np.full((len(aligned.centre), 3), np.nan, np.float32)
    moved = np.diff(aligned.centre, axis=0) * rate_hz
    cos, sin = np.cos(aligned.heading[1:]), np.sin(aligned.heading[1:])
    out[1:, 0] = cos * moved[:, 0] + sin * moved[:, 1]
    out[1:, 1] = cos * moved[:, 1] - sin * moved[:, 0]
    out[1:, 2] = np.angle(np.exp(1j * np.diff(aligned.heading))) * rate_hz
    return out


def place(
    xy: np.ndarray,
    aligned: Aligned,
    kind: str,
    *,
    zones: Sequence[Zone] = (),
    length: float = 1.0,
    bounds: np.ndarray | None = None,
) -> np.ndarray:
    """Where the animal is, float32 ``(n, columns)``.

    Parameters
    ----------
    xy : (n, P, 2) array
        Body lengths; the first point is the foremost.
    aligned : Aligned
    kind : {"zones", "camera", "none"}
        Depths of the centre and of the first point in each zone; or coordinates in the picture: centre, first point,
        heading, the body's extent, and waves over the arena, from which a small network tells places that straight
        lines do not bound.
    zones : list of Zone
        For "zones".
    length : float
        Body length in the unit of the zones.
    bounds : (2, 2) array
        For "camera": least and largest x, y of the training tracks, body lengths.
    """
    if kind == "none":
        return np.empty((len(xy), 0), np.float32)
    both = (aligned.centre, xy[:, 0])
    if kind == "zones":
        columns = [depth(zone, np.asarray(p.T, np.float32), length) for zone in zones for p in both]
        return np.stack(columns, axis=1).astype(np.float32)
    heading = np.stack([np.cos(aligned.heading), np.sin(aligned.heading)], axis=1)
    # fmin and fmax pass over hidden points.
    extent = np.concatenate([np.fmin.reduce(xy, axis=1), np.fmax.reduce(xy, axis=1)], axis=1)
    low, high = np.asarray(bounds, np.float64)
    share = np.concatenate([(p - low) / np.maximum(high - low, 1e-9) for p in both], axis=1)
    waves = [f(np.pi * k * share) for k in PLACE_WAVES for f in (np.sin, np.cos)]
    return np.concatenate([*both, heading, extent, *waves], axis=1).astype(np.float32)


def bounds_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Least and largest x, y ``(2, 2)`` of tracks ``(n, P, 2)``, but for 1 % of the points: jumps are no places."""
    points = np.concatenate([p.reshape(-1, 2) for p in parts])
    return np.nanpercentile(points, [0.5, 99.5], axis=0)
