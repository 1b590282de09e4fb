"""Where one animal stands relative to another in each social behaviour."""

from __future__ import annotations

import math
from collections.abc import Mapping

from murid.simulate.behaviour import Behaviour
from murid.simulate.border_distance import Field
from murid.simulate.motion import Animal, wrap

#: Angles tried when the wanted place lies behind a wall (rad).
_SWINGS = (0.0, 0.6, -0.6, 1.2, -1.2, 1.8, -1.8, 2.4, -2.4)


def hold_of(goal: Behaviour, behaviours: Mapping[str, Behaviour]) -> str:
    """What the partner does meanwhile; rest, or else walk, when the wanted part is not played here."""
    return next(name for name in (goal.partner, "rest", "walk") if name in behaviours)


def partner_pose(a: Animal, b: Animal, floor: Field) -> tuple[float, float, float]:
    """Return centre and heading ``(x, y, heading)`` that animal `a` wants, given its partner `b`.

    Sniffing puts the nose of `a` at the nose or tail base of `b`, from an angle that fits between
    the walls; following, one body length behind; mounting, onto the hind part; side by side,
    flank to flank; attack, whirling around the victim.
    """
    name = a.goal.name
    if name in ("sniff_nose", "sniff_anogenital"):
        return _nose_to(a, b, floor)
    if name == "mount":
        return *b.point(-2.4), b.heading
    if name == "follow":
        # The path the partner took, not the line behind it: following animals cut no corners.
        x, y = next((p for p in reversed(b.trail) if math.hypot(p[0] - b.x, p[1] - b.y) >= 9.0), b.point(-9.0))
        return x, y, math.atan2(b.y - y, b.x - x)
    if name == "side_by_side":
        near = math.copysign(1.0, (a.y - b.y) * math.cos(b.heading) - (a.x - b.x) * math.sin(b.heading))
        for side in (near, -near):
            x, y = b.x - side * 3.6 * math.sin(b.heading), b.y + side * 3.6 * math.cos(b.heading)
            if floor.at(x, y) > 1.4:
                break
        # Each animal's head leans to the other one.
        a.side, b.side = -side, side
        return x, y, b.heading
    x, y = b.x + 3.6 * math.cos(a.angle), b.y + 3.6 * math.sin(a.angle)
    return x, y, math.atan2(b.y - y, b.x - x)


def _nose_to(a: Animal, b: Animal, floor: Field) -> tuple[float, float, float]:
    """Pose with the nose 0.6 cm from the partner's nose or tail base, from the side `a` comes from."""
    (x, y), facing, widest = (
        (b.point(4.6), b.heading + math.pi, 1.7) if a.goal.name == "sniff_nose" else (b.point(-3.6), b.heading, 1.3)
    )
    if not a.acting:
        bearing = wrap(math.atan2(y - a.y, x - a.x) - facing)
        a.angle = max(-widest, min(widest, bearing))
    best, room = (0.0, 0.0, 0.0), -math.inf
    for swing in _SWINGS:
        heading = facing + a.angle + swing
        cx, cy = x - 5.3 * math.cos(heading), y - 5.3 * math.sin(heading)
        tail = floor.at(cx - 3.6 * math.cos(heading), cy - 3.6 * math.sin(heading))
        space = min(floor.at(cx, cy) - 1.2, tail - 0.2)
        if space > 0:
            return cx, cy, heading
        if space > room:
            best, room = (cx, cy, heading), space
    return best
