"""Write docs/reference/cli.md and analyses.md from what is declared: ``python -m murid.cli.docs``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from murid.cli.app import app
from murid.data.analysis import Analysis, find_analysis
from murid.data.registry import BUILT_IN

_HEAD = """# Command line

Made from the commands themselves by `python -m murid.cli.docs`; do not edit.

Every command knows `--help`, `--json` (one JSON object on stdout, everything else on stderr) and `--debug`.
Exit codes: 0 ok, 1 something is wrong with data or parameters, 2 the command cannot be read, 130 stopped
with Ctrl-C (run it again to continue).

| command | what it does |
|---|---|
"""


def reference() -> str:
    """Return the page: a row and a section a command."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    rows = [f"| [`murid {name}`](#murid-{name}) | {_first(c.help)} |" for name, c in commands.items()]
    sections = [_section(name, command) for name, command in commands.items()]
    return _HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


_ANALYSES = """# Analyses

Made from their declarations by `python -m murid.cli.docs`; do not edit.

An analysis takes a recording and gives declared tables. Each is called on the command line as below, in Python as
`murid.run_analysis(study, name, params)`. Every table also has the columns that say whose row it is: recording,
animal, group, day, session and individual, where there are some. One of your own:
[an analysis of your own](../how-to/your_own_analysis.md).

| analysis | command | what it does | needs |
|---|---|---|---|
"""


def analyses_page(names: Sequence[str] = tuple(BUILT_IN)) -> str:
    """Return the page of the analyses: a row and a section each, from their declarations."""
    chosen = [find_analysis(name) for name in names]
    return _ANALYSES + "\n".join(map(_row_of, chosen)) + "\n\n" + "\n".join(map(_section_of, chosen))


def _row_of(analysis: Analysis) -> str:
    needs = [*analysis.needs, *filter(None, [" or ".join(analysis.any_of)])]
    needs += {"needed": ["labels or a model"], "optional": ["labels or a model where there are some"], "none": []}[
        analysis.states
    ]
    return (
        f"| [{analysis.name}](#{analysis.name.replace('_', '-')}) | `{analysis.command}` | {analysis.title} | "
        f"{', '.join(needs)} |"
    )


def _section_of(analysis: Analysis) -> str:
    lines = [f"## {analysis.name}", "", analysis.title, "", "| parameter | default | unit | why |", "|---|---|---|---|"]
    lines += [
        f"| `{row['name']}` | {_short(row['default'])} | {row['unit'] or '-'} | {row['why'].replace('|', '/')} |"
        for row in analysis.params.table()
    ]
    for table in analysis.tables:
        compared = " Its measures are compared between groups." if table.name == analysis.compare else ""
        measures = " One column a measure." if table.measures is not None else ""
        lines += ["", f"Table `{table.name}`. {table.caption}{measures}{compared}"]
        lines += ["", table.markdown()] if table.columns.keys() - {"individual"} else []
    return "\n".join([*lines, ""])


def _short(default: str) -> str:
    """A default as a cell shows it; that of a parameter of many lines is in the code."""
    return f"`{default}`" if len(default) <= 60 and "\\n" not in default else "see the code"


def _section(name: str, command: Any) -> str:
    lines = [f"## murid {name}", "", _plain(command.help), "", "| argument | what | default |", "|---|---|---|"]
    lines += [_row(p) for p in command.params if p.name not in ("json", "debug", "help")]
    if lines[-1].startswith("|---"):
        lines = lines[:-3]
    examples = re.findall(r"\[cyan\](.*?)\[/cyan\]", command.epilog or "")
    return "\n".join([*lines, "", "```bash", *examples, "```", ""])


def _row(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    names = ", ".join(f"`{n}`" for n in parameter.opts) if option else f"`{parameter.name.upper()}`"
    default = parameter.default
    shown = "" if default in (None, False, "", ()) or callable(default) else f"`{default}`"
    needed = "required" if parameter.required else shown
    return f"| {names} | {_plain(parameter.help or '').replace('|', '/')} | {needed} |"


def _first(text: str) -> str:
    return _plain(text).split("\n\n")[0].replace("\n", " ")


def _plain(text: str) -> str:
    return re.sub(r"\[/?(bold|cyan)\]", "", (text or "").strip())


def write_pages(folder: str = "docs/reference") -> None:
    """Write the pages."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / "cli.md").write_text(reference(), encoding="utf-8")
    (path / "analyses.md").write_text(analyses_page(), encoding="utf-8")


if __name__ == "__main__":
    write_pages(*sys.argv[1:])
