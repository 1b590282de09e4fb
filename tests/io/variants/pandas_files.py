"""Tables as pandas saves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.io.variants import dialect, variant
from tests.io.variants.kinds import KINDS, REAR, Kind

FLAT = [name for name in KINDS if name != "dlc"]
#: Tables whose readers may meet a column that only numbers the rows.
_BINARY = r"got (a Parquet file|a Python pickle|a zip file|a bz2 file|an xz file|.*HDF5)"


def frame(kind: Kind) -> pd.DataFrame:
    """The table as a program holds it: levels of a DeepLabCut table as MultiIndex, its frames as index."""
    if len(kind.header) == 1:
        return pd.DataFrame(kind.rows, columns=list(kind.header[0]))
    columns = pd.MultiIndex.from_arrays([level[1:] for level in kind.header], names=[level[0] for level in kind.header])
    return pd.DataFrame(
        [row[1:] for row in kind.rows], columns=columns, index=[row[0] for row in kind.rows], dtype=float
    )


@dialect("pandas")
def to_csv(kind: Kind, folder: Path) -> Path:
    """With the index, as pandas does without being asked."""
    frame(kind).to_csv(folder / "a.csv")
    return folder / "a.csv"


@dialect("pandas", FLAT)
def to_csv_without_index(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@dialect("pandas")
def to_csv_twice(kind: Kind, folder: Path) -> Path:
    """Read and saved again: the index of the first time is a column."""
    frame(kind).to_csv(folder / "a.csv")
    levels = list(range(len(kind.header)))
    pd.read_csv(folder / "a.csv", header=levels if len(levels) > 1 else 0).to_csv(folder / "a.csv")
    return folder / "a.csv"


@dialect("pandas")
def reset_index(kind: Kind, folder: Path) -> Path:
    frame(kind).reset_index().to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@dialect("pandas", ["dlc"])
def named_index(kind: Kind, folder: Path) -> Path:
    """A row with the name of the index stands between header and numbers."""
    frame(kind).rename_axis("frame").to_csv(folder / "a.csv")
    return folder / "a.csv"


@dialect("pandas")
def quoted_everything(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv", quoting=1)
    return folder / "a.csv"


@dialect("pandas")
def tabs(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.tsv", sep="\t")
    return folder / "a.tsv"


@dialect("pandas")
def semicolons_and_decimal_commas(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv", sep=";", decimal=",")
    return folder / "a.csv"


@dialect("pandas")
def gzip(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv.gz")
    return folder / "a.csv.gz"


def _missing_as(word: str):
    def write(kind: Kind, folder: Path) -> Path:
        frame(kind).to_csv(folder / "a.csv", na_rep=word)
        return folder / "a.csv"

    write.__name__ = f"missing_as_{word}"
    return write


for _word in ("NaN", "NA", "<NA>", "NULL", "None"):
    # A treatment may be called None.
    _kinds = ["dlc", "wide", "boris_tabular", "boris_aggregated", *(["sheet"] if _word != "None" else [])]
    dialect("pandas", _kinds)(_missing_as(_word))


@dialect("pandas")
def to_excel(kind: Kind, folder: Path) -> Path:
    """Levels of a header become merged cells."""
    frame(kind).to_excel(folder / "a.xlsx")
    return folder / "a.xlsx"


@dialect("pandas", FLAT)
def to_excel_without_index(kind: Kind, folder: Path) -> Path:
    frame(kind).to_excel(folder / "a.xlsx", index=False)
    return folder / "a.xlsx"


@dialect("pandas", FLAT, refused=_BINARY)
def to_pickle(kind: Kind, folder: Path) -> Path:
    frame(kind).to_pickle(folder / "a.pkl")
    return folder / "a.pkl"


@dialect("pandas", FLAT, refused=_BINARY)
def to_parquet(kind: Kind, folder: Path) -> Path:
    frame(kind).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


@dialect("pandas", ["dlc", "bouts", "sheet"], refused=_BINARY)
def zipped(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv.zip")
    return folder / "a.csv.zip"


@dialect("pandas", ["dlc", "bouts", "sheet"], refused=_BINARY)
def bz2(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv.bz2")
    return folder / "a.csv.bz2"


@dialect("pandas", [n for n in FLAT if n != "sheet"], refused="->")
def without_header(kind: Kind, folder: Path) -> Path:
    frame(kind).to_csv(folder / "a.csv", index=False, header=False)
    return folder / "a.csv"


@dialect("pandas", FLAT, refused=r"line \d+.*(text in a number cell|header stands a second time)")
def appended(kind: Kind, folder: Path) -> Path:
    """Two tables one below the other, the header in between."""
    for mode in ("w", "a"):
        frame(kind).to_csv(folder / "a.csv", index=False, mode=mode)
    return folder / "a.csv"


@dialect("pandas", ["bouts", "fromto", "events", "wide", "spikes", "boris_tabular", "boris_aggregated"])
def times_as_timedelta(kind: Kind, folder: Path) -> Path:
    table = frame(kind)
    for name in {"start_s", "stop_s", "from", "to", "time_s", "Time", "Start (s)", "Stop (s)"} & set(table.columns):
        table[name] = pd.to_timedelta(table[name], unit="s")
    table.to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@dialect("pandas", ["dlc"])
def frames_as_float(kind: Kind, folder: Path) -> Path:
    table = frame(kind)
    table.index = table.index.astype(float)
    table.to_csv(folder / "a.csv")
    return folder / "a.csv"


@dialect("pandas", ["dlc"])
def to_hdf(kind: Kind, folder: Path) -> Path:
    frame(kind).to_hdf(folder / "a.h5", key="df_with_missing")
    return folder / "a.h5"


@dialect("pandas", ["wide"], refused="not recognised as poses.*source=")
def two_levels(kind: Kind, folder: Path) -> Path:
    """Keypoint over coordinate, without a scorer: no layout of any program."""
    table = frame(KINDS["dlc"])
    table.columns = table.columns.droplevel(0)
    table.to_csv(folder / "a.csv")
    return folder / "a.csv"


def _onehot(**columns) -> pd.DataFrame:
    return frame(KINDS["onehot"]).astype(columns)


@variant("pandas", "onehot")
def true_and_false(folder: Path) -> Path:
    _onehot(rear=bool, **{"Fellpflege ä": bool}).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@variant("pandas", "onehot")
def zeros_and_ones_as_float(folder: Path) -> Path:
    _onehot(frame=float, rear=float, **{"Fellpflege ä": float}).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@variant("pandas", "onehot")
def zeros_and_ones_as_float_with_decimal_commas(folder: Path) -> Path:
    _onehot(frame=float, rear=float).to_csv(folder / "a.csv", index=False, sep=";", decimal=",")
    return folder / "a.csv"


@variant(
    "pandas",
    "onehot",
    right={
        "bouts": [[0.04, 0.12, "rear", "all", ""], [0.08, 0.2, "Fellpflege ä", "all", ""]],
        "scored": [[0.0, 0.24, ""]],
    },
)
def frames_nobody_scored(folder: Path) -> Path:
    """The last two frames are NaN in every column."""
    table = _onehot()
    table.loc[6:, ["rear", "Fellpflege ä"]] = np.nan
    assert REAR[6] == 1
    table.to_csv(folder / "a.csv", index=False, na_rep="NaN")
    return folder / "a.csv"


@variant("pandas", "sheet", right={"id": ["1", "2"], "animal": ["7", ""], "group": ["a", "b"]})
def names_as_float(folder: Path) -> Path:
    """A column of whole numbers with one cell empty becomes float."""
    pd.DataFrame({"id": [1, 2], "animal": [7, None], "group": ["a", "b"]}).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"
