"""The stretch of a recording that is analysed: from when to when, and without long absence at its ends."""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.assays.zone_params import ZoneTestParams
from murid.data.errors import Faults, fail
from murid.data.recording import Recording

#: Columns of the sheet by which a recording has a stretch of its own: seconds from its beginning.
COLUMNS = ("start_s", "stop_s")


def asked_stretch(recording: Recording, p: ZoneTestParams) -> tuple[float, float]:
    """Return from when to when a recording is analysed, in seconds from its beginning.

    The columns ``start_s`` and ``stop_s`` of the sheet say it for one recording and win over the parameters
    ``start_s`` and ``duration_s``, which are for all.

    Raises
    ------
    DataError
        A cell of the sheet that is no number, or a stop before the start.
    """
    faults = Faults(f"recording '{recording.id}'")
    given: dict[str, float] = {}
    for name in COLUMNS:
        cell = str(recording.meta.get(name, "")).strip()
        if cell in ("", "nan", "None"):
            continue
        try:
            given[name] = float(cell)
        except ValueError:
            faults.add(
                f"column '{name}' of the sheet", expected="seconds", got=cell, todo="write 95, or leave it empty"
            )
    faults.raise_if_any()
    start = given.get("start_s", p.start_s)
    stop = given.get("stop_s", np.inf if p.duration_s is None else start + p.duration_s)
    if not 0 <= start < stop:
        fail(
            f"recording '{recording.id}'", "stretch", expected="0 <= start_s < stop_s", got=f"{start:g} and {stop:g} s"
        )
    return start, stop


def cut(
    subject: str,
    poses: xr.Dataset,
    centres: xr.DataArray,
    start_s: float,
    stop_s: float,
    cut_absent_s: float,
    notes: list[str],
) -> xr.Dataset:
    """Return the poses from `start_s` to `stop_s`, without absence of all animals for `cut_absent_s` at the ends.

    Parameters
    ----------
    subject : str
        For messages.
    poses : Dataset
    centres : DataArray (time, space, individual)
        Body centres.
    start_s, stop_s : float
        From the first frame on; `stop_s` may be infinite.
    cut_absent_s : float
        0: nothing is cut.
    notes : list of str
        Takes what was cut, and that a recording ends too early.

    Raises
    ------
    DataError
        When nothing is left.
    """
    time = np.asarray(poses["time"].values, np.float64)
    use = np.flatnonzero((time >= time[0] + start_s) & (time < time[0] + stop_s))
    seen = np.flatnonzero(np.isfinite(centres.values).all(axis=1).any(axis=1)[use])
    if use.size < 2 or seen.size == 0:
        fail(
            subject,
            "nothing to analyse",
            expected="frames with a body centre",
            got=f"{use.size} frames from start_s={start_s:g}, {seen.size} with a body centre",
        )
    short = time[0] + stop_s - time[-1]
    if np.isfinite(stop_s) and short > 1.5 * (time[-1] - time[0]) / (time.size - 1):
        notes.append(
            f"the recording ends {short:.1f} s before the analysed stretch is over ({stop_s - start_s:g} s were asked "
            "for): shares and rates are of what there is, counts and times are of a shorter test"
        )
    first, last = use[seen[0]], use[seen[-1]]
    before, after = time[first] - time[use[0]], time[use[-1]] - time[last]
    if cut_absent_s > 0 and before >= cut_absent_s:
        use = use[use >= first]
        notes.append(f"no animal is seen in the first {before:.1f} s: analysis starts at {time[first]:.1f} s")
    if cut_absent_s > 0 and after >= cut_absent_s:
        use = use[use <= last]
        notes.append(f"no animal is seen in the last {after:.1f} s: analysis stops at {time[last]:.1f} s")
    return poses.isel(time=use)
