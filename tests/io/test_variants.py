"""Files as Excel, pandas, R and BORIS write them: read right, or refused with one error (where, and what to do)."""

from __future__ import annotations

import re
import warnings
from collections import Counter

import pytest

from murid.data.errors import DataError
from tests.io.variants import VARIANTS, boris, excel, pandas_files, r_files, special  # noqa: F401 - they register


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if v.slow else []) for n, v in sorted(VARIANTS.items())]
)
def test_variant(name, tmp_path):
    variant = VARIANTS[name]
    path = variant.write(tmp_path)
    if variant.refused:
        with warnings.catch_warnings(), pytest.raises(DataError, match=f"(?s){variant.refused}") as error:
            warnings.simplefilter("ignore")
            variant.kind.read(path, **variant.options)
        assert path.name in str(error.value)
        assert "->" in str(error.value), "the error says what to do"
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = variant.kind.read(path, **variant.options)
    messages = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    assert bool(messages) == bool(variant.warned), messages
    assert all(re.search(variant.warned, message) for message in messages), messages
    assert got == (variant.kind.right if variant.right is None else variant.right)


def test_there_are_enough_variants_of_every_program():
    by_program = Counter(name.split("-")[0] for name in VARIANTS)
    assert by_program.total() >= 600
    assert sum(not variant.slow for variant in VARIANTS.values()) >= 250
    assert min(by_program[p] for p in ("excel", "pandas", "r", "boris")) >= 20, by_program
