"""Sentences that state results, on studies whose differences are planted."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from murid.data.study import Study
from murid.neural.tuning_analysis import TUNING
from murid.plot.number_text import p_value
from murid.report import build, render, sentences, transitions
from murid.report.context import Context
from murid.report.sections import assay, ethograms, methods, neural
from murid.report.subjects import AnalysisUnit
from murid.report.table_rows import tuned_units
from murid.stats import compare_survival, compare_tables, comparison_statements
from tests.report import folders


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    """Figures are made but not painted: these tests read the text."""
    monkeypatch.setattr(render, "image", lambda _figure: "data:,")


@pytest.fixture
def study(tmp_path):
    return Study.create(tmp_path / "study", "planted")


def animals_of(groups: dict[str, list[float]], measure: str = "distance") -> pd.DataFrame:
    """One row an animal, one measure."""
    rows = [{"group": g, measure: v} for g, values in groups.items() for v in values]
    table = pd.DataFrame(rows)
    names = [f"a{k}" for k in range(len(table))]
    table.insert(0, "recording", [f"r{k}" for k in range(len(table))])
    table.insert(1, "animal", names)
    return table.assign(individual="m")


def page_of(study: Study, *runs) -> str:
    """The text of a report."""
    html = build(study, list(runs), study.folder / "report.html").read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", html))
    return re.sub(r"\s+", " ", plain.replace("\N{NO-BREAK SPACE}", " ").replace("&#39;", "'"))


def found_of(study: Study, run) -> assay.AssayRun:
    """The assay run as its section reads it."""
    folder = Context(study, [run]).runs[0]
    return assay.AssayRun(folder, "open field", folder.table("animals"), "group")


def test_difference_is_named_with_its_size_its_group_and_its_family(study):
    table = animals_of({"ctrl": [1.0, 2, 3, 4, 5], "drug": [11.0, 12, 13, 14, 15]})
    table["speed"] = [1, 2, 3, 4.5, 8, 5, 6, 8.5, 9, 10]
    table["rest"] = [1, 3, 5, 7, 9, 2, 4, 6, 8, 10.0]
    comparison = folders.compared(table, ["distance", "speed", "rest"])
    assert comparison["p"].round(3).tolist() == [0.008, 0.04, 0.69]  # speed differs by p, not by q
    run = folders.assay_run(study, table, {"distance": "cm", "speed": "cm/s", "rest": ""}, comparison)
    text = page_of(study, run)
    assert "1 of 3 tested measures of the open field differs between ctrl and drug" in text
    assert "(q ≤ 0.05; ctrl: n = 5 animals, drug: n = 5 animals)" in text
    assert "Largest effect: distance: 10 cm more in drug than in ctrl" in text
    assert found_of(study, run).differ == ["distance"]


def test_less_is_less(study):
    table = animals_of({"ctrl": [11.0, 12, 13, 14, 15], "drug": [1.0, 2, 3, 4, 5]})
    run = folders.assay_run(study, table, {"distance": "cm"}, folders.compared(table, ["distance"]))
    assert "distance: 10 cm less in drug than in ctrl" in page_of(study, run)


def test_percentages_differ_by_percentage_points(study):
    table = animals_of({"ctrl": [18.0, 19, 20, 21, 22.5], "drug": [27.0, 28, 29, 30, 30.5]}, "time_percent:centre")
    units = {"time_percent:centre": "%"}
    run = folders.assay_run(study, table, units, folders.compared(table, list(units)))
    text = page_of(study, run)
    assert "time, centre: 8.8 percentage points more in drug than in ctrl" in text
    assert "8.8 % more" not in text


def test_zero_of_the_difference_is_the_first_compared_group(study):
    table = animals_of({"sham": [100.0], "ctrl": [9.0, 10, 11, 11.2], "drug": [12.0, 13, 15, 15.2]})
    comparison = folders.compared(table, ["distance"])
    run = folders.assay_run(study, table, {"distance": "cm"}, comparison)
    estimate = assay.estimate_of(found_of(study, run), "distance")
    assert estimate.compared == ("ctrl", "drug")
    assert list(estimate.samples) == ["ctrl", "drug", "sham"]
    text = page_of(study, run)
    assert "whose zero is the mean of ctrl" in text
    assert "fewer than two animals can be used: sham" in text
    assert "sham n = 1" not in text  # the methods text names the groups that were compared


def test_zero_is_drawn_where_the_caption_says():
    from murid.plot.colours import GROUPS, colours_of
    from murid.plot.estimates import EstimationPanel
    from murid.report.figures.estimation import draw_estimation

    samples = {"sham": np.array([100.0]), "ctrl": np.array([9.0, 11.0]), "drug": np.array([12.0, 15.0])}
    estimate = EstimationPanel("d", "cm", samples, (3.5, 1.0, 6.0), "", {}, ("ctrl", "drug"))
    ax = draw_estimation([estimate], colours_of(samples, GROUPS)).axes[0]
    dot = ax.collections[-1].get_offsets()[0]
    assert dot.tolist() == [3.0, 13.5]


def test_three_groups_name_the_pairs_and_claim_no_difference_axis(study):
    table = animals_of({"a": [1.0, 2, 3, 4, 5], "b": [1.5, 2, 3, 4, 5.5], "c": [11.0, 12, 13, 14, 15]})
    comparison, pairs = compare_tables(table, ["distance"], "group", seed=0)
    run = folders.assay_run(study, table, {"distance": "cm"}, comparison, more={"pairwise": pairs})
    text = page_of(study, run)
    assert "1 of 1 tested measure of the open field differs between a, b and c" in text
    assert re.search(r"10 cm more in c than in a .*?p = 0\.0\d+", text)
    assert "Right of the line" not in text
    assert "mean difference and Hedges' g" not in text
    assert "pairs of groups with Holm's correction" in text


def test_latency_found_by_survival_is_a_finding(study):
    table = animals_of({"ctrl": [8.0, 12, 15, 17, 17.5, 20, 25, 30], "drug": [90, 120, 140, 145, 150, 300, 300, 300.0]})
    table = table.rename(columns={"distance": "latency:centre"})
    happened = table["latency:centre"] < 300
    tested = compare_survival(table.assign(happened=happened), "latency:centre", "happened", "group", seed=0)
    rng = np.random.default_rng(1)
    table["distance"] = rng.normal(10, 1, 16)
    run = folders.assay_run(
        study,
        table,
        {"latency:centre": "s", "distance": "cm"},
        folders.compared(table, ["distance"]),
        more={"latencies": pd.DataFrame([tested.row("latency:centre")])},
    )
    text = page_of(study, run)
    assert "1 of 2 tested measures" in text
    assert "Latency, centre differs: ctrl median 17" in text
    assert "drug median 145 s (5 of 8 did)" in text
    assert "No difference was shown" not in text
    assert "not compared: missing" not in text
    assert "log-rank" in assay.estimate_of(found_of(study, run), "latency:centre").note
    assert "log-rank test" in methods.make(Context(study, [run])).parts[1].text


def test_animals_without_a_name_are_animals_of_their_own(study):
    table = animals_of({"ctrl": [1.0, 2, 3, 4], "drug": [5.0, 6, 7, 8]})
    table.loc[:3, "animal"] = ""
    run = folders.assay_run(study, table, {"distance": "cm"})
    estimate = assay.estimate_of(found_of(study, run), "distance")
    assert {g: len(v) for g, v in estimate.samples.items()} == {"ctrl": 4, "drug": 4}


def tuning(tested: bool) -> pd.DataFrame:
    p = 0.2 if tested else np.nan
    rows = [{"recording": "r", "unit": f"u{k}", "behaviour": "rear", "p": p, "direction": "none"} for k in range(6)]
    return pd.DataFrame(rows)


def test_units_that_could_not_be_tested_are_no_negative_result():
    text = sentences.units_tuned(tuned_units(TUNING.rows(tuning(tested=False))), 2, 0.05)
    assert text == "None of 6 units of 2 animals could be tested for tuning; see the table."
    text = sentences.units_tuned(tuned_units(TUNING.rows(tuning(tested=True))), 2, 0.05)
    assert text.startswith("None of 6 tested units of 2 animals change their activity")
    some = tuning(tested=True)
    some.loc[0, "p"] = np.nan
    some.loc[1, "direction"] = "excited"
    text = sentences.units_tuned(tuned_units(TUNING.rows(some)), 1, 0.05)
    assert text.startswith("1 of 5 tested units of 1 animal changes its activity")
    assert "1 more could not be tested" in text


def test_spikes_are_drawn_per_second():
    from murid import Recording, Spikes

    times = np.arange(0.025, 60, 0.05)  # 20 spikes/s
    recording = Recording("r", spikes=Spikes({"u": times}, start_s=0.0, stop_s=60.0))
    for bin_s in (0.1, 0.25):
        signal, unit = neural.unit_signal(recording, "u", bin_s)
        assert unit == "spikes/s"
        assert float(signal.mean()) == pytest.approx(20.0, rel=0.02)


def test_shifts_that_were_left_out_are_those_of_the_run(study):
    table = pd.DataFrame({"null": ["linear"] * 3, "p": [0.1, 0.2, 0.3]})
    run = folders.write_run(study, "neural", params={"params": {"null": "auto"}}, tables={"tuning": table})
    text = methods.make(Context(study, [run])).parts[1].text
    assert "linear shifts of up to 25 % of the session" in text
    assert "left out" not in text
    circular = folders.write_run(
        study,
        "neural",
        params={"params": {"null": "auto", "min_shift_s": 30.0, "max_min_shift": 0.1}},
        tables={"tuning": table.assign(null="circular")},
        name="second",
    )
    text = methods.make(Context(study, [circular])).parts[1].text
    assert "shifts of less than 30 s, or of less than 10 % of a session too short for that, left out" in text


@pytest.fixture
def crossover(made, tmp_path):
    """The small study with both days of an animal under one name."""
    copy = made.copy(tmp_path / "crossover")
    study = copy.study
    for k, recording_id in enumerate(study.ids):
        recording = study[recording_id]
        study.add(recording.replace(animal=f"m{k % 2}"), replace=True)
    return study


def test_animals_in_both_groups_are_not_compared_as_if_independent(crossover):
    context = Context(crossover, [])
    states = {i: transitions.exclusive(context.label_states(i)) for i in crossover.ids}
    text = transitions.group_sentence(context, {k: v for k, v in states.items() if v is not None}, AnalysisUnit(), 0.05)
    assert text.endswith("2 animals were recorded in both, which needs a paired test.")


def summary_rows(**columns) -> pd.DataFrame:
    base = {"individual": "m", "mean_s": 1.0, "median_s": 1.0, "rate_per_min": 1.0}
    return pd.DataFrame({**base, **columns})


def test_recordings_weigh_by_their_time_and_zero_counts(made):
    context = Context(made.study, [])
    first, second, third, _ = made.study.ids
    rows = summary_rows(
        recording=[first, second, third],
        behaviour=["rear", "rear", "groom"],
        count=[10, 50, 4],
        total_s=[10.0, 500.0, 4.0],
        scored_s=[100.0, 1000.0, 100.0],
    )
    context.__dict__["animals"] = pd.Series("one", index=made.study.ids)
    pooled = ethograms.per_animal(context, rows).set_index(["behaviour", "group"])
    assert pooled.at[("rear", "control"), "percent"] == pytest.approx(100 * 510 / 1100)
    assert pooled.at[("rear", "stressed"), "percent"] == 0  # scored, never seen: zero, not missing
    assert np.isnan(pooled.at[("rear", "stressed"), "mean_s"])
    assert pooled.at[("groom", "control"), "count"] == 0


def test_a_recording_without_a_group_is_no_group_of_its_own(made, tmp_path):
    """The table had a row with an empty group, which the figure beside it left out."""
    study = made.copy(tmp_path / "copy").study
    sheet = study.table
    sheet.loc[0, "group"] = ""
    sheet.to_csv(study.folder / "recordings.csv", index=False)
    context = Context(Study(study.folder), [])
    rows = summary_rows(recording=study.ids, behaviour="rear", count=2, total_s=2.0, scored_s=10.0)
    figure, table = ethograms.statistics_of(context, rows, "")
    assert table.data[["group", "n"]].to_numpy().tolist() == [["control", 1], ["stressed", 2]]
    assert "(n: control 1, stressed 2)" in figure.caption


def test_score_of_random_frames_is_called_inflated_only_where_it_is_higher():
    assert "inflated" in sentences.random_split(0.9, 0.7)
    lower = sentences.random_split(0.6, 0.7)
    assert "inflated" not in lower
    assert "must not be reported" not in lower


def test_the_largest_effect_may_be_a_decrease():
    table = animals_of({"ctrl": [11.0, 12, 13, 14, 15], "drug": [1.0, 2, 3, 4, 5]})
    table["speed"] = [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    rows = comparison_statements(folders.compared(table, ["speed", "distance"]), units={"distance": "cm"})
    assert sentences.largest_difference(rows).startswith("Largest effect: distance: 10 cm less in drug than in ctrl")
    assert sentences.largest_difference([]) == ""


def test_a_measure_without_spread_is_not_the_largest_effect():
    """It was always the largest: "Hedges g ∞"."""
    table = animals_of({"ctrl": [11.0, 12, 13, 14, 15], "drug": [1.0, 2, 3, 4, 5]})
    table["rears"] = [1.0] * 5 + [2.0] * 5
    rows = comparison_statements(folders.compared(table, ["rears", "distance"]), units={"distance": "cm"})
    assert [r.shown for r in rows] == [True, True]
    assert sentences.largest_difference(rows).startswith("Largest effect: distance: 10 cm less in drug than in ctrl")


def test_transitions_differ_where_their_p_says_so():
    sizes = {"ctrl": 6, "drug": 5}
    text = sentences.transitions_compared(["ctrl", "drug"], 0.01, sizes, "animals", 0.05)
    assert text.startswith("Taken together, the transitions of ctrl and drug differ (p = 0.01, level 0.05,")
    assert text.endswith("animals: ctrl n = 6, drug n = 5).")
    for p, alpha in ((0.2, 0.05), (0.01, 0.005)):
        text = sentences.transitions_compared(sizes, p, sizes, "animals", alpha)
        assert f"of ctrl and drug are not shown to differ (p = {p}" in text


def test_no_mistake_is_called_none():
    assert sentences.frequent_mistake("groom", "groom", 0) == "No frame was given another behaviour than its label."
    assert sentences.frequent_mistake("groom", "rear", 3) == "Most frequent mistake: groom taken for rear (3 frames)."


def test_p_near_the_limit_keeps_its_verdict():
    assert p_value(0.0502) == "p = 0.0502"
    assert p_value(0.0498) == "p = 0.0498"
    assert p_value(0.0102, 0.01) == "p = 0.0102"
    assert p_value(0.0502, 0.01) == "p = 0.05"


def test_one_bad_recording_is_one():
    assert sentences.quality_found(["r2"], 5).startswith("Quality: 1 of 5 recordings has at least one bad check (r2;")
    assert sentences.quality_found([], 5) == "Quality: none of 5 recordings has a bad check."


def test_time_that_was_not_scored_is_not_drawn_as_absent():
    import murid
    import murid.plot

    states = murid.make_states(np.repeat([0, -1, 0], 100), np.arange(300) / 10, ["rest"])
    ax = murid.plot.ethogram(states)
    assert ax.patches[0].get_hatch() == "////"
    assert "not scored" in [t.get_text() for t in ax.get_legend().get_texts()]
    white = ax.collections[0].get_paths()
    assert len(white) == 2  # two scored stretches


def test_analyses_without_a_section_of_their_own_show_their_tables(made):
    text = page_of(made.study, made.runs["budget"])
    assert "Time spent in every behaviour, zeros included" in text
    assert "Budget: budget" in text
    assert "share of the scored time" in text
    assert re.search(r"\d+ tested measures of the budget differ between control and stressed", text)


def test_every_figure_can_be_taken_as_a_file(study):
    table = animals_of({"ctrl": [1.0, 2, 3, 4, 5], "drug": [11.0, 12, 13, 14, 15]})
    run = folders.assay_run(study, table, {"distance": "cm"}, folders.compared(table, ["distance"]))
    build(study, [run], study.folder / "r.html", figures=True)
    files = sorted(p.name for p in (study.folder / "r_figures").iterdir())
    assert [f.partition(".")[2] for f in files] == ["pdf", "png", "svg"]
    assert all(f.startswith("figure_01_groups_compared") for f in (n.replace("-", "_").lower() for n in files))
    svg = (study.folder / "r_figures" / files[2]).read_text()
    assert "distance (cm)" in svg  # text stays text


def test_numbers_of_a_figure_stand_in_a_table(study):
    table = animals_of({"ctrl": [1.25, 2, 3, 4, 5], "drug": [11.0, 12, 13, 14, 15]})
    run = folders.assay_run(study, table, {"distance": "cm"}, folders.compared(table, ["distance"]))
    text = page_of(study, run)
    assert "Numbers of figure 1" in text
    assert "1.25" in text.partition("Numbers of figure 1")[2].partition("Table")[0]


def test_scale_that_a_run_used_is_known_to_the_report(made, tmp_path):
    study = Study.create(tmp_path / "px", "px")
    source = made.study[made.study.ids[0]]
    poses = source.poses.copy()
    poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"}
    study.add(source.replace(poses=poses, labels=None, traces=None))
    table = pd.DataFrame({"recording": study.ids, "animal": "a", "group": "g", "individual": "m", "px_per_cm": 10.0})
    assert Context(study, []).glances[study.ids[0]].unit == "px"
    arenas = {"arena": "arena", "source": "drawn", "outline": "{}", "centre": "{}"}
    more = {"arenas": table.drop(columns="individual").assign(**arenas)}
    run = folders.assay_run(study, table, {"px_per_cm": "px/cm"}, more=more)
    look = Context(study, [run]).glances[study.ids[0]]
    assert look.unit == "cm"
    reach = np.nanmax(next(iter(look.tracks.values())))
    assert 20 < reach < 60  # the arena is 40 cm wide


def test_control_comes_first(made, tmp_path):
    copy = made.copy(tmp_path / "order")
    study = copy.study
    for k, recording_id in enumerate(study.ids):
        study.add(study[recording_id].replace(group="drug" if k < 2 else "Vehicle"), replace=True)
    assert Context(Study(copy.folder), []).groups == ["Vehicle", "drug"]
