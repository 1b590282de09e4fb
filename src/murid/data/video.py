"""Video: a file and its exact frame index, decoded with PyAV.

Frame *n* is the n-th frame by presentation time, whatever the container says about its rate, so
that a frame number means the same picture in the pose file, the labels and on screen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from murid.data.clock import rate_of
from murid.data.errors import fail


@dataclass(frozen=True)
class Video:
    """A video file, opened lazily.

    Parameters
    ----------
    path : str or Path
        The file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> pictures = (np.full((16, 16), i, np.uint8) for i in range(30))
    >>> video = write_video(pathlib.Path(tempfile.mkdtemp()) / "m1.mp4", pictures, fps=30)
    >>> video.n_frames, video.fps
    (30, 30.0)
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not self.path.is_file():
            fail("video", "file not found", where=str(self.path))

    @cached_property
    def _index(self) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        """Presentation stamps (ticks), times (s) of all frames in order, and (height, width)."""
        import av

        try:
            with av.open(str(self.path)) as container:
                stream = container.streams.video[0]
                packets = [p for p in container.demux(stream) if p.pts is not None]
                stamps = np.sort(np.array([p.pts for p in packets], np.int64))
                base = stream.time_base
                size = (stream.codec_context.height, stream.codec_context.width)
        except (av.error.FFmpegError, IndexError) as exc:
            fail(
                "video",
                "cannot be read",
                where=str(self.path),
                got=str(exc),
                todo="check that the file plays; re-export it when it was cut off while recording",
            )
        if stamps.size == 0:
            fail("video", "holds no frames", where=str(self.path))
        if base is None:
            fail("video", "has no time base", where=str(self.path), todo="re-export it as MP4")
        return stamps, (stamps - stamps[0]) * float(base), size

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self._index[0].size)

    @property
    def time_s(self) -> np.ndarray:
        """Time of each frame in seconds from the first, shape ``(n_frames,)``."""
        return self._index[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self._index[2]

    @property
    def fps(self) -> float:
        """Frames per second, from the time stamps of all frames (see `murid.data.clock.rate_of`)."""
        return rate_of(self.time_s)

    def frames(
        self, start: int = 0, stop: int | None = None, *, grey: bool = False, only: Collection[int] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield frames ``start … stop-1``: uint8 ``(height, width, 3)`` RGB, or ``(height, width)``.

        Seeks to the key frame before `start` and decodes from there: exact, and never reads the
        rest of the file into memory. Of the frames on the way, `only` those of these numbers are
        turned into pictures, which costs as much as decoding them.
        """
        import av

        stamps = self._index[0]
        stop = self.n_frames if stop is None else min(stop, self.n_frames)
        if not 0 <= start < self.n_frames:
            fail(
                "video",
                "frame does not exist",
                where=str(self.path),
                expected=f"0..{self.n_frames - 1}",
                got=str(start),
            )
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            if start:
                container.seek(int(stamps[start]), stream=stream, backward=True, any_frame=False)
            for frame in container.decode(stream):
                if frame.pts is None or frame.pts < stamps[start]:
                    continue
                if stop <= start or frame.pts > stamps[stop - 1]:
                    return
                if only is None or int(np.searchsorted(stamps, frame.pts)) in only:
                    yield frame.to_ndarray(format="gray" if grey else "rgb24")

    def frame(self, index: int, *, grey: bool = False) -> np.ndarray:
        """Return one frame."""
        return next(self.frames(index, index + 1, grey=grey))


def write_video(path: str | Path, pictures: Iterable[np.ndarray], fps: float) -> Video:
    """Write pictures to a video file, one by one, and return it.

    Parameters
    ----------
    path : str or Path
        Where to, ``.mp4``.
    pictures : iterable of uint8 arrays (height, width) or (height, width, 3)
        Grey or RGB; all of one size. An odd row or column at the edge is left out, as the format wants.
    fps : float
        Frames per second.
    """
    import av

    stream = None
    codec = next(name for name in ("libx264", "mpeg4") if name in av.codecs_available)
    with av.open(str(path), "w") as container:
        for picture in pictures:
            height, width = (n // 2 * 2 for n in picture.shape[:2])
            if stream is None:
                stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                if codec == "libx264":
                    stream.options = {"crf": "18", "preset": "ultrafast"}
                else:
                    stream.bit_rate = max(2_000_000, width * height * 10)
            whole = np.ascontiguousarray(picture[:height, :width])
            frame = av.VideoFrame.from_ndarray(whole, format="gray" if picture.ndim == 2 else "rgb24")
            container.mux(stream.encode(frame))
        if stream is None:
            fail("video", "no pictures to write", where=str(path))
        container.mux(stream.encode())
    return Video(Path(path))
