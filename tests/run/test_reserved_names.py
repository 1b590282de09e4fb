"""Behaviours, groups and columns of the sheet that are called like murid's own columns, through analyses and tables."""

import numpy as np
import pandas as pd
import pytest
from run_memory import Memory

from murid.cli.measure_tables import comparison_table, latency_table, one_line_a_measure
from murid.compare import ceiling, compare_with_best, methods_side_by_side
from murid.data.analysis import find_analysis
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.reserved_names import BEHAVIOUR_WORDS, behaviour_column
from murid.data.states import make_states
from murid.data.study import Study
from murid.data.traces import make_traces
from murid.evaluate import score_many
from murid.evaluate.detection import Detections, average_precision
from murid.evaluate.evaluation_tables import CONFUSION
from murid.run.analysis import run_analysis
from murid.run.apply import compare_behaviours
from murid.run.evaluate import _calibration, _flat, _note_score
from murid.run.file_pairing import OWN
from murid.run.sheet import update_from_sheet
from murid.stats import (
    by_unit,
    compare,
    compare_many,
    compare_survival,
    comparison_statements,
    fit_mixed_model,
    latency_statements,
)

#: Behaviours that are words of murid's tables, the plainest of names among them.
BEHAVIOURS = (*BEHAVIOUR_WORDS, "sex", "rear")
#: Those of the study; one is called like a column of its sheet.
SCORED = ("recording", "group", "session", "macro", "sex", "rear")
#: Groups that are headings or counts of tables.
GROUPS = ("p", "q", "g", "n", "measure", "missing", "no_group", "a | b", "x and y", "all: 3")


def labels_of(animal):
    """Behaviour k lasts k + 1 tenths of a second, and as much more as the animal is late."""
    bouts = [(k, k + 0.1 * (k + 1) / 2 + 0.01 * animal, name) for k, name in enumerate(SCORED)]
    return Labels.from_bouts(pd.DataFrame(bouts, columns=["start_s", "stop_s", "label"]), duration_s=20.0, fps=100.0)


@pytest.fixture
def study(tmp_path):
    """Labels of four animals, the first two control and female."""
    study = Study.create(tmp_path / "S")
    for i in range(4):
        keys = {"animal": f"a{i}", "group": "xy"[i // 2], "day": "1", "session": "s", "meta": {"sex": "fm"[i // 2]}}
        study.add(Recording(f"r{i}", labels=labels_of(i), **keys))
    return study


def test_behaviours_of_any_name_are_in_the_budget_and_are_compared(study):
    """Animals 2 and 3 do everything .02 s longer than animals 0 and 1: .1 % of 20 s."""
    run = run_analysis(study, "budget", compare="sex")
    assert set(run.tables["budget"]["behaviour"]) == set(SCORED)
    columns = ["sex (measure)" if b == "sex" else behaviour_column(b) for b in SCORED]
    compared = run.tables["comparison"].set_index("measure")
    assert sorted(compared.index) == sorted(columns)
    assert compared["groups"].unique().tolist() == ["f | m"]
    np.testing.assert_allclose(compared["difference"], 0.1, atol=1e-6)
    animals = run.tables["animals"].set_index("recording")
    assert animals.loc["r2", ["animal", "group", "day", "session"]].tolist() == ["a2", "y", "1", "s"]
    expected = [100 * (0.05 * (k + 1) + 0.02) / 20 for k in range(len(columns))]
    np.testing.assert_allclose(animals.loc["r2", columns].astype(float), expected, atol=1e-6)
    with pytest.raises(DataError, match=r"compare = 'individual'.*another name"):
        run_analysis(study, "budget", compare="individual")


def test_behaviours_of_any_name_are_compared_once_a_model_is_applied():
    rows = [
        {"recording": f"r{i}", "animal": f"a{i}", "group": "xy"[i // 2], "individual": "m", "behaviour": b}
        | {"fraction": 0.1 * (i // 2) + 0.01 * i}
        for i in range(4)
        for b in BEHAVIOURS
    ]
    run = Memory(summary=pd.DataFrame(rows))
    compare_behaviours(run)
    compared = run.tables["comparison"].set_index("measure")
    assert sorted(compared.index) == sorted(map(behaviour_column, BEHAVIOURS))
    np.testing.assert_allclose(compared["difference"], 0.12)


@pytest.mark.parametrize("name", ["perievent", "decoding", "motif_statistics"])
def test_behaviours_of_any_name_are_columns_of_their_own(name):
    chosen, codes = find_analysis(name), np.arange(400) // 20 % len(BEHAVIOURS)
    states = make_states(codes, np.arange(400) / 10, list(BEHAVIOURS), ["m"])
    traces = make_traces(np.random.default_rng(0).normal(size=(400, 1)), rate_hz=10.0, units=["u"])
    tables = chosen.function(Recording("r", traces=traces), chosen.params(), states=states)
    animals = chosen.check(tables).frames["animals"]
    assert animals["individual"].tolist() == ["m"]
    assert sorted(animals.columns) == sorted(["individual", *map(behaviour_column, BEHAVIOURS)])


# ---- scores ---------------------------------------------------------------------------------------
def scored(names):
    """The same frames and predictions, whatever their behaviours are called."""
    rng = np.random.default_rng(3)
    truth, found = rng.integers(0, 3, (2, 300)), rng.integers(0, 3, (2, 300))
    found = np.where(rng.random((2, 300)) < 0.5, truth, found)
    pairs = [[make_states(x[k], np.arange(300) / 10, names, ["m"]) for x in (truth, found)] for k in (0, 1)]
    return score_many([(Labels.from_states(a), b) for a, b in pairs], behaviours=names, n_boot=20)


@pytest.mark.parametrize("words", [True, False])
def test_scores_of_a_behaviour_do_not_depend_on_its_name(words):
    names = ["macro", "truth", "group"] if words else ["macro (behaviour)", "behaviour", "(none of them)"]
    plain, own = scored(["a", "b", "c"]), scored(names)
    rows = list(map(behaviour_column, names))
    assert own.behaviours == names
    assert own.table.index.tolist() == [*rows, "macro"]
    np.testing.assert_array_equal(own.table.to_numpy(), plain.table.to_numpy())
    assert own.f1 == plain.f1
    flat = CONFUSION.check(_flat(own.confusion, "truth"))
    assert flat.columns.tolist() == ["truth", *rows, "(none of them)"]
    np.testing.assert_array_equal(flat.iloc[:, 1:], _flat(plain.confusion, "truth").iloc[:, 1:])

    per_class = _flat(own.table, "behaviour").assign(method="m")
    beside = methods_side_by_side(per_class, _flat(own.totals, "behaviour").assign(method="m"))
    assert beside["behaviour"].tolist() == [*rows, "macro"]
    assert beside.set_index("behaviour").loc[rows, "time_bias"].tolist() == plain.totals["time_bias"].tolist()
    both = pd.concat([own.recordings.assign(method=m) for m in "ab"])
    assert compare_with_best(both, {}, n_boot=20)["behaviour"].tolist() == [*rows, "macro"]

    run = Memory()
    tables = {"recordings": own.recordings, "totals": own.totals, "calibration": own.recordings, "confusion": flat}
    _note_score(run, "m", {"per_class": per_class, **tables, "numbers": {"notes": []}})
    assert list(run.summary["methods"]["m"]["behaviours"]) == names
    assert _calibration([], [], names, "auto", None, None).empty


def test_people_agree_on_a_behaviour_whatever_it_is_called():
    bouts = pd.DataFrame({"start_s": [1.0, 1.5, 6, 6], "stop_s": [5.0, 5.0, 7, 7], "rater": [*"ABAB"]})
    labels = {"r": Labels.from_bouts(bouts.assign(label=["macro"] * 2 + ["mean"] * 2), duration_s=10)}
    found = ceiling(labels, {"r": np.arange(100) / 10}, ["macro", "mean"]).set_index("behaviour")["f1"]
    assert found.round(2).to_dict() == {"macro (behaviour)": 0.93, "mean": 1.0, "macro": 0.97}
    truth = Detections.of(pd.DataFrame({"start_s": [0.0, 5.0], "stop_s": [1.0, 7.0], "label": ["mean", "rear"]}))
    alone = Detections.of(pd.DataFrame({"start_s": [0.0], "stop_s": [1.0], "label": ["mean"]}), [0.9])
    assert average_precision([(truth, alone)], ious=(0.5,))[0.5].to_dict() == {
        "mean (behaviour)": 1.0,
        "rear": 0.0,
        "mean": 0.5,
    }


# ---- groups ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("pair", list(zip(GROUPS, GROUPS[1:] + GROUPS[:1], strict=True)))
def test_groups_of_any_name_have_their_numbers_in_every_table(pair):
    first, second = pair
    group = [first] * 4 + [second] * 4 + [""]
    rows = pd.DataFrame({"animal": range(9), "group": group, "s": [5.0, 6, 7, 8, 60, 70, 80, 300, 1]})
    rows["happened"] = [1] * 7 + [0, 1]

    stored = compare_many(rows, ["s"], "group")
    (statement,) = comparison_statements(stored)
    assert statement.groups == pair
    assert (statement.mean[first], statement.mean[second]) == (6.5, 127.5)
    shown = comparison_table(stored, {}).iloc[0]
    headings = [f"{g} (group)" if g in ("p", "q", "g", "measure") else g for g in pair]
    assert shown.index.tolist() == ["measure", *headings, "difference [95 %]", "g", "p", "q"]
    assert shown.drop(["difference [95 %]", "g"]).tolist() == ["s", "6.5", "128", ".029", ".029"]

    survival = compare_survival(rows, "s", "happened", "group")
    late = pd.DataFrame([survival.row("s")])
    (told,) = latency_statements(late)
    assert (told.n, told.events) == ({first: 4, second: 4}, {first: 4, second: 3})
    assert (told.n_missing, told.n_no_group) == (0, 1)
    line = latency_table(late.assign(q=late["p"])).iloc[0]
    assert (line[f"{first}, did it"], line[f"{second}, did it"]) == ("4 of 4", "3 of 4")


def test_pairs_of_groups_come_back_by_their_names():
    names = ["a", "b", "a and b", "c | d"]
    rows = pd.DataFrame({"animal": range(16), "group": np.repeat(names, 4), "s": np.arange(16.0) + 1, "happened": 1})
    survival = compare_survival(rows, "s", "happened", "group", n_permutations=99)
    (told,) = latency_statements(pd.DataFrame([survival.row("s")]))
    expected = survival.pairwise
    assert [p[:2] for p in told.pairs] == list(zip(expected["first"], expected["second"], strict=True))
    np.testing.assert_allclose([p[2] for p in told.pairs], expected["p_holm"], rtol=1e-5)


def test_a_recording_called_measure_has_its_column():
    animals = pd.DataFrame({"recording": ["measure", "r"], "individual": "m", "speed": [1.0, 2.0]})
    assert one_line_a_measure(animals, {}).iloc[0].tolist() == ["speed", "1", "2"]


def test_a_covariate_of_any_name_gives_the_same_test():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"animal": np.repeat(range(12), 2), "arm": np.repeat(["x", "y"], 12), "day": [0, 1] * 12})
    table["size"] = np.repeat(rng.normal(size=12), 2)
    table["cm"] = table["size"] + rng.normal(size=24)
    plain = compare(table, "cm", "arm", covariates=["size"], n_permutations=999)
    for name in ("group", "unit", "value", "_rank"):
        same = table.rename(columns={"size": name})
        own = compare(same, "cm", "arm", covariates=[name], n_permutations=999)
        assert (own.p, own.difference, own.covariates) == (plain.p, plain.difference, (f"{name} (covariate)",))
        with pytest.raises(DataError, match=f"covariate '{name}' is called like a column of the result"):
            by_unit(same, "cm", "arm", covariates=[name])
    pairs = [(table, "size"), (table.rename(columns={"size": "time"}), "time")]
    models = [fit_mixed_model(t, "cm", "arm", "day", covariates=[c], n_permutations=19) for t, c in pairs]
    np.testing.assert_allclose(*(m.terms["p"] for m in models))
    assert models[1].terms.index.tolist() == ["arm", "day", "arm:day", "time (covariate)"]


# ---- sheets ---------------------------------------------------------------------------------------
def test_columns_of_a_sheet_that_murid_has_itself_are_refused(study):
    sheet = pd.DataFrame({"id": study.ids, "animal": study.ids})
    with pytest.raises(DataError) as error:
        update_from_sheet(study, sheet.assign(**dict.fromkeys([*OWN, "recording", "individual"], "x")))
    assert [f.what for f in error.value.faults] == [
        *(f"column '{c}' is filled by murid" for c in OWN),
        *(f"column '{c}' has the name of a column of murid's tables" for c in ("recording", "individual")),
    ]
    with pytest.raises(DataError) as error:
        study.add(Recording("r9", labels=labels_of(0), meta=dict.fromkeys(OWN, "x")))
    assert [f.what for f in error.value.faults] == [
        f"its note '{c}' is called like a column of recordings.csv" for c in OWN
    ]
    assert study.table["nouns"].tolist() == ["labels"] * 4
