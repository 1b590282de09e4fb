"""Every block of code on every page runs, from top to bottom, in one namespace and one folder.

Methods are small (`given.SMALL`) and recordings short, so that names, calls, files and outputs are what is tested.
Commands of murid run in this process. A block under ``<!-- not run: REASON -->`` is left out; reasons are counted.
"""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from pathlib import Path

import matplotlib as mpl
import pytest
from typer.testing import CliRunner

import murid
from tests.docs import given
from tests.docs.pages import LANGUAGES, PAGES, REASONS, Block, blocks, commands, name_of

#: Pages that go through a whole study, fit networks to pictures or draw maps: more than about five seconds of CPU.
SLOW = (
    "README",
    "reference/simulate",
    "background/time_budget",
    *(name_of(p) for p in PAGES if p.parent.name == "paradigms" and p.stem != "plus_maze"),
    *(name_of(p) for p in PAGES if p.parent.name in ("how-to", "tutorials")),
    *(
        f"methods/{name}"
        for name in ("selfee", "behavenet", "bsoid", "dbm", "jaaba", "motionmapper", "moseq", "pyrat", "alphatracker")
    ),
)
RUN = [
    pytest.param(p, id=name_of(p), marks=[pytest.mark.slow] if name_of(p) in SLOW else [])
    for p in PAGES
    if any(b.language in ("python", "bash", "toml", "text") for b in blocks(p)) and name_of(p) != "reference/cli"
]


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("page", RUN)
@pytest.mark.filterwarnings("ignore")
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given.small_methods(monkeypatch)
    scope: dict = {"__name__": "page", "murid": murid, **given.of_page(name_of(page), tmp_path)}
    with mpl.rc_context({"backend": "Agg"}):
        for block in blocks(page):
            if not block.reason:
                run(block, page.name, scope)


def run(block: Block, page: str, scope: dict) -> None:
    """Run a block in the names that the blocks above it left."""
    if block.language == "python":
        exec(compile("\n" * block.line + block.text, page, "exec"), scope)
    elif block.language == "bash":
        for line in commands(block):
            run_command(line)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "text":
        murid.method("rules", rules=block.text)


def run_command(line: str) -> str:
    """Run a line of murid as a shell would: patterns of files spread, ``>`` writes; return what it prints."""
    line, _, target = line.partition(" > ")
    words = shlex.split(line)
    assert words[0] == "murid", f"not a command of murid: {line}"
    spread = [
        name
        for word in words[1:]
        for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word]) or [word]
    ]
    if "-j" in options_of(words[1]):
        spread += ["-j", "1"]
    from murid.cli.app import app

    found = CliRunner().invoke(app, spread, catch_exceptions=False)
    assert found.exit_code == 0, f"{line}\n{found.stdout}\n{found.stderr}"
    if target:
        Path(target).write_text(found.stdout, encoding="utf-8")
    return found.stdout


def options_of(name: str) -> set[str]:
    """Return the options of a command."""
    import typer

    from murid.cli.app import app

    command = typer.main.get_command(app).commands.get(name)
    return {o for p in command.params for o in p.opts} if command else set()


def test_blocks_are_of_a_known_language_and_left_out_for_a_known_reason():
    every = [(name_of(p), b) for p in PAGES for b in blocks(p)]
    strange = [f"{page}:{b.line} {b.language!r}" for page, b in every if b.language not in LANGUAGES]
    assert not strange, f"say what the block is: {strange}"
    reasons = Counter(b.reason for _, b in every if b.reason)
    assert {k: n for k, n in reasons.items() if n > REASONS.get(k, 0)} == {}
    assert set(REASONS) == set(reasons)
