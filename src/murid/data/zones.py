"""Zones: named places in the arena, and the rule by which an animal is in one.

Every tool counts entries by another rule, so the rule is stored with the zone and printed with
every result. Coordinates are those of the poses (px, or cm after calibration).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from murid.data.errors import Faults, did_you_mean
from murid.data.params import Params, param
from murid.data.plain import to_json


class EntryRule(Params):
    """When an animal counts as inside a zone.

    The three knobs against flicker are independent: depth (`hysteresis`), gap (`fill_gap_s`) and
    stay (`min_visit_s`). Frames without the needed keypoints are unknown, never outside.
    """

    keypoints: tuple[str, ...] = param(("centre",), why="keypoints or roles that decide; 'centre' is the body centre")
    mode: Literal["all", "any", "fraction"] = param("all", why="how many of them must be inside")
    fraction: float = param(0.8, why="share needed by mode 'fraction'; 0.8 is close to four paws", gt=0, le=1)
    hysteresis: float = param(
        0.0,
        unit="unit of the poses",
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
        Corners in order, n ≥ 3.
    centre, radius : (x, y) and float, optional
        A circle instead.
    unit : {"px", "cm"}
        Unit of the coordinates.
    kind : str
        What the zone is in its paradigm: ``"arena"``, ``"centre"``, ``"open"``, ``"closed"`` …
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
        if circle and not (self.radius > 0):
            faults.add("radius", expected="> 0", got=str(self.radius))
        faults.raise_if_any()

    @property
    def area(self) -> float:
        """Area in square units of the zone."""
        if self.polygon is None:
            return float(np.pi * self.radius**2)
        x, y = self.polygon.T
        return float(0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        out: dict[str, Any] = {"name": self.name, "unit": self.unit, "kind": self.kind}
        if self.polygon is not None:
            out["polygon"] = self.polygon.tolist()
        else:
            out["centre"], out["radius"] = list(self.centre), self.radius
        return out


class Zones(Mapping[str, Zone]):
    """An ordered set of zones with an entry rule, read from and written to JSON."""

    def __init__(self, zones: Iterable[Zone] = (), rule: EntryRule | None = None) -> None:
        self._zones = {zone.name: zone for zone in zones}
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
            faults.add("not valid JSON", where=f"line {exc.lineno}, column {exc.colno}", got=exc.msg)
            faults.raise_if_any()
        rows = raw.get("zones") if isinstance(raw, dict) else None
        if not isinstance(rows, list):
            faults.add("list 'zones' is missing", todo="see docs: zones")
            faults.raise_if_any()
        zones = []
        for i, row in enumerate(rows):
            try:
                zones.append(Zone(**row))
            except (TypeError, ValueError) as exc:
                faults.add(str(exc), where=f"zone {i + 1}")
        faults.raise_if_any()
        return cls(zones, EntryRule(**raw.get("rule", {})))

    @classmethod
    def read(cls, path: str | Path) -> Zones:
        """Read a zones JSON file."""
        return cls.from_json(Path(path).read_text(encoding="utf-8-sig"), str(path))
