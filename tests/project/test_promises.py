"""What pages and settings of the project promise is there: files, commands, extras, versions, templates."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import command_lines, python_blocks

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RULES = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
#: Hand-written pages that name files and make targets.
PAGES = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "README.md",
    ROOT / ".github" / "pull_request_template.md",
    ROOT / "docs" / "background" / "architecture.md",
]
#: Extras that bring tools and not libraries that murid imports.
TOOLS = {"all", "docs", "dev"}
#: Name of a distribution → module, where they differ.
MODULES = {"sleap-io": "sleap_io", "umap-learn": "umap", "openTSNE": "openTSNE"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_and_folders_that_a_page_names_are_there(page):
    pattern = r"`((?:src|tests|docs|benchmarks|\.ci|\.github)/[\w./-]*[\w/])`"
    named = re.findall(pattern, page.read_text(encoding="utf-8"))
    assert [n for n in named if not (ROOT / n).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_that_a_page_names_have_rules(page):
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^make (.+?)(?:#.*)?$", text, re.MULTILINE) + re.findall(r"`make ([^`]+)`", text)
    words = {w for line in lines for w in line.split() if "=" not in w}
    assert words <= RULES


def test_every_make_target_is_declared_and_has_a_rule():
    phony = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())
    assert phony == RULES
    helped = {w for line in re.findall(r'@echo "make (.+?)  ', MAKEFILE) for w in re.split(r"[ |]+", line) if w}
    assert helped <= RULES
    called = re.findall(r"^\s*make (\S+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert called
    assert set(called) <= RULES


def test_every_extra_is_imported_somewhere():
    imported = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {a.name.partition(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "require":
                imported.add(str(ast.literal_eval(node.args[0])).partition(".")[0])
    extras = {k: v for k, v in PROJECT["project"]["optional-dependencies"].items() if k not in TOOLS}
    unused = {
        extra: names
        for extra, wanted in extras.items()
        if not (names := {MODULES.get(n, n) for n in map(distribution, wanted)}) & imported
    }
    assert unused == {}


def distribution(requirement: str) -> str:
    return re.match(r"[\w-]+", requirement)[0]


def test_all_holds_every_extra_of_libraries_and_doctor_looks_for_each():
    from murid.run.doctor import EXTRAS

    extras = PROJECT["project"]["optional-dependencies"]
    listed = set(re.search(r"\[(.+)\]", extras["all"][0])[1].split(","))
    assert listed == set(extras) - TOOLS == set(EXTRAS)


def test_versions_of_python_agree():
    """Classifiers, requires-python, mypy and the CI matrix name the same versions."""
    classified = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    least = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert classified[0] == least == PROJECT["tool"]["mypy"]["python_version"]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    for job in ("locked", "lowest"):
        assert jobs[job]["strategy"]["matrix"]["python"] == classified
    assert f"Python ≥ {least}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_calls_targets_that_there_are():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    called = {w for line in re.findall(r"run: make (.+)$", text, re.MULTILINE) for w in line.split() if "=" not in w}
    assert called <= RULES


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem)
def test_issue_forms_are_valid(form):
    """Fields as GitHub asks for them: every input has an id of its own and a label."""
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        return
    assert {"name", "description", "body"} <= set(content)
    ids = [field["id"] for field in content["body"] if field["type"] != "markdown"]
    assert len(set(ids)) == len(ids) > 0
    assert all(field["attributes"]["label"] for field in content["body"])
    commands = re.findall(r"`murid (\w+)", form.read_text(encoding="utf-8"))
    assert set(commands) <= known_commands()


def known_commands() -> set[str]:
    import typer

    from murid.cli.app import app

    return set(typer.main.get_command(app).commands)


def test_every_dependency_is_locked():
    locked = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(w for e in extras.values() for w in e)]
    names = {re.sub(r"[-_.]+", "-", distribution(w)).lower() for w in wanted} - {"murid"}
    assert names <= locked


def test_readme_shows_commands_and_code():
    """They exist and run by the tests of all pages; here that there are some to look at."""
    readme = ROOT / "README.md"
    assert {line.split()[1] for line in command_lines(readme)} >= {"demo", "new", "add", "check", "assay", "report"}
    assert python_blocks(readme)
