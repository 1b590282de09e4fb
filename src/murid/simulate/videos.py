"""Pictures of simulated animals: video files, and height maps as a depth camera sees them.

A picture is drawn from the poses alone, so pixel and keypoint agree to a fraction of a pixel. Pixel
(row r, column c) covers the point ``(x, y) = (c, r)`` in its middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.video import Video, write_video

#: Binary digits of sub-pixel drawing.
_SHIFT = 4
#: Height of the back of a standing mouse, cm.
BACK_CM = 2.6
#: Half width of the body (cm) at places along the spine: 0 tail base, 1 centre, 2 neck, 3 head, 4 nose.
_PLACE, _RADIUS_CM = (0.0, 0.3, 0.6, 1.0, 1.6, 2.0, 3.0, 4.0), (0.35, 1.15, 1.4, 1.35, 1.05, 0.75, 0.62, 0.3)


def video(
    recording: Recording,
    path: str | Path,
    *,
    start_s: float = 0.0,
    stop_s: float | None = None,
    noise: float = 2.0,
    grey_levels: tuple[int, int] = (190, 40),
    seed: int = 0,
) -> Video:
    """Write a video of a recording and return it.

    Frames are drawn and written one by one, so memory does not grow with length.

    Parameters
    ----------
    recording : Recording
        Simulated, in px.
    path : str or Path
        Where to, ``.mp4``.
    start_s, stop_s : float
        Which part, s; all of it by default.
    noise : float
        SD of the sensor noise in grey levels.
    grey_levels : (floor, animals)
        All animals have the same colour: identities must come from motion.
    seed : int
        Seed of texture and noise.

    Examples
    --------
    >>> import tempfile
    >>> from murid import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = simulate.video(simulate.recording(duration_s=1, fps=10, px_per_cm=4.0), f"{folder}/mouse.mp4")
    ...     film.n_frames
    10
    """
    poses, _ = _px(recording)
    drawn = frames(recording, start_s=start_s, stop_s=stop_s, noise=noise, grey_levels=grey_levels, seed=seed)
    return write_video(path, drawn, rate_of(poses["time"].values))


def frames(
    recording: Recording,
    *,
    start_s: float = 0.0,
    stop_s: float | None = None,
    noise: float = 2.0,
    grey_levels: tuple[int, int] = (190, 40),
    seed: int = 0,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of a recording, uint8 ``(height, width)``; parameters as in `video`.

    Examples
    --------
    >>> from murid import simulate
    >>> next(iter(frames(simulate.recording(duration_s=1, fps=10, px_per_cm=4.0)))).shape
    (208, 208)
    """
    import cv2

    poses, (width, height) = _px(recording)
    rng = np.random.default_rng(seed)
    floor = _floor(recording, width, height, grey_levels[0], rng)
    scale = float(recording.meta["px_per_cm"])
    time = poses["time"].values
    stop_s = np.inf if stop_s is None else stop_s
    # A pool of noise pictures, shifted at random: white enough, and fast.
    pool = [(noise * rng.standard_normal((height, width))).astype(np.int16) for _ in range(4)] if noise > 0 else []
    position, names = poses["position"].values, [str(k) for k in poses["keypoint"].values]
    for t in np.flatnonzero((time >= start_s) & (time < stop_s)):
        image = floor.copy()
        for i in range(position.shape[3]):
            points = dict(zip(names, position[t, :, :, i].T.astype(np.float64), strict=True))
            _draw(image, points, scale, grey_levels[1])
        image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)
        if pool:
            shift = rng.integers(0, (height, width))
            noisy = image.astype(np.int16) + np.roll(pool[int(rng.integers(4))], shift, axis=(0, 1))
            image = np.clip(noisy, 0, 255).astype(np.uint8)
        yield image


def depth_frames(
    recording: Recording,
    *,
    start_s: float = 0.0,
    stop_s: float | None = None,
    camera_cm: float = 67.0,
    noise_mm: float = 1.0,
    mm_per_px: float = 1.5,
    seed: int = 0,
) -> Iterator[NDArray[np.uint16]]:
    """Yield depth pictures, uint16 ``(height, width)``: distance to a camera above the floor, mm.

    The body is a row of ellipsoids along the spine; a reared front stands higher.

    Parameters
    ----------
    recording : Recording
        Simulated, in px.
    start_s, stop_s : float
        Which part, s.
    camera_cm : float
        Height of the camera; 67 cm is usual for a depth camera over an open field.
    noise_mm : float
        SD of the depth noise, mm.
    mm_per_px : float
        Resolution of the depth picture; 1.5 mm is that of a Kinect 2 at this height.
    seed : int
        Seed.

    Examples
    --------
    >>> from murid import simulate
    >>> next(iter(depth_frames(simulate.recording(duration_s=1, fps=10, px_per_cm=4.0)))).ndim
    2
    """
    poses, (width, height) = _px(recording)
    rng = np.random.default_rng(seed)
    scale = float(recording.meta["px_per_cm"])
    zoom = 10.0 / (scale * mm_per_px)
    shape = round(height * zoom), round(width * zoom)
    names, time = [str(k) for k in poses["keypoint"].values], poses["time"].values
    stop_s = np.inf if stop_s is None else stop_s
    for t in np.flatnonzero((time >= start_s) & (time < stop_s)):
        tall = np.zeros(shape)
        for i in range(poses.sizes["individual"]):
            points = dict(zip(names, poses["position"].values[t, :, :, i].T * zoom, strict=True))
            _raise(tall, points, 10.0 / mm_per_px)
        yield np.round(camera_cm * 10 - tall + noise_mm * rng.standard_normal(shape)).astype(np.uint16)


def _px(recording: Recording) -> tuple[xr.Dataset, tuple[int, int]]:
    """Poses and picture size (width, height) of a simulated recording in px."""
    poses = recording.need("poses")
    if poses.attrs["unit"] != "px" or "size_px" not in recording.meta:
        fail(
            "simulate.video",
            "cannot be drawn",
            where=f"recording '{recording.id}'",
            expected="a simulated recording in px",
            got=f"unit {poses.attrs['unit']}",
            todo="simulate.recording(unit='px')",
        )
    return poses, tuple(recording.meta["size_px"])


def _floor(recording: Recording, width: int, height: int, grey: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Empty arena: textured floor, dark surroundings."""
    import cv2

    texture = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 4) * 40
    floor = np.clip(grey + texture, 0, 255).astype(np.uint8)
    inside = np.zeros((height, width), np.uint8)
    zones = [] if recording.zones is None else recording.zones.of_kind("arena")
    if len(zones) == 1:
        zone = zones[0]
        if zone.polygon is not None:
            cv2.fillPoly(inside, [np.round(zone.polygon).astype(np.int32)], 1)
        elif zone.centre is not None and zone.radius is not None:
            cv2.circle(inside, (round(zone.centre[0]), round(zone.centre[1])), round(zone.radius), 1, -1)
    return np.where(inside == 1, floor, floor // 2)


def _outline(points: dict[str, NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points along the spine from rump to nose ``(n, 2)``, and their place 0..4 along it ``(n,)``."""
    spine = np.array([points[k] for k in ("tail_base", "centre", "neck", "head", "nose")])
    place = np.linspace(0, 4, 25)
    return np.stack([np.interp(place, np.arange(5), spine[:, axis]) for axis in (0, 1)], axis=1), place


def _draw(image: NDArray[np.uint8], points: dict[str, NDArray[np.float64]], scale: float, grey: int) -> None:
    """Draw one animal: tail, a body as wide as its sides, ears, and a bright dot on the nose."""
    import cv2

    def fixed(value: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.round(value * (1 << _SHIFT)).astype(np.int32)

    def disc(p: NDArray[np.float64], radius_cm: float, level: int) -> None:
        radius = round(radius_cm * scale * (1 << _SHIFT))
        cv2.circle(image, tuple(fixed(p).tolist()), radius, level, -1, cv2.LINE_AA, _SHIFT)

    if not all(np.isfinite(p).all() for p in points.values()):
        return
    tail = fixed(np.array([points[k] for k in ("tail_base", "tail_mid", "tail_tip")]))
    cv2.polylines(image, [tail], False, grey + 30, max(1, round(0.3 * scale)), cv2.LINE_AA, _SHIFT)
    half = float(np.linalg.norm(points["side_left"] - points["side_right"])) / 2 / scale
    spine, place = _outline(points)
    for p, radius in zip(spine, np.interp(place, _PLACE, _RADIUS_CM) * half / 1.35, strict=True):
        disc(p, radius, grey)
    for ear in ("ear_left", "ear_right"):
        disc(points[ear], 0.35, grey + 60)
    disc(points["nose"], 0.18, 255)


def _raise(tall: NDArray[np.float64], points: dict[str, NDArray[np.float64]], px_per_cm: float) -> None:
    """Put one animal's height (mm) into a height map, the higher surface winning."""
    if not all(np.isfinite(p).all() for p in points.values()):
        return
    trunk = np.linalg.norm(points["neck"] - points["centre"]) / px_per_cm
    # A lifted front looks shorter from above: the trunk is 2.2 cm when level.
    lift = 2.2 * float(np.sqrt(max(0.0, 1 - min(float(trunk) / 2.2, 1.0) ** 2)))
    spine, place = _outline(points)
    radii = np.interp(place, _PLACE, _RADIUS_CM) * px_per_cm
    tops = np.interp(place, np.arange(5), (2.0, BACK_CM, 2.3 + lift, 2.0 + 1.5 * lift, 1.2 + 1.8 * lift))
    for (x, y), r, top in zip(spine, radii, tops, strict=True):
        y0, y1 = max(int(y - r), 0), min(int(y + r) + 2, tall.shape[0])
        x0, x1 = max(int(x - r), 0), min(int(x + r) + 2, tall.shape[1])
        if y1 <= y0 or x1 <= x0:
            continue
        rows, columns = np.ogrid[y0:y1, x0:x1]
        inside = 1 - ((rows - y) ** 2 + (columns - x) ** 2) / r**2
        dome = 10 * top * np.sqrt(np.clip(inside, 0, None))
        np.maximum(tall[y0:y1, x0:x1], dome, out=tall[y0:y1, x0:x1])
