"""Distance, speed and moving time: printed beside every anxiety measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.assays.assay_result import Measures
from murid.data.clock import rate_of, samples_in, segments, spans
from murid.ethogram import kernels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class CentreTrack:
    """The body centre of one individual.

    Attributes
    ----------
    time_s : array (time,)
    span_s : array (time,)
        Seconds each frame stands for: to the next frame, one step at a pause.
    piece : int array (time,)
        Number of the stretch without pauses that the frame belongs to.
    xy_cm : array (time, 2)
        Smoothed; NaN where unknown.
    step_cm : array (time,)
        Path from the previous frame; 0 for the first and behind a pause, NaN where either end is unknown.
    speed_cm_s : array (time,)
    moving : int8 array (time,)
        1, 0, −1 unknown.
    """

    time_s: Floats
    span_s: Floats
    piece: NDArray[np.int64]
    xy_cm: Floats
    step_cm: Floats
    speed_cm_s: Floats
    moving: NDArray[np.int8]

    def seconds(self, where: Bools) -> float:
        """Time covered by the frames in `where`."""
        return float(self.span_s[where].sum())


def track_of(centre_cm: xr.DataArray, moving_from_cm_s: float, majority_s: float) -> CentreTrack:
    """Return the track of a (smoothed) body centre ``(time, space)`` in cm.

    Moving: speed above `moving_from_cm_s`, majority over ±`majority_s` seconds
    (5 cm/s and ±0.2 s after Sturman et al. 2020). Nothing reaches across a pause of the clock.
    """
    time = np.asarray(centre_cm["time"].values, np.float64)
    xy = np.asarray(centre_cm.values, np.float64)
    step, speed = np.zeros(time.size), np.full(time.size, np.nan)
    moving, piece = np.full(time.size, -1, np.int8), np.zeros(time.size, np.int64)
    half = max(0, samples_in(majority_s, rate_of(time))) if time.size > 1 else 0
    for number, (a, b) in enumerate(segments(time)):
        piece[a:b] = number
        step[a + 1 : b] = np.hypot(*np.diff(xy[a:b], axis=0).T)
        speed[a + 1 : b] = step[a + 1 : b] / np.diff(time[a:b])
        if b - a > 1:
            speed[a] = speed[a + 1]  # the first frame has no step of its own
        known = np.isfinite(speed[a:b])
        fast = (speed[a:b][known] > moving_from_cm_s).astype(np.int8)
        moving[a:b][known] = kernels.majority_1d(fast, half, 2)
    return CentreTrack(time, spans(time), piece, xy, step, speed, moving)


def add_locomotion(out: Measures, track: CentreTrack, where: Bools) -> None:
    """Add distance, speed and moving share over the frames in `where` (bool mask)."""
    known = where & np.isfinite(track.step_cm)
    seconds = track.seconds(known)
    distance = float(track.step_cm[known].sum())
    judged = track.seconds(where & (track.moving >= 0))
    moving = (track.moving == 1) & where
    out.add("distance", distance, "cm", "path of the smoothed body centre over frames where it is known")
    out.add("mean_speed", distance / seconds if seconds else np.nan, "cm/s", "distance / known time")
    out.add(
        "time_moving",
        100 * track.seconds(moving) / judged if judged else np.nan,
        "%",
        "time above the movement speed, of known time",
    )
    out.add(
        "speed_moving",
        float(np.nanmean(track.speed_cm_s[moving])) if moving.any() else np.nan,
        "cm/s",
        "mean speed over moving frames",
    )
