"""One set of observations in a project, in tabular and in aggregated tables: BORIS's own exporter wrote all three.

``small/boris_aggregated.csv`` holds what BORIS 8.27.4 makes of the events, and is parsed here without murid.
"""

import csv
from pathlib import Path

import pytest

from murid import io

SMALL = Path(__file__).parent / "small"
BY_TIME = ["A mouse ü,1", "B_two_films", "C_two_players", "D_live", "E2_images", "I_single_point"]
FILES = [(o, name) for o in BY_TIME for name in ("boris_project.boris", "boris_aggregated.csv")]


def of_boris():
    """Observation → bouts and points of the aggregated table."""
    out = {}
    with (SMALL / "boris_aggregated.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            sets = [row[name] for name in row if name.startswith("Modifier #")]
            modifiers = "" if set(sets) <= {"", "None"} else "|".join(s for s in sets if s)
            who = "all" if row["Subject"] == "No focal subject" else row["Subject"]
            times = (row["Start (s)"], row["Stop (s)"])
            kind = row["Behavior type"]
            out.setdefault(row["Observation id"], {"STATE": [], "POINT": []})[kind].append(
                (*times[: 2 if kind == "STATE" else 1], row["Behavior"], who, modifiers)
            )
    return out


def of_murid(labels):
    columns = ["label", "individual", "modifiers"]
    points = labels.meta["points"]
    return {
        "STATE": [
            (f"{a:.3f}", f"{b:.3f}", *words)
            for a, b, *words in labels.bouts[["start_s", "stop_s", *columns]].to_numpy().tolist()
        ],
        "POINT": [(f"{t:.3f}", *words) for t, *words in points[["time_s", *columns]].to_numpy().tolist()],
    }


@pytest.mark.parametrize(("observation", "name"), [*FILES, (BY_TIME[0], "boris_tabular.csv")])
def test_events_are_those_of_boris(observation, name):
    got = of_murid(io.read_labels(SMALL / name, recording=observation))
    right = of_boris()[observation]
    for kind in ("STATE", "POINT"):
        assert sorted(got[kind]) == sorted(right[kind])


def test_images_without_times_go_by_their_index_in_all_three():
    read = [
        io.read_labels(SMALL / name, recording="E_images_nan", fps=25).bouts[["start_s", "stop_s", "label"]]
        for name in ("boris_project.boris", "boris_aggregated.csv")
    ]
    assert read[0].to_numpy().tolist() == [[3 / 25, 9 / 25, "rear"], [20 / 25, 25 / 25, "rear"]]
    assert read[1].to_numpy().tolist() == read[0].to_numpy().tolist()
