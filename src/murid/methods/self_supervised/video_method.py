"""What the methods share that learn from the video itself: pictures in, latents and AR-HMM states out.

A network learns from small pictures of each animal (or of the whole scene), gives each moment its latents, and a
sticky AR-HMM cuts these into states. `selfee` and `behavenet` differ in the pictures they take and in what the network
must do with them. Rows are moments on an even clock; states go back to the recording's own frames.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation
from typing_extensions import override

from murid.data.bouts import EVERYONE
from murid.data.clock import nearest_sample, rate_of, samples_in, segments
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import keypoints_and_roles
from murid.data.params import Params, param
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.roles import stand_ins
from murid.data.scratch import scratch_path
from murid.data.video import Video
from murid.data.warning import warn_user
from murid.features.pictures import Pictures, snippet_numbers, write_pictures
from murid.features.views import (
    View,
    ViewParams,
    animal_view,
    arena_view,
    picture_numbers,
    px_per_unit,
    scale_px,
    stretched_px,
    view_kind,
    whole_view,
)
from murid.learn.embed.pca import fit_pca
from murid.learn.nets.params import TrainParams
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.sequences import Place
from murid.methods.motifs.base import Labelled, Origin
from murid.methods.motifs.body_points import refuse_untracked
from murid.methods.self_supervised.base import NetMethod
from murid.prepare import CleanParams, clean
from murid.prepare.even_time import EvenTime, even_time

if TYPE_CHECKING:
    import torch

    from murid.learn.nets.history import History
    from murid.learn.nets.images import Images

#: Moments nearer than this to a held-out one are not learnt from, s.
HELD_GAP_S = 0.5
#: Fewest rows that carry a fit.
MIN_ROWS = 200
#: One array for each subject.
Films = Sequence[np.ndarray]


class VideoParams(Params):
    """Parameters of methods that learn from video."""

    pictures: ViewParams = ViewParams()
    rate_hz: float = param(15.0, unit="Hz", gt=0, why="moments a second, at most the slowest recording's")
    max_rows: int = param(20_000, ge=100, why="moments that the network learns from, evenly spaced over all recordings")
    train: TrainParams = TrainParams()
    variance: float = param(0.95, gt=0, lt=1, why="components of the latents explain this share; the AR-HMM sees these")
    n_components: int = param(10, ge=1, why="most components")
    n_states: int = param(20, ge=2, le=1000, why="upper bound; states that the data do not tell apart are united")
    kappa: float | None = param(
        None, ge=0, unit="rows", why="stickiness; None takes what predicts unseen rows, then the duration of bouts"
    )
    target_s: float | None = param(
        None, gt=0, unit="s", why="wanted median bout; None takes that of the blocks between model-free changepoints"
    )
    lags_s: float | None = param(0.1, gt=0, unit="s", why="past that predicts the next row; None takes one row")
    student_dof: float = param(
        0.0, ge=0, why="degrees of freedom of heavy-tailed residuals of the AR-HMM, e.g. 4; 0 means Gaussian"
    )
    recurrent: bool = param(
        False, why="the picture before says which state comes next (recurrent AR-HMM); otherwise the state before alone"
    )
    smooth_s: float = param(0.1, ge=0, unit="s", why="Gaussian over the latents that the k-means start looks at")
    gap_s: float = param(1.0, ge=0, unit="s", why="longer gaps stay without state; shorter ones the model bridges")
    em_iterations: int = param(20, ge=1, why="EM iterations of the AR-HMM")
    min_bout_s: float = param(0.0, unit="s", ge=0, why="shorter bouts join their longer neighbour; the model is sticky")
    clean: CleanParams = CleanParams()
    checkpoint: str | None = param(
        None, why="file to write the training to, and to go on from; commands of a study go on by themselves"
    )
    seed: int = param(0, ge=0, why="same seed, same network, same states")
    workers: int = param(1, ge=1, why="threads of the AR-HMM; the answer is the same for any number")


@dataclass(frozen=True)
class Subject:
    """Who is seen in one recording: an animal, or everyone in the whole picture.

    Attributes
    ----------
    recording : Recording
    individual : str
        Name of the animal, or ``"all"``.
    time_s : array (time,)
        Clock of the poses, or of the video where there are none.
    even : EvenTime
        The rows' clock.
    numbers : int array (row, channel)
        Frames shown in each row, −1 for none.
    view : View
        Where each row looks.
    sample : int array (row,)
        Sample of the clock that each row shows, −1 for none.
    poses : Dataset or None
        Cleaned poses of the recording, in the animal view.
    """

    recording: Recording
    individual: str
    time_s: np.ndarray
    even: EvenTime
    numbers: np.ndarray
    view: View
    sample: np.ndarray
    poses: xr.Dataset | None = None

    @cached_property
    def fps(self) -> float:
        """Samples per second of the clock."""
        return rate_of(self.time_s)

    def stretches(self) -> list[slice]:
        """Samples between drops of the clock."""
        return [slice(a, b) for a, b in segments(self.time_s)]

    @cached_property
    def usable(self) -> np.ndarray:
        """Rows that show something."""
        shown = np.isfinite(self.view.matrix[:, 0, 0]) & (self.numbers >= 0).all(axis=1)
        return np.flatnonzero(shown)

    def film(self, params: ViewParams, rows: np.ndarray | None = None) -> Pictures:
        """Return the pictures of all rows, or of some, in their order."""
        rows = np.arange(len(self.numbers)) if rows is None else rows
        animal = "" if self.individual == EVERYONE else f", {self.individual}"
        return write_pictures(
            self.recording.need("video"),
            self.numbers[rows],
            self.view.take(rows),
            params,
            title=f"pictures of {self.recording.id}{animal}",
        )


class VideoMethod(NetMethod[Subject]):
    """Base of `selfee` and `behavenet`."""

    params: VideoParams

    @property
    def _least_bout_s(self) -> float:
        return self.params.min_bout_s

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        #: Pose rows without a picture, of each recording seen.
        self._surplus: dict[str, int] = {}

    # ---- what a video method writes -------------------------------------------------------------
    @abc.abstractmethod
    def _offsets(self) -> tuple[float, ...]:
        """Return when the pictures of a row are taken, s around it."""

    @abc.abstractmethod
    def _loss(self, net: Any, batch: Any, step: Any, n_samples: int) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""

    def _extra(self, subject: Subject) -> dict[str, np.ndarray]:
        """Return further values of each row that the loss needs; nothing by default."""
        del subject
        return {}

    def _held_out(self, n_rows: int) -> np.ndarray:
        """Return which rows of a subject (bool) are kept from training to compare epochs by; none by default."""
        return np.zeros(n_rows, bool)

    def _before_training(self, net: Any, films: Films, rows: Films) -> None:
        """Set the network up by the training pictures; nothing by default."""

    def _after_training(self, learnt: Images, held: Images) -> None:
        """Look at the trained network; nothing by default."""

    # ---- fit and apply --------------------------------------------------------------------------
    def _check(self, recordings: Sequence[Recording], *, fitting: bool) -> None:
        super()._check(recordings, fitting=fitting)
        faults = Faults(f"method '{self.name}'")
        reach = 2 * max(map(abs, self._offsets()))
        for recording in recordings:
            video: Video = recording.need("video")
            seconds = float(video.time_s[-1])
            if video.n_frames < 2 or seconds < reach:
                faults.add(
                    f"video of recording '{recording.id}' is shorter than a snippet",
                    where=str(video.path),
                    expected=f"at least {reach:.3g} s, 2 frames",
                    got=f"{seconds:.3g} s, {video.n_frames} frames",
                    todo="leave it out, or check that the file is whole",
                )
        faults.raise_if_any()

    def _tell_surplus(self) -> None:
        """Say once how many pose rows lie beyond the end of their video; more than a few are refused earlier."""
        surplus = {i: n for i, n in self._surplus.items() if n}
        if surplus:
            some = ", ".join(f"{i}: {n}" for i, n in list(surplus.items())[:10])
            warn_user(
                f"{self.name}: pose rows beyond the end of their video have no picture and get no state: "
                f"{sum(surplus.values())} in all ({some}{', …' if len(surplus) > 10 else ''})"
            )

    def _apply(self, recording: Recording) -> xr.Dataset:
        out = super()._apply(recording)
        if recording.id not in self.training.get("recordings", ()):
            self._surplus = {recording.id: self._surplus[recording.id]}
            self._tell_surplus()
        return out

    def _start(self, recordings: Sequence[Recording]) -> dict[str, Any]:
        kinds = {r.id: view_kind(r, self.params.pictures.view) for r in recordings}
        if len(set(kinds.values())) > 1:
            fail(
                f"method '{self.name}'",
                "the recordings would be seen differently",
                expected="one view for all",
                got=", ".join(f"{i}: {k}" for i, k in kinds.items()),
                todo="choose one, e.g. pictures.view=whole",
            )
        rates = [_rate_of(r) for r in recordings]
        facts: dict[str, Any] = {"view": next(iter(kinds.values())), "rate_hz": float(min(self.params.rate_hz, *rates))}
        if facts["view"] == "animal":
            lengths = [stretched_px(r.need("poses"), r.roles or None) / scale_px(r.need("poses")) for r in recordings]
            # Where all are calibrated, one length fits all: large and small animals look large and small.
            facts["body_cm"] = float(np.median(lengths)) if np.isfinite(lengths).all() else None
        return facts

    def tracks(self, recording: Recording) -> Iterator[Subject]:
        """Yield who is seen in a recording."""
        p, kind = self.params.pictures, self.facts["view"]
        video: Video = recording.need("video")
        if kind == "animal":
            recording.need("poses")
        numbers = picture_numbers(recording)
        self._surplus[recording.id] = int((numbers < 0).sum())
        raw = recording.poses
        time_s = np.asarray(video.time_s if raw is None else raw["time"].values, np.float64)
        even = even_time(time_s, self.facts["rate_hz"])
        sample = nearest_sample(time_s, even.time_s) if len(time_s) > 1 else np.zeros(len(even.time_s), np.int64)
        far = np.abs(time_s[sample] - even.time_s) > max(0.75 / rate_of(time_s), 0.5 / self.facts["rate_hz"])
        sample = np.where(far, -1, sample)
        shown = snippet_numbers(numbers, time_s, sample, self._offsets())
        poses = clean(recording.need("poses"), self.params.clean) if kind == "animal" else None
        if poses is not None:
            roles, scale = recording.roles or None, scale_px(poses)
            self._check_view_points(recording)
            known = self.facts["body_cm"] is not None and np.isfinite(scale)
            length = self.facts["body_cm"] * scale if known else stretched_px(poses, roles)
            views = [animal_view(poses, i, p, roles, length) for i in individual_names(poses)]
        elif kind == "arena":
            px = 1.0 if raw is None else px_per_unit(raw)
            views = [arena_view(recording.need("zones"), len(time_s), p, px)]
        else:
            views = [whole_view(video.shape, len(time_s), p)]
        for view in views:
            yield Subject(recording, view.individual, time_s, even, shown, view.take(sample), sample, poses)

    def _check_view_points(self, recording: Recording) -> None:
        """Refuse recordings that lack the points by which an animal is placed and turned: nothing would be shown."""
        used = keypoints_and_roles(recording.need("poses"), recording.roles or None)
        needed = ("centre", "front", "rear") if self.params.pictures.turned else ("centre",)
        sources = stand_ins(used)
        keypoints = list(dict.fromkeys(used[r] for point in needed for r in sources.get(point, ())))
        if len(keypoints) > 1:
            refuse_untracked(recording, keypoints, self.params.clean.min_confidence, self.name)

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        """Train the network on the pictures of all recordings."""
        from murid.learn.nets.device import seeded
        from murid.learn.nets.images import Images
        from murid.learn.nets.loop import train

        p = self.params
        self._surplus = {}
        total = sum(len(s.usable) for r in recordings for s in self.tracks(r))
        self._tell_surplus()
        if total < MIN_ROWS:
            fail(
                f"method '{self.name}'",
                "too little to learn from",
                expected=f"at least {MIN_ROWS} moments",
                got=f"{total} at {self.facts['rate_hz']:.3g} a second",
                todo="add longer or more recordings; in high-speed video raise rate_hz",
            )
        every = -(-total // p.max_rows)
        films, extra, learnt, held, places = [], [], [], [], []
        self._kept: dict[tuple[str, str], Pictures] = {}
        alive: list[Pictures] = []
        for recording in recordings:
            for subject in self.tracks(recording):
                rows = subject.usable[::every]
                # When all rows are learnt from, their pictures serve the description as well.
                film = subject.film(p.pictures, None if every == 1 else rows)
                if every == 1:
                    self._kept[recording.id, subject.individual] = film
                alive.append(film)
                films.append(film.array)
                extra.append({k: v if every == 1 else v[rows] for k, v in self._extra(subject).items()})
                at = rows if every == 1 else np.arange(len(rows))
                shown = subject.even.time_s if every == 1 else subject.even.time_s[rows]
                places.append(Place(f"{recording.id}, {subject.individual}", shown))
                out = self._held_out(len(at))
                held.append(at[out])
                # Neighbouring moments repeat each other: those beside a held-out block are left out altogether.
                reach = math.ceil(HELD_GAP_S * self.facts["rate_hz"] / every)
                learnt.append(at[~binary_dilation(out, iterations=reach)])
        more = {k: [e[k] for e in extra] for k in extra[0]}
        source, valid = (Images(films, rows, self._scaled(more), places) for rows in (learnt, held))
        with seeded(p.seed):
            net = self._build()
        self._before_training(net, films, learnt)
        history = train(
            net,
            lambda net, batch, step: self._loss(net, batch, step, len(source)),
            source,
            p.train,
            valid=valid if len(valid) else None,
            seed=p.seed,
            checkpoint=p.checkpoint or scratch_path("network.safetensors"),
            progress=f"{self.name}: network",
        )
        self._keep(net)
        self.facts["evidence"] = {"rows": len(source), **_of_training(history)}
        self.history, self.cost = history, history.cost()
        self._after_training(source, valid)

    def _scaled(self, extra: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
        """Return the further values as the network sees them; unchanged by default."""
        return extra

    def _describe(self, track: Subject) -> np.ndarray:
        """Latents of each row, float32 ``(row, latent)``; NaN where nothing is shown."""
        film = getattr(self, "_kept", {}).pop((track.recording.id, track.individual), None)
        return self._table(track, film or track.film(self.params.pictures))

    def _table(self, track: Subject, film: Pictures) -> np.ndarray:
        """Latents of each row of a film of a subject, as `_describe`."""
        del track
        rows = np.flatnonzero(film.seen)
        encoded = self._encode(film.array, rows)
        out = np.full((len(film), encoded.shape[1]), np.nan, np.float32)
        out[rows] = encoded
        return out

    def _encode(self, film: np.ndarray, rows: np.ndarray) -> np.ndarray:
        from murid.learn.nets.images import encode_pictures

        return encode_pictures(self.net, self.net, film, rows, self.params.train)

    # ---- states ---------------------------------------------------------------------------------
    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p, rate = self.params, self.facts["rate_hz"]
        self._kept = {}
        pca = fit_pca(tables, p.variance, whiten=True, max_components=p.n_components)
        self.parts["pca"] = pca
        features = [np.asarray(pca.transform(t), np.float32) for t in tables]
        settings = ArHmmParams(
            n_states=p.n_states,
            lags=1 if p.lags_s is None else max(1, samples_in(p.lags_s, rate)),
            em_iterations=p.em_iterations,
            sweeps=0,
            draws=0,
            gap_frames=samples_in(p.gap_s, rate),
            student_dof=p.student_dof,
        )
        kappa: float | None = p.kappa
        table: list[dict[str, float]] = []
        if kappa is None:
            from murid.learn.segment.stickiness import choose_kappa

            kappa, table = choose_kappa(
                features, rate, settings, target_s=p.target_s, sigma=p.smooth_s * rate, seed=p.seed, n_workers=p.workers
            )
        settings = settings.replace(kappa=float(kappa), recurrent=p.recurrent)
        model = fit_from_levels(features, settings, sigma=p.smooth_s * rate, seed=p.seed, n_workers=p.workers)
        self.parts["model"] = model
        self.facts["evidence"] |= {
            "kappa": float(kappa),
            "kappa_scan": table,
            "explained_variance": np.asarray(pca.explained).tolist(),
            "usage": model.usage.tolist(),
        }
        return model.n_states

    def _label(self, track: Subject, table: np.ndarray) -> Labelled:
        features = np.asarray(self.parts["pca"].transform(table), np.float32)
        labels, sure = self.parts["model"].apply(features, n_workers=self.params.workers)
        row = np.minimum(track.even.row, len(labels) - 1)
        return Labelled(labels[row], self._latent(table, features)[row], np.clip(sure[row], 0, 1))

    def _latent(self, table: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Return what is given out as latent: the components by default."""
        del table
        return features

    def _motif_names(self) -> list[str]:
        return [f"state_{k:02d}" for k in range(self.n_motifs)]

    # ---- features -------------------------------------------------------------------------------
    def rows(self, recording: Recording, individual: str | None = None) -> xr.DataArray:
        """Latents of one subject on the even clock of the AR-HMM: what neurons are to decode.

        Returns
        -------
        DataArray (time, component)
            `facts["rate_hz"]` rows a second.
        """
        self._check([recording], fitting=False)
        subjects = {s.individual: s for s in self.tracks(recording)}
        if individual is not None and individual not in subjects:
            fail(
                f"recording '{recording.id}'", f"no individual '{individual}'", todo=did_you_mean(individual, subjects)
            )
        subject = subjects[individual or next(iter(subjects))]
        return xr.DataArray(
            self._describe(subject), dims=("time", "component"), coords={"time": subject.even.time_s}, name="latent"
        )

    def features(self, recording: Recording) -> xr.DataArray:
        """Return the features of each frame as the network gives them, before any component or state.

        Returns
        -------
        DataArray (time, individual, feature)
            float32, on the recording's own clock; NaN where nothing is shown.
        """
        self._check([recording], fitting=False)
        subjects = list(self.tracks(recording))
        values = []
        for subject in subjects:
            table = self._describe(subject)
            values.append(table[np.minimum(subject.even.row, len(table) - 1)])
        return xr.DataArray(
            np.stack(values, axis=1),
            dims=("time", "individual", "feature"),
            name="features",
            coords={"time": subjects[0].time_s, "individual": [s.individual for s in subjects]},
        )


def _of_training(history: History) -> dict[str, Any]:
    """What is kept of a training in the evidence."""
    course = history.course()
    return {
        "device": history.kind(),
        "stopped": history.stopped,
        "epochs": len(course),
        "last_epoch": {str(k): float(v) for k, v in course[-1].items()},
    }


def _rate_of(recording: Recording) -> float:
    poses = recording.poses
    rate = recording.need("video").fps if poses is None else rate_of(poses["time"].values)
    if not np.isfinite(rate):
        fail(f"recording '{recording.id}'", "is too short to have a frame rate", expected="at least 2 frames")
    return float(rate)
