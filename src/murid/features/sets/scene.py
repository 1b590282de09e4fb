"""A whole recording as bodies, and how columns of animals and pairs become one subject's table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import even_parts
from murid.data.poses import individual_names
from murid.data.zones import Zones
from murid.features.body import F32, Body, Column, bodies
from murid.features.params import FeatureParams
from murid.features.social import combine_animals, partner_distances, towards_partners
from murid.features.table_plan import prepare
from murid.features.windows import rolling

#: ``"free"``: the order of the animals does not matter; ``"given"``: animal 1 is always animal 1.
Order = Literal["free", "given"]


@dataclass(frozen=True)
class Scene:
    """All animals of one recording.

    Attributes
    ----------
    bodies : dict of str to Body
        By individual, in the table's unit of length.
    subject : str
        Whom the table is about: an individual, or ``"all"``.
    time_s : array of shape (frame,)
    fps : float
    length, length_name : float, str
        Unit of length in units of the poses, and its name (``"cm"``, ``"bl"``).
    zones : Zones or None
        In the unit of the poses.
    parts : tuple of (start, stop, rate)
        Stretches of one frame rate without a pause, rate in Hz.
    """

    bodies: dict[str, Body]
    subject: str
    time_s: NDArray[np.float64]
    fps: float
    length: float
    length_name: str
    zones: Zones | None
    parts: tuple[tuple[int, int, float], ...] = ()

    def by_part(self, compute: Callable[..., NDArray], *channels: NDArray) -> NDArray:
        """``compute(*channels, rate)`` of ``(..., frame)`` in each part: what counts frames must not cross a pause."""
        if len(self.parts) < 2:
            return compute(*channels, self.fps)
        return np.concatenate([compute(*(x[..., a:b] for x in channels), rate) for a, b, rate in self.parts], axis=-1)

    def rolled(
        self, x: F32, windows_s: Sequence[float], stats: Sequence[str], **options: Any
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Window statistics of a channel ``(frame,)`` as `windows.rolling`, never over a pause, at each part's rate."""
        if len(self.parts) < 2:
            return rolling(x, self.fps, windows_s, stats, **options)
        made = [rolling(x[a:b], rate, windows_s, stats, **options) for a, b, rate in self.parts]
        return np.concatenate([values for values, _ in made]), made[0][1]


def make_scene(
    poses: xr.Dataset,
    subject: str,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    step_s: float = 1 / 15,
    step_frames: tuple[int, int] | None = None,
    length: Literal["auto", "cm", "body"] = "auto",
    measured_on: xr.Dataset | None = None,
) -> Scene:
    """Read a recording as bodies.

    Parameters
    ----------
    step_s : float
        Time over which velocities are taken, centred.
    step_frames : (int, int), optional
        Frames before and after instead; ``(1, 0)`` is "since the previous frame".
    length : {"auto", "cm", "body"}
        Unit of length, see `FeatureParams.length`.
    measured_on : Dataset, optional
        The same recording with other points, on which the body is measured: poses in which missing points
        were given a place would give a wrong length. `poses` by default.
    """
    params = FeatureParams(step_s=step_s, length=length)
    plan = prepare(poses if measured_on is None else measured_on, subject, params, roles, zones)
    usual = plan.fps
    parts = tuple((a, b, r if np.isfinite(r) else usual) for a, b, r in even_parts(poses["time"].values))
    every = bodies(
        poses,
        slice(0, poses.sizes["time"]),
        plan.roles,
        tuple(individual_names(poses)),
        plan.length,
        step_frames or plan.step,
        parts=[part[:2] for part in parts],
    )
    return Scene(every, subject, poses["time"].values, plan.fps, plan.length, plan.length_name, plan.zones, parts)


def assemble(
    where: Scene,
    own: Callable[[Body], list[Column]],
    pair: Callable[[Body, Body], list[Column]] | None = None,
    *,
    order: Order = "free",
    how: Sequence[str] = ("min", "max"),
    how_pairs: Sequence[str] = ("min", "max"),
) -> list[Column]:
    """Make the per-frame columns of a scene's subject.

    Parameters
    ----------
    own : function of one Body
        Features of an animal alone.
    pair : function of two Bodies, optional
        Features of an animal towards another.
    order : {"free", "given"}
        For subject ``"all"``: ``"free"`` joins animals and pairs by `how`, so that swapped identities
        change nothing; ``"given"`` numbers them (``_1``, ``_2``, ``_1_2``), as the originals do.
    how, how_pairs : sequence of str
        See `combine_animals`, for animals and for pairs.

    Returns
    -------
    list of Column
        An individual's own columns, its partner's as ``partner_…`` and the pair's; or those of all.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if where.subject != EVERYONE:
            return _of_one(where, own, pair)
        animals = list(where.bodies.values())
        if len(animals) == 1:
            return own(animals[0])
        pairs = [(i, j) for i in range(len(animals)) for j in range(len(animals)) if i != j]
        if order == "given":
            out = [c._replace(name=f"{c.name}_{i + 1}") for i, b in enumerate(animals) for c in own(b)]
            for i, j in pairs if pair else ():
                columns = pair(animals[i], animals[j])  # type: ignore[misc]
                out += [c._replace(name=f"{c.name}_{i + 1}_{j + 1}") for c in columns if i < j or not c.symmetric]
            return out
        out = combine_animals([own(b) for b in animals], how)
        if pair:
            out += combine_animals([pair(animals[i], animals[j]) for i, j in pairs], how_pairs)
        return out


def _of_one(
    where: Scene, own: Callable[[Body], list[Column]], pair: Callable[[Body, Body], list[Column]] | None
) -> list[Column]:
    me = where.bodies[where.subject]
    others = [b for name, b in where.bodies.items() if name != where.subject]
    out = own(me)
    if not others:
        return out
    tables = []
    for other in others:
        table = [c._replace(name=f"partner_{c.name}") for c in own(other)]
        tables.append(table + (pair(me, other) if pair else []))
    nearest = towards_partners(tables, partner_distances(me, others))
    # The mean over partners is murid's own addition; published sets know the nearest one only.
    return out + nearest[: len(tables[0])]


def side_by_side(where: Scene, columns: Sequence[Column], rows: NDArray | None = None) -> xr.DataArray:
    """Lay columns side by side as ``(time, feature)``, for all frames or the given rows."""
    names = [c.name for c in columns]
    values = np.stack([c.values for c in columns], axis=1).astype(np.float32)
    return named_table(where, names, [c.unit.replace("L", where.length_name) for c in columns], values, rows)


def named_table(
    where: Scene, names: Sequence[str], units: Sequence[str], values: NDArray[np.float32], rows: NDArray | None
) -> xr.DataArray:
    """Return a feature table; `values` hold all frames, or already only `rows`."""
    time = where.time_s if rows is None else where.time_s[rows]
    if rows is not None and len(values) != len(rows):
        values = values[rows]
    coords = {
        "time": time,
        "feature": np.asarray(list(names), dtype=object),
        "unit": ("feature", np.asarray(list(units), dtype=object)),
    }
    attrs = {"subject": where.subject, "fps": where.fps, "length_unit": where.length_name}
    return xr.DataArray(values, dims=("time", "feature"), coords=coords, attrs=attrs, name="features")


def exact_windows(
    where: Scene, x: F32, windows_s: Sequence[float], stats: Sequence[str], **options: Any
) -> tuple[NDArray[np.float32], list[str]]:
    """Window statistics of a channel at windows that need not be a whole, odd number of frames.

    A window of w frames lies between the two whole windows around it (odd ones when centred, a single frame being the
    value itself), weighted by how near it is: otherwise several short windows are the same one at low frame rates.

    Returns
    -------
    values : float32 array (frame, 1 + statistic · window)
        The value itself first.
    suffixes : list of str
        Named by the windows asked for.
    """
    step = 1 if options.get("align") == "trailing" else 2
    parts = where.parts or ((0, x.size, where.fps),)
    made: list[NDArray[np.float32]] = []
    names: list[str] = []
    for start, stop, rate in parts:
        frames = np.maximum(np.asarray(windows_s, np.float64) * rate, 1.0)
        low = 1 + step * np.floor((frames - 1) / step + 1e-9)
        share = ((frames - low) / step).astype(np.float32)
        whole = sorted({float(n) for n in (*low, *(low + step)) if n > 1})
        values, suffixes = rolling(x[start:stop], rate, [n / rate for n in whole], stats, **options)
        kinds = list(dict.fromkeys(s.rpartition("_")[0] for s in suffixes if s))
        place = {name: i for i, name in enumerate(suffixes)}

        def at(kind: str, n: float, values: NDArray = values, place: dict = place, rate: float = rate) -> NDArray:
            return values[:, 0] if n <= 1 else values[:, place[f"{kind}_{n / rate:g}s"]]

        columns, names = [values[:, 0]], [""]
        for kind in kinds:
            for w, n, part in zip(windows_s, low, share, strict=True):
                mix = at(kind, n) if part < 1e-4 else (1 - part) * at(kind, n) + part * at(kind, n + step)
                columns.append(mix)
                names.append(f"{kind}_{w:g}s")
        made.append(np.stack(columns, axis=1))
    return np.concatenate(made).astype(np.float32), names


def windowed_table(
    where: Scene,
    columns: Sequence[Column],
    windows_s: Sequence[float],
    stats: Sequence[str],
    rows: NDArray | None = None,
    *,
    exact: bool = False,
    **options: Any,
) -> xr.DataArray:
    """Lay out columns with their window statistics (see `windows.rolling`), one channel at a time.

    Only the wanted rows are kept, so that long recordings fit. With `exact`, windows of other than an odd
    number of frames lie between their two neighbours (see `exact_windows`).
    """
    n = len(where.time_s) if rows is None else len(rows)
    out, names, units, at = np.empty((n, 0), np.float32), [], [], 0
    for column in columns:
        make = exact_windows if exact else Scene.rolled
        values, suffixes = make(where, column.values, windows_s, stats, **options)
        if not at:
            out = np.empty((n, len(columns) * len(suffixes)), np.float32)
        out[:, at : at + len(suffixes)] = values if rows is None else values[rows]
        at += len(suffixes)
        names += [f"{column.name}_{s}" if s else column.name for s in suffixes]
        units += [column.unit.replace("L", where.length_name)] * len(suffixes)
    return named_table(where, names, units, out, rows)
