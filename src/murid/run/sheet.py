"""The sheet of a study: which animal and group each recording is of, written to be filled in, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from murid.data.atomic import atomic_file
from murid.data.errors import Faults, fail
from murid.data.study import Study
from murid.data.tables import escape_formulas
from murid.io.animal_sheets import read_sheet
from murid.run.file_pairing import OWN, Paired, add_keys, id_of, naturally

#: Columns of a new sheet: what a recording can be told apart by, and what group comparisons adjust for.
COLUMNS = ("id", "animal", "group", "day", "session", "sex", "litter")


def blank_sheet(files: Sequence[str | Path]) -> pd.DataFrame:
    """Return a sheet to fill in, one row for each file that names a recording.

    Parameters
    ----------
    files : sequence of path
        Files of poses (else traces, spikes or labels), or folders of them.

    Returns
    -------
    DataFrame
        Text. ``id``, as `murid.run.add_files` names the recordings; ``animal``, the same until it is changed;
        and empty columns ``group, day, session, sex, litter``.

    Raises
    ------
    DataError
        A file that is not there, a folder without files, or two files of one name.

    Examples
    --------
    >>> import murid
    >>> path = murid.io.write_poses_dlc(murid.open_study("mice")["control_1"].poses, "m9DLC_resnet50.csv")
    >>> murid.run.blank_sheet([path])[["id", "animal", "group"]].values.tolist()
    [['m9', 'm9', '']]
    """
    faults = Faults("files of the sheet")
    paths: list[Path] = []
    for path in map(Path, files):
        inside = sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".") if path.is_dir() else [path]
        if not path.exists():
            faults.add("no such file or folder", where=str(path))
        elif not inside:
            faults.add("the folder holds no files", where=str(path))
        paths += inside
    ids = [id_of(path) for path in paths]
    for name in dict.fromkeys(i for i in ids if ids.count(i) > 1):
        several = [p.name for p, i in zip(paths, ids, strict=True) if i == name]
        faults.add(
            f"{len(several)} files would be recording '{name}'",
            got=", ".join(several),
            todo="give the files of one kind alone, the poses where there are some",
        )
    faults.raise_if_any()
    return (
        pd.DataFrame({"id": sorted(ids, key=naturally)})
        .assign(animal=lambda t: t["id"])
        .reindex(columns=COLUMNS, fill_value="")
    )


def study_sheet(study: Study) -> pd.DataFrame:
    """Return the sheet of a study as it is: columns of `COLUMNS`, then its notes; text.

    Examples
    --------
    >>> import murid
    >>> study_sheet(murid.open_study("mice"))[["id", "group"]].head(1).values.tolist()
    [['control_1', 'control']]
    """
    table = study.table.drop(columns=list(OWN))
    return table.reindex(columns=[*COLUMNS, *(c for c in table.columns if c not in COLUMNS)], fill_value="")


def update_from_sheet(study: Study, sheet: str | Path | pd.DataFrame, *, dry_run: bool = False) -> pd.DataFrame:
    """Give the recordings of a study the animal, group, day, session and notes of a sheet.

    Columns that the sheet does not have stay as they are; an empty cell empties the value. Runs made before
    say in `check` and `report` that their groups are older.

    Parameters
    ----------
    study : Study
    sheet : path or DataFrame
        See `murid.io.animal_sheets.read_sheet`; rows name recordings or animals.
    dry_run : bool
        Only say what would change.

    Returns
    -------
    DataFrame
        Every value that changed: ``id, column, before, now``.

    Raises
    ------
    DataError
        Recordings without a row, or rows that fit no recording, or several.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> sheet = study_sheet(study).assign(litter="L1")
    >>> murid.run.update_from_sheet(study, sheet).head(1).values.tolist()
    [['control_1', 'litter', '', 'L1']]
    """
    table = study.table.set_index("id")
    if table.empty:
        fail(f"study {study.folder}", "no recording is there", todo="add files with: murid add")
    read = read_sheet(sheet)
    given = study.table
    # Rows of animals find recordings by the animal that the study knows, else by the name of the recording.
    by_animal = "id" not in read and bool(set(read["animal"]) & set(given["animal"]))
    named = given["animal"] if by_animal else given["id"]
    pairs = [Paired(str(name), Path(str(name))) for name in named]
    faults = Faults("sheet")
    stray: list[tuple[str, str]] = []
    add_keys(pairs, read, faults, stray)
    for _, name in stray:
        faults.add(
            f"row '{name}' fits no recording", expected=", ".join(named.head(8)), todo="correct it, or leave it out"
        )
    faults.raise_if_any()
    # Sheets are read with columns in lower case; notes of the study keep the spelling they have.
    spelt = {str(column).casefold(): str(column) for column in table.columns}
    changes = [
        (str(recording), column, str(table.at[recording, column]) if column in table else "", value)
        for recording, pair in zip(given["id"], pairs, strict=True)
        for column, value in ((spelt.get(key, key), value) for key, value in pair.keys.items())
    ]
    changed = pd.DataFrame([c for c in changes if c[2] != c[3]], columns=["id", "column", "before", "now"])
    if not dry_run:
        study.update(changed)
    return changed


def write_sheet(table: pd.DataFrame, path: str | Path) -> None:
    """Write a sheet as CSV that every spreadsheet opens rightly, or as Excel; nothing is written over.

    Parameters
    ----------
    table : DataFrame
        From `blank_sheet` or `study_sheet`.
    path : path
        ``.csv`` or ``.xlsx``; a new file.

    Examples
    --------
    >>> write_sheet(pd.DataFrame({"id": ["m1"]}), "sheet_m1.csv")
    >>> read_sheet("sheet_m1.csv")["id"].tolist()
    ['m1']
    """
    path = Path(path)
    if path.suffix not in (".csv", ".xlsx"):
        fail(f"sheet {path}", "cannot be written", expected="a name that ends with .csv or .xlsx", got=path.name)
    if path.exists():
        fail(f"sheet {path}", "is there already", todo="choose another name with --out, or delete it")
    table = escape_formulas(table)
    with atomic_file(path) as temporary:
        if path.suffix == ".xlsx":
            with pd.ExcelWriter(temporary, engine="openpyxl") as book:
                table.to_excel(book, index=False)
        else:
            table.to_csv(temporary, index=False, encoding="utf-8-sig")
