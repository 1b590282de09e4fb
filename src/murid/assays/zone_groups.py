"""Zones that are one kind of place: both open arms, all corners, two cups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.assays.assay_result import Measures
from murid.assays.locomotion import Bools, CentreTrack
from murid.assays.occupancy import ENTRY, Mask, add_distance_in, add_latency, add_time_in, changes


@dataclass(frozen=True)
class GroupMasks:
    """Membership of a group of zones.

    Attributes
    ----------
    members : list of (by the entry rule, by the border alone)
        int8 (time,) each.
    tidy, raw : int8 array (time,)
        1 in any of them, 0 in none, −1 unknown.
    """

    members: Sequence[tuple[Mask, Mask]]
    tidy: Mask
    raw: Mask


def group_masks(members: Sequence[tuple[Mask, Mask]]) -> GroupMasks:
    """Join the masks of the zones of a group."""
    return GroupMasks(members, any_of([tidy for tidy, _ in members]), any_of([raw for _, raw in members]))


def any_of(masks: Sequence[Mask]) -> Mask:
    """Return 1 where any mask is 1, 0 where all are 0, −1 where it cannot be known.

    Examples
    --------
    >>> any_of([np.array([1, 0, -1, 0], np.int8), np.array([-1, 0, 0, 1], np.int8)]).tolist()
    [1, 0, -1, 1]
    """
    stack = np.stack(masks)
    inside, unknown = (stack == 1).any(axis=0), (stack < 0).any(axis=0)
    return np.where(inside, 1, np.where(unknown, -1, 0)).astype(np.int8)


def add_group(out: Measures, group: str, masks: GroupMasks, track: CentreTrack, where: Bools) -> None:
    """Add time, entries, latency and distance of a group of zones over the frames in `where`.

    An entry into any of the zones counts, also one that comes straight from another of them.
    """
    add_time_in(out, group, masks.raw, track, where)
    out.add("entries", entries_of(masks, track, where), "count", f"{ENTRY}; into any of its zones", zone=group)
    into = sum(changes(raw, where, track.piece)[0] for _, raw in masks.members)
    out.add("entries_raw", into, "count", "the same before hysteresis, gap fill and minimum visit", zone=group)
    add_latency(out, group, where & (masks.tidy == 1), track, where)
    add_distance_in(out, group, masks.raw, track, where)


def entries_of(masks: GroupMasks, track: CentreTrack, where: Bools) -> int:
    """Number of entries into the zones of a group."""
    return sum(changes(tidy, where, track.piece)[0] for tidy, _ in masks.members)
