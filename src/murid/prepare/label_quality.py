"""Quality of labels: bouts that cover nothing, overlap by mistake, what was not scored, names that differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE, as_text
from murid.data.clock import sample_stops, segments
from murid.data.labels import PLACEHOLDERS, Labels
from murid.data.names import counted, near_twins
from murid.data.recording import Recording
from murid.data.stretches import gaps_between, merged

#: What `inventory` gives: one row a rater, stream and behaviour.
INVENTORY = ("rater", "stream", "label", "count", "total_s")
#: What the rows of `name_rows` hold.
NAME_COLUMNS = ("recording", "check", "where", "value", "unit", "reason", "todo")
#: Two behaviours that share more of the shorter one's time than this are meant to occur together.
BY_MISTAKE = 0.05


def label_rows(recording: Recording) -> list[tuple[Any, ...]]:
    """Judge the labels of a recording: ``check, where, value, unit, reason, todo`` of each check.

    Parameters
    ----------
    recording : Recording
        With labels; the end of poses (else of the video) is where labels have to end.

    Returns
    -------
    list of tuple
        ``"short bouts"`` (% of the bouts, of less than a frame), ``"overlap"`` (seconds in which behaviours that
        exclude each other were both scored), ``"not scored"`` (% of the time that was recorded, without pauses of
        the clock, of the rater who left out most) and ``"label overhang"`` (s past the end). Smaller is better.
    """
    labels = recording.need("labels")
    end, what = _end(recording)
    rows = [_short(labels, recording), _overlap(labels), _not_scored(labels, _epochs(labels, recording))]
    if np.isfinite(end):
        rows.append(_overhang(labels, end, what))
    return rows


def inventory(recording: Recording) -> pd.DataFrame:
    """Return what was scored: one row a rater, stream and behaviour, with the number of bouts and their time (s).

    A rater without a bout in a stream that was scored has one row with an empty label.
    """
    labels = recording.need("labels")
    rows = []
    pairs = [pair for t in (labels.scored, labels.bouts) for pair in zip(t["rater"], t["stream"], strict=True)]
    for rater, stream in sorted(set(pairs)) or [("", "")]:
        bouts = labels.bouts[(labels.bouts["rater"] == rater) & (labels.bouts["stream"] == stream)]
        names = [n for n in dict.fromkeys(bouts["label"]) if n.lower() not in PLACEHOLDERS]
        for name in names or [""]:
            own = bouts[bouts["label"] == name]
            seconds = float((own["stop_s"] - own["start_s"]).sum())
            rows.append((rater, stream, name, len(own), seconds))
    return pd.DataFrame(rows, columns=list(INVENTORY))


def name_rows(scored: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Judge the names of behaviours over all recordings.

    Parameters
    ----------
    scored : DataFrame
        Inventories of all recordings, with the column ``recording``.

    Returns
    -------
    list of tuple
        ``recording, check, where, value, unit, reason, todo``: names that look alike, behaviours that a rater never
        used and another did where both scored the same stream, and behaviours of one recording only.
    """
    used = scored[scored["label"] != ""]
    alike = near_twins(used["label"])
    twins = {name for names in alike for name in names}
    return [*_alike(used, alike), *_unused(scored, twins), *_only_one(scored, used, twins)]


def _end(recording: Recording) -> tuple[float, str]:
    """End of the poses, else of the film, s."""
    if recording.has("poses"):
        return float(sample_stops(recording.need("poses")["time"].values)[-1]), "poses"
    if recording.has("video"):
        video = recording.need("video")
        return float(video.n_frames / video.fps), "film"
    return float("nan"), ""


def _epochs(labels: Labels, recording: Recording) -> list[tuple[float, float]]:
    """Stretches in which something was recorded, s: of the poses, else of the film, else of the labels' clock."""
    if recording.has("poses"):
        time = recording.need("poses")["time"].values
        stops = sample_stops(time)
        return [(float(time[a]), float(stops[b - 1])) for a, b in segments(time)]
    end, _ = _end(recording)
    if np.isfinite(end):
        return [(0.0, end)]
    clock = labels.clock()
    return [(float(clock[0]), labels.stop_s)] if clock.size else []


def _frame_s(labels: Labels, recording: Recording) -> float:
    """Length of a frame, s; 0 where nothing tells it."""
    rates = [labels.fps]
    if recording.has("poses"):
        rates.insert(0, float(recording.need("poses").attrs.get("fps", np.nan)))
    known = [r for r in rates if np.isfinite(r) and r > 0]
    return 1.0 / known[0] if known else 0.0


def _place(bout: pd.Series) -> str:
    """Say which bout is meant."""
    rater = f", rater {bout['rater']}" if bout["rater"] else ""
    person = f", {bout['individual']}" if bout["individual"] not in ("", EVERYONE) else ""
    return f"{bout['label']} at {bout['start_s']:.2f} s{person}{rater}"


def _short(labels: Labels, recording: Recording) -> tuple[Any, ...]:
    frame = _frame_s(labels, recording)
    lasts = labels.bouts["stop_s"] - labels.bouts["start_s"]
    none = lasts <= 1e-9
    # Times are written to three decimals by most programs: a frame less half a millisecond is a frame.
    short = none | (lasts < frame - 5e-4)
    where = _place(labels.bouts[short].iloc[0]) if short.any() else ""
    than = f"shorter than a frame ({1000 * frame:.0f} ms)" if frame else "of no length"
    reason = f"{int(short.sum())} of {counted(len(lasts), 'bout')} {than}, {int(none.sum())} of no length"
    todo = "they count as bouts and cover no time: correct their ends, or score them as point events"
    share = 100 * float(short.mean()) if len(short) else 0.0
    return "short bouts", where, share, "%", reason, todo


def _overlap(labels: Labels) -> tuple[Any, ...]:
    """Time in which two behaviours were scored that exclude each other, by format or by what else was scored."""
    seconds, worst, places = 0.0, (0.0, ""), 0
    keys = ["rater", "stream", "individual"]
    for _, bouts in labels.bouts.groupby(keys, sort=False):
        spans = {str(n): b for n, b in bouts.groupby("label", sort=False) if str(n).lower() not in PLACEHOLDERS}
        for own in spans.values():
            total = float((own["stop_s"] - own["start_s"]).sum())
            covered = sum(b - a for a, b in merged(_pairs(own)))
            if total - covered > 1e-6:
                seconds, places = seconds + total - covered, places + 1
                worst = max(worst, (total - covered, f"{_place(_second_of_twice(own))}: scored twice at once"))
        for one, other in combinations(spans, 2):
            shared = _shared(merged(_pairs(spans[one])), merged(_pairs(spans[other])))
            both = sum(b - a for a, b in shared)
            least = min(sum(b - a for a, b in merged(_pairs(spans[n]))) for n in (one, other))
            if both > 1e-6 and (labels.exclusive or both <= BY_MISTAKE * least):
                seconds, places = seconds + both, places + len(shared)
                rater = f", rater {spans[one]['rater'].iloc[0]}" if spans[one]["rater"].iloc[0] else ""
                worst = max(worst, (both, f"{one} and {other} at {shared[0][0]:.2f} s{rater}"))
    reason = f"behaviours that are never together else overlap in {counted(places, 'place')}, {seconds:.3g} s in all"
    todo = "correct the borders of these bouts; if behaviours may occur together, ignore this"
    return "overlap", worst[1], seconds, "s", reason, todo


def _second_of_twice(bouts: pd.DataFrame) -> pd.Series:
    """First bout of one behaviour that begins before an earlier one has ended."""
    ordered = bouts.sort_values("start_s", kind="stable")
    before = np.maximum.accumulate(ordered["stop_s"].to_numpy(float))[:-1]
    return ordered.iloc[1 + int(np.argmax(ordered["start_s"].to_numpy(float)[1:] < before - 1e-9))]


def _not_scored(labels: Labels, epochs: Sequence[tuple[float, float]]) -> tuple[Any, ...]:
    """Share of the recorded `epochs` that a rater left out, of the one who left out most; by stream and animal."""
    lasts = sum(b - a for a, b in epochs)
    worst: tuple[float, str, str] = (0.0, "", "")
    if not lasts > 0:
        return "not scored", "", float("nan"), "%", "", ""
    table = labels.scored
    keys = ["rater", "stream"]
    if "individual" in table:
        table = table.assign(individual=as_text(table["individual"], EVERYONE))
        keys.append("individual")
    for key, own in table.groupby(keys, sort=False):
        gaps = _gaps_inside(_pairs(own), epochs)
        share = 100 * sum(b - a for a, b in gaps) / lasts
        if share > worst[0]:
            a, b = max(gaps, key=lambda gap: gap[1] - gap[0])
            person = ", ".join(str(k) for k in key if k not in ("", EVERYONE))
            places = f"{len(gaps)} places" if len(gaps) > 1 else "one place"
            worst = share, ", ".join(filter(None, [person, f"{a:.2f}-{b:.2f} s"])), places
    reason = f"{worst[0]:.3g} % of {lasts:.6g} s not scored, in {worst[2]}" if worst[0] else ""
    todo = "they count as unlabelled, not as absent: score them, or say what was watched (scored_s of the labels)"
    return "not scored", worst[1], worst[0], "%", reason, todo


def _gaps_inside(
    spans: Sequence[tuple[float, float]], epochs: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Stretches of the epochs that no span covers."""
    gaps = []
    for start, stop in epochs:
        own = gaps_between([(a - start, b - start) for a, b in spans], stop - start)
        gaps += [(start + a, start + b) for a, b in own]
    return gaps


def _overhang(labels: Labels, end: float, what: str) -> tuple[Any, ...]:
    over = max(0.0, labels.stop_s - end)
    late = labels.bouts[labels.bouts["stop_s"] > end + 1e-6]
    where = _place(late.iloc[-1]) if len(late) and over > 0 else ""
    reason = f"labels end at {labels.stop_s:.2f} s, {what} at {end:.2f} s"
    todo = "check that both belong to the same video and count at the same frame rate"
    return "label overhang", where, over, "s", reason, todo


def _pairs(table: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(table["start_s"].astype(float), table["stop_s"].astype(float), strict=True))


def _shared(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that lie in both of two lists of ordered stretches."""
    out, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        start, stop = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if stop - start > 1e-6:
            out.append((start, stop))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return out


def _alike(used: pd.DataFrame, alike: list[list[str]]) -> list[tuple[Any, ...]]:
    rows = []
    for names in alike:
        holders = {n: list(dict.fromkeys(used.loc[used["label"] == n, "recording"])) for n in names}
        rarer = sorted(names, key=lambda n: (len(holders[n]), n))[:-1]
        spelt = "; ".join(f"'{n}' in {_some(holders[n])}" for n in names)
        for name in rarer:
            rows += [
                (
                    recording,
                    "names of behaviours",
                    name,
                    float(len(names)),
                    "names",
                    f"names that look alike count as {len(names)} behaviours: {spelt}",
                    "write them in one way in the label files, and add these again with --replace",
                )
                for recording in holders[name]
            ]
    return rows


def _unused(scored: pd.DataFrame, twins: set[str]) -> list[tuple[Any, ...]]:
    """Behaviours that one rater used and another, who scored the same stream of the same recordings, never did."""
    streams = [own for _, own in scored.groupby("stream", sort=False)]
    return [row for own in streams for row in _unused_in_stream(own, twins, several=len(streams) > 1)]


def _unused_in_stream(scored: pd.DataFrame, twins: set[str], *, several: bool) -> list[tuple[Any, ...]]:
    raters = list(dict.fromkeys(scored["rater"]))
    if len(raters) < 2:
        return []
    of_stream = f" (stream {scored['stream'].iloc[0]})" if several and scored["stream"].iloc[0] else ""
    watched = {r: set(scored.loc[scored["rater"] == r, "recording"]) for r in raters}
    rows = []
    for name in dict.fromkeys(scored.loc[scored["label"] != "", "label"]):
        if name in twins:
            continue
        users = [r for r in raters if ((scored["rater"] == r) & (scored["label"] == name)).any()]
        for rater in (r for r in raters if r not in users):
            shown = scored[(scored["label"] == name) & scored["recording"].isin(watched[rater])]
            if shown.empty:
                continue
            places = list(dict.fromkeys(shown["recording"]))
            reason = (
                f"{rater} never scored '{name}', which {_some(list(dict.fromkeys(shown['rater'])))} scored in "
                f"{counted(len(places))} that both watched{of_stream}"
            )
            todo = "if the rater did not look for it, compare the raters on the other behaviours only (-b)"
            rows.append((places[0], "vocabulary of raters", rater, 1.0, "behaviours", reason, todo))
    return rows


def _only_one(scored: pd.DataFrame, used: pd.DataFrame, twins: set[str]) -> list[tuple[Any, ...]]:
    """Behaviours scored in one recording of three or more."""
    if scored["recording"].nunique() < 3:
        return []
    rows = []
    for name, own in used.groupby("label", sort=False):
        if own["recording"].nunique() > 1 or name in twins:
            continue
        total = scored["recording"].nunique()
        reason = f"'{name}' was scored in one of {total} recordings ({counted(int(own['count'].max()), 'bout')})"
        todo = "a typing error? If it is right, no model of it can be tested, nor groups compared"
        rows.append(
            (own["recording"].iloc[0], "behaviour of one recording", str(name), 1.0, "recordings", reason, todo)
        )
    return rows


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
