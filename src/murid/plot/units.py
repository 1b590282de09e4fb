"""Units and behaviour: selectivity maps, and responses around events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from murid.data.errors import did_you_mean, fail
from murid.plot.colours import ACCENT, DIVERGING, GREY, INK, NONE, lighter
from murid.plot.number_text import readable, short
from murid.plot.style import axes_of, bare, styled

if TYPE_CHECKING:
    from murid.neural.perievent import PeriEvent
    from murid.neural.tuning import TuningResult

__all__ = ["perievent", "tuning"]

#: Values of ``direction`` that say that a unit is tuned.
DIRECTIONS = ("excited", "suppressed", "tuned")
#: Up to this many rows units are written by name.
MAX_NAMED = 60


@styled
def tuning(result: TuningResult | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the selectivity of every unit for every behaviour; dots mark pairs that are tuned after correction.

    Parameters
    ----------
    result : TuningResult or DataFrame
        From `murid.neural.compute_tuning`, or the table of one recording (``unit, behaviour, selectivity, p,
        direction``).
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Rows are units, ordered by the behaviour they go with most; hatched cells were not tested.

    Raises
    ------
    DataError
        A column that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> import murid.plot
    >>> table = pd.DataFrame({"unit": ["a", "a", "b", "b"], "behaviour": ["rest", "run"] * 2})
    >>> table = table.assign(selectivity=[0.1, 0.7, -0.5, 0.2], p=[0.4, 0.001, 0.01, 0.3])
    >>> table["direction"] = ["none", "excited", "suppressed", "none"]
    >>> ax = murid.plot.tuning(table)
    >>> [t.get_text() for t in ax.get_xticklabels()]
    ['rest', 'run']
    """
    table = result if isinstance(result, pd.DataFrame) else result.table
    for name in ("unit", "behaviour", "selectivity", "p", "direction"):
        if name not in table:
            fail("tuning plot", f"no column '{name}'", todo=did_you_mean(name, [str(c) for c in table.columns]))
    values, called = selectivity_of(table.assign(key=table["unit"].astype(str)))
    ax = axes_of(ax, 2.4 + 0.62 * values.shape[1], float(np.clip(0.17 * len(values) + 1.4, 2.6, 7.5)))
    drawn = draw_selectivity(ax, values, called)
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label("selectivity (2 AUROC − 1)")
    return ax


def selectivity_of(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return selectivity and what is called tuned, units × behaviours, ordered by the strongest behaviour.

    Parameters
    ----------
    table : DataFrame
        ``key, behaviour, selectivity, p, direction``; `key` names the unit. Rows without p were not tested.
    """
    wide = table.assign(value=table["selectivity"].where(table["p"].notna()), hit=table["direction"].isin(DIRECTIONS))
    columns = list(dict.fromkeys(wide["behaviour"]))
    values = wide.pivot(index="key", columns="behaviour", values="value")[columns]
    called = wide.pivot(index="key", columns="behaviour", values="hit")[columns]
    values = values[values.notna().any(axis=1)]
    values = values[[c for c in columns if values[c].notna().any()]]
    if values.size:
        numbers = np.nan_to_num(values.to_numpy(float))
        best = np.abs(numbers).argmax(axis=1)
        values = values.iloc[np.lexsort((-numbers[np.arange(len(values)), best], best))]
    return values, called.loc[values.index, values.columns].fillna(False).astype(bool)


def draw_selectivity(ax: Axes, values: pd.DataFrame, called: pd.DataFrame) -> ScalarMappable:
    """Draw selectivity (unit, behaviour), −1..1 and NaN (hatched) where not tested, with a dot on each tuned pair."""
    numbers = values.to_numpy(float)
    reach = max(0.2, float(np.nanmax(np.abs(numbers), initial=0.0)))
    # What was not tested shows the ground of the axes: hatched, since a grey is too near the colour of zero.
    ax.patch.set(facecolor=NONE, edgecolor=GREY, hatch="////", linewidth=0)
    shades = colormaps[DIVERGING].with_extremes(bad=(0, 0, 0, 0))
    masked = np.ma.masked_invalid(numbers)
    drawn = ax.imshow(masked, aspect="auto", cmap=shades, vmin=-reach, vmax=reach, interpolation="nearest")
    rows, columns = np.nonzero(called.to_numpy(bool))
    size = 5 if len(values) > MAX_NAMED else 14
    ax.scatter(columns, rows, s=size, color=INK, edgecolors="white", linewidths=0.7)
    bare(ax)
    names = [short(readable(str(b)), 16) for b in values.columns]
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    if len(values) <= MAX_NAMED:
        ax.set_yticks(range(len(values)), [short(str(u), 20) for u in values.index], fontsize=6.5)
    ax.set_ylabel(f"units (n = {len(values)})")
    ax.tick_params(length=0)
    for edge in np.arange(0.5, len(names) - 1):
        ax.axvline(edge, color="white", linewidth=1.2)
    return drawn


@styled
def perievent(
    response: PeriEvent,
    unit: str | None = None,
    *,
    band: xr.DataArray | None = None,
    label: str = "signal",
    colour: str = ACCENT,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean response of one unit around events.

    Parameters
    ----------
    response : PeriEvent
        From `murid.neural.compute_perievent`.
    unit : str, optional
        Which unit; the first by default.
    band : DataArray (bound, lag, unit), optional
        From `murid.neural.confidence_band`: its mean is drawn, and ``low`` to ``high`` as a band. Without it the mean
        over events is drawn alone, because events of one animal are not independent.
    label : str
        Title of the y axis, with unit.
    colour : str
        Of the band.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The x axis is time from the event in seconds.

    Raises
    ------
    DataError
        No such unit, or no event to draw.

    Examples
    --------
    >>> import numpy as np
    >>> import murid
    >>> import murid.plot
    >>> from murid.neural import compute_perievent
    >>> time = np.arange(0, 60, 0.1)
    >>> signal = murid.make_traces(np.exp(-(time % 10))[:, None], time_s=time, units=["roi_1"])
    >>> found = compute_perievent(signal, np.arange(10.0, 51.0, 10.0))
    >>> ax = murid.plot.perievent(found, label="ΔF/F")
    >>> ax.get_title()
    'roi_1, n = 5 events'
    """
    name, k = _chosen(response, unit)
    ax = axes_of(ax)
    lag = response.trials["lag"].values
    if band is None:
        draw_response(ax, lag, response.average().values[:, k], None, colour)
    else:
        low, mean, high = (band.sel(bound=b).values[:, k] for b in ("low", "mean", "high"))
        draw_response(ax, lag, mean, (low, high), colour)
    ax.set_xlabel("time from the event (s)")
    ax.set_ylabel(label)
    ax.set_title(f"{name}, n = {response.n_events} events", loc="center")
    return ax


def _chosen(response: PeriEvent, unit: str | None) -> tuple[str, int]:
    """Name and place of the unit that is drawn; an unknown one, or no event, is an error."""
    units = [str(u) for u in response.trials["unit"].values]
    if unit is not None and unit not in units:
        fail("peri-event plot", f"no unit '{unit}'", todo=did_you_mean(unit, units))
    if not response.n_events:
        fail("peri-event plot", "no event counts", todo="see the reasons in the table: found.events")
    name = units[0] if unit is None else unit
    return name, units.index(name)


def draw_response(
    ax: Axes, lag_s: np.ndarray, mean: np.ndarray, band: tuple[np.ndarray, np.ndarray] | None, colour: str
) -> None:
    """Draw a mean around lag 0, with its band (low, high) where there is one."""
    ax.axvline(0, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    if band is not None:
        ax.fill_between(lag_s, band[0], band[1], color=lighter(colour, 0.45), linewidth=0)
    ax.plot(lag_s, mean, color=INK, linewidth=1.4)
    ax.set_xlim(float(lag_s[0]), float(lag_s[-1]))
