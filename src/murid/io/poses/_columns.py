"""From columns named (individual, keypoint, coordinate) to a Poses dataset: shared by the table formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean
from murid.data.poses import make_poses
from murid.data.warning import warn_user
from murid.io.files import resolve_fps

#: Name of the individual of files that know only one.
ONLY = "individual_0"
#: DeepLabCut's individual for points that no animal owns (corners, objects).
SINGLE = "single"
SPACE = ("x", "y", "z")
CONFIDENCE = ("likelihood", "confidence", "score", "p")
#: Columns that ensemble smoothers add per keypoint; not part of a pose.
SPREAD = ("x_ens_median", "y_ens_median", "x_ens_var", "y_ens_var", "x_posterior_var", "y_posterior_var")


#: A keypoint that is missing from fewer frames may be hidden rather than never tracked.
_ENOUGH_FRAMES = 100
_NUMBER_AT_END = re.compile(r"(\d+)\D*$")


class Key(NamedTuple):
    """What a column holds; individual "" = the file knows only one animal."""

    individual: str
    keypoint: str
    coord: str


def split_prefixes(keys: Sequence[Key], individuals: Sequence[str] | None, subject: str) -> list[Key]:
    """Give keypoints written ``<individual>_<keypoint>`` to their individuals.

    Only when several `individuals` are asked of a file that names none; one name is just the name
    of the animal.

    Raises
    ------
    DataError
        When a keypoint carries none of the prefixes.
    """
    keys = list(keys)
    if individuals is None or any(k.individual for k in keys):
        return keys
    if len(individuals) == 1:
        return [k._replace(individual=str(individuals[0])) for k in keys]
    out, orphans = [], []
    for key in keys:
        # The longest matching prefix wins, so that "m1" does not take "m1_b_nose" from "m1_b".
        owners = sorted((i for i in individuals if key.keypoint.startswith(f"{i}_")), key=len)
        if owners:
            out.append(Key(owners[-1], key.keypoint[len(owners[-1]) + 1 :], key.coord))
        else:
            orphans.append(key.keypoint)
    faults = Faults(subject)
    if orphans:
        names = list(dict.fromkeys(orphans))
        prefixes = sorted({k.keypoint.split("_")[0] for k in keys if "_" in k.keypoint})
        faults.add(
            "keypoints carry no individual's prefix",
            expected=" or ".join(f"{i}_<keypoint>" for i in individuals),
            got=", ".join(names[:10]),
            todo=f"prefixes in this file: {', '.join(prefixes) or 'none'}",
        )
    for name in individuals:
        if not orphans and name not in {k.individual for k in out}:
            faults.add(f"no keypoint starts with '{name}_'")
    faults.raise_if_any()
    return out


def poses_from_columns(
    values: np.ndarray,
    keys: Sequence[Key],
    *,
    path: Path,
    software: str,
    fps: float | None = None,
    stated_fps: float | None = None,
    time_s: np.ndarray | None = None,
    frames: np.ndarray | None = None,
    individuals: Sequence[str] | None = None,
    unit: str = "px",
    lines: np.ndarray | None = None,
    **attrs: Any,
) -> xr.Dataset:
    """Build Poses from a number table.

    Parameters
    ----------
    values : array (row, column)
        One column per key; NaN = missing.
    keys : sequence of Key
        What each column holds. Coordinates that are not x, y, z or a confidence are a fault.
    path, software
        Source, for messages and attributes.
    fps, stated_fps : float, optional
        Frame rate given by the caller and stated by the file (frames/s).
    time_s, frames : array (row,), optional
        Time (s) or frame number of each row. Time of a frame is ``frame / fps``.
    individuals : sequence of str, optional
        Animals to keep, in this order, or the prefixes of keypoint names.
    unit : str
        Unit of the coordinates.
    lines : array, optional
        Line number of each row in the file, for errors.

    Notes
    -----
    A point at exactly (0, 0) px, or with confidence −1, is how trackers and their exports write "not
    found"; it becomes NaN and is counted in ``attrs["n_zero_points"]``. Those whose confidence does not
    say so are warned of, and keypoints that were never found are named.
    """
    subject = str(path)
    keys = split_prefixes(keys, individuals, subject)
    faults = Faults(subject)
    _check_keys(keys, faults)
    _check_frames(frames, lines, faults)
    faults.raise_if_any()
    people = _individuals(keys, individuals, subject)
    points = list(dict.fromkeys(k.keypoint for k in keys if (k.individual or ONLY) in people))
    position, confidence = _arrays(values, keys, people, points)
    unknown = confidence == -1
    confidence[unknown] = np.nan
    _check_confidence(confidence, points, people, lines, faults)
    faults.raise_if_any()
    corner = (position == 0).all(axis=1) & (unit == "px")
    lost = ((position == 0).all(axis=1) & (confidence == 0)) | corner | (unknown & (position == -1).all(axis=1))
    position[np.broadcast_to(lost[:, None], position.shape)] = np.nan
    _warn_of_missing(
        subject,
        position,
        corner & ~(confidence == 0) & ~unknown,
        points,
        people,
        {(k.individual or ONLY, k.keypoint) for k in keys},
    )
    attrs = {"source_software": software, "source_file": subject, "n_zero_points": int(lost.sum()), **attrs}
    clock: dict[str, Any] = {"time_s": time_s}
    if time_s is None:
        rate = resolve_fps(path, fps, stated_fps, software)
        clock = {"fps": rate} if frames is None else {"time_s": frames / rate}
        attrs["fps"] = rate
    out = make_poses(
        position,
        confidence,
        keypoints=points,
        individuals=people,
        frames=frames,
        unit=unit,
        **clock,
        **{k: v for k, v in attrs.items() if k != "fps"},
    )
    if "fps" in attrs:
        out.attrs["fps"] = float(attrs["fps"])
    return out


def frames_of_images(names: Sequence[str]) -> np.ndarray:
    """Frame numbers from image names (``img0042.png`` → 42) when they increase, else 0, 1, 2 …"""
    matches = [_NUMBER_AT_END.search(name.rsplit(".", 1)[0]) for name in names]
    numbers = np.array([float(m.group(1)) for m in matches if m])
    if len(numbers) == len(names) and (np.diff(numbers) > 0).all():
        return numbers
    return np.arange(len(names), dtype=np.float64)


def _check_keys(keys: Sequence[Key], faults: Faults) -> None:
    seen: set[Key] = set()
    known = (*SPACE, *CONFIDENCE)
    for key in keys:
        where = " ".join(filter(None, key))
        if key in seen:
            faults.add("column appears more than once", where=where, todo="delete or rename one of them")
        seen.add(key)
        if key.coord not in known and key.coord not in SPREAD:
            faults.add(
                f"unknown coordinate '{key.coord}'",
                where=where,
                expected="x, y[, z], likelihood",
                todo=did_you_mean(key.coord, known),
            )
    for individual, keypoint in dict.fromkeys((k.individual, k.keypoint) for k in keys):
        for coord in ("x", "y"):
            if Key(individual, keypoint, coord) not in seen:
                faults.add(f"column '{coord}' is missing", where=" ".join(filter(None, (individual, keypoint))))


def _check_frames(frames: np.ndarray | None, lines: np.ndarray | None, faults: Faults) -> None:
    """Frame numbers must be whole and increase."""
    if frames is None:
        return
    bad = np.flatnonzero(~np.isfinite(frames) | (frames != np.round(frames)))
    if bad.size:
        faults.add("frame number is missing or not whole", where=_line(lines, bad[0]), got=f"{frames[bad[0]]}")
        return
    back = np.flatnonzero(np.diff(frames) <= 0)
    if back.size:
        i = int(back[0]) + 1
        faults.add(
            "frame numbers do not increase",
            where=_line(lines, i),
            expected=f"> {frames[i - 1]:.0f}",
            got=f"{frames[i]:.0f} ({back.size} such rows)",
            todo="sort the rows and drop repeated ones",
        )


def _line(lines: np.ndarray | None, row: int) -> str:
    return f"line {lines[row]}" if lines is not None else f"row {row + 1}"


def _individuals(keys: Sequence[Key], wanted: Sequence[str] | None, subject: str) -> list[str]:
    """Animals to return; points of nobody ("single") are left out unless they are asked for."""
    present = list(dict.fromkeys(k.individual or ONLY for k in keys))
    if wanted is not None:
        faults = Faults(subject)
        for name in wanted:
            if name not in present:
                faults.add(f"no individual '{name}'", todo=did_you_mean(str(name), present))
        faults.raise_if_any()
        return [str(w) for w in wanted]
    if SINGLE in present and len(present) > 1:
        alone = [k.keypoint for k in keys if k.individual == SINGLE and k.coord == "x"]
        warn_user(
            f"{subject}: points that belong to no animal are left out ({', '.join(alone)}); "
            f"read them with individuals=['{SINGLE}']"
        )
        present.remove(SINGLE)
    return present


def _arrays(
    values: np.ndarray, keys: Sequence[Key], people: Sequence[str], points: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Gather columns into (time, space, keypoint, individual) and (time, keypoint, individual)."""
    n_space = 3 if any(k.coord == "z" for k in keys) else 2
    at = np.full((n_space + 1, len(points), len(people)), -1)
    for column, key in enumerate(keys):
        person = key.individual or ONLY
        if person not in people or key.coord in SPREAD:
            continue
        slot = SPACE.index(key.coord) if key.coord in SPACE else n_space
        at[slot, points.index(key.keypoint), people.index(person)] = column
    padded = np.concatenate([values.astype(np.float32), np.full((len(values), 1), np.nan, np.float32)], axis=1)
    gathered = padded[:, at]
    return np.ascontiguousarray(gathered[:, :n_space]), np.ascontiguousarray(gathered[:, n_space])


def _warn_of_missing(
    subject: str,
    position: np.ndarray,
    doubtful: np.ndarray,
    points: Sequence[str],
    people: Sequence[str],
    columns: set[tuple[str, str]],
) -> None:
    """Say which points lay at (0, 0) although the tracker was sure, and which were never found."""
    if doubtful.any():
        warn_user(
            f"{subject}: {int(doubtful.sum())} points at exactly (0, 0) px are taken as not found "
            f"({', '.join(p for k, p in enumerate(points) if doubtful[:, k].any())})"
        )
    # An animal that is never there is no matter of its keypoints.
    never = np.isnan(position).any(axis=1).all(axis=0)
    tracked = ~never.all(axis=0) & (len(position) >= _ENOUGH_FRAMES)
    names = [
        f"{point} of {person}" if len(people) > 1 else point
        for i, person in enumerate(people)
        for k, point in enumerate(points)
        if tracked[i] and never[k, i] and (person, point) in columns
    ]
    if names:
        warn_user(
            f"{subject}: keypoints that were never found: {', '.join(names)}; they have no place in this recording"
        )


def _check_confidence(
    confidence: np.ndarray, points: Sequence[str], people: Sequence[str], lines: np.ndarray | None, faults: Faults
) -> None:
    bad = np.argwhere((confidence < -1e-3) | (confidence > 1 + 1e-3))
    if len(bad):
        row, k, i = bad[0]
        faults.add(
            "confidence lies outside 0..1",
            where=f"{_line(lines, row)}, {people[i]} {points[k]}",
            got=f"{confidence[row, k, i]:.6g} ({len(bad)} values)",
            todo="it is in percent: divide it by 100"
            if np.nanmin(confidence) >= 0 and 1.5 < np.nanmax(confidence) <= 100
            else "the columns are shifted or in another order than the header says",
        )
