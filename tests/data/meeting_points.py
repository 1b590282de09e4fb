"""Finds the places above ``data/`` that align two nouns in their own way; see ``murid.data.meet``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: How clocks and times are called.
CLOCK = re.compile(r"(^|_)(times?|clocks?|stamps?|stops?|starts?|onsets?)(_|$)|_s$")
#: How texts are called that name an animal, a keypoint, a behaviour, a zone or a column made of these.
NAME = re.compile(r"(^|_)(names?|keypoints?|behaviou?rs?|individuals?|animals?|zones?|labels?|columns?)(_|$)")
TEXT_ENDS = {"startswith", "endswith", "removeprefix", "removesuffix"}
NAMES_OF = {"behaviour_names", "individual_names", "keypoint_names"}
AXES = {"individual", "keypoint", "behaviour"}


@dataclass(frozen=True)
class Offence:
    """One line that aligns by itself: what it does, and which function of ``murid.data`` does it for all."""

    kind: str
    line: int
    todo: str


def _words(node: ast.AST) -> Iterator[str]:
    """Identifiers and texts of an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _is_scale(node: ast.AST) -> bool:
    """Whether an expression is a scale: ``px_per_cm``, or that of attributes."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("float", "abs")
        and node.args
    ):
        return _is_scale(node.args[0])
    return _read_scale(node) or (isinstance(node, ast.Name | ast.Attribute) and _last(node) == "px_per_cm")


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _read_scale(node: ast.AST) -> bool:
    """``attrs["px_per_cm"]`` or ``attrs.get("px_per_cm")``."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return _last(node.value) == "attrs" and getattr(node.slice, "value", None) == "px_per_cm"
    if isinstance(node, ast.Call) and _last(node.func) == "get" and node.args:
        owner = node.func.value if isinstance(node.func, ast.Attribute) else node
        return _last(owner) == "attrs" and getattr(node.args[0], "value", None) == "px_per_cm"
    return False


def _of_call(call: ast.Call) -> tuple[str, str] | None:
    """Kind of offence of a call, and what to do instead."""
    name = _last(call.func)
    given = [*call.args, *(k.value for k in call.keywords)]
    if name == "searchsorted" or (name == "interp" and _last(getattr(call.func, "value", call)) == "np"):
        owner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        on_clock = any(CLOCK.search(word) for part in (*given, *owner) for word in _words(part))
        return f"{name} on {'a clock' if on_clock else 'values'}", "murid.data.resample or murid.data.clock"
    if name == "isel":
        axes = {k.arg for k in call.keywords} | {w for a in call.args for w in _words(a)}
        if axes & AXES:
            return "isel by place", "by name: murid.data.meet.column_of or by_individual"
    of = _words(call.func.value) if name in TEXT_ENDS and isinstance(call.func, ast.Attribute) else ()
    if any(NAME.search(word) for word in of):
        return "beginning or end of a name", "compare whole names, or carry what is meant beside the name"
    if name == "zip" and sum(_last(a.func) in NAMES_OF for a in given if isinstance(a, ast.Call)) > 1:
        return "two lists of names by place", "by name: murid.data.meet.by_individual or by_behaviour"
    return None


def offences(source: str) -> list[Offence]:
    """Places of a module that align two nouns in their own way."""
    out = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (found := _of_call(node)):
            out.append(Offence(found[0], node.lineno, found[1]))
        scaled = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Mult | ast.Div)
        sides = [getattr(node, side, None) for side in ("left", "right", "value")] if scaled else []
        if any(side is not None and _is_scale(side) for side in sides):
            out.append(Offence("arithmetic with px_per_cm", node.lineno, "LengthUnit.of(attrs).to(...)"))
        elif _read_scale(node):
            out.append(Offence("reads px_per_cm", node.lineno, "LengthUnit.of(attrs)"))
    return sorted(set(out), key=lambda o: o.line)


def all_offences(root: Path) -> list[tuple[str, Offence]]:
    """Offences of every module above ``data/``, by its path below `root`."""
    files = [p for p in sorted(root.rglob("*.py")) if p.relative_to(root).parts[0] != "data"]
    return [(str(p.relative_to(root)), o) for p in files for o in offences(p.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    import sys

    for path, o in all_offences(Path(sys.argv[1])):
        print(f"{path}:{o.line}: {o.kind}; {o.todo}")
