"""The application: one file per command, gathered here.

Adding a command
----------------
1. Write ``cli/<name>.py`` with one function under ``@command(...)`` that returns a `Reply`.
2. Name it in `COMMANDS`.
3. Run ``python -m murid.cli.docs`` to bring docs/reference/cli.md up to date; a test fails otherwise.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

#: Module and function of each command, in the order they are needed.
COMMANDS = (
    "new",
    "sheet",
    "add",
    "zones",
    "check",
    "assay",
    "fit",
    "apply",
    "evaluate",
    "compare_motifs",
    "films",
    "export",
    "explain",
    "label_queue",
    "neural",
    "analyses",
    "report",
    "cite",
    "methods",
    "formats",
    "demo",
    "doctor",
)

app = typer.Typer(
    name="murid",
    help="What did the animal do, does it differ between groups, which neurons care?\n\n"
    "First steps: [bold]murid demo[/bold], then [bold]murid new[/bold], [bold]murid add[/bold], "
    "[bold]murid check[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from murid import __version__

        typer.echo(f"murid {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


for _name in COMMANDS:
    importlib.import_module(f"murid.cli.{_name}").register(app)


def main() -> None:
    """Entry point of the ``murid`` command. Exit codes: 0 ok, 1 data or parameters, 2 usage, 130 stopped."""
    _print_what_the_shell_cannot()
    _refuse_letters_that_were_lost(sys.argv[1:])
    app()


def _print_what_the_shell_cannot() -> None:
    """Print letters that the encoding of the shell lacks as their code, as stderr does, instead of an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _refuse_letters_that_were_lost(words: Sequence[str]) -> None:
    """Exit where the locale of the shell could not read a word: it would be stored as something else."""
    lost = [w for w in words if not w.isascii() and any("\ud800" <= letter <= "\udfff" for letter in w)]
    if lost:
        from murid.cli.console import error

        shown = lost[0].encode("ascii", "backslashreplace").decode()
        error(
            f"the encoding of this shell ({sys.getfilesystemencoding()}) cannot read '{shown}'; "
            "-> set PYTHONUTF8=1 or LC_ALL=C.UTF-8, and run again"
        )
        sys.exit(2)
