"""Measured figures carry the command that gives them; those that take seconds are measured again.

`measured.toml` lists commands that are cheap enough to be run by the slow tests, with what they print and what stands
on the page, and the figures that no command gives, each with its reason.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, name_of
from tests.docs.test_claims import CLAIMS, plain

LISTED = tomllib.loads(Path(__file__).with_name("measured.toml").read_text(encoding="utf-8"))
#: What gives a figure: a benchmark, or a test.
COMMAND = re.compile(r"(?:python -m\s+benchmarks\.([\w.]*\w)|python benchmarks/(\w+)\.py|`(tests/[\w/]+\.py))")
#: What looks measured: a share, or a time, a size or a rate with its unit.
FIGURE = re.compile(r"(?<![\w.])0?\.\d\d|\d (?:CPU-s|CPU-min|MB|MiB|GiB|frames/s|frames a CPU-second)\b")
#: In what a page says of differences and limits a frame rate is a setting; a share is a measurement, also in percent.
IN_SENTENCE = re.compile(r"(?<![\w.])0?\.\d(?:\d| %)|\d % of the (?:frames|variance)|\d (?:CPU-s|CPU-min|MB|MiB|GiB)\b")
#: Pages of measured figures that other pages quote.
QUOTED = re.compile(r"\((?:frame_rates|motifs_measured)\.md|#measured\)")
WITH_FIGURES = [p for p in PAGES if p.parent.parent == DOCS and p.parent.name in ("methods", "neural", "paradigms")]


def measured_blocks(page: Path) -> list[str]:
    """Return the paragraphs, lists and tables below a heading *Measured* that hold a figure."""
    text = page.read_text(encoding="utf-8")
    sections = re.findall(r"^## Measured[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if name_of(page) == "methods/motifs_measured":
        sections = [text]
    return [block for section in sections for block in without_command(section)]


def quoted_sentences(page: Path) -> list[str]:
    """Return the paragraphs and list items on differences and limits whose figures nothing gives.

    A figure is given by a command, by the page that is linked, or by a claim that a test or an expression holds.
    """
    text = page.read_text(encoding="utf-8")
    sections = re.findall(r"^## (?:Differs|What limits)[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    held = [plain(t) for at, t, _ in CLAIMS if (ROOT / at) == page]
    found = []
    for item in (plain(i).strip() for section in sections for i in re.split(r"\n\s*\n|\n(?=- )", section)):
        left = item
        for sentence in held:
            left = left.replace(sentence, "")
        if IN_SENTENCE.search(left) and not COMMAND.search(item) and not QUOTED.search(item):
            found.append(item)
    return found


def without_command(section: str) -> list[str]:
    """Return the blocks with a figure that name no command.

    A table, and what is said of it right behind it, belong to the command before it; ``same command`` is the last one
    that the section named.
    """
    found, seen, carried, after_table = [], False, False, False
    for block in re.split(r"\n\s*\n", section):
        is_table = block.lstrip().startswith("|")
        named = bool(COMMAND.search(block)) or (seen and bool(re.search(r"same\s+commands?", block)))
        carried = named or (carried and (is_table or after_table))
        if FIGURE.search(block) and not carried:
            found.append(re.sub(r"\s+", " ", block).strip())
        seen, after_table = seen or named, is_table
    return found


@pytest.mark.parametrize("page", WITH_FIGURES, ids=name_of)
def test_figures_name_the_command_that_gives_them(page):
    known = [row["starts"] for row in LISTED["by_no_command"] if row["page"] == name_of(page)]
    blocks = measured_blocks(page) + quoted_sentences(page)
    lacking = [b for b in blocks if not any(b.startswith(k) for k in known)]
    assert not lacking, "\n".join(["no command gives:", *(b[:160] for b in lacking)])


def test_listed_figures_are_on_their_page_and_their_reason_is_given():
    for row in LISTED["by_no_command"]:
        page = next(p for p in PAGES if name_of(p) == row["page"])
        blocks = measured_blocks(page) + quoted_sentences(page)
        assert any(b.startswith(row["starts"]) for b in blocks), f"{row['page']}: {row['starts']}"
        assert len(row["why"]) > 20


def test_commands_on_pages_are_there():
    for page in PAGES:
        for benchmark, script, test in COMMAND.findall(page.read_text(encoding="utf-8")):
            path = ROOT / test if test else ROOT / "benchmarks" / f"{(benchmark or script).replace('.', '/')}.py"
            assert path.is_file(), f"{name_of(page)} names {path.name}"


@pytest.mark.parametrize("row", LISTED["again"], ids=lambda row: row["command"])
def test_figures_that_are_measured_again_are_on_their_page(row):
    text = re.sub(r"\s+", " ", next(p for p in PAGES if name_of(p) == row["page"]).read_text(encoding="utf-8"))
    assert row["figure"] in text
    assert all(number in row["figure"] for number in row["shown"])
    assert f"python -m {row['command']}" in text


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("row", LISTED["again"], ids=lambda row: row["command"])
def test_the_command_gives_the_figure(row, data_dir):
    words = shlex.split(row["command"])
    environment = {**os.environ, "MURID_DATA": str(data_dir), "OMP_NUM_THREADS": "1"}
    printed = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(row["prints"], printed)
    assert found, printed
    for number, shown in zip(found.groups(), row["shown"], strict=True):
        digits = len(shown.partition(".")[2])
        assert f"{float(number):,.{digits}f}".lstrip("0") == shown.lstrip("0"), printed
