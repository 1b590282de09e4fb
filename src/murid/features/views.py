"""Views: which part of the picture is looked at, frame by frame.

Networks see small pictures: the whole picture, the arena, or one animal, turned so that it looks to the right. A
view says for every row where to cut, as a 2 × 3 matrix from picture to view; `murid.features.pictures` does the cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.body_scale import measured_body_length
from murid.data.errors import fail
from murid.data.meet import keypoints_and_roles
from murid.data.params import Params, param
from murid.data.poses import individual_names, keypoint_names
from murid.data.recording import Recording
from murid.data.roles import stand_ins
from murid.data.units import LengthUnit
from murid.data.zones import Zones

Floats = NDArray[np.float64]
Kind = Literal["whole", "arena", "animal"]


class ViewParams(Params):
    """What is shown to a network."""

    view: Literal["auto", "whole", "arena", "animal"] = param(
        "auto", why="animal = each animal in the middle, needs poses; auto = animal where there are poses, else whole"
    )
    turned: bool = param(True, why="in the animal view, turn so that it looks to the right: posture without heading")
    bodies: float = param(
        2.0, gt=0, unit="body lengths", why="side of the animal view; 2 shows nose, tail and a margin"
    )
    height: int = param(64, ge=16, unit="px", why="of the small picture")
    width: int = param(64, ge=16, unit="px", why="of the small picture")
    background: Literal["removed", "kept"] = param(
        "removed", why="removed = distance from the empty arena, so that the place does not matter"
    )
    n_background: int = param(100, ge=3, why="frames, evenly spaced, that the empty arena is computed from")
    percentile: float = param(
        50.0, ge=0, le=100, why="of those frames at each pixel; 90 for dark animals that sit still most of the time"
    )
    bridge_s: float = param(
        0.5, ge=0, unit="s", why="longer gaps in the track show nothing; the view glides over shorter"
    )


@dataclass(frozen=True)
class View:
    """Where to cut, for each row.

    Attributes
    ----------
    kind : {"whole", "arena", "animal"}
    individual : str
        Who is shown; ``"all"`` when not one animal.
    matrix : array (row, 2, 3)
        Takes a place (x, y, 1) of the picture, px, to a place of the view; NaN where nothing is shown.
    radius_px : float
        Half the side of the animal view in the picture; infinite otherwise.
    centre : array (row, 2)
        Middle of the animal view, px; NaN where nothing is shown.
    """

    kind: Kind
    individual: str
    matrix: Floats
    radius_px: float
    centre: Floats

    @property
    def scale(self) -> float:
        """Pixels of the view per pixel of the picture."""
        known = self.matrix[np.isfinite(self.matrix[:, 0, 0])]
        if not len(known):
            return 1.0
        return float(np.sqrt(np.median(np.abs(np.linalg.det(known[:, :, :2])))))

    def take(self, rows: NDArray[np.int64]) -> View:
        """Return the view of some rows; −1 shows nothing."""
        matrix, centre = self.matrix[np.maximum(rows, 0)], self.centre[np.maximum(rows, 0)]
        matrix[rows < 0], centre[rows < 0] = np.nan, np.nan
        return View(self.kind, self.individual, matrix, self.radius_px, centre)


def view_kind(recording: Recording, wanted: str) -> Kind:
    """Say which view a recording gets; asking for what it lacks is an error."""
    if wanted == "auto":
        return "animal" if recording.has("poses") else "whole"
    if wanted == "animal":
        recording.need("poses")
    if wanted == "arena" and (not recording.has("zones") or len(recording.need("zones").of_kind("arena")) != 1):
        fail(
            f"recording '{recording.id}'",
            "the arena's place is not known",
            expected="one zone of kind 'arena'",
            todo="draw it, or use view='whole'",
        )
    return wanted  # type: ignore[return-value]


def whole_view(shape: tuple[int, int], n_rows: int, params: ViewParams) -> View:
    """Show the whole picture of ``shape`` (height, width), as large as it fits."""
    return _box_view("whole", np.zeros(2), np.array([shape[1], shape[0]], float), n_rows, params)


def arena_view(zones: Zones, n_rows: int, params: ViewParams, px: float = 1.0) -> View:
    """Show the box around the arena, as large as it fits; `px` is how many px one unit of the zones is."""
    zone = zones.of_kind("arena")[0]
    low, high = zone.bounds
    return _box_view("arena", low * px, high * px, n_rows, params)


def animal_view(
    poses: xr.Dataset,
    individual: str,
    params: ViewParams,
    roles: Mapping[str, str] | None = None,
    length_px: float | None = None,
) -> View:
    """Show one animal: its centre in the middle, looking to the right.

    The heading is that of the trunk (rear to front), so that turns of the head stay visible. The scale is the same in
    all rows.

    Parameters
    ----------
    poses : Dataset
        Best cleaned; in px, or calibrated by a plain factor.
    individual : str
    params : ViewParams
    roles : dict of role to keypoint, optional
    length_px : float, optional
        Body length; that of the stretched animals of this recording by default.
    """
    used = keypoints_and_roles(poses, roles)
    px = px_per_unit(poses)
    number = individual_names(poses).index(individual)
    place = poses["position"].values[:, :2, :, number].astype(np.float64) * px
    names = keypoint_names(poses)
    made = {
        point: np.mean([place[:, :, names.index(used[r])] for r in sources], axis=0)
        for point, sources in stand_ins(used).items()
    }
    steps = max(1, round(params.bridge_s * float(poses.attrs.get("fps", 30.0))))
    centre = bridged(made["centre"], steps)
    if params.turned and {"front", "rear"} <= set(made):
        along = made["front"] - made["rear"]
        along = bridged(along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9), 4 * steps)
    else:
        along = np.broadcast_to([1.0, 0.0], centre.shape)
    length = stretched_px(poses, used) if length_px is None else length_px
    scale = min(params.height, params.width) / (params.bodies * length)
    unit = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    c, s = scale * unit[:, 0], scale * unit[:, 1]
    turn = np.stack([np.stack([c, s], 1), np.stack([-s, c], 1)], axis=1)
    middle = np.array([params.width - 1, params.height - 1]) / 2
    shift = middle - np.einsum("tij,tj->ti", turn, centre)
    matrix = np.concatenate([turn, shift[:, :, None]], axis=2)
    matrix[~np.isfinite(matrix).all(axis=(1, 2))] = np.nan
    return View("animal", individual, matrix, params.bodies * length / 2, centre)


def px_per_unit(poses: xr.Dataset) -> float:
    """Pixels of the picture per unit of the poses: 1 for px, the scale for calibrated poses."""
    return LengthUnit.of(poses.attrs).to("px", "pictures: the place of the poses")


def stretched_px(poses: xr.Dataset, roles: Mapping[str, str] | None = None) -> float:
    """Body length of the stretched animals, px: 90th percentile of nose to tail base.

    A median would depend on what the animals do: one that grooms all day is short, and would be shown larger.
    """
    used = keypoints_and_roles(poses, roles)
    names, sources = keypoint_names(poses), stand_ins(used)
    if "nose" in sources and "rear" in sources and sources["nose"] != sources["rear"]:
        xy = poses["position"].values[:, :2]
        nose, rear = (np.mean([xy[:, :, names.index(used[r])] for r in sources[p]], axis=0) for p in ("nose", "rear"))
        far = np.linalg.norm(nose - rear, axis=1)
        if np.isfinite(far).any():
            return float(np.nanpercentile(far, 90)) * px_per_unit(poses)
    return measured_body_length(poses, used) * px_per_unit(poses)


def scale_px(poses: xr.Dataset) -> float:
    """Pixels of the picture per cm; NaN where the poses are not calibrated."""
    return LengthUnit.of(poses.attrs).px_per_cm or float("nan")


def picture_numbers(recording: Recording) -> NDArray[np.int64]:
    """Frame number of each row of the poses (of each frame where there are none); −1 where there is no picture.

    A row or two too many, which trackers write, have no picture. A larger difference means that video and poses do
    not belong together, or that frames were dropped: an error, since every row after the first drop would show
    another moment.
    """
    video = recording.need("video")
    if not recording.has("poses"):
        return np.arange(video.n_frames)
    numbers = recording.need("poses")["frame"].values.astype(np.int64)
    n = video.n_frames
    plain = np.array_equal(numbers, np.arange(len(numbers)))
    slack = max(2, round(0.001 * n))
    surplus = int((numbers >= n).sum())
    if surplus > slack or (plain and n - len(numbers) > slack):
        fail(
            f"recording '{recording.id}'",
            "poses and video differ in length",
            where=str(video.path),
            expected=f"{n} rows, one a frame",
            got=f"{len(numbers)} rows, frame numbers up to {numbers.max()}",
            todo="check that they belong together; when frames were dropped or cut, give each row its frame number "
            "(make_poses(..., frames=))",
        )
    return np.where((numbers >= 0) & (numbers < n), numbers, -1)


def bridged(values: Floats, longest: int) -> Floats:
    """Fill gaps of up to `longest` rows of ``values (row, D)`` by a straight line, and the edges by the nearest row."""
    known = np.asarray(np.isfinite(values).all(axis=1))
    out = np.where(known[:, None], values, np.nan)
    if not known.any():
        return out
    at = np.flatnonzero(known)
    rows = np.arange(len(values))
    after = np.searchsorted(at, rows)
    left = np.where(after > 0, rows - at[np.maximum(after - 1, 0)], 0)
    right = np.where(after < len(at), at[np.minimum(after, len(at) - 1)] - rows, 0)
    short = ~known & (left + right <= longest + 1)
    for d in range(values.shape[1]):
        out[short, d] = np.interp(rows[short], at, values[at, d])
    return out


def _box_view(kind: Kind, low: Floats, high: Floats, n_rows: int, params: ViewParams) -> View:
    """Map the box from `low` to `high` (x, y; px) into the view without changing its proportions."""
    size = np.maximum(high - low, 1.0)
    scale = float(min(params.width / size[0], params.height / size[1]))
    middle = np.array([params.width - 1, params.height - 1]) / 2
    # Pixel (0, 0) covers the point (0, 0) in its middle, so a picture reaches from -0.5 to size - 0.5.
    centre = (low + high - 1) / 2
    matrix = np.concatenate([scale * np.eye(2), (middle - scale * centre)[:, None]], axis=1)
    return View(kind, "all", np.repeat(matrix[None], n_rows, axis=0), np.inf, np.repeat(centre[None], n_rows, axis=0))
