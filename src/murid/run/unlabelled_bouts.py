"""Stretches that nobody labelled, as bouts of their own: for formats that cannot say what was not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE, as_text, make_bouts
from murid.data.clock import nearest_frame
from murid.data.labels import Labels
from murid.data.stretches import gaps_between

#: How such stretches are written: a word that every reader of murid takes for "not labelled".
NOT_SCORED = "unlabelled"


def with_unlabelled(
    labels: Labels,
    stop_s: float,
    rate_hz: float = float("nan"),
    individuals: Sequence[str] = (),
    *,
    source: str = "human",
) -> tuple[Labels, bool]:
    """Return labels in which all of ``[0, stop_s)`` counts as scored and what was not is a bout of `NOT_SCORED`.

    Parameters
    ----------
    labels : Labels
        Of one rater.
    stop_s : float
        End of the recording, s.
    rate_hz : float
        Samples per second of the recording: stretches in which no sample lies are left out.
    individuals : sequence of str
        Animals of the recording, also those without labels.
    source : {"human", "model"}
        Who did not label them.

    Returns
    -------
    labels : Labels
    any : bool
        True when something was not labelled. A bout is of the individual ``"all"`` where all animals were out of
        view, or not watched, at the same times.
    """
    people = _people(labels, individuals)
    streams = labels.streams or [""]
    rows = []
    for stream in streams:
        gaps = {p: [g for g in _gaps(labels, stream, p, stop_s) if _holds_a_sample(g, rate_hz)] for p in people}
        alike = all(own == gaps[people[0]] for own in gaps.values())
        name = people[0] if len(people) == 1 else EVERYONE
        for person, own in {name: gaps[people[0]]}.items() if alike else gaps.items():
            rows += [(start, stop, NOT_SCORED, person, stream) for start, stop in own]
    rater = labels.raters[0] if labels.raters else ""
    whole = pd.DataFrame({"start_s": 0.0, "stop_s": float(stop_s), "rater": rater, "stream": streams})
    made = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "individual", "stream"]).assign(
        rater=rater, source=source
    )
    both = [table for table in (labels.bouts, made) if len(table)]
    bouts = make_bouts(pd.concat(both, ignore_index=True)) if rows else labels.bouts
    return replace(labels, bouts=bouts, scored=whole), bool(rows)


def _people(labels: Labels, individuals: Sequence[str]) -> list[str]:
    """Animals whose stretches may differ; all together where the labels name none."""
    watched = as_text(labels.scored["individual"], EVERYONE) if "individual" in labels.scored else ()
    named = [name for name in dict.fromkeys([*labels.bouts["individual"], *watched]) if name != EVERYONE]
    return list(dict.fromkeys([*named, *individuals])) if named else [EVERYONE]


def _gaps(labels: Labels, stream: str, person: str, stop_s: float) -> list[tuple[float, float]]:
    """Stretches of a stream in which an animal was neither watched nor has a bout."""
    spans: list[tuple[float, float]] = []
    for table in (labels.scored, labels.bouts):
        own = table[table["stream"] == stream]
        if "individual" in own:
            own = own[as_text(own["individual"], EVERYONE).isin([person, EVERYONE])]
        spans += zip(own["start_s"].astype(float), own["stop_s"].astype(float), strict=True)
    return gaps_between(spans, stop_s)


def _holds_a_sample(gap: tuple[float, float], rate_hz: float) -> bool:
    """False for what lies between two samples, as the ends of labels in seconds do."""
    if not np.isfinite(rate_hz):
        return True
    start, stop = nearest_frame(gap, rate_hz)
    return bool(stop > start)
