"""One arena for all recordings of a camera that stood still.

An animal that avoids a wall would move its own estimate, and its scale with it; all animals together reach every
wall. Cameras are told apart by the column ``camera`` of the sheet; a recording in which the camera was moved shows
itself by an outline of the same size at another place, and keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from murid.assays.arena import Shape, centre_only
from murid.data.errors import fail
from murid.data.poses import make_poses
from murid.data.warning import warn_user
from murid.data.zones import Zone
from murid.prepare import ArenaEstimate, estimate_arena

#: Positions kept of each recording: enough for a reach at the 99.9th percentile.
POSITIONS = 4000
#: An outline of a like size whose middle lies off by more than this share of its side is another place.
MOVED, LIKE = 0.1, 0.1
#: A recording that reaches over less than this share of a side is said: it may be another camera's.
SHORT = 0.75


def shared_arena(
    recordings: Sequence[tuple[xr.Dataset, Mapping[str, str] | None]], shape: Shape = "auto"
) -> ArenaEstimate:
    """Estimate one arena from the body centre in all recordings of one camera that stood still.

    Parameters
    ----------
    recordings : sequence of (poses, roles)
        Cleaned poses in one unit and frame of reference.
    shape : {"auto", "box", "circle"}

    Returns
    -------
    ArenaEstimate
        In the unit of the poses.
    """
    if not recordings:
        fail("shared arena", "no recordings given")
    units = {str(poses.attrs["unit"]) for poses, _ in recordings}
    if len(units) > 1:
        fail("shared arena", "poses are in different units", expected="one unit", got=", ".join(sorted(units)))
    return _pooled([positions_of(*recording) for recording in recordings], units.pop(), shape)


def positions_of(poses: xr.Dataset, roles: Mapping[str, str] | None) -> np.ndarray:
    """Return positions (n, 2) of the body centres, evenly over the recording, at most `POSITIONS`."""
    xy = np.moveaxis(centre_only(poses, roles)["position"].values[:, :2, 0].astype(np.float64), 1, -1).reshape(-1, 2)
    xy = xy[np.isfinite(xy).all(axis=1)]
    return xy if len(xy) <= POSITIONS else xy[np.linspace(0, len(xy) - 1, POSITIONS).astype(int)]


def arenas_by_recording(brought: Mapping[str, Mapping[str, Any] | None], shape: Shape) -> dict[str, dict[str, Any]]:
    """Return the arena that every recording is given.

    Parameters
    ----------
    brought : mapping of recording to mapping, or None
        ``camera``, ``unit`` and ``xy`` (n, 2), of recordings whose arena must be guessed; None for others.
    shape : {"auto", "box", "circle"}

    Returns
    -------
    dict of recording to dict
        ``zone, shape, visited, misfit`` of `ArenaEstimate` and ``recordings``, how many it is from. Recordings whose
        camera was moved are missing: they guess for themselves.
    """
    cameras: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for recording, own in brought.items():
        # An estimate takes 100 positions; a recording with fewer says so itself, in its own step.
        if own is not None and len(own["xy"]) >= 100:
            xy = np.asarray(own["xy"], np.float64)
            cameras.setdefault((str(own["camera"]), str(own["unit"])), {})[recording] = xy
    out: dict[str, dict[str, Any]] = {}
    for (_, unit), tracks in cameras.items():
        moved = moved_recordings(tracks, unit)
        still = [r for r in tracks if r not in moved]
        if len(still) < 2:
            continue
        guess = _pooled([tracks[r] for r in still], unit, shape)
        _tell_short({r: tracks[r] for r in still}, guess.zone)
        plain = {**asdict(guess), "zone": guess.zone.to_dict(), "recordings": len(still)}
        out |= dict.fromkeys(still, plain)
    return out


def moved_recordings(tracks: Mapping[str, np.ndarray], unit: str) -> list[str]:
    """Return the recordings whose outline is as large as the others' and lies at another place."""
    boxes = {r: estimate_arena(_poses(xy, unit), "box") for r, xy in tracks.items()}
    bounds = {r: b.zone.bounds for r, b in boxes.items() if b.reliable}
    if len(bounds) < 3:
        return []
    middle = {r: (low + high) / 2 for r, (low, high) in bounds.items()}
    size = {r: high - low for r, (low, high) in bounds.items()}
    usual, side = np.median(list(middle.values()), axis=0), np.median(list(size.values()), axis=0)
    return [
        r
        for r in bounds
        if (np.abs(middle[r] - usual) > MOVED * side).any() and (np.abs(size[r] / side - 1) <= LIKE).all()
    ]


def _tell_short(tracks: Mapping[str, np.ndarray], arena: Zone) -> None:
    """Warn of recordings that reach over much less than the common arena: another camera, or an animal that sat still.

    Which of the two it is cannot be told from tracks; for the first the common arena would be wrong in scale.
    """
    low, high = arena.bounds
    short = [r for r, xy in tracks.items() if (np.ptp(xy, axis=0) < SHORT * (high - low)).any()]
    if short:
        names = ", ".join(short[:5]) + " …" * (len(short) > 5)
        warn_user(
            f"arena: {len(short)} of {len(tracks)} recordings reach over less than {SHORT:.0%} of a side of the arena "
            f"that is guessed from all of them: {names}; -> if another camera filmed them, say so in a column 'camera' "
            "of the sheet, or draw the arena: murid zones"
        )


def arena_from(plain: Mapping[str, Any] | None) -> ArenaEstimate | None:
    """Return what `arenas_by_recording` wrote as plain values; None where a recording was given nothing."""
    if plain is None:
        return None
    return ArenaEstimate(Zone(**plain["zone"]), plain["shape"], plain["visited"], plain["misfit"])


def _pooled(tracks: Sequence[np.ndarray], unit: str, shape: Shape) -> ArenaEstimate:
    # Equal weight for every recording: a long one is no better witness of the walls.
    least = min(len(xy) for xy in tracks)
    pooled = np.concatenate([xy[np.linspace(0, len(xy) - 1, least).astype(int)] for xy in tracks])
    return estimate_arena(_poses(pooled, unit), shape)


def _poses(xy: np.ndarray, unit: str) -> xr.Dataset:
    return make_poses(xy[:, :, None, None], keypoints=["centre"], fps=1.0, unit=unit)
