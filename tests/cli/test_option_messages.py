"""Messages on the command line name options; what a study used can be cited."""

import re

import pandas as pd
import pytest
import run_work as work

from murid.cli.console import MAX_WARNINGS, working
from murid.cli.measure_tables import comparison_table, one_line_a_measure
from murid.cli.option_messages import CommandOptions, for_command_line, options_at_work
from murid.data.labels import Labels
from murid.data.names import counted
from murid.data.warning import warn_user
from murid.run.cite import Reference, bibliography


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "it looks like traces (traces_mat): use read_traces(path)",
            "it looks like traces (traces_mat): give it with --traces",
        ),
        ("use read_poses(path)", "give it as a pose file"),
        (
            "-> pass fps=...; murid.Video(video).fps reads it from the video file",
            "-> give --fps 25, or the film: --video",
        ),
        (
            "name the format: read_poses(path, source=...)",
            "name the format: -o poses.source=NAME (names: murid formats)",
        ),
        ("name one: read_labels(path, source='boris')", "name one: -o labels.source=boris"),
        ("choose one: labels.select(rater=...)", "choose one: --rater NAME"),
        ("choose one: labels.select(stream='S1')", "choose one: --stream S1"),
        ("choose one: labels.select(stream='by eye')", "choose one: --stream 'by eye'"),
        ("one file per animal: labels.select(individual=...)", "one file per animal: --individual NAME"),
        ("write them anew with --replace (replace=True)", "write them anew with --replace"),
        ("4 animals (n = 4) and an interval (95 %)", "4 animals (n = 4) and an interval (95 %)"),
    ],
)
def test_arguments_become_options(text, shown):
    assert for_command_line(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("name one: individual=...", "name one: --individual NAME"),
        ("give rater='...' or rater='consensus'", "give --rater NAME or --rater consensus"),
        ("use model='arhmm'", "use -p model=arhmm"),
        ("e.g. baseline_s=(-2, -1)", "e.g. -p baseline_s=-2,-1"),
        ("name its behaviours: -b NAME,NAME (Python: behaviours=[...])", "name its behaviours: -b NAME,NAME"),
        ("pass leaky=False", "pass no --leaky"),
        ("-p arena_cm=42 (Python: arena_cm=(42.0,))", "-p arena_cm=42"),
        ("-p nets='two'", "-p nets='two'"),
        ("got 'q='1'', a/b='c'.csv", "got 'q='1'', a/b='c'.csv"),
        ("--stream S1", "-p stream=S1"),
    ],
)
def test_arguments_become_what_the_command_has(text, shown):
    here = {"param": "-p", "individual": "--individual", "rater": "--rater", "behaviours": "-b", "leaky": "--leaky"}
    with options_at_work(CommandOptions(here, frozenset({"leaky"}))):
        assert for_command_line(text) == shown
    with options_at_work(CommandOptions({"stream": "--stream"})):
        assert for_command_line("--stream S1, model='arhmm'") == "--stream S1, model='arhmm'"


def test_errors_name_options_that_the_command_has(murid, study):
    """`fit` advised --stream and -b, which it did not have."""
    from murid.data.study import Study

    opened = Study(study)
    for recording in opened.recordings():
        labels = recording.need("labels")
        both = [t.assign(stream=s) for t in (labels.bouts, labels.scored) for s in ("one", "two")]
        made = Labels(pd.concat(both[:2], ignore_index=True), pd.concat(both[2:], ignore_index=True))
        opened.add(recording.replace(labels=made), replace=True)
    for words in (["fit", study, "gbdt"], ["budget", study], ["evaluate", study, "gbdt"]):
        said = " ".join(murid(*words, "-j", 1, expect=1).err.split())
        assert "choose the stream: --stream one, or name its behaviours: -b NAME,NAME" in said
        assert "Python" not in said
        if words[0] == "budget":
            assert said.count("several streams") == 1
            assert "6 recordings (r0, r1, r2, r3, r4, r5)" in said
    refused = murid("fit", study, "kmeans", "--stream", "one", expect=1).err
    assert "--stream is of no use: it has no parameter 'stream'" in " ".join(refused.split())
    assert "differ" in murid("fit", study, "gbdt", "--stream", "one", "-p", "stream=two", expect=1).err


def test_what_looks_wrong_in_the_study_is_said_once(murid, tmp_path):
    study = work.small_study(tmp_path / "S", 4)
    study.update(pd.DataFrame({"id": ["r0", "r2"], "column": "group", "now": ["ctrl", "control"]}))
    found = murid("check", study.folder, "-j", 1)
    assert found.err.count("are both names of a control group") == 1
    assert "recording 'r" not in found.err.partition("control group")[0]


def test_the_same_warning_of_many_recordings_is_one_line(capsys):
    with working() as heard:
        for k in range(30):
            warn_user(f"recording 'm{k}': 'mouse' in the labels and 'individual_0' in the poses are the only animal")
        warn_user("the sheet has no group")
    said = capsys.readouterr().err
    assert said.count("are the only animal") == 1
    assert "30 recordings (m0, m1, " in said
    assert "the sheet has no group" in said
    assert len(heard) == 31


def test_warnings_that_are_not_printed_are_counted(capsys):
    with working():
        for k in range(2 * MAX_WARNINGS + 5):
            warn_user(f"odd thing number {k}")
    said = capsys.readouterr().err
    assert said.count("odd thing") == 2 * MAX_WARNINGS
    assert "... and 5 more" in said


def test_check_names_the_option_that_gives_the_scale(murid, tmp_path):
    study = work.small_study(tmp_path / "S", 2)
    out = murid("check", study.folder).out
    flat = " ".join(re.sub(r"[│┃]", " ", out).split())
    assert "calibrate(" not in flat
    assert "clean()" not in flat
    assert "--px-per-cm" in flat


def test_measures_stand_one_a_line_in_eighty_columns():
    groups = {f"{what}_{g}": [1.0, 22.0] for what in ("n", "mean", "sd") for g in ("control", "stressed")}
    rest = {"difference": [-3.5, 0.01], "difference_low": [-68.1, -1.0], "difference_high": [91.3, 1.0]}
    found = pd.DataFrame({"measure": ["distance", "time"], **groups, **rest, "effect": [0.4, 0.1], "p": [0.2, 0.0001]})
    shown = comparison_table(found.assign(q=[0.2, 0.0002]), {"distance": "cm"})
    assert shown["measure"].tolist() == ["time", "distance (cm)"]
    assert shown["p"].tolist() == ["<.001", ".200"]
    assert shown.astype(str).map(len).max().sum() + 3 * shown.shape[1] <= 80
    near = comparison_table(found.assign(p=[0.0502, 0.0498], q=[0.0500004, 0.05]), {})
    assert near["p"].tolist() == [".050", ".0502"]
    assert near["q"].tolist() == [".050", ">0.05"]
    animals = pd.DataFrame(
        {"recording": list("abcd"), "individual": "m", "distance": [1.0, 2, 3, 6], "seen": [1.0] * 4}
    )
    lines = one_line_a_measure(animals, {"distance": "cm"}, ["seen"])
    assert lines["measure"].tolist() == ["seen", "distance (cm)"]
    assert lines.loc[1, ["n", "mean", "lowest", "highest"]].tolist() == [4, "3", "1", "6"]
    few = one_line_a_measure(animals.head(2), {})
    assert few.columns.tolist() == ["measure", "a", "b"]


@pytest.mark.parametrize("words", ["assay list", "neural list", "methods list", "analyses"])
def test_list_is_a_word_and_no_study(murid, words):
    listed = murid(*words.split(), "--json").json
    assert listed["ok"]
    assert listed.get("analyses") or listed.get("methods")


def test_full_references_become_articles_with_authors_year_and_journal():
    text = "Hsu A.I. & Yttri E.A. (2021) B-SOiD, an open-source unsupervised algorithm. Nat Commun 12:5188"
    entry = Reference(text, ("bsoid",)).bibtex()
    assert entry.startswith("@article{Hsu2021,")
    assert "author = {Hsu A.I. and Yttri E.A.}" in entry
    assert "year = {2021}" in entry
    assert "title = {{B-SOiD, an open-source unsupervised algorithm}}" in entry
    assert "journal = {Nat Commun 12:5188}" in entry
    assert Reference("Sturman et al. 2020", ("open_field",)).bibtex().startswith("@misc{Sturman2020,")


def test_every_reference_of_every_method_becomes_an_entry_with_braces_that_close():
    from murid.methods import methods_table

    for row in methods_table():
        for text in row["cites"]:
            entry = Reference(text, (row["name"],)).bibtex()
            assert entry.count("{") == entry.count("}")
            assert re.match(r"@(article|misc)\{[A-Za-z]+(\d{4})?,", entry)


def test_cite_names_murid_and_the_analyses_of_the_runs(murid, tmp_path):
    study = work.small_study(tmp_path / "S", 4)
    assert "murid developers" in bibliography(study)
    murid("check", study.folder)
    assert murid("cite", study.folder, "--json").json["references"][0]["used_for"] == ["all of it"]


def test_numbers_have_their_noun():
    assert (counted(0), counted(1), counted(2)) == ("0 recordings", "1 recording", "2 recordings")
