"""CalMS21 excerpts as CSV: header lines scorer, keypoints, coord; the animal stands in the scorer line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from murid.io.files import Head
from murid.io.poses._columns import Key, poses_from_columns
from murid.io.poses.dlc_csv import parse_header, read_levels
from murid.io.registry import pose_reader


def _is_calms21_csv(head: Head) -> bool:
    header = parse_header(head.lines) if head.is_text else None
    return header is not None and header.names == ["scorer", "keypoints", "coord"]


@pose_reader(
    "calms21_csv",
    (".csv", ".csv.gz"),
    sniff=_is_calms21_csv,
    fps="required",
    about="CalMS21 excerpt as CSV; the animal's name is in the scorer line",
)
def read_calms21_csv(
    path: Path, *, fps: float | None = None, individuals: Sequence[str] | None = None, unit: str = "px"
) -> xr.Dataset:
    """Read the CSV variant of CalMS21 poses (30 fps in the original; the file does not say so)."""
    header, values, frames, lines = read_levels(path)
    people, points, coords = header.levels
    keys = [Key(p, k, c.lower()) for p, k, c in zip(people, points, coords, strict=True)]
    return poses_from_columns(
        values,
        keys,
        path=path,
        software="CalMS21",
        fps=fps,
        frames=frames,
        lines=lines,
        individuals=individuals,
        unit=unit,
    )
