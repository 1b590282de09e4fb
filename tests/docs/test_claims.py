"""What a page claims still stands there, and is held by tests that exist or by expressions that are true.

A sentence that says several things has a list: one test or expression for each of them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FOLDER = Path(__file__).with_name("claims")
LEAST = 500


def read_claims() -> list[tuple[str, str, str]]:
    """Return page, sentence, and what holds it, of all lists; a sentence that several hold comes once for each."""
    lists = [tomllib.loads(p.read_text(encoding="utf-8")) for p in sorted(FOLDER.glob("*.toml"))]
    rows = [(page, text, held) for one in lists for page, claims in one.items() for text, held in claims.items()]
    return [(page, text, each) for page, text, held in rows for each in ([held] if isinstance(held, str) else held)]


CLAIMS = read_claims()
EVALUATED = [(page, text, held[1:].strip()) for page, text, held in CLAIMS if held.startswith("=")]


def plain(text: str) -> str:
    """Return a text on one line, list marks and line ends gone."""
    return re.sub(r"\s+", " ", text)


def test_every_sentence_is_on_its_page():
    pages = {page: plain((ROOT / page).read_text(encoding="utf-8")) for page in {page for page, _, _ in CLAIMS}}
    gone = [f"{page}: {text}" for page, text, _ in CLAIMS if plain(text) not in pages[page]]
    assert not gone, "\n".join(["no longer on the page:", *gone])


def test_every_named_test_is_there():
    missing = [f"{text}: {held}" for _, text, held in CLAIMS if not held.startswith("=") and not is_test(held)]
    assert not missing, "\n".join(["no such test:", *missing])


def is_test(name: str) -> bool:
    """True for a file of tests, or a function in it, that is run."""
    file, _, function = name.partition("::")
    path = ROOT / "tests" / file
    if not path.is_file():
        return False
    return not function or bool(re.search(rf"^\s*def {function}\(", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("page", "text", "expression"), EVALUATED, ids=[f"{p}: {t[:60]}" for p, t, _ in EVALUATED])
def test_expression_is_true(page, text, expression):
    from tests.docs.facts import NAMES

    assert bool(eval(expression, {**NAMES})), f"{page}: {text}\nis not so: {expression}"


def test_the_lists_are_long_and_reach_every_page():
    assert len({(page, text) for page, text, _ in CLAIMS}) >= LEAST
    silent = {"docs/index.md"}
    pages = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts} - silent
    assert not pages - {page for page, _, _ in CLAIMS}


def test_a_sentence_that_changed_a_test_that_is_gone_and_a_false_expression_are_seen():
    assert plain("a\n  b") == "a b"
    assert is_test("docs/test_claims.py::test_every_named_test_is_there")
    assert not is_test("docs/test_claims.py::test_that_nobody_wrote")
    assert not is_test("docs/no_such_file.py")
