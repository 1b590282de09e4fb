"""Zone occupancy: time, entries, latency, distance, for any paradigm with zones.

Time and distance are those of the frames inside the border: the depth needed to enter (hysteresis), gap filling and
the shortest visit are there to count entries, and would shorten time.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.assays.assay_result import Measures
from murid.assays.locomotion import Bools, CentreTrack
from murid.data.bouts import make_bouts
from murid.data.clock import spans

Mask = NDArray[np.int8]

ENTRY = "outside→inside changes by the entry rule; starting inside, or inside after a pause of the clock, is no entry"


def add_occupancy(out: Measures, zone: str, mask: Mask, raw: Mask, track: CentreTrack, where: Bools) -> None:
    """Add the measures of one zone over the frames in `where`.

    Parameters
    ----------
    out : Measures
    zone : str
    mask, raw : int8 arrays (time,)
        Membership by the entry rule, and by the border alone: 1, 0, −1 unknown.
    track : CentreTrack
    where : bool array (time,)
        The whole recording or one time bin.
    """
    add_time_in(out, zone, raw, track, where)
    into, out_of = changes(mask, where, track.piece)
    out.add("entries", into, "count", ENTRY, zone=zone)
    raw_into, _ = changes(raw, where, track.piece)
    out.add("entries_raw", raw_into, "count", "the same before hysteresis, gap fill and minimum visit", zone=zone)
    out.add(
        "transitions",
        into + out_of,
        "count",
        "changes in or out, as DLCAnalyzer counts: twice the entries, one less if it starts or ends inside",
        zone=zone,
    )
    add_latency(out, zone, where & (mask == 1), track, where)
    add_distance_in(out, zone, raw, track, where)
    n_visits = len(visits(mask, track.piece, where))
    mean = track.seconds(where & (mask == 1)) / n_visits if n_visits else np.nan
    out.add("mean_visit", mean, "s", "time seen inside by the entry rule / number of visits", zone=zone)


def add_time_in(out: Measures, zone: str, raw: Mask, track: CentreTrack, where: Bools) -> None:
    """Add the time inside the border of a zone, its share of known time, and the share that is unknown."""
    known, inside = where & (raw >= 0), where & (raw == 1)
    seconds, total, whole = track.seconds(inside), track.seconds(known), track.seconds(where)
    out.add("time", seconds, "s", "time of the frames inside the border, without hysteresis", zone=zone)
    out.add("time_percent", 100 * seconds / total if total else np.nan, "%", "time / known time", zone=zone)
    out.add(
        "unknown",
        100 * (1 - total / whole) if whole else np.nan,
        "%",
        "time in which the rule's keypoints are missing, of all time",
        zone=zone,
    )


def add_distance_in(out: Measures, zone: str, raw: Mask, track: CentreTrack, where: Bools) -> None:
    """Add the path inside the border of a zone, and its share of the whole path."""
    known, inside = where & (raw >= 0), where & (raw == 1)
    distance, walked = float(np.nansum(track.step_cm[inside])), float(np.nansum(track.step_cm[known]))
    out.add("distance", distance, "cm", "path inside the border", zone=zone)
    share = 100 * distance / walked if walked else np.nan
    out.add("distance_percent", share, "%", "path inside / whole path", zone=zone)


def add_latency(
    out: Measures, zone: str, inside: Bools, track: CentreTrack, where: Bools, *, measure: str = "latency"
) -> None:
    """Time from the beginning of `where` to the first visit; censored at its end."""
    covered, first = np.flatnonzero(where), np.flatnonzero(inside)
    start = track.time_s[covered[0]] if covered.size else np.nan
    end = track.time_s[covered[-1]] + track.span_s[covered[-1]] if covered.size else np.nan
    out.add(
        measure,
        (track.time_s[first[0]] if first.size else end) - start,
        "s",
        "first visit by the entry rule; never inside = censored at the analysed duration",
        zone=zone,
        censored=not first.size,
    )


def changes(mask: Mask, where: Bools, piece: NDArray[np.int64]) -> tuple[int, int]:
    """Count changes into (0 → 1) and out of (1 → 0) a zone among `where`, over unknown frames but not over pauses."""
    index = np.flatnonzero(where & (mask >= 0))
    step = np.diff(mask[index].astype(np.int64))[np.diff(piece[index]) == 0]
    return int((step == 1).sum()), int((step == -1).sum())


def visits(mask: Mask, piece: NDArray[np.int64], where: Bools | None = None) -> list[tuple[int, int]]:
    """Return ``(first, one past last frame)`` of each visit.

    A stretch in which the animal is not seen belongs to the visit when it is inside before and after: this is how
    entries are counted, too. A pause of the clock ends a visit.
    """
    index = np.flatnonzero(mask >= 0 if where is None else where & (mask >= 0))
    if index.size == 0:
        return []
    cut = np.flatnonzero((np.diff(mask[index]) != 0) | (np.diff(piece[index]) != 0)) + 1
    edges = [0, *cut.tolist(), index.size]
    return [(int(index[a]), int(index[b - 1]) + 1) for a, b in pairwise(edges) if mask[index[a]] == 1]


def visit_table(zone: str, mask: Mask, track: CentreTrack, individual: str) -> pd.DataFrame:
    """Return the visits to a zone as a bout table."""
    time, span = track.time_s, track.span_s
    rows = [(time[a], time[b - 1] + span[b - 1]) for a, b in visits(mask, track.piece)]
    table = pd.DataFrame(rows, columns=["start_s", "stop_s"]).assign(label=zone, individual=individual, source="zone")
    return make_bouts(table)


def time_bins(time_s: NDArray[np.float64], bin_s: float) -> list[tuple[float, float, Bools]]:
    """Return ``(start, stop, mask)`` of each time bin; a last bin shorter than half is left out."""
    if bin_s <= 0:
        return []
    start, stop = time_s[0], time_s[-1] + spans(time_s)[-1]
    edges = np.arange(start, stop + 1e-9, bin_s)
    if stop - edges[-1] >= bin_s / 2 - 1e-9:
        edges = np.append(edges, stop)
    return [(float(a), float(b), (time_s >= a) & (time_s < b)) for a, b in pairwise(edges)]
