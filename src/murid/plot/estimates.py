"""Estimation plots after Gardner and Altman (1986 BMJ 292:746): every animal, and the difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from murid.data.errors import did_you_mean, fail
from murid.plot.colours import GREY, GROUPS, INK, colours_of, pick_colour
from murid.plot.dot_columns import column_of_dots
from murid.plot.number_text import measure_name, number, p_value, readable, short
from murid.plot.style import axes_of, grid, styled

__all__ = ["estimation"]


@dataclass(frozen=True)
class EstimationPanel:
    """One measure of an estimation plot.

    Attributes
    ----------
    title, unit : str
        `unit` is the title of the axis, e.g. ``distance (cm)``.
    samples : mapping of group to array (animal,)
        In order, reference group first.
    interval : (difference, low, high), optional
        Second of `compared` minus first, with its confidence interval.
    compared : (first, second), optional
        Groups of the difference; the first two of `samples` by default.
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
    compared: tuple[str, str] | None = None


@styled
def estimation(
    table: pd.DataFrame,
    value: str,
    by: str = "group",
    *,
    order: Sequence[str] | None = None,
    unit: str = "animal",
    label: str = "",
    colours: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    seed: int = 0,
) -> Axes:
    """Draw every animal, and the difference between two groups with its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        One row an animal or recording; rows of one animal are averaged.
    value, by : str
        Columns: the measure, and the groups.
    order : sequence of str, optional
        Groups from left to right, reference first; order of appearance by default.
    unit : str
        Column of the independent unit; rows count alone where the table lacks it.
    label : str
        Title of the y axis, with the measure's unit; the column's name in words by default.
    colours : mapping of group to colour, optional
    ax : Axes, optional
        Where to draw; a new figure by default.
    seed : int
        Of the permutations and the interval.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A column that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> import murid.plot
    >>> table = pd.DataFrame({"animal": list("abcdefghij"), "group": ["control"] * 5 + ["drug"] * 5})
    >>> table["distance"] = [9.0, 10, 11, 12, 13, 19, 20, 21, 22, 23]
    >>> ax = murid.plot.estimation(table, "distance", label="distance (m)")
    >>> [t.get_text().split()[0] for t in ax.get_xticklabels()]
    ['control', 'drug', 'difference']
    """
    for name in (value, by):
        if name not in table:
            fail("estimation plot", f"no column '{name}'", todo=did_you_mean(name, [str(c) for c in table.columns]))
    known = table[table[value].notna() & (table[by].astype(str).str.strip() != "") & table[by].notna()]
    known = known.assign(_unit=known[unit].astype(str) if unit in known else np.arange(len(known)).astype(str))
    per = known.groupby([known[by].astype(str), "_unit"], sort=False)[value].mean()
    names = [str(g) for g in order] if order is not None else list(dict.fromkeys(per.index.get_level_values(0)))
    samples = {g: per[g].to_numpy(float) for g in names}
    interval, note = _compared(known, value, by, names, seed)
    estimate = EstimationPanel(measure_name(value), label or readable(value), samples, interval, note)
    ax = axes_of(ax)
    draw_estimate(ax, estimate, colours or colours_of(names, GROUPS))
    return ax


def _compared(
    table: pd.DataFrame, value: str, by: str, names: Sequence[str], seed: int
) -> tuple[tuple[float, float, float] | None, str]:
    """Difference with its interval, and a note; nothing for other than two groups of two animals."""
    from murid.stats import compare

    own = table.assign(**{by: table[by].astype(str)})
    if len(names) != 2 or min(own.groupby(by)["_unit"].nunique(), default=0) < 2:
        return None, ""
    comparison = compare(own, value, by, unit="_unit", order=list(names), seed=seed)
    low, high = comparison.difference_ci
    effect = f"{comparison.effect_name} = {number(comparison.effect, 2)}, " if np.isfinite(comparison.effect) else ""
    return (comparison.difference, low, high), f"{effect}{p_value(comparison.p)}"


def draw_estimate(ax: Axes, estimate: EstimationPanel, colours: Mapping[str, str]) -> None:
    """Draw one measure: dots and means of all groups, and the difference of two at the right.

    Parameters
    ----------
    ax : Axes
    estimate : EstimationPanel
    colours : mapping of group to colour
    """
    groups = list(estimate.samples)
    for k, group in enumerate(groups):
        column_of_dots(
            ax, k, estimate.samples[group], pick_colour(colours, group), 0.5, hollow=estimate.censored.get(group)
        )
    names = [f"{short(g, 14)}\nn = {estimate.samples[g].size}" for g in groups]
    right = len(groups) - 0.5
    first, second = estimate.compared or ((groups[0], groups[1]) if len(groups) > 1 else ("", ""))
    if estimate.interval is not None and np.isfinite(estimate.interval[0]) and {first, second} <= set(groups):
        _difference(ax, estimate.samples, (first, second), estimate.interval)
        names.append(
            "difference\n(95 % interval)"
            if len(groups) == 2
            else f"{short(second, 8)} − {short(first, 8)}\n(95 % interval)"
        )
        right = len(groups) + 0.45
    ax.set_xticks(range(len(names)), names, fontsize=7.2)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.55, right)
    ax.set_ylabel(estimate.unit)
    ax.set_title(f"{short(estimate.title, 34)}\n", fontsize=9)
    ax.text(0, 1.015, estimate.note, transform=ax.transAxes, fontsize=7, color=GREY, va="bottom")
    grid(ax)


def _difference(
    ax: Axes, samples: Mapping[str, np.ndarray], compared: tuple[str, str], interval: tuple[float, float, float]
) -> None:
    """Draw the difference on an axis of its own whose zero is the mean of the first group compared."""
    difference, low, high = interval
    groups = list(samples)
    x, base = len(groups), float(np.mean(samples[compared[0]]))
    dashed, dotted = (0, (4, 3)), (0, (1, 2))
    ax.plot([groups.index(compared[0]), x + 0.45], [base, base], color=GREY, linewidth=0.8, linestyle=dashed, zorder=1)
    ax.plot(
        [groups.index(compared[1]), x], [base + difference] * 2, color=GREY, linewidth=0.8, linestyle=dotted, zorder=1
    )
    if np.isfinite([low, high]).all():
        ax.plot([x, x], [base + low, base + high], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=4)
    ax.scatter([x], [base + difference], s=34, color=INK, zorder=5, linewidths=0)
    ax.axvline(x - 0.5, color=GREY, linewidth=0.5)
    other = ax.secondary_yaxis("right", functions=(partial(np.add, -base), partial(np.add, base)))
    other.tick_params(labelsize=7.2)
    other.spines["right"].set_visible(True)
