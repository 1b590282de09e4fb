"""Quality of neural signals and of labels on them: what the checks of poses are for tracking.

Each function returns ``(check, where, value, reason, todo)`` rows whose value is better when smaller.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.data.clock import find_dropped, rate_of
from murid.data.recording import Recording

Row = tuple[str, str, float, str, str, str]


def trace_rows(traces: xr.DataArray) -> list[Row]:
    """Judge traces ``(time, unit)``: gaps of the clock, missing samples, dead and clipped units.

    Returns
    -------
    list of (check, where, value, unit, reason, todo)
    """
    time, values = traces["time"].values, traces.values
    names = [str(u) for u in traces["unit"].values]
    dropped = find_dropped(time)
    missing = 100 * np.isnan(values).mean(axis=0)
    worst = int(np.argmax(missing))
    low, high = np.nanmin(values, axis=0, initial=np.inf), np.nanmax(values, axis=0, initial=-np.inf)
    dead = [n for n, a, b in zip(names, low, high, strict=True) if not a < b]
    top = 100 * np.mean(values == np.where(np.isfinite(high), high, np.nan), axis=0)
    clipped = int(np.argmax(np.where(low < high, top, 0)))
    return [
        (
            "dropped samples",
            "traces",
            100 * dropped.total / (len(time) + dropped.total),
            "%",
            f"{dropped.total} samples missing at {rate_of(time):.4g} Hz",
            "align by time stamps or pulses, never by sample count",
        ),
        (
            "missing signal",
            names[worst],
            float(missing[worst]),
            "%",
            f"{missing.mean():.1f} % missing on average",
            "missing samples are left out of every test; find out why they are missing",
        ),
        (
            "dead units",
            ", ".join(dead[:5]),
            100 * len(dead) / len(names),
            "%",
            f"{len(dead)} of {len(names)} never change",
            "drop them: nothing can be tested on a constant",
        ),
        (
            "saturation",
            names[clipped],
            float(top[clipped]),
            "%",
            "share of samples at the exact maximum",
            "a clipped signal hides its largest responses: lower the gain or the light",
        ),
    ]


def cover_rows(recording: Recording) -> list[Row]:
    """Judge whether labels and traces cover each other: share of either without the other."""
    if not (recording.has("labels") and recording.has("traces")):
        return []
    time, scored = recording.need("traces")["time"].values, recording.need("labels").scored
    inside = np.zeros(len(time), bool)
    for start, stop in zip(scored["start_s"], scored["stop_s"], strict=True):
        inside |= (time >= start) & (time < stop)
    spans = (scored["start_s"].min(), scored["stop_s"].max(), time[0], time[-1])
    return [
        (
            "signal without labels",
            "",
            100 * float(1 - inside.mean()),
            "%",
            "labels span {:.1f}-{:.1f} s, signal {:.1f}-{:.1f} s".format(*spans),
            "check that both are on one clock (Recording.map_clock); what is not scored is not tested",
        ),
    ]
