"""Small plain values for every figure of the report, and the words that each has to carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

import murid
from murid.data.zones import Zone
from murid.evaluate.evaluation_tables import CALIBRATION, PER_CLASS, RECORDINGS
from murid.neural.tuning_analysis import TUNING
from murid.plot.estimates import EstimationPanel
from murid.report.figures import (
    animal_dots,
    estimation,
    ethogram,
    evaluation,
    heat_maps,
    motif_map,
    neural,
    places,
    skeleton,
    transition_graph,
    tree,
    trials,
)

COLOURS = {"rest": "#0072B2", "groom": "#E69F00", "rear": "#009E73"}
GROUPS = {"control": "#4d5a68", "drug": "#b5541c"}
NAN = np.nan


@dataclass(frozen=True)
class Drawn:
    """One call of a figure: the function, what it is given, and every word that is written but the numbers of axes."""

    draw: Callable[..., Figure]
    given: tuple[Any, ...]
    words: list[str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Figure:
        return self.draw(*self.given, **self.options)


def dots() -> pd.DataFrame:
    """Three animals a group; one of them never reared."""
    rows = [
        (b, g, base + 2 * k + (3 if g == "drug" else 0))
        for b, base in (("rest", 12.0), ("rear", 4.0))
        for g in GROUPS
        for k in range(3)
    ]
    table = pd.DataFrame(rows, columns=["behaviour", "group", "percent"])
    table["mean_s"] = table["percent"] / 4
    table.loc[11, "mean_s"] = NAN
    return table


def panels() -> list[EstimationPanel]:
    """Two groups with a difference, and three with limits of a latency."""
    control, drug = np.array([9.0, 10, 11, 12]), np.array([15.0, 16, 18, 19])
    three = {"control": control, "drug": drug, "sham": control / 2}
    limits = {g: v > 17 for g, v in three.items()}
    note = "g = 3.5, p = 0.03"
    return [
        EstimationPanel("distance", "distance (m)", {"control": control, "drug": drug}, (6.5, 4.0, 9.0), note),
        EstimationPanel("latency, centre", "latency (s)", three, note="log-rank p = 0.2", censored=limits),
    ]


def bouts(*rows: tuple[float, float, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["start_s", "stop_s", "label"])


def ethograms() -> list[ethogram.Row]:
    """Two recordings with labels and predictions; of the second one half was scored."""
    half = pd.DataFrame({"start_s": [0.0], "stop_s": [60.0]})
    first = {"labels": bouts((0, 30, "rest"), (40, 60, "groom")), "method": bouts((0, 34, "rest"), (38, 60, "groom"))}
    second = {"labels": bouts((10, 50, "groom")), "method": bouts((12, 48, "groom"), (80, 110, "rest"))}
    return [
        ethogram.Row("m1 day 1", "control", first, 120.0),
        ethogram.Row("m2 day 1", "drug", second, 120.0, {"labels": half}),
    ]


def scores() -> pd.DataFrame:
    """F1 of two behaviours and their mean; one without interval."""
    table = pd.DataFrame({"behaviour": ["rest", "groom", "macro"], "f1": [0.9, 0.55, 0.72]})
    return table.assign(f1_low=[0.84, NAN, 0.6], f1_high=[0.94, NAN, 0.8])


def curves() -> pd.DataFrame:
    at = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    parts = [
        pd.DataFrame({"behaviour": b, "probability": at, "observed": at**power, "n": 50})
        for b, power in (("rest", 1.0), ("groom", 2.0))
    ]
    return pd.concat(parts, ignore_index=True)


def times() -> pd.DataFrame:
    """Four recordings, and one without a known time, which is left out."""
    table = pd.DataFrame({"time_true_s": [20.0, 35, 50, 80, 60], "time_predicted_s": [24.0, 34, 56, 85, NAN]})
    return table.assign(behaviour="rest")


def shares() -> pd.DataFrame:
    names = ["rest", "groom", "rear"]
    return pd.DataFrame([[0.9, 0.08, 0.02], [0.3, 0.7, 0.0], [0.25, NAN, 0.6]], index=names, columns=names)


def pairs() -> pd.DataFrame:
    """Tested pairs of unit and behaviour: some called, some near chance."""
    selectivity = np.linspace(-0.5, 0.6, 24)
    table = pd.DataFrame({"behaviour": np.tile(["rest", "groom", "rear"], 8), "selectivity": selectivity})
    table["p"] = np.clip(10 ** (-8 * np.abs(selectivity)), 1e-4, 1)
    kind = np.where(selectivity > 0, "excited", "suppressed")
    table["direction"] = np.where(table["p"] < 0.005, kind, "none")
    table["drift_unit"], table["drift_behaviour"] = np.linspace(0.05, 0.9, 24), np.tile([0.1, 0.5, 0.4], 8)
    table["null"] = np.where((table["drift_unit"] > 0.3) & (table["drift_behaviour"] > 0.3), "linear", "circular")
    return table


def tuned() -> tuple[pd.DataFrame, pd.DataFrame]:
    values = pd.DataFrame(
        [[0.6, -0.1], [0.2, -0.5], [NAN, 0.1]], index=["m1 u1", "m1 u2", "m2 u1"], columns=["rest", "rear"]
    )
    return values, values.abs() > 0.4


def tuned_shares() -> pd.DataFrame:
    shares = {"excited": [20.0, 4, 0], "suppressed": [5.0, 0, 0], "nominal": [32.0, 9, 5]}
    return pd.DataFrame({"behaviour": list(COLOURS), "tested": [25, 24, 22], **shares})


def example() -> neural.Example:
    time, lag = np.arange(0, 60, 0.5), np.arange(-2, 4.1, 0.25)
    rise = np.where(lag > 0, np.exp(-lag / 2), 0.0)
    return neural.Example(
        title="m1, u1: rest (selectivity 0.6, p = 0.001)",
        behaviour="rest",
        time_s=time,
        trace=np.exp(-(time % 15) / 3),
        spans=[(s, s + 5.0) for s in np.arange(0, 60, 15.0)],
        lag_s=lag,
        mean=rise,
        low=rise - 0.2,
        high=rise + 0.2,
        n_events=4,
        unit="ΔF/F",
    )


def arena() -> list[Zone]:
    square = [(0, 0), (40, 0), (40, 40), (0, 40)]
    return [Zone("arena", polygon=square, kind="arena"), Zone("centre", centre=(20.0, 20.0), radius=9.0)]


def tracks() -> list[places.TrackPanel]:
    turn = np.linspace(0, 6 * np.pi, 200)
    xy = 20 + np.linspace(2, 17, 200)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    other = np.column_stack([np.linspace(2, 38, 50), np.linspace(2, 38, 50)])
    return [
        places.TrackPanel("m1 day 1", GROUPS["control"], [xy], arena(), "control"),
        places.TrackPanel("m2 and m3", GROUPS["drug"], [xy[::-1], other], arena(), "drug"),
    ]


def cells(near: float) -> np.ndarray:
    """Percent of time in 12 × 12 cells, most along one wall."""
    y, x = np.indices((12, 12))
    share = np.exp(-np.abs(x - near) / 2) * (1 + y / 12)
    return 100 * share / share.sum()


#: A mouse from above, facing right, in cm.
BODY = {
    "nose": (4.0, 0.0),
    "ear_left": (2.8, -0.9),
    "ear_right": (2.8, 0.9),
    "neck": (2.0, 0.0),
    "side_left": (0.2, -1.4),
    "side_right": (0.2, 1.4),
    "centre": (0.0, 0.0),
    "tail_base": (-3.0, 0.0),
}


def mouse(turn: float = 0.5) -> np.ndarray:
    """Points (time, keypoint, 2) at three times: the animal walks, its head turns."""
    body = np.array(list(BODY.values()))
    front = np.clip(body[:, 0], 0, None) / 4
    return np.stack([body + k * np.column_stack([np.full(len(body), 0.5), turn * front]) for k in range(3)])


def drawn_windows() -> xr.DataArray:
    """As `Vame.centres` gives them."""
    values = np.stack([mouse(), mouse(-0.9)]).transpose(0, 1, 3, 2)
    names = {
        "window": [0, 1],
        "time": [0.0, 0.2, 0.4],
        "space": ["x", "y"],
        "point": list(BODY),
    }
    return xr.DataArray(values, dims=tuple(names), coords=names, attrs={"unit": "cm"})


def pseudo_labels(individuals: tuple[str, ...] = ("mouse_1",)) -> xr.DataArray:
    codes = np.repeat([0, -1, 1, 2, 0], [60, 20, 40, 30, 50])
    values = np.repeat(codes[:, None], len(individuals), axis=1)
    return murid.make_states(values, np.arange(200) / 2, list(COLOURS), individuals=list(individuals))


def events() -> pd.DataFrame:
    return pd.DataFrame({"time_s": [10.0, 50, 70], "label": ["tone", "tone", "air_puff"]})


def two_mice() -> murid.Recording:
    xy = np.zeros((200, 2, 1, 2))
    poses = murid.make_poses(xy, fps=2.0, keypoints=["centre"], individuals=["mouse_1", "mouse_2"])
    return murid.Recording("pair", poses=poses, events=events())


def around() -> xr.DataArray:
    """States of six trials from 2 s before to 4 s after the event."""
    lag = np.arange(-2, 4, 0.1)
    codes = np.stack([np.where(lag < 0.2 * k, 0, np.where(lag < 2, 1, 2)) for k in range(6)])
    codes[2, 50:] = -1
    return xr.DataArray(
        codes, dims=("trial", "lag"), coords={"trial": range(6), "lag": lag}, attrs={"behaviours": list(COLOURS)}
    )


NEXT = pd.DataFrame([[0, 0.7, 0.3], [0.95, 0, 0.05], [0.5, 0.5, 0]], index=list(COLOURS), columns=list(COLOURS))
USAGE = {"rest": 0.6, "groom": 0.397, "rear": 0.003}


def clouds() -> np.ndarray:
    """Places of twenty frames each around four corners; those of the last have no motif."""
    corners = np.repeat([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]], 20, axis=0)
    return corners + np.random.default_rng(0).normal(0, 0.5, (80, 2))


CASES: dict[str, Drawn] = {
    "dots_by_behaviour": Drawn(
        animal_dots.draw_dots_by_behaviour,
        (dots(), {"percent": "share of time (%)", "mean_s": "mean bout (s)"}, GROUPS, list(GROUPS)),
        ["share of time (%)", "rest", "rear", "mean bout (s)", "control (n = 3)", "drug (n = 3)"],
    ),
    "dots_without_groups": Drawn(
        animal_dots.draw_dots_by_behaviour,
        (dots().assign(group=""), {"percent": "share of time (%)"}, {"": "#4d5a68"}, [""]),
        ["rest", "rear", "share of time (%)", "n = 6"],
    ),
    "estimation": Drawn(
        estimation.draw_estimation,
        (panels(), {**GROUPS, "sham": "#5b3a8e"}),
        [
            "g = 3.5, p = 0.03",
            "control\nn = 4",
            "drug\nn = 4",
            "difference\n(95 % interval)",
            "distance (m)",
            "distance",
            "log-rank p = 0.2",
            "sham\nn = 4",
            "latency (s)",
            "latency, centre",
        ],
    ),
    "ethogram": Drawn(
        ethogram.draw_ethogram,
        (ethograms(), COLOURS, GROUPS, ["rest", "groom"]),
        ["labels", "method", "time (min)", "m1 day 1", "m2 day 1", "rest", "groom", "not scored", "control", "drug"],
    ),
    "f1_bars": Drawn(
        evaluation.f1_bars,
        (PER_CLASS.rows(scores()), COLOURS),
        [
            "F1 on held-out animals (1 = every frame right)",
            "mean of behaviours",
            "groom",
            "rest",
            "95 % interval over animals",
            "agreement of two people",
            "leaky split: inflated, not a measure of performance",
        ],
        {"ceiling": {"rest": 0.93, "groom": 0.7}, "leaky": {"rest": 0.97, "groom": 0.85, "macro": 0.91}},
    ),
    "calibration": Drawn(
        evaluation.calibration,
        (CALIBRATION.rows(curves()), COLOURS),
        ["probability given by the method", "share of frames in which it was true", "rest", "groom"],
    ),
    "totals": Drawn(
        evaluation.totals,
        (RECORDINGS.rows(times()), ["rest"], COLOURS),
        [
            "labelled (s)",
            "predicted (s)",
            "rest",
            "mean of both (s)",
            "predicted − labelled (s)",
            "bias 3.5 s, n = 4",
        ],
    ),
    "matrix": Drawn(
        heat_maps.matrix,
        (shares(),),
        [
            "0.90",
            "0.08",
            "0.02",
            "0.30",
            "0.70",
            "0.00",
            "0.25",
            "0.60",
            "predicted",
            "rest",
            "groom",
            "rear",
            "labelled",
            "share of the labelled\nframes",
        ],
        {
            "label": "share of the labelled frames",
            "low": 0,
            "high": 1,
            "square": True,
            "xlabel": "predicted",
            "ylabel": "labelled",
        },
    ),
    "matrix_of_percent": Drawn(
        heat_maps.matrix,
        (pd.DataFrame({"nose": [1.0, 40.0], "a_keypoint_with_a_long_name": [3.0, 8.0]}, index=["m1", "m2"]),),
        ["1", "3", "40", "8", "nose", "a_keypoint_w…_name", "m1", "m2", "frames without\na sure\nposition (%)"],
        {"label": "frames without a sure position (%)", "low": 0, "high": 40, "fmt": "{:.0f}"},
    ),
    "selectivity": Drawn(
        neural.selectivity,
        tuned(),
        ["rest", "rear", "units (n = 3)", "m1 u1", "m1 u2", "m2 u1", "selectivity (2 AUROC − 1)"],
    ),
    "volcano": Drawn(
        neural.volcano,
        (TUNING.rows(pairs()), COLOURS),
        [
            "selectivity (−1 suppressed … 1 excited)",
            "p against the shift null",
            "not called (12)",
            "rest (4)",
            "groom (4)",
            "rear (4)",
        ],
    ),
    "fractions": Drawn(
        neural.fractions,
        (tuned_shares(),),
        [
            "rest\nn = 25",
            "groom\nn = 24",
            "rear\nn = 22",
            "units (% of those tested)",
            "excited, after correction",
            "suppressed, after correction",
            "p ≤ 0.05, before correction",
            "5 %: chance before correction",
        ],
    ),
    "diagnostics": Drawn(
        neural.diagnostics,
        (TUNING.rows(pairs()), 0.3),
        [
            "p against the shift null",
            "pairs of unit and behaviour",
            "p values",
            "drift of the unit (|corr. with time|)",
            "drift of the behaviour",
            "Drift over the session",
            "circular shift (12)",
            "linear shift (12)",
        ],
    ),
    "examples": Drawn(
        neural.draw_examples,
        ([example()], COLOURS),
        [
            "time (s)",
            "ΔF/F",
            "m1, u1: rest (selectivity 0.6, p = 0.001)",
            "time from bout onset (s)",
            "mean of 4 onsets",
        ],
    ),
    "trajectories": Drawn(
        places.draw_trajectories, (tracks(), "cm"), ["10 cm", "m1 day 1", "m2 and m3", "control", "drug"]
    ),
    "occupancy": Drawn(
        places.occupancy,
        ({"control (n = 3)": cells(1), "drug (n = 4)": cells(6)}, (0.0, 40.0, 0.0, 40.0), arena(), "cm"),
        ["10 cm", "control (n = 3)", "drug (n = 4)", "time per cell (%)"],
    ),
    "postures": Drawn(
        skeleton.postures,
        (
            {"motif_1": mouse(), "motif_2": mouse(-0.9), "motif_3": mouse(0.0) * 0.8},
            (0.0, 0.15, 0.3),
            skeleton.bones_of({r: r for r in BODY}, list(BODY)),
            {"motif_1": "#0072B2", "motif_2": "#E69F00", "motif_3": "#009E73"},
            "cm",
        ),
        ["2 cm", "motif 1", "motif 2", "motif 3", "pale to dark: 0, 0.15 and 0.3 s"],
    ),
    "windows": Drawn(
        skeleton.windows, (drawn_windows(),), ["2 cm", "window 0", "window 1", "pale to dark: 0, 0.2 and 0.4 s"]
    ),
    "transition_graph": Drawn(
        transition_graph.transition_graph, (NEXT, USAGE, COLOURS), ["rest 60 %", "groom 40 %", "rear <1 %"]
    ),
    "similarity_tree": Drawn(
        tree.draw_similarity_tree,
        (np.array([[0, 1, 0.4, 2], [2, 3, 1.5, 3]]), list(COLOURS), USAGE, COLOURS),
        ["unlikeness (height of the join, sd of the latent)", "rear  0.3 %", "rest  60 %", "groom  40 %"],
    ),
    "preview": Drawn(
        trials.preview,
        (pseudo_labels(), events()),
        [
            "55 %, 2 bouts",
            "20 %, 1 bout",
            "15 %, 1 bout",
            "time (min); highest priority on top, 10 % unknown",
            "rest",
            "groom",
            "rear",
            "tone",
            "air puff",
        ],
    ),
    "preview_of_recording": Drawn(
        trials.preview_of_recording,
        (two_mice(), pseudo_labels(("mouse_1", "mouse_2"))),
        [
            "55 %, 2 bouts",
            "20 %, 1 bout",
            "15 %, 1 bout",
            "time (min); highest priority on top, 10 % unknown",
            "rest",
            "groom",
            "rear",
            "mouse_1, the first of 2 individuals",
            "tone",
            "air puff",
        ],
    ),
    "trial_raster": Drawn(
        trials.trial_raster,
        (around(),),
        ["time from the event (s)", "trials (n = 6)", "rest", "groom", "rear", "not known"],
    ),
    "motif_map": Drawn(
        motif_map.draw_motif_map,
        (clouds(), np.repeat([0, 1, 2, -1], 20), list(COLOURS), COLOURS),
        ["rest", "groom", "rear"],
    ),
}
