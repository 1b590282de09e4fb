"""Zones: named places in the arena, and the rule by which an animal is in one.

Every tool counts entries by another rule, so the rule is stored with the zone and printed with
every result. Coordinates are those of the poses (px, or cm after calibration).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.json_values import to_json
from murid.data.params import Params, param
from murid.data.units import LENGTH_NAMES
from murid.data.warning import warn_user


class EntryRule(Params):
    """When an animal counts as inside a zone.

    The three knobs against flicker are independent: depth (`hysteresis`), gap (`fill_gap_s`) and
    stay (`min_visit_s`). Frames without the needed keypoints are unknown, never outside.

    Examples
    --------
    >>> EntryRule(keypoints=("nose",), hysteresis=0.5).min_visit_s
    0.2
    """

    keypoints: tuple[str, ...] = param(("centre",), why="keypoints or roles that decide; 'centre' is the body centre")
    mode: Literal["all", "any", "fraction"] = param("all", why="how many of them must be inside")
    fraction: float = param(0.8, why="share needed by mode 'fraction'; 0.8 is close to four paws", gt=0, le=1)
    hysteresis: float = param(
        0.0,
        unit="unit of its zones",
        ge=0,
        why="depth beyond the border needed to enter; leaving happens at the border",
    )
    fill_gap_s: float = param(0.2, unit="s", ge=0, why="shorter absences are closed: tracking flicker")
    min_visit_s: float = param(0.2, unit="s", ge=0, why="shorter visits are dropped: border jitter")


@dataclass(frozen=True)
class Zone:
    """A polygon or a circle.

    Parameters
    ----------
    name : str
        Name of the zone.
    polygon : array of shape (n, 2), optional
        Corners in order round the zone, n ≥ 3. A border that crosses itself (corners in reading order: top
        left, top right, bottom left, bottom right) is put in order round its middle, with a warning, when
        every corner lies on the hull of all; otherwise it is an error.
    centre, radius : (x, y) and float, optional
        A circle instead.
    unit : {"px", "cm", "mm"}
        Unit of the coordinates.
    kind : str
        What the zone is in its paradigm: ``"arena"``, ``"centre"``, ``"open"``, ``"closed"`` …

    Examples
    --------
    >>> Zone("arena", [[0, 0], [40, 0], [40, 40], [0, 40]], unit="cm", kind="arena").area
    1600.0
    """

    name: str
    polygon: np.ndarray | None = None
    centre: tuple[float, float] | None = None
    radius: float | None = None
    unit: str = "px"
    kind: str = ""

    def __post_init__(self) -> None:
        faults = Faults(f"zone '{self.name}'")
        circle = self.centre is not None and self.radius is not None
        if (self.polygon is None) == (not circle):
            faults.add("shape", expected="either polygon, or centre and radius")
        if self.polygon is not None:
            corners = np.asarray(self.polygon, np.float64)
            object.__setattr__(self, "polygon", corners)
            if corners.ndim != 2 or corners.shape[0] < 3 or corners.shape[1] != 2:
                faults.add("polygon", expected="at least 3 corners (n, 2)", got=str(corners.shape))
            elif not np.isfinite(corners).all():
                faults.add("polygon has missing corners")
            elif crosses_itself(corners):
                self._put_in_order(corners, faults)
        if self.radius is not None and not (self.radius > 0):
            faults.add("radius", expected="> 0", got=str(self.radius))
        if self.unit not in LENGTH_NAMES:
            faults.add("unit", expected=" or ".join(LENGTH_NAMES), got=str(self.unit))
        faults.raise_if_any()

    def _put_in_order(self, corners: np.ndarray, faults: Faults) -> None:
        """Order the corners of a border that crosses itself by their direction from the middle."""
        away = corners - corners.mean(axis=0)
        ordered = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]), kind="stable")]
        if not _is_convex(ordered):
            faults.add(
                "the border crosses itself",
                got=str(corners.tolist()),
                todo="give the corners in the order in which one walks round the zone",
            )
            return
        warn_user(f"zone '{self.name}': the border crossed itself; its corners were put in order round their middle")
        object.__setattr__(self, "polygon", ordered)

    @property
    def circle(self) -> tuple[float, float, float]:
        """Centre x, y and radius; a polygon has none (AttributeError)."""
        if self.centre is None or self.radius is None:
            raise AttributeError(f"zone '{self.name}' is a polygon, it has no circle")
        return (*self.centre, self.radius)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest x, y: two arrays of shape (2,)."""
        if self.polygon is not None:
            return self.polygon.min(axis=0), self.polygon.max(axis=0)
        x, y, radius = self.circle
        return np.array([x - radius, y - radius]), np.array([x + radius, y + radius])

    def scaled(self, factor: float, unit: str, *, flip: bool = False) -> Zone:
        """Return the zone with its coordinates times `factor` in `unit`; with `flip` turned top to bottom."""
        up = -factor if flip else factor
        if self.polygon is not None:
            return replace(self, polygon=self.polygon * np.array([factor, up]), unit=unit)
        x, y, radius = self.circle
        return replace(self, centre=(x * factor, y * up), radius=radius * factor, unit=unit)

    @property
    def area(self) -> float:
        """Area in square units of the zone."""
        if self.polygon is None:
            return float(np.pi * self.circle[2] ** 2)
        x, y = self.polygon.T
        return float(0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        out: dict[str, Any] = {"name": self.name, "unit": self.unit, "kind": self.kind}
        if self.polygon is not None:
            out["polygon"] = self.polygon.tolist()
        else:
            x, y, radius = self.circle
            out["centre"], out["radius"] = [x, y], radius
        return out


def crosses_itself(corners: np.ndarray) -> bool:
    """Whether two sides of a polygon (n, 2) that are not neighbours cross each other inside both."""
    start, stop = corners, np.roll(corners, -1, axis=0)

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        along, away = b - a, c - a
        return np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])

    i, j = np.triu_indices(len(corners), 2)
    a, b, c, d = start[i], stop[i], start[j], stop[j]
    return bool(((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).any())


def _is_convex(corners: np.ndarray) -> bool:
    """Whether a polygon (n, 2) turns the same way at every corner (straight ones allowed)."""
    step = np.roll(corners, -1, axis=0) - corners
    after = np.roll(step, -1, axis=0)
    turn = step[:, 0] * after[:, 1] - step[:, 1] * after[:, 0]
    slack = 1e-9 * float(np.abs(step).max()) ** 2
    return bool((turn >= -slack).all() or (turn <= slack).all())


class Zones(Mapping[str, Zone]):
    """An ordered set of zones with an entry rule, read from and written to JSON.

    Parameters
    ----------
    zones : iterable of Zone
        Each with a name of its own; two arms are ``"open_1"`` and ``"open_2"`` of one kind ``"open"``.
    rule : EntryRule, optional
        Its depth is in the unit of the zones.

    Raises
    ------
    DataError
        Two zones of one name.

    Examples
    --------
    >>> zones = Zones([Zone("hole", centre=(10, 20), radius=5, unit="cm")])
    >>> Zones.from_json(zones.to_json())["hole"].centre
    [10, 20]
    """

    def __init__(self, zones: Iterable[Zone] = (), rule: EntryRule | None = None) -> None:
        zones = list(zones)
        self._zones = {zone.name: zone for zone in zones}
        if len(self._zones) < len(zones):
            count = Counter(zone.name for zone in zones)
            fail(
                "zones",
                "names repeat",
                got=", ".join(f"{name} ({n} times)" for name, n in count.items() if n > 1),
                todo="give every zone a name of its own and what they share as their kind",
            )
        self.rule = rule or EntryRule()

    def __getitem__(self, name: str) -> Zone:
        if name not in self._zones:
            faults = Faults("zones")
            faults.add(f"no zone '{name}'", todo=did_you_mean(name, self._zones))
            faults.raise_if_any()
        return self._zones[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._zones)

    def __len__(self) -> int:
        return len(self._zones)

    def __contains__(self, name: object) -> bool:
        return name in self._zones

    def of_kind(self, kind: str) -> list[Zone]:
        """Zones of one kind, e.g. every ``"open"`` arm."""
        return [zone for zone in self._zones.values() if zone.kind == kind]

    def to_json(self) -> str:
        """Zones and rule as JSON text."""
        zones = [zone.to_dict() for zone in self._zones.values()]
        return to_json({"zones": zones, "rule": self.rule.model_dump(mode="json")}, indent=1)

    @classmethod
    def from_json(cls, text: str, name: str = "zones") -> Zones:
        """Read what `to_json` wrote; every faulty zone is named."""
        faults = Faults(name)
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as exc:
            line = text.splitlines()[exc.lineno - 1].strip() if text.strip() else ""
            faults.add(
                "not valid JSON",
                where=f"line {exc.lineno}, column {exc.colno}",
                expected="zones as JSON",
                got=line[:60] or "an empty file",
                todo="mend that line, or put back a copy of the file that is whole",
            )
            faults.raise_if_any()
        rows = raw.get("zones") if isinstance(raw, dict) else None
        if not isinstance(rows, list):
            fail(name, "list 'zones' is missing", todo='write {"zones": [{"name": …, "polygon": …}]}')
        zones = []
        for i, row in enumerate(rows):
            try:
                zones.append(Zone(**row))
            except (TypeError, ValueError) as exc:
                faults.add(str(exc), where=f"zone {i + 1}")
        for repeated, n in Counter(zone.name for zone in zones).items():
            if n > 1:
                faults.add(f"{n} zones are called '{repeated}'", todo="give each a name of its own")
        faults.raise_if_any()
        return cls(zones, EntryRule(**raw.get("rule", {})))

    @classmethod
    def read(cls, path: str | Path) -> Zones:
        """Read a zones JSON file."""
        return cls.from_json(Path(path).read_text(encoding="utf-8-sig"), str(path))
