"""Identity: undo swaps between look-alike animals.

Multi-animal trackers name animals frame by frame and sometimes exchange the names. An exchange
shows as every keypoint of one animal landing, within a frame, where the other one just was. Each
doubtful frame is solved as an assignment of sightings to animals (Hungarian method, Kuhn 1955) at
the least motion; names change only when that beats keeping them by a wide margin. What the
tracker said stands in every case of doubt, and a repair that does not lower the number of
impossible steps is not made.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.body_scale import typical_body_length
from murid.data.params import Params, param
from murid.data.poses import individual_names, keypoint_names, validate_poses
from murid.prepare.cleaning import jump_gate

SWAP_COLUMNS = ("time_s", "frame", "what", "individuals", "keypoint", "moved", "gap_s", "confidence")


class IdentityParams(Params):
    """When names are exchanged. Lengths in body lengths, so that species and scale do not matter.

    Examples
    --------
    >>> IdentityParams().model_dump()["parts"]
    True
    """

    margin: float = param(
        0.25,
        unit="body lengths",
        gt=0,
        why="how much nearer, per keypoint, the other naming must be; at 25 frames/s an animal would have "
        "to move 6 body lengths/s into the place of the other to look like that",
    )
    margin_rate: float = param(
        2.0, unit="body lengths/s", ge=0, why="added for each second unseen: animals move on while they are not seen"
    )
    max_gap_s: float = param(
        0.5, unit="s", gt=0, why="how long the last place counts; after that the tracker's naming is kept"
    )
    min_confidence: float = param(
        0.5, ge=0, le=1, why="(kept - exchanged) / (kept + exchanged) motion; 0.5 = three times as far when kept"
    )
    min_keypoints: int = param(2, ge=1, why="keypoints that must agree, or all when animals have fewer")
    parts: bool = param(True, why="also undo single keypoints exchanged between two animals")


class _Scale(NamedTuple):
    """Parameters in the unit of the poses."""

    margin: float
    rate: float
    cap: float


def repair_identity(
    poses: xr.Dataset, params: IdentityParams | None = None, **changes: Any
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Undo identity swaps of animals and of single keypoints.

    Parameters
    ----------
    poses : Dataset
        Poses of two or more individuals; best before `clean`. ``position``, ``confidence`` and, where
        present, ``position_raw`` and ``status`` are exchanged together.
    params : IdentityParams, optional
        Defaults when None.
    **changes
        Single parameters of `IdentityParams`, over `params`.

    Returns
    -------
    poses : Dataset
        Repaired copy. Which name an animal carries is that of its first sighting.
    swaps : DataFrame
        One row for each change of naming: ``time_s, frame, what`` (``"animal"`` or ``"keypoint"``),
        ``individuals`` (``"a,b"``), ``keypoint`` (empty for animals), ``moved`` (mean distance
        each keypoint would have had to jump, unit of the poses), ``gap_s`` (time unseen before),
        ``confidence`` 0..1. Empty when nothing is found, with one individual, or when
        keypoints are too few to tell the body length.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> walk = np.linspace(0, 5, 200)[:, None, None] + np.array([4.0, 0.0, -4.0])[None, :, None]
    >>> x = np.concatenate([walk, walk + 40], axis=2)
    >>> xy = np.stack([x, np.full_like(x, 10.0)], axis=1)
    >>> xy[100:] = xy[100:, :, :, ::-1]  # the tracker exchanges the animals
    >>> poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], individuals=["a", "b"], fps=30, unit="cm")
    >>> repaired, swaps = repair_identity(poses)
    >>> len(swaps), bool((repaired["position"][-1, 0, 0].diff("individual") > 0).all())
    (1, True)
    """
    p = IdentityParams.of(params, changes)
    validate_poses(poses)
    length = typical_body_length(poses)
    if poses.sizes["individual"] < 2 or not np.isfinite(length):
        return poses, _table([], poses)
    scale = _Scale(p.margin * length, p.margin_rate * length, 3.0 * length)
    xy = np.ascontiguousarray(poses["position"].transpose("time", "individual", "keypoint", "space").values, np.float64)
    xy[np.isnan(xy).any(axis=-1)] = np.nan
    time_s = poses["time"].values.astype(np.float64)
    gate = jump_gate(poses)
    slots, rows = _repair_animals(xy, time_s, p, scale)
    if rows and not _fewer_jumps(xy, slots, time_s, gate):
        slots[:], rows = np.arange(slots.shape[1]), []
    source = np.repeat(slots[:, None], xy.shape[2], axis=1)  # (time, keypoint, individual)
    if p.parts and xy.shape[2] > 1:
        parts, part_rows = _repair_parts(_gather(xy, source), time_s, p, scale)
        if part_rows and _fewer_jumps(_gather(xy, source), parts, time_s, gate):
            source, rows = np.take_along_axis(source, parts, axis=2), rows + part_rows
    return (_exchange(poses, source) if rows else poses), _table(rows, poses)


def _repair_animals(xy: np.ndarray, time_s: np.ndarray, p: IdentityParams, scale: _Scale) -> tuple[np.ndarray, list]:
    """Slot of each animal in each frame ``(time, individual)``, and the changes."""
    from murid.prepare.matching import remember, scan

    n, n_ind, n_kp, n_space = xy.shape
    memory, seen_s = np.full((n_ind, n_kp, n_space), np.nan), np.full((n_ind, n_kp), -np.inf)
    cost, shared, age = (np.zeros((n_ind, n_ind)) for _ in range(3))
    slot = np.arange(n_ind)
    slots = np.empty((n, n_ind), np.int64)
    rows: list[tuple] = []
    t = 0
    while t < n:
        stop = scan(
            xy, time_s, t, slot, memory, seen_s, p.max_gap_s, scale.margin, scale.rate, scale.cap, cost, shared, age
        )
        slots[t:stop] = slot
        if stop == n:
            break
        new, sure = _decide(cost, shared, age, slot, xy[stop], p, scale)
        if sure > 0:
            changed = np.flatnonzero(new != slot)
            kept = np.nanmean(cost[changed, slot[changed]])
            rows.append((stop, "animal", changed, -1, kept, np.nanmax(age[changed, new[changed]]), sure))
            slot = new
        slots[stop] = slot
        remember(xy[stop], slot, time_s[stop], memory, seen_s)
        t = stop + 1
    return slots, rows


def _decide(
    cost: np.ndarray,
    shared: np.ndarray,
    age: np.ndarray,
    slot: np.ndarray,
    xy: np.ndarray,
    p: IdentityParams,
    scale: _Scale,
) -> tuple[np.ndarray, float]:
    """Best naming of one frame and its confidence; confidence 0 = keep the naming."""
    from scipy.optimize import linear_sum_assignment

    known = np.isfinite(cost)
    # Unseen pairs cost half a cap each way, so that they do not drive the choice.
    _, new = linear_sum_assignment(np.where(known, cost, scale.cap / 2))
    changed = np.flatnonzero(new != slot)
    if changed.size == 0:
        return slot, 0.0
    seen = np.isfinite(xy[new[changed], :, 0]).any(axis=1)
    to = known[changed, new[changed]]
    if (seen & ~to).any() or not to.any():  # an animal would get a sighting nothing speaks for
        return slot, 0.0
    need = min(p.min_keypoints, xy.shape[1])
    if (shared[changed, new[changed]][to] < need).any():
        return slot, 0.0
    # Each visible sighting: motion if it stays with its present owner, and if it changes.
    owner = np.argsort(slot)
    sightings = new[changed][to]
    kept = cost[owner[sightings], sightings]
    if np.isnan(kept).any():
        return slot, 0.0
    moved = cost[changed[to], sightings]
    allowed = scale.margin + scale.rate * float(age[changed[to], sightings].max())
    gain, total = kept.sum() - moved.sum(), kept.sum() + moved.sum()
    sure = gain / total if total > 0 else 0.0
    if gain / len(sightings) <= allowed or sure < p.min_confidence:
        return slot, 0.0
    return new.astype(np.int64), float(sure)


def _repair_parts(xy: np.ndarray, time_s: np.ndarray, p: IdentityParams, scale: _Scale) -> tuple[np.ndarray, list]:
    """Individual that each keypoint is taken from ``(time, keypoint, individual)``, and the changes."""
    from murid.prepare.matching import part_swaps

    n, n_ind, n_kp, _ = xy.shape
    swapped, sure = np.zeros((n, n_kp), np.int64), np.zeros((n, n_kp))
    part_swaps(xy.copy(), time_s, p.max_gap_s, scale.margin, scale.rate, scale.cap, p.min_confidence, swapped, sure)
    source = np.broadcast_to(np.arange(n_ind), (n, n_kp, n_ind)).copy()
    rows: list[tuple] = []
    for number, (a, b) in enumerate(itertools.combinations(range(n_ind), 2), 1):
        hit = swapped == number
        source[hit, a], source[hit, b] = b, a
        onset = hit & ~np.vstack([np.zeros((1, n_kp), bool), hit[:-1]])
        for t, k in zip(*np.nonzero(onset), strict=True):
            apart = float(
                np.nanmax(
                    [np.linalg.norm(xy[t, a, k] - xy[t - 1, a, k]), np.linalg.norm(xy[t, b, k] - xy[t - 1, b, k]), 0.0]
                )
            )
            rows.append((t, "keypoint", np.array([a, b]), k, apart, np.nan, sure[t, k]))
    return source, rows


def _gather(xy: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Take each keypoint ``xy (time, individual, keypoint, space)`` from ``source (time, keypoint, individual)``."""
    return np.take_along_axis(xy, source.transpose(0, 2, 1)[..., None], axis=1)


def _fewer_jumps(xy: np.ndarray, source: np.ndarray, time_s: np.ndarray, gate: tuple[float, float]) -> bool:
    """True when exchanging lowers the number of impossible or long steps."""
    from murid.prepare.jumps import count_jumps

    if source.ndim == 2:
        source = np.repeat(source[:, None], xy.shape[2], axis=1)
    # A tenth of the speed limit: a swap of animals close to each other is no impossible step.
    limit, slack = gate[0] / 10, gate[1]
    before, after = (
        count_jumps(a.transpose(0, 3, 2, 1), time_s, limit, slack, 1.0).sum() for a in (xy, _gather(xy, source))
    )
    return bool(after < before)


def _exchange(poses: xr.Dataset, source: np.ndarray) -> xr.Dataset:
    """Apply the naming to everything that goes by keypoint and individual."""
    new = {}
    for name in ("position", "position_raw", "confidence", "status"):
        if name in poses:
            values = poses[name].values
            index = source if values.ndim == 3 else source[:, None]
            new[name] = (poses[name].dims, np.take_along_axis(values, index, axis=-1), poses[name].attrs)
    return poses.assign(new)


def _table(rows: list[tuple], poses: xr.Dataset) -> pd.DataFrame:
    names, keypoints = individual_names(poses), keypoint_names(poses)
    frame = poses["frame"].values if "frame" in poses.coords else np.arange(poses.sizes["time"])
    data = [
        (
            float(poses["time"].values[t]),
            int(frame[t]),
            what,
            ",".join(names[i] for i in individual),
            keypoints[k] if k >= 0 else "",
            float(moved),
            float(gap),
            float(sure),
        )
        for t, what, individual, k, moved, gap, sure in sorted(rows, key=lambda row: (row[0], row[3]))
    ]
    table = pd.DataFrame(data, columns=list(SWAP_COLUMNS))
    return table.astype({"time_s": float, "frame": np.int64, "moved": float, "gap_s": float, "confidence": float})
