"""The tables: one of each kind, as a person would type it, and what reading it must give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from murid import io
from murid.io.animal_sheets import read_sheet

Cell = str | float | int | bool | None


@dataclass(frozen=True)
class Kind:
    """A table and its meaning.

    Attributes
    ----------
    name : str
        Name of the kind.
    header : list of rows of str
        One row, or the levels of a table of DeepLabCut.
    rows : list of rows
        Cells; None = missing.
    read : callable
        ``read(path, **options)`` → plain values to compare.
    right : object
        What `read` must give.
    options : dict
        Options without which no file of the kind can be read.
    """

    name: str
    header: Sequence[Sequence[str]]
    rows: Sequence[Sequence[Cell]]
    read: Callable[..., Any]
    right: Any
    options: Mapping[str, Any] = field(default_factory=dict)


KINDS: dict[str, Kind] = {}


def kind(name: str, header: Any, rows: Any, read: Callable[..., Any], right: Any, **options: Any) -> None:
    header = header if isinstance(header[0], list) else [header]
    KINDS[name] = Kind(name, header, rows, read, right, options)


# Positions that need float32 to the last bit; None where the tracker lost the point.
XY = [
    [307.252, 367.453, 0.9981, 250.125, 301.5, 0.75],
    [308.01, 366.9, 0.5, 251.333, 302.25, 1.0],
    [None, None, None, 252.75, 303.125, 0.125],
    [310.5, 365.0, 0.25, 253.2, 304.0, 0.9],
    [1011.375, 1064.75, 1.0, 254.1, 305.875, 0.6],
]
POINTS = ["nose", "tail"]
COLUMNS = [(p, c) for p in POINTS for c in ("x", "y", "likelihood")]


def poses(path: Path, **options: Any) -> list:
    read = io.read_poses(path, **options)
    assert read.sizes["individual"] == 1
    assert read["keypoint"].values.tolist() == POINTS
    block = np.concatenate(
        [
            read["position"].transpose("time", "individual", "keypoint", "space").values,
            read["confidence"].transpose("time", "individual", "keypoint").values[..., None],
        ],
        axis=3,
    )
    cells = [[None if np.isnan(v) else float(v) for v in row] for row in block.reshape(len(block), -1)]
    return [read["time"].values.tolist(), cells]


def float32(rows: Sequence[Sequence[Cell]]) -> list:
    return [[None if v is None else float(np.float32(v)) for v in row] for row in rows]


TIMES = [0.0, 0.04, 0.08, 0.12, 0.16]
kind(
    "dlc",
    [["scorer"] + ["DLC_resnet"] * 6, ["bodyparts"] + [p for p, _ in COLUMNS], ["coords"] + [c for _, c in COLUMNS]],
    [[i, *row] for i, row in enumerate(XY)],
    poses,
    [TIMES, float32(XY)],
    fps=25,
)
kind(
    "wide",
    ["time_s", *(f"{p}_{c}" for p, c in COLUMNS)],
    [[t, *row] for t, row in zip(TIMES, XY, strict=True)],
    poses,
    [TIMES, float32(XY)],
)


def labels(path: Path, **options: Any) -> dict:
    read = io.read_labels(path, **options)
    columns = ["start_s", "stop_s", "label", "individual", "rater"]
    return {
        "bouts": read.bouts.sort_values("start_s")[columns].to_numpy().tolist(),
        "scored": read.scored[["start_s", "stop_s", "rater"]].to_numpy().tolist(),
    }


BOUTS = [
    [1.5, 2.25, "rear", "m1"],
    [3.0, 4.125, "groom, face", "m2"],
    [10.04, 12.5, "Fellpflege ä", "m1"],
    [30.0, 30.52, "rear", "m2"],
]
kind(
    "bouts",
    ["start_s", "stop_s", "label", "individual"],
    BOUTS,
    labels,
    {"bouts": [[*row, ""] for row in BOUTS], "scored": [[0.0, 60.0, ""]]},
    duration_s=60,
)
kind(
    "fromto",
    ["from", "to", "type", "Experimenter", "ID"],
    [[a, b, label, "Jürgen", "OFT_1"] for a, b, label, _ in BOUTS],
    labels,
    {"bouts": [[a, b, label, "all", "Jürgen"] for a, b, label, _ in BOUTS], "scored": [[0.0, 60.0, "Jürgen"]]},
    duration_s=60,
)
REAR, GROOM = [0, 1, 1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 1, 0, 0, 0]
kind(
    "onehot",
    ["frame", "rear", "Fellpflege ä"],
    [[i, a, b] for i, (a, b) in enumerate(zip(REAR, GROOM, strict=True))],
    labels,
    {
        "bouts": [
            [0.04, 0.12, "rear", "all", ""],
            [0.08, 0.2, "Fellpflege ä", "all", ""],
            [0.24, 0.28, "rear", "all", ""],
        ],
        "scored": [[0.0, 0.32, ""]],
    },
    fps=25,
)


def events(path: Path, **options: Any) -> list:
    read = io.read_events(path, **options)
    return read[["time_s", "label", "value", "individual"]].to_numpy().tolist()


EVENTS = [[0.5, "tone, 5 kHz", 1.25, "m1"], [12.75, "Stoß", 0.5, "m1"], [1200.5, "tone, 5 kHz", 2.0, "m2"]]
kind("events", ["time_s", "label", "value", "individual"], EVENTS, events, EVENTS)


def traces(path: Path, **options: Any) -> list:
    read = io.read_traces(path, **options)
    return [read["unit"].values.tolist(), read["time"].values.tolist(), read.values.tolist()]


SIGNAL = [[0.125, -1.5], [0.25, 2.75], [0.375, 12.5], [-0.5, 0.0625], [3.5, 7.25]]
kind(
    "traces",
    ["time_s", "Zelle ä", "cell 2, left"],
    [[t, *row] for t, row in zip(TIMES, SIGNAL, strict=True)],
    traces,
    [["Zelle ä", "cell 2, left"], TIMES, SIGNAL],
)


def spikes(path: Path, **options: Any) -> dict:
    options = {"stop_s": 1e6} | options
    return {unit: times.tolist() for unit, times in io.read_spikes(path, **options).times_s.items()}


kind(
    "spikes",
    ["unit", "time_s"],
    [["u ä", 0.125], ["u, 2", 0.5], ["u ä", 10.0625]],
    spikes,
    {"u ä": [0.125, 10.0625], "u, 2": [0.5]},
)


def zones(path: Path, **options: Any) -> dict:
    return {name: np.asarray(zone.polygon).tolist() for name, zone in io.read_zones(path, **options).items()}


CORNERS = [[0.0, 0.5], [40.25, 0.5], [40.25, 20.0]]
kind("zones", ["zone", "x", "y"], [["Mitte, groß", *c] for c in CORNERS], zones, {"Mitte, groß": CORNERS})


def sheet(path: Path) -> dict:
    return read_sheet(path).to_dict("list")


kind(
    "sheet",
    ["Video", "Mouse", "Treatment", "Weight (g)"],
    [
        ["film_1.mp4", "m1", "Kochsalzlösung", 23.5],
        ["film_2.mp4", "m2", "Psilocybin, 1 mg/kg", 24.25],
        ["film_3.mp4", "m3", "Kochsalzlösung", None],
    ],
    sheet,
    {
        "id": ["film_1.mp4", "film_2.mp4", "film_3.mp4"],
        "animal": ["m1", "m2", "m3"],
        "group": ["Kochsalzlösung", "Psilocybin, 1 mg/kg", "Kochsalzlösung"],
        "weight (g)": ["23.5", "24.25", ""],
    },
)

# The first observation of BORIS: state events with modifiers, a point event, a subject without a name.
FILM = [
    "A mouse ü,1",
    "2026-01-02 11:00:00",
    "a line, with comma",
    60.0,
    "Media file(s)",
    "player #1:/v/A.mp4",
    0,
    60.0,
    25.0,
]
EVENTS_OF_BORIS = [
    ["mouse 1", "groom", "self", "left", "START", 1.0, 25],
    ["mouse 2", "groom", "self", "right", "START", 2.5, 62],
    ["mouse 1", "groom", "self", "left", "STOP", 3.0, 75],
    ["mouse 2", "groom", "self", "right", "STOP", 6.04, 151],
    ["mouse 1", "poke", "", None, "POINT", 7.0, 175],
    ["No focal subject", "Fellpflege ä", "", None, "START", 13.0, 325],
    ["No focal subject", "Fellpflege ä", "", None, "STOP", 15.24, 381],
]
RIGHT_OF_BORIS = {
    "bouts": [
        [1.0, 3.0, "groom", "mouse 1", "left"],
        [2.5, 6.04, "groom", "mouse 2", "right"],
        [13.0, 15.24, "Fellpflege ä", "all", ""],
    ],
    "points": [[7.0, "poke", "mouse 1", ""]],
    "scored": [[0.0, 60.0]],
    "fps": 25.0,
}


def boris(path: Path, **options: Any) -> dict:
    read = io.read_labels(path, **options)
    columns = ["start_s", "stop_s", "label", "individual", "modifiers"]
    points = read.meta["points"]
    return {
        "bouts": read.bouts.sort_values("start_s")[columns].to_numpy().tolist(),
        "points": points[["time_s", "label", "individual", "modifiers"]].to_numpy().tolist(),
        "scored": read.scored[["start_s", "stop_s"]].to_numpy().tolist(),
        "fps": None if np.isnan(read.fps) else read.fps,
    }


TABULAR = [
    *("Observation id", "Observation date", "Description", "Observation duration", "Observation type", "Source"),
    *("Time offset (s)", "Media duration (s)", "FPS", "Subject", "Behavior", "Behavioral category", "Modifier #1"),
    *("Behavior type", "Time", "Media file name", "Image index", "Image file path", "Comment"),
]
kind(
    "boris_tabular",
    TABULAR,
    [[*FILM, *row[:-1], "/v/A.mp4", row[-1], None, ""] for row in EVENTS_OF_BORIS],
    boris,
    RIGHT_OF_BORIS,
)
AGGREGATED = [
    *("Observation id", "Observation date", "Description", "Observation duration", "Observation type", "Source"),
    *("Time offset (s)", "Media duration (s)", "FPS (frame/s)", "Subject", "Behavior", "Behavioral category"),
    *("Modifier #1", "Behavior type", "Start (s)", "Stop (s)", "Duration (s)", "Media file name", "Comment start"),
]
kind(
    "boris_aggregated",
    AGGREGATED,
    [
        [*FILM, "mouse 1", "groom", "self", "left", "STATE", 1.0, 3.0, 2.0, "/v/A.mp4", ""],
        [*FILM, "mouse 2", "groom", "self", "right", "STATE", 2.5, 6.04, 3.54, "/v/A.mp4", 'he said "ow", twice'],
        [*FILM, "mouse 1", "poke", "", None, "POINT", 7.0, 7.0, None, "/v/A.mp4", ""],
        [*FILM, "No focal subject", "Fellpflege ä", "", None, "STATE", 13.0, 15.24, 2.24, "/v/A.mp4", ""],
    ],
    boris,
    RIGHT_OF_BORIS,
)
