"""Numbers of real recordings are those of the last release, unless the changelog says why not."""

from __future__ import annotations

import math

import pytest

from tests.golden.cases import CASES, LONG
from tests.golden.compare import compare, differences
from tests.golden.make import FOLDER

MARKED = [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in CASES if name != "demo"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", MARKED)
def test_numbers_are_those_of_the_last_release(name, data_dir):
    compare(name, CASES[name](data_dir))


def test_a_difference_is_seen():
    one = {"n": 3, "text": "a", "x": 1.0, "missing": math.nan}
    assert differences(one, dict(one)) == []
    assert differences(one, {**one, "x": 1.0 + 1e-12}) == []
    assert differences(one, {**one, "x": 1.0 + 1e-8}) == ["x: 1.00000001 instead of 1.0"]
    assert differences(one, {**one, "n": 4, "text": "b"}) == ["n: 4 instead of 3", "text: 'b' instead of 'a'"]
    assert differences(one, {**one, "n": 3.0}) == ["n: 3.0 instead of 3"]
    assert differences({"n": 1}, {"m": 1}) == ["m: new", "n: gone"]


def test_every_case_has_its_numbers_and_they_are_small():
    assert {p.stem for p in FOLDER.iterdir()} == set(CASES)
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 200_000
