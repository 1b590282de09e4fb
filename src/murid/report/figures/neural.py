"""Units and behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from murid.data.tables import TableRows
from murid.plot.colours import GREY, INK, PALE, lighter, pick_colour
from murid.plot.number_text import number, readable, short
from murid.plot.style import PAGE, canvas, colourbar, grid, slanted, styled
from murid.plot.units import DIRECTIONS, MAX_NAMED, draw_response, draw_selectivity
from murid.stats.wording import ALPHA

EXCITED, SUPPRESSED, FAINT = "#b2182b", "#2166ac", "#a3abb5"


@styled
def selectivity(wide: pd.DataFrame, called: pd.DataFrame) -> Figure:
    """Draw selectivity of units × behaviours, dots where a unit is called tuned.

    Parameters
    ----------
    wide : DataFrame (unit, behaviour)
        Selectivity −1..1; NaN = not tested.
    called : DataFrame of bool, same shape
    """
    n_units, n_behaviours = wide.shape
    height = 0.11 * n_units if n_units <= MAX_NAMED else 0.035 * n_units
    figure = canvas(min(PAGE, 2.9 + 0.62 * n_behaviours), float(np.clip(height + 1.3, 3.2, 8.0)))
    ax = figure.subplots()
    colourbar(figure, draw_selectivity(ax, wide, called), ax, "selectivity (2 AUROC − 1)", shrink=0.8)
    return figure


@styled
def volcano(tested: TableRows, colours: Mapping[str, str]) -> Figure:
    """Draw strength against certainty, one dot a unit and behaviour.

    Parameters
    ----------
    tested : TableRows
        Of `murid.neural.tuning_analysis.TUNING`; tested pairs only.
    colours : mapping of behaviour to colour
    """
    figure = canvas(PAGE * 0.72, 3.3)
    ax = figure.subplots()
    height = -np.log10(tested.p.clip(lower=1e-6))
    called = tested.direction.isin(DIRECTIONS)
    ax.scatter(tested.selectivity[~called], height[~called], s=8, color=FAINT, linewidths=0, rasterized=True)
    n_faint = int((~called).sum())
    handles = [Line2D([], [], marker="o", linestyle="", color=FAINT, label=f"not called ({n_faint})")]
    for behaviour, own in tested.having(called).by(tested.behaviour[called]):
        colour = pick_colour(colours, behaviour)
        ax.scatter(own.selectivity, height[own.frame.index], s=18, color=colour, linewidths=0.4, edgecolors=GREY)
        label = f"{short(readable(behaviour))} ({len(own)})"
        handles.append(Line2D([], [], marker="o", linestyle="", color=colour, label=label))
    reach = 1.08 * max(0.2, float(tested.selectivity.abs().max()))
    ax.set_xlim(-reach, reach)
    ax.axvline(0, color=GREY, linewidth=0.7)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("selectivity (−1 suppressed … 1 excited)")
    powers = np.arange(0, int(np.ceil(height.max())) + 1)
    ax.set_yticks(powers, [f"{10.0**-p:g}" for p in powers])
    ax.set_ylabel("p against the shift null")
    grid(ax, "both")
    figure.legend(handles=handles, loc="outside right upper")
    return figure


@styled
def fractions(table: pd.DataFrame, alpha: float = ALPHA) -> Figure:
    """Draw the share of units tuned to every behaviour.

    Parameters
    ----------
    table : DataFrame
        ``behaviour, tested`` (units) and ``excited, suppressed, nominal`` in percent of the units tested: called
        after correction, and with p up to `alpha` before it.
    alpha : float
        Level: without any tuning this share of the units would have it.
    """
    figure = canvas(PAGE * 0.85, 3.1)
    ax = figure.subplots()
    x = np.arange(len(table))
    ax.bar(x - 0.2, table["excited"], width=0.36, color=EXCITED)
    ax.bar(x - 0.2, table["suppressed"], bottom=table["excited"], width=0.36, color=SUPPRESSED)
    ax.bar(x + 0.2, table["nominal"], width=0.36, color=PALE)
    ax.axhline(100 * alpha, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    names = zip(table["behaviour"], table["tested"], strict=True)
    ax.set_xticks(x, [f"{short(readable(b), 14)}\nn = {number(int(n))}" for b, n in names])
    if sum(len(str(b)) for b in table["behaviour"]) > 80:
        slanted(ax)
    ax.set_ylabel("units (% of those tested)")
    ax.tick_params(axis="x", length=0)
    grid(ax)
    handles = [
        Patch(color=EXCITED, label="excited, after correction"),
        Patch(color=SUPPRESSED, label="suppressed, after correction"),
        Patch(color=PALE, label=f"p ≤ {alpha:g}, before correction"),
        Line2D(
            [], [], color=INK, linewidth=1, linestyle=(0, (4, 3)), label=f"{100 * alpha:g} %: chance before correction"
        ),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return figure


@styled
def diagnostics(tested: TableRows, limit: float) -> Figure:
    """Draw the p values of all pairs, and how much units and behaviours drift.

    Parameters
    ----------
    tested : TableRows
        Of `murid.neural.tuning_analysis.TUNING`; tested pairs only.
    limit : float
        Drift from which, on both sides, the linear shift is used.
    """
    figure = canvas(PAGE, 2.7)
    left, right = figure.subplots(1, 2)
    left.hist(tested.p, bins=np.linspace(0, 1, 21), color=GREY, edgecolor="white", linewidth=0.6)
    left.axhline(len(tested) / 20, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    left.set_xlim(0, 1)
    left.set_xlabel("p against the shift null")
    left.set_ylabel("pairs of unit and behaviour")
    left.set_title("p values")
    for null, colour, label in (("circular", GREY, "circular shift"), ("linear", EXCITED, "linear shift")):
        own = tested.having(tested.null == null)
        if len(own):
            right.scatter(
                own.drift_unit,
                own.drift_behaviour,
                s=9,
                color=colour,
                linewidths=0,
                alpha=0.6,
                label=f"{label} ({len(own)})",
                rasterized=True,
            )
    right.plot([limit, limit, 1], [1, limit, limit], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    right.set_xlim(0, 1)
    right.set_ylim(0, 1)
    right.set_xlabel("drift of the unit (|corr. with time|)")
    right.set_ylabel("drift of the behaviour")
    right.set_title("Drift over the session")
    right.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7.5)
    for ax in (left, right):
        grid(ax, "both")
    return figure


@dataclass(frozen=True)
class Example:
    """One unit and behaviour.

    Attributes
    ----------
    title, behaviour : str
    time_s, trace : array (time,)
        A stretch of the signal.
    spans : sequence of (start, stop)
        Bouts of the behaviour in that stretch, s.
    lag_s, mean, low, high : array (lag,)
        Response around bout onsets with its bootstrap band.
    n_events : int
    unit : str
        Of the signal.
    """

    title: str
    behaviour: str
    time_s: np.ndarray
    trace: np.ndarray
    spans: Sequence[tuple[float, float]]
    lag_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_events: int
    unit: str


@styled
def draw_examples(items: Sequence[Example], colours: Mapping[str, str]) -> Figure:
    """Draw for each example a stretch of the signal with the bouts behind it, and the mean around bout onsets."""
    figure = canvas(PAGE, 1.55 * len(items) + 0.45)
    axes = figure.subplots(len(items), 2, squeeze=False, width_ratios=[3.1, 1])
    for k, item in enumerate(items):
        wide, narrow = axes[k]
        colour = pick_colour(colours, item.behaviour)
        for start, stop in item.spans:
            wide.axvspan(start, stop, color=lighter(colour, 0.45), linewidth=0, zorder=0)
        wide.plot(item.time_s, item.trace, color=INK, linewidth=0.8)
        wide.set_xlim(item.time_s[0], item.time_s[-1])
        wide.set_ylabel(item.unit)
        wide.set_title(item.title, fontsize=8.2)
        draw_response(narrow, item.lag_s, item.mean, (item.low, item.high), colour)
        narrow.set_title(f"mean of {item.n_events} onsets", fontsize=8.2, fontweight="normal")
        for ax in (wide, narrow):
            ax.locator_params(axis="y", nbins=4)
    axes[-1, 0].set_xlabel("time (s)")
    axes[-1, 1].set_xlabel("time from bout onset (s)")
    return figure
