"""SLEAP analysis HDF5: ``tracks`` in MATLAB or in Python order; the order is read, not assumed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.data.poses import make_poses
from murid.data.warning import warn_user
from murid.io.files import Head, open_hdf5, resolve_fps
from murid.io.poses._columns import ONLY
from murid.io.poses.sleap_slp import _keep
from murid.io.registry import pose_reader

_AXES = ("frame", "xy", "node", "track")
#: MATLAB order (SLEAP's default) and Python order.
_ORDERS = (("track", "xy", "node", "frame"), ("frame", "node", "xy", "track"))


def _is_analysis(head: Head) -> bool:
    return head.hdf5.get("tracks") == "dataset" and "node_names" in head.hdf5


@pose_reader(
    "sleap_analysis",
    (".analysis.h5", ".h5"),
    sniff=_is_analysis,
    fps="required",
    about="SLEAP analysis HDF5, either axis order",
)
def read_sleap_analysis(
    path: Path, *, fps: float | None = None, individuals: Sequence[str] | None = None, unit: str = "px"
) -> xr.Dataset:
    """Read a SLEAP analysis file.

    Parameters
    ----------
    path : path
        ``.analysis.h5``.
    fps : float
        Frames/s of the video: the file has none.
    individuals : sequence of str, optional
        Tracks to keep.
    unit : str
        Unit of the coordinates.

    Notes
    -----
    The axis order comes from the ``dims`` attribute; older files lack it, then from the sizes.
    Scores above 1 are set to 1.
    """
    with open_hdf5(path) as handle:
        for name in ("tracks", "node_names"):
            if name not in handle:
                fail(str(path), f"dataset '{name}' is missing", got=", ".join(handle), expected="a SLEAP analysis file")
        tracks = handle["tracks"]
        points = _strings(handle["node_names"][()])
        people = _strings(handle["track_names"][()]) if "track_names" in handle else []
        order = _order(path, tracks, len(points), len(people))
        data = np.asarray(tracks[()], np.float32).transpose([order.index(a) for a in _AXES])
        scores = _scores(path, handle, data.shape)
    n_tracks = data.shape[3]
    people = people or [ONLY if n_tracks == 1 else f"track_{i}" for i in range(n_tracks)]
    keep = _keep(path, people, individuals)
    confidence = None if scores is None else np.minimum(scores, 1.0)[:, :, keep]
    return make_poses(
        data[:, :, :, keep],
        confidence,
        keypoints=points,
        individuals=[people[i] for i in keep],
        fps=resolve_fps(path, fps, None, "SLEAP"),
        unit=unit,
        source_software="SLEAP",
        source_file=str(path),
    )


def _strings(values: np.ndarray) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in np.atleast_1d(values)]


def _order(path: Path, tracks: Any, n_nodes: int, n_tracks: int) -> tuple[str, ...]:
    """Axis names of ``tracks`` in file order."""
    stated = tracks.attrs.get("dims")
    if stated is not None:
        names = json.loads(stated) if isinstance(stated, (str, bytes)) else _strings(np.asarray(stated))
        order = tuple(_axis(str(n)) for n in names)
        if sorted(order) == sorted(_AXES):
            return order
        fail(
            str(path),
            "the attribute 'dims' of tracks is not understood",
            expected="track, xy, node, frame",
            got=", ".join(map(str, names)),
        )
    fits = [
        o
        for o in _ORDERS
        if tracks.ndim == 4 and tracks.shape[o.index("xy")] in (2, 3) and tracks.shape[o.index("node")] == n_nodes
    ]
    if len(fits) == 2 and n_tracks:
        fits = [o for o in fits if tracks.shape[o.index("track")] == n_tracks] or fits
    if len(fits) == 2:
        # Both orders fit only for a skeleton of two (or three) nodes: a film has more frames than animals.
        size = [tracks.shape[o.index("frame")] - tracks.shape[o.index("track")] for o in fits]
        fits = [o for o, surplus in zip(fits, size, strict=True) if surplus > 0]
    if len(fits) != 1:
        fail(
            str(path),
            "the axis order of tracks is ambiguous",
            got=str(tracks.shape),
            expected="(track, xy, node, frame) or (frame, node, xy, track)",
            todo="export the file with a newer SLEAP",
        )
    return fits[0]


def _axis(name: str) -> str:
    name = name.lower()
    for axis, words in {
        "track": ("track", "inst"),
        "xy": ("xy", "space", "coord"),
        "node": ("node", "keyp"),
        "frame": ("frame", "time"),
    }.items():
        if any(w in name for w in words):
            return axis
    return name


def _scores(path: Path, handle: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Point scores as (frame, node, track), whichever way they are stored."""
    if "point_scores" not in handle:
        return None
    scores = np.asarray(handle["point_scores"][()], np.float32)
    n, _, nodes, tracks = shape
    if scores.shape == (tracks, nodes, n):
        return scores.transpose(2, 1, 0)
    if scores.shape == (n, nodes, tracks):
        return scores
    warn_user(f"{path}: point_scores have another shape than tracks ({scores.shape}) and are left out: no confidence")
    return None
