"""Trial rasters: spikes of one unit as trials × milliseconds around an event (files of the Neural Decoding Toolbox).

The file does not say when a trial took place, so trials are laid one after the other: counts around the events and
decoding of trials are right, what goes on from one trial to the next is not in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io

from murid.data.bouts import make_events
from murid.data.errors import fail
from murid.data.traces import Spikes
from murid.io.files import Head, check_file, open_hdf5
from murid.io.registry import reader
from murid.io.traces.mat import load_mat

_RASTER, _EVENT, _LABELS = "raster_data", "raster_site_info/alignment_event_time", "raster_labels/"


def _is_raster(head: Head) -> bool:
    """True for a MATLAB file with a variable ``raster_data``; only its table of contents is read."""
    if not head.start.startswith(b"MATLAB "):
        return False
    try:
        if head.start.startswith(b"MATLAB 7.3"):
            with open_hdf5(head.path) as handle:
                return _RASTER in handle
        return any(name == _RASTER for name, *_ in scipy.io.whosmat(str(head.path)))
    except Exception:  # a damaged file is no raster: the reader that is chosen says what is wrong
        return False


def _raster(path: Path) -> tuple[np.ndarray, int]:
    """Spikes (trial, bin) and the bin of the event, counted from 0."""
    arrays = load_mat(check_file(path))
    if _RASTER not in arrays:
        fail(str(path), f"no variable '{_RASTER}'", got=", ".join(arrays))
    raster = np.atleast_2d(np.asarray(arrays[_RASTER], np.float64))
    if not np.isfinite(raster).all() or (raster < 0).any() or (raster != np.round(raster)).any():
        fail(str(path), f"'{_RASTER}' is no raster", expected="counts of spikes, trials × bins", got=str(raster.shape))
    if _EVENT not in arrays:
        fail(str(path), "does not say at which bin the event is", expected=_EVENT)
    event = int(np.ravel(arrays[_EVENT])[0]) - 1  # MATLAB counts from 1
    if not 0 <= event < raster.shape[1]:
        fail(str(path), "the event lies outside the trial", expected=f"1 to {raster.shape[1]}", got=str(event + 1))
    return raster, event


def _stimuli(path: Path) -> dict[str, list[str]]:
    """Name of each label of the trials → its value per trial."""
    if not Head.of(path).start.startswith(b"MATLAB 7.3"):
        arrays = load_mat(path)
        return {k.removeprefix(_LABELS): list(map(str, v)) for k, v in arrays.items() if k.startswith(_LABELS)}
    out = {}
    with open_hdf5(path) as handle:
        for name, cells in handle.get("raster_labels", {}).items():
            out[name] = ["".join(map(chr, np.ravel(handle[ref][()]))) for ref in np.ravel(cells[()])]
    return out


@reader(
    "spikes", "trial_raster", (".mat",), sniff=_is_raster, about="spikes of one unit as trials × bins around an event"
)
def read_spikes_raster(path: Path, *, bin_s: float = 0.001, unit: str | None = None) -> Spikes:
    """Read a trial raster: one unit, its trials laid one after the other.

    Parameters
    ----------
    path : path
        MATLAB file (v5–v7 or v7.3) with ``raster_data`` (trials × bins) and ``raster_site_info``.
    bin_s : float
        Length of a bin, s; the files do not say it, 1 ms is their convention.
    unit : str, optional
        Name of the unit; that of the file by default.

    Returns
    -------
    Spikes
        A spike lies in the middle of its bin. ``meta`` holds ``trials``, ``trial_s``, and ``event_s`` in a trial.
    """
    raster, event = _raster(path)
    if not bin_s > 0:
        fail(str(path), "bin_s", expected="> 0 s", got=str(bin_s))
    trial, place = np.nonzero(raster)
    n = raster[trial, place].astype(int)
    length = raster.shape[1] * bin_s
    times = np.repeat(trial * length + (place + 0.5) * bin_s, n)
    name = unit or path.name.split(".")[0]
    meta: dict[str, Any] = {
        "source_file": str(path),
        "trials": len(raster),
        "trial_s": length,
        "event_s": event * bin_s,
    }
    return Spikes({name: times}, 0.0, len(raster) * length, meta)


@reader(
    "events",
    "trial_raster_events",
    (".mat",),
    sniff=_is_raster,
    about="events of a trial raster, named by the label of their trial",
)
def read_events_raster(path: Path, *, bin_s: float = 0.001, label: str | None = None) -> pd.DataFrame:
    """Read the event of every trial of a raster, on the clock of `read_spikes_raster`.

    Parameters
    ----------
    path : path
    bin_s : float
        Length of a bin, s.
    label : str, optional
        Which of the file's labels names the events (``stimulus_ID``); needed when there are several.
    """
    raster, event = _raster(path)
    labels = _stimuli(path)
    chosen = label or (next(iter(labels)) if len(labels) == 1 else "")
    if chosen not in labels:
        fail(
            str(path),
            f"no label '{chosen}' of trials" if chosen else "which label names the events?",
            expected="one of: " + (", ".join(labels) or "(the file has none)"),
            todo="give label=...",
        )
    if len(labels[chosen]) != len(raster):
        fail(str(path), f"label '{chosen}'", expected=f"{len(raster)} trials", got=str(len(labels[chosen])))
    start = np.arange(len(raster)) * raster.shape[1] * bin_s
    return make_events(time_s=start + event * bin_s, label=labels[chosen], name=str(path))
