"""How good a prediction is, in pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from murid.data.reserved_names import MACRO
from murid.data.tables import TableRows
from murid.plot.colours import GREY, INK, WARN, pick_colour
from murid.plot.number_text import number, readable, short
from murid.plot.style import PAGE, canvas, grid, styled


@styled
def f1_bars(
    rows: TableRows,
    colours: Mapping[str, str],
    *,
    ceiling: Mapping[str, float] | None = None,
    leaky: Mapping[str, float] | None = None,
    missing: Collection[str] = (),
    over: str = "animals",
) -> Figure:
    """Draw F1 of every behaviour with its interval.

    Parameters
    ----------
    rows : TableRows
        Of `PER_CLASS`: ``behaviour, f1, f1_low, f1_high``, one row a behaviour, ``macro`` last.
    colours : mapping of behaviour to colour
    ceiling : mapping of behaviour to F1 between two people, optional
    leaky : mapping of behaviour to the inflated F1 of a split by frames, optional
    missing : collection of str
        Behaviours that were not learnt: named, without a bar.
    over : str
        What is drawn anew in the intervals, in the plural.
    """
    rows = rows.take(slice(None, None, -1))
    behaviours = list(rows.behaviour)
    figure = canvas(PAGE * 0.78, 1.15 + 0.34 * len(rows) + 0.18 * (bool(ceiling) + bool(leaky)))
    ax = figure.subplots()
    y = np.arange(len(rows))
    shade = [INK if b == MACRO else pick_colour(colours, b) for b in behaviours]
    shown = ~rows.behaviour.isin(list(missing)).to_numpy()
    ax.barh(y[shown], rows.f1.fillna(0)[shown], height=0.62, color=np.array(shade, object)[shown], zorder=2)
    for k in y[~shown]:
        ax.text(0.01, k, "not learnt", va="center", fontsize=7.5, color=GREY)
    low, high = rows.f1_low.to_numpy(float), rows.f1_high.to_numpy(float)
    known = np.isfinite(low) & np.isfinite(high) & shown
    ax.hlines(y[known], low[known], high[known], color="white", linewidth=3.4, zorder=3)
    ax.hlines(y[known], low[known], high[known], color=GREY, linewidth=1.8, zorder=3)
    handles: list[Patch | Line2D] = [Line2D([], [], color=GREY, linewidth=1.8, label=f"95 % interval over {over}")]
    for scores, marker, colour, label in (
        (ceiling, "D", INK, "agreement of two people"),
        (leaky, "x", WARN, "leaky split: inflated, not a measure of performance"),
    ):
        if scores:
            at = [(scores[b], k) for k, b in enumerate(behaviours) if np.isfinite(scores.get(b, np.nan))]
            if at:
                xs, ys = zip(*at, strict=True)
                inside = "white" if marker == "D" else colour
                (drawn,) = ax.plot(
                    xs,
                    ys,
                    linestyle="",
                    marker=marker,
                    markersize=5.5,
                    color=colour,
                    markerfacecolor=inside,
                    markeredgewidth=1.4,
                    zorder=4,
                    label=label,
                )
                handles.append(drawn)
    ax.set_yticks(y, ["mean of behaviours" if b == MACRO else short(readable(b)) for b in behaviours])
    ax.set_xlim(0, 1.02)
    ax.set_xlabel("F1 on held-out animals (1 = every frame right)")
    grid(ax, "x")
    ax.tick_params(axis="y", length=0)
    figure.legend(handles=handles, loc="outside lower left")
    return figure


@styled
def calibration(curves: TableRows, colours: Mapping[str, str]) -> Figure:
    """Draw what came true against what was predicted.

    Parameters
    ----------
    curves : TableRows
        Of `CALIBRATION`: ``behaviour, probability, observed, n``.
    colours : mapping of behaviour to colour
    """
    figure = canvas(4.9, 3.6)
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    known = curves.having(curves.probability.notna() & curves.observed.notna())
    for behaviour, own in known.by(known.behaviour):
        ax.plot(
            own.probability,
            own.observed,
            color=pick_colour(colours, behaviour),
            marker="o",
            markersize=3.5,
            label=short(readable(behaviour)),
        )
    ax.set_xlabel("probability given by the method")
    ax.set_ylabel("share of frames in which it was true")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    grid(ax, "both")
    figure.legend(loc="outside right upper")
    return figure


@styled
def totals(recordings: TableRows, behaviours: Sequence[str], colours: Mapping[str, str]) -> Figure:
    """Draw time per recording: predicted against labelled (above), their difference against their mean (below).

    Parameters
    ----------
    recordings : TableRows
        Of `RECORDINGS`: ``behaviour, time_true_s, time_predicted_s``, one row a recording and behaviour.
    behaviours : sequence of str
        Shown, left to right.
    colours : mapping of behaviour to colour
    """
    n = len(behaviours)
    figure = canvas(min(PAGE, 0.8 + 2.1 * n), 4.2)
    axes = figure.subplots(2, n, squeeze=False)
    for k, behaviour in enumerate(behaviours):
        known = recordings.time_true_s.notna() & recordings.time_predicted_s.notna()
        own = recordings.having(known & (recordings.behaviour == behaviour))
        true, predicted = own.time_true_s.to_numpy(float), own.time_predicted_s.to_numpy(float)
        colour = pick_colour(colours, behaviour)
        top = 1.08 * max(true.max(initial=0), predicted.max(initial=0), 1e-9)
        above, below = axes[:, k]
        above.plot([0, top], [0, top], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        above.scatter(true, predicted, s=16, color=colour, linewidths=0)
        above.set_xlim(0, top)
        above.set_ylim(0, top)
        above.set_title(short(readable(behaviour), 18))
        above.set_xlabel("labelled (s)")
        difference = predicted - true
        middle = (true + predicted) / 2
        bias = float(difference.mean()) if difference.size else np.nan
        half = float(1.96 * difference.std(ddof=1)) if difference.size > 2 else np.nan
        below.axhline(0, color=GREY, linewidth=0.6)
        below.axhline(bias, color=INK, linewidth=1.2)
        if np.isfinite(half):
            below.axhspan(bias - half, bias + half, color=colour, alpha=0.14, linewidth=0)
        below.scatter(middle, difference, s=16, color=colour, linewidths=0)
        reach = 1.15 * max(np.abs(difference).max(initial=0), abs(bias) + (half if np.isfinite(half) else 0), 1e-9)
        below.set_ylim(-reach, reach)
        below.set_xlim(0, top)
        below.set_xlabel("mean of both (s)")
        below.set_title(f"bias {number(bias, 2)} s, n = {len(own)}", fontweight="normal", fontsize=8)
        for ax in (above, below):
            grid(ax, "both")
            ax.locator_params(nbins=4)
    axes[0, 0].set_ylabel("predicted (s)")
    axes[1, 0].set_ylabel("predicted − labelled (s)")
    return figure
