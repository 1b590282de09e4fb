"""Objects as a notebook shows them: a heading, a few facts, a table; plain HTML without styles of its own."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

#: Rows of a table that a notebook shows.
MAX_ROWS = 20


def shown_as_html(title: str, facts: Mapping[str, object], table: pd.DataFrame | None = None) -> str:
    """Return HTML of a heading, facts by name, and the first rows of a table.

    Examples
    --------
    >>> shown_as_html("Recording r1", {"animal": "<a>"})
    '<div><b>Recording r1</b><br>animal: &lt;a&gt;</div>'
    """
    lines = [f"<b>{escape(title)}</b>", *(f"{escape(k)}: {escape(str(v))}" for k, v in facts.items() if str(v))]
    text = "<br>".join(lines)
    if table is None:
        return f"<div>{text}</div>"
    more = f"<br>… {len(table) - MAX_ROWS} more rows" if len(table) > MAX_ROWS else ""
    return f"<div>{text}{table.head(MAX_ROWS).to_html(index=False, na_rep='')}{more}</div>"
