"""Clocks meet: labels on a clock, and one clock on another by the pulses both saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.clock import ClockMap, nearest_sample
from murid.data.errors import fail
from murid.data.labels import LabelChoice, Labels
from murid.data.pulses import match_pulses
from murid.data.resample import step_at


def labels_on(
    labels: Labels, time_s: ArrayLike, choice: LabelChoice | None = None, *, individuals: Sequence[str] | None = None
) -> xr.DataArray:
    """Return labels on a clock: nearest sample, each sample's own span, pauses cut, −1 where nobody watched.

    Parameters
    ----------
    labels : Labels
        Of a recording.
    time_s : array of shape (time,)
        The clock, seconds; it may have pauses and change its rate.
    choice : LabelChoice, optional
        Which rater, stream and behaviours are meant.
    individuals : sequence of str, optional
        Individuals to return; labels of "all" belong to each of them.

    Returns
    -------
    DataArray (time, individual, behaviour)
        1 present, 0 absent, −1 unlabelled.

    Raises
    ------
    DataError
        Several raters or streams that hold the same behaviour, and none chosen; no label on the clock.

    Examples
    --------
    >>> import pandas as pd
    >>> labels = Labels.from_bouts(pd.DataFrame({"start_s": [1.0], "stop_s": [6.0], "label": ["rear"]}), duration_s=7)
    >>> labels_on(labels, [0.0, 1.0, 2.0, 6.0, 7.0]).values.ravel().tolist()
    [0, 1, 1, 0, -1]
    """
    time = np.asarray(time_s, np.float64)
    states = (choice or LabelChoice()).states(labels, time, individuals=individuals)
    watched = labels.scored[["start_s", "stop_s"]].to_numpy(np.float64)
    if time.size and len(watched) and not ((watched[:, 0] <= time[-1]) & (watched[:, 1] >= time[0])).any():
        fail(
            f"labels {labels.source_file}".strip(),
            "lie on another clock",
            expected=f"{time[0]:.3f}-{time[-1]:.3f} s",
            got=f"{watched[:, 0].min():.3f}-{watched[:, 1].max():.3f} s",
            todo="map one clock onto the other (recording.map_clock)",
        )
    return states


def nearest_states(
    data: xr.DataArray, time_s: ArrayLike, individuals: Sequence[str], behaviours: Sequence[str], *, missing: float
) -> np.ndarray:
    """Return states or probabilities at the nearest sample of a clock, for individuals and behaviours by name.

    Parameters
    ----------
    data : DataArray (time, individual, behaviour)
    time_s : array of shape (time,)
        The clock, seconds.
    individuals, behaviours : sequence of str
        Names, in the order wanted.
    missing : float
        For unknown names, and where no sample lies within half a step of the slower clock.

    Returns
    -------
    array (time, individual, behaviour)
    """
    if data.dims != ("time", "individual", "behaviour"):
        fail("states", "axes", expected="(time, individual, behaviour)", got=str(data.dims))
    own, time = data["time"].values, np.asarray(time_s, np.float64)
    if own.size == 0:
        fail("states", "hold no samples")
    values = data.reindex(individual=list(individuals), behaviour=list(behaviours), fill_value=missing).values
    index = nearest_sample(own, time)
    steps = [step_at(t) if t.size > 1 else np.zeros(t.size) for t in (own, time)]
    reach = 0.5 * np.maximum(steps[0][index], steps[1])
    out = values[index].astype(np.result_type(values.dtype, np.float32 if np.isnan(missing) else values.dtype))
    out[np.abs(own[index] - time) > reach * (1 + 1e-6)] = missing
    return out


def clock_to_clock(from_s: ArrayLike, to_s: ArrayLike, *, start_s: tuple[float, float] | None = None) -> ClockMap:
    """Return the map from one clock to another by the pulses both saw, or refuse where these cannot tell.

    See `murid.data.pulses.match_pulses` for losses, doubled pulses and regular trains.

    Examples
    --------
    >>> pulses = np.array([0.0, 2.0, 7.0, 8.5, 14.0, 15.0, 21.0])
    >>> float(clock_to_clock(pulses, 100 + pulses)(3.0).round(6))
    103.0
    """
    return match_pulses(from_s, to_s, start_s=start_s)
