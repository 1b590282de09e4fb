"""Compare groups of animals: what assays and applied methods share."""

from __future__ import annotations

import pandas as pd

from murid.data.errors import DataError
from murid.run.runs import Run

#: Columns that say whose row it is.
WHO = ("animal", "group", "day", "session")
KEYS = ("recording", *WHO, "individual")


def with_keys(table: pd.DataFrame, recording_id: str, who: pd.DataFrame) -> pd.DataFrame:
    """Put recording, animal, group, day and session in front of a table's columns."""
    keys = {"recording": recording_id, **{k: who.at[recording_id, k] for k in WHO if (who[k] != "").any()}}
    return pd.concat([pd.DataFrame(keys, index=table.index), table.drop(columns=list(keys), errors="ignore")], axis=1)


def compare_groups(run: Run, table: pd.DataFrame, group: str, seed: int = 0) -> None:
    """Compare every measure of a table between groups, animals being the unit; write ``comparison``.

    Does nothing but say so when there are no two groups of two animals.
    """
    from murid.stats import compare_tables

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
    numbers = [c for c in table.columns if c not in KEYS and pd.api.types.is_numeric_dtype(table[c])]
    usable = [c for c in numbers if compared[c].notna().all() and compared[c].nunique() > 1]
    if not usable:
        run.warn("no comparison: no measure varies")
        return
    try:
        found, pairs = compare_tables(table, usable, group, seed=seed)
    except DataError as exc:
        run.warn(f"no comparison: {exc}")
        return
    left_out = [c for c in numbers if c not in usable]
    if left_out:
        run.warn(f"not compared, since missing somewhere or the same everywhere: {', '.join(left_out)}")
    run.table("comparison", found)
    if len(pairs):
        run.table("pairwise", pairs)
    run.note(
        groups={str(k): int(v) for k, v in sizes.items() if v >= 2},
        differ=found.loc[found["q"] <= 0.05, "measure"].tolist(),
        compared=len(found),
    )
