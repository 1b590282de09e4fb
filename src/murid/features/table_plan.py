"""What a feature table of one recording will hold, settled before any frame is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import even_parts
from murid.data.errors import Faults, did_you_mean
from murid.data.meet import keypoints_and_roles, poses_and_zones
from murid.data.poses import fps_of, individual_names, never_seen
from murid.data.warning import warn_user
from murid.data.zones import Zones
from murid.features.body import Body, Column, bodies
from murid.features.egocentric import egocentric_columns, missing
from murid.features.kinematics import kinematics_columns
from murid.features.params import FAMILIES, FeatureParams
from murid.features.scale import length_unit
from murid.features.shape import shape_columns
from murid.features.social import between, combine_animals, partner_distances, social_columns, towards_partners
from murid.features.windows import WindowPlan, plan_windows, run_kernel, window_frames


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
    def step(self) -> tuple[int, int]:
        """Frames before and after over which velocities are taken."""
        half = max(1, int(self.params.step_s * self.fps / 2 + 0.5))
        return (half, half) if self.params.align == "centred" else (2 * half, 0)

    @cached_property
    def path_windows(self) -> tuple[tuple[float, int, int], ...]:
        """Path windows as (seconds, frames before, frames after)."""
        return tuple((w, *window_frames(w, self.fps, self.params.align)) for w in self.params.path_windows_s)

    @cached_property
    def speed_lags(self) -> tuple[tuple[float, int, int], ...]:
        """Longer times of speeds as (seconds, frames before, frames after)."""
        return tuple((w, *window_frames(w, self.fps, self.params.align)) for w in self.params.speed_lags_s)

    @cached_property
    def windows(self) -> WindowPlan:
        """Window plan of the windowed families."""
        p = self.params
        return plan_windows(
            self.fps,
            p.windows_s,
            p.stats,
            percentiles=p.percentiles,
            bands_hz=p.bands_hz,
            lags_s=p.lags_s,
            align=p.align,
            min_share=p.min_share,
        )

    @cached_property
    def reach(self) -> int:
        """Frames of poses around a frame that its per-frame features look at."""
        longer = (*self.path_windows, *self.speed_lags)
        return max([2 * max(self.step), *(max(window[1:]) + 1 for window in longer)])

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
            self.poses, frames, self.roles, tuple(individual_names(self.poses)), self.length, self.step, p.mirror
        )
        me = [every[name] for name in self.members]
        out: list[tuple[str, Column]] = []
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            own = [self._own(body) for body in me]
            for family in p.active:
                tables = [table[family] for table in own if family in table]
                if tables:
                    joined = combine_animals(tables, p.combine) if len(tables) > 1 else tables[0]
                    out += [(family, column) for column in joined]
            if len(every) > 1:
                out += self._social(every)
        order = {family: i for i, family in enumerate(FAMILIES)}
        out.sort(key=lambda row: order[row[0]])
        return out

    def _own(self, body: Body) -> dict[str, list[Column]]:
        """Families of one animal alone."""
        p = self.params
        out: dict[str, list[Column]] = {}
        if "kinematics" in p.families:
            out["kinematics"] = kinematics_columns(body, self.path_windows, self.speed_lags)
        if "shape" in p.families:
            out["shape"] = shape_columns(body)
        if "egocentric" in p.families:
            out["egocentric"] = egocentric_columns(body)
        if "missing" in p.families:
            out["missing"] = missing(body)
        if "zone" in p.families and self.zones:
            from murid.features.zone import zone_columns

            out["zone"] = zone_columns(body, self.zones, self.length, p.mirror)
        return out

    def _social(self, every: Mapping[str, Body]) -> list[tuple[str, Column]]:
        """Families of pairs: towards partners for an individual, all directed pairs for everyone."""
        p = self.params
        view = float(np.deg2rad(p.field_of_view_deg))
        together = self.subject == EVERYONE
        pairs = [(a, b) for a in self.members for b in every if a != b]
        tables = []
        for a, b in pairs:
            table = social_columns(every[a], every[b], view) if "social" in p.families else []
            if "between" in p.families:
                table = table + between(every[a], every[b], ordered=not together)
            tables.append(table)
        if not tables[0]:
            return []
        if together:
            joined = combine_animals(tables, p.combine)
        else:
            joined = towards_partners(tables, partner_distances(every[self.subject], [every[b] for _, b in pairs]))
        return [("between" if c.name.startswith("between_") else "social", c) for c in joined]

    @cached_property
    def layout(self) -> tuple[list[str], list[str], list[str], list[str], NDArray[np.int64], NDArray[np.bool_]]:
        """Names, units, families and meanings of all columns; first column and windowing of each channel."""
        names: list[str] = []
        units: list[str] = []
        families: list[str] = []
        meanings: list[str] = []
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

    @cached_property
    def parts(self) -> list[tuple[int, int, TablePlan]]:
        """Stretches of one frame rate without a pause, each planned like a recording of its own.

        Windows, lags and steps are counted in frames: they neither reach over a pause nor mean another time
        where the film changes its rate.
        """
        parts = even_parts(self.poses["time"].values)
        if len(parts) == 1:
            return [(0, self.poses.sizes["time"], self)]
        out = []
        for start, stop, rate in parts:
            fps = rate if np.isfinite(rate) else self.fps
            out.append((start, stop, replace(self, poses=self.poses.isel(time=slice(start, stop)), fps=fps)))
        return out

    def fill(self, rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
        """Write the features of `rows` (ascending, one block) into `out (row, feature)`."""
        for start, stop, part in self.parts:
            a, b = np.searchsorted(rows, [start, stop])
            if a < b:
                part.fill_part(rows[a:b] - start, out[a:b])

    def fill_part(self, rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
        """Write the features of `rows` of a plan without pauses."""
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


def _warn_of_hidden(poses: xr.Dataset, roles: Mapping[str, str], individuals: Sequence[str]) -> None:
    """Warn of points of an animal that were never seen: what needs them is missing in every frame."""
    if poses.sizes["time"] < 3:  # names without data
        return
    hidden = never_seen(poses)
    for individual in individuals:
        gone = [f"{keypoint} ({role})" for role, keypoint in roles.items() if keypoint in hidden.get(individual, [])]
        if gone:
            source = poses.attrs.get("source_file") or "the recording"
            warn_user(
                f"{source}: {', '.join(gone)} of '{individual}' was never seen; every feature that needs it is missing "
                "throughout. Track it, or leave it out of all recordings (roles={'<role>': ''})"
            )


def prepare(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
) -> TablePlan:
    """Check the request and settle roles, unit of length and windows of a recording's table."""
    names = individual_names(poses)
    faults = Faults("features")
    if subject != EVERYONE and subject not in names:
        faults.add(f"no individual '{subject}'", todo=did_you_mean(subject, [*names, EVERYONE]))
    fps = fps_of(poses) if poses.sizes["time"] > 1 else float(poses.attrs.get("fps", np.nan))
    if not fps > 0:
        faults.add("frame rate is unknown", expected="at least two frames with times", got=str(fps))
    faults.raise_if_any()
    used = keypoints_and_roles(poses, roles)
    length, name = length_unit(poses, used, params.length)
    _warn_of_hidden(poses, used, names if subject == EVERYONE else [subject])
    if zones:
        zones = poses_and_zones(poses, zones)
    return TablePlan(poses, subject, params, used, zones or None, length, name, fps)
