"""The unit of analysis: one row per animal before any test.

Ten cells or five recordings of one animal are not ten or five independent observations. Averaging
them first keeps the error rate (simulated: t test on cells 46 % false positives, on animal means 4 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from murid.data.errors import Faults, did_you_mean
from murid.data.names import counted
from murid.data.reserved_names import set_apart

#: Columns of the table that is tested.
_OWN = ("unit", "group", "value", "_rank")


@dataclass(frozen=True)
class UnitTable:
    """One row per unit (and condition), and what was averaged or left out to get there.

    Attributes
    ----------
    table : DataFrame
        Columns ``unit, group, value`` and the covariates; sorted by group, then unit, so that the order of the
        rows in the file changes nothing.
    groups : tuple of str
        Group names in order; the first one is the reference.
    n_rows : int
        Rows that the table was made of.
    n_missing : int
        Rows without value, unit or covariate that were left out.
    n_no_group : int
        Units without a group (empty cell or missing), left out.
    small : dict of str to int
        Groups of fewer than two units, left out, and their number of units.
    n_no_unit : int
        Rows that name no unit, left out.
    incomplete : dict of str to int
        Paired designs: condition → units left out since they lack it.
    """

    table: pd.DataFrame
    groups: tuple[str, ...]
    n_rows: int
    n_missing: int
    n_no_group: int = 0
    n_no_unit: int = 0
    small: Mapping[str, int] = field(default_factory=dict)
    incomplete: Mapping[str, int] = field(default_factory=dict)

    @property
    def averaged(self) -> bool:
        """True when some unit had several rows."""
        return self.n_rows > len(self.table)

    def notes(self, unit: str | None) -> list[str]:
        """What was averaged and left out, one phrase each; `unit` names the column of the unit."""
        noun = unit or "row"
        notes = []
        if self.averaged:
            notes.append(f"{self.n_rows} rows were averaged to {len(self.table)} ({noun} is the unit of analysis)")
        if self.n_missing:
            notes.append(f"{counted(self.n_missing, 'row')} without value or covariate left out")
        if self.n_no_unit:
            notes.append(f"{counted(self.n_no_unit, 'row')} without {noun} left out")
        if self.n_no_group:
            notes.append(f"{counted(self.n_no_group, noun)} without a group left out")
        notes += [f"group {g} left out ({counted(n, noun)})" for g, n in self.small.items()]
        notes += [f"{counted(n, noun)} without '{g}' left out" for g, n in self.incomplete.items()]
        return notes


def covariates_apart(
    table: pd.DataFrame, covariates: Sequence[str], words: Sequence[str] = _OWN
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return table and covariates; one that is called like a column of the tested table has its kind in brackets.

    Parameters
    ----------
    table : DataFrame
    covariates : sequence of str
        Columns; those that are not there stay as they are, for the error that names them.
    words : sequence of str
        Columns of the table that is tested.

    Examples
    --------
    >>> import pandas as pd
    >>> covariates_apart(pd.DataFrame({"group": ["a"], "sex": ["f"]}), ["group", "sex"])[1]
    ('group (covariate)', 'sex')
    """
    names = {c: set_apart(c, words, "covariate") if c in table else c for c in covariates}
    return table.assign(**{new: table[c] for c, new in names.items() if new != c}), tuple(names.values())


def group_names(column: pd.Series) -> pd.Series:
    """Return group names as text without outer spaces; missing and empty cells are NaN.

    Parameters
    ----------
    column : Series
        Names, numbers or truth values; `Study.table` writes ``""`` where a recording has no group.
    """
    names = column.map(str).str.strip().where(column.notna())
    return names.where(names != "")


def by_unit(
    table: pd.DataFrame,
    value: str,
    group: str,
    *,
    unit: str | None = "animal",
    paired: bool = False,
    covariates: Sequence[str] = (),
    order: Sequence[str] | None = None,
) -> UnitTable:
    """Average repeated rows of each unit, after checking that the design makes sense.

    Parameters
    ----------
    table : DataFrame
        One row per recording (or cell, or bout).
    value, group : str
        Column of the measure (numeric) and of the group or condition. Rows without a group are left out.
    unit : str or None
        Column that names the animal, pair or litter. None: every row is its own unit.
    paired : bool
        Each unit is measured in every condition; units that miss one are left out.
    covariates : sequence of str
        Columns to keep. Numbers are averaged per unit, text must be constant within a unit.
    order : sequence of str, optional
        Order of the groups; the difference is second minus first. By first appearance otherwise.

    Returns
    -------
    UnitTable

    Raises
    ------
    DataError
        Missing columns, text where numbers belong, a unit in two groups of an unpaired design, fewer than two
        groups of two units.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({
    ...     "animal": ["a", "a", "b", "c", "d"],
    ...     "group": ["ctrl", "ctrl", "ctrl", "drug", "drug"],
    ...     "cm": [1.0, 3.0, 4.0, 5.0, 7.0],
    ... })
    >>> units = by_unit(rows, "cm", "group")
    >>> units.table["value"].tolist()
    [2.0, 4.0, 5.0, 7.0]
    >>> units.notes("animal")
    ['5 rows were averaged to 4 (animal is the unit of analysis)']
    """
    faults = Faults(f"comparison of '{value}'")
    _check_columns(table, [value, group, *covariates] + ([unit] if unit else []), faults)
    numbers = numbers_of(table, value, faults)
    names = group_names(table[group])
    has_value = np.isfinite(numbers) & table[list(covariates)].notna().all(axis=1)
    ids = group_names(table[unit]) if unit else pd.Series(_rows(len(table)), index=table.index)
    keep = has_value & ids.notna() & names.notna()
    flat = pd.DataFrame({"unit": ids[keep], "group": names[keep], "value": numbers[keep].astype(float)})
    for name in covariates:
        if name in _OWN:
            faults.add(f"covariate '{name}' is called like a column of the result", todo="give it another name")
        flat[name] = table.loc[keep, name].to_numpy()
    groups = _groups(flat, order, faults)
    flat = flat[flat["group"].isin(groups)]
    if not paired:
        _check_one_group(flat, faults)
    faults.raise_if_any()
    out = _average(flat, list(covariates), faults)
    out, incomplete = _complete(out, groups) if paired else (out, {})
    groups, small = _large_enough(out, groups, faults)
    faults.raise_if_any()
    out = out[out["group"].isin(groups)]
    rank = {name: i for i, name in enumerate(groups)}
    out = out.assign(_rank=out["group"].map(rank)).sort_values(["_rank", "unit"]).drop(columns="_rank")
    used = set(zip(out["unit"], out["group"], strict=True))
    n_rows = sum(key in used for key in zip(flat["unit"], flat["group"], strict=True))
    no_group = ids[has_value & names.isna()].nunique()
    n_missing, n_no_unit = int((~has_value).sum()), int((has_value & ids.isna()).sum())
    return UnitTable(out.reset_index(drop=True), groups, n_rows, n_missing, int(no_group), n_no_unit, small, incomplete)


def _rows(n: int) -> list[str]:
    """Names of rows that are units of their own, sorting as they stand."""
    width = len(str(n))
    return [f"row {i:0{width}d}" for i in range(n)]


def _check_columns(table: pd.DataFrame, needed: Sequence[str], faults: Faults) -> None:
    for column in needed:
        if column not in table:
            faults.add(f"no column '{column}'", todo=did_you_mean(column, map(str, table.columns)))
    faults.raise_if_any()


def nested_litters(table: pd.DataFrame, group: str, unit: str | None) -> str:
    """Say that whole litters were treated while animals are counted, or return "".

    Litter-mates resemble each other: eight animals of two litters are not eight independent animals. With litters of
    four and as much spread between litters as between animals, tests of animals err in .23 of studies, not .05.

    Parameters
    ----------
    table : DataFrame
        A column called ``litter`` (in any case) says whose litter; without one nothing can be said.
    group, unit : str
        Columns of group and unit.
    """
    column = next((c for c in map(str, table.columns) if c.lower() == "litter" and c != unit), None)
    if column is None or unit is None:
        return ""
    rows = pd.DataFrame({k: group_names(table[c]) for k, c in (("litter", column), ("group", group), ("unit", unit))})
    by_litter = rows.dropna().groupby("litter")
    several = by_litter["unit"].nunique() > 1
    whole = by_litter["group"].nunique() == 1
    if several.sum() < 2 or not whole[several].all():
        return ""
    return (
        f"all animals of a litter are in one group ({counted(int(several.sum()), 'litter')} of several animals): "
        f"litter-mates are no independent units, and p is too small; use unit='{column}'"
    )


def numbers_of(table: pd.DataFrame, value: str, faults: Faults) -> pd.Series:
    """Return a column as numbers; text that is no number is a fault that names its row."""
    numbers = pd.to_numeric(table[value], errors="coerce").astype(np.float64)
    bad = numbers.isna() & table[value].notna()
    if bad.any():
        faults.add(
            f"'{value}' is not a number", where=f"row {table.index[bad][0]}", got=repr(table.loc[bad, value].iloc[0])
        )
    return numbers


def _check_one_group(flat: pd.DataFrame, faults: Faults) -> None:
    n_groups = flat.groupby("unit")["group"].nunique()
    if (n_groups > 1).any():
        faults.add(
            "units belong to more than one group",
            got=", ".join(map(str, n_groups.index[n_groups > 1][:5])),
            todo="use paired=True for measures before and after, or name the column of the animal in unit=",
        )


def _groups(flat: pd.DataFrame, order: Sequence[str] | None, faults: Faults) -> tuple[str, ...]:
    """Return the group names in order, or note what is wrong with them."""
    present = [str(g) for g in flat["group"].unique()]
    groups = tuple(present) if order is None else tuple(map(str, order))
    for name in groups:
        if name not in present:
            faults.add(f"no group '{name}'", todo=did_you_mean(name, present))
    if len(groups) < 2:
        faults.add("too few groups", expected="at least 2", got=", ".join(groups) or "none")
    return groups


def _complete(out: pd.DataFrame, groups: tuple[str, ...]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Keep the units that have every condition; count the others by the condition that they lack."""
    has = out.groupby("unit")["group"].agg(set)
    lacking = {g: int(sum(g not in own for own in has)) for g in groups}
    complete = has.map(lambda own: own >= set(groups))
    return out[out["unit"].map(complete).astype(bool)], {g: n for g, n in lacking.items() if n}


def _large_enough(out: pd.DataFrame, groups: tuple[str, ...], faults: Faults) -> tuple[tuple[str, ...], dict[str, int]]:
    """Leave out groups of fewer than two units; a fault when fewer than two groups remain."""
    sizes = {name: int((out["group"] == name).sum()) for name in groups}
    small = {name: n for name, n in sizes.items() if n < 2}
    if len(groups) - len(small) < 2:
        for name, n in small.items():
            faults.add(f"group '{name}' is too small", expected="at least 2 units", got=str(n))
        return groups, {}
    return tuple(g for g in groups if g not in small), small


def _average(flat: pd.DataFrame, covariates: list[str], faults: Faults) -> pd.DataFrame:
    """One row per unit and group: mean value, mean of numeric covariates, the one value of text covariates."""
    rules: dict[str, str] = {"value": "mean"}
    for name in covariates:
        if pd.api.types.is_numeric_dtype(flat[name]) and not pd.api.types.is_bool_dtype(flat[name]):
            rules[name] = "mean"
            continue
        varies = flat.groupby(["unit", "group"])[name].nunique() > 1
        if varies.any():
            faults.add(f"covariate '{name}' changes within a unit", where=f"unit {varies.index[varies][0][0]}")
        rules[name] = "first"
    return flat.groupby(["unit", "group"], sort=False).agg(rules).reset_index()
