"""Figures into a run: ``figures/<name>.svg`` for papers, ``.png`` to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from murid.data.atomic import atomic_file
from murid.data.names import slug
from murid.run.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_figure(run: Run, name: str, figure: Figure) -> None:
    """Write a figure as SVG (text stays text) and as PNG (150 dots per inch)."""
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "murid"}):
        for kind in ("svg", "png"):
            with atomic_file(run.folder / "figures" / f"{slug(name)}.{kind}") as temporary:
                figure.savefig(temporary, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
