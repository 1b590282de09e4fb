"""Benchmarks import what is there: nobody runs them every day."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_dotted_names import resolves

FOLDER = ROOT / "benchmarks"


def defined(path: Path) -> set[str]:
    """Names that a module defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def missing(path: Path) -> list[str]:
    """Imports of murid and of other benchmarks that find nothing."""
    out = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        room, *_ = node.module.split(".")
        if room == "murid":
            out += [f"{node.module}.{a.name}" for a in node.names if not resolves(f"{node.module}.{a.name}")]
        elif room == "benchmarks":
            at = ROOT.joinpath(*node.module.split("."))
            held = defined(at.with_suffix(".py")) if at.with_suffix(".py").exists() else {p.stem for p in at.iterdir()}
            out += [f"{node.module}.{a.name}" for a in node.names if a.name not in held]
    return out


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda p: p.relative_to(FOLDER).as_posix())
def test_what_a_benchmark_imports_is_there(path):
    assert missing(path) == []


def test_a_name_that_is_gone_is_found(tmp_path):
    path = tmp_path / "bench.py"
    path.write_text(
        "from murid.stats import no_such\nfrom benchmarks._films import with_context\nfrom murid import Study\n"
    )
    assert missing(path) == ["murid.stats.no_such", "benchmarks._films.with_context"]


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["rearing", "freezing", "rat_social", "vame"])
def test_real_recordings_of_a_benchmark_are_read(name, data_dir):
    from benchmarks import freezing, rat_social, rearing, vame

    read = {
        "rearing": lambda: rearing.recordings(data_dir),
        "freezing": lambda: freezing.halves(data_dir / "behaviordepot" / "demo1"),
        "rat_social": lambda: [rat_social.session(1, data_dir / "rat_social")],
        "vame": lambda: [r for kind in ("bsoid_openfield", "three_chamber") for r in vame.real_recordings(kind)[:1]],
    }[name]()
    assert all(len(r.poses["time"]) > 100 for r in read)
    assert len({r.id for r in read}) == len(read)
