"""Small pictures from video files, ready for networks: decoded once, in order, and kept on disk.

Each row holds one or several pictures (channels) of 8 bits. The video is never in memory as a whole: frames are read
in order, cut by the row's view (`murid.features.views`) and written to a memory map, from which training draws at
random. The empty arena is taken off where wanted.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from murid.data.clock import nearest_sample
from murid.data.errors import fail
from murid.data.progress import tell
from murid.data.resample import uncovered
from murid.data.video import Video
from murid.features.views import View, ViewParams

#: Decoding on to a frame that is nearer than this costs less than a seek to its key frame.
SEEK = 300
#: An animal stands out of the floor by at least so many grey levels; less is noise, which must not be blown up.
LEAST_CONTRAST = 20.0


class Pictures:
    """Pictures of rows in a file that is deleted with the object.

    Attributes
    ----------
    array : uint8 memory map (row, channel, height, width)
    seen : bool array (row,)
        Rows that show something; the others are black.
    """

    def __init__(self, shape: tuple[int, int, int, int], folder: str | Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="murid_", dir=folder)
        self.path = Path(self._folder.name) / "pictures.u8"
        try:
            self.array = np.memmap(self.path, np.uint8, "w+", shape=shape)
        except OSError as exc:
            fail(
                "pictures",
                "cannot be kept on disk",
                where=self._folder.name,
                got=str(exc),
                expected=f"{np.prod(shape) / 2**30:.1f} GB free",
                todo="make room, set TMPDIR to a larger disk, or use smaller or fewer pictures",
            )
        self.seen = np.zeros(shape[0], bool)
        self._finalizer = weakref.finalize(self, self._folder.cleanup)

    def __len__(self) -> int:
        return len(self.array)


@dataclass(frozen=True)
class Background:
    """The empty arena.

    Attributes
    ----------
    grey : float32 array (height, width)
        At the resolution at which frames are cut.
    gain : float
        Makes animals equally bright whatever the light: 255 over their distance from the floor.
    """

    grey: NDArray[np.float32]
    gain: float


def snippet_numbers(
    numbers: NDArray[np.int64], time_s: NDArray[np.float64], rows: NDArray[np.int64], offsets_s: Sequence[float]
) -> NDArray[np.int64]:
    """Frame numbers of the pictures of each row.

    Parameters
    ----------
    numbers : int array (time,)
        Frame of each sample, −1 without picture.
    time_s : array (time,)
        Clock of the samples, s.
    rows : int array (row,)
        Sample of each row, −1 for none.
    offsets_s : sequence of float
        When the channels are seen, s before (negative) or after the row.

    Returns
    -------
    int array (row, channel)
        −1 where the row has no picture. Beyond the ends, and over dropped frames, the row's own frame is repeated.
    """
    row = np.maximum(rows, 0)
    out = np.empty((len(rows), len(offsets_s)), np.int64)
    for c, offset in enumerate(offsets_s):
        if offset == 0 or len(time_s) < 2:
            near = row
        else:
            wanted = time_s[row] + offset
            near = np.where(uncovered(time_s, wanted), row, nearest_sample(time_s, wanted))
        out[:, c] = np.where(numbers[near] >= 0, numbers[near], numbers[row])
    out[(rows < 0) | (numbers[row] < 0)] = -1
    return out


def write_pictures(
    video: Video, numbers: NDArray[np.int64], view: View, params: ViewParams, *, title: str = "pictures"
) -> Pictures:
    """Cut the pictures of all rows out of a video.

    Parameters
    ----------
    video : Video
    numbers : int array (row, channel)
        Frame of each picture, −1 for none (`snippet_numbers`).
    view : View
        Where each row looks; all its channels are cut alike, so that movement stays visible.
    params : ViewParams
    title : str
        Shown with the progress.

    Returns
    -------
    Pictures
        With the background removed: distance from the empty arena; else the grey value. 0 outside the picture.
    """
    import cv2

    n_rows, n_channels = numbers.shape
    out = Pictures((n_rows, n_channels, params.height, params.width))
    numbers = np.where(np.isfinite(view.matrix[:, :1, 0]), numbers, -1)
    out.seen[:] = (numbers >= 0).all(axis=1)
    rows, channels = np.nonzero(numbers >= 0)
    if not len(rows):
        return out
    order = np.argsort(numbers[rows, channels], kind="stable")
    rows, channels = rows[order], channels[order]
    wanted = numbers[rows, channels]
    shrink = max(1, int(1 / view.scale))
    matrix = _after_shrinking(view.matrix, shrink)
    floor = _background(video, view, numbers, shrink, params) if params.background == "removed" else None
    first = np.searchsorted(wanted, np.unique(wanted))
    bounds = np.append(first, len(wanted))
    size = (params.width, params.height)
    for k, (_, picture) in enumerate(read_frames(video, wanted[first], shrink)):
        clean = picture if floor is None else remove(picture, floor)
        for i in range(bounds[k], bounds[k + 1]):
            r = rows[i]
            cut = cv2.warpAffine(clean, matrix[r], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            out.array[r, channels[i]] = cut
        if k % 200 == 0:
            tell(title, k, len(first))
    tell(title, len(first), len(first))
    return out


def read_frames(video: Video, numbers: NDArray[np.int64], shrink: int = 1) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield ``(number, grey picture)`` of increasing frame numbers, shrunk by a whole factor.

    Frames between two wanted ones are decoded and skipped when they are few, else jumped over.
    """
    import cv2

    numbers = np.unique(numbers)
    cuts = np.flatnonzero(np.diff(numbers) > SEEK) + 1
    for run in np.split(numbers, cuts):
        shown = video.frames(int(run[0]), int(run[-1]) + 1, grey=True, only=set(run.tolist()))
        for number, picture in zip(run.tolist(), shown, strict=True):
            if shrink > 1:
                # Whole blocks only, so that every small pixel covers the same area.
                h, w = picture.shape[0] // shrink * shrink, picture.shape[1] // shrink * shrink
                small = (w // shrink, h // shrink)
                picture = cv2.resize(picture[:h, :w], small, interpolation=cv2.INTER_AREA)
            yield number, picture


def remove(picture: NDArray[np.uint8], floor: Background) -> NDArray[np.uint8]:
    """Return the distance of a picture from the empty arena, evenly lit."""
    away = np.abs(picture.astype(np.float32) - floor.grey) * np.float32(floor.gain)
    return np.minimum(away, 255, out=away).astype(np.uint8)


def _background(video: Video, view: View, numbers: NDArray[np.int64], shrink: int, params: ViewParams) -> Background:
    """Percentile over evenly spaced frames at each pixel; where an animal is known to sit does not count."""
    at = np.unique(np.linspace(0, video.n_frames - 1, min(params.n_background, video.n_frames)).round().astype(int))
    some = np.stack([picture for _, picture in read_frames(video, at, shrink)])
    occupied = _occupied(view, numbers, at, some.shape[1:], shrink)
    if occupied is not None:
        # A pixel that the animal always covers keeps all its frames.
        occupied &= ~occupied.all(axis=0)
    grey = _percentile(some, occupied, params.percentile)
    # The brightest tenth of a percent of all pixels lies on the animal, however small it is.
    away = np.abs(some[:: max(1, len(some) // 20)].astype(np.float32) - grey)
    contrast = max(float(np.percentile(away, 99.9)), LEAST_CONTRAST)
    return Background(grey, 255.0 / contrast)


def _percentile(some: NDArray[np.uint8], left_out: NDArray[np.bool_] | None, percent: float) -> NDArray[np.float32]:
    """Percentile over the first axis, nearest rank, without the frames that are left out at a pixel."""
    if left_out is None:
        ordered, known = np.sort(some, axis=0), np.full(some.shape[1:], len(some))
    else:
        # What is left out sorts behind all grey values.
        ordered, known = np.sort(np.where(left_out, np.uint16(999), some), axis=0), (~left_out).sum(axis=0)
    rank = np.round(percent / 100 * (known - 1)).astype(np.int64)
    return np.take_along_axis(ordered, rank[None], axis=0)[0].astype(np.float32)


def _occupied(
    view: View, numbers: NDArray[np.int64], at: NDArray[np.int64], shape: tuple[int, ...], shrink: int
) -> NDArray[np.bool_] | None:
    """Where the animal is in the sampled frames: bool (frame, height, width), or None when that is not known."""
    if view.kind != "animal":
        return None
    out = np.zeros((len(at), *shape), bool)
    ys, xs = np.ogrid[: shape[0], : shape[1]]
    own = numbers[:, numbers.shape[1] // 2]
    usable = np.flatnonzero(own >= 0)
    if not len(usable):
        return None
    usable = usable[np.argsort(own[usable], kind="stable")]
    place = np.clip(np.searchsorted(own[usable], at), 0, len(usable) - 1)
    for k, row in enumerate(usable[place]):
        x, y = view.centre[row] / shrink
        if np.isfinite(x):
            out[k] = (xs - x) ** 2 + (ys - y) ** 2 <= (view.radius_px / shrink) ** 2
    return out


def _after_shrinking(matrix: NDArray[np.float64], shrink: int) -> NDArray[np.float64]:
    """Matrices for frames that were shrunk: small pixel x covers px shrink·x … shrink·x + shrink − 1."""
    out = matrix.copy()
    out[:, :, 2] += matrix[:, :, :2].sum(axis=2) * (shrink - 1) / 2
    out[:, :, :2] *= shrink
    return out
