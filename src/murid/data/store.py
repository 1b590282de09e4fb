"""murid's own files: one noun, one file, written whole, read lazily.

``poses.nc`` and ``traces.nc`` are netCDF-4; ``labels/<rater>.jsonl`` is a journal, one JSON object a
line; ``events.csv``, ``zones.json`` and ``spikes.npz`` are what they say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.atomic import atomic_file
from murid.data.bouts import make_bouts, make_events
from murid.data.damage import damage_of
from murid.data.errors import fail
from murid.data.json_values import to_json
from murid.data.labels import Labels
from murid.data.names import check_distinct, file_name_of
from murid.data.traces import Spikes
from murid.data.zones import Zones

_SCORED = ["start_s", "stop_s", "rater", "stream"]


def write_array(data: xr.Dataset | xr.DataArray, path: str | Path) -> None:
    """Write poses, traces or any dataset as compressed netCDF-4."""
    data = data if isinstance(data, xr.Dataset) else data.to_dataset(name=data.name or "values")
    data = data.assign_attrs({k: _plain(v) for k, v in data.attrs.items() if v is not None})
    for variable in data.variables.values():
        variable.attrs = {k: _plain(v) for k, v in variable.attrs.items() if v is not None}
    packed = {n: {"zlib": True, "complevel": 1} for n, v in data.data_vars.items() if v.dtype.kind in "fiu"}
    with atomic_file(path) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf", encoding=packed)


#: What to do where a file of a recording is damaged.
DAMAGED = "put back a copy of it that is whole, or add the recording again with --replace"


def read_array(path: str | Path, *, todo: str = DAMAGED) -> xr.Dataset:
    """Read what `write_array` wrote, into memory; `todo` is what helps where it is damaged."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as data:
            loaded = data.load()
    except (OSError, ValueError, LookupError, TypeError):
        # What HDF5 says of a damaged file is about its own inside.
        fail(
            "study file",
            f"{Path(path).name} cannot be read",
            where=str(path),
            expected="netCDF as murid writes it",
            got=damage_of(path),
            todo=todo,
        )
    for name in ("keypoint", "individual", "unit", "behaviour", "feature"):
        if name in loaded.coords:
            loaded = loaded.assign_coords({name: loaded[name].astype(object)})
    return loaded


def _plain(value: Any) -> Any:
    """Attributes that netCDF can hold."""
    if isinstance(value, Mapping) or (isinstance(value, (list, tuple)) and not all(isinstance(v, str) for v in value)):
        return to_json(value)
    if isinstance(value, bool):
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def read_poses_file(path: str | Path) -> xr.Dataset:
    """Read a study's ``poses.nc``."""
    return read_array(path)


def read_traces_file(path: str | Path) -> xr.DataArray:
    """Read a study's ``traces.nc``."""
    data = read_array(path)
    return data[next(iter(data.data_vars))].rename("traces")


def write_journals(labels: Labels, folder: str | Path) -> None:
    """Write one journal per rater into `folder`."""
    folder = Path(folder)
    check_distinct([rater or "rater" for rater in labels.raters], "labels", "raters")
    for rater in labels.raters or [""]:
        own = labels.select(rater=rater) if rater in labels.raters else labels
        head = {
            "op": "open",
            "rater": rater,
            "exclusive": labels.exclusive,
            "vocabulary": list(labels.vocabulary),
            "fps": labels.fps,
            "source_file": labels.source_file,
            "scored": own.scored.to_dict("records"),
        }
        lines = [to_json(head), *(to_json({"op": "add", **row}) for row in own.bouts.to_dict("records"))]
        with atomic_file(folder / f"{file_name_of(rater or 'rater')}.jsonl") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_labels_folder(folder: str | Path) -> Labels:
    """Read every journal of `folder` into one Labels."""
    files = sorted(Path(folder).glob("*.jsonl"))
    if not files:
        fail("labels", "no journals found", where=str(folder), todo="add the labels again")
    parts = [_read_journal(path) for path in files]
    first = parts[0]
    return replace(
        first,
        bouts=make_bouts(pd.concat([p.bouts for p in parts], ignore_index=True)),
        scored=pd.concat([p.scored for p in parts], ignore_index=True),
        exclusive=all(p.exclusive for p in parts),
        vocabulary=tuple(dict.fromkeys(w for p in parts for w in p.vocabulary)),
    )


def _read_journal(path: Path) -> Labels:
    rows: list[dict[str, Any]] = []
    head: dict[str, Any] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        expected = "UTF-8 text, one JSON object a line"
        fail("labels", "journal cannot be read", where=str(path), expected=expected, got=damage_of(path), todo=DAMAGED)
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):
                break  # a write cut off by a kill: everything before it is whole
            fail("labels", "line is not JSON", where=f"{path}, line {number}", got=line[:40], todo=DAMAGED)
        if not isinstance(entry, dict):
            expected = '{"op": "add", …}'
            fail("labels", "line is no entry", where=f"{path}, line {number}", expected=expected, got=line[:40])
        if entry.get("op") == "open":
            head = entry
        elif entry.get("op") == "add":
            rows.append({k: v for k, v in entry.items() if k != "op"})
    if not head:
        fail("labels", "journal has no opening line", where=str(path), todo="add the labels again")
    bouts = pd.DataFrame(rows, columns=None if rows else ["start_s", "stop_s", "label", "individual", "rater"])
    scored = pd.DataFrame(head.get("scored", []))
    scored = scored if len(scored) else pd.DataFrame(columns=_SCORED)
    fps = head.get("fps")
    return Labels(
        make_bouts(bouts, name=str(path)),
        scored,
        bool(head.get("exclusive")),
        tuple(head.get("vocabulary", ())),
        float("nan") if fps is None else float(fps),
        head.get("source_file", ""),
    )


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """Write an event table as CSV."""
    with atomic_file(path) as temporary:
        events.to_csv(temporary, index=False)


def read_events_file(path: str | Path) -> pd.DataFrame:
    """Read a study's ``events.csv``."""
    # Text stays text: an animal may be called 1, an event "null", a value "NA".
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for column in table.columns.difference(["time_s", "label", "individual"]):
        filled = table[column] != ""
        numbers = pd.to_numeric(table[column].where(filled), errors="coerce")
        table[column] = numbers if (numbers.notna() == filled).all() else table[column].where(filled)
    return make_events(table, name=str(path))


def write_zones(zones: Zones, path: str | Path) -> None:
    """Write zones and their entry rule as JSON."""
    with atomic_file(path) as temporary:
        temporary.write_text(zones.to_json(), encoding="utf-8")


def write_spikes(spikes: Spikes, path: str | Path) -> None:
    """Write spike times as npz: one array of times, one of unit numbers, the names, the span."""
    names = spikes.units
    times = [spikes.times_s[u] for u in names]
    with atomic_file(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(
            handle,
            time_s=np.concatenate(times) if times else np.empty(0),
            unit=np.repeat(np.arange(len(names)), [t.size for t in times]),
            names=np.array(names, dtype=str),
            span_s=np.array([spikes.start_s, spikes.stop_s]),
            end_known=np.array(spikes.end_known),
            meta=np.array(to_json(spikes.meta)),
        )


def read_spikes_file(path: str | Path) -> Spikes:
    """Read a study's ``spikes.npz``."""
    # numpy leaves a damaged file open where it has opened it itself.
    with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as raw:
        times = {str(n): raw["time_s"][raw["unit"] == i] for i, n in enumerate(raw["names"])}
        meta = json.loads(str(raw["meta"])) if "meta" in raw else {}
        end_known = bool(raw["end_known"]) if "end_known" in raw else True
        return Spikes(times, float(raw["span_s"][0]), float(raw["span_s"][1]), meta, end_known)
