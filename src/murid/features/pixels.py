"""Pixel change: movement that keypoints miss, such as sniffing, grooming or breathing.

As in MARS (Segalin et al. 2021): sum of squared differences to the previous frame over the sum of
squares, for the whole picture, the animals' box and a patch around every keypoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.errors import Faults
from murid.data.meet import keypoints_and_roles
from murid.data.poses import individual_names, keypoint_names
from murid.data.video import Video
from murid.features.views import px_per_unit


def pixel_change(
    video: Video,
    poses: xr.Dataset,
    roles: Mapping[str, str] | None = None,
    *,
    patch_px: int = 10,
    start: int = 0,
    stop: int | None = None,
    pairs: bool = False,
) -> xr.DataArray:
    """Pixel change of the picture, of each animal and around each of its keypoints.

    Parameters
    ----------
    video : Video
    poses : Dataset
        Of the same video, in px (or calibrated by a plain factor, ``px_per_cm``); its ``frame``
        coordinate says which picture belongs to which row.
    roles : dict of role to keypoint, optional
    patch_px : int
        Half the side of a patch around a keypoint; 10 px as in MARS.
    start, stop : int
        Rows of the poses to do.
    pairs : bool
        Also the union of the boxes of every two animals, where they overlap.

    Returns
    -------
    DataArray (time, feature)
        ``pixel_change``, ``pixel_change_<individual>`` (box of its keypoints, widened by the patch)
        and ``pixel_change_<individual>_<role>``; with `pairs` also `pair_label` of every two animals; unit 1. NaN in
        the first picture, where a keypoint is missing or lies outside the picture, and where two boxes do not overlap.
    """
    used = keypoints_and_roles(poses, roles)
    names, animals = keypoint_names(poses), individual_names(poses)
    part = poses.isel(time=slice(start, stop))
    frames = part["frame"].values if "frame" in part.coords else np.arange(start, start + part.sizes["time"])
    _check(video, frames, patch_px)
    k = px_per_unit(poses)
    index = [names.index(keypoint) for keypoint in used.values()]
    xy = part["position"].values[:, :2][:, :, index] * np.float32(k)
    labels = ["pixel_change"]
    for animal in animals:
        labels += [f"pixel_change_{animal}"] + [f"pixel_change_{animal}_{role}" for role in used]
    couples = list(combinations(range(len(animals)), 2)) if pairs else []
    labels += [pair_label(animals[a], animals[b]) for a, b in couples]
    out = np.full((part.sizes["time"], len(labels)), np.nan, np.float32)
    row_of = {int(f): i for i, f in enumerate(frames)}
    first, last = int(frames.min()), int(frames.max())
    previous: NDArray | None = None
    for number, picture in enumerate(video.frames(max(first - 1, 0), last + 1, grey=True), max(first - 1, 0)):
        current = picture.astype(np.float32)
        if previous is not None and number in row_of:
            out[row_of[number]] = _of_frame(current, previous, xy[row_of[number]], patch_px, couples)
        previous = current
    coords = {
        "time": part["time"].values,
        "feature": labels,
        "unit": ("feature", ["1"] * len(labels)),
        "family": ("feature", ["pixels"] * len(labels)),
    }
    return xr.DataArray(out, dims=("time", "feature"), coords=coords, name="features")


def _check(video: Video, frames: NDArray, patch_px: int) -> None:
    faults = Faults("pixel change")
    if frames.size == 0:
        faults.add("no rows asked for")
    elif frames.max() >= video.n_frames or frames.min() < 0:
        faults.add(
            "the poses have frames that the video has not",
            where=str(video.path),
            expected=f"0..{video.n_frames - 1}",
            got=f"{frames.min()}..{frames.max()}",
            todo="check that poses and video belong together, or pass stop=",
        )
    if patch_px < 1:
        faults.add("patch_px", expected=">= 1 px", got=str(patch_px))
    faults.raise_if_any()


def pair_label(a: str, b: str) -> str:
    """Name of the column of two animals' boxes; the order of the names is that of the poses."""
    return f"pixel_change_{a}+{b}"


def _of_frame(
    current: NDArray, previous: NDArray, xy: NDArray, patch: int, couples: Sequence[tuple[int, int]] = ()
) -> list[float]:
    """Change of the picture, then of each animal's box and patches, then of couples; `xy` is (2, keypoint, animal)."""
    squares = (current - previous) ** 2
    energy = current**2
    total = float(energy.sum())
    values = [float(squares.sum()) / total if total > 0 else np.nan]
    boxes = []
    for animal in range(xy.shape[2]):
        points = xy[:, :, animal]
        seen = points[:, ~np.isnan(points).any(0)]
        low, high = (seen.min(1), seen.max(1)) if seen.size else (np.full(2, np.nan),) * 2
        boxes.append(_cut(low, high, patch))
        values.append(_ratio(squares, energy, [boxes[-1]]))
        values += [_ratio(squares, energy, [_cut(p, p, patch)]) for p in points.T]
    return values + [_of_both(squares, energy, boxes[a], boxes[b]) for a, b in couples]


#: A part of a picture: x0, y0, x1, y1.
Part = tuple[int, int, int, int]


def _cut(low: NDArray, high: NDArray, patch: int) -> Part | None:
    """The box from `low` - patch to `high` + patch (x, y), cut at the picture's edge; None without corners."""
    if np.isnan(low).any() or np.isnan(high).any():
        return None
    x0, y0 = np.maximum(np.floor(low - patch).astype(int), 0)
    x1, y1 = np.maximum(np.ceil(high + patch).astype(int) + 1, 0)
    return int(x0), int(y0), int(x1), int(y1)


def _ratio(squares: NDArray, energy: NDArray, parts: Sequence[Part | None], shared: Part | None = None) -> float:
    """Change within parts of the picture together; what two of them share counts once."""

    def total(x: NDArray, part: Part) -> float:
        x0, y0, x1, y1 = part
        return float(x[y0:y1, x0:x1].sum())

    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return np.nan
    change, whole = (
        sum(total(x, part) for part in known) - (total(x, shared) if shared else 0.0) for x in (squares, energy)
    )
    return change / whole if whole > 0 else np.nan


def _of_both(squares: NDArray, energy: NDArray, a: Part | None, b: Part | None) -> float:
    """Change within the union of two boxes that overlap; NaN where they do not."""
    if a is None or b is None:
        return np.nan
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    if x0 >= x1 or y0 >= y1:
        return np.nan
    return _ratio(squares, energy, [a, b], (x0, y0, x1, y1))
