"""What follows what: a graph of transitions on a circle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from murid.plot.colours import GREY, INK, pick_colour
from murid.plot.number_text import readable, short
from murid.plot.style import bare, canvas, styled


@styled
def transition_graph(
    probability: pd.DataFrame, usage: Mapping[str, float], colours: Mapping[str, str], *, shown: float = 0.1
) -> Figure:
    """Draw states as discs (area = share of time) and transitions as arrows (width = probability).

    Parameters
    ----------
    probability : DataFrame (from, to)
        Probability of the next state; the diagonal is not drawn.
    usage : mapping of state to share of time, 0..1
    colours : mapping of state to colour
    shown : float
        Smallest probability drawn.
    """
    names = [str(n) for n in probability.index]
    n = len(names)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    at = np.column_stack([np.cos(angle), np.sin(angle)])
    low, high = float(at[:, 1].min()) - 0.25, float(at[:, 1].max()) + 0.28
    figure = canvas(5.8, 4.3 * (high - low) / 2.53)
    ax = figure.subplots()
    largest = 0.62 * np.sin(np.pi / max(n, 4))
    share = np.array([usage.get(name, 0.0) for name in names])
    # The area is the share of time, for the rarest state too: numbers stand beside the discs, not in them.
    radius = min(largest, 0.2) * np.sqrt(share / max(share.max(), 1e-9))
    _arrows(ax, probability.to_numpy(float), at, radius, shown)
    for k, name in enumerate(names):
        ax.add_patch(
            Circle(at[k], radius[k], facecolor=pick_colour(colours, name), edgecolor="white", linewidth=1, zorder=2)
        )
        x, y = at[k] * (1 + radius[k] + 0.06)
        side = "center" if abs(at[k, 0]) < 0.15 else "left" if at[k, 0] > 0 else "right"
        percent = f"{100 * share[k]:.0f} %" if share[k] >= 0.005 else "<1 %"
        text = f"{short(readable(name), 18)} {percent}"
        ax.text(float(x), float(y), text, ha=side, va="center", fontsize=8, color=INK, zorder=3)
    bare(ax)
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    return figure


def _arrows(ax: Axes, values: np.ndarray, at: np.ndarray, radius: np.ndarray, shown: float) -> None:
    """Draw an arrow from disc to disc for every transition (from, to) of at least `shown`, the likeliest on top."""
    for i, j in sorted(np.ndindex(*values.shape), key=lambda ij: np.nan_to_num(values[ij])):
        p = values[i, j]
        if i == j or not np.isfinite(p) or p < shown:
            continue
        away = (at[j] - at[i]) / np.linalg.norm(at[j] - at[i])
        ax.add_patch(
            FancyArrowPatch(
                at[i] + away * (radius[i] + 0.015),
                at[j] - away * (radius[j] + 0.02),
                connectionstyle="arc3,rad=0.14",
                arrowstyle="-|>,head_length=3.2,head_width=1.8",
                linewidth=0.5 + 4.2 * p,
                color=GREY,
                alpha=0.25 + 0.7 * p,
                shrinkA=0,
                shrinkB=0,
                zorder=1,
            )
        )
