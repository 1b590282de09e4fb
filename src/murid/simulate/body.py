"""The body: from what the brain did to keypoints, at any frame rate.

A chain of stiff segments (rump - centre - neck - head - nose) with a bend of the spine, a turn of
the head, a pitch that shortens the front as seen from above, gait, breathing, and a trailing tail.

Left and right are the animal's own. y runs down in the image, so an animal that heads right (+x)
has its left side up (−y): ``left = (sin φ, −cos φ)`` for a heading φ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from murid.simulate.arenas import OVERHANG_CM, Arena
from murid.simulate.brain import SimulatedTrack
from murid.simulate.difficulty import settling, varied
from murid.simulate.motion import TICK_S

Floats = NDArray[np.float64]

KEYPOINTS = (
    "nose",
    "ear_left",
    "ear_right",
    "head",
    "neck",
    "centre",
    "side_left",
    "side_right",
    "hip_left",
    "hip_right",
    "tail_base",
    "tail_mid",
    "tail_tip",
)

#: Lengths of an adult mouse, cm.
RUMP, TRUNK, NECK, SNOUT, EAR, SIDE, HIP, TAIL = 3.6, 2.2, 1.2, 1.2, 0.75, 1.35, 1.25, 3.8

#: Posture follows behaviour within about this time (SD of the smoothing, s).
SETTLE_S = 0.05


def posture_of(
    track: SimulatedTrack, rng: np.random.Generator, difficulty: float = 0.0, own: np.random.Generator | None = None
) -> dict[str, Floats]:
    """Return posture and phases at every tick, arrays of shape ``(tick, animal)``.

    Targets of the behaviours, smoothed over `SETTLE_S`, and phases (in cycles) of every rhythm,
    whose frequency wobbles by a few per cent so that rhythms never lock. `difficulty` draws from the stream `own`.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import lfilter

    table = np.array(
        [
            (p.length, p.width, p.pitch, p.bend, p.yaw, p.scan_rad, p.bob_cm, p.scan_hz, p.bob_hz)
            for p in (b.posture for b in track.behaviours)
        ]
    )
    targets = table[track.code]
    if difficulty > 0 and own is not None:
        targets = varied(targets, track, difficulty, own)
    length, width, pitch, bend, yaw, scan, bob, scan_hz, bob_hz = np.moveaxis(targets, -1, 0)
    n, k = track.code.shape
    still = np.array([b.speed_cm_s[1] == 0 for b in track.behaviours])[track.code]
    turn_rate = gaussian_filter1d(np.gradient(track.heading, TICK_S, axis=0), 2, axis=0)
    curve = np.where(still, 0.0, np.clip(0.12 * turn_rate, -0.6, 0.6))
    bend = bend * track.side + 0.5 * track.head_turn + curve
    yaw = yaw * track.side + 0.5 * track.head_turn + 0.5 * curve
    dips = np.array([b.place == "ledge" for b in track.behaviours])[track.code]
    named = dict(
        length=length,
        width=width,
        pitch=pitch,
        bend=bend,
        yaw=yaw,
        scan=scan,
        bob=bob,
        reach=2.8 * dips,
        speed=track.speed,
    )
    settle = settling(difficulty) * SETTLE_S / TICK_S
    slow = {name: settle if name not in ("speed", "reach") else SETTLE_S / TICK_S for name in named}
    out = {name: gaussian_filter1d(v.astype(np.float64), slow[name], axis=0) for name, v in named.items()}
    start = rng.uniform(0, 1, (5, 1, k))
    wobble = lfilter([0.05], [1, -0.95], rng.standard_normal((n, 5, k)).swapaxes(0, 1), axis=1) * 0.25
    rates = np.stack([scan_hz, bob_hz, 2.0 + 0.13 * track.speed, np.full((n, k), 2.5), np.full((n, k), 0.4)])
    phases = start + np.cumsum(rates * (1 + wobble), axis=1) * TICK_S
    out |= dict(zip(("scan_phase", "bob_phase", "stride_phase", "breath_phase", "tail_phase"), phases, strict=True))
    # The tail trails: its root follows the rump within 0.15 s, its end within 0.4 s.
    rear = track.heading - 0.35 * out["bend"]
    for name, tau in (("tail_root", 0.15), ("tail_end", 0.4)):
        keep = np.exp(-TICK_S / tau)
        out[name] = lfilter([1 - keep], [1, -keep], rear, axis=0, zi=keep * rear[:1])[0]
    return out


def keypoints_of(
    track: SimulatedTrack,
    arena: Arena,
    time_s: Floats,
    rng: np.random.Generator,
    difficulty: float = 0.0,
    own: np.random.Generator | None = None,
) -> Floats:
    """Return keypoints in cm, shape ``(time, 2, keypoint, animal)``, at the times asked for.

    Parameters
    ----------
    track : SimulatedTrack
        What the brain did.
    arena : Arena
        Its walls hold back whatever would reach through them.
    time_s : array of shape (time,)
        When the camera looks, s.
    rng : Generator
        Phases of the rhythms.
    difficulty : float
        How far animals differ from textbook postures, 0 to 1; see `murid.simulate.difficulty`.
    own : Generator, optional
        Stream of that.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.ndimage import gaussian_filter1d

    posture = posture_of(track, rng, difficulty, own)
    path = gaussian_filter1d(np.stack([track.x, track.y, track.heading]), 1.0, axis=1)
    posture |= dict(zip(("x", "y", "heading"), path, strict=True))
    ticks = np.arange(len(track.x)) * TICK_S
    names = list(posture)
    curve = PchipInterpolator(ticks, np.stack([posture[n] for n in names], axis=-1), axis=0, extrapolate=True)
    values = curve(np.clip(time_s, 0, ticks[-1]))
    p = {name: values[..., i] for i, name in enumerate(names)}
    points = skeleton(p)
    return keep_inside(points, arena, p["reach"])


def skeleton(p: dict[str, Floats]) -> Floats:
    """Return keypoints ``(time, 2, keypoint, animal)`` of posture arrays ``(time, animal)``."""
    wave = {name: np.sin(2 * np.pi * p[f"{name}_phase"]) for name in ("scan", "bob", "stride", "breath", "tail")}
    gait = np.clip(p["speed"] / 15.0, 0, 1) * wave["stride"]
    rear = p["heading"] - 0.35 * p["bend"] - 0.06 * gait
    front = p["heading"] + 0.65 * p["bend"] + 0.04 * gait
    head = front + p["yaw"] + p["scan"] * wave["scan"] + 0.05 * gait
    flat = np.cos(p["pitch"])
    bob = p["bob"] * wave["bob"]
    width = p["width"] * (1 + 0.015 * wave["breath"])

    centre = np.stack([p["x"], p["y"]], axis=1)
    u_rear, u_front, u_head = _unit(rear), _unit(front), _unit(head)
    l_head, l_rear, l_mid = _left(head), _left(rear), _left(p["heading"])

    def along(base: Floats, direction: Floats, length: Floats | float) -> Floats:
        return base + direction * (length[:, None] if isinstance(length, np.ndarray) else length)

    # A raised front shortens the rump less than the trunk.
    rump = RUMP * p["length"] * np.cos(0.4 * p["pitch"])
    tail_base = along(centre, u_rear, -rump)
    hips = along(centre, u_rear, -0.64 * rump)
    neck = along(centre, u_front, TRUNK * p["length"] * flat)
    skull = along(neck, u_head, NECK * flat + bob)
    nose = along(skull, u_head, SNOUT * flat)
    tail_mid = along(tail_base, _unit(p["tail_root"] + 0.15 * wave["tail"]), -TAIL)
    tail_tip = along(tail_mid, _unit(p["tail_end"] + 0.3 * wave["tail"]), -TAIL)
    ears = along(skull, u_head, -0.15)
    at = dict(
        nose=nose,
        ear_left=along(ears, l_head, EAR),
        ear_right=along(ears, l_head, -EAR),
        head=skull,
        neck=neck,
        centre=centre,
        side_left=along(centre, l_mid, SIDE * width),
        side_right=along(centre, l_mid, -SIDE * width),
        hip_left=along(hips, l_rear, HIP * width),
        hip_right=along(hips, l_rear, -HIP * width),
        tail_base=tail_base,
        tail_mid=tail_mid,
        tail_tip=tail_tip,
    )
    return np.stack([at[name] for name in KEYPOINTS], axis=2)


def keep_inside(points: Floats, arena: Arena, reach: Floats) -> Floats:
    """Shift bodies off the walls as a whole; what is still outside then bends along the wall.

    Parameters
    ----------
    points : array of shape (time, 2, keypoint, animal)
        Keypoints, cm.
    arena : Arena
        Its floor holds the body; heads may lean over ledges by `reach`.
    reach : array of shape (time, animal)
        How far the head may be beyond the floor now, cm.
    """
    index = [KEYPOINTS.index(k) for k in KEYPOINTS if not k.startswith("tail_") or k == "tail_base"]
    heads = np.array([k in ("nose", "head", "ear_left", "ear_right") for k in KEYPOINTS])
    allow = np.where(heads[None, :, None], reach[:, None, :], 0.0)
    for _ in range(3):
        body = points[:, :, index]
        d, nx, ny = _clearance(body, arena, allow[:, index])
        worst = d.argmin(axis=1)[:, None]
        short = np.maximum(-np.take_along_axis(d, worst, 1)[:, 0], 0)
        push = [short * np.take_along_axis(n, worst, 1)[:, 0] for n in (nx, ny)]
        points = points + np.stack(push, axis=1)[:, :, None]
    for _ in range(3):
        body = points[:, :, index]
        d, nx, ny = _clearance(body, arena, allow[:, index])
        short = np.maximum(-d, 0)
        points[:, :, index] = body + np.stack([short * nx, short * ny], axis=1)
    for name, root in (("tail_mid", "tail_base"), ("tail_tip", "tail_mid")):
        _lay_tail(points, KEYPOINTS.index(name), KEYPOINTS.index(root), arena)
    return points


def _lay_tail(points: Floats, tail: int, root: int, arena: Arena) -> None:
    """Bend a piece of tail along the wall it would go through, keeping its length; in place."""
    for turn in range(6):
        d, nx, ny = _clearance(points[:, :, [tail]], arena, np.zeros_like(points[:, 0, [tail]]), ledge=OVERHANG_CM)
        short = np.maximum(-d[:, 0], 0)
        hit = short > 0
        if not hit.any():
            return
        inward = np.stack([nx[:, 0], ny[:, 0]], axis=1)
        moved = points[:, :, tail] + short[:, None] * inward
        if turn < 3:
            arm = moved - points[:, :, root]
            along = np.stack([-inward[:, 1], inward[:, 0]], axis=1)
            # Slide to the side it leans to already, so that a tail straight at a wall finds a way.
            along *= np.where((along * arm).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
            arm += 0.5 * short[:, None] * along
            arm *= TAIL / np.maximum(np.linalg.norm(arm, axis=1, keepdims=True), 1e-6)
            moved = points[:, :, root] + arm
        points[:, :, tail] = np.where(hit[:, None], moved, points[:, :, tail])


def _clearance(points: Floats, arena: Arena, allow: Floats, ledge: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """How far each point is inside its limits (cm, negative outside), and the way in.

    `allow` and, in arenas with a ledge, `ledge` widen the floor by so much; walls stay.
    """
    x, y = points[:, 0], points[:, 1]
    d, nx, ny = arena.floor.many(x, y)
    d = d + allow + ledge * arena.ledge - 0.1
    if arena.space is not arena.floor:
        wall, wx, wy = arena.space.many(x, y)
        nearer = (wall - 0.1) < d
        d = np.where(nearer, wall - 0.1, d)
        nx, ny = np.where(nearer, wx, nx), np.where(nearer, wy, ny)
    return d, nx, ny


def _unit(angle: Floats) -> Floats:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _left(angle: Floats) -> Floats:
    return np.stack([np.sin(angle), -np.cos(angle)], axis=1)
