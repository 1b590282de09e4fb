"""Analyses that declare themselves: paradigms and neural analyses are found in their folders, without an import."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

#: Folder of murid → family of the analyses in it.
FOLDERS = {"assays": "assay", "neural": "neural"}

#: Values by which a keyword is as good as left out.
_NOTHING = ("none", "", False, None)


class Declaration(NamedTuple):
    """What the source of an analysis tells before it is imported.

    Attributes
    ----------
    name, module, family : str
    what : str
        First line of the docstring.
    options : dict of str to bool
        Keyword of the declaration → whether it is given (and is not ``"none"``, ``""`` or False).
    """

    name: str
    module: str
    family: str
    what: str
    options: dict[str, bool]


def read_declarations(package: Path | None = None) -> list[Declaration]:
    """Return the analyses that modules of `FOLDERS` declare, in the order of folders and files.

    The sources are read and not imported: importing them takes a second, and they lie on floors above.

    Parameters
    ----------
    package : Path, optional
        Folder of a package that is built like murid; murid's own by default.
    """
    root = package or Path(__file__).parents[1]
    return [
        declared
        for folder, family in FOLDERS.items()
        for path in sorted((root / folder).glob("[a-z]*.py"))
        for declared in _declared_in(path, f"{root.name}.{folder}.{path.stem}", family)
    ]


def _declared_in(path: Path, module: str, family: str) -> list[Declaration]:
    text = path.read_text(encoding="utf-8")
    if "@analysis(" not in text:
        return []
    declared = []
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    for node in functions:
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "analysis":
                given = {str(k.arg): not _is_nothing(k.value) for k in call.keywords}
                what = (ast.get_docstring(node) or "").partition("\n")[0]
                declared.append(Declaration(ast.literal_eval(call.args[0]), module, family, what, given))
    return declared


def _is_nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value in _NOTHING
