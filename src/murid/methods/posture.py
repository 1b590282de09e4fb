"""Posture as several methods see it: tracks turned onto the mean shape of the animals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.learn.fitted_part import Fitted
from murid.prepare.shape import Aligned, align_to, fit_template


@dataclass(frozen=True)
class Template(Fitted):
    """Mean shape of the animals, ``(point, 2)`` in body lengths, looking along +x."""

    points: np.ndarray


def template_rows(tracks: Sequence[np.ndarray], per_track: int = 2000) -> list[np.ndarray]:
    """Return the frames of each track that a template is made of: at most about `per_track`, with two points or more.

    Parameters
    ----------
    tracks : sequence of (n, P, 2) arrays
        Points in body lengths; NaN where hidden.
    per_track : int
        Wanted frames of a track, evenly spread over it, so that a long track does not outweigh many short ones.
    """
    rows = []
    for xy in tracks:
        usable = np.flatnonzero((~np.isnan(xy).any(axis=2)).sum(axis=1) >= 2)
        rows.append(xy[usable[:: max(1, len(usable) // per_track)]])
    return rows


def template_of(tracks: Sequence[np.ndarray], per_track: int = 2000) -> Template:
    """Return the mean shape over some frames of every track; see `template_rows`."""
    return Template(fit_template(template_rows(tracks, per_track)))


def align_to_template(xy: np.ndarray, template: Template, min_seen: float = 0.5) -> Aligned:
    """Bring rows ``(n, P, 2)`` onto the mean shape; those with fewer than `min_seen` of the points, or two, are NaN."""
    return align_to(xy, template.points, least=max(2, int(np.ceil(min_seen * xy.shape[1]))))
