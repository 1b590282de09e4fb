"""What every paradigm returns: measures with units and definitions, and the conventions taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from murid.data.analysis import Tables
from murid.data.json_values import to_json
from murid.data.notebook_html import shown_as_html
from murid.data.recording import Recording
from murid.data.tables import Table, flag_column, number_column, text_column
from murid.data.zones import Zone

MEASURE_COLUMNS = (
    "measure",
    "value",
    "unit",
    "individual",
    "zone",
    "bin_start_s",
    "bin_stop_s",
    "censored",
    "definition",
)


@dataclass(frozen=True)
class AssayResult:
    """Result of one paradigm on one recording.

    Attributes
    ----------
    paradigm, recording, animal, group : str
        What was analysed.
    measures : DataFrame
        One row a measure: ``measure, value, unit, individual, zone, bin_start_s, bin_stop_s,
        censored, definition``. Rows of the whole recording have NaN bins.
    visits : DataFrame
        Every visit to every zone as a bout table (label = zone).
    conventions : dict
        Every choice that changes a number: entry rule, smoothing, zone sizes, denominators.
    warnings : tuple of str
        What a reader must know before believing the numbers.
    primary : tuple of str
        The few measures that the paradigm is about, named as the columns of `wide`: they form the family of tests,
        all others are descriptive.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("open_field", duration_s=60, seed=1)
    >>> result = murid.assays.run_paradigm("open_field", recording)
    >>> result.primary[0], result.measures.query("measure == 'distance' and zone == ''")["unit"].iloc[0]
    ('distance', 'cm')
    """

    paradigm: str
    recording: str
    animal: str
    group: str
    measures: pd.DataFrame
    visits: pd.DataFrame
    conventions: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        whole = self.measures[self.measures["bin_start_s"].isna()]
        facts = {"recording": self.recording, "animal": self.animal, "group": self.group}
        facts |= {"warning": "; ".join(self.warnings)}
        columns = ["individual", "measure", "zone", "value", "unit"]
        return shown_as_html(self.paradigm.replace("_", " ").capitalize(), facts, whole[columns].round(3))

    def value(self, measure: str, zone: str = "", individual: str | None = None) -> float:
        """Return one number of the whole recording."""
        rows = self.measures[self.measures["bin_start_s"].isna()]
        rows = rows[(rows["measure"] == measure) & (rows["zone"] == zone)]
        if individual is not None:
            rows = rows[rows["individual"] == individual]
        if len(rows) != 1:
            raise KeyError(f"{measure!r} {zone!r}: {len(rows)} rows; there are {sorted(set(self.measures['measure']))}")
        return float(rows["value"].iloc[0])

    def wide(self) -> pd.DataFrame:
        """One row per individual with one column per measure (``measure`` or ``measure:zone``)."""
        rows = self.measures[self.measures["bin_start_s"].isna()]
        names = np.where(rows["zone"] == "", rows["measure"], rows["measure"] + ":" + rows["zone"])
        table = rows.assign(name=names).pivot(index="individual", columns="name", values="value")
        order = [str(name) for name in dict.fromkeys(names)]
        table = table.reindex(columns=order).reset_index().rename_axis(columns=None)
        keys = pd.DataFrame({"recording": self.recording, "animal": self.animal, "group": self.group}, table.index)
        return pd.concat([keys, table], axis=1)


class Measures:
    """Collects measures of one individual, whole recording or one time bin."""

    def __init__(self, individual: str, bin_s: tuple[float, float] | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        start, stop = bin_s or (np.nan, np.nan)
        self._base = {"individual": individual, "bin_start_s": start, "bin_stop_s": stop}

    def add(
        self, measure: str, value: float, unit: str, definition: str, *, zone: str = "", censored: bool = False
    ) -> None:
        """Note one number with its unit and definition."""
        self.rows.append(
            {
                "measure": measure,
                "value": float(value),
                "unit": unit,
                "zone": zone,
                "censored": bool(censored),
                "definition": definition,
                **self._base,
            }
        )


def result(
    paradigm: str,
    recording: Recording,
    measures: list[Measures],
    visits: pd.DataFrame,
    conventions: dict[str, Any],
    warnings: list[str],
    primary: tuple[str, ...],
) -> AssayResult:
    """Assemble an `AssayResult`."""
    rows = [row for m in measures for row in m.rows]
    table = pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))
    return AssayResult(
        paradigm, recording.id, recording.animal, recording.group, table, visits, conventions, tuple(warnings), primary
    )


#: Tables of every paradigm, the same for all.
MEASURES = Table(
    "measures",
    {
        "measure": text_column(),
        "value": number_column(why="in the unit of the row"),
        "unit": text_column(),
        "zone": text_column(why="empty when it is of the whole arena"),
        "bin_start_s": number_column("from", unit="s", why="missing: the whole recording"),
        "bin_stop_s": number_column("to", unit="s"),
        "censored": flag_column(why="true where a latency never ended"),
        "definition": text_column(),
    },
    "One row a recording, individual, measure, zone and time bin.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording and individual, one column a measure of the whole recording.",
    measures=number_column(),
)
VISITS = Table(
    "visits",
    {
        "start_s": number_column("from", unit="s"),
        "stop_s": number_column("to", unit="s"),
        "label": text_column("zone"),
        "rater": text_column(optional=True),
        "stream": text_column(optional=True),
        "source": text_column(optional=True),
        "score": number_column(optional=True),
    },
    "One row a visit to a zone.",
)


ARENAS = Table(
    "arenas",
    {
        "arena": text_column(),
        "source": text_column(choices=("drawn", "tracked corners", "around the zones", "estimated")),
        "verdict": text_column(choices=("ok", "look", "bad"), why="look: a guess; bad: a guess that cannot be trusted"),
        "shape": text_column(choices=("polygon", "circle")),
        "width_cm": number_column("width", unit="cm", why="largest extent from left to right"),
        "depth_cm": number_column("depth", unit="cm", why="from top to bottom"),
        "area_cm2": number_column("area", unit="cm²"),
        "px_per_cm": number_column("scale", unit="px/cm", why="missing where poses were never in px"),
        "outline": text_column(why="zone as JSON, cm: the arena that was used"),
        "zones": text_column(why="zones as a JSON list, cm: those that figures outline", optional=True),
        "centre": text_column(why="zone as JSON, cm: the centre, in runs of earlier versions", optional=True),
    },
    "One row a recording and arena: which outline was used, where it comes from, and its scale.",
)


def arena_table(conventions: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of `ARENAS` from the conventions of a result."""
    rows = []
    for outline in conventions.get("arena_outlines", ()):
        zone = Zone(**{k: v for k, v in outline.items() if k not in ("source", "verdict", "zones")})
        low, high = zone.bounds
        rows.append(
            {
                "arena": zone.name,
                "source": outline["source"],
                "verdict": outline["verdict"],
                "shape": "circle" if zone.polygon is None else "polygon",
                "width_cm": float(high[0] - low[0]),
                "depth_cm": float(high[1] - low[1]),
                "area_cm2": zone.area,
                "px_per_cm": conventions.get("px_per_cm"),
                "outline": to_json(zone.to_dict()),
                "zones": to_json(outline["zones"]),
            }
        )
    return pd.DataFrame(rows, columns=[c for c in ARENAS.columns if c != "centre"]).astype({"px_per_cm": float})


def tables_of(outcome: AssayResult) -> Tables:
    """Return the result of a paradigm as the tables that every paradigm declares."""
    whole = outcome.measures[outcome.measures["bin_start_s"].isna()]
    names = np.where(whole["zone"] == "", whole["measure"], whole["measure"] + ":" + whole["zone"])
    return Tables(
        {
            "measures": outcome.measures,
            "animals": outcome.wide().drop(columns=["recording", "animal", "group"]),
            "visits": outcome.visits,
            "arenas": arena_table(outcome.conventions),
        },
        warnings=outcome.warnings,
        conventions=outcome.conventions,
        units=dict(zip(names.tolist(), whole["unit"].tolist(), strict=True)),
    )
