"""Small recordings with plain values, and what is left of a figure that is the same on every machine."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

import murid
from murid.neural import PeriEvent, PeriEventParams

#: Root mean square of grey levels that may differ: a dot that is moved by its own width lies above.
TOLERANCE = 1.5
DPI = 60
#: The release that drew the stored pictures. Others place edges a pixel apart, which no tolerance tells from a change.
DRAWN_WITH = re.search(
    r"^matplotlib==(\d+\.\d+)\.", (Path(__file__).parents[2] / "constraints.txt").read_text(), re.MULTILINE
)[1]


def picture(draw: Callable[..., object]) -> Callable[..., Figure]:
    """Compare the figure that a test returns (or whose axes it returns) with its stored picture, words left out.

    Fonts differ from one machine and release to the next; `words_of` looks at words.
    """

    @pytest.mark.skipif(
        not mpl.__version__.startswith(f"{DRAWN_WITH}."), reason=f"pictures are compared with matplotlib {DRAWN_WITH}"
    )
    @pytest.mark.mpl_image_compare(
        baseline_dir="baseline", tolerance=TOLERANCE, style="default", savefig_kwargs={"dpi": DPI}
    )
    @functools.wraps(draw)
    def wordless(*args: object, **kwargs: object) -> Figure:
        drawn = draw(*args, **kwargs)
        figure = drawn if isinstance(drawn, Figure) else drawn.figure
        figure.draw_without_rendering()  # makes the words that appear late, such as the offset of an axis
        for axis in figure.findobj(Axis):
            axis.set_major_formatter(NullFormatter())
            axis.set_minor_formatter(NullFormatter())
        for text in figure.findobj(Text):
            text.set_visible(False)
        return figure

    return wordless


def words_of(figure: Figure) -> list[str]:
    """Every visible text of a figure but the numbers of its axes, from left to right in the order of drawing."""
    figure.draw_without_rendering()
    numbers = {
        id(label)
        for axis in figure.findobj(Axis)
        for label in axis.get_ticklabels()
        if label.get_text().strip("−-.0123456789") == ""
    }
    texts = [t for t in figure.findobj(Text) if id(t) not in numbers and t.get_visible()]
    return list(dict.fromkeys(t.get_text().strip() for t in texts if t.get_text().strip()))


def spiral() -> murid.Recording:
    """One animal that walks outwards in an arena of 40 cm, known in pixels, 5 a cm, out of sight for a while."""
    turn = np.linspace(0, 6 * np.pi, 400)
    xy = 100 + (5 + turn[:, None] * 4.2) * np.column_stack([np.cos(turn), np.sin(turn)])
    xy[150:170] = np.nan
    poses = murid.make_poses(xy[:, :, None, None], fps=20.0, keypoints=["centre"], individuals=["m"], px_per_cm=5.0)
    zones = murid.Zones(
        [
            murid.Zone("arena", polygon=[(0, 0), (200, 0), (200, 200), (0, 200)], kind="arena"),
            murid.Zone("centre", centre=(100.0, 100.0), radius=50.0),
        ]
    )
    return murid.Recording("m1", poses=poses, zones=zones)


def exclusive() -> xr.DataArray:
    """Two animals, one behaviour at a time, a stretch that nobody scored."""
    rest, groom, none, unscored = 0, 1, 2, -1
    first = np.repeat([rest, groom, rest, unscored, groom], [300, 200, 100, 200, 400])
    second = np.repeat([groom, none, rest], [500, 300, 400])
    values = np.column_stack([first, second])
    return murid.make_states(values, np.arange(1200) / 10, ["rest", "groom", "other"], individuals=["a", "b"])


def overlapping() -> xr.DataArray:
    """One animal whose behaviours overlap; the second is scored only in the first half."""
    values = np.zeros((600, 1, 2), np.int8)
    values[100:300, 0, 0] = 1
    values[200:260, 0, 1] = 1
    values[300:, 0, 1] = -1
    return murid.make_states(values, np.arange(600) / 10, ["chase", "bite"], individuals=["a"])


def animals(groups: dict[str, list[float]]) -> pd.DataFrame:
    """One row an animal."""
    rows = [(f"{g}{k}", g, value) for g, values in groups.items() for k, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["animal", "group", "distance"])


def selectivity() -> pd.DataFrame:
    """Four units and three behaviours: one pair was not tested, two are tuned."""
    values = {"rest": [0.6, 0.1, -0.1, 0.0], "groom": [0.1, -0.5, 0.2, 0.1], "rear": [-0.2, 0.1, np.nan, 0.3]}
    rows = [(f"u{k}", b, v, 0.01 if abs(v) > 0.4 else 0.4) for b, own in values.items() for k, v in enumerate(own)]
    table = pd.DataFrame(rows, columns=["unit", "behaviour", "selectivity", "p"])
    table.loc[table["selectivity"].isna(), "p"] = np.nan
    kind = np.where(table["selectivity"] > 0, "excited", "suppressed")
    return table.assign(direction=np.where(table["p"] < 0.05, kind, "none"))


def responses() -> tuple[PeriEvent, xr.DataArray]:
    """Three events of two units, and a band around the mean of the first unit."""
    lag = np.round(np.arange(-2, 4, 0.1), 1)
    rise = np.where(lag > 0, np.exp(-lag / 2), 0.0)
    trials = np.stack([np.column_stack([k + rise, k - rise]) for k in (0.0, 0.1, 0.2)])
    names = {"event": [0, 1, 2], "lag": lag, "unit": ["u1", "u2"]}
    times = pd.DataFrame({"time_s": [10.0, 20, 30], "kept": True, "reason": "", "interval_s": [np.nan, 10, 10]})
    unknown = np.full(2, np.nan)
    found = PeriEvent(xr.DataArray(trials, dims=tuple(names), coords=names), times, PeriEventParams(), unknown, unknown)
    mean = found.average().values
    bounds = np.stack([mean - 0.2, mean, mean + 0.1])
    of_band = {"bound": ["low", "mean", "high"], "lag": lag, "unit": ["u1", "u2"]}
    return found, xr.DataArray(bounds, dims=tuple(of_band), coords=of_band)
