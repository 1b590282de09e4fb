"""Write one page a package with every public object (``__all__``), from its docstring."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx

import murid

FOLDER = "api"


def public_packages() -> list[str]:
    """Names of murid and its packages that list public objects."""
    names = ["murid", *(f"murid.{m.name}" for m in pkgutil.iter_modules(murid.__path__) if m.ispkg and m.name != "cli")]
    return [n for n in names if hasattr(importlib.import_module(n), "__all__")]


def public_objects(package: str) -> dict[str, object]:
    """Public objects of a package by name; modules are left out."""
    module = importlib.import_module(package)
    found = {name: getattr(module, name) for name in module.__all__}
    return {k: v for k, v in found.items() if not isinstance(v, ModuleType) and not k.startswith("__")}


def first_line(value: object) -> str:
    """First sentence of a docstring."""
    return (inspect.getdoc(value) or "").strip().split("\n\n")[0].replace("\n", " ")


def homes() -> dict[int, str]:
    """Where each object has its entry: the package it belongs to, or murid itself for the rest."""
    found: dict[int, str] = {}
    for package in [*(p for p in public_packages() if p != "murid"), "murid"]:
        for name, value in public_objects(package).items():
            found.setdefault(id(value), f"{package}.{name}")
    return found


def page(package: str, home: dict[int, str]) -> str:
    """One page: what the package is, a table of its objects, then those that have their entry here."""
    module = importlib.import_module(package)
    objects = public_objects(package)
    lines = [package, "=" * len(package), "", first_line(module), ""]
    if objects:
        lines += [".. list-table::", "   :widths: 30 70", ""]
        for name, value in objects.items():
            about = first_line(value) if inspect.isroutine(value) or inspect.isclass(value) else "a value"
            lines += [f"   * - `{name} <{home[id(value)]}>`", f"     - {about}"]
        lines.append("")
    lines += [f".. currentmodule:: {package}", ""]
    for name, value in objects.items():
        if home[id(value)] != f"{package}.{name}":
            continue
        kind = "class" if inspect.isclass(value) else "function" if inspect.isroutine(value) else "data"
        lines += [name, "-" * len(name), "", f".. auto{kind}:: {package}.{name}"]
        lines += ["   :members:", ""] if kind == "class" else [""]
    return "\n".join(lines)


def write_pages(app: Sphinx) -> None:
    """Write the pages where their text has changed."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    packages = [p for p in public_packages() if public_objects(p)]
    home = homes()
    pages = {p: page(p, home) for p in packages}
    index = ["API reference", "=============", "", "Every public object, from its docstring.", "", ".. toctree::", ""]
    pages["index"] = "\n".join([*index, *(f"   {p}" for p in packages), ""])
    for old in folder.glob("*.rst"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def keep_bars(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Keep ``|z|`` of docstrings as it is written: reStructuredText would look for a substitution."""
    lines[:] = [re.sub(r"(?<![\\`|\w])\|(\w[^|`]*)\|(?!\w)", r"\\|\1\\|", line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx's entry point."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", keep_bars)
    return {"parallel_read_safe": True}
