"""Behaviours that were not learnt are named and not drawn; recordings that trained a model are called so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import murid
from murid.data.states import make_states
from murid.data.study import Study
from murid.report.context import Context
from murid.report.section_parts import Picture, Words
from murid.report.sections import ethograms, evaluation, motifs
from tests.plot.pictures import words_of
from tests.report import folders

IDS = ["m1", "m2", "m3"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Labels of rear and social for 60 s; nothing was tracked."""
    made = Study.create(tmp_path_factory.mktemp("unlearnt") / "study", "few bouts")
    bouts = pd.DataFrame({"start_s": [10.0, 40.0], "stop_s": [20.0, 42.0], "label": ["rear", "social"]})
    for name in IDS:
        made.add(murid.Recording(name, labels=murid.Labels.from_bouts(bouts, duration_s=60.0)))
    return made


def predicted() -> xr.Dataset:
    """Rear from 11 to 20 s, absent else; social is not known."""
    time = np.arange(0, 60, 0.1)
    rear = ((time >= 11) & (time < 20)).astype(np.int8)
    values = np.stack([rear, np.full_like(rear, -1)], axis=1)[:, None]
    states = make_states(values, time, ["rear", "social"], ["all"])
    return xr.Dataset({"states": states}, attrs={"not_learnt": "'social' is not learnt: 3 bouts in 3 animals"})


def scored(study: Study):
    rows = [("rear", 0.9, 9.0), ("social", 0.0, np.nan), ("macro", 0.45, np.nan)]
    per_class = pd.DataFrame([{"method": "gbdt", "behaviour": b, "f1": f} for b, f, _ in rows])
    per = [
        {"method": "gbdt", "recording": i, "behaviour": b, "time_true_s": 10.0, "time_predicted_s": s}
        for i in IDS
        for b, _, s in rows[:2]
    ]
    numbers = {"macro_f1": 0.45, "n_recordings": 3, "not_learnt": {"social": IDS}}
    folds = [{"fold": k, "side": "test", "recording": i, "animal": i} for k, i in enumerate(IDS)]
    folds += [{"fold": k, "side": "train", "recording": IDS[k - 1], "animal": IDS[k - 1]} for k in range(3)]
    tables = {"per_class": per_class, "recordings": pd.DataFrame(per), "folds": pd.DataFrame(folds)}
    states = {i: predicted() for i in IDS}
    return folders.write_run(study, "evaluate", summary={"methods": {"gbdt": numbers}}, tables=tables, states=states)


def pictures(section) -> dict[str, Picture]:
    return {p.title: p for p in section.parts if isinstance(p, Picture)}


def test_evaluation_names_what_was_not_learnt_and_draws_no_time_of_it(study):
    context = Context(study, [scored(study)])
    section = evaluation.make(context)
    assert section.findings == [
        "gbdt recognises 1 behaviour of 2 in animals it has not seen with a mean F1 of 0.45. Labelled but not learnt, "
        "and so not predicted, was social: too few bouts or animals to tell it by; in the mean they count as missed."
    ]
    drawn = pictures(section)
    bars = drawn["Score of each behaviour (gbdt)"]
    assert "No bar: social, labelled but not learnt." in bars.caption
    assert "Frames are pooled over 3 recordings of 3" in bars.caption
    assert "not learnt" in words_of(bars.figure)
    totals = drawn["Time per recording (gbdt)"]
    assert "Not drawn, since not learnt: social." in totals.caption
    assert "social" not in words_of(totals.figure)

    timeline = pictures(ethograms.make(context))["Ethograms"]
    assert "predicted behaviours: rear. Labelled but not learnt, and so not predicted, was social" in timeline.caption
    assert "so that it may be one of the others" in timeline.caption
    assert "not known" in words_of(timeline.figure)


@pytest.mark.parametrize(
    ("trained", "words"),
    [(IDS, "These recordings trained gbdt"), (IDS[:1], "1 of these 3 recordings trained gbdt"), ([], "")],
)
def test_states_of_recordings_that_trained_the_model_are_called_so(study, trained, words):
    summary = {"method": "gbdt", "trained_on": trained, "not_learnt": {"social": IDS}}
    run = folders.write_run(
        study, "apply", summary=summary, states={i: predicted() for i in IDS}, name=f"apply-{len(trained)}"
    )
    section = motifs.make(Context(study, [run]))
    caveats = [p.text for p in section.parts if isinstance(p, Words) and p.kind == "warning"]
    assert len(caveats) == 1
    assert caveats[0].startswith("Labelled but not learnt, and so not predicted, was social")
    caption = pictures(section)["States over time (gbdt)"].caption
    assert words in section.findings[0]
    assert words in caption
    assert ("trained gbdt" in caveats[0]) is bool(trained)
    assert "nan" not in section.findings[0]
    assert not any("What follows what" in title for title in pictures(section))  # one behaviour: nothing to say


def test_rules_are_said_to_learn_nothing(study):
    folds = pd.DataFrame([{"fold": 1, "side": "test", "recording": i, "animal": i} for i in IDS])
    per_class = pd.DataFrame({"method": "rules", "behaviour": ["rear", "macro"], "f1": [0.8, 0.8]})
    summary = {"methods": {"rules": {"macro_f1": 0.8, "n_recordings": 3}}}
    run = folders.write_run(
        study, "evaluate", summary=summary, tables={"per_class": per_class, "folds": folds}, name="rules"
    )
    section = evaluation.make(Context(study, [run]))
    assert section.findings == ["rules recognises 1 behaviour with a mean F1 of 0.8."]
    words = " ".join(p.text for p in section.parts if isinstance(p, Words))
    assert "rules learns nothing from labels, so every labelled recording is scored" in words
