"""Parameters that every test with zones has, and the entry rule that they and the zones make together."""

from __future__ import annotations

from typing import Any, Literal

from murid.assays.arena import Shape
from murid.data.params import Params, param
from murid.data.zones import EntryRule, Zones
from murid.prepare import CleanParams


class ZoneTestParams(Params):
    """Parameters of a test with zones."""

    px_per_cm: float | None = param(
        None, unit="px/cm", gt=0, why="scale of the camera; or give arena_cm. Not needed when the poses carry their own"
    )
    arena_cm: tuple[float, ...] | None = param(
        None, unit="cm", why="true size of the arena: (side,), (width, depth), or (diameter,) of a round one"
    )
    keypoints: tuple[str, ...] = param(("centre",), why="keypoints or roles that decide about a zone")
    hysteresis_cm: float = param(0.5, unit="cm", ge=0, why="depth beyond a border needed to enter: jitter of the point")
    fill_gap_s: float = param(0.2, unit="s", ge=0, why="shorter absences are closed")
    min_visit_s: float = param(0.3, unit="s", ge=0, why="shorter visits are dropped")
    moving_cm_s: float = param(5.0, unit="cm/s", ge=0, why="speed from which the animal moves (Sturman 2020)")
    majority_s: float = param(0.2, unit="s", ge=0, why="moving is voted over ± this (Sturman 2020: 5 frames at 25 fps)")
    bin_s: float = param(300.0, unit="s", ge=0, why="time bins, 5 min as IMPC; 0 = none")
    start_s: float = param(0.0, unit="s", ge=0, why="analysis starts here, e.g. after the hand has left")
    duration_s: float | None = param(None, unit="s", gt=0, why="and lasts this long; to the end by default")
    cut_absent_s: float = param(
        5.0, unit="s", ge=0, why="an animal not seen for so long at the start or end is not there: cut; 0 = never"
    )
    clean: CleanParams = param(
        CleanParams(smoothing="savgol", window_s=0.3), why="of the poses, before anything is measured"
    )

    @property
    def shape(self) -> Shape:
        """Shape of an arena that is guessed: width and depth are those of a box."""
        wanted: Literal["auto", "box", "circle"] = getattr(self, "arena_shape", "auto")
        return "box" if self.arena_cm is not None and len(self.arena_cm) > 1 else wanted


def entry_rule(drawn: Zones | None, p: ZoneTestParams, notes: list[str]) -> EntryRule:
    """Return the entry rule: parameters that were changed, else what is stored with the zones, else the defaults."""
    names = {"keypoints": "keypoints", "hysteresis": "hysteresis_cm", "fill_gap_s": "fill_gap_s"}
    names["min_visit_s"] = "min_visit_s"
    usual: Any = type(p)()
    asked = {rule: getattr(p, own) for rule, own in names.items()}
    default = {rule: getattr(usual, own) for rule, own in names.items()}
    stored = {} if drawn is None else {k: getattr(drawn.rule, k) for k in (*names, "mode", "fraction")}
    plain = EntryRule()
    stored = {k: v for k, v in stored.items() if v != getattr(plain, k)}
    changed = {k: v for k, v in asked.items() if v != default[k]}
    both = sorted(k for k in stored if k in changed and changed[k] != stored[k])
    if both:
        notes.append(f"parameters replace the entry rule stored with the zones: {', '.join(both)}")
    return EntryRule(**{**default, **stored, **changed})
