"""Zones: JSON, CSV of corners or circles, and zones whose corners are tracked points of the maze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import Faults, did_you_mean
from murid.data.poses import keypoint_names
from murid.data.zones import EntryRule, Zone, Zones
from murid.io.delimited_text import read_table
from murid.io.files import Head, read_text
from murid.io.registry import reader

#: First word of a zone name → kind of zone.
_KINDS = {
    "arena": "arena",
    "open": "open",
    "closed": "closed",
    "center": "centre",
    "centre": "centre",
    "corner": "corner",
    "periphery": "periphery",
    "chamber": "chamber",
}


def _is_json(head: Head) -> bool:
    return head.text.lstrip().startswith("{") and '"zones"' in head.text


def _is_csv(head: Head) -> bool:
    return head.has_columns("zone", "x", "y")


@reader("zones", "zones_json", (".json",), sniff=_is_json, about="zones with their entry rule (murid's own JSON)")
def read_zones_json(path: Path) -> Zones:
    """Read a zones JSON file."""
    return Zones.from_json(read_text(path), str(path))


@reader(
    "zones",
    "zones_csv",
    (".csv", ".csv.gz"),
    fallback=True,
    sniff=_is_csv,
    about="one row a corner: zone, x, y[, kind]; one row with radius: a circle",
)
def read_zones_csv(path: Path, *, unit: str = "px", rule: EntryRule | None = None) -> Zones:
    """Read zones from a table of corners.

    Parameters
    ----------
    path : path
        CSV with ``zone, x, y`` and optional ``radius`` and ``kind``. Corners stand in order; a zone
        with a radius has one row, its centre.
    unit : {"px", "cm"}
        Unit of the coordinates.
    rule : EntryRule, optional
        When an animal is inside.
    """
    table = read_table(path, header=("zone", "x", "y"))
    faults = Faults(str(path))
    name = table.labels(table.column("zone"), faults)
    x, y = (table.numbers(table.column(c), faults) for c in ("x", "y"))
    round_ = table.column("radius", required=False)
    radius = table.numbers(round_, faults) if round_ else np.full(len(x), np.nan)
    kind = table.texts(table.column("kind", required=False))
    faults.raise_if_any()
    zones = []
    for zone, rows in pd.DataFrame({"zone": name}).groupby("zone", sort=False).groups.items():
        i = rows.to_numpy()
        what = kind[i[0]] or kind_of(str(zone))
        try:
            if np.isfinite(radius[i]).any():
                zones.append(_circle(str(zone), i, x, y, radius, unit, what))
            else:
                zones.append(Zone(str(zone), np.stack([x[i], y[i]], axis=1), unit=unit, kind=what))
        except ValueError as exc:
            faults.add(str(exc), where=f"line {table.lines[i[0]]}")
    faults.raise_if_any()
    return Zones(zones, rule)


def _circle(
    name: str, rows: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, unit: str, kind: str
) -> Zone:
    if len(rows) > 1:
        raise ValueError(f"zone '{name}' has a radius and {len(rows)} rows; a circle has one row")
    i = int(rows[0])
    return Zone(name, centre=(float(x[i]), float(y[i])), radius=float(radius[i]), unit=unit, kind=kind)


def kind_of(name: str) -> str:
    """Kind of a zone from the first word of its name (``closed.top`` → closed); "" when unknown."""
    word = name.lower().replace(".", " ").replace("_", " ").split()
    return _KINDS.get(word[0], "") if word else ""


def zones_from_points(
    zoneinfo: str | Path | Mapping[str, Sequence[str]],
    poses: xr.Dataset,
    *,
    min_confidence: float = 0.5,
    rule: EntryRule | None = None,
    unit: str | None = None,
) -> Zones:
    r"""Build zones whose corners are tracked points of the maze.

    Parameters
    ----------
    zoneinfo : path or mapping
        Table with one column per zone that lists its corner points in order (DLCAnalyzer's
        ``zoneinfo``), or ``{zone: [point, ...]}``.
    poses : Dataset
        Poses that hold these points as keypoints; the maze stands still, so each corner is the
        median over the recording.
    min_confidence : float
        Frames below are not used for the median. 0.5: a point hidden by the animal jumps elsewhere.
    rule : EntryRule, optional
        When an animal is inside.
    unit : str, optional
        Unit of the zones; that of the poses by default.

    Raises
    ------
    DataError
        Zones with fewer than three corners, points that are no keypoints or are never seen.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "zoneinfo.csv").write_text("box\ntl\ntr\nbr\nbl\n")
    >>> from murid.data.poses import make_poses
    >>> corners = np.array([[[0], [9], [9], [0]], [[0], [0], [9], [9]]], float)
    >>> poses = make_poses(corners[None].repeat(9, 0), keypoints=["tl", "tr", "br", "bl"], fps=30)
    >>> zones_from_points(folder / "zoneinfo.csv", poses)["box"].area
    81.0
    """
    outlines = _outlines(zoneinfo)
    subject = str(zoneinfo) if isinstance(zoneinfo, (str, Path)) else "zones from points"
    faults = Faults(subject)
    known = keypoint_names(poses)
    places: dict[str, np.ndarray] = {}
    for point in dict.fromkeys(p for points in outlines.values() for p in points):
        if point not in known:
            faults.add(f"point '{point}' is no keypoint of the poses", todo=did_you_mean(point, known))
            continue
        places[point] = _median_place(poses, point, min_confidence)
        if not np.isfinite(places[point]).all():
            faults.add(
                f"point '{point}' is never seen",
                expected=f"confidence >= {min_confidence} in some frames",
                todo="lower min_confidence, or give the corners as numbers",
            )
    for zone, points in outlines.items():
        if len(points) < 3:
            faults.add(f"zone '{zone}' has too few corners", expected="at least 3", got=", ".join(points))
    faults.raise_if_any()
    unit = unit or str(poses.attrs.get("unit", "px"))
    return Zones(
        [Zone(z, np.stack([places[p] for p in points]), unit=unit, kind=kind_of(z)) for z, points in outlines.items()],
        rule,
    )


def _outlines(zoneinfo: str | Path | Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if isinstance(zoneinfo, Mapping):
        return {str(k): [str(p) for p in v] for k, v in zoneinfo.items()}
    table = read_table(zoneinfo)
    return {c: [p for p in table.cells[c] if p] for c in table.columns}


def _median_place(poses: xr.Dataset, point: str, min_confidence: float) -> np.ndarray:
    """Median (x, y) of one point over all frames that are sure enough; NaN when there are none."""
    chosen = poses.sel(keypoint=point)
    place = chosen["position"].transpose("time", "individual", "space").values[..., :2]
    sure = chosen["confidence"].transpose("time", "individual").values
    # A tracker without confidences leaves NaN: then every frame counts.
    keep = (np.isnan(sure) | (sure >= min_confidence)) & np.isfinite(place).all(axis=-1)
    return np.median(place[keep].astype(np.float64), axis=0) if keep.any() else np.full(2, np.nan)
