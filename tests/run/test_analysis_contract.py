"""What every analysis promises, checked over the whole registry and over an analysis of another package."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import run_toy
import typer
from typer.testing import CliRunner

from murid import simulate
from murid.assays.arena import shrunk
from murid.cli import analyses as analyses_command
from murid.cli import docs
from murid.data import registry
from murid.data.analysis import find_analysis
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.tables import KEYS, with_unit
from murid.data.traces import make_traces
from murid.data.zones import Zones
from murid.plot.number_text import readable
from murid.report.context import Context
from murid.report.runfolder import read_csv
from murid.report.section_parts import ReportTable
from murid.report.sections import analyses as analyses_section
from murid.run.analysis import run_analysis
from murid.run.runs import Run

SECONDS, FPS, GROUPS = 48.0, 20.0, ("drug", "saline")
RULES = "moving:\n    when speed_centre > 3 cm/s\nafter_tone:\n    when since_tone < 2 s\n"


@dataclass(frozen=True)
class Case:
    """How one analysis is checked.

    Attributes
    ----------
    params : dict
        Few draws, so that it is quick.
    same : str
        Table whose `columns` agree at two frame rates, row by row of `by`.
    by, columns : sequence of str
        Columns that say which row it is, and those that are compared; all numbers where none are named.
    tolerance : float
        Largest difference allowed: of the largest value for what has a unit, absolute for shares and scores.
    """

    params: dict = field(default_factory=dict)
    same: str = "animals"
    by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    tolerance: float = 0.05


#: Analyses whose case is not the usual one: every number of the table that is compared, or else of the first one.
#: Paradigms with the engine of the open field and the plus maze: the long promises are kept by the slow set.
SAME_ENGINE = ("zero_maze", "light_dark", "three_chamber", "novel_object", "y_maze", "zone_occupancy")

CASES = {
    "check": Case(same="quality", by=("check",), columns=("verdict",)),
    "open_field": Case(columns=("distance", "speed_moving", "time_percent:centre")),
    **dict.fromkeys(("plus_maze", *SAME_ENGINE), Case(columns=("distance", "speed_moving"))),
    "tuning": Case(same="tuning", by=("unit", "behaviour"), columns=("auroc",), tolerance=0.02),
    "perievent": Case({"min_events": 2}, columns=(), tolerance=0.1),
    "decoding": Case({"n_null": 0, "folds": 3, "gap_s": 1.0, "lags_s": 0.0}, columns=(), tolerance=0.1),
    "photometry": Case(
        {"min_events": 2}, same="states", by=("unit", "behaviour"), columns=("mean", "seconds"), tolerance=0.05
    ),
    "budget": Case(same="budget", by=("behaviour",), columns=("total_s", "fraction", "count"), tolerance=0.02),
    "motif_statistics": Case({"n_shuffles": 20, "n_permutations": 100}, columns=(), tolerance=0.02),
    "preview": Case({"pseudo_labels": RULES}, same="pseudo_labels", by=("label",), columns=("share",), tolerance=0.05),
    "agreement": Case({"n_boot": 100}, same="pairs", by=("behaviour",), columns=("kappa",), tolerance=0.02),
    "toy": Case(columns=("reach",), tolerance=0.03),
}


def animal(recording_id: str, seed: int, *, fps: float = FPS, **keys: str) -> Recording:
    """One minute of a mouse: poses, labels of two raters, a fibre with its isosbestic channel, tones, zones."""
    made = simulate.recording(
        duration_s=SECONDS, fps=fps, seed=seed, behaviours=("walk", "rest", "rear"), id=recording_id, individuals=["m"]
    )
    bouts = made.labels.bouts.assign(rater="A")
    late = bouts.assign(rater="B", start_s=bouts["start_s"] + 0.05)
    both = pd.concat([bouts, late], ignore_index=True)[["start_s", "stop_s", "label", "individual", "rater"]]
    labels = Labels.from_bouts(both, duration_s=SECONDS, fps=fps, vocabulary=("walk", "rest", "rear"))
    rng, time = np.random.default_rng(seed), np.arange(int(SECONDS * 20)) / 20
    resting = np.zeros(time.size)
    for start, stop in bouts.loc[bouts["label"] == "rest", ["start_s", "stop_s"]].itertuples(index=False):
        resting[(time >= start) & (time < stop)] = 1
    moving = np.convolve(rng.standard_normal(time.size), np.ones(20) / 20, "same")
    iso = 2 + 0.5 * np.exp(-time / 30) + 0.05 * moving
    signal = 1.5 * iso * (1 + 0.1 * resting) + 0.01 * rng.standard_normal(time.size)
    traces = make_traces(np.stack([signal, iso], axis=1), time_s=time, units=["G_465", "G_405"], kind="photometry")
    drawn = made.need("zones")
    places = [
        shrunk(drawn["arena"], 0.4, "here", "open light arm chamber object"),
        shrunk(drawn["corner_nw"], 0.9, "there", "closed dark arm chamber object"),
        shrunk(drawn["corner_se"], 0.9, "yonder", "arm"),
    ]
    tones = pd.DataFrame({"time_s": np.arange(5.0, SECONDS - 5, 7.0), "label": "tone"})
    return made.replace(labels=labels, traces=traces, events=tones, zones=Zones([*drawn.values(), *places]), **keys)


def with_gap(recording: Recording) -> Recording:
    """A stretch of 5 s without tracking and without signal."""
    poses, traces = recording.need("poses").copy(deep=True), recording.need("traces").copy(deep=True)
    for noun, name in ((poses["position"], "time"), (traces, "time")):
        lost = (noun[name].values >= 20) & (noun[name].values < 25)
        noun.values[lost] = np.nan
    return recording.replace(poses=poses, traces=traces)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two animals a group; one of them at half the frame rate, with a gap, and in files that are broken."""
    study = Study.create(tmp_path_factory.mktemp("contract") / "S")
    for k in range(4):
        study.add(animal(f"r{k}", k, animal=f"a{k}", group=GROUPS[k % 2]))
    study.add(animal("slow", 0, fps=FPS / 2, animal="a0", group=GROUPS[0]))
    study.add(with_gap(animal("gap", 1, animal="a1", group=GROUPS[1])))
    study.add(animal("broken", 2, animal="a2", group=GROUPS[0]))
    for path in (study.folder / "data" / "broken").rglob("*"):
        if path.is_file():
            path.write_bytes(b"nonsense")
    return study.folder


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name,
            marks=[pytest.mark.xdist_group(f"analysis {name}"), *([pytest.mark.slow] if name in SAME_ENGINE else [])],
        )
        for name in sorted([*registry.BUILT_IN, "toy"])
    ],
)
def name(request):
    """Every analysis of the registry, and that of another package."""
    return request.param


@pytest.fixture(scope="module", autouse=True)
def toy_installed():
    """Let `run_toy` be the entry point of an installed package."""
    patch = pytest.MonkeyPatch()
    point = EntryPoint("toy", "run_toy", registry.GROUP)
    patch.setattr(registry, "foreign", lambda: {"toy": SimpleNamespace(**vars_of(point))})
    patch.setattr("murid.data.analysis.foreign", lambda: {"toy": point})
    yield
    patch.undo()


def vars_of(point: EntryPoint) -> dict:
    return {"name": point.name, "value": point.value, "group": point.group, "dist": SimpleNamespace(name="murid-toy")}


def case_of(name: str) -> Case:
    """Its case; of an analysis that names none every number of the table that is compared, else of the first one."""
    declared = find_analysis(name)
    return CASES.get(name, Case(same=declared.compare or declared.tables[0].name))


def asked(name: str) -> dict:
    """Arguments of every run of an analysis: the first rater's labels where states come from labels."""
    declared = find_analysis(name)
    choice = {} if declared.states == "none" else {"labels": LabelChoice(rater="A")}
    return {"params": case_of(name).params, **choice}


@pytest.fixture(scope="module")
def run(folder, name):
    """The four sound recordings."""
    return run_analysis(Study(folder), name, ids=["r0", "r1", "r2", "r3"], **asked(name))


# ---- promises -------------------------------------------------------------------------------------
def test_same_seed_same_answer_whatever_the_workers(folder, run, name, tmp_path, monkeypatch):
    # Its name is in the environment of a test; workers are kept while nothing that they inherit changes.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("cache", "runs"))
    # The package of the toy is installed in this process alone, so its workers would not know it.
    workers = 2 if name in registry.BUILT_IN else 1
    again = run_analysis(Study(copy), name, ids=["r0", "r1", "r2", "r3"], workers=workers, **asked(name))
    assert again.summary == run.summary
    assert_same(again.tables, run.tables)


def test_tables_are_declared_with_units_and_come_back_from_both_files(run, name):
    declared = find_analysis(name)
    assert set(declared.table(t.name).name for t in declared.tables) >= set(run.tables) - FROM_COMPARISON
    assert_same(Run.read(run.folder).tables, run.tables)
    for table in declared.tables:
        assert table.caption.endswith("."), table.name
        if table.name not in run.tables:
            continue
        frame = run.tables[table.name]
        table.check(frame, owner=name)
        head = (run.folder / "tables" / f"{table.name}.csv").read_text().splitlines()[0]
        for column, unit in {**table.units(), **frame.attrs.get("units", {})}.items():
            assert column not in frame or with_unit(column, unit) in head, (table.name, column)
        csv = read_csv(run.folder / "tables" / f"{table.name}.csv")
        assert list(csv.columns) == list(frame.columns)
        numbers = frame.select_dtypes("number")
        np.testing.assert_allclose(csv[numbers.columns].to_numpy(float), numbers.to_numpy(float), rtol=1e-9)


def test_rows_say_whose_they_are_and_groups_are_compared_where_it_is_declared(run, name):
    declared = find_analysis(name)
    if not declared.pooled:
        first = run.tables[declared.tables[0].name]
        assert first["recording"].unique().tolist() == ["r0", "r1", "r2", "r3"]
        assert first["animal"].unique().tolist() == ["a0", "a1", "a2", "a3"]
    if declared.compare:
        tested = {"comparison", "described", "latencies"} & set(run.tables)
        assert tested or any("no comparison" in w for w in run.provenance["warnings"])


def test_two_frame_rates_give_one_answer(folder, run, name):
    case = case_of(name)
    one = [run_analysis(Study(folder), name, ids=[i], **asked(name)).tables[case.same] for i in ("r0", "slow")]
    indexed = [t.set_index(list(case.by)) if case.by else t for t in one]
    columns = list(case.columns) or [c for c in indexed[0].select_dtypes("number") if c not in KEYS]
    assert columns
    for column in columns:
        fast, slow = indexed[0][column], indexed[1][column].reindex(indexed[0].index)
        if not pd.api.types.is_numeric_dtype(fast):
            assert fast.tolist() == slow.tolist(), column
            continue
        fast, slow = fast.to_numpy(float), slow.to_numpy(float)
        np.testing.assert_array_equal(np.isnan(fast), np.isnan(slow), err_msg=column)
        largest = max(1.0, float(np.nanmax(np.abs(fast), initial=0)))
        np.testing.assert_allclose(slow, fast, atol=case.tolerance * largest, err_msg=column)


def test_one_animal_with_a_gap_is_analysed(folder, name):
    alone = run_analysis(Study(folder), name, ids=["gap"], **asked(name))
    assert alone.summary["recordings"] == ["gap"]
    assert "failed" not in alone.summary
    first = find_analysis(name).tables[0]
    assert len(alone.tables[first.name])
    assert "comparison" not in alone.tables


def test_a_broken_recording_is_listed_and_costs_the_others_nothing(folder, run, name):
    declared = find_analysis(name)
    words = [folder, *([name] if declared.family else []), "--ids", "r0,r1,r2,r3,broken", "-j", "1", "--json"]
    words += [w for key, value in case_of(name).params.items() for w in ("-p", f"{key}={value}")]
    words += [] if declared.states == "none" else ["--rater", "A"]
    done = CliRunner().invoke(commands(), [declared.family or registry.command_word(name), *map(str, words)])
    assert done.exit_code == 1, done.output
    if name == "check":  # judges the folder too, so it has a command of its own
        assert "broken" in done.stdout
        return
    found = Run.read(newest(folder))
    assert found.summary["failed"] == ["broken"]
    assert found.tables["failed"]["recording"].tolist() == ["broken"]
    assert_same({t: f for t, f in found.tables.items() if t != "failed"}, run.tables)


def test_an_empty_study_is_one_clear_error(name, tmp_path):
    with pytest.raises(DataError, match=r"no recording is there.*murid add"):
        run_analysis(Study.create(tmp_path / "S"), name, **asked(name))


def test_it_has_its_row_and_its_section_in_the_reference_and_in_the_list(name):
    page = docs.analyses_page([name])
    declared = find_analysis(name)
    assert f"| `{declared.command}` |" in page
    assert all(f"Table `{table.name}`" in page for table in declared.tables)
    listed = analyses_command.list_of()
    assert name in listed.tables["Analyses"]["name"].tolist()


def test_the_report_shows_it(folder, run, name):
    declared, context = find_analysis(name), Context(Study(folder), [run.folder])
    section = analyses_section.make(context)
    if name in WITH_A_SECTION:
        assert section is None
        return
    assert any(declared.title in getattr(part, "text", "") for part in section.parts)
    titles = [part.title for part in section.parts if isinstance(part, ReportTable)]
    shown = [t.name for t in declared.tables if t.name in run.tables and t.name != declared.compare]
    assert all(any(readable(table) in title for title in titles) for table in shown)


#: Analyses that have a section of their own in the report.
WITH_A_SECTION = {"check", "tuning", *(n for n, entry in registry.BUILT_IN.items() if entry.family == "assay")}
#: Tables that the comparison of groups writes.
FROM_COMPARISON = {"comparison", "pairwise", "described", "latencies", "failed"}


def assert_same(one: dict, other: dict) -> None:
    """Compare tables, to the bit."""
    assert sorted(one) == sorted(other)
    for table, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[table], obj=table)
        assert frame.attrs == other[table].attrs


def commands() -> typer.Typer:
    """The commands of all analyses, that of the package among them."""
    app = typer.Typer()
    for module in ("analyses", "assay", "neural", "check"):
        __import__(f"murid.cli.{module}")
        getattr(__import__("murid.cli", fromlist=[module]), module).register(app)
    return app


def newest(folder) -> object:
    return max((folder / "runs").iterdir(), key=lambda p: (p / "provenance.json").stat().st_mtime_ns)


def test_toy_is_the_analysis_of_another_package():
    assert find_analysis("toy").function is run_toy.toy
