"""Pixel change: movement that keypoints miss, such as sniffing, grooming or breathing.

As in MARS (Segalin et al. 2021): sum of squared differences to the previous frame over the sum of
squares, for the whole picture, the animals' box and a patch around every keypoint.
"""

from __future__ import annotations

from collections.abc import Mapping

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

    Returns
    -------
    DataArray (time, feature)
        ``pixel_change``, ``pixel_change_<individual>`` (box of its keypoints, widened by the patch)
        and ``pixel_change_<individual>_<role>``; unit 1. NaN in the first picture, where a keypoint
        is missing or lies outside the picture.
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
    out = np.full((part.sizes["time"], len(labels)), np.nan, np.float32)
    row_of = {int(f): i for i, f in enumerate(frames)}
    first, last = int(frames.min()), int(frames.max())
    previous: NDArray | None = None
    for number, picture in enumerate(video.frames(max(first - 1, 0), last + 1, grey=True), max(first - 1, 0)):
        current = picture.astype(np.float32)
        if previous is not None and number in row_of:
            out[row_of[number]] = _of_frame(current, previous, xy[row_of[number]], patch_px)
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


def _of_frame(current: NDArray, previous: NDArray, xy: NDArray, patch: int) -> list[float]:
    """Change of the picture, then of each animal's box and patches; `xy` is (2, keypoint, individual)."""
    squares = (current - previous) ** 2
    energy = current**2
    total = float(energy.sum())
    values = [float(squares.sum()) / total if total > 0 else np.nan]
    for animal in range(xy.shape[2]):
        points = xy[:, :, animal]
        seen = points[:, ~np.isnan(points).any(0)]
        low, high = (seen.min(1), seen.max(1)) if seen.size else (np.full(2, np.nan),) * 2
        values.append(_ratio(squares, energy, low, high, patch))
        values += [_ratio(squares, energy, p, p, patch) for p in points.T]
    return values


def _ratio(squares: NDArray, energy: NDArray, low: NDArray, high: NDArray, patch: int) -> float:
    """Change within the box from `low` - patch to `high` + patch (x, y), cut at the picture's edge."""
    if np.isnan(low).any() or np.isnan(high).any():
        return np.nan
    x0, y0 = np.maximum(np.floor(low - patch).astype(int), 0)
    x1, y1 = np.maximum(np.ceil(high + patch).astype(int) + 1, 0)
    part = energy[y0:y1, x0:x1]
    total = float(part.sum()) if part.size else 0.0
    return float(squares[y0:y1, x0:x1].sum()) / total if total > 0 else np.nan
