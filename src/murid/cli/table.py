"""Tables on a screen: every column that is shown can be read, the others are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murid.cli.option_messages import for_command_line

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

#: Rows of a table shown; all of them are in the run's tables.
MAX_ROWS = 60
#: A text is broken into lines of at least so many letters.
_NARROWEST_TEXT = 12
#: Between two columns: space, line, space.
_GAP = 3


@dataclass(frozen=True)
class _Column:
    """What a column needs: all of it on one line, or at least whole numbers and whole words of its heading."""

    name: str
    cells: list[str]
    number: bool

    @property
    def natural(self) -> int:
        """Width on which nothing is broken."""
        return max(_width(self.name), *(_width(c) for c in self.cells), 1)

    @property
    def least(self) -> int:
        """Width below which it cannot be read."""
        longest = max((_width(c) for c in self.cells), default=1)
        word = max((_width(w) for w in self.name.split()), default=1)
        return max(word, longest if self.number else min(longest, _NARROWEST_TEXT), 1)


def print_table(console: Console, title: str, table: pd.DataFrame) -> None:
    """Print a table within the width of the screen.

    Long headings and texts are broken into lines; numbers never are. Columns that hold nothing are left
    out, and those for which there is no room are named below.
    """
    from rich.table import Table

    shown = table.head(MAX_ROWS)
    columns = [_column(shown, k) for k in range(shown.shape[1])]
    columns = [c for c in columns if any(cell not in ("", "-") for cell in c.cells)] or columns
    columns, hidden = _that_fit(columns, console.width)
    drawn = Table(header_style="bold", show_edge=False, pad_edge=False)
    for column, width in zip(columns, _widths(columns, console.width), strict=True):
        drawn.add_column(column.name, justify="right" if column.number else "left", overflow="fold", width=width)
    for row in zip(*(c.cells for c in columns), strict=True):
        drawn.add_row(*row)
    console.print(title, style="italic", markup=False, soft_wrap=True)
    console.print(drawn, markup=False)
    if len(table) > MAX_ROWS:
        console.print(f"... {len(table) - MAX_ROWS} more rows")
    if hidden:
        names = ", ".join(c.name for c in hidden)
        console.print(f"No room for {len(hidden)} more columns: {names}", markup=False, soft_wrap=True)
    console.print()


def _column(table: pd.DataFrame, k: int) -> _Column:
    values = table.iloc[:, k]
    number = values.dtype.kind in "if"
    return _Column(str(table.columns[k]), [cell_text(v) for v in values], number)


def cell_text(value: Any) -> str:
    """Text of a cell: numbers with three digits, missing ones as ``-``."""
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return for_command_line(str(value))


def _that_fit(columns: list[_Column], width: int) -> tuple[list[_Column], list[_Column]]:
    """Columns from the left for which there is room, and the others."""
    used = 0
    for k, column in enumerate(columns):
        used += column.least + (_GAP if k else 0)
        if used > width and k:
            return columns[:k], columns[k:]
    return columns, []


def _widths(columns: list[_Column], width: int) -> list[int]:
    """Width of each column: what is left over goes, letter by letter, to the one that lacks most."""
    widths = [c.least for c in columns]
    wanted = [c.natural for c in columns]
    spare = width - sum(widths) - _GAP * (len(columns) - 1)
    if spare >= sum(wanted) - sum(widths):
        return wanted
    for _ in range(spare):
        lacking = [w - have for w, have in zip(wanted, widths, strict=True)]
        widths[lacking.index(max(lacking))] += 1
    return widths


def _width(text: str) -> int:
    """Columns of the screen that a text takes; some letters take two."""
    from rich.cells import cell_len

    return max((cell_len(line) for line in text.splitlines()), default=0)
