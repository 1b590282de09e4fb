"""Several raters on one clock: what each says, what most say, and whether they watched to the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import fail
from murid.data.labels import PLACEHOLDERS, Labels, Others
from murid.data.states import UNLABELLED, behaviour_names, make_states

#: Chance of the bouts lying as early as they do below which `unwatched_end` speaks.
_UNLIKELY = 1e-3


def known_behaviours(truth: Labels | xr.DataArray) -> list[str]:
    """Behaviours that a truth can show: its vocabulary and those in use, without placeholders."""
    if isinstance(truth, Labels):
        names = dict.fromkeys([*truth.vocabulary, *truth.bouts["label"]])
        return [n for n in names if n.lower() not in PLACEHOLDERS]
    return behaviour_names(truth)


def rater_states(
    labels: Labels,
    time_s: ArrayLike,
    behaviours: Sequence[str],
    *,
    others: Others = "auto",
    individuals: Sequence[str] | None = None,
) -> dict[str, NDArray[np.int8]]:
    """Return each rater's labels on one clock, int8 ``(time, individual, behaviour)``."""
    people = list(individuals) if individuals is not None else labels.individuals
    stream = labels.stream_showing(behaviours)
    return {
        rater: stream.select(rater=rater).to_states(time_s, behaviours, others=others, individuals=people).values
        for rater in stream.raters
    }


def consensus(
    labels: Labels,
    time_s: ArrayLike,
    behaviours: Sequence[str] | None = None,
    *,
    others: Others = "auto",
    individuals: Sequence[str] | None = None,
) -> xr.DataArray:
    """Return the majority of the raters, multi-label.

    For each behaviour, the raters who scored the sample vote; a tie is unlabelled (−1).
    `score(..., rater="consensus")` uses this.
    """
    names = list(behaviours) if behaviours is not None else known_behaviours(labels)
    people = list(individuals) if individuals is not None else labels.individuals
    votes = rater_states(labels, time_s, names, others=others, individuals=people)
    if not votes:
        fail(f"labels {labels.source_file}".strip(), "no rater", todo="give labels with at least one scored stretch")
    stack = np.stack(list(votes.values()))
    yes, no = (stack == 1).sum(0), (stack == 0).sum(0)
    values = np.where(yes > no, 1, np.where(no > yes, 0, UNLABELLED))
    return make_states(values, time_s, names, people, source="consensus")


def unwatched_end(labels: Labels) -> str:
    """Say when the last label lies suspiciously far before the end of what counts as scored; ``""`` otherwise.

    With n bouts at random times in the scored stretch, none begins in its last share s with a chance of (1 − s)ⁿ;
    below one in a thousand the rater has probably stopped earlier, and the rest is not absence but unscored.

    Parameters
    ----------
    labels : Labels
        Of one rater and stream.
    """
    if labels.bouts.empty or labels.scored.empty:
        return ""
    start, stop = float(labels.scored["start_s"].min()), float(labels.scored["stop_s"].max())
    last = float(labels.bouts["stop_s"].max())
    share = (stop - last) / (stop - start) if stop > start else 0.0
    if share <= 0 or (1 - share) ** len(labels.bouts) >= _UNLIKELY:
        return ""
    return (
        f"the last label ends at {last:.0f} s, but all up to {stop:.0f} s counts as scored: if only the first part was "
        f"watched, say so (-o labels.duration_s={last:.0f}, or Labels.scored)"
    )


__all__ = ["consensus", "known_behaviours", "rater_states", "unwatched_end"]
