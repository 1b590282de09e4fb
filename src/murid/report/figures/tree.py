"""Which motifs are alike: a tree whose leaves are motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from murid.plot.colours import GREY, pick_colour
from murid.plot.number_text import number, readable, short
from murid.plot.style import PAGE, canvas, styled


@styled
def draw_similarity_tree(
    linkage: ArrayLike,
    names: Sequence[str],
    usage: Mapping[str, float],
    colours: Mapping[str, str],
    height_label: str = "unlikeness (height of the join, sd of the latent)",
) -> Figure:
    """Draw a similarity tree: motifs that join near the left look alike to the method.

    Parameters
    ----------
    linkage : array (n - 1, 4)
        As `murid.methods.motifs.descriptions.similarity_tree` returns it.
    names : sequence of str
        Its leaves.
    usage : mapping of motif to share of time, 0..1
        Area of the disc at the leaf.
    colours : mapping of motif to colour
    height_label : str
        What the height of a join is.
    """
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(np.asarray(linkage, np.float64), no_plot=True)
    order = [names[k] for k in drawn["leaves"]]
    figure = canvas(0.75 * PAGE, 0.9 + 0.2 * len(order))
    ax = figure.subplots()
    for across, height in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        ax.plot(height, across, color=GREY, linewidth=1, solid_joinstyle="miter")
    at = 5 + 10 * np.arange(len(order))
    share = np.array([usage.get(n, 0.0) for n in order])
    ax.scatter(
        np.zeros(len(order)),
        at,
        s=98 * share / max(share.max(), 1e-9),
        zorder=3,
        color=[pick_colour(colours, n) for n in order],
        clip_on=False,
    )
    ax.set_yticks(at, [f"{short(readable(n), 22)}  {number(100 * s, 2)} %" for n, s in zip(order, share, strict=True)])
    ax.tick_params(axis="y", length=0, pad=8)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(10 * len(order), 0)
    ax.set_xlim(0, None)
    ax.set_xlabel(height_label)
    return figure
