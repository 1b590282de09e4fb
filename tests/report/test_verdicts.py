"""Sentences that sections add to what was found: best and worst, what was not shown, what the text of methods says."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from murid.data.states import make_states
from murid.data.study import Study
from murid.evaluate.evaluation_tables import PER_CLASS
from murid.neural.tuning_analysis import TUNING
from murid.report import transitions
from murid.report.context import Context
from murid.report.section_parts import Section, Words
from murid.report.sections import assay, evaluation, methods, motifs, neural, overview
from murid.report.subjects import PAIR, AnalysisUnit
from murid.stats import compare_tables
from tests.report import folders
from tests.report.test_findings import animals_of, found_of


@pytest.fixture
def study(tmp_path):
    return Study.create(tmp_path / "study", "planted")


def words_of(section: Section) -> str:
    return " ".join(part.text for part in section.parts if isinstance(part, Words))


@pytest.mark.parametrize(("drug", "differs"), [([11.0, 12, 13, 14, 15], True), ([1.5, 2, 3, 4, 5.5], False)])
def test_only_where_nothing_differs_the_reader_is_sent_to_the_intervals(study, monkeypatch, drug, differs):
    monkeypatch.setattr(assay, "_plots", lambda *_: None)
    table = animals_of({"ctrl": [1.0, 2, 3, 4, 5], "drug": drug})
    run = folders.assay_run(study, table, {"distance": "cm"}, folders.compared(table, ["distance"]))
    section = Section("assay", "Measures")
    assay.show_measures(Context(study, [run]), section, found_of(study, run))
    text = words_of(section)
    assert ("1 of 1 tested measure" in text) is differs
    assert ("None of 1 tested measure" in text) is not differs
    assert ("No difference was shown. That is not the same as no effect" in text) is not differs


def test_best_and_worst_behaviour_are_named_with_their_scores():
    scores = pd.DataFrame({"behaviour": ["rear", "groom", "freeze", "macro"], "f1": [0.7, 0.9, 0.5, 0.7]})
    section = Section("evaluation", "Scores")
    numbers = {"macro_f1": 0.7, "macro_f1_ci": [0.6, 0.8], "accuracy": 0.9}
    evaluation._verdict(section, "gbdt", PER_CLASS.rows(scores), numbers, None, {}, AnalysisUnit())
    assert section.findings == [
        "gbdt recognises 3 behaviours in animals it has not seen with a mean F1 of 0.7 (95 % interval 0.6 to 0.8); "
        "best groom (0.9), worst freeze (0.5)."
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"folds": 5, "train": None, "group": "animal"}, "evaluated in 5 folds with every animal on one side only"),
        (
            {"folds": 1, "train": ["r1"], "group": "day"},
            "evaluated in one split into training and test recordings with every day on one side only",
        ),
    ],
)
def test_text_of_methods_names_the_split(study, asked, words):
    run = folders.write_run(study, "evaluate", params={"methods": {"gbdt": {}}, **asked})
    assert words in methods._evaluate(Context(study, [run]).runs[0])[0]


def test_text_of_methods_names_the_model_that_was_applied_not_its_namesake(study):
    """States of a model with 7 motifs were described by the 4 motifs of the study's own model of that name."""
    made = {"method": "kmeans", "training": {"recordings": ["x1", "x2", "x3"]}, "params": {"n_motifs": 7, "seed": 3}}
    head = study.models_dir / "k" / "params.json"
    head.parent.mkdir(parents=True)
    summary = {"method": "kmeans", "applied": {**made, "folder": "/other/models/k"}}
    run = folders.write_run(study, "apply", params={"model": "k", "ids": ["r1"]}, summary=summary)
    text = lambda: methods._apply(Context(study, [run]).runs[0])[0]  # noqa: E731
    head.write_text(json.dumps({**made, "params": {"n_motifs": 4, "seed": 3}}))
    assert "(model 'k', which is not the one in this study: fitted to 3 recordings (n motifs 7; seed 3))" in text()
    head.write_text(json.dumps(made))
    assert "with kmeans (model 'k'). " in text()


@pytest.mark.parametrize(("source", "words"), [("labels", "(human labels)"), ("gbdt", "(model 'gbdt')")])
def test_text_of_methods_names_whose_behaviour_units_were_tested_against(study, source, words):
    table = pd.DataFrame({"null": ["circular"], "p": [0.1]})
    asked = {"params": {"null": "auto", "min_bouts": 7, "alpha": 0.01}, "states_from": source}
    run = folders.write_run(study, "neural", params=asked, tables={"tuning": table})
    text = methods._neural(Context(study, [run]).runs[0])[0]
    assert words in text
    assert "fewer than 7 bouts were not tested" in text
    assert "(q ≤ 0.01)" in text


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("animal", "unit: animal) were compared by permutation of animals between"),
        ("pair", "unit: pair of animals) were compared by permutation of pairs of animals between"),
        ("set", "unit: set of animals) were compared by permutation of sets of animals between"),
        ("litter", "unit: litter) were compared by permutation of litters between"),
    ],
)
def test_text_of_methods_names_the_unit_that_was_compared_and_the_level(study, unit, words):
    rows = pd.DataFrame({"animal": range(8), "group": list("ccccdddd"), "cm": [1.0, 2, 3, 4, 11, 12, 13, 14]})
    table = compare_tables(rows, ["cm"], "group")[0].assign(unit_of_analysis=unit)
    asked = {"name": "open_field", "alpha": 0.01}
    run = folders.write_run(study, "assay", params=asked, summary={"level": 0.01}, tables={"comparison": table})
    text = methods._assay(Context(study, [run]).runs[0])[0]
    assert f"(c n = 4 and d n = 4; {words} groups (two-sided)" in text
    assert "groups differ where q ≤ 0.01." in text


@pytest.mark.parametrize(
    ("tuned", "words"),
    [(True, "the clearest tuned unit in"), (False, "the strongest unit, though none was called tuned, in")],
)
def test_examples_are_called_tuned_only_where_some_unit_was(made, tuned, words):
    context = Context(made.study, [made.runs["neural"]])
    table = folders.tuning_table(made.study, ["unit_0"], ["rear"], {("unit_0", "rear"): 0.7} if tuned else {})
    tested = TUNING.rows(table)
    called = tested.having(tested.direction != "none")
    picture = neural._examples(context, called, "labels", tested, 0.1)
    assert words in picture.caption
    assert "took behaviour from a model" in neural._examples(context, called, "gbdt", tested, 0.1).text


def test_animals_with_several_recordings_are_said_to_count_once():
    sheet = pd.DataFrame({"id": ["r1", "r2", "r3"], "group": ["ctrl", "ctrl", ""]})
    animals = pd.Series(["a", "a", "b"], index=sheet["id"])
    doubts = overview._doubts(SimpleNamespace(animals=animals, table=sheet, groups=["ctrl"]))
    assert [d.text for d in doubts] == [
        "1 animal has more than one recording. Comparisons between groups average them first, so that each animal "
        "counts once.",
        "Without a group, and so in no comparison: r3.",
    ]
    assert overview._doubts(SimpleNamespace(animals=animals[1:], table=sheet[:2], groups=["ctrl"])) == []


def test_shares_of_time_are_percent_and_motifs_are_counted_where_used():
    share = pd.Series({"rear": 0.25, "groom": 0.125})
    text = motifs._finding("gbdt", "4 animals", share, behaviours=True)
    assert text == "gbdt names the behaviour of 4 animals; share of time: rear 25 % and groom 12 %."
    share = pd.Series({"motif_0": 0.6, "motif_1": 0.397, "motif_2": 0.003})
    text = motifs._finding("kmeans", "4 animals", share, behaviours=False)
    assert "into 2 states that take more than 0.5 % of the time each; the most used takes 60 %." in text


def test_a_third_group_of_one_animal_does_not_keep_transitions_from_being_compared():
    rng = np.random.default_rng(0)
    group_of = {f"{g}{k}": g for g in "ab" for k in range(3)} | {"c0": "lone"}
    states = {r: make_states(rng.integers(0, 3, 200), np.arange(200) / 10, ["x", "y", "z"]) for r in group_of}
    context = SimpleNamespace(
        groups=["lone", "a", "b"],
        keys=lambda r: {"group": group_of[r]},
        animals=pd.Series(list(group_of), index=list(group_of)),
    )
    text = transitions.group_sentence(context, states, AnalysisUnit(), 0.05)
    assert "the transitions of a and b are not shown to differ" in text
    assert text.endswith("a n = 3, b n = 3). Not compared, because fewer than two animals can be used: lone.")


@pytest.mark.parametrize("groups", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_transitions_are_compared_between_two_groups_alone(groups):
    rng = np.random.default_rng(0)
    group_of = {f"{g}{k}": g for g in groups for k in range(3)}
    states = {r: make_states(rng.integers(0, 3, 200), np.arange(200) / 10, ["x", "y", "z"]) for r in group_of}
    context = SimpleNamespace(
        groups=groups, keys=lambda r: {"group": group_of[r]}, animals=pd.Series(list(group_of), index=list(group_of))
    )
    text = transitions.group_sentence(context, states, AnalysisUnit(), 0.05)
    assert bool(text) is (len(groups) == 2)
    if text:
        assert "the transitions of a and b are not shown to differ" in text
        assert text.endswith("level 0.05, one permutation test of the whole matrix; animals: a n = 3, b n = 3).")
        # The verdict is that of the level that was asked for, and pairs are no animals.
        text = transitions.group_sentence(context, states, PAIR, 0.999)
        assert "the transitions of a and b differ (" in text
        assert text.endswith(
            "level 0.999, one permutation test of the whole matrix; pairs of animals: a n = 3, b n = 3)."
        )
