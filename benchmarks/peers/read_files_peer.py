"""What movement reads in pose files, for ``benchmarks/peers/read_files.py``, which hands over the list; see README.md.

``python read_files_peer.py LIST.json OUT`` reads each file of the list and writes ``OUT/<number>.npz``, or the error.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_dataset, load_poses

#: Until 0.16 movement called them so.
_PLURAL = {"keypoints": "keypoint", "individuals": "individual"}


def read(path: str, software: str, fps: float) -> xr.Dataset:
    """Read as the software's files, or as netCDF, which movement leaves to xarray."""
    if software == "netCDF":
        data = xr.load_dataset(path)
    elif software == "pandas":
        data = load_poses.from_dlc_style_df(table_of(path), fps=fps)
    else:
        data = load_dataset(path, source_software=software, fps=fps)
    return data.rename({k: v for k, v in _PLURAL.items() if k in data.dims})


def table_of(path: str) -> pd.DataFrame:
    """Open a table of DeepLabCut by hand, as movement's users must where it does not know the file."""
    if path.endswith(".h5"):
        return pd.read_hdf(path)
    # Tables that pandas has saved again have a column of row numbers before that of the frames.
    twice = Path(path).read_text().split("\n")[1].split(",")[1] == "bodyparts"
    table = pd.read_csv(path, header=[0, 1, 2], index_col=[0, 1] if twice else 0)
    table.columns = table.columns.set_names(["scorer", "bodyparts", "coords"])
    return table


def main() -> None:
    out = Path(sys.argv[2])
    for number, (path, softwares, fps) in enumerate(json.loads(Path(sys.argv[1]).read_text())):
        faults = []
        for software in softwares:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    data = read(path, software, fps).transpose("time", "space", "keypoint", "individual")
            except Exception as exc:  # what a peer cannot read is part of the answer
                faults.append(f"{type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}")
                continue
            np.savez(
                out / f"{number}.npz",
                position=data["position"].values,
                confidence=data["confidence"].values,
                time=data["time"].values,
                keypoint=np.array([str(k) for k in data["keypoint"].values]),
                individual=np.array([str(i) for i in data["individual"].values]),
                by=software,
            )
            break
        else:
            (out / f"{number}.txt").write_text("; ".join(faults))


if __name__ == "__main__":
    main()
