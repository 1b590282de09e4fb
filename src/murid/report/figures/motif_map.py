"""Frames in two dimensions, coloured by motif."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from murid.plot.colours import pick_colour
from murid.plot.number_text import readable, short
from murid.plot.style import PAGE, canvas, styled

#: Motifs whose names are written on the map.
NAMED = 30


@styled
def draw_motif_map(places: ArrayLike, codes: ArrayLike, names: Sequence[str], colours: Mapping[str, str]) -> Figure:
    """Draw a two-dimensional view of motifs.

    Parameters
    ----------
    places : array (frame, 2)
    codes : int array (frame,)
        Motif of each frame; −1 is left out.
    names : sequence of str
        Motifs; the most used are named where most of their frames lie.
    colours : mapping of motif to colour
    """
    xy, motif = np.asarray(places, np.float64), np.asarray(codes)
    figure = canvas(0.6 * PAGE, 0.6 * PAGE)
    ax = figure.subplots()
    shade = np.array([pick_colour(colours, n) for n in names])
    shown = motif >= 0
    ax.scatter(xy[shown, 0], xy[shown, 1], s=5, color=shade[motif[shown]], linewidth=0, alpha=0.7, rasterized=True)
    used = np.bincount(motif[shown], minlength=len(names))
    for k in np.argsort(-used, kind="stable")[:NAMED]:
        own = xy[motif == k]
        if len(own):
            middle = own[np.linalg.norm(own - np.median(own, axis=0), axis=1).argmin()]
            ax.annotate(short(readable(names[k]), 14), middle, ha="center", va="center", fontsize="x-small")
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure
