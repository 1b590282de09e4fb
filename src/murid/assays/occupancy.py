"""Zone occupancy: time, entries, latency, distance, for any paradigm with zones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from murid.assays.base import Measures
from murid.assays.locomotion import Track
from murid.data.bouts import make_bouts
from murid.data.clock import rate_of
from murid.data.runs import runs

ENTRY = "False→True changes of the cleaned zone mask; starting inside is no entry"


def add_occupancy(out: Measures, zone: str, mask: np.ndarray, raw: np.ndarray, track: Track, where: np.ndarray) -> None:
    """Add the measures of one zone over the frames in `where`.

    Parameters
    ----------
    out : Measures
    zone : str
    mask, raw : int8 arrays (time,)
        Cleaned and uncleaned membership: 1, 0, −1 unknown.
    track : Track
    where : bool array (time,)
        The whole recording or one time bin.
    """
    known, inside = where & (mask >= 0), where & (mask == 1)
    dt = track.dt_s
    seconds, total = inside.sum() * dt, known.sum() * dt
    out.add("time", seconds, "s", "frames inside × frame time", zone=zone)
    out.add("time_percent", 100 * seconds / total if total else np.nan, "%", "time inside / known time", zone=zone)
    out.add(
        "unknown",
        100 * (1 - known.sum() / max(where.sum(), 1)),
        "%",
        "frames in which the rule's keypoints are missing, of all frames",
        zone=zone,
    )
    out.add("entries", entries(mask, where), "count", ENTRY, zone=zone)
    out.add(
        "entries_raw", entries(raw, where), "count", "the same before hysteresis, gap fill and minimum visit", zone=zone
    )
    out.add(
        "transitions",
        entries(mask, where) + entries(1 - mask, where & (mask >= 0)),
        "count",
        "changes in or out, as DLCAnalyzer counts: twice the entries, one less if it starts or ends inside",
        zone=zone,
    )
    first = np.flatnonzero(inside)
    start = track.time_s[where][0]
    span = track.time_s[where][-1] + dt - start
    out.add(
        "latency",
        track.time_s[first[0]] - start if first.size else span,
        "s",
        "first frame inside; never inside = censored at the analysed duration",
        zone=zone,
        censored=not first.size,
    )
    distance = float(np.nansum(track.step_cm[inside]))
    walked = float(np.nansum(track.step_cm[known]))
    out.add("distance", distance, "cm", "path inside", zone=zone)
    share = 100 * distance / walked if walked else np.nan
    out.add("distance_percent", share, "%", "path inside / whole path", zone=zone)
    visits = [b - a for a, b in runs(inside)]
    out.add("mean_visit", float(np.mean(visits)) * dt if visits else np.nan, "s", "mean visit", zone=zone)


def entries(mask: np.ndarray, where: np.ndarray) -> int:
    """Count changes from outside (0) to inside (1) among `where`, over unknown frames too."""
    values = mask[where & (mask >= 0)]
    return int(((values[1:] == 1) & (values[:-1] == 0)).sum())


def visit_table(zone: str, mask: np.ndarray, time_s: np.ndarray, individual: str) -> pd.DataFrame:
    """Return the visits to a zone as a bout table."""
    step = 1.0 / rate_of(time_s)
    spans = [(time_s[a], time_s[b - 1] + step) for a, b in runs(mask == 1)]
    rows = pd.DataFrame(spans, columns=["start_s", "stop_s"]).assign(label=zone, individual=individual, source="zone")
    return make_bouts(rows)


def time_bins(time_s: np.ndarray, bin_s: float) -> list[tuple[float, float, np.ndarray]]:
    """Return ``(start, stop, mask)`` of each time bin; a last bin shorter than half is left out."""
    if bin_s <= 0:
        return []
    start, stop = time_s[0], time_s[-1] + 1.0 / rate_of(time_s)
    edges = np.arange(start, stop + 1e-9, bin_s)
    if stop - edges[-1] >= bin_s / 2 - 1e-9:
        edges = np.append(edges, stop)
    return [(a, b, (time_s >= a) & (time_s < b)) for a, b in pairwise(edges)]
