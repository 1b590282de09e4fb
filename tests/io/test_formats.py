"""Every format: recognised by content alone, read exactly, listed in the docs, with a golden file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import murid.io as io
from murid.io import registry
from tests.io import golden
from tests.io.golden import GOLDEN

for module in pkgutil.iter_modules(golden.__path__, f"{golden.__name__}."):
    importlib.import_module(module.name)  # each registers its files


@pytest.mark.parametrize(("kind", "name"), sorted(GOLDEN), ids="-".join)
def test_golden(kind, name, tmp_path):
    path, options, check = GOLDEN[kind, name](tmp_path)
    assert registry.find(kind, path).name == name  # by content, with no hint
    read = getattr(io, registry.KINDS[kind][0])
    check(read(path, **options))
    check(read(path, source=name, **options))


def test_every_reader_is_registered_golden_and_documented():
    known = {(r.kind, r.name) for r in registry.readers()}
    assert known == set(GOLDEN), "each format needs one golden file, and no more"
    docs = (Path(__file__).parents[2] / "docs" / "reference" / "formats.md").read_text()
    missing = [name for _, name in known if f"`{name}`" not in docs]
    assert not missing, f"docs/reference/formats.md lacks {missing}"


def test_every_format_file_registers_a_reader():
    registering = {r.read.__module__ for r in registry.readers()}
    for kind in ("poses", "labels", "traces"):
        package = __import__(f"murid.io.{kind}", fromlist=["x"])
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if not info.name.rsplit(".", 1)[1].startswith("_"):
                assert info.name in registering, f"{info.name} registers no reader"


def test_formats_table_has_a_row_per_format():
    table = io.formats_table()
    assert len(table) == len(GOLDEN)
    assert all(row["about"] and row["suffixes"] for row in table)
    options = {(row["kind"], row["name"]): set(row["options"].split(", ")) - {""} for row in table}
    for reader in registry.readers():
        own = set(inspect.signature(reader.read).parameters) - {"path"}
        assert options[reader.kind, reader.name] == own, reader.name
