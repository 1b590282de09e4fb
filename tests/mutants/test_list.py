"""The list of mutants stays true to the code: every line can still be changed and its tests are there."""

from collections import Counter
from pathlib import Path

import murid
from tests.mutants.run import misplaced, read_mutants

#: Floors whose mistakes are seen by no user of a study, or in figures alone.
LEFT_OUT = {"plot", "simulate"}


def test_every_mutant_applies_once_and_its_tests_are_there():
    assert [fault for mutant in read_mutants() if (fault := misplaced(mutant))] == []


def test_the_list_is_long_enough_covers_every_floor_and_says_why():
    mutants = read_mutants()
    assert len(mutants) >= 60
    floors = {p.parent.name for p in Path(murid.__file__).parent.glob("*/__init__.py")} - LEFT_OUT
    per_floor = Counter(mutant.file.split("/")[0] for mutant in mutants)
    assert {floor for floor in floors if per_floor[floor] < 3} == set()
    assert all(mutant.why and mutant.tests for mutant in mutants)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in mutants}) == len(mutants)
