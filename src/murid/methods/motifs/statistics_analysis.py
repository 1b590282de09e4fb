"""Motif statistics as an analysis: how motifs are used, how the animal moves in them, what follows what."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.reserved_names import behaviour_column
from murid.data.states import UNLABELLED, behaviour_names
from murid.data.tables import Table, count_column, number_column, text_column
from murid.ethogram.exclusive import to_exclusive
from murid.ethogram.transitions import chain_enrichment, chain_table, count_chains, group_difference
from murid.methods.motifs.descriptions import motif_kinematics, usage
from murid.prepare import clean

#: State of the scored time in which a person saw none of the behaviours.
NONE = "none of these"


class MotifStatisticsParams(Params):
    """Which motifs are tested, and how many shuffles and permutations tests rest on."""

    min_fraction: float = param(0.005, ge=0, lt=1, why="motifs used less than this on average are not tested")
    n_shuffles: int = param(200, ge=20, why="shuffles of the order of bouts, for z and p of transitions")
    n_permutations: int = param(2000, ge=100, why="permutations of animals between two groups, for their pattern")


USAGE = Table(
    "usage",
    {
        "motif": text_column(),
        "fraction": number_column("share of the labelled time", low=0, high=1 + 1e-9),
        "bouts": count_column(),
        "bouts_per_min": number_column("bouts per minute", unit="1/min", low=0),
        "median_s": number_column("median bout", unit="s", low=0, why="missing where there is no bout"),
        "q25_s": number_column("a quarter of the bouts is shorter than", unit="s", low=0),
        "q75_s": number_column("a quarter is longer than", unit="s", low=0),
    },
    "One row a recording, individual and motif.",
)
_SPEED = "in cm/s where the recording is calibrated, else body lengths/s"
KINEMATICS = Table(
    "kinematics",
    {
        "motif": text_column(),
        "frames": count_column(),
        "speed": number_column(low=0, why=f"mean, {_SPEED}", optional=True),
        "forward": number_column(why=f"mean speed along the body axis, {_SPEED}", optional=True),
        "sideways": number_column(why=f"mean speed across it, {_SPEED}", optional=True),
        "turn": number_column(unit="deg/s", why="mean, left is positive", optional=True),
        "turn_abs": number_column(unit="deg/s", low=0, why="mean without sign", optional=True),
        "distance": number_column(low=0, why="travelled in one bout", optional=True),
    },
    "One row a recording, individual and motif: how the animal moves in it.",
)
SEQUENCE = Table(
    "sequence",
    {
        "chain": count_column(why="number of the stretch without a pause or an unlabelled frame"),
        "state": text_column("motif"),
    },
    "One row a bout, in their order.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording and individual: share of the labelled time in each motif.",
    measures=number_column(low=0, high=1 + 1e-9),
)
TRANSITIONS = Table(
    "transitions",
    {
        "from": text_column(),
        "to": text_column(),
        "count": count_column(why="over all recordings"),
        "expected": number_column(low=0, why="mean over shuffles of the order of the bouts"),
        "z": number_column(why="against the shuffles"),
        "p": number_column(low=0, high=1, why="two-sided, against the shuffles, not corrected"),
    },
    "One row a pair of motifs: which follow each other more often than their frequencies explain.",
)
PATTERN = Table(
    "pattern",
    {
        "measure": text_column(choices=("counts", "fractions"), why="fractions: pattern apart from mere activity"),
        "distance": number_column(low=0, why="Manhattan distance between the mean matrices of the two groups"),
        "null_mean": number_column(low=0),
        "null_sd": number_column(low=0),
        "z": number_column(),
        "p": number_column(low=0, high=1, why="permutations of animals between groups"),
    },
    "One test of all transitions at once, two groups of animals.",
)


def over_recordings(
    frames: Mapping[str, pd.DataFrame], params: MotifStatisticsParams, *, seed: int, group: str | None
) -> Tables:
    """Test the transitions of all recordings, the pattern of two groups, and name motifs too rare to be tested."""
    motifs = list(dict.fromkeys(frames["usage"]["motif"]))
    chains = _chains(frames["sequence"], motifs)
    tested = {"transitions": chain_enrichment(list(chains["chain"]), motifs, n_shuffles=params.n_shuffles, seed=seed)}
    warned = []
    mean = frames["usage"].groupby("motif", sort=False)["fraction"].mean()
    rare = [m for m in motifs if not mean[m] >= params.min_fraction]
    if rare and group is not None:
        warned.append(f"used less than {params.min_fraction:.1%} of the time and not compared: {', '.join(rare)}")
    if group is not None:
        pattern, reason = _pattern(chains, len(motifs), group, params, seed)
        tested |= {} if pattern is None else {"pattern": pattern}
        warned += [reason] if reason else []
    return Tables(
        tested,
        warnings=warned,
        summary={"motifs": motifs},
        compared=[behaviour_column(m) for m in motifs if m not in rare],
    )


@analysis(
    "motif_statistics",
    params=MotifStatisticsParams,
    states="needed",
    uses=("poses",),
    tables=(USAGE, KINEMATICS, SEQUENCE, ANIMALS, TRANSITIONS, PATTERN),
    together=over_recordings,
    compare="animals",
    shown=("transitions",),
    cites=("von Ziegler et al. 2024",),
)
def analyse_motifs(recording: Recording, params: MotifStatisticsParams, *, states: xr.DataArray) -> Tables:  # noqa: ARG001
    """Usage, movement and transitions of the motifs of a model, and whether groups differ.

    Works for labels too: scored time without any of the behaviours is a state of its own.
    """
    states = to_exclusive(states, none=NONE)
    used = usage(states)
    wide = used.pivot(index="individual", columns="motif", values="fraction")[behaviour_names(states)]
    wide.columns = wide.columns.map(behaviour_column)
    frames = {"usage": used, "animals": wide.rename_axis(columns=None).reset_index(), "sequence": chain_table(states)}
    moves, reason = _kinematics(recording, states)
    units = {} if moves is None else moves.attrs["units"]
    warned = [reason] if reason else []
    if not (states.values != UNLABELLED).any():
        warned.append("no frame is labelled")
    return Tables(frames | ({} if moves is None else {"kinematics": moves}), warnings=warned, units=units)


def _kinematics(recording: Recording, states: xr.DataArray) -> tuple[pd.DataFrame | None, str]:
    """How the animal moves in each motif; None and the reason where poses and states do not belong together."""
    if not recording.has("poses"):
        return None, "movement is not measured: there are no poses"
    poses = recording.need("poses")
    if not np.array_equal(states["time"].values, poses["time"].values):
        return None, "movement is not measured: states and poses have different clocks"
    if list(states["individual"].values) != list(poses["individual"].values):
        return None, "movement is not measured: states and poses name different individuals"
    return motif_kinematics(states, clean(poses), recording.roles or None), ""


def _chains(sequence: pd.DataFrame, motifs: list[str]) -> pd.DataFrame:
    """One row a chain: its keys and its codes; by the names of recordings, whatever their order in the study."""
    codes = sequence["state"].map({m: k for k, m in enumerate(motifs)})
    keys = [c for c in sequence.columns if c != "state"]
    rows = [
        {**dict(zip(keys, key, strict=True)), "chain": part.to_numpy(np.int64)}
        for key, part in codes.groupby([sequence[k] for k in keys])
    ]
    return pd.DataFrame(rows, columns=keys)


def _pattern(
    chains: pd.DataFrame, n_motifs: int, group: str, params: MotifStatisticsParams, seed: int
) -> tuple[pd.DataFrame | None, str]:
    """Test all transitions at once between two groups, an animal's recordings added up."""
    animals = chains[chains[group] != ""] if group in chains else chains.iloc[:0]
    group_of = {str(animal): str(part[group].iloc[0]) for animal, part in animals.groupby("animal", sort=False)}
    sizes = pd.Series(group_of.values(), dtype=object).value_counts()
    if len(sizes) != 2 or sizes.min() < 2:
        return None, "transitions are not compared: it takes two groups of two animals"
    counts = np.stack(
        [count_chains(list(part["chain"]), n_motifs) for _, part in animals.groupby("animal", sort=False)]
    )
    rows = [
        {
            "measure": measure,
            **group_difference(
                counts, list(group_of.values()), measure=measure, n_permutations=params.n_permutations, seed=seed
            ),
        }
        for measure in ("counts", "fractions")
    ]
    return pd.DataFrame(rows), ""
