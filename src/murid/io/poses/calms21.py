"""CalMS21 / MARS JSON: keypoints [frame][mouse][x, y][part], with scores and annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean
from murid.data.poses import make_poses
from murid.io.files import Head, choose, read_json, resolve_fps
from murid.io.registry import pose_reader

KEYPOINTS = ("nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base")
MICE = ("resident", "intruder")


def is_calms21(head: Head) -> bool:
    """JSON whose first part names annotators or sequences with keypoints."""
    text = head.text.lstrip()
    return text.startswith("{") and '"keypoints"' in text and ('"annotator' in text or '"scores"' in text)


def sequences(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return sequence → annotator → content of a CalMS21 JSON file."""
    raw = read_json(path)
    faults = Faults(str(path))
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for annotator, group in raw.items() if isinstance(raw, dict) else ():
        for name, item in group.items() if isinstance(group, dict) else ():
            if isinstance(item, dict) and "keypoints" in item:
                out.setdefault(name, {})[annotator] = item
    if not out:
        faults.add(
            "no CalMS21 sequences",
            expected='{"annotator-id_0": {"<sequence>": {"keypoints": ...}}}',
            got=", ".join(map(str, raw))[:80] if isinstance(raw, dict) else type(raw).__name__,
        )
    faults.raise_if_any()
    return out


@pose_reader(
    "calms21",
    (".json", ".json.gz"),
    sniff=is_calms21,
    fps="required",
    about="CalMS21 / MARS JSON, resident and intruder",
)
def read_calms21(
    path: Path,
    *,
    fps: float | None = None,
    individuals: Sequence[str] | None = None,
    recording: str | None = None,
    unit: str = "px",
) -> xr.Dataset:
    """Read the poses of one sequence of a CalMS21 JSON file.

    Parameters
    ----------
    path : path
        JSON, gzip or not.
    fps : float
        Frames/s (30 in CalMS21; not stated in the file).
    individuals : sequence of str, optional
        Of "resident" and "intruder".
    recording : str, optional
        Sequence to read when the file holds several.
    unit : str
        Unit of the coordinates.
    """
    parts = sequences(path)
    name = choose(path, "sequence", list(parts), recording, "recording")
    item = next(iter(parts[name].values()))
    faults = Faults(f"{path}, sequence '{name}'")
    points = _array(item["keypoints"], "keypoints", faults)
    faults.raise_if_any()
    if points.ndim != 4 or points.shape[1:] != (len(MICE), 2, len(KEYPOINTS)):
        faults.add("keypoints have the wrong shape", expected="(frames, 2 mice, 2, 7 parts)", got=str(points.shape))
    scores = _array(item["scores"], "scores", faults) if "scores" in item else None
    if scores is not None and points.ndim == 4 and scores.shape != (len(points), *points.shape[1:2], points.shape[3]):
        faults.add("scores do not fit keypoints", expected=f"({len(points)}, 2, 7)", got=str(scores.shape))
    wanted = list(individuals or MICE)
    for person in wanted:
        if person not in MICE:
            faults.add(f"no individual '{person}'", todo=did_you_mean(person, MICE))
    faults.raise_if_any()
    rows = [MICE.index(p) for p in wanted]
    position = points[:, rows].transpose(0, 2, 3, 1)
    confidence = None if scores is None else scores[:, rows].transpose(0, 2, 1)
    return make_poses(
        position,
        confidence,
        keypoints=KEYPOINTS,
        individuals=wanted,
        fps=resolve_fps(path, fps, None, "CalMS21"),
        unit=unit,
        source_software="CalMS21",
        source_file=str(path),
        recording=name,
    )


def _array(values: Any, what: str, faults: Faults) -> np.ndarray:
    try:
        return np.asarray(values, np.float32)
    except (ValueError, TypeError) as exc:
        faults.add(f"{what} are ragged or hold text", got=str(exc), todo="the file is damaged; export it again")
        return np.empty(0, np.float32)
