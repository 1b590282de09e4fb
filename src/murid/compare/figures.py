"""Figures of supervised methods: head to head, learning curves, what a model looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from murid.data.reserved_names import MACRO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito (2008): that colour-blind people can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#332288", "#999933")
_GREY = "#5b6470"


def methods_figure(
    table: pd.DataFrame,
    *,
    differences: pd.DataFrame | None = None,
    ceiling: pd.DataFrame | None = None,
    leaky: pd.DataFrame | None = None,
    alpha: float = 0.05,
) -> Figure:
    """Draw frame F1 with its 95 % interval per behaviour and method, and the paired differences to the best.

    Parameters
    ----------
    table : DataFrame
        From `methods_table`.
    differences, ceiling : DataFrame, optional
        From `murid.compare.compare_with_best` and `murid.compare.ceiling`; people are drawn as black diamonds.
    leaky : DataFrame, optional
        ``method, behaviour, f1`` of a split by frames: hollow circles, named as inflated.
    alpha : float
        Level of `differences`: their intervals hold 1 − alpha.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.compare import methods_figure
    >>> scores = {"f1": [0.7, 0.9], "f1_low": 0.6, "f1_high": 1.0}
    >>> rows = pd.DataFrame({"method": ["a", "b"], "behaviour": "rear", **scores})
    >>> figure = methods_figure(rows.assign(bout_f1=0.8))
    >>> len(figure.axes)
    1
    """
    methods = list(dict.fromkeys(table.sort_values("f1", ascending=False)["method"]))
    names = list(dict.fromkeys(table["behaviour"]))
    two = differences is not None and len(differences) > 0
    figure, axes = _subplots(
        1, 1 + two, (1.6 + 1.3 * len(names) + 3.4 * two, 3.6), [0.9 * len(names) + 1, *([2.4] * two)]
    )
    left = axes[0]
    step = 0.8 / len(methods)
    for m, method in enumerate(methods):
        rows = table[table["method"] == method].set_index("behaviour").reindex(names)
        at = np.arange(len(names)) + (m - (len(methods) - 1) / 2) * step
        f1 = rows["f1"].to_numpy(float)
        ends = np.stack([f1 - rows["f1_low"].to_numpy(float), rows["f1_high"].to_numpy(float) - f1])
        colour = _COLOURS[m % len(_COLOURS)]
        left.errorbar(
            at, f1, yerr=np.nan_to_num(np.maximum(ends, 0)), fmt="o", ms=5, color=colour, capsize=2, label=method
        )
        left.plot(at, rows["bout_f1"].to_numpy(float), "_", ms=9, color=colour)
        if leaky is not None and (leaky["method"] == method).any():
            lifted = leaky[leaky["method"] == method].set_index("behaviour")["f1"].reindex(names)
            left.plot(at, lifted.to_numpy(float), "o", mfc="none", ms=7, color=colour, alpha=0.6)
    if ceiling is not None and len(ceiling):
        human = ceiling.set_index("behaviour")["f1"].reindex(names)
        left.plot(np.arange(len(names)), human.to_numpy(float), "D", color="black", ms=5, zorder=5)
    _plain(left)
    left.set(xticks=range(len(names)), ylim=(0, 1.02), ylabel="F1 on animals not seen")
    left.set_xticklabels(names, rotation=30, ha="right")
    notes = ["point: frames, 95 % over animals", "dash: bouts"]
    notes += ["diamond: person against person"] if ceiling is not None and len(ceiling) else []
    notes += ["hollow: split by frames, INFLATED"] if leaky is not None else []
    left.set_title("; ".join(notes), fontsize=7, color=_GREY, loc="left")
    left.legend(fontsize=8, frameon=False, loc="lower left", ncols=min(len(methods), 3))
    if differences is not None and len(differences):
        _forest(axes[1], differences, methods, alpha)
    return figure


def _forest(axis: Any, differences: pd.DataFrame, methods: list[str], alpha: float) -> None:
    rows = differences[differences["behaviour"] == MACRO].set_index("method")
    rows = rows.reindex([m for m in methods if m in rows.index])
    at = -np.arange(len(rows))
    d = rows["difference"].to_numpy(float)
    ends = np.stack([d - rows["low"].to_numpy(float), rows["high"].to_numpy(float) - d])
    for k, method in enumerate(rows.index):
        colour = _COLOURS[methods.index(method) % len(_COLOURS)]
        end = np.nan_to_num(np.maximum(ends[:, [k]], 0))
        axis.errorbar(d[[k]], at[[k]], xerr=end, fmt="o", color=colour, capsize=3)
    axis.axvline(0, color=_GREY, lw=0.8)
    _plain(axis)
    axis.set(yticks=at, ylim=(-len(rows) + 0.4, 0.6), xlabel=f"macro F1, paired difference ({100 * (1 - alpha):g} %)")
    axis.set_yticklabels(rows.index)
    axis.set_title(f"against {rows['best'].iloc[0]}", fontsize=8, color=_GREY, loc="left")


def learning_figure(points: pd.DataFrame, curve: pd.DataFrame, advice: str = "") -> Figure:
    """Draw held-out F1 against labelled bouts, with the fitted curve and its interval.

    Parameters
    ----------
    points : DataFrame
        ``fold, n_bouts, score``.
    curve : DataFrame
        ``n_bouts, expected, low, high``.
    advice : str
        Title.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.compare import learning_figure
    >>> points = pd.DataFrame({"fold": 0, "n_bouts": [5, 10], "score": [0.5, 0.7]})
    >>> curve = pd.DataFrame({"n_bouts": [5, 20], "expected": [0.5, 0.8], "low": 0.4, "high": 0.9})
    >>> learning_figure(points, curve).axes[0].get_xlabel()
    'labelled bouts'
    """
    figure, (axis,) = _subplots(1, 1, (4.6, 3.2), [1])
    axis.fill_between(curve["n_bouts"], curve["low"], curve["high"], color=_COLOURS[0], alpha=0.15, lw=0)
    axis.plot(curve["n_bouts"], curve["expected"], color=_COLOURS[0])
    axis.plot(points["n_bouts"], points["score"], "o", ms=4, color=_GREY, alpha=0.8)
    axis.axvline(points["n_bouts"].max(), color=_GREY, lw=0.8, ls=":")
    _plain(axis)
    axis.set(xlabel="labelled bouts", ylabel="macro F1 on animals not seen", ylim=(0, 1))
    axis.set_title(advice, fontsize=7, color=_GREY, loc="left", wrap=True)
    return figure


def family_figure(
    families: pd.DataFrame, value: str = "share", label: str = "share of the evidence for or against"
) -> Figure:
    """Draw how much each family of features matters, one panel a behaviour.

    Parameters
    ----------
    families : DataFrame
        ``behaviour, family`` and `value`.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.compare import family_figure
    >>> families = pd.DataFrame({"behaviour": "rear", "family": ["speed", "posture"], "share": [0.4, 0.6]})
    >>> len(family_figure(families).axes)
    1
    """
    names = list(dict.fromkeys(families["behaviour"]))
    figure, axes = _subplots(1, len(names), (1.2 + 1.9 * len(names), 2.8), [1] * len(names))
    order = families.groupby("family")[value].mean().sort_values().index.tolist()
    for axis, behaviour in zip(axes, names, strict=True):
        rows = families[families["behaviour"] == behaviour].set_index("family").reindex(order)
        axis.barh(range(len(order)), rows[value].to_numpy(float), color=_COLOURS[0])
        _plain(axis)
        axis.set(yticks=range(len(order)), yticklabels=order if axis is axes[0] else [])
        axis.set_title(behaviour, fontsize=9, loc="left")
    axes[0].set_xlabel(label, fontsize=8, loc="left")
    return figure


def _subplots(rows: int, columns: int, size: tuple[float, float], widths: list[float]) -> tuple[Figure, np.ndarray]:
    """A figure of its own, without pyplot's global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, width_ratios=widths, squeeze=False)[0]


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
