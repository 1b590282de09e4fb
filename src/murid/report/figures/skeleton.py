"""Postures over time: what an animal looks like when a motif begins and shortly after, seen or drawn by a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from murid.plot.colours import GREY, colours_of, lighter
from murid.plot.number_text import listed, number, readable, short
from murid.plot.places import bar_length
from murid.plot.style import PAGE, bare, canvas, styled

COLUMNS = 4
#: Pairs of roles that a line joins.
BONES = (
    ("nose", "head"),
    ("nose", "ear_left"),
    ("nose", "ear_right"),
    ("head", "neck"),
    ("ear_left", "neck"),
    ("ear_right", "neck"),
    ("neck", "centre"),
    ("neck", "side_left"),
    ("neck", "side_right"),
    ("side_left", "hip_left"),
    ("side_right", "hip_right"),
    ("centre", "tail_base"),
    ("hip_left", "tail_base"),
    ("hip_right", "tail_base"),
    ("tail_base", "tail_mid"),
    ("tail_mid", "tail_tip"),
)
#: Roles from front to rear.
SPINE = ("nose", "head", "neck", "centre", "tail_base", "tail_mid", "tail_tip")


def bones_of(roles: Mapping[str, str], keypoints: Sequence[str]) -> list[tuple[int, int]]:
    """Return index pairs of keypoints to join; the order of the keypoints where too few roles are known."""
    index = {k: i for i, k in enumerate(keypoints)}
    pairs = [(index[roles[a]], index[roles[b]]) for a, b in BONES if a in roles and b in roles]
    if ("neck" not in roles) and "tail_base" in roles:
        middle = index[roles.get("centre", roles["tail_base"])]
        pairs += [(index[roles[r]], middle) for r in ("ear_left", "ear_right", "head") if r in roles]
    if not pairs:
        return [(i, i + 1) for i in range(len(keypoints) - 1)]
    return [*pairs, *_missing_links([index[roles[r]] for r in SPINE if r in roles], pairs)]


def _missing_links(spine: Sequence[int], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return lines along the spine where no line, nor way over others, joins two neighbours (a nose without a head)."""
    part = {k: k for pair in (*zip(spine, spine, strict=True), *pairs) for k in pair}
    links = []
    for k, (a, b) in enumerate([*pairs, *pairwise(spine)]):
        if part[a] != part[b]:
            part = {i: part[a] if p == part[b] else p for i, p in part.items()}
            if k >= len(pairs):
                links.append((a, b))
    return links


@styled
def postures(
    poses: Mapping[str, np.ndarray],
    lags_s: Sequence[float],
    bones: Sequence[tuple[int, int]],
    colours: Mapping[str, str],
    unit: str,
) -> Figure:
    """Draw the mean posture of every motif at a few times after its onset, pale to dark.

    Parameters
    ----------
    poses : mapping of motif to array (lag, keypoint, 2)
        Aligned at the onset: the animal at 0, looking along +x.
    lags_s : sequence of float
        Of the postures, written below.
    bones : sequence of (int, int)
        Keypoints joined by lines.
    colours : mapping of motif to colour
    unit : str
    """
    names = list(poses)
    n_cols = min(COLUMNS, len(names))
    n_rows = -(-len(names) // n_cols)
    every = np.concatenate([p.reshape(-1, 2) for p in poses.values()])
    every = every[np.isfinite(every).all(axis=1)]
    low, high = np.percentile(every, [0, 100], axis=0) if len(every) else np.array([[-1.0, -1.0], [1.0, 1.0]])
    margin = 0.08 * float((high - low).max())
    wide, tall = high - low + np.array([2, 3]) * margin
    panel = PAGE / COLUMNS
    figure = canvas(panel * n_cols, n_rows * float(np.clip(panel * tall / wide + 0.35, 0.9, 2.6)))
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        for k, points in enumerate(poses[name]):
            shade = lighter(colours.get(name, GREY), 0.72 * (1 - k / max(len(lags_s) - 1, 1)))
            for a, b in bones:
                ax.plot(*points[[a, b]].T, color=shade, linewidth=1.5, zorder=k, solid_capstyle="round")
            ax.scatter(*points.T, s=7, color=shade, zorder=k, linewidths=0)
        bare(ax)
        ax.set_xlim(low[0] - margin, high[0] + margin)
        ax.set_ylim(high[1] + 2 * margin, low[1] - margin)
        ax.set_aspect("equal")
        ax.set_title(short(readable(name), 18), fontsize=8)
    length = bar_length(float((high - low)[0]))
    y = high[1] + 1.2 * margin
    axes[0].plot([low[0], low[0] + length], [y, y], color=GREY, linewidth=2, solid_capstyle="butt")
    axes[0].text(low[0] + 1.1 * length, y, f"{number(length)} {unit}", fontsize=6.8, va="center")
    for ax in axes[len(names) :]:
        ax.set_visible(False)
    figure.supxlabel(f"pale to dark: {listed([number(x) for x in lags_s])} s", fontsize=7.5)
    return figure


def windows(drawn: xr.DataArray, names: Sequence[str] = (), *, every_s: float = 0.2) -> Figure:
    """Draw windows of posture, e.g. of ``vame.centres()`` or ``vame.generate()``, pale to dark.

    Parameters
    ----------
    drawn : DataArray (window, time, space, point)
        Points named by role; ``unit`` in the attributes.
    names : sequence of str
        Of the windows; ``window 0`` … by default.
    every_s : float
        Time between the postures that are shown, s.
    """
    time, points = drawn["time"].values, [str(p) for p in drawn["point"].values]
    step = max(1, round(every_s / float(time[1] - time[0]))) if len(time) > 1 else 1
    shown = drawn.transpose("window", "time", "point", "space").values[:, ::step]
    titles = list(names) or [f"window {k}" for k in range(len(shown))]
    bones = bones_of({p: p for p in points}, points)
    lags_s = [float(t) for t in time[::step]]
    return postures(dict(zip(titles, shown, strict=True)), lags_s, bones, colours_of(titles), drawn.attrs["unit"])
