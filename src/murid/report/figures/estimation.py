"""Estimation plots side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from murid.plot.estimates import EstimationPanel, draw_estimate
from murid.plot.style import PAGE, canvas, styled

COLUMNS = 3


@styled
def draw_estimation(estimates: Sequence[EstimationPanel], colours: Mapping[str, str]) -> Figure:
    """Draw one panel a measure.

    Parameters
    ----------
    estimates : sequence of EstimationPanel
    colours : mapping of group to colour
    """
    n_cols = min(COLUMNS, len(estimates))
    n_rows = -(-len(estimates) // n_cols)
    figure = canvas(PAGE * max(n_cols, 1.6) / COLUMNS, 2.75 * n_rows)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.12, h_pad=0.1)
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax, estimate in zip(axes, estimates, strict=False):
        draw_estimate(ax, estimate, colours)
    for ax in axes[len(estimates) :]:
        ax.set_visible(False)
    return figure
