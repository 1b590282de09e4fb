"""Text is UTF-8 and paths inside a study have ``/`` on every machine: Windows and old clusters have other defaults."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
#: Modes of text: ``Path.open("a")``, and ``gzip.open(path, "rt")``, where only "t" says so.
PATH_MODE, GZIP_MODE = re.compile(r"[rwax]\+?t?\+?"), re.compile(r"[rwax]t")


def is_text(mode: ast.expr | None, pattern: re.Pattern[str]) -> bool:
    """True where an argument is a word that opens text."""
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(pattern.fullmatch(mode.value))


def unstated(code: str) -> list[int]:
    """Return the lines that read or write text without an encoding."""
    lines, tree = [], ast.parse(code)
    managed = {id(n.context_expr) for n in ast.walk(tree) if isinstance(n, ast.withitem)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        named = {keyword.arg for keyword in node.keywords}
        first = node.args[0] if node.args else None
        mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), None)
        if name == "read_text":
            lacks = first is None
        elif name == "write_text":
            lacks = len(node.args) < 2
        elif name == "open" and isinstance(node.func, ast.Name) and len(node.args) < 4:
            mode = mode or (node.args[1] if len(node.args) > 1 else ast.Constant("r"))
            lacks = not (isinstance(mode, ast.Constant) and "b" in str(mode.value))
        elif name == "open":
            lacks = is_text(mode or first, PATH_MODE) or (len(node.args) > 1 and is_text(node.args[1], GZIP_MODE))
            lacks |= id(node) in managed and not (node.args or mode)
        else:
            lacks = False
        if lacks and "encoding" not in named and None not in named:
            lines.append(node.lineno)
    return sorted(lines)


def test_the_scan_sees_what_it_must():
    code = "a.read_text()\na.read_text('utf-8')\na.write_text('x')\nopen(p)\nopen(p, 'rb')\nopen(p, encoding='utf-8')"
    assert unstated(code) == [1, 3, 4]
    code = "p.open('a')\np.open('rb')\np.open('w', newline='', encoding='utf-8')\np.open(mode='r+')\nvalue.open()\n"
    code += "with p.open() as f: ...\ngzip.open(p, 'rt')\nav.open(p, 'w')\nopen(p, mode='rb')"
    assert unstated(code) == [1, 4, 6, 7]


def test_every_text_file_has_an_encoding():
    wrong = [f"{p.relative_to(ROOT)}:{n}" for p in SOURCES for n in unstated(p.read_text(encoding="utf-8"))]
    assert wrong == []


def test_paths_inside_a_study_are_written_with_slashes():
    """A model is the same model, and a result whole, also where the study was made on Windows."""
    wrong = [f"{p.relative_to(ROOT)}" for p in SOURCES if re.search(r"\bstr\(\w+\.relative_to\(", p.read_text("utf-8"))]
    assert wrong == []
