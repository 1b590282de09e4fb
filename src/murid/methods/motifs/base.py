"""What every motif method shares: tracks in, motifs out.

A motif method describes each animal's track by features, learns motifs from all of them together,
and labels any track, seen or new, by one and the same function: what `apply` says about a training
recording is what the fit found. It writes `_describe`, `_learn` and `_label`, and keeps what it
learnt in `parts` (fitted parts) and `facts` (plain values); the base does the rest.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import xarray as xr

from murid.data.body_scale import measured_body_length
from murid.data.clock import rate_of, segments
from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.poses import keypoint_names
from murid.data.progress import tell
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.ethogram import smooth
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import one_blas_thread
from murid.learn.sequences import Place
from murid.learn.spilled_tables import SpilledTables
from murid.methods.base import Dump, Method, output
from murid.methods.motifs.body_points import point_map, refuse_untracked, shared_points
from murid.prepare import CleanParams, clean
from murid.prepare.cleaning import OBSERVED


class MotifParams(Params):
    """Parameters that all motif methods have."""

    points: tuple[str, ...] = param(
        (), why="roles or keypoints to use; by default all that every recording tracks, but the tail beyond its base"
    )
    min_bout_s: float = param(0.1, unit="s", ge=0, why="shorter bouts join their longer neighbour: flicker")
    min_seen: float = param(
        0.5, gt=0, le=1, why="share of the features a frame must have, the rest is filled; with less: no motif (-1)"
    )
    clean: CleanParams = param(CleanParams(), why="how poses are cleaned first")
    seed: int = param(0, ge=0, why="same seed, same motifs")


@dataclass(frozen=True)
class AnimalTrack:
    """One animal of one recording, cleaned.

    Attributes
    ----------
    recording : Recording
    poses : Dataset
        Cleaned poses of all animals of the recording.
    individual : str
    points : tuple of str
        Points of the model, in its order.
    roles : dict of str to str
        Point → keypoint.
    """

    recording: Recording
    poses: xr.Dataset
    individual: str
    points: tuple[str, ...]
    roles: dict[str, str]

    @cached_property
    def time_s(self) -> np.ndarray:
        """Time of each frame, s."""
        return np.asarray(self.poses["time"].values, np.float64)

    @cached_property
    def fps(self) -> float:
        """Frames per second."""
        return rate_of(self.time_s)

    @cached_property
    def body_length(self) -> float:
        """Body length in the unit of the poses."""
        return measured_body_length(self.poses, self.roles)

    def xy(self, individual: str | None = None) -> np.ndarray:
        """Points of this (or another) animal, float64 ``(time, point, 2)`` in body lengths, NaN where missing."""
        names = keypoint_names(self.poses)
        index = [names.index(self.roles[p]) for p in self.points]
        number = [str(i) for i in self.poses["individual"].values].index(individual or self.individual)
        xy = self.poses["position"].values[:, :2, :, number][:, :, index].transpose(0, 2, 1).astype(np.float64)
        xy[np.isnan(xy).any(axis=2)] = np.nan
        return xy / self.body_length

    @cached_property
    def point_poses(self) -> xr.Dataset:
        """The poses without keypoints that are not points of the model."""
        return self.poses.sel(keypoint=[self.roles[p] for p in self.points])

    def observed(self) -> np.ndarray:
        """Whether the tracker saw each point, bool ``(time, point)``: neither missing, masked nor filled in."""
        return self._of_points("status") == OBSERVED

    def confidence(self) -> np.ndarray:
        """Confidence of each point, ``(time, point)``; NaN where the tracker gives none."""
        return self._of_points("confidence")

    def _of_points(self, variable: str) -> np.ndarray:
        names = keypoint_names(self.poses)
        column = [str(i) for i in self.poses["individual"].values].index(self.individual)
        return self.poses[variable].values[:, [names.index(self.roles[p]) for p in self.points], column]

    def stretches(self) -> list[slice]:
        """Frames between drops of the clock; no feature reaches across."""
        return [slice(a, b) for a, b in segments(self.time_s)]


@dataclass(frozen=True)
class Labelled:
    """What a method says about one track.

    Attributes
    ----------
    codes : int array (time,)
        Motif, −1 where the animal was not seen.
    latent : float array (time, component)
    confidence : float array (time,)
        0..1, NaN where there is no motif.
    probability : float array (time, behaviour), optional
        Of `behaviours`, for methods that also name what they were trained on.
    behaviours : tuple of str
    unseen : float array (time,), optional
        0..1, how unlike the training data a frame is.
    """

    codes: np.ndarray
    latent: np.ndarray
    confidence: np.ndarray
    probability: np.ndarray | None = None
    behaviours: tuple[str, ...] = ()
    unseen: np.ndarray | None = None


@dataclass(frozen=True)
class Origin:
    """Where a training table comes from."""

    recording: str
    individual: str
    fps: float
    stretches: tuple[slice, ...]
    start_s: float

    def place(self, n_rows: int, rate_hz: float) -> Place:
        """Name and times of the rows of its table, on an even clock."""
        return Place(f"{self.recording}, {self.individual}", self.start_s + np.arange(n_rows) / rate_hz)


class Described(Protocol):
    """One animal (or scene) over time, as a method describes it."""

    @property
    def individual(self) -> str:
        """Whose behaviour is described."""

    @property
    def time_s(self) -> np.ndarray:
        """Time of each frame, s."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    def stretches(self) -> list[slice]:
        """Frames between drops of the clock."""


Seen = TypeVar("Seen", bound=Described)


class SegmentingMethod(Method, Generic[Seen]):
    """Base of methods that describe each subject over time, learn motifs from all, and label each frame.

    `Seen` is what is described: a `AnimalTrack` of poses, or the pictures of a subject.
    """

    #: Name in `parts` → class, to read them back.
    part_types: ClassVar[dict[str, type[Fitted]]] = {}

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.parts: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        #: What a training just took (device, seconds, samples/s, MB); empty for a model that was read.
        self.cost: dict[str, Any] = {}

    # ---- what a method writes -------------------------------------------------------------------
    @abc.abstractmethod
    def tracks(self, recording: Recording) -> Iterator[Seen]:
        """Yield who is described in a recording."""

    @abc.abstractmethod
    def _start(self, recordings: Sequence[Recording]) -> dict[str, Any]:
        """Return the facts that a fit begins with."""

    @abc.abstractmethod
    def _describe(self, track: Seen) -> np.ndarray:
        """Return the features of a subject, float32 ``(row, feature)``."""

    @abc.abstractmethod
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        """Learn from the training rows of all subjects; fill `parts` and `facts`; return the number of motifs."""

    @abc.abstractmethod
    def _label(self, track: Seen, table: np.ndarray) -> Labelled:
        """Give each frame of a subject its motif, from what `_describe` returned."""

    @property
    @abc.abstractmethod
    def _least_bout_s(self) -> float:
        """Bouts shorter than this join their neighbour, s."""

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        """Learn what `_describe` itself needs, before anything is described; nothing by default."""

    def _rows(self, track: Seen, table: np.ndarray) -> np.ndarray:
        """Return the rows of a table that are learnt from; all by default."""
        del track
        return table

    def _motif_names(self) -> list[str]:
        return [f"motif_{k:02d}" for k in range(self.n_motifs)]

    # ---- what they share ------------------------------------------------------------------------
    @property
    def motif_names(self) -> list[str]:
        """Names of the motifs of the fitted method, in the order of their codes."""
        return self._motif_names()

    @property
    def n_motifs(self) -> int:
        """Number of motifs of the fitted method."""
        return int(self.facts["n_motifs"])

    @one_blas_thread()
    def _fit(self, recordings: Sequence[Recording]) -> None:
        self.parts, self.facts = {}, self._start(recordings)
        self._prepare(recordings)
        tables = SpilledTables()
        origins: list[Origin] = []
        for k, recording in enumerate(recordings):
            tell(f"{self.name}: features", k, len(recordings))
            for track in self.tracks(recording):
                tables.append(self._rows(track, self._describe(track)))
                origins.append(
                    Origin(recording.id, track.individual, track.fps, tuple(track.stretches()), float(track.time_s[0]))
                )
            recording.forget()
        tell(f"{self.name}: features", len(recordings), len(recordings))
        self.facts["n_motifs"] = int(self._learn(tables, origins))

    @one_blas_thread()
    def _apply(self, recording: Recording) -> xr.Dataset:
        tracks = list(self.tracks(recording))
        labelled = [self._label(track, self._describe(track)) for track in tracks]
        states = make_states(
            np.stack([f.codes for f in labelled], 1),
            tracks[0].time_s,
            self._motif_names(),
            [t.individual for t in tracks],
            source=self.name,
        )
        states = smooth.min_bout(states, self._least_bout_s, "absorb")

        def stacked(name: str) -> np.ndarray | None:
            parts = [getattr(f, name) for f in labelled]
            return None if parts[0] is None else np.stack(parts, 1)

        return output(
            states,
            latent=stacked("latent"),
            confidence=stacked("confidence"),
            probability=stacked("probability"),
            behaviours=labelled[0].behaviours or None,
            unseen=stacked("unseen"),
        )

    def _dump(self) -> Dump:
        arrays: dict[str, np.ndarray] = {}
        numbers: dict[str, Any] = {}
        for name, part in self.parts.items():
            for key, value in part.arrays().items():
                (numbers if value.ndim == 0 else arrays)[f"{name}.{key}"] = value.item() if value.ndim == 0 else value
        return Dump({"facts": self.facts, "numbers": numbers}, arrays)

    def _restore(self, dump: Dump) -> None:
        self.facts = dump.json["facts"]
        values = {**dump.arrays, **dump.json["numbers"]}
        for name, kind in self.part_types.items():
            own = {k.removeprefix(f"{name}."): v for k, v in values.items() if k.startswith(f"{name}.")}
            if own:
                self.parts[name] = kind.from_arrays(own)


class MotifMethod(SegmentingMethod[AnimalTrack]):
    """Base of the methods that find motifs in poses."""

    params: MotifParams

    @property
    def _least_bout_s(self) -> float:
        return self.params.min_bout_s

    def _start(self, recordings: Sequence[Recording]) -> dict[str, Any]:
        """Return the facts that a fit begins with: the points that all recordings share."""
        return {"points": shared_points(recordings, self.params.points, self.params.clean.min_confidence)}

    def tracks(self, recording: Recording) -> Iterator[AnimalTrack]:
        """Yield the cleaned track of each animal of a recording."""
        raw = recording.need("poses")
        roles = point_map(recording, self.params.points)
        missing = [p for p in self.facts["points"] if p not in roles]
        if missing:
            fail(
                f"recording '{recording.id}'",
                "lacks points that the motifs were learnt from",
                expected=", ".join(self.facts["points"]),
                got=", ".join(roles),
                todo=f"set the recording's roles (missing: {', '.join(missing)}), or fit with points= those all have",
            )
        used = [roles[p] for p in self.facts["points"]]
        refuse_untracked(recording, used, self.params.clean.min_confidence, self.name)
        poses = self._cleaned(raw)
        for individual in raw["individual"].values:
            yield AnimalTrack(recording, poses, str(individual), tuple(self.facts["points"]), roles)

    def _cleaned(self, raw: xr.Dataset) -> xr.Dataset:
        """Return the poses that tracks are taken from."""
        return clean(raw, self.params.clean)


def slowest_rate(recordings: Sequence[Recording], wanted_hz: float) -> float:
    """Return the wanted rate, or that of the slowest recording when it is lower."""
    rates = [rate_of(r.need("poses")["time"].values) for r in recordings]
    known = [r for r in rates if np.isfinite(r)]
    return float(min([wanted_hz, *known]))


def need_frames(method: str, got: int, least: int, unit: str = "frames") -> None:
    """Raise a clear error when fewer than `least` usable rows are left to learn from."""
    if got < least:
        fail(
            f"method '{method}'",
            "too little data",
            expected=f"at least {least} usable {unit}",
            got=str(got),
            todo="add longer or more recordings, or check the tracking with: murid check",
        )


def most_used_first(codes: np.ndarray, n: int) -> np.ndarray:
    """Return the new number of each code 0 … n − 1 so that the most used comes first; −1 is ignored."""
    used = np.bincount(codes[codes >= 0], minlength=n)
    place = np.empty(n, np.int32)
    place[np.argsort(-used, kind="stable")] = np.arange(n)
    return place


def margin(scores: np.ndarray, centres: np.ndarray, of: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Confidence 0..1 of a nearest-centre choice: how much nearer its motif is than the next one.

    Parameters
    ----------
    scores : (frame, D) array
    centres : (C, D) array
        Centres or prototypes.
    of : (C,) int array
        Motif of each centre.
    chosen : (frame,) int array
        Motif of each frame, −1 unknown.

    Returns
    -------
    float32 array (frame,)
        ``1 − d(own) / d(nearest other)``; NaN where unknown.
    """
    out = np.full(len(scores), np.nan, np.float32)
    order = np.argsort(of, kind="stable")
    kinds, first = np.unique(of[order], return_index=True)
    if len(kinds) < 2:
        return np.where(chosen >= 0, 1.0, np.nan).astype(np.float32)
    sorted_centres = np.asarray(centres, np.float64)[order]
    size = (sorted_centres**2).sum(1)
    known = np.flatnonzero(chosen >= 0)
    block = max(1, 20_000_000 // len(sorted_centres))
    for start in range(0, len(known), block):
        rows = known[start : start + block]
        x = np.asarray(scores[rows], np.float64)
        square = (x**2).sum(1)[:, None] - 2 * x @ sorted_centres.T + size
        least = np.sqrt(np.maximum(np.minimum.reduceat(square, first, axis=1), 0))
        own = np.searchsorted(kinds, chosen[rows])
        own_distance = least[np.arange(len(rows)), own]
        least[np.arange(len(rows)), own] = np.inf
        out[rows] = np.clip(1 - own_distance / np.maximum(least.min(1), 1e-9), 0, 1)
    return out
