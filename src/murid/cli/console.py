"""What people see: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from murid.cli.option_messages import for_command_line
from murid.cli.table import print_table
from murid.data.repeats import say_once

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

#: Warnings shown after a command; the others are in the run's provenance.
MAX_WARNINGS = 10


@dataclass
class Reply:
    """What a command has to say.

    Attributes
    ----------
    data : dict
        For ``--json``: plain values.
    text : list of str
        Sentences for people, after the tables.
    tables : dict of str to DataFrame
        Title → table for people.
    warnings : list of str
        Shown on stderr.
    code : int
        Exit code.
    """

    data: dict[str, Any] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    code: int = 0


def _console(stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # A pipe has no width of its own: give tables room instead of cutting them at 80 columns.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 160)


def show(reply: Reply, as_json: bool, heard: Collection[str] = ()) -> None:
    """Print a reply; its warnings without those that were `heard` already."""
    if as_json:
        write_json(reply.data)
    else:
        console = _console(stderr=False)
        for title, table in reply.tables.items():
            print_table(console, title, table)
        for line in reply.text:
            console.print(line, markup=False, soft_wrap=True)
    warn([text for text in reply.warnings if text not in heard])


def warn(texts: list[str]) -> None:
    """Print warnings on stderr, the first few; the same about several recordings once."""
    texts = say_once(texts)
    console = _console(stderr=True)
    for text in texts[:MAX_WARNINGS]:
        console.print(f"warning: {for_command_line(text)}", style="yellow", markup=False, soft_wrap=True)
    if len(texts) > MAX_WARNINGS:
        more = f"... and {len(texts) - MAX_WARNINGS} more; what a run warned of stands in its provenance.json"
        console.print(more, style="yellow", soft_wrap=True)


def error(text: str) -> None:
    """Print one message, red, on stderr."""
    _console(stderr=True).print(f"error: {for_command_line(text)}", style="bold red", markup=False, soft_wrap=True)


def write_json(data: dict[str, Any]) -> None:
    """Write one JSON object on stdout."""
    from murid.data.json_values import to_plain

    sys.stdout.write(json.dumps(to_plain(data, name="--json"), indent=1, allow_nan=False) + "\n")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain mappings."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


@contextmanager
def working() -> Iterator[set[str]]:
    """Draw progress bars with the time left, and print Python warnings as one line each, on stderr; give these.

    What is said of one recording is printed at the end, where the same of several is said once.
    """
    from murid.data import progress

    heard: set[str] = set()
    later: list[str] = []

    def say(message: Any, *_: Any, **__: Any) -> None:
        text = str(message)
        if text in heard:
            return
        heard.add(text)
        if "recording '" in text.partition(":")[0] or len(heard) > MAX_WARNINGS:
            later.append(text)
        else:
            warn([text])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = say
        try:
            if not sys.stderr.isatty():
                with progress.silent():
                    yield heard
                return
            with _Bars() as bars, progress.listen(bars.hear):
                yield heard
        finally:
            warn(later)


class _Bars:
    """One bar per kind of work that is going on."""

    def __enter__(self) -> _Bars:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=_console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def hear(self, text: str, done: float, total: float) -> None:
        """Move the bar of `text`."""
        if text not in self._tasks:
            self._tasks[text] = self._progress.add_task(text, total=total)
        self._progress.update(self._tasks[text], completed=done, total=total)
        if done >= total:
            self._progress.remove_task(self._tasks.pop(text))
