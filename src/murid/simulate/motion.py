"""How one animal moves: steering, turning on the spot, sliding into a pose, walls.

Everything here is in cm, s and rad, one tick at a time.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from murid.simulate.arenas import Arena
from murid.simulate.behaviour import Behaviour

TICK_S = 0.05
#: Centre to nose and centre to tail base of a standing mouse (cm).
NOSE_CM, RUMP_CM = 4.6, 3.6
#: Centre to wall while sniffing it, and centre to edge while dipping the head over it (cm).
STAND_CM = {"wall": 3.2, "ledge": 1.6}


@dataclass
class Animal:
    """State of one animal at one tick."""

    x: float
    y: float
    heading: float
    goal: Behaviour
    speed: float = 0.0
    cruise: float = 10.0
    left_s: float = 0.0
    travel_s: float = 0.0
    lost_s: float = 0.0
    acting: bool = True
    label: str = "walk"
    target: tuple[float, float] = (0.0, 0.0)
    turning: bool = False
    wander: float = 0.0
    side: float = 1.0
    head_turn: float = 0.0
    partner: int = -1
    held_by: int = -1
    holds: int = -1
    threat: int = -1
    angle: float = 0.0
    presses: list[float] = field(default_factory=list)
    trail: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=60))

    def point(self, forward_cm: float) -> tuple[float, float]:
        """Point on the body axis, `forward_cm` ahead of the centre."""
        return self.x + forward_cm * math.cos(self.heading), self.y + forward_cm * math.sin(self.heading)


class Mover:
    """Moves animals over the floor of an arena.

    Parameters
    ----------
    arena : Arena
        Where they are.
    """

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def at_ledge(self, a: Animal) -> bool:
        """True when the nearest border has no wall."""
        return self.arena.space.at(a.x, a.y) > self.arena.floor.at(a.x, a.y) + 1.0

    def find_stand(self, a: Animal) -> bool:
        """Find the nearest place to stand along a wall or ledge; False when there is none."""
        floor, wanted = self.arena.floor, STAND_CM[a.goal.place]
        # Half a centimetre aside: midway between two walls neither is the nearest.
        x, y = a.x - 0.5 * a.side * math.sin(a.heading), a.y + 0.5 * a.side * math.cos(a.heading)
        for _ in range(3):
            nx, ny = floor.inward(x, y)
            move = wanted - floor.at(x, y)
            x, y = x + nx * move, y + ny * move
        if self.arena.room_at(x, y) != self.arena.room_at(a.x, a.y) or abs(floor.at(x, y) - wanted) > 0.4:
            return False
        if a.goal.place == "ledge":
            # Free air all around: not at the walls where an open arm begins, nor at its far end.
            ring = [math.pi / 4 * k for k in range(8)]
            if min(self.arena.space.at(x + 4.2 * math.cos(r), y + 4.2 * math.sin(r)) for r in ring) < 0.5:
                return False
            nx, ny = floor.inward(x, y)
            if min(floor.at(x - along * ny, y + along * nx) for along in (-5.0, 5.0)) < 0.8:
                return False
        a.target = (x, y)
        return True

    def servo(self, a: Animal, x: float, y: float, heading: float, noise: float) -> bool:
        """Walk to a pose; near it, slide and rotate into it. True on arrival."""
        dx, dy = x - a.x, y - a.y
        gap, error = math.hypot(dx, dy), wrap(heading - a.heading)
        if gap > 4.0:
            self.steer(a, x, y, max(a.cruise, 5.0), noise, a.label)
            return False
        a.turning = False
        fastest = 40.0 if a.goal.name == "attack" else 12.0
        speed = min(gap * 6.0, fastest)
        if gap > 1e-6:
            a.x += dx / gap * speed * TICK_S
            a.y += dy / gap * speed * TICK_S
        a.heading += max(-7.0, min(7.0, 8.0 * error)) * TICK_S
        a.speed = speed
        return gap < 0.8 and abs(error) < 0.35

    def steer(self, a: Animal, x: float, y: float, speed: float, noise: float, label: str) -> None:
        """Walk towards a point, through doors; turn on the spot first when it lies behind."""
        x, y = self.way(a, x, y)
        error = wrap(math.atan2(y - a.y, x - a.x) - a.heading)
        if abs(error) > 1.9:
            a.turning = True
        elif abs(error) < 0.5:
            a.turning = False
        if a.turning and label in ("walk", "run", "stretch_attend", "to_lever", "to_port"):
            a.label, a.side = "turn", math.copysign(1.0, error)
            self.move(a, 0.8, a.side * 5.0)
            return
        a.wander += (-a.wander / 0.4 + 0.0) * TICK_S + 0.8 * math.sqrt(TICK_S) * noise
        fast = 6.0 if speed > 18 or label not in ("walk", "stretch_attend") else 3.5
        rate = max(-fast, min(fast, 4.0 * error)) + (a.wander if label in ("walk", "run") else 0.0)
        self.move(a, speed * max(0.55, math.cos(error)), rate)

    def way(self, a: Animal, x: float, y: float) -> tuple[float, float]:
        """Next point on the way: the goal itself, or the first door that is not yet reached."""
        start, goal = self.arena.room_at(a.x, a.y), self.arena.room_at(x, y)
        if start == goal:
            return x, y
        for door in self.arena.route(start, goal):
            if math.hypot(door[0] - a.x, door[1] - a.y) > 2.5:
                return door
        return x, y

    def move(self, a: Animal, speed: float, turn_rad_s: float) -> None:
        """Walk on for one tick, the speed relaxing to `speed` (cm/s), turning at `turn_rad_s`."""
        a.speed += (speed - a.speed) * 0.35
        a.heading += turn_rad_s * TICK_S
        a.x += a.speed * math.cos(a.heading) * TICK_S
        a.y += a.speed * math.sin(a.heading) * TICK_S

    def respect_walls(self, a: Animal) -> None:
        """Push the body off the walls, and turn a walking animal along them."""
        floor = self.arena.floor
        for forward, least in ((NOSE_CM, 0.3), (-RUMP_CM, 0.3), (0.0, 1.5)):
            x, y = a.point(forward)
            short = least - floor.at(x, y)
            if forward > 0 and short > -1.0 and a.speed > 3.0 and not a.turning:
                nx, ny = floor.inward(x, y)
                c, s = math.cos(a.heading), math.sin(a.heading)
                into = -(c * nx + s * ny)
                if into > 0:
                    a.heading += math.copysign(6.0 * into * TICK_S, c * ny - s * nx)
            if short > 0:
                nx, ny = floor.inward(x, y)
                a.x, a.y = a.x + nx * min(short, 1.0), a.y + ny * min(short, 1.0)

    def along_wall(self, a: Animal) -> float:
        """Heading along the wall that is nearer to the present heading."""
        nx, ny = self.arena.floor.inward(*a.target)
        along = math.atan2(nx, -ny)
        return along if math.cos(along - a.heading) >= 0 else along + math.pi

    def turn_head(self, a: Animal) -> None:
        """Angle that brings the nose to the wall, or over the ledge."""
        nx, ny = self.arena.floor.inward(*a.target)
        a.side = math.copysign(1.0, nx * math.sin(a.heading) - ny * math.cos(a.heading))
        reach = self.arena.floor.at(*a.target) + (-0.4 if a.goal.place == "wall" else 2.6)
        a.head_turn = a.side * float(np.interp(reach, *_SIDEWAYS))


def _sideways() -> tuple[np.ndarray, np.ndarray]:
    """How far the nose is to the side of the centre (cm) for each turn of the head (rad)."""
    angle = np.linspace(0, 2.1, 43)
    return 2.2 * np.sin(0.325 * angle) + 2.4 * np.sin(0.825 * angle), angle


_SIDEWAYS = _sideways()


def wrap(angle: float) -> float:
    """Angle in (−π, π]."""
    return math.atan2(math.sin(angle), math.cos(angle))
