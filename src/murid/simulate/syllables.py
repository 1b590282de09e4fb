"""Poses made of known syllables: a switching linear process, for methods that look for motifs.

Each syllable is a linear dynamical system in a low-dimensional posture space (pairs of damped
oscillators around a set point of its own) together with its own way of walking and turning. This is
the generative idea behind auto-regressive hidden Markov models (Wiltschko et al. 2015, Neuron), put in
continuous time, so that frame rates agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import frame_times
from murid.data.errors import Faults
from murid.data.params import Params, param
from murid.data.poses import make_poses
from murid.data.states import make_states
from murid.simulate.body import KEYPOINTS, skeleton

Floats = NDArray[np.float64]

#: Space around the field in the picture (cm), so that no keypoint leaves it.
BORDER_CM = 8.0
#: Posture dimensions that syllables move, and how much (SD across syllables).
POSTURE = {"length": 0.10, "pitch": 0.30, "bend": 0.45, "yaw": 0.35, "width": 0.05}


class SyllableParams(Params):
    """Shape of the hidden process.

    Examples
    --------
    >>> SyllableParams(n_states=10).median_s
    0.3
    """

    n_states: int = param(30, ge=2, le=200, why="number of syllables; MoSeq finds 20 to 40 that matter")
    median_s: float = param(0.3, unit="s", gt=0, why="median duration; published syllables last 300 to 400 ms")
    sigma: float = param(0.4, gt=0, why="SD of the logarithm of the duration")
    separation: float = param(1.0, gt=0, why="distance of the set points; 0.3 is hard, 1 is clear")
    noise: float = param(0.15, ge=0, why="SD of posture within a syllable, relative to that between them")
    settle_s: float = param(0.06, unit="s", gt=0, why="how fast posture goes to the set point of its syllable")
    sparsity: int = param(6, ge=1, why="how many syllables commonly follow a syllable")
    px_per_cm: float = param(10.0, unit="px/cm", gt=0, why="scale of the camera")
    size_cm: float = param(40.0, unit="cm", gt=0, why="side of the field; animals are turned back at its border")


@dataclass(frozen=True)
class Syllable:
    """What defines one syllable: set point, oscillation, and how the animal walks meanwhile."""

    set_point: Floats
    amplitude: Floats
    frequency_hz: float
    speed_cm_s: float
    turn_rad_s: float


def syllable_poses(
    duration_s: float = 300.0, fps: float = 30.0, *, seed: int = 0, animal: int = 0, **params: Any
) -> tuple[xr.Dataset, xr.DataArray]:
    """Simulate poses that are made of syllables.

    Parameters
    ----------
    duration_s, fps : float
        Length (s) and frame rate.
    seed : int
        Fixes the syllables and their grammar.
    animal : int
        Fixes the sequence and the noise: animals of one seed share their syllables.
    **params
        See `SyllableParams`.

    Returns
    -------
    poses : Dataset
        In px, one individual.
    states : DataArray
        The syllable of every frame, ``syllable_0`` ….

    Examples
    --------
    >>> poses, states = syllable_poses(10, 30.0, n_states=5)
    >>> states.shape
    (300, 1)
    """
    p = SyllableParams(**params)
    faults = Faults("syllable_poses")
    for name, value in (("duration_s", duration_s), ("fps", fps)):
        if not value > 0:
            faults.add(name, expected="> 0", got=str(value))
    faults.raise_if_any()
    repertoire, grammar = make_syllables(p, np.random.default_rng(np.random.SeedSequence(seed)))
    rng_order, rng_noise = (np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(animal, i))) for i in (1, 2))
    time = frame_times(max(round(duration_s * fps), 2), fps)
    state, since = _sequence(p, grammar, time, rng_order)
    posture = _posture(p, repertoire, state, since, 1 / fps, rng_noise)
    posture |= _walk(p, repertoire, state, 1 / fps)
    position = (BORDER_CM + skeleton({name: values[:, None] for name, values in posture.items()})) * p.px_per_cm
    poses = make_poses(
        position,
        np.full((len(time), len(KEYPOINTS), 1), 0.99),
        keypoints=KEYPOINTS,
        individuals=["mouse_1"],
        fps=fps,
        unit="px",
        px_per_cm=p.px_per_cm,
        source_software="murid.simulate",
    )
    names = [f"syllable_{i}" for i in range(p.n_states)]
    return poses, make_states(state, time, names, ["mouse_1"], source="truth")


def make_syllables(p: SyllableParams, rng: np.random.Generator) -> tuple[list[Syllable], Floats]:
    """Draw syllables whose set points keep apart, and a sparse transition matrix without repeats.

    Returns
    -------
    syllables, grammar
        `grammar` has shape (state, state), rows sum to 1, diagonal 0.
    """
    dims, scale = len(POSTURE), np.array(list(POSTURE.values()))
    points = np.zeros((0, dims + 2))
    while len(points) < p.n_states:
        # Best of many: the candidate that is farthest from those already chosen.
        tries = rng.standard_normal((40, dims + 2))
        apart = np.linalg.norm(tries[:, None] - points[None], axis=2).min(axis=1) if len(points) else np.zeros(40)
        points = np.vstack([points, tries[apart.argmax()]])
    syllables = [
        Syllable(
            set_point=p.separation * scale * np.clip(point[:dims], -2, 2),
            amplitude=0.5 * scale * rng.uniform(0, 1, dims),
            frequency_hz=float(rng.uniform(1.5, 7.0)),
            speed_cm_s=float(max(0.0, 6.0 + 8.0 * p.separation * point[dims])),
            turn_rad_s=float(1.2 * p.separation * point[dims + 1]),
        )
        for point in points
    ]
    weights = np.full((p.n_states, p.n_states), 0.02)
    for i in range(p.n_states):
        weights[i, rng.choice(p.n_states, min(p.sparsity, p.n_states), replace=False)] += rng.uniform(0.3, 1.0)
    np.fill_diagonal(weights, 0)
    return syllables, weights / weights.sum(axis=1, keepdims=True)


def _sequence(
    p: SyllableParams, grammar: Floats, time: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Semi-Markov sequence: state of each frame, and the time since it began (s)."""
    most = int(4 * time[-1] / p.median_s) + 20
    lengths = p.median_s * np.exp(p.sigma * rng.standard_normal(most))
    cumulative, dice = np.cumsum(grammar, axis=1), rng.random(most)
    order = [int(rng.integers(p.n_states))]
    for die in dice[1:]:
        order.append(min(int(np.searchsorted(cumulative[order[-1]], die, side="right")), p.n_states - 1))
    ends = np.cumsum(lengths)
    bout = np.searchsorted(ends, time, side="right")
    return np.array(order)[bout], time - np.append(0.0, ends)[bout]


def _posture(
    p: SyllableParams,
    syllables: list[Syllable],
    state: NDArray[np.int64],
    since: Floats,
    step: float,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Posture of each frame: relaxes to the set point of its syllable, which itself oscillates."""
    from scipy.signal import lfilter

    table = np.array([s.set_point for s in syllables])[state]
    swing = np.array([s.amplitude for s in syllables])[state]
    hz = np.array([s.frequency_hz for s in syllables])[state]
    wanted = table + swing * np.sin(2 * np.pi * hz * since)[:, None]
    keep = np.exp(-step / p.settle_s)
    scale = np.array(list(POSTURE.values()))
    # Exact discretisation of the noise: its variance does not depend on the frame rate.
    kick = p.noise * scale * np.sqrt(1 - keep**2) * rng.standard_normal(wanted.shape)
    values = lfilter([1], [1, -keep], (1 - keep) * wanted + kick, axis=0, zi=keep * wanted[:1])[0]
    out = dict(zip(POSTURE, values.T, strict=True))
    out["length"], out["width"] = 1.0 + out["length"], 1.0 + out["width"]
    out["pitch"] = np.clip(0.35 + out["pitch"], 0.0, 1.2)
    return out


def _walk(p: SyllableParams, syllables: list[Syllable], state: NDArray[np.int64], step: float) -> dict[str, Floats]:
    """Path of the centre, turned back softly at the border, and the slots `skeleton` wants."""
    from scipy.signal import lfilter

    keep = np.exp(-step / p.settle_s)
    speed, turn = (
        lfilter([1 - keep], [1, -keep], np.array(values)[state])
        for values in ([s.speed_cm_s for s in syllables], [s.turn_rad_s for s in syllables])
    )
    x = y = p.size_cm / 2
    heading, path = 0.0, []
    for v, w in zip(speed.tolist(), turn.tolist(), strict=True):
        path.append((x, y, heading))
        out_x, out_y = x - p.size_cm / 2, y - p.size_cm / 2
        if np.hypot(out_x, out_y) > 0.32 * p.size_cm:
            bearing = np.arctan2(-out_y, -out_x) - heading
            w += 2.0 * np.sin(bearing) if np.cos(bearing) > -0.95 else 2.0
        heading += w * step
        x, y = x + v * step * np.cos(heading), y + v * step * np.sin(heading)
        x, y = min(max(x, 3.0), p.size_cm - 3.0), min(max(y, 3.0), p.size_cm - 3.0)
    path_x, path_y, path_heading = np.array(path).T
    trail = [lfilter([1 - np.exp(-step / tau)], [1, -np.exp(-step / tau)], path_heading) for tau in (0.15, 0.4)]
    unused = ("scan", "bob", "speed", *(f"{n}_phase" for n in ("scan", "bob", "stride", "breath", "tail")))
    nothing = dict.fromkeys(unused, np.zeros(len(state)))
    return {"x": path_x, "y": path_y, "heading": path_heading, "tail_root": trail[0], "tail_end": trail[1], **nothing}
