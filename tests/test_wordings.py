"""The main quantities are the same however a recording is written down: units, names, order, clocks."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murid.assays import measure_open_field
from murid.assays.open_field import OpenFieldParams
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.states import to_multilabel
from murid.ethogram import smooth
from murid.ethogram.bouts import bouts_of, summarise_states
from murid.evaluate.agreement import compare_raters
from murid.features.motion import body_length, distance, heading, speed
from murid.features.zone_mask import zone_masks
from murid.neural import PeriEventParams, TuningParams, by_state, compute_perievent, compute_tuning
from murid.prepare import CleanParams
from murid.stats import compare
from tests.nouns import (
    BEHAVIOURS,
    FAST,
    KEYPOINTS,
    MORE,
    PER_CM,
    PLAIN,
    UNITS,
    Facts,
    Wording,
    all_facts,
    labels_in,
    recording_in,
    same,
    states_in,
    traces_in,
    wordings,
)

BY_HAND = OpenFieldParams(clean=CleanParams(smoothing="none", jumps=False, max_gap_s=0), bin_s=0)


def kinematics(facts: Facts, w: Wording) -> dict[str, object]:
    poses, k = recording_in(facts, w).need("poses"), PER_CM[w.unit]
    people = list(w.animals)
    return {
        "speed": speed(poses).sel(individual=people, keypoint=list(KEYPOINTS)).values / k,
        "heading": np.exp(1j * heading(poses).sel(individual=people).values).view(float),
        "body length": body_length(poses).sel(individual=people).values / k,
        "distance": distance(poses, (20 * k, 20 * k)).sel(individual=people, keypoint=list(KEYPOINTS)).values / k,
    }


def occupancy(facts: Facts, w: Wording) -> dict[str, object]:
    recording = recording_in(facts, w)
    masks = zone_masks(recording.need("poses"), recording.need("zones"))
    return {"inside": masks.sel(individual=list(w.animals), zone=["left", "hole"]).values}


def field(facts: Facts, w: Wording) -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = measure_open_field(recording_in(facts, w), BY_HAND)
    table = found.wide().set_index("individual").loc[list(w.animals)]
    return {c: table[c] for c in sorted(table.select_dtypes("number")) if "px_per_cm" not in c}


def bouts(facts: Facts, w: Wording) -> dict[str, object]:
    states = states_in(facts, w)
    table = bouts_of(states)
    out: dict[str, object] = {}
    totals = summarise_states(states).set_index(["individual", "behaviour"])
    for animal in range(2):
        for name in BEHAVIOURS:
            own = table[(table["individual"] == w.name(animal)) & (table["label"] == name)]
            out[f"bouts {animal} {name}"] = own[["start_s", "stop_s"]].to_numpy() - w.start_s
            out[f"summary {animal} {name}"] = totals.loc[(w.name(animal), name)].astype(float)
    return out


def smoothed(facts: Facts, w: Wording) -> dict[str, object]:
    """Bouts of exactly the shortest length stay, gaps of exactly the longest are closed, on every clock."""
    states = to_multilabel(states_in(facts, w)).sel(individual=list(w.animals), behaviour=list(BEHAVIOURS))
    length = 5 / facts.fps
    return {"shortest": smooth.min_bout(states, length).values, "gaps": smooth.close_gaps(states, length).values}


def together(parts: list[Labels], w: Wording) -> Labels:
    """Labels of several raters or streams in one, rows in the order of the wording."""
    bouts, scored = (pd.concat([getattr(p, t) for p in parts], ignore_index=True) for t in ("bouts", "scored"))
    return Labels(w.shuffled(bouts), w.shuffled(scored))


def streams(facts: Facts, w: Wording) -> dict[str, object]:
    """Two channels of labels: each alone as it is, both at once with nothing said an error."""
    parts = []
    for name, salt in (("posture", 0), ("place", 1)):
        own = labels_in(facts, w, salt=salt)
        parts.append(Labels(own.bouts.assign(stream=name), own.scored.assign(stream=name)))
    both, out = together(parts, w), {}
    for name in ("posture", "place"):
        states = LabelChoice(BEHAVIOURS, stream=name).states(both, w.start_s + facts.time, individuals=w.animals)
        out[name] = states.sel(individual=list(w.animals), behaviour=list(BEHAVIOURS)).values
    with pytest.raises(DataError, match="several streams"):
        LabelChoice().states(both, w.start_s + facts.time)
    return out


def groups(facts: Facts, w: Wording) -> dict[str, object]:
    """Recordings of two groups in any order; two recordings an animal."""
    animals = [f"a{k}" for k in range(10)]
    table = pd.DataFrame({"animal": animals * 2, "group": (["control"] * 5 + ["drug"] * 5) * 2})
    table["cm"] = facts.rng.normal(size=20) + (table["group"] == "drug")
    found = compare(w.shuffled(table), "cm", "group", order=("control", "drug"))
    return {"difference": found.difference, "interval": found.difference_ci, "g": found.effect, "p": found.p}


def agreement(facts: Facts, w: Wording) -> dict[str, object]:
    """Of two raters, whoever of them is called first."""
    names = ("B", "A") if w.rows % 2 else ("A", "B")
    parts = [labels_in(facts, w, rater, salt) for salt, rater in enumerate(names)]
    both = together(parts, w)
    found = compare_raters(both, list(BEHAVIOURS), time_s=w.start_s + facts.time, n_boot=5)
    return {c: found.pairs[c] for c in found.pairs.select_dtypes("number") if not c.endswith(("low", "high"))}


def means(facts: Facts, w: Wording) -> dict[str, object]:
    table = by_state(traces_in(facts, w), states_in(facts, w), individual=w.name(0)).set_index(["unit", "behaviour"])
    rows = [(u, b) for u in UNITS for b in BEHAVIOURS]
    return {c: table.loc[rows, c] for c in ("mean", "sd", "n_samples", "seconds", "share")}


def tuned(facts: Facts, w: Wording) -> dict[str, object]:
    params = TuningParams(min_shift_s=0.5, min_independent=0, min_bouts=2)
    table = compute_tuning(
        traces_in(facts, w), states_in(facts, w), params=params, individual=w.name(0), workers=1
    ).table
    rows = table.set_index(["unit", "behaviour"]).loc[[(u, b) for u in UNITS for b in BEHAVIOURS]]
    return {c: rows[c] for c in ("auroc", "p", "q", "n_samples", "n_in", "n_bouts", "mean_in", "mean_out")}


def responses(facts: Facts, w: Wording) -> dict[str, object]:
    events = w.start_s + facts.time[[facts.n // 3, facts.n // 2]] + 0.013
    found = compute_perievent(
        traces_in(facts, w), events, params=PeriEventParams(before_s=0.5, after_s=0.5, overlap="keep")
    )
    return {"kept": found.events["kept"], "trials": found.trials.sel(unit=list(UNITS)).values}


QUANTITIES = (kinematics, occupancy, field, bouts, smoothed, streams, groups, agreement, means, tuned, responses)


@cache
def _plain(quantity, facts: Facts) -> dict[str, object]:
    return quantity(facts, PLAIN)


@pytest.mark.parametrize("quantity", QUANTITIES)
@FAST
@given(facts=all_facts, wording=wordings)
def test_every_wording_gives_the_same_numbers(quantity, facts, wording):
    same(_plain(quantity, facts), quantity(facts, wording))


@pytest.mark.slow
@MORE
@given(quantity=st.sampled_from(QUANTITIES), facts=all_facts, wording=wordings)
def test_many_wordings_give_the_same_numbers(quantity, facts, wording):
    same(_plain(quantity, facts), quantity(facts, wording))
