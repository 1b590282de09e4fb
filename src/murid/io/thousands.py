"""Numbers such as ``1.234``, which are a thousand in one country and a decimal in another."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from murid.data.warning import warn_user

DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
DECIMAL_POINT = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
#: ``1.234`` or ``1,234``: a thousand where the other mark is the decimal one.
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*")
_LONG_WHOLE = re.compile(r"[-+]?[1-9]\d{3,}")


def decimal_marks(cells: Iterable[str]) -> tuple[bool, bool]:
    """Whether a comma and whether a point is surely a decimal mark: in a cell that cannot be a thousand.

    Examples
    --------
    >>> decimal_marks(["1,234", "12.5"]), decimal_marks(["1,234", "850"])
    ((False, True), (False, False))
    """
    plain = [cell for cell in cells if not THOUSANDS.fullmatch(cell)]
    comma, point = (any(map(form.fullmatch, plain)) for form in (DECIMAL_COMMA, DECIMAL_POINT))
    return comma, point


def thousands_marks(cells: Iterable[str], table: tuple[bool, bool], ambiguous: str = "") -> str:
    """Marks that may part thousands in a column: cells such as ``1.234`` with one of them are not read.

    What the column shows goes before what the table shows. A table of several hands may show both marks as decimal
    ones; then neither is trusted in a column that shows none of its own, or both.

    Parameters
    ----------
    cells : iterable of str
        Cells of the column.
    table : (bool, bool)
        `decimal_marks` of the whole table.
    ambiguous : str
        Marks in the table's cells that can be thousands: both of them cannot be decimal ones.

    Examples
    --------
    >>> thousands_marks(["1.234", "0,5"], (True, False)), thousands_marks(["1.234", "0.5"], (True, True))
    ('.', ',')
    >>> thousands_marks(["1.234", "7"], (True, True)), thousands_marks(["1.234", "7"], (False, False))
    ('.,', '')
    """
    # A column of its own mark can only exist in a table of both: otherwise the table says the same.
    own = decimal_marks(cells) if all(table) else table
    comma, point = own if any(own) else table
    if comma != point:
        return "." if comma else ","
    return ".," if comma or set(ambiguous) >= {".", ","} else ""


def ambiguous_marks(cells: Iterable[str]) -> str:
    """Marks inside the cells that can be thousands, each once.

    Examples
    --------
    >>> ambiguous_marks(["1,234", "0.5", "2,310", "5.678"])
    ',.'
    """
    matches = (THOUSANDS.fullmatch(cell) for cell in cells)
    return "".join(dict.fromkeys(match[1] for match in matches if match))


def is_thousands(cell: str, marks: str) -> bool:
    """Whether a cell may be a thousand with one of these marks.

    Examples
    --------
    >>> is_thousands("1.234", "."), is_thousands("1.234", ","), is_thousands("0.234", ".,")
    (True, False, False)
    """
    match = THOUSANDS.fullmatch(cell.strip())
    return match is not None and match[1] in marks


def may_be_thousands(values: np.ndarray) -> bool:
    """Whether every fraction in a table is one that a thousand's mark could have made: 1 to 999.999, three places.

    Parameters
    ----------
    values : float64 array (row, column)
    """
    fractions = np.abs(values[np.isfinite(values) & (values != np.floor(values))])
    thousandfold = fractions * 1000
    return bool(
        fractions.size
        and ((fractions >= 1) & (fractions < 1000)).all()
        and (np.abs(thousandfold - np.round(thousandfold)) < 1e-6).all()
    )


def tell_doubtful(subject: str, column: str, cells: Iterable[str]) -> None:
    """Warn of a column whose numbers are read as decimals and may be thousands.

    For a table that shows nowhere which mark is the decimal one. A column that has whole numbers of four digits
    and more writes no marks into thousands; a single such cell is no pattern.
    """
    cells = [str(cell).strip() for cell in cells]
    grouped = [cell for cell in cells if THOUSANDS.fullmatch(cell) and len(re.findall(r"[.,]", cell)) == 1]
    if len(grouped) < 2 or any(map(_LONG_WHOLE.fullmatch, cells)):
        return
    warn_user(
        f"{subject}: column '{column}': {len(grouped)} numbers such as {grouped[0]} are read as decimals "
        f"({float(grouped[0].replace(',', '.')):g}), and nothing in the table shows that they are not thousands; "
        "-> if they are, save the numbers without thousands separators"
    )
