"""Planned walks: the numbers of a test are worked out by hand."""

from __future__ import annotations

import numpy as np

import murid
from murid.prepare import CleanParams

FPS = 25.0
RAW = CleanParams(smoothing="none", jumps=False)


def stay(*stops: tuple[float, float, float]) -> np.ndarray:
    """Places (frame, 2) of an animal that jumps from stop to stop: x, y, seconds each."""
    return np.concatenate([np.repeat([[float(x), float(y)]], round(s * FPS), axis=0) for x, y, s in stops])


def walked(xy, zones, *, nose=(4.0, 0.0), **keys) -> murid.Recording:
    """A recording in cm: body centre at `xy`, nose and tail base before and behind it."""
    xy, ahead = np.asarray(xy, float), np.asarray(nose, float)
    # The tail lies along the body: longer ahead is no longer body, so the base stays 4 cm behind.
    behind = (
        -4 * ahead / np.hypot(*ahead.reshape(-1, 2).T)[:, None] if ahead.ndim == 2 else -4 * ahead / np.hypot(*ahead)
    )
    points = np.stack([xy + ahead, xy + ahead * 0.5, xy + ahead * 0.25, xy, xy + behind], axis=2)
    names = ["nose", "head", "neck", "centre", "tail_base"]
    poses = murid.make_poses(points[..., None], keypoints=names, individuals=["m"], fps=FPS, unit="cm")
    return murid.Recording("r", poses=poses, zones=murid.Zones(zones), **keys)


def box(name: str, x0: float, y0: float, x1: float, y1: float, kind: str = "") -> murid.Zone:
    """A rectangle in cm."""
    return murid.Zone(name, [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], unit="cm", kind=kind)
