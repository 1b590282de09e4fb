"""Kinematics: how fast, in which direction of the body, how it turns, how straight the path is.

Velocities are differences over a fixed time (`FeatureParams.step_s`), so that jitter does not grow
with the frame rate. Forward and sideways are in the frame of the body (cf. JAABA, Kabra et al.
2013; MARS, Segalin et al. 2021).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from murid.features.body import F32, Body, Clock, Column, angle, cross, dot, norm, unit_vector


def kinematics_columns(
    body: Body,
    path_windows: Iterable[tuple[float, int, int]] = (),
    speed_lags: Iterable[tuple[float, int, int]] = (),
) -> list[Column]:
    """Motion of one animal.

    Parameters
    ----------
    body : Body
    path_windows : iterable of (seconds, frames before, frames after)
        Windows of path straightness.
    speed_lags : iterable of (seconds, frames before, frames after)
        Times over which speeds are taken besides the clock's own.

    Returns
    -------
    list of Column
        Speeds in L/s, accelerations in L/s², turn rates in rad/s.
    """
    clock = body.clock
    out = [Column("speed_centre", "L/s", "speed of the body centre", body.speed)]
    for role in body.tracked:
        if body.sources.get("centre") != (role,):
            speed = norm(clock.rate(body.point(role)))
            out.append(Column(f"speed_{role}", "L/s", "speed of a keypoint", speed))
    out.append(
        Column("acceleration_centre", "L/s^2", "change of the speed of the centre", clock.rate_of_rate(body.speed))
    )
    if body.has_axis:
        out += _in_body_frame(body)
    if body.has_head_axis:
        turn = angle(*clock.ends(body.head_axis)) * clock.per_s
        out.append(Column("turn_rate_head", "rad/s", "turning of the head, signed", turn))
    out += _path(body, path_windows)
    for seconds, before, after in speed_lags:
        out += _slow(body, seconds, before, after)
    return out


def _slow(body: Body, seconds: float, before: int, after: int) -> list[Column]:
    """Net speeds over a longer time: an animal that jitters on the spot has none."""
    clock = Clock(body.clock.time_s, before, after)
    points = {p: body.sources.get(p, (p,)) for p in ("centre", "nose", "rear") if body.has(p)}
    return [
        Column(f"speed_{p}_over_{seconds:g}s", "L/s", "net speed over a longer time", norm(clock.rate(body.point(p))))
        for p, source in points.items()
        if p == "centre" or source != points["centre"]
    ]


def _in_body_frame(body: Body) -> list[Column]:
    axis, clock = body.axis, body.clock
    out = []
    for point in ("centre", "nose", "rear"):
        if not body.has(point) or (point != "centre" and body.sources.get(point) == body.sources["centre"]):
            continue
        v = body.velocity if point == "centre" else clock.rate(body.point(point))
        out.append(Column(f"forward_{point}", "L/s", "velocity along the body axis", dot(v, axis)))
        out.append(Column(f"sideways_{point}", "L/s", "velocity across the body axis, signed", cross(axis, v)))
    turn = body.turn_rate
    length = norm(body.point("front") - body.point("rear"))
    out += [
        Column("turn_rate", "rad/s", "turning of the body axis, signed", turn),
        Column("turn_rate_abs", "rad/s", "turning of the body axis, unsigned", np.abs(turn)),
        Column(
            "course_cos",
            "1",
            "cosine between motion and body axis: 1 ahead, -1 backwards",
            dot(unit_vector(body.velocity), axis),
        ),
        Column("stretch_rate", "L/s", "lengthening of the body (rear to front)", clock.rate(length)),
    ]
    return out


def _path(body: Body, windows: Iterable[tuple[float, int, int]]) -> list[Column]:
    """Turning of the path, and net distance over travelled distance in windows."""
    clock = body.clock
    turning = angle(*clock.ends(body.velocity)) * clock.per_s_of_rates
    turning[body.speed == 0] = 0.0
    out = [Column("path_turn_rate", "rad/s", "turning of the direction of motion, signed", turning)]
    centre = body.point("centre")
    step = np.zeros(clock.n, np.float32)
    step[1:] = norm(np.diff(centre, axis=1))
    what = "net over travelled distance in a window: 1 straight"
    for seconds, before, after in windows:
        values = straightness(centre, step, before, after)
        out.append(Column(f"straightness_{seconds:g}s", "1", what, values))
    return out


def straightness(xy: F32, step: F32, before: int, after: int) -> F32:
    """Net distance over travelled distance from `before` frames earlier to `after` frames later.

    Steps that are missing make the window NaN: a gap could hide any path. Summed afresh for every
    frame in the same order, so that the value does not depend on where a block starts.

    Parameters
    ----------
    xy : array of shape (2, frame)
    step : array of shape (frame,)
        Distance from the previous frame; 0 in the first.

    Returns
    -------
    float32 array of shape (frame,)
        1 on a straight path or at rest, towards 0 on a winding one.
    """
    n = step.size
    frames = np.arange(n)
    low, high = np.maximum(frames - before, 0), np.minimum(frames + after, n - 1)
    padded = np.zeros(n + before + after, np.float32)
    padded[before : before + n] = step
    # The step into the first frame of a window lies outside it; the sum starts at offset 1.
    travelled = np.zeros(n, np.float32)
    for k in range(1, before + after + 1):
        travelled += padded[k : k + n]
    net = norm(xy[:, high] - xy[:, low])
    return np.where(travelled == 0, np.float32(1), net / np.where(travelled == 0, np.float32(1), travelled))
