"""Columns of declared tables are read by their declaration, never by a name in a string."""

import ast
from pathlib import Path

import pytest

import murid
from murid.data.analysis import find_analysis
from murid.data.registry import BUILT_IN
from murid.data.tables import KEYS

ROOT = Path(murid.__file__).parent
FILES = sorted([*(ROOT / "report").rglob("*.py"), *(ROOT / "cli").rglob("*.py")])
TABLES = {t.name: set(t.columns) - set(KEYS) for name in BUILT_IN for t in find_analysis(name).tables}
#: Names of tables that commands which are no analysis write too: theirs are read as before.
ELSEWHERE = {"motifs", "summary", "bouts", "comparison"}
#: (file, table) that may be read by name, and why.
ALLOWED: dict[tuple[str, str], str] = {}


def reads(tree: ast.AST) -> list[tuple[str, str, int]]:
    """Return ``(table, column, line)`` of every column read by a literal from a table of a run.

    Followed are names bound to ``run.table("x")``, ``tables["x"]`` or ``….frame``, and what is made from them.
    """
    found = []
    for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]:
        bound: dict[str, str] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                table = source_of(node.value, bound)
                if table:
                    bound[node.targets[0].id] = table
        for node in ast.walk(function):
            name, value = literal_of(node)
            table = source_of(value, bound) if name else ""
            columns = set().union(*TABLES.values()) if table == "*" else TABLES.get(table, set())
            if name in columns:
                found.append((table, name, node.lineno))
    return found


def literal_of(node: ast.AST) -> tuple[str, ast.AST | None]:
    """Name and base of ``base["name"]`` and ``base.get("name")``."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value, node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        first = node.args[0]
        return (first.value, node.func.value) if isinstance(first, ast.Constant) else ("", None)
    return "", None


def source_of(node: ast.AST | None, bound: dict[str, str]) -> str:
    """Return the table that an expression comes from, "*" for the frame of any declared table, "" for none."""
    while node is not None:
        if isinstance(node, ast.Name):
            return bound.get(node.id, "")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "table" and node.args and isinstance(node.args[0], ast.Constant):
                return str(node.args[0].value)
            node = node.func.value
        elif isinstance(node, ast.Subscript):
            if isinstance(node.value, (ast.Name, ast.Attribute)) and name_of(node.value) == "tables":
                return str(node.slice.value) if isinstance(node.slice, ast.Constant) else ""
            node = node.value
        elif isinstance(node, ast.Attribute):
            if node.attr == "frame":
                return "*"
            node = node.value
        elif isinstance(node, ast.IfExp):
            return source_of(node.body, bound) or source_of(node.orelse, bound)
        else:
            return ""
    return ""


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_the_scan_sees_what_it_must():
    text = (
        "def f(run):\n"
        "    t = run.table('tuning', ['p'])\n"
        "    a = t[t['p'].notna()]\n"
        "    return a.get('direction'), run.tables['quality']['verdict'], run.rows(T).frame['auroc'], run.s['p']\n"
    )
    assert sorted({(table, column) for table, column, _ in reads(ast.parse(text))}) == [
        ("*", "auroc"),
        ("quality", "verdict"),
        ("tuning", "direction"),
        ("tuning", "p"),
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_column_of_a_declared_table_is_a_string(path):
    file = str(path.relative_to(ROOT))
    found = [
        f"{file}:{line}: column '{column}' of table '{table}'"
        for table, column, line in reads(ast.parse(path.read_text()))
        if table not in ELSEWHERE and (file, table) not in ALLOWED
    ]
    assert not found, "read it by declaration, TABLE.rows(frame).column:\n" + "\n".join(found)
