"""Distance, speed and moving time: printed beside every anxiety measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from murid.assays.base import Measures
from murid.data.clock import rate_of
from murid.ethogram import kernels


@dataclass(frozen=True)
class Track:
    """The body centre of one individual.

    Attributes
    ----------
    time_s : array (time,)
    xy_cm : array (time, 2)
        Smoothed; NaN where unknown.
    step_cm : array (time,)
        Path from the previous frame; 0 for the first, NaN where either end is unknown.
    speed_cm_s : array (time,)
    moving : int8 array (time,)
        1, 0, −1 unknown.
    """

    time_s: np.ndarray
    xy_cm: np.ndarray
    step_cm: np.ndarray
    speed_cm_s: np.ndarray
    moving: np.ndarray

    @property
    def dt_s(self) -> float:
        """Seconds a frame stands for."""
        return 1.0 / rate_of(self.time_s)


def track_of(centre_cm: xr.DataArray, moving_from_cm_s: float, majority_s: float) -> Track:
    """Return the track of a (smoothed) body centre ``(time, space)`` in cm.

    Moving: speed above `moving_from_cm_s`, majority over ±`majority_s` seconds
    (5 cm/s and ±0.2 s after Sturman et al. 2020).
    """
    time, xy = centre_cm["time"].values, np.asarray(centre_cm.values, np.float64)
    step = np.zeros(len(time))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T)
    gap = np.diff(time, prepend=time[0])
    gap[0] = 1.0 / rate_of(time)
    speed = step / gap
    fast = np.where(np.isfinite(speed), speed > moving_from_cm_s, -1).astype(np.int8)
    known = fast >= 0
    moving = fast.copy()
    half = max(0, round(majority_s * rate_of(time)))
    moving[known] = kernels.majority_1d(fast[known], half, 2)
    return Track(time, xy, step, speed, moving)


def add_locomotion(out: Measures, track: Track, where: np.ndarray) -> None:
    """Add distance, speed and moving share over the frames in `where` (bool mask)."""
    known = where & np.isfinite(track.step_cm)
    seconds = known.sum() * track.dt_s
    distance = float(track.step_cm[known].sum())
    judged = where & (track.moving >= 0)
    moving = (track.moving == 1) & where
    out.add("distance", distance, "cm", "path of the smoothed body centre over frames where it is known")
    out.add("mean_speed", distance / seconds if seconds else np.nan, "cm/s", "distance / known time")
    out.add(
        "time_moving",
        100 * moving.sum() / judged.sum() if judged.any() else np.nan,
        "%",
        "frames above the movement speed, of known frames",
    )
    out.add(
        "speed_moving",
        float(np.nanmean(track.speed_cm_s[moving])) if moving.any() else np.nan,
        "cm/s",
        "mean speed over moving frames",
    )
