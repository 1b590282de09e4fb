"""The parameter tables of the pages are those of the declarations."""

from __future__ import annotations

import importlib.util

import pytest

from murid.data.registry import analysis_names
from murid.methods import method_names
from tests.docs.pages import DOCS, name_of

_SPEC = importlib.util.spec_from_file_location("parameter_tables", DOCS / "_ext" / "parameter_tables.py")
tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tables)

PAGES = tables.pages()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_tables_are_as_declared(page):
    text = page.read_text(encoding="utf-8")
    assert tables.written(text) == text, "run: python docs/_ext/parameter_tables.py"


def test_every_method_and_every_analysis_with_parameters_has_a_table():
    marked = {found[2] for page in PAGES for found in tables.MARKED.finditer(page.read_text(encoding="utf-8"))}
    marked = {tables.declaration(name) for name in marked}
    lacking = [name for name in (*method_names(), *analysis_names()) if tables.declaration(name) not in marked]
    assert not lacking, f"no page has <!-- params: NAME --> of {lacking}"


def test_a_changed_default_unit_or_reason_changes_the_table():
    from murid.data.params import Params, param

    class Old(Params):
        width_s: float = param(1 / 30, unit="s", why="one row")

    class New(Params):
        width_s: float = param(0.5, unit="s", why="one row")

    assert "| `width_s` | 1/30 | s | one row |" in tables.table(Old)
    assert tables.table(Old) != tables.table(New)
