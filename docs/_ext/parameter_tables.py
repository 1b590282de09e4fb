"""Write the parameter tables of the pages from the declarations: ``python docs/_ext/parameter_tables.py``.

A page marks the place of a table by ``<!-- params: NAME -->`` and ``<!-- /params -->``. NAME is a method, an analysis
or the path of a declaration (``murid.prepare.CleanParams``). What stands between the marks is written anew; a test
fails where it is not what the declaration gives.
"""

from __future__ import annotations

import importlib
import inspect
import re
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args, get_origin

from murid.data.analysis import find_analysis
from murid.data.params import Params
from murid.data.registry import analysis_names
from murid.methods import method_class, method_names
from murid.methods.parameters import changed

DOCS = Path(__file__).parents[1]
MARKED = re.compile(r"(<!-- params: ([\w.]+) -->\n)(.*?)(<!-- /params -->)", re.DOTALL)
HEAD = "| parameter | default | unit | what and why |\n|---|---|---|---|\n"
#: Groups of parameters that have a page with a table of their own.
ELSEWHERE = {
    "CleanParams": "how poses are cleaned first, see [cleaning](../background/cleaning.md)",
    "FeatureParams": "what is described, see [features](../reference/features.md)",
}
#: Longer defaults (the text of a rule table) are not shown.
LONGEST = 200
#: Larger groups are listed in one row.
MOST_ROWS = 12


def declaration(name: str) -> type[Params]:
    """Return the declaration that a mark names.

    Parameters
    ----------
    name : str
        A method, an analysis, or the path of a subclass of `Params`.
    """
    if name in method_names():
        return method_class(name).Params
    if name in analysis_names():
        return find_analysis(name).params
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def shown(value: object) -> str:
    """Return a default as people write it: 1/30 and not 0.03333333333333333."""
    if isinstance(value, Params):
        name = type(value).__name__
        return f"`{name}({changed(value)})`" if name in ELSEWHERE else f"`{name}`"
    if isinstance(value, tuple):
        return f"({', '.join(shown(v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        near = Fraction(value).limit_denominator(100)
        exact = len(repr(value)) < 9 or float(near) != value
        return repr(value) if exact else str(near)
    return repr(value)


def table(params: type[Params]) -> str:
    """Return the table of a declaration: a row a parameter, and one for each of those inside a small group."""
    return HEAD + "\n".join(rows(params)) + "\n"


def rows(params: type[Params], group: Params | None = None, prefix: str = "") -> list[str]:
    """Return the rows of a declaration, or of a group of parameters with its own defaults."""
    lines = []
    for row in params.table():
        info = params.model_fields[row["name"]]
        value = getattr(group, row["name"]) if group else info.get_default(call_default_factory=True)
        default = "required" if info.is_required() and not group else shown(value)
        default = default if len(default) <= LONGEST else "see above"
        what = row["why"] or group_text(value)
        choices = choices_of(info.annotation)
        what = f"{what} ({', '.join(map(shown, choices))})" if choices else what
        cells = (f"`{prefix}{row['name']}`", default, row["unit"], what)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
        if is_small(value):
            lines += rows(type(value), value, f"{row['name']}.")
    return lines


def is_small(value: object) -> bool:
    """True for a group whose parameters get rows of their own."""
    small = isinstance(value, Params) and len(type(value).model_fields) <= MOST_ROWS
    return small and type(value).__name__ not in ELSEWHERE


def choices_of(annotation: object) -> tuple[object, ...]:
    """Return the values that a parameter may have, where they are listed."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for part in get_args(annotation) for choice in choices_of(part))


def group_text(value: object) -> str:
    """Return what a group of parameters is for and what is in it; "" for anything else."""
    if not isinstance(value, Params):
        return ""
    name = type(value).__name__
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    about = (inspect.getdoc(type(value)) or "").split("\n")[0].rstrip(".")
    about = f"{about[:1].lower()}{about[1:]}"
    return about if is_small(value) else f"{about}: {', '.join(f'`{k}` {shown(v)}' for k, v in value)}"


def written(text: str) -> str:
    """Return a page with every marked table made anew."""
    return MARKED.sub(lambda found: found[1] + table(declaration(found[2])) + found[4], text)


def pages() -> list[Path]:
    """Return the pages that have a marked table."""
    return [p for p in sorted(DOCS.rglob("*.md")) if MARKED.search(p.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    for page in pages():
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
