"""Estimation plots after Gardner and Altman (1986 BMJ 292:746): every animal, and the difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from murid.report.colours import GREY, INK, pick
from murid.report.figures.dots import column_of_dots
from murid.report.figures.style import PAGE, canvas, grid, styled
from murid.report.words import short

COLUMNS = 3


@dataclass(frozen=True)
class Estimate:
    """One measure of `estimation`.

    Attributes
    ----------
    title, unit : str
    samples : mapping of group to array (animal,)
        In order, reference group first.
    interval : (difference, low, high), optional
        Second minus first group with its confidence interval; only for two groups.
    note : str
        Effect size, p and q, written below the title.
    censored : mapping of group to bool array
        Animals whose value is a limit (a latency of an event that never came).
    """

    title: str
    unit: str
    samples: Mapping[str, np.ndarray]
    interval: tuple[float, float, float] | None = None
    note: str = ""
    censored: Mapping[str, np.ndarray] = field(default_factory=dict)


@styled
def estimation(estimates: Sequence[Estimate], colours: Mapping[str, str]) -> Figure:
    """Draw one panel a measure.

    Parameters
    ----------
    estimates : sequence of Estimate
    colours : mapping of group to colour
    """
    n_cols = min(COLUMNS, len(estimates))
    n_rows = -(-len(estimates) // n_cols)
    figure = canvas(PAGE * max(n_cols, 1.6) / COLUMNS, 2.75 * n_rows)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax, estimate in zip(axes, estimates, strict=False):
        _panel(ax, estimate, colours)
    for ax in axes[len(estimates) :]:
        ax.set_visible(False)
    return figure


def _panel(ax: Axes, estimate: Estimate, colours: Mapping[str, str]) -> None:
    groups = list(estimate.samples)
    for k, group in enumerate(groups):
        column_of_dots(ax, k, estimate.samples[group], pick(colours, group), 0.5, hollow=estimate.censored.get(group))
    names = [f"{short(g, 14)}\nn = {estimate.samples[g].size}" for g in groups]
    right = len(groups) - 0.5
    if estimate.interval is not None and np.isfinite(estimate.interval).all():
        _difference(ax, estimate, groups)
        names.append("difference\n(95 % interval)")
        right = len(groups) + 0.45
    ax.set_xticks(range(len(names)), names, fontsize=7.2)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.55, right)
    ax.set_ylabel(estimate.unit)
    ax.set_title(f"{short(estimate.title, 34)}\n", fontsize=9)
    ax.text(0, 1.015, estimate.note, transform=ax.transAxes, fontsize=7, color=GREY, va="bottom")
    grid(ax)


def _difference(ax: Axes, estimate: Estimate, groups: Sequence[str]) -> None:
    """Draw the difference on an axis of its own whose zero is the mean of the first group."""
    difference, low, high = estimate.interval  # type: ignore[misc]
    x, base = len(groups), float(np.mean(estimate.samples[groups[0]]))
    ax.plot([0, x + 0.45], [base, base], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    ax.plot([1, x], [base + difference] * 2, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.plot([x, x], [base + low, base + high], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=4)
    ax.scatter([x], [base + difference], s=34, color=INK, zorder=5, linewidths=0)
    ax.axvline(x - 0.5, color=GREY, linewidth=0.5)
    other = ax.secondary_yaxis("right", functions=(lambda y: y - base, lambda d: d + base))
    other.tick_params(labelsize=7.2)
    other.spines["right"].set_visible(True)
