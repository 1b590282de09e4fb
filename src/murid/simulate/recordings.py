"""One simulated recording: animals in an arena, with everything that is true about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.bouts import make_bouts, make_events
from murid.data.clock import frame_times
from murid.data.errors import Faults
from murid.data.labels import Labels
from murid.data.poses import individual_names, make_poses
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.simulate.arenas import arena as build_arena
from murid.simulate.arenas import zones_in_px
from murid.simulate.behaviour import Behaviour, repertoire
from murid.simulate.body import KEYPOINTS, keypoints_of
from murid.simulate.brain import Brain, SimulatedTrack
from murid.simulate.difficulty import check_difficulty
from murid.simulate.motion import TICK_S

#: Space around the arena in the picture, cm.
BORDER_CM = 6.0


def recording(
    kind: str = "open_field",
    *,
    duration_s: float = 300.0,
    fps: float = 30.0,
    n_animals: int = 1,
    behaviours: Iterable[str] | Mapping[str, float | Behaviour] | None = None,
    appeal: Mapping[str, float] | None = None,
    individuals: Iterable[str] | None = None,
    seed: int | np.random.SeedSequence = 0,
    px_per_cm: float = 10.0,
    unit: str = "px",
    id: str | None = None,
    sizes: Mapping[str, float] | None = None,
    difficulty: float = 0.0,
    animal: str | None = None,
    group: str = "",
    day: str = "",
    session: str = "",
) -> Recording:
    """Simulate a recording with known truth.

    The same seed gives the same animals whatever the frame rate, the scale or the number of workers.

    Parameters
    ----------
    kind : str
        Arena, see `murid.simulate.arena`.
    duration_s : float
        Length, s.
    fps : float
        Frames per second of the camera.
    n_animals : int
        Number of animals; two or more behave socially.
    behaviours : names, or dict of name to weight factor, optional
        What they do, see `murid.simulate.repertoire`.
    appeal : dict of str to float, optional
        How often they go to zones of a kind, over the arena's own; ``{"centre": 0.1}`` is timid.
    individuals : sequence of str, optional
        Names; ``mouse_1`` … by default.
    seed : int or SeedSequence
        Seed of everything random.
    px_per_cm : float
        Scale of the camera, px/cm.
    unit : {"px", "cm"}
        Unit of poses and zones. px have their origin at the picture's upper left corner, `BORDER_CM`
        away from the arena's.
    id : str, optional
        Id of the recording.
    sizes : dict, optional
        Sizes of the arena, cm.
    difficulty : float
        0: textbook animals, all alike and clear, for recovery tests. 1: as hard to score as real ones. Labels stay the
        truth; `observed` adds a tracker and a scorer that err.
    animal, group, day, session : str, optional
        Keys of the recording; the animal is named as the recording when it is not given.

    Returns
    -------
    Recording
        With ``poses``, ``labels`` (rater ``"truth"``, exclusive per individual, column ``partner``
        for social behaviours), ``zones`` and ``events``. ``meta`` holds ``arena``, ``seed``,
        ``px_per_cm``, ``offset_px`` and ``size_px`` (width, height of the picture).

    Raises
    ------
    DataError
        Parameters that do not fit together.

    Examples
    --------
    >>> from murid import simulate
    >>> rec = simulate.recording("open_field", duration_s=10, n_animals=2, seed=1)
    >>> rec.poses["individual"].values.tolist()
    ['mouse_1', 'mouse_2']
    """
    names = [f"mouse_{i + 1}" for i in range(n_animals)] if individuals is None else [str(i) for i in individuals]
    _check(duration_s, fps, n_animals, names, px_per_cm, unit)
    check_difficulty(difficulty)
    place = build_arena(kind, **(sizes or {}))
    chosen = repertoire(kind, n_animals, behaviours)
    seeds = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    # Not spawn(): it would change the state of the caller's sequence, and with it a second run.
    rng_brain, rng_body, rng_style = (
        np.random.default_rng(np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, i))) for i in range(3)
    )
    n_ticks = max(round(duration_s / TICK_S), 2) + 1
    track = Brain(place, chosen, n_animals, appeal or {}, rng_brain).run(n_ticks)
    time = frame_times(max(round(duration_s * fps), 2), fps)
    points = keypoints_of(track, place, time, rng_body, difficulty, rng_style)
    offset = (BORDER_CM * px_per_cm,) * 2 if unit == "px" else (0.0, 0.0)
    scale = px_per_cm if unit == "px" else 1.0
    size = [round((s + 2 * BORDER_CM) * px_per_cm / 2) * 2 for s in place.size_cm]
    meta = {
        "arena": kind,
        "px_per_cm": px_per_cm,
        "offset_px": offset,
        "size_px": tuple(size),
        "seed": str(seeds.entropy),
        "simulated": True,
        "difficulty": difficulty,
    }
    return Recording(
        id or f"{kind}_{seeds.entropy}",
        poses=_poses(points * scale + offset[0], names, fps, unit, px_per_cm),
        labels=_labels(track, names, duration_s, fps),
        zones=zones_in_px(place.zones, scale, offset) if unit == "px" else place.zones,
        events=_events(track, names, duration_s),
        meta=meta,
        animal=animal,
        group=group,
        day=day,
        session=session,
    )


def _poses(points: np.ndarray, names: list[str], fps: float, unit: str, px_per_cm: float) -> xr.Dataset:
    """Poses of points in the picture, (time, space, keypoint, individual), all well seen."""
    n, _, k, m = points.shape
    return make_poses(
        points,
        np.full((n, k, m), 0.99, np.float32),
        keypoints=KEYPOINTS,
        individuals=names,
        fps=fps,
        unit=unit,
        px_per_cm=float(px_per_cm),
        source_software="murid.simulate",
    )


def true_states(recording: Recording) -> xr.DataArray:
    """Return the truth as exclusive States ``(time, individual)`` on the frames of the poses.

    Examples
    --------
    >>> from murid import simulate
    >>> simulate.true_states(simulate.recording(duration_s=10, fps=30)).shape
    (300, 1)
    """
    labels = recording.need("labels").select(rater="truth")
    poses = recording.need("poses")
    time, individuals = poses["time"].values, individual_names(poses)
    names = [b for b in labels.vocabulary if b in set(labels.bouts["label"])]
    multi = labels.to_states(time, names, individuals=individuals).values
    return make_states(
        np.where((multi == 1).any(-1), multi.argmax(-1), -1),
        time,
        names,
        individuals,
        source="truth",
    )


def _labels(track: SimulatedTrack, names: list[str], duration_s: float, fps: float) -> Labels:
    """Bouts of the brain, exact to its tick."""
    rows = []
    for i, name in enumerate(names):
        both = np.stack([track.code[:, i], track.partner[:, i]], axis=1)
        starts = np.flatnonzero(np.any(np.diff(both, axis=0, prepend=-9) != 0, axis=1))
        for start, stop in zip(starts, [*starts[1:], len(both)], strict=True):
            other = both[start, 1]
            rows.append(
                (
                    start * TICK_S,
                    min(stop * TICK_S, duration_s),
                    track.behaviours[both[start, 0]].name,
                    name,
                    names[other] if other >= 0 else "",
                )
            )
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "individual", "partner"])
    bouts = bouts[bouts["stop_s"] > bouts["start_s"]].assign(rater="truth", source="simulation")
    return Labels.from_bouts(
        make_bouts(bouts), duration_s=duration_s, exclusive=True, vocabulary=[b.name for b in track.behaviours], fps=fps
    )


def _events(track: SimulatedTrack, names: list[str], duration_s: float) -> pd.DataFrame:
    rows = [(t, label, names[i]) for t, label, i in track.events if t < duration_s]
    return make_events(pd.DataFrame(rows, columns=["time_s", "label", "individual"]))


def _check(duration_s: float, fps: float, n_animals: int, names: list[str], px_per_cm: float, unit: str) -> None:
    faults = Faults("simulate.recording")
    for name, value in (("duration_s", duration_s), ("fps", fps), ("n_animals", n_animals), ("px_per_cm", px_per_cm)):
        if not value > 0:
            faults.add(name, expected="> 0", got=str(value))
    if len(names) != n_animals:
        faults.add("number of individuals", expected=str(n_animals), got=str(len(names)))
    if unit not in ("px", "cm"):
        faults.add("unit", expected="px or cm", got=str(unit))
    faults.raise_if_any()
