"""Paradigms and neural analyses are found in their folders: what the source says is what the declaration says."""

import pytest

from murid.data.analysis import find_analysis
from murid.data.declarations import FOLDERS, read_declarations
from murid.data.registry import BUILT_IN

FOUND = {d.name: d for d in read_declarations()}

SOURCE = '''
from murid.data.analysis import analysis


@analysis(
    "mazes",
    family="assay",
    params=Params,  # (not: looked at)
    compare="animals",
    states="none",
)
def measure_mazes(recording, params):
    """Measure mazes (all of them).

    More.
    """


@analysis("turns", params=Params)
def turns(
    recording,
    params,
):
    """Count turns."""
'''


@pytest.mark.parametrize("name", FOUND)
def test_the_source_says_what_the_declaration_says(name):
    declared, read = find_analysis(name), FOUND[name]
    assert (read.family, read.module) == (declared.family, declared.function.__module__)
    assert read.what == declared.title
    assert ("compare" in read.options) == bool(declared.compare)
    assert ("states" in read.options) == (declared.states != "none")


def test_every_family_has_its_folder():
    assert {d.family for d in FOUND.values()} == set(FOLDERS.values())
    assert set(FOUND) <= set(BUILT_IN)


def test_any_way_of_writing_it_is_read(tmp_path):
    folder = tmp_path / "murid" / "assays"
    folder.mkdir(parents=True)
    (folder / "mazes.py").write_text(SOURCE)
    (folder / "empty.py").write_text("'''No @analysis( in code.'''\n")
    mazes, turns = read_declarations(tmp_path / "murid")
    assert mazes[:4] == ("mazes", "murid.assays.mazes", "assay", "Measure mazes (all of them).")
    assert mazes.options == {"family": True, "params": True, "compare": True, "states": False}
    assert turns[:4] == ("turns", "murid.assays.mazes", "assay", "Count turns.")
