"""What each simulated behaviour is: how long it lasts, how fast it goes, how the body looks.

Every behaviour is fully determined by the poses, so that a classifier that sees them can be right.
Durations are lognormal (median and log-SD): rodent bouts are skewed, a few hundred ms to seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from murid.data.errors import Faults, did_you_mean


@dataclass(frozen=True)
class Posture:
    """How the body is held during a behaviour.

    Attributes
    ----------
    length, width : float
        Body length and width relative to standing still.
    pitch : float
        How far the front is lifted, rad; seen from above it shortens by ``cos(pitch)``.
    bend, yaw : float
        Bend of the spine and of the neck, rad; the sign is that of the side the animal turns to.
    scan_rad, scan_hz : float
        Rhythm of the head from side to side: amplitude and frequency.
    bob_cm, bob_hz : float
        Rhythm of the head forth and back: amplitude and frequency.

    Examples
    --------
    >>> Posture(length=0.8).pitch
    0.0
    """

    length: float = 1.0
    width: float = 1.0
    pitch: float = 0.0
    bend: float = 0.0
    yaw: float = 0.0
    scan_rad: float = 0.0
    scan_hz: float = 1.0
    bob_cm: float = 0.0
    bob_hz: float = 1.0


@dataclass(frozen=True)
class Behaviour:
    """One behaviour.

    Attributes
    ----------
    name : str
        Label in the truth.
    median_s, sigma : float
        Median duration (s) and SD of its logarithm.
    weight : float
        How often it is chosen, relative to the others.
    speed_cm_s : (low, high)
        Range of the cruising speed, drawn once a bout.
    place : str
        Where it happens: ``""`` anywhere, ``"wall"``, ``"ledge"``, ``"lever"``, ``"port"``, ``"partner"``.
    partner : str
        For social behaviours, what the partner does meanwhile.
    posture : Posture
        How the body is held.

    Examples
    --------
    >>> Behaviour("scratch", median_s=1.0, sigma=0.4, weight=1.0).speed_cm_s
    (0.0, 0.0)
    """

    name: str
    median_s: float
    sigma: float
    weight: float
    speed_cm_s: tuple[float, float] = (0.0, 0.0)
    place: str = ""
    partner: str = ""
    posture: Posture = field(default_factory=Posture)


_ALONE = (
    Behaviour("walk", 1.8, 0.5, 6.0, (7.0, 14.0), posture=Posture(length=1.05)),
    Behaviour("run", 0.9, 0.35, 1.2, (24.0, 38.0), posture=Posture(length=1.15, width=0.92)),
    # Ends when the animal has turned, so its duration follows from the angle.
    Behaviour("turn", 0.6, 0.3, 0.5, posture=Posture(length=0.95, bend=0.7, yaw=0.4)),
    Behaviour("rest", 2.0, 0.6, 2.0, posture=Posture(length=0.96, scan_rad=0.45, scan_hz=1.0)),
    Behaviour("freeze", 3.0, 0.6, 0.3, posture=Posture(length=0.90, width=1.04)),
    Behaviour("rear", 1.3, 0.45, 2.0, posture=Posture(length=0.88, pitch=1.05, scan_rad=0.15, scan_hz=1.5)),
    Behaviour(
        "groom",
        4.0,
        0.6,
        0.7,
        posture=Posture(
            length=0.80, width=1.06, pitch=0.3, bend=0.75, yaw=0.55, scan_rad=0.12, scan_hz=6.5, bob_cm=0.3, bob_hz=6.5
        ),
    ),
    Behaviour(
        "sniff_wall", 1.6, 0.5, 2.0, place="wall", posture=Posture(scan_rad=0.10, scan_hz=4.0, bob_cm=0.10, bob_hz=4.0)
    ),
    Behaviour(
        "stretch_attend",
        1.2,
        0.4,
        0.6,
        (1.5, 2.5),
        posture=Posture(length=1.30, width=0.85, scan_rad=0.05, scan_hz=2.0),
    ),
    Behaviour(
        "head_dip",
        1.2,
        0.45,
        3.0,
        place="ledge",
        posture=Posture(pitch=0.1, scan_rad=0.06, scan_hz=2.0, bob_cm=0.15, bob_hz=2.0),
    ),
)
_OPERANT = (
    Behaviour("to_lever", 1.0, 0.3, 0.0, (9.0, 15.0), place="lever", posture=Posture(length=1.05)),
    Behaviour("press", 3.0, 0.4, 4.0, place="lever", posture=Posture(length=0.95, pitch=0.45, bob_cm=0.45, bob_hz=2.5)),
    Behaviour("to_port", 1.0, 0.3, 0.0, (9.0, 15.0), place="port", posture=Posture(length=1.05)),
    Behaviour(
        "eat", 4.0, 0.4, 0.0, place="port", posture=Posture(length=0.84, width=1.05, pitch=0.2, bob_cm=0.15, bob_hz=5.0)
    ),
)
_SOCIAL = (
    Behaviour("approach", 1.0, 0.3, 0.0, (11.0, 18.0), place="partner", posture=Posture(length=1.1)),
    Behaviour(
        "sniff_nose",
        1.5,
        0.5,
        2.0,
        place="partner",
        partner="rest",
        posture=Posture(length=1.06, scan_rad=0.10, scan_hz=5.0),
    ),
    Behaviour(
        "sniff_anogenital",
        1.5,
        0.5,
        2.0,
        place="partner",
        partner="rest",
        posture=Posture(length=1.08, scan_rad=0.10, scan_hz=5.0),
    ),
    Behaviour("follow", 2.5, 0.4, 1.2, (8.0, 14.0), place="partner", partner="walk", posture=Posture(length=1.06)),
    Behaviour(
        "side_by_side",
        3.0,
        0.5,
        0.8,
        place="partner",
        partner="side_by_side",
        posture=Posture(length=0.94, yaw=0.25, scan_rad=0.05, scan_hz=1.0),
    ),
    Behaviour(
        "mount",
        3.0,
        0.5,
        0.6,
        place="partner",
        partner="rest",
        posture=Posture(length=0.92, pitch=0.5, bob_cm=0.25, bob_hz=7.0),
    ),
    Behaviour(
        "attack",
        1.8,
        0.4,
        0.8,
        (35.0, 45.0),
        place="partner",
        partner="defend",
        posture=Posture(length=0.95, bend=0.4, yaw=0.3, scan_rad=0.30, scan_hz=6.0),
    ),
    Behaviour("defend", 1.0, 0.3, 0.0, posture=Posture(length=0.82, pitch=0.75, scan_rad=0.08, scan_hz=3.0)),
    Behaviour("flee", 1.2, 0.3, 0.0, (42.0, 52.0), posture=Posture(length=1.15, width=0.92)),
)

#: Every behaviour by name.
BEHAVIOURS: dict[str, Behaviour] = {b.name: b for b in (*_ALONE, *_OPERANT, *_SOCIAL)}

#: Behaviours that others need: an animal can always walk and turn.
ALWAYS = ("walk", "turn")

_OPEN = ("walk", "run", "turn", "rest", "freeze", "rear", "groom", "sniff_wall", "stretch_attend")
_MAZE = ("walk", "run", "turn", "rest", "freeze", "rear", "groom", "stretch_attend", "head_dip")

#: What animals do in each arena when nothing else is asked for.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "open_field": _OPEN,
    "circular_open_field": _OPEN,
    "plus_maze": _MAZE,
    "zero_maze": _MAZE,
    "light_dark": _OPEN,
    "three_chambers": _OPEN,
    "operant": ("walk", "turn", "rest", "rear", "groom", "to_lever", "press", "to_port", "eat"),
}
SOCIAL = tuple(b.name for b in _SOCIAL)
OPERANT = tuple(b.name for b in _OPERANT)

#: Behaviours that bring others with them.
_BRINGS = {
    "attack": ("defend", "flee"),
    "press": ("to_lever", "to_port", "eat"),
    "eat": ("to_lever", "press", "to_port"),
    **{name: ("approach", "rest") for name in ("sniff_nose", "sniff_anogenital", "mount", "side_by_side", "follow")},
}


def repertoire(
    kind: str, n_animals: int, behaviours: Iterable[str] | Mapping[str, float | Behaviour] | None = None
) -> dict[str, Behaviour]:
    """Return the behaviours of a recording, by name.

    Parameters
    ----------
    kind : str
        Arena.
    n_animals : int
        Two or more animals also behave socially.
    behaviours : names, or dict of name to weight factor or `Behaviour`, optional
        Names choose behaviours at their usual weights. In a dict a number multiplies the usual
        weight (0 removes it) and leaves the other defaults alone; a `Behaviour` replaces or adds one.
        A dict of nothing but `Behaviour` is the whole repertoire.

    Raises
    ------
    DataError
        Unknown names, negative factors, social behaviours of a lone animal, dips without a ledge.

    Examples
    --------
    >>> list(repertoire("open_field", 1, ["groom"]))
    ['walk', 'turn', 'groom']
    """
    usual = [*DEFAULTS[kind], *(SOCIAL if n_animals > 1 else ())]
    faults = Faults("behaviours")
    if behaviours is None:
        chosen = {name: BEHAVIOURS[name] for name in usual}
    elif isinstance(behaviours, Mapping) and (whole := _whole_repertoire(behaviours)):
        chosen = whole
    elif isinstance(behaviours, Mapping):
        chosen = {name: BEHAVIOURS[name] for name in usual}
        for name, value in behaviours.items():
            _change(chosen, name, value, faults)
    else:
        names = list(behaviours)
        for name in names:
            if name not in BEHAVIOURS:
                faults.add(f"no behaviour '{name}'", todo=did_you_mean(name, BEHAVIOURS))
        chosen = {n: BEHAVIOURS[n] for n in names if n in BEHAVIOURS}
    for name in [*ALWAYS, *(extra for n in list(chosen) for extra in _BRINGS.get(n, ()))]:
        chosen.setdefault(name, replace(BEHAVIOURS[name], weight=0.0 if name != "walk" else BEHAVIOURS[name].weight))
    _check_fit(chosen, kind, n_animals, faults)
    faults.raise_if_any()
    return {n: chosen[n] for n in [*BEHAVIOURS, *chosen] if n in chosen}


def _whole_repertoire(behaviours: Mapping[str, float | Behaviour]) -> dict[str, Behaviour]:
    """Return a dict of nothing but `Behaviour` as it is, and an empty one for every other."""
    own = {name: b for name, b in behaviours.items() if isinstance(b, Behaviour)}
    return own if len(own) == len(behaviours) else {}


def _change(chosen: dict[str, Behaviour], name: str, value: float | Behaviour, faults: Faults) -> None:
    """Apply one entry of the dict form to the behaviours chosen so far."""
    if isinstance(value, Behaviour):
        chosen[name] = value
    elif name not in BEHAVIOURS:
        faults.add(f"no behaviour '{name}'", todo=did_you_mean(name, BEHAVIOURS))
    elif not value >= 0:
        faults.add(f"weight factor of '{name}'", expected=">= 0", got=str(value))
    elif value == 0 and name not in ALWAYS:
        chosen.pop(name, None)
    else:
        base = BEHAVIOURS[name]
        chosen[name] = replace(base, weight=base.weight * float(value))


def _check_fit(chosen: Mapping[str, Behaviour], kind: str, n_animals: int, faults: Faults) -> None:
    """Behaviours that cannot happen here are faults."""
    for name, behaviour in chosen.items():
        if behaviour.place == "partner" and n_animals < 2:
            faults.add(f"'{name}' needs a partner", expected="n_animals >= 2", got=str(n_animals))
        if behaviour.place in ("lever", "port") and kind != "operant":
            faults.add(f"'{name}' needs a {behaviour.place}", expected="kind='operant'", got=f"kind='{kind}'")
        if behaviour.place == "ledge" and kind not in ("plus_maze", "zero_maze"):
            faults.add(f"'{name}' needs a ledge", expected="plus_maze or zero_maze", got=f"kind='{kind}'")
