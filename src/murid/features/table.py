"""The feature table: families × windows for one subject, whole, in blocks, or for chosen frames.

A table is planned once for a recording (`TablePlan`: roles, unit of length, windows, names) and then
filled block by block. Blocks overlap in what they read, not in what they give, and tiles of the
window statistics lie at fixed frames: any way of cutting gives the same numbers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import frame_times
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.poses import fps_of, individual_names, keypoint_names, make_poses
from murid.data.zones import Zones
from murid.features.body import Body, Column, bodies
from murid.features.egocentric import egocentric, missing
from murid.features.kinematics import kinematics
from murid.features.params import FAMILIES, FeatureParams
from murid.features.roles import resolve_roles
from murid.features.scale import length_unit
from murid.features.shape import shape
from murid.features.social import between, combine, social, towards_partners
from murid.features.windows import WindowPlan, plan, run_kernel, window_frames


@dataclass(frozen=True)
class TablePlan:
    """Everything about a table that does not depend on which frames are asked for."""

    poses: xr.Dataset
    subject: str
    params: FeatureParams
    roles: dict[str, str]
    zones: Zones | None
    length: float
    length_name: str
    fps: float

    @cached_property
    def half_step(self) -> int:
        """Frames on either side of a velocity's difference."""
        return max(1, int(self.params.step_s * self.fps / 2 + 0.5))

    @cached_property
    def path_windows(self) -> tuple[tuple[float, int], ...]:
        """Path windows as (seconds, frames)."""
        return tuple((w, 2 * window_frames(w, self.fps)[0] + 1) for w in self.params.path_windows_s)

    @cached_property
    def windows(self) -> WindowPlan:
        """Window plan of the windowed families."""
        p = self.params
        return plan(
            self.fps, p.windows_s, p.stats, percentiles=p.percentiles, bands_hz=p.bands_hz, lags_s=p.lags_s,
            align=p.align, min_share=p.min_share,
        )  # fmt: skip

    @cached_property
    def reach(self) -> int:
        """Frames of poses around a frame that its per-frame features look at."""
        return max([2 * self.half_step, *(frames // 2 + 1 for _, frames in self.path_windows)])

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Individuals whose own features enter: the subject, or everyone."""
        names = individual_names(self.poses)
        return tuple(names) if self.subject == EVERYONE else (self.subject,)

    @cached_property
    def manifest(self) -> list[tuple[str, Column]]:
        """Family and (empty) column of every per-frame feature."""
        few = self.poses.isel(time=slice(0, 2))
        tiny = TablePlan(
            few, self.subject, self.params, self.roles, self.zones, self.length, self.length_name, self.fps
        )
        return [(family, column._replace(values=column.values[:0])) for family, column in tiny.columns(slice(0, 2))]

    def columns(self, frames: slice) -> list[tuple[str, Column]]:
        """Per-frame features of a stretch of frames, with their families."""
        p = self.params
        every = bodies(
            self.poses, frames, self.roles, tuple(individual_names(self.poses)), self.length, self.half_step, p.mirror
        )
        me = [every[name] for name in self.members]
        out: list[tuple[str, Column]] = []
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            own = [self._own(body, frames) for body in me]
            for family in p.active:
                tables = [table[family] for table in own if family in table]
                if tables:
                    joined = combine(tables, p.combine) if len(tables) > 1 else tables[0]
                    out += [(family, column) for column in joined]
            if len(every) > 1:
                out += self._social(every)
        order = {family: i for i, family in enumerate(FAMILIES)}
        out.sort(key=lambda row: order[row[0]])
        return out

    def _own(self, body: Body, frames: slice) -> dict[str, list[Column]]:
        """Families of one animal alone."""
        p = self.params
        out: dict[str, list[Column]] = {}
        if "kinematics" in p.families:
            out["kinematics"] = kinematics(body, self.path_windows)
        if "shape" in p.families:
            out["shape"] = shape(body)
        if "egocentric" in p.families:
            out["egocentric"] = egocentric(body)
        if "missing" in p.families:
            out["missing"] = missing(body)
        if "zone" in p.families and self.zones:
            from murid.features.zone import zone

            out["zone"] = zone(body, self.zones, self.length, p.mirror)
        return out

    def _social(self, every: Mapping[str, Body]) -> list[tuple[str, Column]]:
        """Families of pairs: towards partners for an individual, all directed pairs for everyone."""
        p = self.params
        view = float(np.deg2rad(p.field_of_view_deg))
        together = self.subject == EVERYONE
        pairs = [(a, b) for a in self.members for b in every if a != b]
        tables = []
        for a, b in pairs:
            table = social(every[a], every[b], view) if "social" in p.families else []
            if "between" in p.families:
                table = table + between(every[a], every[b], ordered=not together)
            tables.append(table)
        if not tables[0]:
            return []
        if together:
            joined = combine(tables, p.combine)
        else:
            centre = every[self.subject].point("centre")
            away = [every[b].point("centre") - centre for _, b in pairs]
            joined = towards_partners(tables, np.stack([np.sqrt((v * v).sum(0)) for v in away]))
        return [("between" if c.name.startswith("between_") else "social", c) for c in joined]

    @cached_property
    def layout(self) -> tuple[list[str], list[str], list[str], list[str], NDArray[np.int64], NDArray[np.bool_]]:
        """Names, units, families and meanings of all columns; first column and windowing of each channel."""
        names, units, families, meanings = [], [], [], []
        first, windowed = [], []
        for family, column in self.manifest:
            first.append(len(names))
            unit = column.unit.replace("L", self.length_name)
            wide = family in self.params.windowed
            windowed.append(wide)
            suffixes = self.windows.suffixes if wide else ("",)
            squares = self.windows.squared if wide else (False,)
            for suffix, squared in zip(suffixes, squares, strict=True):
                names.append(f"{column.name}_{suffix}" if suffix else column.name)
                units.append(f"({unit})^2" if squared and unit != "1" else unit)
                families.append(family)
                meanings.append(column.what)
        return names, units, families, meanings, np.array(first, np.int64), np.array(windowed, bool)

    def fill(self, rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
        """Write the features of `rows` (ascending, one block) into `out (row, feature)`."""
        from murid.features.window_kernel import TILE, window_table

        n = self.poses.sizes["time"]
        margin = self.windows.margin
        # Whole tiles are computed, whatever rows are wanted in them.
        start, stop = int(rows[0]) // TILE * TILE, min(n, (int(rows[-1]) // TILE + 1) * TILE)
        base_start, base_stop = max(0, start - margin), min(n, stop + margin)
        read = slice(max(0, base_start - self.reach), min(n, base_stop + self.reach))
        columns = self.columns(read)
        keep = slice(base_start - read.start, base_stop - read.start)
        _, _, _, _, first, windowed = self.layout
        wide = np.empty((int(windowed.sum()), base_stop - base_start), np.float32)
        i = 0
        for k, (_, column) in enumerate(columns):
            if windowed[k]:
                wide[i] = column.values[keep]
                i += 1
            else:
                out[:, first[k]] = column.values[rows - read.start]
        if i:
            run_kernel(window_table, wide, base_start, n, rows, self.windows, out, first[windowed])


def prepare(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
) -> TablePlan:
    """Check the request and settle roles, unit of length and windows of a recording's table."""
    params = params or FeatureParams()
    names = individual_names(poses)
    faults = Faults("features")
    if subject != EVERYONE and subject not in names:
        faults.add(f"no individual '{subject}'", todo=did_you_mean(subject, [*names, EVERYONE]))
    fps = fps_of(poses) if poses.sizes["time"] > 1 else float(poses.attrs.get("fps", np.nan))
    if not fps > 0:
        faults.add("frame rate is unknown", expected="at least two frames with times", got=str(fps))
    faults.raise_if_any()
    used = resolve_roles(keypoint_names(poses), roles)
    length, name = length_unit(poses, used, params.length)
    return TablePlan(poses, subject, params, used, zones if zones else None, length, name, fps)


def compute(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    workers: int | None = None,
) -> xr.DataArray:
    """Compute the whole feature table of one subject of one recording.

    Parameters
    ----------
    poses : Dataset
        Poses of one recording; lengths in cm when calibrated, else in body lengths.
    subject : str
        An individual's name, or ``"all"``: the animals together, in no order (labels of a dyad).
    params : FeatureParams, optional
    roles : dict of role to keypoint, optional
        Guessed from the names when not given (see `guess_roles`).
    zones : Zones, optional
        For the family ``"zone"``, in the unit of the poses.
    workers : int, optional
        Threads; all cores by default. Never changes the result.

    Returns
    -------
    DataArray (time, feature)
        float32, NaN where undefined, with coordinates ``unit``, ``family`` and ``meaning`` along
        feature and the scale in the attributes.

    Raises
    ------
    DataError
        Unknown subject, roles that do not fit, no frame rate, or no body length to scale by.
    """
    table = prepare(poses, subject, params, roles, zones)
    rows = np.arange(poses.sizes["time"], dtype=np.int64)
    return _as_array(table, rows, _filled(table, rows, workers))


def compute_rows(
    poses: xr.Dataset,
    subject: str,
    rows: ArrayLike,
    params: FeatureParams | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    workers: int | None = None,
) -> xr.DataArray:
    """Compute the table for chosen frames only (a training subsample), never holding the rest.

    Parameters
    ----------
    rows : array of int or bool
        Row numbers in any order (may repeat), or a mask over time.

    Returns
    -------
    DataArray (time, feature)
        In the order of `rows`; each row equals the same row of `compute`.
    """
    table = prepare(poses, subject, params, roles, zones)
    wanted = _check_rows(rows, poses.sizes["time"])
    unique, back = np.unique(wanted, return_inverse=True)
    values = _filled(table, unique, workers)
    if unique.size != wanted.size or (unique != wanted).any():
        values = values[back]
    return _as_array(table, wanted, values)


def iter_blocks(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams | None = None,
    *,
    block_s: float = 120.0,
    rows: ArrayLike | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    workers: int | None = None,
) -> Iterator[xr.DataArray]:
    """Yield the table in blocks of time, in order, in bounded memory.

    Parameters
    ----------
    block_s : float
        About how long a block is; rounded up to whole tiles of 1,024 frames.
    rows : array of int or bool, optional
        Only these frames (as in `compute_rows`, but given back in ascending order, once each).

    Yields
    ------
    DataArray (time, feature)
        Joined along time they equal `compute`.
    """
    table = prepare(poses, subject, params, roles, zones)
    n = poses.sizes["time"]
    wanted = np.arange(n, dtype=np.int64) if rows is None else np.unique(_check_rows(rows, n))
    if not block_s > 0:
        fail("iter_blocks", "block_s is not valid", expected="> 0 s", got=str(block_s))
    yield from (_as_array(table, r, v) for r, v in _blocks(table, wanted, block_s, workers))


def feature_names(
    keypoints: Sequence[str],
    params: FeatureParams | None = None,
    *,
    n_individuals: int = 1,
    together: bool = False,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    fps: float = 30.0,
    unit: str = "cm",
) -> xr.DataArray:
    """List the features a skeleton gives, without data.

    Parameters
    ----------
    keypoints : sequence of str
    n_individuals : int
        Animals in the recording.
    together : bool
        Names for subject ``"all"``.
    fps, unit
        Names do not depend on either; units do on `unit` (``"px"`` gives body lengths, ``"bl"``).

    Returns
    -------
    DataArray (feature)
        Empty strings named by ``feature``, with coordinates ``unit``, ``family``, ``meaning``.
    """
    individuals = [f"individual_{i}" for i in range(n_individuals)]
    rng = np.random.default_rng(0)
    position = rng.uniform(size=(2, 2, len(keypoints), n_individuals))
    poses = make_poses(position, keypoints=keypoints, individuals=individuals, time_s=frame_times(2, fps), unit=unit)
    table = prepare(poses, EVERYONE if together else individuals[0], params, roles, zones)
    names, units, families, meanings, _, _ = table.layout
    return xr.DataArray(
        np.zeros(len(names), np.float32), dims="feature",
        coords={"feature": names, "unit": ("feature", units), "family": ("feature", families), "meaning": ("feature", meanings)},
    )  # fmt: skip


def _check_rows(rows: ArrayLike, n: int) -> NDArray[np.int64]:
    wanted = np.asarray(rows)
    if wanted.dtype == bool:
        if wanted.shape != (n,):
            fail("rows", "the mask has the wrong length", expected=str(n), got=str(wanted.shape))
        wanted = np.flatnonzero(wanted)
    wanted = wanted.astype(np.int64)
    if wanted.ndim != 1 or wanted.size == 0:
        fail("rows", "no frames asked for", expected="at least one row number", got=str(wanted.shape))
    if wanted.min() < 0 or wanted.max() >= n:
        fail("rows", "frames do not exist", expected=f"0..{n - 1}", got=f"{wanted.min()}..{wanted.max()}")
    return wanted


def _filled(table: TablePlan, rows: NDArray[np.int64], workers: int | None) -> NDArray[np.float32]:
    out = np.empty((rows.size, len(table.layout[0])), np.float32)
    chunks = _chunks(table, rows, 8 * 1024)
    at = np.cumsum([0, *(c.size for c in chunks)])
    jobs = [(chunk, out[a:b]) for chunk, a, b in zip(chunks, at, at[1:], strict=False)]
    n = _workers(workers)
    if n == 1 or len(jobs) == 1:
        for chunk, part in jobs:
            table.fill(chunk, part)
        return out
    with ThreadPoolExecutor(n) as pool:
        for done in [pool.submit(table.fill, chunk, part) for chunk, part in jobs]:
            done.result()
    return out


def _blocks(
    table: TablePlan, rows: NDArray[np.int64], block_s: float, workers: int | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (rows, values) in order, computing at most `workers` blocks ahead."""
    width = len(table.layout[0])

    def work(chunk: NDArray[np.int64]) -> NDArray[np.float32]:
        out = np.empty((chunk.size, width), np.float32)
        table.fill(chunk, out)
        return out

    chunks = _chunks(table, rows, max(1, int(block_s * table.fps)))
    n = _workers(workers)
    if n == 1:
        for chunk in chunks:
            yield chunk, work(chunk)
        return
    with ThreadPoolExecutor(n) as pool:
        ahead: deque = deque()
        for chunk in chunks:
            ahead.append((chunk, pool.submit(work, chunk)))
            if len(ahead) > n:
                done, future = ahead.popleft()
                yield done, future.result()
        while ahead:
            done, future = ahead.popleft()
            yield done, future.result()


def _chunks(table: TablePlan, rows: NDArray[np.int64], frames: int) -> list[NDArray[np.int64]]:
    """Cut ascending rows into groups that share whole tiles."""
    from murid.features.window_kernel import TILE

    size = -(-frames // TILE) * TILE
    cuts = np.flatnonzero(np.diff(rows // size)) + 1
    return np.split(rows, cuts)


def _workers(workers: int | None) -> int:
    if workers is not None:
        return max(1, int(workers))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _as_array(table: TablePlan, rows: NDArray[np.int64], values: NDArray[np.float32]) -> xr.DataArray:
    names, units, families, meanings, _, _ = table.layout
    poses = table.poses
    coords = {
        "time": poses["time"].values[rows],
        "feature": np.asarray(names, dtype=object),
        "unit": ("feature", np.asarray(units, dtype=object)),
        "family": ("feature", np.asarray(families, dtype=object)),
        "meaning": ("feature", np.asarray(meanings, dtype=object)),
    }
    if "frame" in poses.coords:
        coords["frame"] = ("time", poses["frame"].values[rows])
    attrs = {
        "subject": table.subject, "fps": table.fps, "length_unit": table.length_name,
        "length_in_pose_units": table.length, "roles": dict(table.roles),
    }  # fmt: skip
    return xr.DataArray(values, dims=("time", "feature"), coords=coords, attrs=attrs, name="features")
