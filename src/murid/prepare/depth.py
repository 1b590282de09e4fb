"""Depth video: from pictures of distance to aligned height crops of the animal (as MoSeq; Wiltschko et al. 2015).

Each frame: height above the floor, the animal as the largest body that is left when thin parts (tail, cables)
are taken off, its ellipse as place and axis, and a crop turned so that it looks to the right. Which end is the
front comes from the animal itself: it walks forwards most of the time, and how its shape is asymmetric then
says where the front is when it stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from murid.data.clock import frame_times
from murid.data.errors import Faults, fail
from murid.data.params import Params, param
from murid.data.poses import make_poses
from murid.data.recording import Recording

#: Where a recording keeps its crops: ``recording.meta["depth"]``.
DEPTH = "depth"


class DepthParams(Params):
    """How the animal is cut out of depth pictures. Lengths are mm, so that cameras do not matter."""

    mm_per_px: float = param(1.5, gt=0, unit="mm/px", why="resolution on the floor; a Kinect 2 at 67 cm")
    min_height_mm: float = param(10.0, gt=0, unit="mm", why="lower is floor and noise")
    max_height_mm: float = param(100.0, gt=0, unit="mm", why="higher is not a mouse; raise it for rats")
    tail_mm: float = param(13.0, ge=0, unit="mm", why="parts thinner than this are taken off; 9 px as in MoSeq")
    crop_mm: float = param(120.0, gt=0, unit="mm", why="side of the crop; 80 px at 1.5 mm as in MoSeq")
    crop_px: int = param(80, ge=16, why="pixels of the crop's side")
    min_area_mm2: float = param(200.0, gt=0, unit="mm2", why="smaller bodies are not an animal: the frame is a gap")
    walking_mm_s: float = param(50.0, gt=0, unit="mm/s", why="faster than this, the animal walks forwards")
    n_background: int = param(300, ge=1, why="frames, evenly spaced, whose median is the empty arena")


@dataclass(frozen=True)
class Crops:
    """Aligned height crops of one animal.

    Attributes
    ----------
    height : uint8 array (T, crop_px, crop_px)
        Height above the floor in mm, the animal looking to the right; 0 where not seen.
    centre_mm : array (T, 2)
        Place of the body in the picture times `mm_per_px`; NaN where not seen.
    heading : array (T,)
        Rad, from +x of the picture towards +y; NaN where not seen.
    length_mm : array (T,)
        Long axis of the body's ellipse.
    time_s : array (T,)
        Clock, s.
    """

    height: np.ndarray
    centre_mm: np.ndarray
    heading: np.ndarray
    length_mm: np.ndarray
    time_s: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(T,) bool: frames with an animal."""
        return ~np.isnan(self.heading)

    def blocks(self, size: int = 2048) -> Iterator[np.ndarray]:
        """Yield smoothed crops, halved in resolution, as rows ``(frame, (crop_px / 2)²)`` in mm; NaN where not seen."""
        import cv2

        half = self.height.shape[1] // 2
        seen = self.seen
        for start in range(0, len(self.height), size):
            out = np.full((min(size, len(self.height) - start), half * half), np.nan, np.float32)
            for i in np.flatnonzero(seen[start : start + size]):
                soft = cv2.GaussianBlur(self.height[start + i].astype(np.float32), (0, 0), 1.5)
                out[i] = cv2.resize(soft, (half, half), interpolation=cv2.INTER_AREA).ravel()
            yield out


def open_depth(source: Any) -> Any:
    """Open depth pictures: an array ``(T, H, W)``, or a path to ``.npy``, ``.npz`` or ``.h5`` with ``frames``."""
    if not isinstance(source, (str, Path)):
        frames = source
    else:
        path = Path(source)
        if not path.is_file():
            fail("depth video", "file not found", where=str(path))
        if path.suffix == ".npy":
            frames = np.load(path, mmap_mode="r")
        elif path.suffix == ".npz":
            with np.load(path) as held:
                frames = held["frames"] if "frames" in held else held[held.files[0]]
        elif path.suffix in (".h5", ".hdf5"):
            import h5py

            held = h5py.File(path, "r")
            if "frames" not in held:
                fail("depth video", "no dataset 'frames'", where=str(path), got=", ".join(held))
            frames = held["frames"]
        else:
            fail("depth video", "unknown format", where=str(path), expected=".npy, .npz or .h5")
    if getattr(frames, "ndim", 0) != 3 or frames.shape[0] < 1:
        fail(
            "depth video",
            "is not a stack of pictures",
            expected="(frame, height, width)",
            got=str(getattr(frames, "shape", type(frames).__name__)),
        )
    return frames


def background(frames: Any, n: int = 300) -> np.ndarray:
    """Distance of the empty arena (H, W) in mm: the median of `n` frames over the time; 0 counts as missing."""
    at = np.unique(np.linspace(0, frames.shape[0] - 1, min(n, frames.shape[0])).round().astype(int))
    some = np.stack([np.asarray(frames[int(i)]) for i in at]).astype(np.float32)
    some[some <= 0] = np.nan
    filled = np.where(np.isnan(some).all(axis=0), 0, some)
    return np.nanmedian(filled, axis=0).astype(np.float32)


def extract(frames: Any, time_s: np.ndarray, params: DepthParams | None = None, **changes: Any) -> Crops:
    """Cut the animal out of depth pictures.

    Parameters
    ----------
    frames : array (T, H, W), or a path
        Distance from the camera in mm, as `open_depth` takes it; 0 is missing. Read frame by frame.
    time_s : (T,) array
        Clock, s.
    params : DepthParams, optional
    **changes
        Single parameters of `DepthParams`, over `params`.

    Returns
    -------
    Crops

    Raises
    ------
    DataError
        When no frame shows an animal.
    """
    p, frames = DepthParams.of(params, changes), open_depth(frames)
    faults = Faults("depth video")
    if len(time_s) != frames.shape[0]:
        faults.add("clock and pictures differ in length", expected=str(frames.shape[0]), got=str(len(time_s)))
    faults.raise_if_any()
    floor = background(frames, p.n_background)
    n = frames.shape[0]
    height = np.zeros((n, p.crop_px, p.crop_px), np.uint8)
    centre, axis, length = np.full((n, 2), np.nan), np.full(n, np.nan), np.full(n, np.nan)
    for t in range(n):
        body = _body(np.asarray(frames[t]).astype(np.float32), floor, p)
        if body is None:
            continue
        tall, centre[t], axis[t], length[t] = body
        height[t] = _crop(tall, centre[t], axis[t], p)
    if np.isnan(axis).all():
        fail(
            "depth video",
            "no animal found",
            expected=f"a body {p.min_height_mm:g} to {p.max_height_mm:g} mm high",
            todo="check that distances are in mm, that mm_per_px is right, and that the animal moves",
        )
    heading, turned = _face_front(axis, centre * p.mm_per_px, height, np.asarray(time_s, float), p)
    height[turned] = height[turned][:, ::-1, ::-1]
    return Crops(height, centre * p.mm_per_px, heading, length * p.mm_per_px, np.asarray(time_s, np.float64))


def depth_recording(id: str, frames: Any, fps: float, params: DepthParams | None = None, **keys: Any) -> Recording:
    """Make a recording of a depth video: crops in ``meta["depth"]`` and poses of the body's ellipse.

    Parameters
    ----------
    id : str
    frames : array or path
        See `extract`.
    fps : float
        Frames per second.
    params : DepthParams, optional
    **keys
        Single parameters of `DepthParams`, over `params`; and animal, group … of the recording.

    Returns
    -------
    Recording
        Poses in cm: ``front``, ``centre`` and ``rear`` (with roles), so that assays work as well.
    """
    frames = open_depth(frames)
    changes = {name: keys.pop(name) for name in DepthParams.model_fields if name in keys}
    crops = extract(frames, frame_times(frames.shape[0], fps), params, **changes)
    way = np.stack([np.cos(crops.heading), np.sin(crops.heading)], axis=1) * crops.length_mm[:, None] / 2
    points = np.stack([crops.centre_mm + way, crops.centre_mm, crops.centre_mm - way], axis=2) / 10
    poses = make_poses(
        points[..., None],
        np.repeat(crops.seen[:, None, None], 3, axis=1).astype(np.float32),
        keypoints=("front", "centre", "rear"),
        individuals=["mouse"],
        fps=fps,
        unit="cm",
        source_software="murid depth",
    )
    roles = {"nose": "front", "centre": "centre", "tail_base": "rear"}
    meta = {**keys.pop("meta", {}), DEPTH: crops}
    return Recording(id, poses=poses, roles=roles, meta=meta, **keys)


def crops_of(recording: Recording) -> Crops:
    """Return the crops of a recording made by `depth_recording`."""
    if DEPTH not in recording.meta:
        fail(f"recording '{recording.id}'", "has no depth crops", todo="make it with depth_recording")
    return recording.meta[DEPTH]


def _body(picture: np.ndarray, floor: np.ndarray, p: DepthParams):
    """Height (H, W) of the animal alone, its centre (x, y) in px, axis (rad, front unknown) and length in px."""
    import cv2

    tall = np.where((picture > 0) & (floor > 0), floor - picture, 0)
    mask = ((tall > p.min_height_mm) & (tall < p.max_height_mm)).astype(np.uint8)
    size = round(p.tail_mm / p.mm_per_px) | 1
    if size > 1:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.uint8)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if n < 2:
        return None
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[best, cv2.CC_STAT_AREA] * p.mm_per_px**2 < p.min_area_mm2:
        return None
    mask = labels == best
    ys, xs = np.nonzero(mask)
    centre = np.array([xs.mean(), ys.mean()])
    cov = np.cov(np.stack([xs, ys]))
    values, vectors = np.linalg.eigh(cov)
    return (
        np.where(mask, tall, 0),
        centre,
        float(np.arctan2(vectors[1, 1], vectors[0, 1])),
        4 * float(np.sqrt(values[1])),
    )


def _crop(tall: np.ndarray, centre: np.ndarray, axis: float, p: DepthParams) -> np.ndarray:
    import cv2

    scale = p.crop_px * p.mm_per_px / p.crop_mm
    cos, sin = scale * np.cos(axis), scale * np.sin(axis)
    middle = (p.crop_px - 1) / 2
    move = np.array(
        [
            [cos, sin, middle - cos * centre[0] - sin * centre[1]],
            [-sin, cos, middle + sin * centre[0] - cos * centre[1]],
        ]
    )
    out = cv2.warpAffine(tall.astype(np.float32), move, (p.crop_px, p.crop_px), flags=cv2.INTER_LINEAR)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def _face_front(axis, centre_mm, height, time_s, p: DepthParams) -> tuple[np.ndarray, np.ndarray]:
    """Heading (T,) and which crops (T,) have to be turned round.

    The axis is made continuous first; then a two-state Viterbi path decides, between jumps of evidence, which
    end is the front. Evidence is the walking direction, and a linear rule on the asymmetry of the
    crop that is learnt from the walking frames.
    """
    seen = np.flatnonzero(~np.isnan(axis))
    way = axis.copy()
    for before, t in pairwise(seen):
        if np.cos(way[t] - way[before]) < 0:
            way[t] += np.pi
    swapped = np.cos(way - axis) < 0
    velocity = np.full((len(axis), 2), np.nan)
    if len(seen) > 2:
        velocity[seen] = np.gradient(centre_mm[seen], time_s[seen], axis=0)
    ahead = velocity[:, 0] * np.cos(way) + velocity[:, 1] * np.sin(way)
    walks = np.flatnonzero(np.abs(np.nan_to_num(ahead)) > p.walking_mm_s)
    odd = _asymmetry(height[seen]) * np.where(swapped[seen], -1, 1)[:, None]
    evidence = np.clip(np.nan_to_num(ahead[seen]) / p.walking_mm_s, -1, 1)
    place = np.searchsorted(seen, walks)
    if len(walks) >= 30:
        x = odd[place] * np.sign(ahead[walks])[:, None]
        ridge = 0.1 * np.trace(x.T @ x) / x.shape[1] * np.eye(x.shape[1])
        rule = np.linalg.solve(x.T @ x + ridge, x.sum(axis=0))
        evidence = evidence + np.clip(odd @ rule, -1.5, 1.5)
    flip = _two_states(evidence) if len(seen) else np.empty(0, bool)
    out, turned = np.full(len(axis), np.nan), np.zeros(len(axis), bool)
    out[seen] = np.angle(np.exp(1j * (way[seen] + np.pi * flip)))
    turned[seen] = swapped[seen] ^ flip
    return out, turned


def _asymmetry(crops: np.ndarray, cells: int = 16) -> np.ndarray:
    """Front minus back of each crop (T, cells²): what changes sign when it is turned round."""
    import cv2

    out = np.empty((len(crops), cells * cells))
    for i, crop in enumerate(crops):
        small = cv2.resize(crop.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)
        out[i] = (small - small[::-1, ::-1]).ravel()
    return out


def _two_states(evidence: np.ndarray, switch: float = 10.0) -> np.ndarray:
    """Viterbi path (T,) bool of "turned round", given evidence for "not turned"; a change costs `switch`."""
    score = np.zeros(2)
    back = np.zeros((len(evidence), 2), bool)
    for t, e in enumerate(evidence):
        stay_or_switch = np.stack([score, score[::-1] - switch])
        back[t] = stay_or_switch[1] > stay_or_switch[0]
        score = stay_or_switch.max(axis=0) + np.array([e, -e])
    path = np.zeros(len(evidence), bool)
    state = int(score.argmax())
    for t in range(len(evidence) - 1, -1, -1):
        path[t] = bool(state)
        if back[t, state]:
            state = 1 - state
    return path
