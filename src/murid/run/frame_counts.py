"""Frames of a recording as annotation programs count them: the rate, and the frame number at each time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.clock import ClockMap, frame_clock, sample_stops
from murid.data.labels import Labels
from murid.data.recording import Recording


@dataclass(frozen=True)
class FrameCounts:
    """How the frames of a recording are counted.

    Attributes
    ----------
    fps : float
        Frames/s of the poses, else of the film, else of the labels; NaN where none of them has a rate.
    stop_s : float
        End of the last frame of the poses or of the film, s; NaN without both.
    clock : ClockMap, optional
        From times of the recording to frame number / `fps`, where these differ by more than half a frame: films that
        do not run evenly, poses whose time does not begin with the film.
    """

    fps: float
    stop_s: float = float("nan")
    clock: ClockMap | None = None

    def counted(self, labels: Labels) -> Labels:
        """Labels in which each time is frame number / `fps`; what lies before the first frame is left out."""
        clock = self.clock
        if clock is None:
            return labels

        def moved(table: pd.DataFrame) -> pd.DataFrame:
            edges = {c: clock(table[c].to_numpy(np.float64)).clip(min=0.0) for c in ("start_s", "stop_s")}
            return table.assign(**edges)[edges["stop_s"] > 0].reset_index(drop=True)

        return replace(labels, bouts=moved(labels.bouts), scored=moved(labels.scored))

    def end_of(self, stop_s: float) -> float:
        """Frame number / `fps` at the end of what is written."""
        return stop_s if self.clock is None else float(self.clock(stop_s))


def frame_counts(recording: Recording, labels: Labels) -> FrameCounts:
    """Return how the frames of a recording are counted.

    Parameters
    ----------
    recording : Recording
        Its poses go first, then its film.
    labels : Labels
        What is written; its rate where there are neither.
    """
    if recording.has("poses"):
        poses = recording.need("poses")
        rate = float(poses.attrs.get("fps", float("nan")))
        if np.isfinite(rate) and rate > 0:
            return _counts(poses["time"].values, poses["frame"].values, rate)
    if recording.has("video"):
        film = recording.need("video")
        if np.isfinite(film.fps):
            return _counts(film.time_s, np.arange(film.n_frames), film.fps)
    return FrameCounts(labels.fps)


def _counts(time_s: NDArray[np.float64], frame: NDArray[np.int64], rate_hz: float) -> FrameCounts:
    """Counts of frames whose times are known."""
    if time_s.size < 2:
        return FrameCounts(rate_hz)
    every = max(1, int(np.median(np.diff(frame))))  # of every second frame, the film has twice the rate
    clocks = {fps: frame_clock(time_s, frame, fps) for fps in (rate_hz, rate_hz * every)}
    fps = min(clocks, key=lambda rate: clocks[rate].residual_max_s)
    stop_s = float(sample_stops(time_s)[-1])
    # Stamps rounded to ms are no other clock; half a frame is.
    return FrameCounts(fps, stop_s, clocks[fps] if clocks[fps].residual_max_s > 0.5 / fps else None)
