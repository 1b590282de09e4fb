"""Observations as BORIS 7 to 9 exports them: tables, binary tables and projects.

The layouts are those of its exporters (7.13, 8.27 and 9.4); the observations are made up.
"""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.io.variants import variant
from tests.io.variants.kinds import AGGREGATED, EVENTS_OF_BORIS, FILM, KINDS, RIGHT_OF_BORIS, TABULAR

Rows = Sequence[dict[str, Any]]

#: One row of a tabular export; a column takes its value from here unless a row says otherwise.
ROW = dict(zip(TABULAR, [*FILM, "mouse 1", "rear", "", "", "START", 0.0, "/v/A.mp4", 0, "NA", ""], strict=True))
AGG = dict(zip(AGGREGATED, [*FILM, "mouse 1", "rear", "", "", "STATE", 0.0, 0.0, 0.0, "/v/A.mp4", ""], strict=True))


def right(**changes: Any) -> dict:
    return {**copy.deepcopy(RIGHT_OF_BORIS), "points": [], **changes}


REAR = right(bouts=[[1.0, 2.5, "rear", "mouse 1", ""]])


def write(
    folder: Path, columns: Sequence[str], rows: Rows, delimiter: str = ",", above: Sequence[Sequence] = ()
) -> Path:
    path = folder / ("a.tsv" if delimiter == "\t" else "a.csv")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([*above, columns])
    writer.writerows([[row.get(c, "") for c in columns] for row in rows])
    path.write_bytes(out.getvalue().encode())
    return path


def tabular(folder: Path, *rows: dict[str, Any], columns: Sequence[str] = TABULAR, **options: Any) -> Path:
    return write(folder, columns, [{**ROW, **row} for row in rows], **options)


def aggregated(folder: Path, *rows: dict[str, Any], columns: Sequence[str] = AGGREGATED, **options: Any) -> Path:
    return write(folder, columns, [{**AGG, **row} for row in rows], **options)


def state(start: float, stop: float, **changes: Any) -> list[dict[str, Any]]:
    times = (("START", start), ("STOP", stop))
    return [{"Behavior type": kind, "Time": f"{time:.3f}", **changes} for kind, time in times]


def bout(start: float, stop: float, **changes: Any) -> dict[str, Any]:
    return {"Start (s)": f"{start:.3f}", "Stop (s)": f"{stop:.3f}", "Duration (s)": f"{stop - start:.3f}", **changes}


# ---- tabular -----------------------------------------------------------------------------------------


def _events() -> Rows:
    names = ("Subject", "Behavior", "Behavioral category", "Modifier #1", "Behavior type", "Time", "Image index")
    rows = [dict(zip(names, row, strict=True)) for row in EVENTS_OF_BORIS]
    return [{**row, "Time": f"{row['Time']:.3f}", "Modifier #1": row["Modifier #1"] or ""} for row in rows]


@variant("boris", "boris_tabular")
def tabular_8_csv(folder: Path) -> Path:
    return tabular(folder, *_events())


@variant("boris", "boris_tabular")
def tabular_8_tsv(folder: Path) -> Path:
    return tabular(folder, *_events(), delimiter="\t")


@variant("boris", "boris_tabular")
def tabular_8_before_offsets(folder: Path) -> Path:
    """8.20 had no column of the time offset."""
    return tabular(folder, *_events(), columns=[c for c in TABULAR if c != "Time offset (s)"])


@variant("boris", "boris_tabular")
def tabular_9(folder: Path) -> Path:
    """9 calls the rate ``FPS (frame/s)`` and adds the length of coding."""
    columns = [{"FPS": "FPS (frame/s)", "Observation duration": "Coding duration"}.get(c, c) for c in TABULAR]
    rows = [{**row, "FPS (frame/s)": 25.0, "Coding duration": 60.0} for row in _events()]
    return tabular(folder, *rows, columns=columns)


@variant("boris", "boris_tabular")
def tabular_7_with_a_preamble(folder: Path) -> Path:
    columns = ["Time", "Media file path", "Total length", "FPS", "Subject", "Behavior", "Behavioral category"]
    columns += ["Modifiers", "Comment", "Status"]
    above = [["Observation id", "A mouse ü,1"], [], ["Media file(s)"], ["Player #1", "/v/A.mp4"], []]
    above += [["Observation date", "2026-01-02T11:00:00"], ["Description", "a line"], ["Time offset (s)", "0.0"], []]
    rows = [
        {**row, "Total length": 60.0, "FPS": 25.0, "Status": row["Behavior type"], "Modifiers": row["Modifier #1"]}
        for row in _events()
    ]
    return write(folder, columns, rows, above=above)


@variant("boris", "boris_tabular")
def tabular_with_independent_variables(folder: Path) -> Path:
    """Variables of the observation stand between the film and the subject."""
    columns = [*TABULAR[:9], "Dose, mg/kg", "Time of day", *TABULAR[9:]]
    return tabular(
        folder, *({**row, "Dose, mg/kg": "1,5", "Time of day": "10:30"} for row in _events()), columns=columns
    )


@variant("boris", "boris_tabular", right=REAR)
def times_as_hours_minutes_seconds(folder: Path) -> Path:
    rows = state(0, 0)
    return tabular(folder, {**rows[0], "Time": "00:00:01.000"}, {**rows[1], "Time": "00:00:02.500"})


@variant("boris", "boris_tabular", right=REAR)
def a_break_in_the_description(folder: Path) -> Path:
    return tabular(
        folder, *state(1, 2.5, Description="a line, with comma\nand break", Comment='he said "ow"\nand left')
    )


@variant("boris", "boris_tabular", right=right(bouts=[[1.0, 2.5, "rear", "all", ""]]))
def a_subject_without_a_name(folder: Path) -> Path:
    return tabular(folder, *state(1, 2.5, Subject=""))


SETS = right(bouts=[[1.0, 3.0, "rear", "mouse 1", "None|weak"], [2.0, 4.0, "rear", "mouse 1", "left|weak"]])


@variant("boris", "boris_tabular", right=SETS)
def sets_of_modifiers(folder: Path) -> Path:
    columns = [*TABULAR[:13], "Modifier #2", *TABULAR[13:]]
    first, second = (
        state(a, b, **{"Modifier #1": one, "Modifier #2": "weak"}) for a, b, one in ((1, 3, "None"), (2, 4, "left"))
    )
    return tabular(folder, first[0], second[0], first[1], second[1], columns=columns)


@variant(
    "boris", "boris_tabular", right=right(bouts=[], points=[[7.0, "poke", "mouse 1", ""], [7.0, "poke", "mouse 2", ""]])
)
def points_of_two_animals_at_one_time(folder: Path) -> Path:
    rows = [
        {"Behavior": "poke", "Behavior type": "POINT", "Time": "7.000", "Subject": s} for s in ("mouse 1", "mouse 2")
    ]
    return tabular(folder, *rows)


TWO = {"Media duration (s)": "60.000|62.000", "FPS": "25.000|25.000", "Media file name": "/v/A.mp4|/v/B.mp4"}


@variant("boris", "boris_tabular", right=REAR)
def two_players(folder: Path) -> Path:
    return tabular(folder, *state(1, 2.5, **TWO, **{"Observation duration": 60.0}))


@variant("boris", "boris_tabular", right=right(bouts=[[39.0, 41.0, "rear", "mouse 1", ""]]))
def two_films_one_after_the_other(folder: Path) -> Path:
    films = {"Media duration (s)": "40.000;20.000", "FPS": "25.000;30.000", "Observation duration": 60.0}
    first, last = state(39, 41, **films)
    return tabular(folder, {**first, "Media file name": "/v/A.mp4"}, {**last, "Media file name": "/v/B.mp4"})


@variant("boris", "boris_tabular", right=REAR)
def an_offset_in_time(folder: Path) -> Path:
    """BORIS adds the offset of the observation to its times."""
    return tabular(folder, *state(3601, 3602.5, **{"Time offset (s)": 3600}))


@variant("boris", "boris_tabular", right=REAR)
def exported_over_the_time_of_events(folder: Path) -> Path:
    return tabular(folder, *state(1, 2.5, **{"Observation duration": 1.5}))


LIVE = {"Observation type": "Live", "Source": "NA", "Media duration (s)": "NA", "FPS": "NA", "Media file name": "NA"}


@variant("boris", "boris_tabular", right={**REAR, "scored": [[0.0, 60.0]], "fps": 30.0}, fps=30, duration_s=60)
def live_observation(folder: Path) -> Path:
    return tabular(folder, *state(1, 2.5, **LIVE, **{"Observation duration": 1.5, "Image index": "NA"}))


PICTURES = {"Observation type": "Pictures", "Media duration (s)": "NA", "FPS": "NA", "Observation duration": "NA"}


@variant("boris", "boris_tabular", right={**REAR, "fps": 2.0, "scored": [[0.0, 9.0]]}, fps=2, duration_s=9)
def pictures_without_times(folder: Path) -> Path:
    rows = state(0, 0, **PICTURES)
    return tabular(folder, *({**row, "Time": "NA", "Image index": i} for row, i in zip(rows, (2, 5), strict=True)))


@variant("boris", "boris_tabular", refused="fps=", fps=None)
def pictures_without_times_or_a_rate(folder: Path) -> Path:
    return pictures_without_times(folder)


@variant(
    "boris",
    "boris_tabular",
    right=right(bouts=[], fps=float("inf"), scored=[[0.0, 60.0]]),
    duration_s=60,
    fps=float("inf"),
)
def no_events(folder: Path) -> Path:
    return tabular(folder)


@variant(
    "boris", "boris_tabular", refused=r"line 2 \(rear, mouse 1, 1\.000 s\): START without STOP; -> add the missing STOP"
)
def a_bout_never_stopped(folder: Path) -> Path:
    return tabular(folder, state(1, 2)[0])


@variant("boris", "boris_tabular", refused=r"2 observations.*choose one: recording=")
def several_observations(folder: Path) -> Path:
    return tabular(folder, *state(1, 2.5), *state(3, 4, **{"Observation id": "B"}))


@variant("boris", "boris_tabular", right=REAR, recording="A mouse ü,1")
def one_of_several_observations(folder: Path) -> Path:
    return several_observations(folder)


@variant("boris", "boris_tabular", right=REAR)
def rows_out_of_order(folder: Path) -> Path:
    """Sorted by behaviour in a spreadsheet."""
    return tabular(folder, *reversed(state(1, 2.5)))


# ---- aggregated --------------------------------------------------------------------------------------


@variant("boris", "boris_aggregated")
def aggregated_8_csv(folder: Path) -> Path:
    return write(folder, AGGREGATED, [dict(zip(AGGREGATED, _na(row), strict=True)) for row in _agg_rows()])


@variant("boris", "boris_aggregated")
def aggregated_8_tsv(folder: Path) -> Path:
    rows = [dict(zip(AGGREGATED, _na(row), strict=True)) for row in _agg_rows()]
    return write(folder, AGGREGATED, rows, delimiter="\t")


def _agg_rows() -> Sequence[Sequence]:
    return KINDS["boris_aggregated"].rows


def _na(row: Sequence) -> list:
    return ["NA" if v is None else v for v in row]


NINE = [
    *("Observation id", "Observation date", "Description", "Observation type", "Source", "Time offset (s)"),
    *("Coding duration", "Media duration (s)", "FPS (frame/s)", "Subject"),
    *("Observation duration by subject by observation", "Behavior", "Behavioral category", "Modifier #1"),
    *("Behavior type", "Start (s)", "Stop (s)", "Duration (s)", "Media file name", "Image index start"),
    *("Image index stop", "Image file path start", "Image file path stop", "Comment start", "Comment stop"),
]


@variant("boris", "boris_aggregated", right=REAR)
def aggregated_9(folder: Path) -> Path:
    """The length of the coding is that of the events; the film was watched whole."""
    return aggregated(folder, bout(1, 2.5, **{"Coding duration": "1.500"}), columns=NINE)


@variant("boris", "boris_aggregated", right=right(bouts=[[39.0, 41.0, "rear", "mouse 1", ""]]))
def aggregated_two_films(folder: Path) -> Path:
    films = {"Media duration (s)": "40.000;20.000", "FPS (frame/s)": "25.000;30.000"}
    return aggregated(folder, bout(39, 41, **films, **{"Observation duration": "NA"}))


@variant("boris", "boris_aggregated", right=REAR)
def aggregated_two_players(folder: Path) -> Path:
    films = {"Media duration (s)": "60.000|62.000", "FPS (frame/s)": "25.000|25.000"}
    return aggregated(folder, bout(1, 2.5, **films, **{"Observation duration": "NA"}))


@variant("boris", "boris_aggregated", right=REAR)
def aggregated_with_an_offset(folder: Path) -> Path:
    return aggregated(folder, bout(3601, 3602.5, **{"Time offset (s)": 3600}))


@variant("boris", "boris_aggregated", right=right(bouts=[[1.0, 2.5, "rear", "all", ""]]))
def aggregated_without_a_subject(folder: Path) -> Path:
    return aggregated(folder, bout(1, 2.5, Subject="No focal subject"))


@variant("boris", "boris_aggregated", right=right(bouts=[], points=[[7.0, "poke", "mouse 1", "left"]]))
def aggregated_points(folder: Path) -> Path:
    point = {"Behavior": "poke", "Behavior type": "POINT", "Duration (s)": "NA", "Modifier #1": "left"}
    return aggregated(folder, {**bout(7, 7), **point})


@variant("boris", "boris_aggregated", refused=r"line 2 \(rear\): bout has no stop")
def aggregated_without_a_stop(folder: Path) -> Path:
    return aggregated(folder, {**bout(1, 2), "Stop (s)": "NA"})


# ---- binary tables -----------------------------------------------------------------------------------


def binary(folder: Path, step: float, stop: float, **behaviours: Sequence[tuple[float, float]]) -> Path:
    """A table over ``[0, stop]``: 1 from the row of the start to the one before the stop."""
    lines = [",".join(["time", *behaviours])]
    for i in range(round(stop / step) + 1):
        on = [int(any(a <= i * step < b for a, b in spans)) for spans in behaviours.values()]
        lines.append(",".join(map(str, [round(i * step, 3), *on])))
    path = folder / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


BINARY = {"bouts": [[1.0, 3.0, "rear", "all", ""], [4.0, 5.0, "groom", "all", ""]], "scored": [[0.0, 10.0, ""]]}


@variant("boris", "onehot", right=BINARY, fps=None, points=[])
def binary_every_second(folder: Path) -> Path:
    return binary(folder, 1.0, 10.0, rear=[(1, 3)], groom=[(4, 5)])


@variant("boris", "onehot", right={**BINARY, "bouts": BINARY["bouts"][:1]}, fps=None, warned="read as point events")
def binary_with_points(folder: Path) -> Path:
    return binary(folder, 1.0, 10.0, rear=[(1, 3)], poke=[(4, 5)])


@variant("boris", "onehot", right=BINARY, fps=None)
def binary_ten_times_a_second(folder: Path) -> Path:
    return binary(folder, 0.1, 10.0, rear=[(1, 3)], groom=[(4, 5)])


@variant("boris", "onehot", right={**BINARY, "scored": [[0.0, 10.04, ""]]}, fps=25)
def binary_every_frame(folder: Path) -> Path:
    return binary(folder, 0.04, 10.0, rear=[(1, 3)], groom=[(4, 5)])


# ---- projects ----------------------------------------------------------------------------------------


def behaviour(code: str, kind: str = "State event") -> dict[str, Any]:
    return {"type": kind, "key": code[0], "code": code, "description": "", "category": "", "modifiers": {}}


def observation(events: list, **changes: Any) -> dict[str, Any]:
    return {
        "file": {"1": ["/v/A.mp4"], "2": []},
        "type": "MEDIA",
        "date": "2026-01-02T11:00:00",
        "description": "",
        "time offset": 0,
        "events": events,
        "observation time interval": [0, 0],
        "media_info": {"length": {"/v/A.mp4": 60.0}, "fps": {"/v/A.mp4": 25.0}},
        **changes,
    }


def project(folder: Path, *events: list, zipped: bool = False, **changes: Any) -> Path:
    codes = [behaviour("rear"), behaviour("groom"), behaviour("Fellpflege ä"), behaviour("poke", "Point event")]
    content = {
        "time_format": "hh:mm:ss",
        "project_format_version": "7.0",
        "behaviors_conf": {str(i): b for i, b in enumerate(codes)},
        "observations": {"A mouse ü,1": observation(list(events), **changes)},
    }
    path = folder / ("a.boris.gz" if zipped else "a.boris")
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if zipped else text)
    return path


def _typed() -> list[list]:
    """The events as a project holds them."""
    names = (
        (time, "" if who.startswith("No f") else who, what, modifier or "", "", index)
        for who, what, _, modifier, _, time, index in EVENTS_OF_BORIS
    )
    return [list(row) for row in names]


@variant("boris", "boris_tabular")
def project_of_the_observation(folder: Path) -> Path:
    return project(folder, *_typed())


@variant("boris", "boris_tabular")
def project_zipped(folder: Path) -> Path:
    return project(folder, *_typed(), zipped=True)


EVENTS = [[1.0, "mouse 1", "rear", "", "", 25], [2.5, "mouse 1", "rear", "", "", 62]]


@variant("boris", "boris_tabular", right=REAR)
def project_before_frames(folder: Path) -> Path:
    """Older events have no index of the frame."""
    return project(folder, *(event[:5] for event in EVENTS))


@variant("boris", "boris_tabular", right=REAR)
def project_events_out_of_order(folder: Path) -> Path:
    return project(folder, *reversed(EVENTS))


@variant("boris", "boris_tabular", right=REAR)
def project_two_players(folder: Path) -> Path:
    media = {"length": {"/v/A.mp4": 60.0, "/v/B.mp4": 62.0}, "fps": {"/v/A.mp4": 25.0, "/v/B.mp4": 25.0}}
    return project(folder, *EVENTS, file={"1": ["/v/A.mp4"], "2": ["/v/B.mp4"]}, media_info=media)


@variant("boris", "boris_tabular", right=REAR)
def project_two_films(folder: Path) -> Path:
    media = {"length": {"/v/A.mp4": 40.0, "/v/B.mp4": 20.0}, "fps": {"/v/A.mp4": 25.0, "/v/B.mp4": 30.0}}
    return project(folder, *EVENTS, file={"1": ["/v/A.mp4", "/v/B.mp4"], "2": []}, media_info=media)


@variant("boris", "boris_tabular", right=right(bouts=[[10.0, 12.5, "rear", "mouse 1", ""]], scored=[[10.0, 40.0]]))
def project_over_an_interval(folder: Path) -> Path:
    events = [[t + 9 if t == 1 else t + 10, *rest] for t, *rest in EVENTS]
    return project(folder, *events, **{"observation time interval": [10, 40]})


@variant("boris", "boris_tabular", right=right(bouts=[]))
def project_without_events(folder: Path) -> Path:
    return project(folder)


@variant("boris", "boris_tabular", right=right(bouts=[], points=[[7.0, "poke", "all", "left|weak"]]))
def project_of_points(folder: Path) -> Path:
    return project(folder, [7.0, "", "poke", "left|weak", "", "NA"])


@variant("boris", "boris_tabular", refused=r"observation 'A mouse ü,1'.*behaviour 'bite' is not in the ethogram")
def project_with_a_behaviour_since_deleted(folder: Path) -> Path:
    return project(folder, [7.0, "", "bite", "", "", 3])


@variant("boris", "boris_tabular", refused=r"START without STOP")
def project_never_stopped(folder: Path) -> Path:
    return project(folder, EVENTS[0])
