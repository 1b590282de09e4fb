"""Text is UTF-8 on every machine: Windows and old clusters have another default."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def unstated(code: str) -> list[int]:
    """Return the lines that read or write text without an encoding."""
    lines = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        named = {keyword.arg for keyword in node.keywords}
        first = node.args[0] if node.args else None
        if name == "read_text":
            lacks = first is None
        elif name == "write_text":
            lacks = len(node.args) < 2
        elif name == "open" and isinstance(node.func, ast.Name) and len(node.args) < 4:
            mode = node.args[1] if len(node.args) > 1 else ast.Constant("r")
            lacks = not (isinstance(mode, ast.Constant) and "b" in str(mode.value))
        else:
            lacks = False
        if lacks and "encoding" not in named and None not in named:
            lines.append(node.lineno)
    return lines


def test_the_scan_sees_what_it_must():
    code = "a.read_text()\na.read_text('utf-8')\na.write_text('x')\nopen(p)\nopen(p, 'rb')\nopen(p, encoding='utf-8')"
    assert unstated(code) == [1, 3, 4]


def test_every_text_file_has_an_encoding():
    wrong = [f"{p.relative_to(ROOT)}:{n}" for p in SOURCES for n in unstated(p.read_text(encoding="utf-8"))]
    assert wrong == []
