"""Where two nouns meet: the one place in which each pair is aligned.

Poses and zones come in two units, roles are given for some keypoints only, labels and traces have clocks of their
own, an arena belongs to one animal of several: a module that aligns such things in its own way gets a wrong number in
its own way. Each function here returns the aligned things, or one error that says what does not fit.

=============  ==================================================================================
`places`       poses and zones in one unit; the arena of each animal
`names`        individuals, behaviours, and keypoints with their roles, by name
`clocks`       labels on a clock; one clock on another by pulses
`signals`      traces and states on one clock
=============  ==================================================================================

``tests/data/test_meeting_points.py`` holds the floors above to it.
"""

from __future__ import annotations

from murid.data.meet.clocks import clock_to_clock, labels_on, nearest_states
from murid.data.meet.names import by_behaviour, by_individual, column_of, keypoints_and_roles, only_animal
from murid.data.meet.places import IN_ARENA, arena_of_each, inside, poses_and_zones, zones_in
from murid.data.meet.signals import state_fractions, states_on, traces_and_states, traces_on

__all__ = [
    "IN_ARENA",
    "arena_of_each",
    "by_behaviour",
    "by_individual",
    "clock_to_clock",
    "column_of",
    "inside",
    "keypoints_and_roles",
    "labels_on",
    "nearest_states",
    "only_animal",
    "poses_and_zones",
    "state_fractions",
    "states_on",
    "traces_and_states",
    "traces_on",
    "zones_in",
]
