"""After a change exactly what depends on it is done again, and what is older than its data is named before that.

`run_matrix` declares what each command depends on and what each change touches; the cells follow from both. A few
commands on a few changes are always run, all commands on two changes are a slow test, and the whole matrix is run
before a release (``MURID_MATRIX=all``).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import run_matrix as matrix
from typer.testing import CliRunner

from murid.data.study import Study
from murid.run.keys import file_digest
from murid.run.runs import Run

#: Always run: cells of commands that take a tenth of a second.
QUICK = {
    "commands": ("budget", "fit tiny"),
    "changes": ("labels", "other rater", "groups", "note", "removed", "reordered"),
}


def typed(folder: Path, words: tuple[str, ...]) -> Run:
    """Run a command as a shell would; return the run that it wrote."""
    from murid.cli.app import app

    before = {p.name for p in (folder / "runs").glob("*/")}
    done = CliRunner().invoke(app, [str(folder) if w == "S" else w for w in words] + ["--workers", "1"])
    assert done.exit_code == 0, f"{words}\n{done.stdout}\n{done.stderr}\n{done.exception!r}"
    (new,) = {p.name for p in (folder / "runs").glob("*/")} - before
    return Run.read(folder / "runs" / new)


def all_commands(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Run commands on a study; return the folder of each run."""
    return {name: typed(folder, matrix.COMMANDS[name].words).folder.name for name in names}


@pytest.fixture(scope="module")
def tiny_installed():
    """Let the method of `run_tiny` be one of murid's."""
    from murid.methods import registry

    patch = pytest.MonkeyPatch()
    patch.setitem(registry.BUILT_IN, "tiny", "run_tiny:Tiny")
    registry.method_names.cache_clear()
    yield
    patch.undo()
    registry.method_names.cache_clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_installed):
    """The study after every command; not to be written to."""
    folder = matrix.small_study(tmp_path_factory.mktemp("matrix") / "S").folder
    return folder, all_commands(folder, tuple(matrix.COMMANDS))


@pytest.fixture(scope="module")
def part(tmp_path_factory, tiny_installed):
    """The study after a few commands; not to be written to."""
    folder = matrix.small_study(tmp_path_factory.mktemp("matrix") / "S", matrix.plain_animal).folder
    return folder, all_commands(folder, QUICK["commands"])


#: The whole matrix takes a quarter of an hour: MURID_MATRIX=all.
SLOW = matrix.CHANGES if os.environ.get("MURID_MATRIX") == "all" else ("labels", "refit")


@pytest.mark.slow
@pytest.mark.xdist_group("matrix")
@pytest.mark.parametrize("change", SLOW)
def test_every_command_after(change, whole, tmp_path, monkeypatch):
    folder, runs = whole
    shutil.copytree(folder, tmp_path / "S")
    assert not faults_after(change, tmp_path / "S", runs, monkeypatch)


@pytest.mark.xdist_group("matrix")
@pytest.mark.parametrize("change", QUICK["changes"])
def test_some_commands_after(change, part, tmp_path, monkeypatch):
    folder, runs = part
    shutil.copytree(folder, tmp_path / "S")
    assert not faults_after(change, tmp_path / "S", runs, monkeypatch)


def faults_after(name: str, folder: Path, runs: dict[str, str], monkeypatch) -> list[str]:
    """Make a change and run every command again; return what is not as declared, one line a fault."""
    change, study = matrix.CHANGES[name], Study(folder)
    kept = {p: file_digest(p) for p in (folder / "cache").rglob("*") if p.is_file()}
    keys = {p.parent.name for p in kept if p.name == "entry.json"}
    change.make(study)
    if name == "version":
        other_library(monkeypatch)
    faults, models = named(folder, runs, change), set()
    if change.refit:
        models = {"motifs", "tiny", "trees"}
    again = {}
    for command_name, first in runs.items():
        command = matrix.COMMANDS[command_name]
        words = {"": (), "other": command.other, "seed": ("--seed", "1") if command.seeds else ()}[change.words]
        if (change.words and not words) or (change.refit and command.makes):
            continue
        run = again[command_name] = typed(folder, (*command.words, *words))
        cell = f"{command_name}, {name}: "
        found = steps_of(run, keys)
        expected = expected_steps(command, change, models)
        known = change.known.get(command_name) in runs
        if found != ({k: (sum(v), 0) for k, v in expected.items()} if known else expected):
            faults.append(f"{cell}steps (kept, done) {difference(found, expected)}")
        again_other = any(done for _, done in expected.values()) and not change.alike
        if command.makes and not change.words and again_other:
            models.add(command.makes)
        if not any(done for _, done in expected.values()) and not (change.members or change.words):
            faults += [cell + f for f in other_bytes(folder / "runs" / first, run.folder, change, command, name)]
        if name == "version" and not any(f"numpy {version('numpy')}" in w for w in run.provenance["warnings"]):
            faults.append(cell + "the version that made it is not named")
    faults += [f"{p.relative_to(folder)} of the cache is not what it was" for p, d in kept.items() if not same(p, d)]
    if not change.words:
        old = Study(folder)
        from murid.run.run_age import outdated_runs

        faults += [
            f"{n} is called old after it was done again: {r}" for n, r in outdated_runs(old, again.values()).items()
        ]
    return faults


def other_library(monkeypatch) -> None:
    """Results are of an older library than the one that is installed now."""
    import murid.run.runner as module

    real = module.versions()
    monkeypatch.setattr(module, "versions", lambda: {**real, "numpy": "99.0"})


def expected_steps(command, change, models) -> dict[tuple[str, str], tuple[int, int]]:
    """(step, recording) → how many are kept, how many done again."""
    out: dict[tuple[str, str], list[int]] = {}
    for work in command.works:
        if work.scope == "all":
            out[work.name, ""] = [0, 0]
            out[work.name, ""][matrix.stale(command, work, "", change, models)] += 1
            continue
        for recording_id in change.recordings:
            own = out.setdefault((work.name, recording_id if work.scope == "each" else ""), [0, 0])
            own[matrix.stale(command, work, recording_id, change, models)] += 1
    return {k: (v[0], v[1]) for k, v in out.items()}


def steps_of(run: Run, keys: set[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """The same of a run: what has a key of before, and what has another."""
    seen = {(s["step"], s["recording"], s["key"]) for s in run.provenance["steps"]}
    count = Counter((step, recording, key not in keys) for step, recording, key in seen)
    return {(s, r): (count[s, r, False], count[s, r, True]) for s, r, _ in count}


def difference(found: dict, expected: dict) -> str:
    """Where two accounts of steps differ."""
    differ = [k for k in {**found, **expected} if found.get(k) != expected.get(k)]
    return "; ".join(f"{k[0]} {k[1]}: {found.get(k)}, expected {expected.get(k)}" for k in sorted(differ))


def named(folder: Path, runs: dict[str, str], change) -> list[str]:
    """Faults of what `check` and `report` say of the runs before they are done again."""
    from murid.cli.app import app

    expected = {folder_name: matrix.reasons(matrix.COMMANDS[name], change) for name, folder_name in runs.items()}
    expected = {k: v for k, v in expected.items() if v}
    words = ["report", str(folder), "--json", *(w for name in runs.values() for w in ("--run", name))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("murid.run.report.build", lambda *_, **__: None)  # what is drawn is tested elsewhere
        said = {"report": json.loads(CliRunner().invoke(app, words).stdout)["outdated"]}
    if "check" in runs:
        copy = folder.parent / "checked"
        shutil.copytree(folder, copy)
        said["check"] = typed(copy, matrix.COMMANDS["check"].words).summary["outdated"]
        shutil.rmtree(copy)
    faults = []
    for command, old in said.items():
        wanted = {k: v for k, v in expected.items() if command == "report" or "-check" not in k}
        faults += [
            f"{command} says of {k}: {old.get(k)}, expected {wanted.get(k)}"
            for k in sorted({**old, **wanted})
            if old.get(k) != wanted.get(k)
        ]
    return faults


def same(path: Path, digest: str) -> bool:
    """True when the file holds what it held."""
    return path.is_file() and file_digest(path) == digest


def other_bytes(first: Path, second: Path, change, command, name: str) -> list[str]:
    """Files of a result that nothing has touched and that differ all the same."""
    if change.group and "group" in command.columns:
        return []
    files = {
        p.relative_to(d)
        for d in (first, second)
        for kind in ("tables", "states", "films")
        for p in (d / kind).rglob("*")
    }
    return [str(f) for f in sorted(files) if not alike(first / f, second / f, name == "reordered")]


def alike(first: Path, second: Path, any_order: bool) -> bool:
    """The same bytes; with `any_order` the same lines of a table."""
    if not (first.is_file() and second.is_file()):
        return False
    if any_order and first.suffix == ".csv":
        return sorted(first.read_text().splitlines()) == sorted(second.read_text().splitlines())
    if any_order and first.suffix == ".parquet":
        return sorted_rows(first) == sorted_rows(second)
    return first.read_bytes() == second.read_bytes()


def sorted_rows(path: Path) -> tuple[list[str], list[str]]:
    """Columns and rows of a table, whatever the order of the rows."""
    table = pd.read_parquet(path)
    return list(table.columns), sorted(map(repr, table.itertuples(index=False, name=None)))


def test_tables_of_other_order_are_alike_and_of_other_values_are_not(tmp_path):
    table = pd.DataFrame({"animal": ["a", "b"], "s": [1.0, None]})
    tables = {"plain": table, "turned": table.iloc[::-1], "other": table.assign(s=[2.0, None])}
    for name, one in tables.items():
        one.to_parquet(tmp_path / f"{name}.parquet", index=False)
    plain, turned, other = (tmp_path / f"{name}.parquet" for name in tables)
    assert alike(plain, turned, any_order=True)
    assert not alike(plain, turned, any_order=False)
    assert not alike(plain, other, any_order=True)
