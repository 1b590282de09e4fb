"""One animal on a stretch of frames: its points by role, its axes, its derivatives in time.

The families are written on this view and so read like the definitions in a methods section. All
arrays are float32 with time last, ``(frame,)``; points are ``(2, frame)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.roles import LIMBS, mirrored_roles, stand_ins

F32 = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


class Column(NamedTuple):
    """One feature on a stretch of frames.

    `unit` writes lengths as ``L`` (cm or body length, settled by the table). `symmetric` marks
    features of a pair that are the same from either side; `closest` says whether the smallest or the
    largest value belongs to the pair that is closest together.
    """

    name: str
    unit: str
    what: str
    values: F32
    symmetric: bool = False
    closest: Literal["min", "max"] = "min"


class Clock:
    """Frame times of a stretch, and differences over a fixed physical time.

    Parameters
    ----------
    time_s : array of shape (frame,)
    back, ahead : int
        The step runs from `back` frames before to `ahead` frames after; ``ahead=0`` uses the past alone.
    parts : sequence of (start, stop), optional
        Stretches without a pause: no step reaches from one into the other. All frames by default.
    """

    def __init__(
        self,
        time_s: NDArray[np.float64],
        back: int,
        ahead: int,
        parts: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.n = time_s.size
        self.back, self.ahead = back, ahead
        self.time_s = time_s
        self._bounds: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        if parts is not None and len(parts) > 1:
            low, high = (np.repeat([p[k] for p in parts], [b - a for a, b in parts]) for k in (0, 1))
            frames = np.arange(self.n)
            self._bounds = np.maximum(frames - back, low), np.minimum(frames + ahead, high - 1)
        before, after = self.ends(time_s)
        self.per_s = _reciprocal(after - before)

    @cached_property
    def per_s_of_rates(self) -> F32:
        """One over the time between two steps: what the change of a *rate* is divided by.

        At the ends of a recording steps are one-sided, so that the rates there belong to times closer together than
        the frames are.
        """
        before, after = self.ends(self.time_s)
        early, late = self.ends((before + after) / 2)
        whole_before, whole_after = self.ends(self._whole)
        inner = self._whole & whole_before & whole_after
        return np.where(inner, self.per_s, _reciprocal(late - early)).astype(np.float32)

    @cached_property
    def _whole(self) -> NDArray[np.bool_]:
        """Whether a frame's step has its full length on both sides."""
        number = np.arange(self.n)
        before, after = self.ends(number)
        whole: NDArray[np.bool_] = (number - before == self.back) & (after - number == self.ahead)
        return whole

    def ends(self, x: NDArray[Number]) -> tuple[NDArray[Number], NDArray[Number]]:
        """Return `x` at the start and at the end of every frame's step.

        One-sided at the two ends of the recording: truncated, never wrapped or padded.
        """
        if self._bounds is not None:
            return x[..., self._bounds[0]], x[..., self._bounds[1]]
        back, ahead = min(self.back, self.n - 1), min(self.ahead, self.n - 1)
        first, last = np.repeat(x[..., :1], back, axis=-1), np.repeat(x[..., -1:], ahead, axis=-1)
        before = np.concatenate([first, x[..., : self.n - back]], axis=-1)
        return before, np.concatenate([x[..., ahead:], last], axis=-1)

    def step(self, x: F32) -> F32:
        """Return the change of `x` over the step, same shape as `x`."""
        back, ahead, n = self.back, self.ahead, self.n
        if back + ahead >= n or self._bounds is not None:
            before, after = self.ends(x)
            return after - before
        out = np.empty_like(x)
        np.subtract(x[..., back + ahead :], x[..., : n - back - ahead], out=out[..., back : n - ahead])
        np.subtract(x[..., ahead : back + ahead], x[..., :1], out=out[..., :back])
        if ahead:
            np.subtract(x[..., -1:], x[..., n - ahead - back : n - back], out=out[..., n - ahead :])
        return out

    def rate(self, x: F32) -> F32:
        """Return the change of `x` per second (NaN where either side is missing)."""
        return self.step(x) * self.per_s

    def rate_of_rate(self, x: F32) -> F32:
        """Return the change per second of `x` that is itself a rate over the step: an acceleration."""
        return self.step(x) * self.per_s_of_rates


def _reciprocal(span: NDArray[np.float64]) -> F32:
    """One over spans in seconds, NaN where there is none."""
    return np.divide(1.0, span, out=np.full(span.shape, np.nan), where=span > 0).astype(np.float32)


def as_f32(x: NDArray[Any]) -> F32:
    """Return an array as float32, itself where it is."""
    return x.astype(np.float32, copy=False)


def norm(v: F32) -> F32:
    """Length of vectors ``(2, frame)``."""
    return np.sqrt(v[0] * v[0] + v[1] * v[1])


def cross(u: F32, v: F32) -> F32:
    """Signed area spanned by `u` and `v`; positive when `v` lies clockwise of `u` in an image."""
    return u[0] * v[1] - u[1] * v[0]


def dot(u: F32, v: F32) -> F32:
    """Scalar product of vectors ``(2, frame)``."""
    return u[0] * v[0] + u[1] * v[1]


def angle(u: F32, v: F32) -> F32:
    """Signed angle from `u` to `v` in rad, -pi..pi."""
    return np.arctan2(cross(u, v), dot(u, v))


def unit_vector(v: F32) -> F32:
    """Direction of `v`; NaN where it has no length."""
    length = norm(v)
    return (v / np.where(length > 0, length, np.float32(np.nan))).astype(np.float32, copy=False)


class Body:
    """Points of one animal on a stretch of frames.

    Parameters
    ----------
    xy : dict of str to array of shape (2, frame)
        Role → coordinates in the unit of length of the table.
    confidence : array of shape (keypoint, frame)
    clock : Clock
    """

    def __init__(self, xy: Mapping[str, F32], confidence: F32, clock: Clock) -> None:
        self.tracked = tuple(xy)
        self.trunk = tuple(role for role in xy if role not in LIMBS) or self.tracked
        self.confidence = confidence
        self.clock = clock
        self.sources = stand_ins(xy)
        self._points = dict(xy)

    def has(self, *points: str) -> bool:
        """Whether every one of these points can be had."""
        return all(p in self._points or p in self.sources for p in points)

    def point(self, name: str) -> F32:
        """Return a tracked or derived point ``(2, frame)``; NaN where a source is missing."""
        if name not in self._points:
            parts = [self._points[role] for role in self.sources[name]]
            mean = parts[0].copy()
            for part in parts[1:]:
                mean += part
            self._points[name] = mean / np.float32(len(parts))
        return self._points[name]

    @property
    def has_axis(self) -> bool:
        """Whether the body has a direction (rear to front)."""
        return self.has("front", "rear")

    @cached_property
    def axis(self) -> F32:
        """Unit vector from rear to front, ``(2, frame)``."""
        return unit_vector(self.point("front") - self.point("rear"))

    @cached_property
    def head_axis(self) -> F32:
        """Unit vector along the head to the nose; the body axis when the head has one point."""
        base = next((p for p in ("neck", "head", "front") if self._distinct(p, "nose")), None)
        if base is None:
            return self.axis
        return unit_vector(self.point("nose") - self.point(base))

    @property
    def has_head_axis(self) -> bool:
        """Whether the head turns apart from the body."""
        return any(self._distinct(p, "nose") for p in ("neck", "head", "front"))

    def _distinct(self, a: str, b: str) -> bool:
        return self.has(a, b) and self.sources.get(a, (a,)) != self.sources.get(b, (b,))

    @cached_property
    def velocity(self) -> F32:
        """Velocity of the centre, ``(2, frame)``, in length per second."""
        return self.clock.rate(self.point("centre"))

    @cached_property
    def speed(self) -> F32:
        """Speed of the centre."""
        return norm(self.velocity)

    @cached_property
    def turn_rate(self) -> F32:
        """Turning of the body axis, rad/s, signed."""
        return angle(*self.clock.ends(self.axis)) * self.clock.per_s

    @cached_property
    def covariance(self) -> tuple[F32, F32, F32, F32, F32, F32]:
        """Mean x, mean y, var x, var y, cov xy and count of the visible trunk points."""
        points = np.stack([self._points[role] for role in self.trunk])
        seen = ~np.isnan(points[:, 0])
        count = seen.sum(0).astype(np.float32)
        safe = np.where(count > 0, count, np.float32(np.nan))
        mean = np.where(seen[:, None], points, np.float32(0)).sum(0) / safe
        away = np.where(seen[:, None], points - mean, np.float32(0))
        var_x, var_y = (away[:, 0] ** 2).sum(0) / safe, (away[:, 1] ** 2).sum(0) / safe
        return mean[0], mean[1], var_x, var_y, (away[:, 0] * away[:, 1]).sum(0) / safe, count


def bodies(
    poses: xr.Dataset,
    frames: slice,
    roles: Mapping[str, str],
    individuals: tuple[str, ...],
    scale: float,
    step: tuple[int, int],
    mirror: bool = False,
    parts: Sequence[tuple[int, int]] | None = None,
) -> dict[str, Body]:
    """Cut a stretch of frames out of poses as one `Body` an individual.

    Parameters
    ----------
    scale : float
        Lengths of the poses are divided by this.
    step : (int, int)
        Frames before and after over which velocities are taken.
    mirror : bool
        Flip the picture top to bottom and swap left and right roles.
    parts : sequence of (start, stop), optional
        Stretches of the frames without a pause, see `Clock`.
    """
    used = dict(roles)
    if mirror:
        swapped = mirrored_roles(roles)
        used = {role: swapped.get(role, "") for role in roles}
    names = [str(k) for k in poses["keypoint"].values]
    # A role without a keypoint (one ear in the mirror) is missing, not absent: the columns stay the same.
    index = np.array([names.index(keypoint) if keypoint else 0 for keypoint in used.values()])
    absent = np.array([not keypoint for keypoint in used.values()])
    clock = Clock(np.asarray(poses["time"].values[frames], np.float64), *step, parts)
    every = [str(i) for i in poses["individual"].values]
    position, confidence = poses["position"].values[frames], poses["confidence"].values[frames]
    out = {}
    for name in individuals:
        number = every.index(name)
        xy = np.ascontiguousarray(position[:, :2, index, number].transpose(2, 1, 0), dtype=np.float32)
        xy *= np.float32(1.0 / scale)
        if mirror:
            xy[:, 1] *= np.float32(-1)
        # A point is seen in both coordinates or not at all.
        missing = np.isnan(xy).any(axis=1) | absent[:, None]
        if missing.any():
            xy[np.broadcast_to(missing[:, None], xy.shape)] = np.nan
        conf = np.ascontiguousarray(confidence[:, index, number].T, dtype=np.float32)
        conf[absent] = np.nan
        out[name] = Body(dict(zip(used, xy, strict=True)), conf, clock)
    return out
