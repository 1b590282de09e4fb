"""What sections take from tables: choices, limits, people's agreement."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from murid.plot.dot_columns import sideways_shifts
from murid.plot.estimates import EstimationPanel
from murid.report.context import Context
from murid.report.figures.estimation import draw_estimation
from murid.report.sections import assay, evaluation, places


@pytest.fixture
def two_raters(made, tmp_path):
    """A study whose second rater misses the first quarter of every bout."""
    copy = made.copy(tmp_path / "study")
    study = copy.study
    for recording_id in study.ids:
        recording = study[recording_id]
        first = recording.labels
        name = first.raters[0]
        bouts = first.bouts.assign(rater="second")
        bouts["start_s"] += 0.25 * (bouts["stop_s"] - bouts["start_s"])
        labels = dataclasses.replace(
            first,
            bouts=pd.concat([first.bouts, bouts], ignore_index=True),
            scored=pd.concat([first.scored, first.scored.assign(rater="second")], ignore_index=True),
        )
        assert name != "second"
        study.add(recording.replace(labels=labels), replace=True)
    return copy


def test_human_ceiling_comes_from_two_raters(two_raters):
    run = two_raters.runs["evaluate"]
    context = Context(two_raters.study, [run])
    found = evaluation.human_ceiling(context, context.runs[0], ["freeze", "rear", "groom"])
    assert set(found) == {"freeze", "rear", "groom"}
    # Recall 0.75 and precision 1: F1 = 2 * 0.75 / 1.75, up to the rounding of bouts to frames.
    assert np.allclose(list(found.values()), 6 / 7, atol=0.04)


def test_states_are_those_of_the_rater_that_the_run_was_asked_for(two_raters, monkeypatch):
    from murid.ethogram import bouts_of
    from murid.report.runfolder import RunFolder
    from murid.report.sections import ethograms

    one = two_raters.study.ids[0]
    labels = two_raters.study[one].labels
    first, other = labels.raters
    starts = {r: sorted(labels.select(rater=r).bouts["start_s"]) for r in labels.raters}
    run = two_raters.runs["evaluate"]

    plain = Context(two_raters.study, [run])
    assert np.allclose(sorted(bouts_of(plain.label_states(one))["start_s"])[:3], starts[first][:3], atol=0.1)
    assert plain.labeller == f"rater {first} (not shown: {other}; the first, choose with --rater)"
    words = " ".join(str(getattr(p, "caption", "")) for p in ethograms.make(plain).parts)
    assert f"Upper bar: labels of rater {first}" in words

    asked = RunFolder(run).params
    monkeypatch.setattr(RunFolder, "params", {**asked, "rater": other})
    chosen = Context(two_raters.study, [run])
    assert np.allclose(sorted(bouts_of(chosen.label_states(one))["start_s"])[:3], starts[other][:3], atol=0.1)
    assert chosen.labeller == f"rater {other} (not shown: {first})"


def test_states_leave_out_what_the_run_left_out(made, monkeypatch):
    from murid.report.runfolder import RunFolder

    one, run = made.study.ids[0], made.runs["evaluate"]
    labels = made.study[one].need("labels")
    groom = labels.bouts["label"] == "groom"
    placed = labels.bouts.assign(label=labels.bouts["label"].where(~groom, "base"))  # a placeholder: nobody looked
    base_s = float((placed["stop_s"] - placed["start_s"])[groom].sum())
    assert base_s > 1
    for others, unlabelled_s in (("auto", base_s), ("negative", 0.0)):
        monkeypatch.setattr(RunFolder, "params", {"others": others})
        context = Context(made.study, [run])
        monkeypatch.setattr(type(made.study[one]), "need", lambda self, noun: dataclasses.replace(labels, bouts=placed))
        states = context.label_states(one)
        step_s = float(np.median(np.diff(states["time"])))
        assert (states.values == -1).all(axis=(1, 2)).sum() * step_s == pytest.approx(unlabelled_s, abs=0.5)
        monkeypatch.undo()


def test_no_ceiling_with_one_rater(made):
    context = Context(made.study, [made.runs["evaluate"]])
    assert evaluation.human_ceiling(context, context.runs[0], ["rear"]) == {}


def test_measures_are_not_chosen_by_p_alone():
    columns = [
        "distance",
        "time_percent:centre",
        "time:centre",
        "unknown:centre",
        "entries:centre",
        "corner_percent",
        "x",
    ]
    primary = ["distance", "time_percent:centre", "entries:centre"]
    differ = ["corner_percent", "distance"]
    assert assay.chosen(primary, differ, columns) == [*primary, "corner_percent"]
    assert assay.chosen(primary, differ, columns, limit=3) == ["distance", "time_percent:centre", "corner_percent"]
    assert assay.chosen((), differ, columns, limit=3) == ["corner_percent", "distance", "time_percent:centre"]
    assert assay.chosen(["gone"], (), columns, limit=2) == columns[:2]


def test_latency_that_never_came_is_hollow(made, tmp_path):
    copy = made.copy(tmp_path / "study")
    path = copy.runs["assay"] / "tables" / "measures.parquet"
    measures = pd.read_parquet(path)
    late = (measures["measure"] == "latency") & (measures["recording"] == "control_1")
    measures.assign(censored=late).to_parquet(path)
    run = Context(copy.study, [copy.runs["assay"]]).runs[0]
    found = assay.AssayRun(run, "open field", run.table("animals"), "group")
    estimate = assay.estimate_of(found, "latency:centre")
    assert estimate.censored["control"].tolist() == [True, False]
    assert not estimate.censored["stressed"].any()
    assert estimate.title == "latency, centre"
    assert estimate.unit == "latency (s)"


def test_three_groups_have_no_difference_axis():
    rng = np.random.default_rng(0)
    samples = {g: rng.normal(size=5) for g in "abc"}
    figure = draw_estimation(
        [EstimationPanel("speed", "cm/s", samples, None, "p = 0.2")], dict.fromkeys("abc", "#4d5a68")
    )
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert labels == ["a\nn = 5", "b\nn = 5", "c\nn = 5"]


def test_every_group_is_shown_when_not_all_recordings_are(made):
    context = Context(made.study, [])
    shown = places.spread_over_groups(context, made.study.ids, 2)
    assert [context.keys(i)["group"] for i in shown] == ["control", "stressed"]


def test_occupancy_sums_to_all_time():
    xy = np.random.default_rng(1).uniform(-2, 12, (500, 2))
    cells = places.time_in_cells(xy, np.zeros(2), np.full(2, 10.0), np.full(2, 10.0))
    assert cells.shape == (places.CELLS, places.CELLS)
    assert cells.sum() == pytest.approx(100)


def test_dots_that_share_a_value_do_not_hide_each_other():
    shifts = sideways_shifts(np.array([1.0, 1.0, 1.0, 5.0]), 0.5)
    assert len(set(shifts[:3])) == 3
    assert np.abs(shifts).max() <= 0.25
