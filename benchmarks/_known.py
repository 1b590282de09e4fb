"""Quantities known of real videos without any network, and how well latents predict them.

With poses: speed, turning and stretch; a dark animal on a bright floor: place, size and speed of the dark patch; a
head-fixed animal: how much the picture changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from murid.data.recording import Recording
from murid.data.video import Video
from murid.prepare import clean

Quantities = dict[str, np.ndarray]


def known(recording: Recording) -> Quantities:
    """Quantity → its value at each sample of the recording's clock, NaN where unknown."""
    if recording.has("poses"):
        return of_poses(recording)
    return of_patch(recording.video) if recording.video.fps < 100 else of_change(recording.video)


def of_poses(recording: Recording) -> Quantities:
    """Speed and turning over ± 0.2 s, and distance from nose to tail, in the unit of the poses."""
    poses = clean(recording.poses)
    names = [str(k).lower() for k in poses["keypoint"].values]
    xy = poses["position"].values[:, :2, :, 0].transpose(0, 2, 1)
    axis = xy[:, next(i for i, n in enumerate(names) if "nose" in n)]
    axis = axis - xy[:, next(i for i, n in enumerate(names) if "tail" in n)]
    rate = 1 / float(np.median(np.diff(poses["time"].values)))
    half = round(0.2 * rate)
    angle = np.unwrap(np.nan_to_num(np.arctan2(axis[:, 1], axis[:, 0])))
    return {
        "speed": np.linalg.norm(_change(np.nanmean(xy, axis=1), half), axis=1),
        "turning": np.abs(_change(angle[:, None], half)[:, 0]),
        "stretch": np.linalg.norm(axis, axis=1),
    }


def of_patch(video: Video) -> Quantities:
    """Place (px), size and speed of the patch that is darker than the empty arena."""
    import cv2

    frames = np.stack([cv2.resize(f, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for f in _frames(video)])
    floor = np.median(frames[:: max(1, len(frames) // 100)], axis=0)
    rows = []
    for frame in frames:
        dark = (floor - frame > 40).astype(np.uint8)
        _, _, stats, centres = cv2.connectedComponentsWithStats(dark)
        best = 1 + stats[1:, cv2.CC_STAT_AREA].argmax() if len(stats) > 1 else 0
        rows.append((*centres[best], stats[best, cv2.CC_STAT_AREA]) if best else (np.nan,) * 3)
    x, y, size = np.array(rows, float).T
    speed = np.linalg.norm(_change(np.column_stack([x, y]), round(0.2 * video.fps)), axis=1)
    return {"x": x, "y": y, "size": size, "speed": speed}


def of_change(video: Video) -> Quantities:
    """Mean change of the picture from frame to frame, over ± 10 ms."""
    frames = list(_frames(video))
    change = [0.0, *(float(np.abs(b.astype(np.int16) - a).mean()) for a, b in pairwise(frames))]
    return {"change": np.convolve(change, np.ones(5) / 5, mode="same")}


def readout_r2(
    features: np.ndarray, quantities: Quantities, rate_hz: float, context_s: float
) -> dict[str, tuple[float, float]]:
    """R² of a linear readout of each quantity in blocks of time left out of its fit.

    Parameters
    ----------
    features : array (time, feature)
    quantities : dict of str to array (time,)
    rate_hz : float
    context_s : float
        The readout also has mean and SD of the features over so long to each side; so much is left out around blocks.

    Returns
    -------
    dict
        Quantity → R², and R² of the same quantity moved by half the recording (chance).
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    half = max(1, round(context_s * rate_hz))
    seen = np.isfinite(features).all(axis=1)
    x = np.where(seen[:, None], with_context(features, half), np.nan)
    n = len(x)
    block = np.arange(n) * 20 // n
    out = {}
    for name, values in quantities.items():
        scores = []
        for y in (values[:n], np.roll(values[:n], n // 2)):
            usable = seen & np.isfinite(y)
            guess = np.full(n, np.nan)
            for fold in range(5):
                test = usable & (block % 5 == fold)
                near = np.convolve(block % 5 == fold, np.ones(2 * half + 1), mode="same") > 0
                learn = usable & ~near
                scale = StandardScaler().fit(x[learn])
                model = RidgeCV(np.logspace(0, 5, 11)).fit(scale.transform(x[learn]), y[learn])
                guess[test] = model.predict(scale.transform(x[test]))
            error = np.nanmean((guess[usable] - y[usable]) ** 2)
            scores.append(float(1 - error / y[usable].var()))
        out[name] = (scores[0], scores[1])
    return out


def with_context(features: np.ndarray, rows: int) -> np.ndarray:
    """Features beside their running mean and SD over ± `rows` frames."""
    from scipy.ndimage import uniform_filter1d

    x = np.nan_to_num(np.asarray(features, np.float64))
    mean = uniform_filter1d(x, 2 * rows + 1, axis=0)
    square = uniform_filter1d(x**2, 2 * rows + 1, axis=0)
    return np.concatenate([x, mean, np.sqrt(np.maximum(square - mean**2, 0))], axis=1)


def as_text(scores: dict[str, tuple[float, float]]) -> str:
    """Return the scores in one line: ``speed 0.81 (by chance -0.10)``."""
    return "R2 " + ", ".join(f"{k} {a:.2f} (by chance {max(b, -9.99):.2f})" for k, (a, b) in scores.items())


def _frames(video: Video) -> Iterator[np.ndarray]:
    yield from video.frames(0, video.n_frames, grey=True)


def _change(values: np.ndarray, half: int) -> np.ndarray:
    """Difference over ± `half` samples, a sample."""
    at = np.arange(len(values))
    after, before = np.minimum(at + half, len(values) - 1), np.maximum(at - half, 0)
    return (values[after] - values[before]) / np.maximum(after - before, 1)[:, None]
