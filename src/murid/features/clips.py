"""Clips: half a second of an animal, aligned as a whole, as blocks of numbers.

The description of AlphaTracker (Chen et al. 2023): a clip is turned by its middle frame (nose at the
origin, rump behind), so that the path within the clip stays. Clips are sampled at fixed times, not
frames: 15 samples in 0.5 s at every frame rate; at 30, 60, 90 frames/s each of them is a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from murid.data.clock import nearest_sample
from murid.data.errors import fail
from murid.data.resample import straight_line

#: Stand-ins for the base of the head and for the rump, best first.
HEAD_BASE = (("ear_left", "ear_right"), ("neck",), ("head",), ("paw_front_left", "paw_front_right"), ("centre",))
RUMP = (("tail_base",), ("hip_left", "hip_right"), ("paw_hind_left", "paw_hind_right"))
NOSE = (("nose",), ("head",))
#: Lowest Fourier terms that are kept.
N_TERMS = 8

Floats = NDArray[np.float64]
Blocks = dict[str, Floats]


def body_points(points: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Say from which points nose, base of the head and rump are made; an error when one cannot be."""
    chosen: list[tuple[str, ...]] = []
    for what, options in (("nose", NOSE), ("base of the head", HEAD_BASE), ("rump", RUMP)):
        choice = next((o for o in options if all(p in points for p in o) and o not in chosen), None)
        if choice is None:
            fail(
                "clips",
                f"no {what}",
                expected=" or ".join(" + ".join(o) for o in options),
                got=", ".join(points),
                todo="give the recording roles for these keypoints",
            )
        chosen.append(choice)
    return chosen[0], chosen[1], chosen[2]


def clip_centres(time_s: Floats, stretches: Sequence[slice], clip_s: float, step_s: float) -> list[Floats]:
    """Times of the middles of the clips in each unbroken stretch: the frames nearest to multiples of `step_s`.

    The grid is that of the recording's clock, not of the stretch, so that a recording cut in two has the same clips.
    Middles are frames, so that at a whole multiple of the clips' own rate every sample is a frame.
    """
    out = []
    for stretch in stretches:
        own = time_s[stretch]
        first, last = own[0] + clip_s / 2, own[-1] - clip_s / 2
        # Half a frame of slack: 15 frames of 30 Hz are a clip of 0.5 s.
        slack = 0.5 * float(np.median(np.diff(own))) if len(own) > 1 else 0.0
        steps = np.arange(np.ceil((first - slack) / step_s - 1e-6), np.floor((last + slack) / step_s + 1e-6) + 1)
        out.append(own[nearest_sample(own, steps * step_s)] if len(steps) and len(own) > 1 else np.empty(0))
    return out


def sample(x: Floats, time_s: Floats, centres: Floats, clip_s: float, n_samples: int) -> Floats:
    """Values at `n_samples` times of each clip, ``(clip, sample, …)``, linear between the frames ``x (time, …)``."""
    offsets = (np.arange(n_samples) - n_samples // 2) * clip_s / n_samples
    at = (centres[:, None] + offsets).clip(time_s[0], time_s[-1])
    return straight_line(x, time_s, at)


def own_blocks(nose: Floats, head: Floats, rump: Floats) -> Blocks:
    """Describe each clip of one animal.

    Parameters
    ----------
    nose, head, rump : arrays (clip, sample, 2)
        In body lengths; `head` is the base of the head.

    Returns
    -------
    dict of str to array (clip, value)
        ``body_length, head_length, head_angle`` (sin, cos), ``displacement`` and ``direction`` (sin, cos) of
        the nose in the frame of the middle sample, ``spectrum`` and ``phase`` of its path, ``turning``.
    """
    body, snout = nose - rump, nose - head
    path = _aligned(nose, nose, rump)
    turn = _angle(body[:, :-1], body[:, 1:])
    n = nose.shape[1]
    terms = np.fft.fft(path[..., 0] + 1j * path[..., 1], axis=1)[:, : min(N_TERMS, n)]
    return {
        "body_length": _norm(body),
        "head_length": _norm(snout),
        "head_angle": _sin_cos(_angle(body, snout)),
        "displacement": _norm(path),
        "direction": _direction(path),
        "spectrum": np.abs(terms) * 2 / n,
        "phase": _sin_cos(np.angle(terms)),
        "turning": _sin_cos(turn),
    }


def social_blocks(own: Mapping[str, Floats], other: Mapping[str, Floats]) -> Blocks:
    """Describe where a partner is: points ``nose, head, rump (clip, sample, 2)`` of both, in body lengths."""
    axis, axis_other = own["nose"] - own["rump"], other["nose"] - other["rump"]
    out = {
        "between_bodies": _sin_cos(_angle(axis, axis_other)),
        "between_heads": _sin_cos(_angle(own["nose"] - own["head"], other["nose"] - other["head"])),
    }
    for name, a, b in (("nose_rump", "nose", "rump"), ("rump_nose", "rump", "nose"), ("nose_nose", "nose", "nose")):
        away = other[b] - own[a]
        out[f"{name}_distance"] = _norm(away)
        out[f"{name}_direction"] = _sin_cos(_angle(axis, away))
    return out


def course_blocks(scores: Floats) -> Blocks:
    """Describe how component scores ``(clip, sample, component)`` run within each clip: lowest Fourier terms."""
    n = scores.shape[1]
    terms = np.fft.fft(scores, axis=1)[:, : min(N_TERMS, n)]
    flat = terms.reshape(len(terms), -1)
    return {"contour_spectrum": np.abs(flat) * 2 / n, "contour_phase": _sin_cos(np.angle(flat))}


def _aligned(x: Floats, nose: Floats, rump: Floats) -> Floats:
    """Turn ``x (clip, sample, 2)`` so that in the middle sample the nose is at 0 and the rump on +x."""
    middle = nose.shape[1] // 2
    origin = nose[:, middle]
    back = rump[:, middle] - origin
    unit = back / np.maximum(np.linalg.norm(back, axis=1, keepdims=True), 1e-12)
    away = x - origin[:, None]
    cos, sin = unit[:, None, 0], unit[:, None, 1]
    return np.stack([away[..., 0] * cos + away[..., 1] * sin, away[..., 1] * cos - away[..., 0] * sin], axis=-1)


def _norm(v: Floats) -> Floats:
    return np.linalg.norm(v, axis=-1)


def _angle(u: Floats, v: Floats) -> Floats:
    return np.arctan2(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0], (u * v).sum(-1))


def _direction(path: Floats) -> Floats:
    """Sin and cos of where a path is; both 0 at the origin, where the direction would be rounding noise."""
    unit = path / np.maximum(_norm(path), 1e-6)[..., None]
    return np.concatenate([unit[..., 1], unit[..., 0]], axis=1)


def _sin_cos(angle: Floats) -> Floats:
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
