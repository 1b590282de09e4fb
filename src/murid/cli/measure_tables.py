"""Tables of measures as people read them on a screen of 80 columns: one line a measure, the main ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from murid.data.tables import TableRows

#: Measures printed; the CSV has all.
MAX_MEASURES = 20
#: Up to so many recordings each has a column of its own; above, mean and spread are shown.
MAX_COLUMNS = 3
#: Headings that groups stand beside.
_DIFFERENCE = "difference [95 %]"
_STATISTICS = (_DIFFERENCE, "g", "p", "q")


def comparison_table(comparison: pd.DataFrame, units: Mapping[str, str], alpha: float = 0.05) -> pd.DataFrame:
    """Return one line a measure: mean of each group, difference with its interval, effect, p and q.

    The smallest p comes first. Digits are added where rounding would carry p or q over `alpha`.
    """
    import pandas as pd

    from murid.data.reserved_names import set_apart
    from murid.data.tables import with_unit
    from murid.stats.group_tables import COMPARISON

    rows = _smallest_p_first(COMPARISON.rows(comparison))
    groups = [c[len("mean_") :] for c in comparison.columns if c.startswith("mean_")]
    shown = {"measure": [with_unit(m, units.get(m, "")) for m in rows.measure]}
    for group in groups:
        shown[set_apart(group, ("measure", *_STATISTICS), "group")] = [_short(v) for v in rows.frame[f"mean_{group}"]]
    if rows.difference.notna().any():
        shown[_DIFFERENCE] = [
            f"{_short(d)} [{_short(low)}, {_short(high)}]" if low == low else _short(d)
            for d, low, high in zip(rows.difference, rows.difference_low, rows.difference_high, strict=True)
        ]
        shown["g"] = [_short(v) for v in rows.effect]
    shown["p"] = [_p(v, alpha) for v in rows.p]
    shown["q"] = [_p(v, alpha) for v in rows.q]
    return pd.DataFrame(shown)


def latency_table(latencies: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return one line a latency: how many animals of each group did it, median (s) where half of them did, p and q."""
    import pandas as pd

    from murid.data.reserved_names import group_column
    from murid.stats.group_tables import LATENCIES

    rows = _smallest_p_first(LATENCIES.rows(latencies))
    order = rows.frame
    groups = [c.removeprefix("events_") for c in latencies.columns if c.startswith("events_")]
    shown: dict[str, list[str]] = {"measure": [f"{m} (s)" for m in rows.measure]}
    for group in groups:
        shown[f"{group}, did it"] = [
            f"{did} of {n}"
            for did, n in zip(*(order[group_column(what, group)] for what in ("events", "n")), strict=True)
        ]
        median = order[group_column("median_s", group)]
        shown[f"{group}, median"] = [_short(v) if v == v else "-" for v in median]
    shown["p"] = [_p(v, alpha) for v in rows.p]
    shown["q"] = [_p(v, alpha) for v in rows.q]
    return pd.DataFrame(shown)


def one_line_a_measure(animals: pd.DataFrame, units: Mapping[str, str], primary: Sequence[str] = ()) -> pd.DataFrame:
    """Return one line a measure: a column a recording where these are few, else n, mean, SD and range."""
    import pandas as pd

    from murid.data.reserved_names import KEYS, set_apart
    from murid.data.tables import with_unit

    numbers = [c for c in animals.columns if c not in KEYS and pd.api.types.is_numeric_dtype(animals[c])]
    names = [*(m for m in primary if m in numbers), *(m for m in numbers if m not in primary)][:MAX_MEASURES]
    shown: dict[str, list[object]] = {"measure": [with_unit(name, units.get(name, "")) for name in names]}
    if len(animals) <= MAX_COLUMNS:
        several = "individual" in animals and animals["individual"].nunique() > 1
        for row, values_of in zip(animals.to_dict("records"), animals[names].to_numpy(float), strict=True):
            parts = [row["recording"], *([row["individual"]] if several else [])]
            shown[set_apart(" ".join(map(str, parts)), ("measure",), "recording")] = [_short(v) for v in values_of]
        return pd.DataFrame(shown)
    values = animals[names].astype(float)
    shown["n"] = [int(v) for v in values.notna().sum()]
    for heading, numbers_of in (
        ("mean", values.mean()),
        ("SD", values.std()),
        ("lowest", values.min()),
        ("highest", values.max()),
    ):
        shown[heading] = [_short(v) for v in numbers_of]
    return pd.DataFrame(shown)


def _smallest_p_first(rows: TableRows) -> TableRows:
    """Return the first `MAX_MEASURES` rows; those without p come last."""
    import numpy as np

    return rows.take(np.argsort(rows.p.to_numpy(float), kind="stable")[:MAX_MEASURES])


def _short(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _p(value: float, alpha: float) -> str:
    if value != value:
        return "-"
    if value < 0.001:
        return "<.001"
    texts = (f"{value:.{digits}f}" for digits in (3, 4, 5))
    return next((t.lstrip("0") for t in texts if (float(t) <= alpha) == (value <= alpha)), f">{alpha:g}")
