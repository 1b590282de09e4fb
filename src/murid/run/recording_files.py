"""The files of one recording read and brought together: one clock, one unit, one set of animals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid import io
from murid.data.bouts import EVERYONE, make_events
from murid.data.clock import fit_clock, sample_stops
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.meet import only_animal
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.video import Video
from murid.data.warning import warn_user
from murid.io.labels.onehot import mark_columns
from murid.io.registry import holds_also
from murid.io.traces.table import TIME
from murid.io.write import point_events
from murid.prepare import calibrate, calibrate_zones
from murid.run.file_pairing import Paired

KEYS = ("animal", "group", "day", "session")


@dataclass(frozen=True)
class Reading:
    """How files are read: frames/s, scale, options of the readers by kind, whether labels end with the film."""

    fps: float | None
    px_per_cm: float | None
    options: Mapping[str, Mapping[str, Any]]
    cut_labels: bool = False


def read_recording(pair: Paired, settings: Reading) -> Recording:
    """Read all files of one recording."""
    nouns: dict[str, Any] = {}
    fps, options = settings.fps, settings.options
    files = {**pair.companions, pair.kind: [pair.main, *pair.companions.get(pair.kind, [])]}
    options = _options_of_both(files, options)
    film: Video | None = None
    if "video" in files:
        film = nouns["video"] = Video(files["video"][0])
        fps = film.fps if fps is None else fps
    duration_s = float(sample_stops(film.time_s)[-1]) if film is not None else None
    if "poses" in files:
        poses = io.read_poses(files["poses"][0], **{"fps": fps, **options.get("poses", {})})
        fps = fps or float(poses.attrs["fps"])
        nouns["poses"] = poses = _on_film(poses, film, settings.fps)
        end = float(sample_stops(poses["time"].values)[-1])
        duration_s = max(end, duration_s or 0.0)
    if "labels" in files:
        asked: dict[str, Any] = {"fps": fps, "duration_s": duration_s, **options.get("labels", {})}
        if settings.cut_labels or options.get("labels", {}).get("duration_s") is not None:
            asked.setdefault("cut", True)
        labels = _labels(pair, files["labels"], asked)
        if film is not None and settings.fps is None:
            labels = _labels_on_film(labels, film)
        nouns["labels"] = _same_animal(labels, nouns.get("poses"), pair.id)
    for kind in ("events", "zones", "traces", "spikes"):
        if kind in files:
            paths = files[kind] if len(files[kind]) > 1 else files[kind][0]
            nouns[kind] = getattr(io, f"read_{kind}")(paths, **options.get(kind, {}))
    if "events" not in files:
        nouns.update(_events_beside(files, options))
    if "labels" in nouns:
        nouns.update(_with_points(nouns["labels"], nouns.get("events")))
    if settings.px_per_cm is not None:
        nouns = _in_cm(nouns, settings.px_per_cm)
    nouns.update({k: pair.keys[k] for k in KEYS if pair.keys.get(k)})
    notes = {k: v for k, v in pair.keys.items() if k not in KEYS}
    return Recording(pair.id, **nouns, meta=notes)


def _options_of_both(
    files: Mapping[str, list[Path]], options: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """Options of the readers where one table was given as signals and as labels: its 0/1 columns are behaviours."""
    own, signals = options.get("labels", {}), options.get("traces", {})
    path = next((p for p in files.get("labels", []) if p in files.get("traces", [])), None)
    if path is None or {"source", "behaviours"} & set(own):
        return options
    marks, others = mark_columns(path)
    clock = own.get("time") or signals.get("time")
    units = [name for name in others if name != clock and name.lower() not in TIME]
    if not (marks and units):
        return options
    warn_user(f"traces and labels in one file: columns with 0 and 1 only are behaviours: {', '.join(marks)}")
    # The rows of the signals are no frames of a film: their rate is their own.
    both: dict[str, dict[str, Any]] = {
        "labels": {"source": "onehot", "behaviours": marks, "fps": None, **own},
        "traces": dict(signals),
    }
    if clock is not None:
        both["labels"]["time"] = both["traces"]["time"] = clock
    if not {"units", "source"} & set(signals):
        both["traces"]["units"] = units
    return {**options, **both}


def _labels(pair: Paired, paths: list[Path], asked: dict[str, Any]) -> Labels:
    """Read the label file, or those of several raters, each its part of files that hold many recordings."""
    parts = {pair.parts[p] for p in paths if p in pair.parts}
    if len(parts) == 1 and "recording" not in asked:
        asked["recording"] = parts.pop()
    if len(paths) == 1:
        return io.read_labels(paths[0], **asked)
    return io.read_labels(paths, unnamed=[pair.raters.get(p, "") for p in paths], **asked)


def _on_film(poses: xr.Dataset, film: Video | None, asked_fps: float | None) -> xr.Dataset:
    """Give frames the time the film shows them at, where the film does not run evenly.

    Only for files that count frames at the film's own mean rate; a time column or a rate that was
    asked for stays.
    """
    if film is None or asked_fps is not None:
        return poses
    frame, time = poses["frame"].values, poses["time"].values
    if frame.max() >= film.n_frames or frame.min() < 0 or np.abs(time - frame / film.fps).max() > 1e-3:
        return poses
    shown = film.time_s[frame]
    # Stamps rounded to ms are no other clock; half a frame is.
    if np.abs(shown - time).max() <= 0.5 / film.fps:
        return poses
    warn_user(f"{Path(film.path).name}: the film does not run evenly; frames have the time the film shows them at")
    return poses.assign_coords(time=shown)


def _labels_on_film(labels: Labels, film: Video) -> Labels:
    """Give labels that count frames the time the film shows these frames at."""
    even = np.arange(film.n_frames) / film.fps
    if not np.isfinite(labels.fps) or np.abs(film.time_s - even).max() <= 0.5 / film.fps:
        return labels
    edges = np.append(film.time_s, sample_stops(film.time_s)[-1])
    shown = fit_clock(np.arange(film.n_frames + 1) / film.fps, edges, piecewise=True)
    counted = pd.concat([labels.bouts["start_s"], labels.bouts["stop_s"]]) * labels.fps
    if (np.abs(counted - np.round(counted)) > 0.05).any():
        return labels  # in seconds, no frames

    def moved(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{c: shown(table[c]) for c in ("start_s", "stop_s")})

    return replace(labels, bouts=moved(labels.bouts), scored=moved(labels.scored))


def _same_animal(labels: Labels, poses: xr.Dataset | None, recording: str) -> Labels:
    """Call the only animal of the labels as the only animal of the poses: it is the same one."""
    if poses is None:
        return labels
    same = only_animal(labels, individual_names(poses))
    if same is not labels:
        (name,) = individual_names(poses)
        warn_user(
            f"recording '{recording}': '{_named(labels)}' in the labels and '{name}' in the poses are the only animal, "
            "and taken as one"
        )
    return same


def _named(labels: Labels) -> str:
    """Who is named in the labels."""
    return ", ".join(sorted({*labels.bouts["individual"], *point_events(labels)["individual"]} - {EVERYONE}))


def _events_beside(files: Mapping[str, list[Path]], options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Events that stand in the file of the traces or spikes; said, as nobody asked for them."""
    for kind in ("traces", "spikes"):
        path = files[kind][0] if kind in files else None
        if path is None or not holds_also(kind, path, "events", source=options.get(kind, {}).get("source", "auto")):
            continue
        try:
            events = io.read_events(path, **options.get("events", {}))
        except DataError as exc:
            warn_user(f"{path.name}: holds events too, which are left out: {exc}")
            continue
        if len(events):
            labels = ", ".join(map(str, events["label"].unique()))
            warn_user(f"{path.name}: its {len(events)} events ({labels}) are read with its {kind}")
            return {"events": events}
    return {}


def _with_points(labels: Labels, events: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Events with the point events that stood in the label file."""
    points = point_events(labels)
    if points.empty:
        return {}
    return {"events": make_events(points if events is None else pd.concat([events, points], ignore_index=True))}


def _in_cm(nouns: dict[str, Any], px_per_cm: float) -> dict[str, Any]:
    """Return the nouns with poses and zones in cm."""
    changed = dict(nouns)
    zones = nouns.get("zones")
    if zones is not None and any(z.unit == "px" for z in zones.values()):
        changed["zones"] = calibrate_zones(zones, px_per_cm)
    if "poses" in nouns:
        changed["poses"] = calibrate(nouns["poses"], px_per_cm)
    return changed
