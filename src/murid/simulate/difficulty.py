"""How hard a simulated recording is to score: from textbook animals (0) to what a scorer meets in the lab (1).

Easy animals hold every posture exactly, all alike; a method that fails on them is broken. Real ones differ from
each other, half-do things, slide from one behaviour into the next and are hidden by their partner, and two people
who score them do not agree. `difficulty` sets all of that at once; `varied` is the animals' part, `tracker` and
`observed` are that of the tracker and the scorer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.recording import Recording
from murid.simulate.brain import SimulatedTrack
from murid.simulate.corruption import Corruption, corrupt, second_rater
from murid.simulate.motion import TICK_S
from murid.simulate.noise import slow_noise

Floats = NDArray[np.float64]

#: Length, width, pitch, bend, yaw, scan and bob of an animal that stands still.
STANDING = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
#: At difficulty 1: SD of the posture around its target (same order, the first five), and its memory, s.
POSTURE_SD, POSTURE_TAU_S = np.array([0.022, 0.02, 0.06, 0.08, 0.09]), 0.5
#: At difficulty 1: SD of the logarithm of how far an animal takes each posture, of rhythms, and of its size.
STYLE_SD, RHYTHM_SD, SIZE_SD = 0.15, 0.08, 0.03
#: At difficulty 1: the least of a posture that an ambiguous bout shows.
LEAST_SHOWN = 0.6
#: At difficulty 1 a posture takes this many times longer to settle.
SLOWER = 2.5


def check_difficulty(difficulty: float) -> None:
    """Raise when a difficulty is not from 0 to 1."""
    if not 0 <= difficulty <= 1:
        fail("simulate", "difficulty", expected="0 (easy) to 1 (as real recordings)", got=str(difficulty))


def settling(difficulty: float) -> float:
    """Return the factor on the time in which a posture follows its behaviour."""
    return 1 + (SLOWER - 1) * difficulty


def varied(targets: Floats, track: SimulatedTrack, difficulty: float, rng: np.random.Generator) -> Floats:
    """Return posture targets as these very animals show them.

    Parameters
    ----------
    targets : float array (tick, animal, 9)
        Length, width, pitch, bend, yaw, scan, bob, and the frequencies of the last two.
    track : SimulatedTrack
        What the brain did.
    difficulty : float
        0 returns the targets as they are.
    rng : Generator
        A stream of its own, so that a difficulty of 0 leaves every other random number alone.

    Returns
    -------
    float array (tick, animal, 9)
        With a style for each animal and behaviour, bouts that show only part of their posture, sizes of bodies, and
        posture noise.
    """
    n, k = track.code.shape
    n_behaviours, animals = len(track.behaviours), np.arange(k)
    style = np.exp(STYLE_SD * difficulty * rng.standard_normal((n_behaviours, k, 7)))
    rhythm = np.exp(RHYTHM_SD * difficulty * rng.standard_normal((n_behaviours, k, 2)))
    size = np.exp(SIZE_SD * difficulty * rng.standard_normal((k, 2)))
    out = targets.copy()
    shown = np.empty((n, k))
    for i in range(k):
        bout = np.cumsum(np.diff(track.code[:, i], prepend=track.code[0, i]) != 0)
        # Squared: most bouts are clear, some are hardly there.
        unclear = rng.random(int(bout[-1]) + 1) ** 2
        shown[:, i] = 1 - difficulty * (1 - LEAST_SHOWN) * unclear[bout]
    away = (targets[..., :7] - STANDING) * style[track.code, animals] * shown[..., None]
    out[..., :7] = STANDING + away
    out[..., :2] *= size
    out[..., 7:] *= rhythm[track.code, animals]
    out[..., :5] += difficulty * POSTURE_SD * slow_noise((n, k, 5), POSTURE_TAU_S / TICK_S, rng)
    return out


def tracker(difficulty: float) -> Corruption:
    """Return how a tracker errs: as `Corruption` by default at 0, on a hard video at 1.

    Parameters
    ----------
    difficulty : float
        0 to 1.

    Examples
    --------
    >>> tracker(0.5).jitter_px
    0.825
    """
    check_difficulty(difficulty)
    usual = Corruption()
    return usual.replace(
        jitter_px=usual.jitter_px + 0.45 * difficulty,
        occlusions_per_min=usual.occlusions_per_min + 2.0 * difficulty,
        jumps_per_min=usual.jumps_per_min + 1.0 * difficulty,
        swaps_per_min=0.5 * difficulty,
        hidden_by_others_cm=2.0 * difficulty,
    )


def observed(recording: Recording, difficulty: float = 1.0, *, rater: str = "scorer", seed: int = 0) -> Recording:
    """Return a recording as a lab has it: poses of a tracker that errs, labels of a person.

    Parameters
    ----------
    recording : Recording
        As `recording` returns it.
    difficulty : float
        0 to 1, of tracker and scorer. Give the same to `recording` for animals as hard.
    rater : str
        Name of the scorer.
    seed : int
        Seed of both.

    Returns
    -------
    Recording
        ``labels`` are the scorer's; ``meta["planted"]`` holds what the tracker did (see `corrupt`) and ``truth``, the
        true labels.

    Examples
    --------
    >>> from murid import simulate
    >>> lab = simulate.observed(simulate.recording(duration_s=20, difficulty=1.0))
    >>> lab.labels.raters
    ['scorer']
    """
    check_difficulty(difficulty)
    truth = recording.need("labels").select(rater="truth")
    scored = second_rater(
        truth,
        rater=rater,
        border_sd_s=0.05 + 0.12 * difficulty,
        missed=0.05 * difficulty,
        confused=0.03 * difficulty,
        seed=seed,
    )
    out = corrupt(recording, tracker(difficulty), seed=seed)
    return out.replace(labels=scored, meta={**out.meta, "planted": {**out.meta["planted"], "truth": truth}})
