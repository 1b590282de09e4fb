"""Write docs/reference/cli.md from the application itself: ``python -m murid.cli.docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import typer

from murid.cli.app import app

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


def write_page(target: str = "docs/reference/cli.md") -> None:
    """Write the page."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reference())


if __name__ == "__main__":
    write_page(*sys.argv[1:])
