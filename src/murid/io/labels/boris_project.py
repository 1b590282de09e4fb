"""BORIS project files (.boris): JSON with the ethogram and all observations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.labels import Labels
from murid.io.files import Head, choose, read_json
from murid.io.labels._build import build_labels
from murid.io.labels.boris import modifiers_text, pair_events, points_table, subject_name
from murid.io.registry import label_reader


def _is_project(head: Head) -> bool:
    text = head.text.lstrip()
    return text.startswith("{") and ('"behaviors_conf"' in text or '"project_format_version"' in text)


@label_reader(
    "boris_project",
    (".boris", ".boris.gz"),
    sniff=_is_project,
    fps="stated",
    about="BORIS project (JSON), one observation at a time",
)
def read_boris_project(
    path: Path, *, fps: float | None = None, duration_s: float | None = None, recording: str | None = None
) -> Labels:
    """Read one observation of a BORIS project.

    Parameters
    ----------
    path : path
        ``.boris`` file, gzip or not.
    fps : float, optional
        Frames/s; the project states it per film.
    duration_s : float, optional
        Length of the recording; else that of the films.
    recording : str, optional
        Observation to read when the project holds several.

    Notes
    -----
    The file does not store START and STOP: rows of one subject, behaviour and modifier alternate.
    Behaviours the ethogram calls point events are in ``meta["points"]``. The time offset of the
    observation is taken off; of an observation interval the rest is unlabelled.
    """
    raw = read_json(path)
    observations = raw.get("observations") if isinstance(raw, dict) else None
    if not isinstance(observations, dict) or not observations:
        fail(str(path), "no observations", expected="a BORIS project with coded films")
    name = choose(path, "observation", list(observations), recording, "recording")
    observation = observations[name]
    ethogram = {b.get("code", ""): str(b.get("type", "")) for b in (raw.get("behaviors_conf") or {}).values()}
    faults = Faults(f"{path}, observation '{name}'")
    images = str(observation.get("type", "")).upper() == "IMAGES"
    rate_of_images = fps if images else None
    rows = _events(observation.get("events") or [], ethogram, rate_of_images, faults)
    rows["time_s"] -= float(observation.get("time offset") or 0)
    bouts = pair_events(rows[rows["kind"] != "POINT"], faults)
    faults.raise_if_any()
    media = observation.get("media_info") or {}
    # Films queued in the first player run on one after the other; other players show the same time.
    films = (observation.get("file") or {}).get("1") or list(media.get("length") or {})
    length = sum(float((media.get("length") or {}).get(film, 0)) for film in films)
    rates = [float(media["fps"][film]) for film in films if film in (media.get("fps") or {})]
    rate = fps if fps is not None else next(iter(rates), None)
    states = [code for code, kind in ethogram.items() if not kind.lower().startswith("point")]
    stated = max([*bouts["stop_s"], *rows["time_s"], length])
    return build_labels(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        stated_duration_s=stated,
        scored=_interval(observation, duration_s if duration_s is not None else stated),
        vocabulary=states,
        points=points_table(rows[rows["kind"] == "POINT"]),
        recording=name,
    )


def _interval(observation: dict[str, Any], stop_s: float) -> pd.DataFrame | None:
    """The stretch that was watched, where the observation says so; None when it is all of it."""
    start, stop = (float(v or 0) for v in observation.get("observation time interval") or (0, 0))
    if start <= 0 and stop <= 0:
        return None
    stop = min(stop, stop_s) if stop > 0 else stop_s
    return pd.DataFrame({"start_s": [start], "stop_s": [stop], "rater": [""], "stream": [""]})


def _events(events: list[Any], ethogram: dict[str, str], image_fps: float | None, faults: Faults) -> pd.DataFrame:
    rows: list[tuple] = []
    for i, event in enumerate(events, 1):
        try:
            time, subject, code, modifiers = float(event[0]), str(event[1]), str(event[2]), str(event[3] or "")
        except (ValueError, TypeError, IndexError):
            faults.add(
                "event cannot be read",
                where=f"event {i}",
                got=str(event),
                expected="[time, subject, behaviour, modifiers, comment]",
            )
            continue
        if math.isnan(time):
            index = next((float(v) for v in event[5:6] if isinstance(v, (int, float))), math.nan)
            time = index / image_fps if image_fps else math.nan
            if math.isnan(time):
                faults.add(
                    "event has no time, only the index of an image",
                    where=f"event {i}",
                    got=str(event),
                    todo="give the rate of the images: fps=...",
                )
                continue
        if code not in ethogram:
            faults.add(
                f"behaviour '{code}' is not in the ethogram",
                where=f"event {i}",
                todo="add it to the ethogram in BORIS, or delete the event",
            )
        kind = "POINT" if ethogram.get(code, "").lower().startswith("point") else ""
        rows.append((time, code, subject_name(subject), modifiers_text(modifiers.split("|")), kind, i))
    table = pd.DataFrame(rows, columns=["time_s", "label", "individual", "modifiers", "kind", "line"])
    # The order of the rows is that of typing; what alternates are the events in time.
    table = table.sort_values("time_s", kind="stable", ignore_index=True)
    states = table[table["kind"] == ""]
    turn = states.groupby(["individual", "label", "modifiers"]).cumcount() % 2
    table.loc[states.index, "kind"] = np.where(turn == 0, "START", "STOP")
    return table
