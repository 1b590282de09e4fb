"""Compare groups of animals: what assays and applied methods share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from murid.data.errors import DataError, fail
from murid.data.pvalues import fdr
from murid.data.reserved_names import KEYS
from murid.run.runs import Run
from murid.stats import compare_survival, compare_tables
from murid.stats.wording import ALPHA

#: Columns that say whose row it is.
WHO = ("animal", "group", "day", "session")
#: Columns of a comparison that belong to its tests.
_TESTED = ("test", "statistic", "p", "q", "p_floor")


def check_alpha(alpha: float) -> None:
    """Refuse a level that is none."""
    if not 0 < alpha < 1:
        fail("comparison of groups", "alpha is no level", expected="between 0 and 1, such as 0.05", got=f"{alpha:g}")


def with_keys(table: pd.DataFrame, recording_id: str, sheet: pd.DataFrame) -> pd.DataFrame:
    """Put recording, animal, group, day and session in front of a table's columns."""
    given = {k: sheet.at[recording_id, k] for k in WHO if (sheet[k] != "").any()}
    if given:
        # An empty cell is an animal of its own, as everywhere else; never one animal for all of them.
        given = {"animal": "", **given}
        given["animal"] = given["animal"] or recording_id
    keys = {"recording": recording_id, **given}
    return pd.concat([pd.DataFrame(keys, index=table.index), table.drop(columns=list(keys), errors="ignore")], axis=1)


def with_column(table: pd.DataFrame, column: str, sheet: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a further column of ``recordings.csv``, such as sex; as it is where there is no such column.

    Parameters
    ----------
    table : DataFrame
        With ``recording``.
    column : str
    sheet : DataFrame
        ``recordings.csv``, indexed by recording.
    """
    if column in table or column not in sheet or not (sheet[column] != "").any():
        return table
    return table.assign(**{column: table["recording"].map(sheet[column])})


def compare_groups(
    run: Run, table: pd.DataFrame, group: str, seed: int = 0, primary: Sequence[str] = (), alpha: float = ALPHA
) -> None:
    """Compare every measure of a table between groups, animals being the unit; write ``comparison``.

    Where measures are `primary` (what the test is made for), they alone are the family that is corrected for
    multiple testing; the others are described in the table ``described``: means, differences and intervals,
    no tests. Warns when there are no two groups of two animals. What has q up to `alpha` is said to differ.
    """
    if group not in table:
        run.warn(f"no comparison: no recording has a {group}")
        return
    sizes = table.loc[table[group] != "", [group, "animal"]].drop_duplicates()[group].value_counts()
    if (sizes >= 2).sum() < 2:
        run.warn(f"no comparison: it takes two {group}s with two animals each, there are {sizes.to_dict()}")
        return
    small = {str(g): int(n) for g, n in sizes.items() if n < 2}
    if small:
        run.warn(f"{group}s of one animal are not compared: {', '.join(small)}")
    compared = table[table[group].isin(sizes.index[sizes >= 2])]
    _warn_of_pairs(run, compared)
    unit = unit_of(compared)
    numbers = [c for c in table.columns if c not in (*KEYS, group) and pd.api.types.is_numeric_dtype(table[c])]
    usable = [c for c in numbers if compared[c].notna().all() and compared[c].nunique() > 1]
    if not usable:
        run.warn("no comparison: no measure varies")
        return
    family = [m for m in primary if m in usable]
    others = [m for m in usable if m not in family]
    try:
        comparison, pairs = compare_tables(table, family or usable, group, alpha=alpha, seed=seed)
        described = compare_tables(table, others, group, alpha=alpha, seed=seed)[0] if family and others else None
    except DataError as exc:
        run.warn(f"no comparison: {exc}")
        return
    left_out = [c for c in numbers if c not in usable]
    if left_out:
        run.warn(f"not compared, since missing somewhere or the same everywhere: {', '.join(left_out)}")
    run.table("comparison", comparison.assign(unit_of_analysis=unit))
    if len(pairs):
        run.table("pairwise", pairs)
    if described is not None:
        described = described.assign(unit_of_analysis=unit)
        run.table("described", described.drop(columns=[c for c in _TESTED if c in described]))
    run.note(
        groups={str(k): int(v) for k, v in sizes.items() if v >= 2},
        differ=comparison.loc[comparison["q"] <= alpha, "measure"].tolist(),
        level=alpha,
        compared=len(comparison),
        described=0 if described is None else len(described),
    )


def unit_of(table: pd.DataFrame) -> str:
    """Return what a value of a table belongs to: recordings with several animals in view count once, with their mean.

    Examples
    --------
    >>> import pandas as pd
    >>> unit_of(pd.DataFrame({"recording": ["r1", "r1", "r2", "r2"], "individual": ["a", "b", "a", "b"]}))
    'pair'
    """
    most = table.groupby("recording")["individual"].nunique().max() if "individual" in table else 1
    return "animal" if most < 2 else "pair" if most == 2 else "set"


def _warn_of_pairs(run: Run, table: pd.DataFrame) -> None:
    """Say that what is compared is not the single animal."""
    unit = unit_of(table)
    if unit == "animal":
        return
    names = sorted(table["individual"].astype(str).unique())
    listed = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
    run.warn(
        f"several animals are in view of one recording ({listed}): what is compared is their mean, so that the {unit}, "
        f"not the animal, is the unit, and an effect on one of them is diluted; {_one_alone(run, names[0])}"
    )


def _one_alone(run: Run, name: str) -> str:
    """Say how one of several animals is compared alone: by the run's own option, by another command, or in Python."""
    command, asked = str(run.provenance["command"]), run.provenance["params"]
    if "individual" in asked:
        return f"compare one of them alone with --individual {name} (Python: individual='{name}')"
    if command == "apply":
        model = asked.get("model", "MODEL")
        return (
            f"compare one of them alone with: murid budget STUDY --states-from {model} --individual {name} "
            f"(Python: states_from='{model}', individual='{name}')"
        )
    table = "summary" if command == "evaluate" else "animals"
    return (
        f"no option takes one of them alone: select the rows of '{name}' in the table '{table}' of this run, and "
        "compare these in Python, with murid.stats.compare"
    )


def compare_latencies(
    run: Run, late: Mapping[str, pd.DataFrame], group: str, seed: int = 0, alpha: float = ALPHA
) -> None:
    """Compare latencies that may be censored (it never happened) by their survival; write ``latencies``."""
    rows = []
    for name, table in late.items():
        if group not in table:
            continue
        table = _without_single_animals(table, group)
        happened = ~table["censored"].astype(bool)
        try:
            comparison = compare_survival(table.assign(happened=happened), "value", "happened", group, seed=seed)
        except DataError as exc:
            run.warn(f"latency '{name}' is not compared: {exc}")
            continue
        rows.append(comparison.row(name))
    if rows:
        _one_family(run, pd.DataFrame(rows), alpha)


def _without_single_animals(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """Leave out groups of one animal, as the comparison of measures does; rows without a group stay and are counted."""
    sizes = table.loc[table[group] != "", [group, "animal"]].drop_duplicates()[group].value_counts()
    return table[~table[group].isin(sizes.index[sizes < 2])]


def _one_family(run: Run, late: pd.DataFrame, alpha: float) -> None:
    """Correct latencies and the measures of ``comparison`` for multiple testing together; write both tables."""
    comparison = run.tables.get("comparison")
    tested = (
        late[["measure", "p"]]
        if comparison is None
        else pd.concat([comparison[["measure", "p"]], late[["measure", "p"]]])
    )
    q = fdr(tested["p"])
    late.insert(list(late.columns).index("p") + 1, "q", q[-len(late) :])
    run.table("latencies", late)
    if comparison is not None:
        run.table("comparison", comparison.assign(q=q[: -len(late)]))
    run.note(differ=tested.loc[q <= alpha, "measure"].tolist(), compared=len(tested), level=alpha)
