"""Tables that leave an analysis, declared once: columns with kind, unit, bounds and meaning.

A table is checked against its declaration where it is written, and read by its declaration in commands,
reports and documentation, so that a column that is renamed in one place cannot be missed in another.

`pandera` was looked at and left: it checks kinds and bounds, but knows neither units, captions nor which
columns are for people, and costs a dependency and half a second at import for what is short here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.errors import DataError, Faults, did_you_mean
from murid.data.reserved_names import ADDED_KEYS, KEYS, set_apart

Kind = Literal["number", "count", "text", "flag"]


class TableError(DataError):
    """A table is not as its analysis declares it: a mistake of the analysis, not of the data."""


@dataclass(frozen=True)
class TableColumn:
    """One column.

    Attributes
    ----------
    kind : {"number", "count", "text", "flag"}
        Float, whole number, text, or true/false. Numbers and counts may be missing.
    label : str
        Heading for people; the column's name by default.
    unit : str
        Physical unit (``"s"``, ``"cm"``), "" where there is none.
    low, high : float, optional
        Bounds that no valid value leaves.
    choices : tuple of str
        The only texts allowed, where there are few.
    why : str
        What it is, in one sentence.
    optional : bool
        The column may be absent.
    """

    kind: Kind
    label: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    why: str = ""
    optional: bool = False

    def faults(self, name: str, values: pd.Series, faults: Faults) -> None:
        """Note everything that is wrong with the values of this column."""
        if self.kind == "text":
            if self.choices:
                wrong = sorted({str(v) for v in values if v is not None and str(v) not in self.choices})
                if wrong:
                    faults.add(f"column '{name}'", expected=" or ".join(self.choices), got=", ".join(wrong[:5]))
            return
        try:
            numbers = pd.to_numeric(values).to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            faults.add(f"column '{name}'", expected=self.kind, got=str(values.dtype))
            return
        known = numbers[np.isfinite(numbers)]
        if self.kind == "count" and (known != np.round(known)).any():
            faults.add(f"column '{name}'", expected="whole numbers", got=str(known[known != np.round(known)][0]))
        if self.kind == "flag" and not np.isin(known, (0, 1)).all():
            faults.add(f"column '{name}'", expected="true or false", got=str(values.dtype))
        for bound, wrong in ((self.low, known < _or(self.low, -np.inf)), (self.high, known > _or(self.high, np.inf))):
            if wrong.any():
                side = ">=" if bound == self.low else "<="
                faults.add(f"column '{name}'", expected=f"{side} {bound:g}", got=f"{known[wrong][0]:g}")


def number_column(
    label: str = "",
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    why: str = "",
    optional: bool = False,
) -> TableColumn:
    """Declare a column of numbers; missing ones are NaN."""
    return TableColumn("number", label, unit, low, high, (), why, optional)


def count_column(label: str = "", *, unit: str = "", why: str = "", optional: bool = False) -> TableColumn:
    """Declare a column of whole numbers from 0 up."""
    return TableColumn("count", label, unit, 0, None, (), why, optional)


def text_column(
    label: str = "", *, choices: tuple[str, ...] = (), why: str = "", optional: bool = False
) -> TableColumn:
    """Declare a column of text, of few choices or free."""
    return TableColumn("text", label, "", None, None, choices, why, optional)


def flag_column(label: str = "", *, why: str = "", optional: bool = False) -> TableColumn:
    """Declare a column of true and false."""
    return TableColumn("flag", label, "", None, None, (), why, optional)


@dataclass(frozen=True)
class Table:
    """A declared table.

    Parameters
    ----------
    name : str
        Its name in a run: ``tables/<name>.csv``.
    columns : mapping of str to TableColumn
        In the order of the file. The keys of a row (`KEYS`) need no declaration.
    caption : str
        What one row is, in one sentence.
    measures : TableColumn, optional
        What columns that are not declared must be like, where they are the measures of an analysis (one
        column a measure); None when no other column is allowed.
    measures_after : str
        Declared column that those follow in the file; the last one by default.

    Raises
    ------
    TableError
        When a column is called like something that `TableRows` has itself (``take``, ``having``): as an attribute of
        the rows it could not be read.

    Examples
    --------
    >>> import pandas as pd
    >>> lengths = Table("lengths", {"length": number_column(unit="cm", low=0, why="of the body")}, "One row an animal.")
    >>> lengths.check(pd.DataFrame({"animal": ["a"], "length": [9.5]}))["length"].tolist()
    [9.5]
    >>> lengths.units()
    {'length': 'cm'}
    """

    name: str
    columns: Mapping[str, TableColumn]
    caption: str = ""
    measures: TableColumn | None = None
    measures_after: str = ""

    def __post_init__(self) -> None:
        hidden = [name for name in self.columns if name.startswith("_") or name == "frame" or hasattr(TableRows, name)]
        if hidden:
            faults = Faults(f"table '{self.name}'")
            for name in hidden:
                faults.add(f"column '{name}' cannot be read as an attribute of the rows", todo="give it another name")
            faults.raise_if_any(TableError)

    def check(self, frame: pd.DataFrame, *, owner: str = "") -> pd.DataFrame:
        """Return the table with its columns in the declared order.

        Parameters
        ----------
        frame : DataFrame
        owner : str
            The analysis that made it, for the error.

        Raises
        ------
        TableError
            Listing every column that is missing, unknown, of another kind or out of bounds, and measures that are
            called like a key.
        """
        faults = Faults(f"table '{self.name}'" + (f" of the analysis '{owner}'" if owner else ""))
        for name, column in self.columns.items():
            if name in frame:
                column.faults(name, frame[name], faults)
            elif not column.optional:
                faults.add(f"column '{name}' is missing", got=", ".join(map(str, frame.columns)) or "no column")
        for name in ADDED_KEYS:
            # The runner puts the keys before each row: a measure of that name would be lost without a word.
            if name in frame and name not in self.columns and pd.api.types.is_numeric_dtype(frame[name]):
                todo = f"call the measure otherwise, such as '{set_apart(name, KEYS, 'measure')}'"
                faults.add(f"column '{name}' says whose row it is", expected="text", got="numbers", todo=todo)
        others = [c for c in frame.columns if c not in self.columns and c not in KEYS]
        for name in others:
            if self.measures is None:
                faults.add(f"column '{name}' is not declared", todo=did_you_mean(str(name), self.columns))
            else:
                self.measures.faults(str(name), frame[name], faults)
        faults.raise_if_any(TableError)
        keys = [c for c in KEYS if c in frame and c not in self.columns]
        order = [c for c in self.columns if c in frame]
        place = order.index(self.measures_after) + 1 if self.measures_after in order else len(order)
        return frame[[*keys, *order[:place], *others, *order[place:]]]

    def rows(self, frame: pd.DataFrame) -> TableRows:
        """Return a table that was read, with its declared columns as attributes.

        Examples
        --------
        >>> import pandas as pd
        >>> lengths = Table("lengths", {"length": number_column(unit="cm"), "seen": flag_column(optional=True)})
        >>> rows = lengths.rows(pd.DataFrame({"animal": ["a", "b"], "length": [9.5, 8.0]}))
        >>> rows.having(rows.length > 9).animal.tolist(), rows.seen.tolist()
        (['a'], [False, False])
        """
        return TableRows(self, frame)

    def units(self) -> dict[str, str]:
        """Unit of every declared column that has one."""
        return {name: column.unit for name, column in self.columns.items() if column.unit}

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the table with headings for people: label and unit."""
        return frame.rename(columns={name: self.heading(name) for name in frame.columns})

    def heading(self, name: str) -> str:
        """Heading of a column: its label, with the unit in brackets."""
        column = self.columns.get(name)
        if column is None:
            return name
        return with_unit(column.label or name.replace("_", " "), column.unit)

    def markdown(self) -> str:
        """The declaration as a table for documentation."""
        rows = [
            f"| `{n}` | {c.unit or '-'} | {_bounds(c)} | {c.why or c.label or '-'} |" for n, c in self.columns.items()
        ]
        return "\n".join(["| column | unit | values | what |", "|---|---|---|---|", *rows])


class TableRows:
    """Rows of a declared table: every declared column, and every key, is an attribute.

    A column that the file lacks (it was optional, or an older murid wrote the file) is missing values: NaN, "" or
    False. A name that is not declared is an error, so that a column which is renamed is renamed everywhere.

    Attributes
    ----------
    frame : DataFrame
        The rows as they were read, to be shown or written.
    """

    def __init__(self, table: Table, frame: pd.DataFrame) -> None:
        self._table = table
        self.frame = frame

    def __getattr__(self, name: str) -> pd.Series:
        if name.startswith("_"):
            raise AttributeError(name)
        column = self._table.columns.get(name, TableColumn("text") if name in KEYS else None)
        if column is None:
            known = [*self._table.columns, *KEYS]
            raise AttributeError(f"table '{self._table.name}' declares no column '{name}'; {did_you_mean(name, known)}")
        if name in self.frame:
            return self.frame[name]
        missing: dict[str, object] = {"text": "", "flag": False}
        return pd.Series(missing.get(column.kind, np.nan), index=self.frame.index, name=name)

    def __len__(self) -> int:
        return len(self.frame)

    def having(self, keep: pd.Series) -> TableRows:
        """Return the rows for which `keep` is true."""
        return TableRows(self._table, self.frame[keep])

    def take(self, order: ArrayLike | slice) -> TableRows:
        """Return the rows at some places, in that order."""
        return TableRows(self._table, self.frame.iloc[order if isinstance(order, slice) else np.asarray(order)])

    @staticmethod
    def only(*columns: pd.Series) -> pd.DataFrame:
        """Return a table of some columns, each as it is read: ``rows.only(rows.unit, rows.p)``."""
        return pd.concat(columns, axis=1)

    def has(self, *columns: pd.Series) -> bool:
        """Return True where the file holds all of these columns: ``rows.has(rows.p, rows.q)``."""
        return all(column.name in self.frame for column in columns)

    def without(self, *columns: pd.Series) -> pd.DataFrame:
        """Return the table without some columns, be they in the file or not."""
        return self.frame.drop(columns=[column.name for column in columns], errors="ignore")

    def by(self, column: pd.Series) -> Iterator[tuple[str, TableRows]]:
        """Yield every value of a column with its rows, in order of appearance."""
        for value, frame in self.frame.groupby(column, sort=False):
            yield str(value), TableRows(self._table, frame)


def with_unit(name: str, unit: str) -> str:
    """Return ``name (unit)``, unless the name ends with its unit already (``latency_s``)."""
    plain = unit.replace("/", "_").replace("%", "percent")
    return name if not unit or name.endswith((f"_{plain}", f" {unit}", f"({unit})")) else f"{name} ({unit})"


#: A spreadsheet takes a cell that begins with one of these for a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table for a CSV file: text that a spreadsheet would run as a formula begins with an apostrophe.

    Examples
    --------
    >>> import pandas as pd
    >>> escape_formulas(pd.DataFrame({"animal": ["=1+1", "m1"], "gain": [-1, 2]}))["animal"].tolist()
    ["'=1+1", 'm1']
    """
    changed = {
        name: table[name].map(_harmless)
        for name in table.columns
        if table[name].dtype == object or isinstance(table[name].dtype, pd.StringDtype)
    }
    return table.assign(**{str(k): v for k, v in changed.items()}) if changed else table


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def unescape_formula(text: str) -> str:
    """Return a cell without the apostrophe that `escape_formulas` put before it.

    Examples
    --------
    >>> unescape_formula("'=1+1"), unescape_formula("'m1'")
    ('=1+1', "'m1'")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _bounds(column: TableColumn) -> str:
    if column.choices:
        return ", ".join(column.choices)
    if column.low is None and column.high is None:
        return column.kind
    low, high = _or(column.low, -np.inf), _or(column.high, np.inf)
    return f"{column.kind}, {low:g} to {high:g}" if np.isfinite(high) else f"{column.kind}, from {low:g}"


__all__ = [
    "KEYS",
    "TableColumn",
    "Table",
    "TableError",
    "TableRows",
    "escape_formulas",
    "count_column",
    "flag_column",
    "number_column",
    "text_column",
    "with_unit",
]
