"""What networks see of a track: distances, posture, movement and place, on even time, in body lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.data.clock import rate_of
from murid.data.recording import Recording
from murid.features.zone import depth
from murid.learn.fitted import Fitted
from murid.prepare.even import smooth_known
from murid.prepare.shape import Aligned, align_to, fit_template

#: Windows of the mean speed, s: a step, an action, a mood.
SPEED_WINDOWS_S = (0.0, 0.5, 1.5, 4.5)


@dataclass(frozen=True)
class Template(Fitted):
    """Mean shape of the animals, ``(point, 2)`` in body lengths, looking along +x."""

    points: np.ndarray


def distances(xy: np.ndarray) -> np.ndarray:
    """Distances between points of a row, and from each point to every point one row earlier.

    Parameters
    ----------
    xy : (n, P, 2) array

    Returns
    -------
    float32 array (n, P(P − 1)/2 + P²)
        As in DBM: shape and movement, no place. The last row repeats the one before it.
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
    """Forward and sideways speed (body lengths/s, left positive) and turning (rad/s); float32 ``(n, 3)``.

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
    xy: np.ndarray, aligned: Aligned, kind: str, recording: Recording, zones: Sequence[str], length: float
) -> np.ndarray:
    """Where the animal is, float32 ``(n, columns)``.

    Parameters
    ----------
    xy : (n, P, 2) array
        Body lengths; the first point is the foremost.
    aligned : Aligned
    kind : {"zones", "camera", "none"}
        Depths of the centre and of the first point in each zone, and the heading; or coordinates in the picture.
    zones : sequence of str
        Names of the zones to use.
    length : float
        Body length in the unit of the zones.
    """
    if kind == "none":
        return np.empty((len(xy), 0), np.float32)
    heading = np.stack([np.cos(aligned.heading), np.sin(aligned.heading)], axis=1)
    if kind == "camera":
        return np.concatenate([aligned.centre, xy[:, 0], heading], axis=1).astype(np.float32)
    own = recording.need("zones")
    columns = [
        depth(own[name], np.asarray(points.T, np.float32), length)
        for name in zones
        for points in (aligned.centre, xy[:, 0])
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def template_of(parts: Sequence[np.ndarray], per_track: int = 2000) -> Template:
    """Mean shape over some frames ``(n, P, 2)`` of every track."""
    some = []
    for xy in parts:
        seen = np.flatnonzero((~np.isnan(xy).any(axis=2)).sum(axis=1) >= 2)
        some.append(xy[seen[:: max(1, len(seen) // per_track)]])
    return Template(fit_template(some))


def align(xy: np.ndarray, template: Template, min_seen: float = 0.5) -> Aligned:
    """Bring rows onto the mean shape; those with less than `min_seen` of the points are NaN."""
    return align_to(xy, template.points, least=max(2, int(np.ceil(min_seen * xy.shape[1]))))


def slowest_rate(recordings: Sequence[Recording], wanted_hz: float) -> float:
    """Return the wanted rate, or that of the slowest recording when it is lower."""
    rates = [rate_of(r.need("poses")["time"].values) for r in recordings]
    known = [r for r in rates if np.isfinite(r)]
    return float(min([wanted_hz, *known]))
