"""The version is written in one place, the tag; clones without tags and archives without history have one too."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml

import murid

ROOT = Path(__file__).parents[2]
NEEDED = ("pyproject.toml", "README.md", "LICENSE", ".git_archival.txt", ".gitattributes", ".gitignore")


def git(tree: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=", *words]
    return subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


def version_of(tree: Path) -> str:
    """What a build of a tree would be called."""
    core, manager = pytest.importorskip("hatchling.metadata.core"), pytest.importorskip("hatchling.plugin.manager")
    pytest.importorskip("hatch_vcs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an archive of a clone without tags: said by the build, tried here
        return core.ProjectMetadata(str(tree), manager.PluginManager()).version


@pytest.fixture
def tree(tmp_path) -> Path:
    """A repository with murid's own build settings and one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "tree"
    (folder / "src" / "murid").mkdir(parents=True)
    (folder / "src" / "murid" / "__init__.py").touch()
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


def archive_of(tree: Path, name: str) -> Path:
    """Unpack what `git archive` gives, as a download of the source is."""
    folder = tree.parent / name
    git(tree, "archive", "--output", f"{folder}.tar", "HEAD")
    with tarfile.open(f"{folder}.tar") as packed:
        packed.extractall(folder, filter="data")
    return folder


def test_the_tag_is_the_version(tree):
    git(tree, "tag", "v1.2.3")
    assert version_of(tree) == "1.2.3"
    assert version_of(archive_of(tree, "download")) == "1.2.3"
    git(tree, "commit", "-qm", "two", "--allow-empty")
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]+", version_of(tree))


def test_without_a_tag_or_any_history_it_still_builds(tree):
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", version_of(tree))
    assert version_of(archive_of(tree, "download")) == "0.0"
    shutil.rmtree(tree / ".git")
    assert version_of(tree) == "0.0"


def test_a_source_distribution_keeps_its_version(tree):
    sdist = pytest.importorskip("hatchling.builders.sdist")
    git(tree, "tag", "v1.2.3")
    path = next(iter(sdist.SdistBuilder(str(tree)).build(directory=str(tree.parent / "dist"))))
    with tarfile.open(path) as packed:
        packed.extractall(tree.parent / "unpacked", filter="data")
    assert version_of(tree.parent / "unpacked" / "murid-1.2.3") == "1.2.3"


def test_murid_asks_the_installed_package():
    try:
        assert murid.__version__ == version("murid")
    except PackageNotFoundError:
        assert murid.__version__ == "0+unknown"


def test_no_other_place_holds_a_version():
    places = [ROOT / "pyproject.toml", ROOT / "docs" / "conf.py", *(ROOT / "src").rglob("*.py")]
    literal = re.compile(r"""^\s*(?:__)?version(?:__)?\s*=\s*["']\d""", re.MULTILINE)
    assert [str(p) for p in places if literal.search(p.read_text(encoding="utf-8"))] == []


def test_citation_and_changelog_name_the_same_release():
    """Version and date of CITATION.cff are those of the newest dated heading; none where nothing was released."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "type", "authors", "license"} <= set(citation)
    assert citation["license"] == "BSD-3-Clause"
    headings = re.findall(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings, "CHANGELOG.md has no heading: ## X.Y.Z (YYYY-MM-DD)"
    released = [(name, day) for name, day in headings if day != "unreleased"]
    stated = (str(citation.get("version", "")), str(citation.get("date-released", "")))
    assert stated == (released[0] if released else ("", ""))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for _, day in released)
