"""BORIS project files (.boris): JSON with the ethogram and all observations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.labels import Labels
from murid.io.files import Head, choose, read_json
from murid.io.labels._build import build
from murid.io.labels.boris import pair_events, points_table, subject_name
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
    Behaviours the ethogram calls point events are in ``meta["points"]``.
    """
    raw = read_json(path)
    observations = raw.get("observations") if isinstance(raw, dict) else None
    if not isinstance(observations, dict) or not observations:
        fail(str(path), "no observations", expected="a BORIS project with coded films")
    name = choose(path, "observation", list(observations), recording, "recording")
    observation = observations[name]
    ethogram = {b.get("code", ""): str(b.get("type", "")) for b in (raw.get("behaviors_conf") or {}).values()}
    faults = Faults(f"{path}, observation '{name}'")
    rows = _events(observation.get("events") or [], ethogram, faults)
    bouts = pair_events(rows[rows["kind"] != "POINT"], faults)
    faults.raise_if_any()
    media = observation.get("media_info") or {}
    length = sum(float(v) for v in (media.get("length") or {}).values())
    rate = fps if fps is not None else next((float(v) for v in (media.get("fps") or {}).values()), None)
    states = [code for code, kind in ethogram.items() if not kind.lower().startswith("point")]
    ends = [*bouts["stop_s"], *rows["time_s"], length]
    return build(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        stated_duration_s=max(ends),
        vocabulary=states,
        points=points_table(rows[rows["kind"] == "POINT"]),
        recording=name,
    )


def _events(events: list[Any], ethogram: dict[str, str], faults: Faults) -> pd.DataFrame:
    rows: list[tuple] = []
    opened: dict[tuple[str, str, str], bool] = {}
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
        if code not in ethogram:
            faults.add(f"behaviour '{code}' is not in the ethogram", where=f"event {i}")
        key = (subject, code, modifiers)
        if ethogram.get(code, "").lower().startswith("point"):
            kind = "POINT"
        else:
            opened[key] = not opened.get(key, False)
            kind = "START" if opened[key] else "STOP"
        rows.append((time, code, subject_name(subject), modifiers, kind, i))
    return pd.DataFrame(rows, columns=["time_s", "label", "individual", "modifiers", "kind", "line"])
