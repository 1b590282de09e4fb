"""What goes wrong between the animal and the analyst: noisy, lost and swapped keypoints, other raters.

Every function takes a generator and returns a new object, with what was planted beside it.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.bouts import make_bouts
from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.units import LengthUnit
from murid.simulate.noise import slow_noise


class Corruption(Params):
    """How a tracker errs. Defaults are those of a decent markerless tracker on a clean video.

    Examples
    --------
    >>> Corruption(jitter_px=1.0).replace(dropped=0.1).jitter_px
    1.0
    """

    jitter_px: float = param(0.6, unit="px", ge=0, why="SD of a well seen keypoint; the tail gets twice as much")
    occlusions_per_min: float = param(2.0, unit="1/min", ge=0, why="how often a keypoint is hidden")
    occlusion_s: float = param(0.3, unit="s", gt=0, why="median time it stays hidden; skewed, so bursts happen")
    occluded: Literal["guess", "nan"] = param("guess", why="hidden keypoints are guessed, or missing (NaN)")
    guess_px: float = param(15.0, unit="px", ge=0, why="SD of a guess about a hidden keypoint")
    jumps_per_min: float = param(1.0, unit="1/min", ge=0, why="single frames on which a keypoint is elsewhere")
    jump_px: float = param(80.0, unit="px", ge=0, why="SD of such a jump")
    hidden_by_others_cm: float = param(
        0.0, unit="cm", ge=0, why="keypoints this near to the body of an animal on top are hidden; 0 = never"
    )
    swaps_per_min: float = param(0.0, unit="1/min", ge=0, why="how often two animals exchange names")
    swap_s: float = param(2.0, unit="s", gt=0, why="median time until they change back")
    dropped: float = param(0.0, ge=0, lt=0.9, why="share of frames the camera lost, in short runs")
    scale: float = param(1.0, gt=0, why="factor on the coordinates: another camera height")
    offset_px: tuple[float, float] = param((0.0, 0.0), unit="px", why="shift of the coordinates: a moved camera")


def corrupt(recording: Recording, params: Corruption | None = None, *, seed: int = 0, **changes: Any) -> Recording:
    """Return a copy of a recording with spoilt poses.

    Parameters
    ----------
    recording : Recording
        With poses; labels, zones and events stay as they are (also under `scale` and `offset_px`:
        that is the mistake to be found).
    params : Corruption, optional
        How much of each.
    seed : int
        Seed.
    **changes
        Single parameters of `Corruption`, over `params`.

    Returns
    -------
    Recording
        ``meta["planted"]`` holds ``swaps`` (list of ``start_s, stop_s, individual, individual``),
        ``dropped_frames``, ``hidden`` and ``jumped`` (bool arrays (time, keypoint, individual)).

    Examples
    --------
    >>> from murid import simulate
    >>> spoilt = simulate.corrupt(simulate.recording(duration_s=10), seed=1, dropped=0.1)
    >>> len(spoilt.meta["planted"]["dropped_frames"]) >= 30
    True
    """
    p = Corruption.of(params, changes)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
    true_poses = recording.need("poses")
    covered = covered_by_others(true_poses, p.hidden_by_others_cm, streams[3])
    poses, hidden, jumped = spoil(true_poses, p, streams[0], covered)
    poses, swaps = swap_identities(poses, p.swaps_per_min, p.swap_s, streams[1])
    poses, lost = drop_frames(poses, p.dropped, streams[2])
    if p.scale != 1.0 or any(p.offset_px):
        shift = np.asarray(p.offset_px, np.float32)[None, :, None, None]
        poses = poses.assign(
            position=poses["position"].copy(data=poses["position"].values * np.float32(p.scale) + shift)
        )
    keep = np.setdiff1d(np.arange(len(hidden)), lost)
    planted = {"swaps": swaps, "dropped_frames": lost, "hidden": hidden[keep], "jumped": jumped[keep]}
    return recording.replace(poses=poses, meta={**recording.meta, "planted": planted})


def covered_by_others(poses: xr.Dataset, within_cm: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which keypoints lie below the body of another animal, (time, keypoint, individual).

    Of two animals that touch, one is on top for about a second at a time.

    Parameters
    ----------
    poses : Dataset
        True poses.
    within_cm : float
        Distance from the axis of the other body, cm.
    rng : Generator
        Who is on top.
    """
    position = poses["position"].values.astype(np.float64)
    n, _, k, m = position.shape
    covered = np.zeros((n, k, m), bool)
    if m < 2 or within_cm <= 0:
        return covered
    scale = LengthUnit.of(poses.attrs).per_cm or 1.0
    names = [str(name) for name in poses["keypoint"].values]
    axis = [names.index(name) for name in ("neck", "centre", "tail_base") if name in names]
    for a in range(m):
        for b in range(a + 1, m):
            a_on_top = slow_noise((n,), rate_of(poses["time"].values), rng) > 0
            for low, high, now in ((b, a, a_on_top), (a, b, ~a_on_top)):
                apart = position[:, :, :, None, low] - position[:, :, None, axis, high]
                near = (np.hypot(apart[:, 0], apart[:, 1]) < within_cm * scale).any(axis=2)
                covered[:, :, low] |= near & now[:, None]
    return covered


def spoil(
    poses: xr.Dataset, params: Corruption, rng: np.random.Generator, covered: NDArray[np.bool_] | None = None
) -> tuple[xr.Dataset, NDArray[np.bool_], NDArray[np.bool_]]:
    """Add jitter, occlusions and jumps; confidence falls as the expected error grows.

    Returns
    -------
    poses, hidden, jumped
        New poses, and where keypoints were hidden and where they jumped, (time, keypoint, individual).
    """
    position, fps = poses["position"].values.astype(np.float64), rate_of(poses["time"].values)
    n, space, k, m = position.shape
    own = LengthUnit.of(poses.attrs)
    unit = own.to("px") if own.can_be("px") else 1.0
    tail = np.array(
        [2.0 if "tail_" in str(name) and "base" not in str(name) else 1.0 for name in poses["keypoint"].values]
    )
    # How hard a keypoint is to see varies slowly: log-SD 0.3 over about a second.
    hard = np.exp(0.3 * slow_noise((n, k, m), 1.0 * fps, rng))
    sd = params.jitter_px * tail[None, :, None] * hard
    hidden = _bursts((n, k, m), params.occlusions_per_min / 60, params.occlusion_s, fps, rng)
    hidden = hidden if covered is None else hidden | covered
    jumped = rng.random((n, k, m)) < params.jumps_per_min / 60 / fps
    error = sd[:, None] * rng.standard_normal((n, space, k, m))
    guess = params.guess_px * np.stack([slow_noise((n, k, m), 0.3 * fps, rng) for _ in range(space)], axis=1)
    jump = params.jump_px * rng.standard_normal((n, space, k, m))
    error += np.where(hidden[:, None], guess, 0) + np.where(jumped[:, None], jump, 0)
    expected = sd + params.guess_px * hidden + 0.7 * params.jump_px * jumped
    confidence = 1 / (1 + (expected / 8.0) ** 2) * rng.uniform(0.96, 1.0, expected.shape)
    position = position + error / unit
    if params.occluded == "nan":
        position[np.broadcast_to(hidden[:, None], position.shape)] = np.nan
        confidence[hidden] = 0.0
    out = poses.copy()
    out["position"] = poses["position"].copy(data=position.astype(np.float32))
    out["confidence"] = poses["confidence"].copy(data=confidence.astype(np.float32))
    return out, hidden, jumped


def swap_identities(
    poses: xr.Dataset, per_min: float, median_s: float, rng: np.random.Generator
) -> tuple[xr.Dataset, list[tuple[float, float, str, str]]]:
    """Exchange two animals for a while, preferably while they are close.

    Returns
    -------
    poses, swaps
        New poses and ``(start_s, stop_s, individual, individual)`` of each swap; swaps never overlap.
    """
    names, time = [str(i) for i in poses["individual"].values], poses["time"].values
    fps = rate_of(time)
    n_swaps = rng.poisson(per_min * len(time) / fps / 60) if per_min else 0
    if n_swaps == 0 or len(names) < 2:
        return poses, []
    position, confidence = poses["position"].values.copy(), poses["confidence"].values.copy()
    middle = np.nanmean(position, axis=2)
    swaps: list[tuple[float, float, str, str]] = []
    free = np.ones(len(time), bool)
    for _ in range(n_swaps):
        a, b = rng.choice(len(names), 2, replace=False)
        apart = np.hypot(*(middle[:, :, a] - middle[:, :, b]).T)
        weight = np.where(free, np.exp(-apart / np.nanmedian(apart) * 4), 0)
        start = int(rng.choice(len(time), p=weight / weight.sum()))
        stop = min(start + max(2, round(fps * median_s * math.exp(0.5 * rng.standard_normal()))), len(time))
        taken = np.flatnonzero(~free[start:stop])
        stop = start + int(taken[0]) if taken.size else stop
        free[max(start - 2, 0) : stop + 2] = False
        span = slice(start, stop)
        position[span][..., [a, b]] = position[span][..., [b, a]]
        confidence[span][..., [a, b]] = confidence[span][..., [b, a]]
        swaps.append((float(time[start]), float(time[stop - 1] + 1 / fps), names[a], names[b]))
    out = poses.copy()
    out["position"] = poses["position"].copy(data=position)
    out["confidence"] = poses["confidence"].copy(data=confidence)
    return out, sorted(swaps)


def drop_frames(poses: xr.Dataset, share: float, rng: np.random.Generator) -> tuple[xr.Dataset, NDArray[np.int64]]:
    """Lose frames in runs of 1 to 5; the frames that are left keep their number and time.

    Returns
    -------
    poses, lost
        New poses and the frame indices that are gone (never the first or the last).
    """
    n = poses.sizes["time"]
    gone = np.zeros(n, bool)
    while share > 0 and gone.sum() < min(share * n, n - 2):
        start = int(rng.integers(1, n - 1))
        gone[start : min(start + int(rng.integers(1, 6)), n - 1)] = True
    return (poses.isel(time=~gone) if gone.any() else poses), np.flatnonzero(gone)


def second_rater(
    labels: Labels,
    *,
    rater: str = "rater_2",
    border_sd_s: float = 0.15,
    missed: float = 0.05,
    confused: float = 0.03,
    seed: int = 0,
) -> Labels:
    """Return the labels as another person would have scored them.

    Parameters
    ----------
    labels : Labels
        Exclusive truth.
    rater : str
        Name of the new rater.
    border_sd_s : float
        SD of the borders, s: people react and disagree by a few frames.
    missed : float
        Share of bouts not noticed; the bout before them goes on.
    confused : float
        Share of bouts called something else.
    seed : int
        Seed.

    Raises
    ------
    DataError
        When labels are not exclusive.

    Examples
    --------
    >>> from murid import simulate
    >>> labels = simulate.recording(duration_s=20).labels
    >>> second_rater(labels, rater="Anna").raters
    ['Anna']
    """
    if not labels.exclusive:
        fail("second_rater", "labels overlap", expected="exclusive labels", todo="simulate.recording gives them")
    rng = np.random.default_rng(seed)
    stop_s, out = labels.stop_s, []
    for _, bouts in labels.bouts.groupby("individual", sort=False):
        table = bouts.sort_values("start_s").reset_index(drop=True)
        seen = rng.random(len(table)) >= missed
        seen[:1] = True
        table = table[seen].reset_index(drop=True)
        start = table["start_s"].to_numpy() + border_sd_s * rng.standard_normal(len(table))
        start = np.clip(np.maximum.accumulate(start), 0, stop_s)
        start[0] = table["start_s"].iloc[0]
        label = table["label"].to_numpy(object).copy()
        for i in np.flatnonzero(rng.random(len(table)) < confused):
            label[i] = str(rng.choice([v for v in labels.behaviours if v != label[i]]))
        stop = np.append(start[1:], stop_s)
        out.append(table.assign(start_s=start, stop_s=stop, label=label)[stop > start])
    bouts = make_bouts(pd.concat(out, ignore_index=True).assign(rater=rater, source="simulation"))
    return Labels.from_bouts(bouts, duration_s=stop_s, exclusive=True, vocabulary=labels.vocabulary, fps=labels.fps)


def _bursts(
    shape: tuple[int, int, int], rate_hz: float, median_s: float, fps: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask of randomly placed stretches with lognormal length (log-SD 0.8)."""
    mask = np.zeros(shape, bool)
    n, k, m = shape
    count = rng.poisson(rate_hz * n / fps, (k, m))
    for (i, j), c in np.ndenumerate(count):
        starts = rng.integers(0, n, c)
        lengths = np.maximum(1, np.round(fps * median_s * np.exp(0.8 * rng.standard_normal(c)))).astype(int)
        for start, length in zip(starts, lengths, strict=True):
            mask[start : start + length, i, j] = True
    return mask
