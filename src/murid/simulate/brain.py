"""What the animals decide and where they go: a semi-Markov chain of behaviours, tick by tick.

The brain ticks at a fixed 20 Hz whatever the camera does, so that one seed gives one animal, filmed
at any frame rate. Behaviour borders lie on ticks. Everything here is in cm, s and rad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from murid.simulate.arenas import Arena
from murid.simulate.behaviour import Behaviour
from murid.simulate.motion import NOSE_CM, RUMP_CM, STAND_CM, TICK_S, Animal, Mover, wrap
from murid.simulate.social import hold_of, partner_pose

#: An animal that cannot reach its goal gives up after this long (s).
GIVE_UP_S = 8.0


#: Behaviours in which bodies overlap.
_ON_TOP = ("mount", "attack")


@dataclass(frozen=True)
class SimulatedTrack:
    """What the brain did: arrays of shape ``(tick, animal)``, and the events it caused.

    ``code`` indexes `behaviours`; ``partner`` is the other animal of a social behaviour or −1;
    ``head_turn`` is the signed angle (rad) by which the head is turned to a wall or ledge.
    """

    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    speed: np.ndarray
    code: np.ndarray
    partner: np.ndarray
    side: np.ndarray
    head_turn: np.ndarray
    behaviours: tuple[Behaviour, ...]
    events: list[tuple[float, str, int]]


class Brain(Mover):
    """Runs the animals of one recording.

    Parameters
    ----------
    arena : Arena
        Where they are.
    behaviours : dict of str to Behaviour
        What they can do.
    n_animals : int
        How many there are.
    rng : Generator
        Source of every random number.
    """

    def __init__(
        self,
        arena: Arena,
        behaviours: Mapping[str, Behaviour],
        n_animals: int,
        appeal: Mapping[str, float],
        rng: np.random.Generator,
    ) -> None:
        super().__init__(arena)
        self.behaviours, self.rng = behaviours, rng
        self.events: list[tuple[float, str, int]] = []
        self.time_s = 0.0
        self.spots, inside = arena.spots
        self.wish = np.full(len(self.spots), 1.0)
        for kind, factor in {**arena.appeal, **appeal}.items():
            self.wish[inside.get(kind, np.zeros(len(self.spots), bool))] *= factor
        # Thigmotaxis: spots within a few cm of a wall are more likely goals.
        self.wish *= 0.3 + 1.5 * np.exp(-(arena.floor.many(*self.spots.T)[0] - 2.0) / 4.0)
        self.wish_map = np.full((math.ceil(arena.size_cm[1]) + 1, math.ceil(arena.size_cm[0]) + 1), 1e-3)
        self.wish_map[self.spots[:, 1].astype(int), self.spots[:, 0].astype(int)] = self.wish
        self.animals: list[Animal] = []
        for _ in range(n_animals):
            x, y = self.spots[rng.choice(len(self.spots), p=self.wish / self.wish.sum())]
            self.animals.append(Animal(float(x), float(y), float(rng.uniform(-np.pi, np.pi)), behaviours["walk"]))

    def run(self, n_ticks: int) -> SimulatedTrack:
        """Simulate `n_ticks` ticks of 50 ms."""
        n = len(self.animals)
        names = list(self.behaviours)
        number = {name: i for i, name in enumerate(names)}
        out = np.zeros((n_ticks, n, 6))
        code = np.zeros((n_ticks, n, 2), np.int16)
        # A stream of its own: a longer recording begins like a shorter one.
        noise = self.rng.spawn(1)[0].standard_normal((n_ticks, n)).tolist()
        for tick in range(n_ticks):
            self.time_s = tick * TICK_S
            for i, a in enumerate(self.animals):
                if a.left_s <= 0 and a.held_by < 0:
                    self.choose(i)
                self.step(i, noise[tick][i])
            for i, a in enumerate(self.animals):
                out[tick, i] = a.x, a.y, a.heading, a.speed, a.side, a.head_turn
                code[tick, i] = number[a.label], a.partner
        for i in range(n):
            _absorb_flicker(code[:, i])
        x, y, heading, speed, side, head_turn = np.moveaxis(out, -1, 0)
        return SimulatedTrack(
            x=x,
            y=y,
            heading=heading,
            speed=speed,
            code=code[..., 0],
            partner=code[..., 1],
            side=side,
            head_turn=head_turn,
            behaviours=tuple(self.behaviours.values()),
            events=self.events,
        )

    # Choosing -------------------------------------------------------------------------------

    def choose(self, i: int) -> None:
        """Start the next behaviour of animal `i`."""
        a = self.animals[i]
        self.release(i)
        follow_up = {"press": "eat"}.get(a.goal.name) if a.presses else None
        free = [j for j, b in enumerate(self.animals) if j != i and b.held_by < 0 and b.holds < 0]
        names, weights = [], []
        for b in self.behaviours.values():
            if b.name == a.goal.name or b.weight <= 0 or (b.place == "partner" and not free):
                continue
            if b.place == "ledge" and not self.at_ledge(a):
                continue
            names.append(b.name)
            weights.append(b.weight)
        if follow_up is not None and follow_up in self.behaviours:
            name = follow_up
        elif not names:
            name = a.goal.name
        else:
            name = names[int(np.searchsorted(np.cumsum(weights), self.rng.random() * sum(weights), side="right"))]
        self.begin(i, name)
        if a.goal.place == "partner":
            near = [math.hypot(self.animals[j].x - a.x, self.animals[j].y - a.y) for j in free]
            a.partner = free[int(np.argmin(near))]
        elif a.goal.place in STAND_CM and not self.find_stand(a):
            self.begin(i, "walk")
        if follow_up != "eat":
            a.presses = []

    def begin(self, i: int, name: str, left_s: float | None = None) -> None:
        """Set goal, duration, cruising speed and side of animal `i`."""
        a, b, rng = self.animals[i], self.behaviours[name], self.rng
        drawn = b.median_s * math.exp(b.sigma * rng.standard_normal())
        a.goal, a.left_s = b, max(round(drawn / TICK_S), 4) * TICK_S if left_s is None else left_s
        speeds = b.speed_cm_s
        if b.place and b.name != "attack":
            speeds = self.behaviours[_travel_label(b)].speed_cm_s
        a.cruise = float(rng.uniform(*speeds)) if speeds[1] > 0 else 0.0
        a.acting, a.turning = not b.place, False
        a.travel_s = a.lost_s = a.head_turn = 0.0
        a.side, a.partner = float(rng.choice((-1.0, 1.0))), -1
        a.angle = float(rng.uniform(-0.5, 0.5))
        if name == "turn":
            a.angle, a.turning = a.heading + a.side * float(rng.uniform(1.2, 2.8)), True
            ends = [(f * math.cos(a.angle), f * math.sin(a.angle)) for f in (NOSE_CM, -RUMP_CM)]
            if max(self.arena.floor.at(a.x + x, a.y + y) for x, y in ends) < 0:
                # A corridor too narrow to stand across: turn right round.
                a.angle = a.heading + a.side * math.pi
            a.left_s = math.inf
        elif a.cruise > 0 and not b.place:
            self._find_target(a)
        elif b.place in ("lever", "port"):
            a.target = self.arena.places[b.place][:2]

    def release(self, i: int) -> None:
        """Let go of the partner; the victim of an attack flees."""
        a = self.animals[i]
        if a.holds < 0:
            return
        j, a.holds = a.holds, -1
        partner = self.animals[j]
        partner.held_by, partner.left_s = -1, 0.0
        if a.goal.name == "attack" and "flee" in self.behaviours:
            self.begin(j, "flee")
            partner.threat = partner.partner = i
            self._find_target(partner)

    def hold(self, i: int) -> None:
        """Make the partner do its part."""
        a = self.animals[i]
        if a.holds < 0 and a.partner >= 0:
            role = hold_of(a.goal, self.behaviours)
            self.begin(a.partner, role, math.inf)
            partner = self.animals[a.partner]
            partner.held_by, partner.acting, a.holds = i, True, a.partner
            if role == "walk":
                self._find_target(partner)

    def _wish_at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Appeal of any points on the floor."""
        rows, columns = self.wish_map.shape
        return self.wish_map[np.clip(y.astype(int), 0, rows - 1), np.clip(x.astype(int), 0, columns - 1)]

    def _find_target(self, a: Animal) -> None:
        """Pick a spot to walk to: attractive, not too near, rather ahead; away from a threat."""
        pick = self.rng.integers(len(self.spots), size=12)
        dx, dy = self.spots[pick, 0] - a.x, self.spots[pick, 1] - a.y
        apart = np.hypot(dx, dy)
        ahead = np.cos(np.arctan2(dy, dx) - a.heading)
        # What lies on the way counts too: timid animals go round along the wall.
        on_way = np.prod([self._wish_at(a.x + f * dx, a.y + f * dy) for f in (0.35, 0.7)], axis=0)
        weight = self.wish[pick] * np.sqrt(on_way) * np.exp(-np.abs(apart - 2.0 * a.cruise) / 14.0) * (1.15 + ahead)
        if a.threat >= 0:
            threat = self.animals[a.threat]
            weight = np.hypot(self.spots[pick, 0] - threat.x, self.spots[pick, 1] - threat.y) ** 4
        weight = np.where(apart > 5.0, weight, 1e-9 * weight + 1e-12)
        won = pick[np.searchsorted(np.cumsum(weight), self.rng.random() * weight.sum())]
        a.target = tuple(self.spots[won].tolist())

    # Moving ---------------------------------------------------------------------------------

    def step(self, i: int, noise: float) -> None:
        """Advance animal `i` by one tick."""
        a = self.animals[i]
        if not a.acting:
            self._travel(i, noise)
        elif a.goal.name == "turn":
            self._turn(a)
        elif a.goal.place == "partner" and a.held_by < 0:
            self._touch(i, noise)
        elif a.cruise > 0 and not a.goal.place:
            self._cruise(a, noise)
        else:
            self._stay(i, noise)
        if a.acting:
            a.left_s -= TICK_S
        if len(self.animals) > 1 and not (a.acting and a.goal.name in _ON_TOP):
            self._give_way(i)
        self.respect_walls(a)
        a.trail.append((a.x, a.y))

    def _give_way(self, i: int) -> None:
        """Bodies do not walk through each other."""
        a = self.animals[i]
        for j, b in enumerate(self.animals):
            dx, dy = a.x - b.x, a.y - b.y
            apart = math.hypot(dx, dy)
            if j != i and 1e-6 < apart < 3.2 and not (b.acting and b.goal.name in _ON_TOP):
                a.x += dx / apart * (3.2 - apart) * 0.5
                a.y += dy / apart * (3.2 - apart) * 0.5

    def _turn(self, a: Animal) -> None:
        error = a.angle - a.heading
        a.label, a.side = "turn", math.copysign(1.0, error)
        self.move(a, 0.8, math.copysign(min(5.0, 12 * abs(error) + 1.0), error))
        if abs(a.angle - a.heading) < 0.25:
            a.left_s = 0.0

    def _cruise(self, a: Animal, noise: float) -> None:
        a.label = a.goal.name
        if math.hypot(a.target[0] - a.x, a.target[1] - a.y) < 4.0:
            self._find_target(a)
        self.steer(a, *a.target, a.cruise, noise, a.goal.name)
        if a.turning:
            # Finish the turn, or the animal would come to rest across a corridor.
            a.left_s = max(a.left_s, 2 * TICK_S)

    def _stay(self, i: int, noise: float) -> None:
        a = self.animals[i]
        a.label = a.goal.name
        if a.held_by >= 0 and a.goal.place == "partner":
            # Side by side takes two: until the other is there, this one rests.
            together = self.animals[a.held_by].label == a.goal.name
            a.label, a.partner = (a.goal.name, a.held_by) if together else ("rest", -1)
        turn = 0.0
        if a.goal.name == "defend" and a.held_by >= 0:
            foe = self.animals[a.held_by]
            turn = max(-6.0, min(6.0, 6 * wrap(math.atan2(foe.y - a.y, foe.x - a.x) - a.heading)))
        self.move(a, 0.0, turn)
        if a.goal.place in STAND_CM and a.acting:
            # Shuffle into place, so that the turned head ends where it should.
            a.x, a.y = a.x + 0.2 * (a.target[0] - a.x), a.y + 0.2 * (a.target[1] - a.y)
            a.heading += 0.2 * wrap(self.along_wall(a) - a.heading)
        if a.goal.name == "press":
            self._press(i, noise)

    def _press(self, i: int, noise: float) -> None:
        """Lever presses at 2.5 Hz, each followed by a reward."""
        a = self.animals[i]
        due = not a.presses or (self.time_s - a.presses[-1] >= 0.4 - 1e-9 and noise > -1.0)
        if due:
            self.events.append((self.time_s, "lever_press", i))
            a.presses.append(self.time_s)
        if a.left_s <= TICK_S and a.presses:
            self.events.append((self.time_s, "reward", i))

    def _travel(self, i: int, noise: float) -> None:
        """Go to where the goal happens; start it on arrival."""
        a = self.animals[i]
        a.travel_s += TICK_S
        a.label = _travel_label(a.goal)
        if a.goal.place == "partner":
            partner = self.animals[a.partner]
            if a.holds < 0 and (partner.held_by >= 0 or partner.holds >= 0):
                a.left_s, a.acting, a.label = 0.0, True, "walk"
                return
            x, y, heading = partner_pose(a, partner, self.arena.floor)
            if math.hypot(partner.x - a.x, partner.y - a.y) < 12.0:
                self.hold(i)
        elif a.goal.place in STAND_CM:
            (x, y), heading = a.target, self.along_wall(a)
        else:
            nose_x, nose_y, heading = self.arena.places[a.goal.place]
            x, y = nose_x - NOSE_CM * math.cos(heading), nose_y - NOSE_CM * math.sin(heading)
        if self.servo(a, x, y, heading, noise):
            a.acting = True
            if a.goal.place == "port":
                # The tick of arrival is still labelled as the way; eating begins with the next one.
                self.events.append((self.time_s + TICK_S, "port_entry", i))
            if a.goal.place in STAND_CM:
                self.turn_head(a)
        elif a.travel_s > GIVE_UP_S:
            a.left_s, a.acting = 0.0, True

    def _touch(self, i: int, noise: float) -> None:
        """Keep up a behaviour with the partner; it is true only while they are together."""
        a = self.animals[i]
        if a.partner < 0 or a.holds < 0:
            a.left_s = 0.0
            return
        partner = self.animals[a.partner]
        if a.goal.name == "attack":
            a.angle += a.side * 8.0 * TICK_S
        x, y, heading = partner_pose(a, partner, self.arena.floor)
        gap = math.hypot(x - a.x, y - a.y)
        if a.goal.name == "follow":
            self.steer(a, x, y, min(max(partner.speed + 1.5 * (gap - 1.0), 0.0), 25.0), 0.0, "follow")
            (nose_x, nose_y), (tail_x, tail_y) = a.point(NOSE_CM), partner.point(-RUMP_CM)
            together = math.hypot(nose_x - tail_x, nose_y - tail_y) < 6.5
        else:
            self.servo(a, x, y, heading, noise)
            together = gap < (4.0 if a.goal.name == "attack" else 2.0)
        a.turning = False
        a.label = a.goal.name if together else "approach"
        a.lost_s = 0.0 if together else a.lost_s + TICK_S
        if a.lost_s > 1.0:
            a.left_s = 0.0


def _travel_label(goal: Behaviour) -> str:
    """What an animal does on its way to a goal."""
    return {"lever": "to_lever", "port": "to_port", "partner": "approach"}.get(goal.place, "walk")


def _absorb_flicker(code: np.ndarray, shortest: int = 3) -> None:
    """Give runs shorter than `shortest` ticks to the behaviour before them, in place; (tick, 2)."""
    starts = np.flatnonzero(np.diff(code[:, 0], prepend=-2))
    lengths = np.diff(np.append(starts, len(code)))
    for start, length in zip(starts, lengths, strict=True):
        if length < shortest and start > 0:
            code[start : start + length] = code[start - 1]
