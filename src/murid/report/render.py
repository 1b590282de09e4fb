"""Parts to HTML: figures as SVG images in the page, tables with their CSV beside them."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, PackageLoader
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from murid.data.names import slug
from murid.plot.number_text import number
from murid.plot.style import SVG
from murid.report import section_parts

#: CSV of more than this is not put into the page; the run folder holds it.
MAX_CSV_BYTES = 400_000
#: An SVG larger than this is put in as PNG instead.
MAX_SVG_BYTES = 600_000
#: Rows of numbers under a figure; the CSV has all.
MAX_NUMBERS = 30
#: Shorter texts in table cells are not broken into lines.
MAX_UNBROKEN = 34


@dataclass(frozen=True)
class Cell:
    """One table cell: text, and "n" (number), "w" (short text, not broken) or "" (long text)."""

    text: str
    style: str


def page(folder: Path, **values: Any) -> str:
    """Fill the template of a page that will lie in a folder."""
    env = Environment(loader=PackageLoader("murid.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    env.globals.update(
        numbers_of=plotted_numbers,
        image=image,
        csv_link=csv_link,
        rows=table_cells,
        headings=headings,
        kind_of=_kind_of,
        relative=partial(relative_link, folder=folder),
    )
    return env.get_template("page.html.j2").render(**values)


def relative_link(path: Path, folder: Path) -> str:
    """Return how a page in a folder names a file, so that both can be moved together."""
    path, folder = path.resolve(), folder.resolve()
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:  # another drive
        return path.as_uri()


def image(figure: Figure) -> str:
    """Return a figure as a data URI: SVG, or PNG where the drawing would be too heavy."""
    from matplotlib import style

    buffer = io.BytesIO()
    with style.context(SVG):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
        raw, kind = _lean(buffer.getvalue()), "svg+xml"
        if len(raw) > MAX_SVG_BYTES:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
            raw, kind = buffer.getvalue(), "png"
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def save_figures(sections: Sequence[section_parts.Section], folder: Path) -> list[Path]:
    """Write every figure of the page as SVG, PDF and PNG (300 dpi); return the files.

    Parameters
    ----------
    sections : sequence of Section
    folder : Path
        Made where it is not there. Files are named by the number and title of the figure.
    """
    from matplotlib import style

    folder.mkdir(parents=True, exist_ok=True)
    pictures = [part for section in sections for part in section.parts if isinstance(part, section_parts.Picture)]
    written = []
    for k, picture in enumerate(pictures, 1):
        for kind in ("svg", "pdf", "png"):
            path = folder / f"figure_{k:02d}_{slug(picture.title)}.{kind}"
            # Text stays text in the files, so that an editor of figures can change it.
            with style.context({**SVG, "svg.fonttype": "none", "pdf.fonttype": 42}):
                picture.figure.savefig(path, dpi=300, metadata=_NO_DATE[kind])
            written.append(path)
    return written


#: What keeps the date out of a file, so that the same input gives the same file.
_NO_DATE: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}


def _lean(svg: bytes) -> bytes:
    """Leave out what no reader needs: the document head, comments, and digits below a hundredth of a point."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\d\.\d{2})\d+", r"\1", path[0]), text)
    return re.sub(r">\s+<", "><", text).encode()


def csv_link(table: pd.DataFrame) -> str:
    """Return a table as a CSV data URI, or "" when it is too large for the page."""
    raw = table.to_csv(index=False).encode()
    if len(raw) > MAX_CSV_BYTES:
        return ""
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(raw).decode()}"


def table_cells(table: pd.DataFrame, limit: int) -> list[list[Cell]]:
    """Return the cells of the first rows: three significant digits, a dash for what is not known."""
    numeric = [is_numeric_dtype(table[c]) and not is_bool_dtype(table[c]) for c in table.columns]
    return [
        [_cell(value, right) for value, right in zip(row, numeric, strict=True)]
        for row in table.head(limit).itertuples(index=False, name=None)
    ]


def plotted_numbers(picture: section_parts.Picture) -> section_parts.ReportTable:
    """Return what a figure draws as a table, for readers who cannot see it."""
    table = picture.data if picture.data is not None else pd.DataFrame()
    return section_parts.ReportTable(table, f"Numbers: {picture.title}", limit=MAX_NUMBERS)


def headings(table: section_parts.ReportTable) -> list[Cell]:
    """Return the heading of each column; those of numbers stand over their numbers, at the right."""
    return [
        Cell(str(table.headings.get(c, c)), "n" if is_numeric_dtype(table.data[c]) else "") for c in table.data.columns
    ]


def _kind_of(part: section_parts.Part) -> str:
    return type(part).__name__.lower()


def _cell(value: object, numeric: bool) -> Cell:
    text = number(value)
    return Cell(text, "n" if numeric else "w" if len(text) <= MAX_UNBROKEN else "")
