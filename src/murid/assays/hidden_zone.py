"""A zone that the camera cannot see into, as the dark side of a light–dark box: who is not seen is in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from murid.assays.locomotion import CentreTrack
from murid.assays.occupancy import Mask
from murid.data.zones import EntryRule
from murid.features.zone_mask import without_flicker


def unseen_is_inside(
    zone: str, least_s: float, masks: Mapping[str, tuple[Mask, Mask]], track: CentreTrack, rule: EntryRule
) -> dict[str, tuple[Mask, Mask]]:
    """Return the masks with the animal in `zone` wherever it is not seen for `least_s`.

    Parameters
    ----------
    zone : str
        The zone that cannot be seen into; what is seen of it counts as drawn.
    least_s : float
        Shorter losses stay unknown: they are gaps of the tracking.
    masks : mapping of zone to (by the entry rule, by the border alone)
    track : CentreTrack
    rule : EntryRule
        Its gaps and shortest visits hold for the zone.
    """
    lost = np.asarray(np.isnan(track.xy_cm).any(axis=1), np.int8)
    away = without_flicker(lost, track.time_s, 0.0, least_s) == 1
    out = {}
    for name, both in masks.items():
        tidy, raw = (np.asarray(np.where(away, np.int8(name == zone), mask), np.int8) for mask in both)
        out[name] = (without_flicker(tidy, track.time_s, rule.fill_gap_s, rule.min_visit_s), raw)
    return out
