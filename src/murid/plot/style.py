"""One look for all figures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from murid.plot.colours import GREY, INK, PALE

P = ParamSpec("P")
Drawn = TypeVar("Drawn")

#: Width of the text column in inches; figures are drawn at this width or less.
PAGE = 9.2

#: How an SVG is written: text as outlines (the same on every computer), names that do not change.
SVG: dict[str, Any] = {"svg.hashsalt": "murid", "svg.fonttype": "path", "savefig.dpi": 130, "figure.dpi": 130}

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.3,
    "axes.unicode_minus": True,
    **SVG,
}


def styled(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Draw in murid's style, leaving matplotlib's own settings as they are."""

    @functools.wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        with style.context(STYLE, after_reset=True):
            return draw(*args, **kwargs)

    return inner


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches that lays itself out."""
    return Figure(figsize=(min(width, PAGE), height), layout="constrained")


def axes_of(ax: Axes | None, width: float = 4.6, height: float = 3.4) -> Axes:
    """Return the axes given, or those of a new figure (inches) that lays itself out.

    The figure is pyplot's, so that a notebook shows it.
    """
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.figure(figsize=(min(width, PAGE), height), layout="constrained").add_subplot()


def slanted(ax: Axes, degrees: float = 30) -> None:
    """Turn the labels of the x axis so that long ones do not meet."""
    ax.tick_params(axis="x", rotation=degrees)
    for text in ax.get_xticklabels():
        text.set_horizontalalignment("right")
        text.set_rotation_mode("anchor")


def bare(ax: Axes) -> None:
    """Take away ticks and frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def grid(ax: Axes, axis: Literal["both", "x", "y"] = "y") -> None:
    """Add faint lines to read values by."""
    ax.grid(axis=axis, color=PALE, linewidth=0.6)
    ax.set_axisbelow(True)


def colourbar(figure: Figure, mappable: Any, ax: Any, label: str, **options: Any) -> Any:
    """Add a slim colour bar with a label."""
    bar = figure.colorbar(mappable, ax=ax, **{"shrink": 0.8, "aspect": 25, "pad": 0.02, **options})
    bar.set_label(label)
    bar.outline.set_visible(False)
    return bar
