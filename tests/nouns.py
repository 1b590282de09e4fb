"""Recordings that are the same in other words: units, names, order, clocks. Their numbers must be the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import make_states, to_multilabel
from murid.data.traces import make_traces
from murid.data.zones import EntryRule, Zone, Zones

FAST = settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MORE = settings(FAST, max_examples=80)

PER_CM = {"cm": 1.0, "mm": 10.0, "px": 20.0}
KEYPOINTS = ("nose", "centre", "tail_base")
ANIMALS = ("m1", "m2")
BEHAVIOURS = ("rest", "rear", "groom")
ZONES = ("arena", "left", "hole")
UNITS = ("u1", "u2")
#: Names that readers and tables like to take for numbers or for nothing.
ODD_NAMES = [("m1", "m2"), ("1", "2"), ("NA", "null"), ("nan", "None"), ("2", "1"), ("01", "1")]


@dataclass(frozen=True)
class Facts:
    """What happened; the same in every `Wording`."""

    seed: int = 0
    n: int = 90
    fps: float = 30.0
    pause_s: float = 0.0
    jitter: float = 0.0
    missing: float = 0.0
    unlabelled: float = 0.0

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @property
    def time(self) -> np.ndarray:
        """Clock from 0, s: with a pause after two fifths and stamps that are not quite even."""
        time = np.arange(self.n) / self.fps
        time[2 * self.n // 5 :] += self.pause_s
        return time + self.jitter / self.fps * self.rng.uniform(-1, 1, self.n)

    @property
    def xy(self) -> np.ndarray:
        """(time, 2, keypoint, animal), cm."""
        t, out = np.arange(self.n) / self.fps, []
        for k in range(2):
            centre = 20 + 14 * np.stack([np.sin(1.1 * t + k), np.cos(0.7 * t + self.seed + k)], 1)
            ahead = np.stack([np.cos(t + k), np.sin(t + k)], 1) * 4
            out.append(np.stack([centre + ahead, centre, centre - ahead], axis=2))
        xy = np.stack(out, axis=3)
        xy.transpose(0, 2, 3, 1)[self.rng.random((self.n, 3, 2)) < self.missing] = np.nan
        return xy

    def codes(self, salt: int = 0) -> np.ndarray:
        """(time, animal): index of the behaviour, −1 unlabelled; bouts of 3 to 12 samples."""
        rng = np.random.default_rng([self.seed, salt])
        out = np.empty((self.n, 2), np.int64)
        for k in range(2):
            runs = np.repeat(rng.integers(0, 3, self.n), rng.integers(3, 13, self.n))[: self.n]
            out[:, k] = np.where(np.arange(self.n) < self.unlabelled * self.n, -1, runs)
        return out


@dataclass(frozen=True)
class Wording:
    """How a recording is written down."""

    unit: str = "cm"
    zone_unit: str = "cm"
    start_s: float = 0.0
    animals: tuple[str, ...] = ANIMALS
    order: tuple[int, ...] = (0, 1)
    keypoints: tuple[int, ...] = (0, 1, 2)
    behaviours: tuple[int, ...] = (0, 1, 2)
    zones: tuple[int, ...] = (0, 1, 2)
    units: tuple[int, ...] = (0, 1)
    #: Order of the rows of a table: as they were made (0), or a permutation.
    rows: int = 0

    def shuffled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with its rows in the order of the wording."""
        if not self.rows:
            return table
        return table.iloc[np.random.default_rng(self.rows).permutation(len(table))].reset_index(drop=True)

    def name(self, animal: int) -> str:
        return self.animals[animal]


PLAIN = Wording()


def states_in(facts: Facts, wording: Wording = PLAIN, salt: int = 0):
    """Exclusive states."""
    place = np.array([*np.argsort(wording.behaviours), -1])
    codes = place[facts.codes(salt)[:, wording.order]]
    names = [BEHAVIOURS[b] for b in wording.behaviours]
    return make_states(codes, wording.start_s + facts.time, names, [wording.name(i) for i in wording.order])


def labels_in(facts: Facts, wording: Wording = PLAIN, rater: str = "", salt: int = 0) -> Labels:
    """Labels of the states: rows in the order of the wording."""
    return Labels.from_states(to_multilabel(states_in(facts, wording, salt)), rater=rater)


def traces_in(facts: Facts, wording: Wording = PLAIN, rate_hz: float = 10.0):
    """Two units that follow rearing of the first animal and nothing, on a clock of their own."""
    time = facts.time
    own = np.arange(time[0] + 0.5 / rate_hz, time[-1], 1 / rate_hz)
    nearest = np.abs(own[:, None] - time).argmin(1)
    rng = np.random.default_rng([facts.seed, 9])
    values = np.stack(
        [(facts.codes()[nearest, 0] == 1) + 0.1 * rng.normal(size=own.size), rng.normal(size=own.size)], 1
    )
    units = list(wording.units)
    return make_traces(values[:, units], time_s=wording.start_s + own, units=[UNITS[u] for u in units])


def zones_in_words(wording: Wording = PLAIN, depth_cm: float = 0.5) -> Zones:
    """An arena of 40 cm, its left and a hole."""
    k = PER_CM[wording.zone_unit]
    box = np.array([[0, 0], [40, 0], [40, 40], [0, 40.0]])
    every = [
        Zone("arena", box * k, unit=wording.zone_unit, kind="arena"),
        Zone("left", box * [0.5, 1] * k, unit=wording.zone_unit),
        Zone("hole", centre=(26 * k, 18 * k), radius=6 * k, unit=wording.zone_unit),
    ]
    rule = EntryRule(hysteresis=depth_cm * k, min_visit_s=0.1, fill_gap_s=0.1)
    return Zones([every[z] for z in wording.zones], rule)


def recording_in(facts: Facts, wording: Wording = PLAIN) -> Recording:
    """Poses and zones."""
    xy = facts.xy[:, :, wording.keypoints][..., wording.order] * PER_CM[wording.unit]
    poses = make_poses(
        xy,
        keypoints=[KEYPOINTS[k] for k in wording.keypoints],
        individuals=[wording.name(i) for i in wording.order],
        time_s=wording.start_s + facts.time,
        unit=wording.unit,
        px_per_cm=PER_CM["px"],
    )
    return Recording("r", poses=poses, zones=zones_in_words(wording))


starts = st.sampled_from([0.0, 7.3, 1000.0, 1.7e9, 3.8e9])
units = st.sampled_from(["px", "cm", "mm"])
all_facts = st.builds(
    Facts,
    seed=st.integers(0, 20),
    n=st.integers(60, 121),
    fps=st.sampled_from([10.0, 25.0, 29.97, 30.0, 50.0]),
    pause_s=st.sampled_from([0.0, 0.0, 5.0, 60.0]),
    jitter=st.sampled_from([0.0, 0.0, 0.02]),
    missing=st.sampled_from([0.0, 0.1]),
    unlabelled=st.sampled_from([0.0, 0.3]),
)
wordings = st.builds(
    Wording,
    unit=units,
    zone_unit=units,
    start_s=starts,
    animals=st.sampled_from(ODD_NAMES),
    order=st.permutations(range(2)).map(tuple),
    keypoints=st.permutations(range(3)).map(tuple),
    behaviours=st.permutations(range(3)).map(tuple),
    zones=st.permutations(range(3)).map(tuple),
    units=st.permutations(range(2)).map(tuple),
    rows=st.integers(0, 5),
)


def same(plain: dict[str, object], worded: dict[str, object], **tolerance: float) -> None:
    """Assert that two sets of numbers, by name, are the same."""
    assert plain.keys() == worded.keys()
    for name, right in plain.items():
        np.testing.assert_allclose(
            np.asarray(worded[name], float),
            np.asarray(right, float),
            err_msg=name,
            **{"rtol": 1e-4, "atol": 2e-4} | tolerance,
        )
