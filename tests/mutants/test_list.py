"""The list of mutants stays true to the code: every line can still be changed and its tests are there."""

from tests.mutants.run import misplaced, read_mutants


def test_every_mutant_applies_once_and_its_tests_are_there():
    assert [fault for mutant in read_mutants() if (fault := misplaced(mutant))] == []


def test_every_mutant_says_why_and_none_stands_there_twice():
    mutants = read_mutants()
    assert all(mutant.why and mutant.tests for mutant in mutants)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in mutants}) == len(mutants)
