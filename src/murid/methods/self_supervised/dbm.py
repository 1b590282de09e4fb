"""`dbm`: Deep Behaviour Mapping (Zhang et al. 2022): microstates from a network that learns pseudo-labels.

Zones, events and speed say coarsely what the animal does (a rule table). A network learns to say it from posture and
movement, frame by frame in the context of its sequence; its narrow latent, cut by k-means, gives microstates that are
finer than the labels and that neurons can be asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pydantic
import xarray as xr

from murid.data.clock import nearest_sample, samples_in
from murid.data.errors import Faults, fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.scratch import scratch_path
from murid.data.states import UNLABELLED, behaviour_names
from murid.data.units import LengthUnit
from murid.data.warning import warn_user
from murid.ethogram.pseudo_labels import RuleTable, label, read_rule_table, times_by_event
from murid.features.sets.rules import rule_features
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.nets.params import TrainParams
from murid.learn.segment.kmeans import KMeansModel, fit_kmeans
from murid.methods.base import Card
from murid.methods.motifs.base import (
    AnimalTrack,
    Labelled,
    MotifMethod,
    MotifParams,
    Origin,
    margin,
    need_frames,
    slowest_rate,
)
from murid.methods.posture import Template, align_to_template, template_of
from murid.methods.self_supervised.base import NetMethod, Weights
from murid.methods.self_supervised.own_labels import states_from_labels
from murid.methods.self_supervised.pose_inputs import (
    bounds_of,
    distances,
    movement,
    place,
)
from murid.prepare.even_time import EvenTime, even_time

#: Pseudo-labels where nothing better is given; rules whose quantities a recording lacks are left out.
DEFAULT_TABLE = """\
locomotion:
    when speed_centre > 0.8 bl/s
    min  0.3 s
turning:
    when turn_rate_abs > 90 deg/s
    min  0.2 s
walls:                            # needs a zone of kind arena
    when wall_distance_centre < 0.7 bl
    and  speed_centre > 0.2 bl/s
resting:
    when speed_body < 0.25 bl/s
    stay speed_body < 0.4 bl/s
    gap  0.2 s
    min  0.5 s
"""


class DbmParams(MotifParams):
    """Parameters of `dbm`."""

    pseudo_labels: str = param(
        DEFAULT_TABLE, why="rule table, first rule first, as text or path of a text file; see the page of this method"
    )
    rest: str = param("other", why="pseudo-label of frames on which no rule holds")
    labels_from: Literal["rules", "labels"] = param("rules", why="labels = the recordings' own labels, made elsewhere")
    body_length_cm: float = param(
        8.5, unit="cm", gt=0, why="to read cm in rules without calibration; 8.5 mouse, 18 rat"
    )
    n_motifs: int = param(50, ge=2, why="number of microstates; 50 as in DBM")
    replicates: int = param(
        10, ge=1, why="restarts of k-means; DBM's 100 choose the same partition in ten times the time"
    )
    net: Literal["tcn", "lstm"] = param(
        "tcn", why="tcn sees distances, posture, speed and place; lstm = DBM: distances alone, up to the next row"
    )
    place: Literal["auto", "zones", "camera", "none"] = param(
        "auto",
        why="what the tcn knows of place: zones that all recordings have (auto, where there are some), or coordinates "
        "in the picture (camera and arena must not have moved)",
    )
    scale: Literal["auto", "body", "study"] = param(
        "auto",
        why="lengths in the recording's own body length, or in one for the study: for one camera, short trials and "
        "calibrated poses; auto = study with place='camera'",
    )
    latent: int = param(10, ge=2, why="width of the latent; 10 as in DBM")
    balance: float | None = param(
        None, ge=0, le=1, why="0 = frames weigh the same, 1 = pseudo-labels do; None = 0 for lstm (DBM), 0.5 for tcn"
    )
    rate_hz: float = param(10.0, unit="Hz", gt=0, why="rows a second, at most the slowest recording's")
    sequence_s: float = param(80.0, unit="s", gt=0, why="longest stretch the network is trained on; DBM's trials")
    trial_event: str | None = param(None, why="learn from stretches around events of this label alone: trials")
    before_s: float = param(10.0, unit="s", ge=0, why="trial: time before the event")
    after_s: float = param(70.0, unit="s", ge=0, why="trial: time after the event")
    train: TrainParams | None = param(None, why="how the network is trained; None = as measured best for the net")
    checkpoint: str | None = param(
        None, why="file to write the training to, and to go on from; commands of a study go on by themselves"
    )

    @pydantic.field_validator("pseudo_labels")
    @classmethod
    def _text_of_file(cls, table: str) -> str:
        """The text, not the path of its file: it travels with a model, and an edited file is another question."""
        if "\n" not in table and ":" not in table and Path(table).is_file():
            return Path(table).read_text(encoding="utf-8")
        return table


class Dbm(NetMethod[AnimalTrack], MotifMethod):
    """Microstates from a network trained on pseudo-labels."""

    name = "dbm"
    Params = DbmParams
    params: DbmParams
    part_types = {"net": Weights, "template": Template, "scaler": Scaler, "clusters": KMeansModel}
    about = Card(
        title="Deep Behaviour Mapping: microstates from a network that learns zone- and event-based pseudo-labels",
        family="self-supervised",
        cites=(
            "Zhang Y., Denman A.J., Liang B. et al. (2022) Detailed mapping of behavior reveals the formation of "
            "prelimbic neural ensembles across operant learning. Neuron 110:674",
        ),
        differs=(
            "pseudo-labels come from a rule table that can be read, edited and previewed",
            "default network: temporal convolutions that see both sides of a frame, given posture, speed and place "
            "besides the distances, with weighted labels; net='lstm' is the original",
            "distances in body lengths on an even clock; one scaling for the study; short gaps are filled, long ones "
            "end a sequence",
            "10 instead of 100 restarts of k-means",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        if self.params.net == "lstm" and self.params.place in ("zones", "camera"):
            fail(
                "method 'dbm'",
                "the network of DBM sees distances alone and knows no place",
                got=f"net='lstm', place='{self.params.place}'",
                todo="set net='tcn', or leave place out",
            )
        self.table: RuleTable = read_rule_table(self.params.pseudo_labels, self.params.rest)
        self._targets: dict[tuple[str, str], np.ndarray] = {}
        self._trials: dict[str, np.ndarray] = {}

    # ---- pseudo-labels --------------------------------------------------------------------------
    def preview(self, recording: Recording, *, events: Sequence[str] = ()) -> xr.DataArray:
        """Pseudo-labels of a recording, before any training.

        Parameters
        ----------
        recording : Recording
        events : sequence of str
            Events of other recordings of the study, which rules may name although they never happen here.

        Returns
        -------
        DataArray (time, individual)
            Exclusive states. `murid.report.figures.trials.preview` draws them, ``murid preview`` those of a study.
        """
        self.facts.setdefault("points", self._start([recording])["points"])
        known = sorted({*events, *times_by_event(recording.events)})
        return self._pseudo_labels(recording, self._usable([recording]), known)

    def _usable(self, recordings: Sequence[Recording]) -> RuleTable:
        """Rules that can be evaluated in every recording; of a table that the user wrote, all of them must be."""
        if self.params.labels_from == "labels" or self.params.pseudo_labels != DEFAULT_TABLE:
            return self.table
        rules = self.table.rules
        for recording in recordings:
            names = [str(f) for f in self._quantities(next(self.tracks(recording)))["feature"].values]
            rules = tuple(r for r in rules if r.usable(names) is not None)
        if not rules:
            fail(
                "pseudo-labels",
                "no rule of the default table can be evaluated",
                todo="write a table: pseudo_labels='…'",
            )
        return RuleTable(rules, self.params.rest)

    def _quantities(self, track: AnimalTrack) -> xr.DataArray:
        return rule_features(track.poses, track.individual, track.roles, track.recording.zones)

    def _pseudo_labels(self, recording: Recording, table: RuleTable, events: Sequence[str]) -> xr.DataArray:
        if self.params.labels_from == "labels":
            return states_from_labels(recording, self.params.rest)
        parts = []
        for track in self.tracks(recording):
            x = self._quantities(track)
            cm = self._body_cm(track)
            parts.append(
                label(table, x, recording.events, individual=track.individual, body_length_cm=cm, known_events=events)
            )
        return xr.concat(parts, "individual", join="exact", combine_attrs="override") if len(parts) > 1 else parts[0]

    def _body_cm(self, track: AnimalTrack) -> float:
        unit = LengthUnit.of(track.poses.attrs)
        return track.body_length * unit.to("cm") if unit.per_cm else self.params.body_length_cm

    # ---- features -------------------------------------------------------------------------------
    def _xy(self, track: AnimalTrack) -> np.ndarray:
        """Points on the even clock, ``(n, point, 2)``, in body lengths of the animal or of the study."""
        own = track.xy() * (track.body_length / self._length(track))
        return self._even(track).resample(own, track.time_s)

    def _length(self, track: AnimalTrack) -> float:
        return float(self.facts["length"] or track.body_length)

    def _even(self, track: AnimalTrack) -> EvenTime:
        return even_time(track.time_s, self.facts["rate_hz"])

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self.facts["rate_hz"] = slowest_rate(recordings, self.params.rate_hz)
        self.facts["place"], self.facts["zones"] = self._where(recordings)
        self._targets, self._trials = {}, {}
        table = self._usable(recordings)
        events = sorted({name for r in recordings for name in times_by_event(r.events)})
        self.facts["length"] = self._study_length(recordings)
        states: dict[str, xr.DataArray] = {}
        shapes: list[np.ndarray] = []
        for recording in recordings:
            states[recording.id] = self._pseudo_labels(recording, table, events)
            self._trials[recording.id] = self._trial_times(recording)
            shapes.extend(self._xy(track) for track in self.tracks(recording))
        need_frames(self.name, sum(int(np.isfinite(s).all(2).any(1).sum()) for s in shapes), 100)
        self.parts["template"] = template_of(shapes)
        self.facts["bounds"] = bounds_of(shapes).tolist()
        used = {n for s in states.values() for k, n in enumerate(behaviour_names(s)) if (s.values == k).any()}
        order = self.table.names if self.params.labels_from == "rules" else sorted(used)
        self.facts["behaviours"] = names = [n for n in order if n in used]
        if len(names) < 2:
            fail(
                "pseudo-labels",
                "fewer than two labels occur",
                expected="at least 2",
                got=", ".join(names) or "none",
                todo="look at them with method.preview(recording), and edit the rule table",
            )
        never = [n for n in order if n not in used]
        if never and self.params.pseudo_labels != DEFAULT_TABLE:
            warn_user(
                f"dbm: rules that hold in no frame of any recording are not learnt: {', '.join(never)}; look at them "
                "with murid preview, e.g. whether the body centre ever enters a zone"
            )
        for recording in recordings:
            for track in self.tracks(recording):
                self._targets[recording.id, track.individual] = self._targets_of(track, states[recording.id])

    def _targets_of(self, track: AnimalTrack, states: xr.DataArray) -> np.ndarray:
        """Pseudo-label of each row of a track, as a number of `facts["behaviours"]`: that of the nearest frame."""
        names = self.facts["behaviours"]
        code = np.array([names.index(n) if n in names else UNLABELLED for n in behaviour_names(states)] + [UNLABELLED])
        own = states.sel(individual=track.individual).values
        return code[own[nearest_sample(track.time_s, self._even(track).time_s)]]

    def _study_length(self, recordings: Sequence[Recording]) -> float | None:
        """Median body length over all tracks where lengths are the study's, else None."""
        p = self.params
        if p.scale == "body" or (p.scale == "auto" and p.place != "camera"):
            return None
        return float(np.median([track.body_length for r in recordings for track in self.tracks(r)]))

    def _trial_times(self, recording: Recording) -> np.ndarray:
        """Starts and stops of the trials, s from the first frame, ``(trial, 2)``; empty without trials."""
        p = self.params
        if p.trial_event is None:
            return np.empty((0, 2))
        times = times_by_event(recording.events).get(p.trial_event, np.empty(0))
        if not len(times):
            warn_user(f"recording '{recording.id}' has no event '{p.trial_event}' and is not learnt from")
        times = times - float(recording.need("poses")["time"].values[0])
        return np.stack([times - p.before_s, times + p.after_s], axis=1)

    def _where(self, recordings: Sequence[Recording]) -> tuple[str, list[str]]:
        p = self.params
        if p.net == "lstm" or p.place in ("none", "camera"):
            return ("none" if p.net == "lstm" else p.place), []
        sets = [set(r.zones) if r.zones else set() for r in recordings]
        shared = [z for z in (recordings[0].zones or ()) if all(z in s for s in sets)]
        if p.place == "zones" and not shared:
            faults = Faults("place='zones'")
            for recording, own in zip(recordings, sets, strict=True):
                faults.add("no zone that all recordings have", where=recording.id, got=", ".join(sorted(own)) or "none")
            faults.raise_if_any()
        return ("zones" if shared else "none"), shared

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        rate = self.facts["rate_hz"]
        xy = self._xy(track)
        if self.params.net == "lstm":
            return distances(xy)
        aligned = align_to_template(xy, self.parts["template"], self.params.min_seen)
        posture = aligned.points.reshape(len(xy), -1).astype(np.float32)
        own = track.recording.need("zones") if self.facts["zones"] else {}
        where = place(
            xy,
            aligned,
            self.facts["place"],
            zones=[own[z] for z in self.facts["zones"]],
            length=self._length(track),
            bounds=np.array(self.facts["bounds"]),
        )
        return np.concatenate([distances(xy), posture, movement(aligned, rate), where], axis=1)

    # ---- network and microstates ----------------------------------------------------------------
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        from murid.learn.nets.sequence import LabelledSequences, encode_rows, fit_sequences

        p, rate = self.params, self.facts["rate_hz"]
        scaler = fit_scaler(tables, min_seen=p.min_seen)
        scaled = [scaler(t) for t in tables]
        need_frames(self.name, sum(int(np.isfinite(s[:, 0]).sum()) for s in scaled), 10 * p.n_motifs)
        codes = [self._targets[o.recording, o.individual] for o in origins]
        places = [o.place(len(t), rate) for o, t in zip(origins, scaled, strict=True)]
        length = max(2, samples_in(p.sequence_s, rate))
        source = LabelledSequences(scaled, codes, length, self._spans(origins, codes), places)
        names = self.facts["behaviours"]
        net, history = fit_sequences(
            source,
            len(names),
            self._net_params(),
            self._train_params(len(source)),
            seed=p.seed,
            checkpoint=p.checkpoint or scratch_path("network.safetensors"),
            progress="dbm: network",
        )
        self._keep(net)
        latents = [encode_rows(net, s)[0] for s in scaled]
        clusters = fit_kmeans(latents, p.n_motifs, seed=p.seed, replicates=p.replicates, max_iterations=1000)
        self.parts |= {"scaler": scaler, "clusters": clusters}
        self.cost = history.cost()
        self.facts |= {"history": history.course(), "device": history.kind(), "n_features": scaled[0].shape[1]}
        clustered = [clusters.predict(z) for z in latents]
        self.facts["overlap"] = overlap_counts(
            np.concatenate(clustered), np.concatenate(codes), p.n_motifs, len(names)
        ).tolist()
        self._targets, self._trials = {}, {}
        return p.n_motifs

    def _spans(self, origins: list[Origin], codes: list[np.ndarray]) -> list[list[tuple[int, int]]] | None:
        if self.params.trial_event is None:
            return None
        rate, out = self.facts["rate_hz"], []
        for origin, own in zip(origins, codes, strict=True):
            rows = np.round(self._trials[origin.recording] * rate).astype(int)
            out.append([(max(0, a), min(len(own), b)) for a, b in rows if b > 0 and a < len(own)])
        if not any(out):
            fail(
                "trials",
                f"no event '{self.params.trial_event}' in any recording",
                todo="check the events, or trial_event",
            )
        return out

    def _build(self) -> Any:
        from murid.learn.nets.sequence import make_sequence_net

        return make_sequence_net(self.facts["n_features"], len(self.facts["behaviours"]), self._net_params())

    def _net_params(self) -> Any:
        from murid.learn.nets.sequence import SequenceNetParams

        p = self.params
        balance = p.balance if p.balance is not None else (0.5 if p.net == "tcn" else 0.0)
        return SequenceNetParams(kind=p.net, latent=p.latent, balance=balance)

    def _train_params(self, n: int) -> TrainParams:
        if self.params.train is not None:
            return self.params.train
        if self.params.net == "lstm":
            # DBM: 25 batches an epoch; MATLAB's default L2 factor.
            return TrainParams(epochs=100, batch=max(1, n // 25), lr=3e-3, weight_decay=1e-4)
        return TrainParams(
            epochs=25,
            batch=4,
            min_steps=225,
            lr=4e-3,
            optimizer="adamw",
            weight_decay=0.02,
            schedule="cosine",
            warmup=0.1,
            clip=1.0,
        )

    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        from murid.learn.nets.sequence import encode_rows

        clusters: KMeansModel = self.parts["clusters"]
        latent, probability = encode_rows(self.net, self.parts["scaler"](table))
        codes = clusters.predict(latent)
        sure = margin(latent, clusters.centroids, np.arange(len(clusters.centroids)), codes)
        row = np.minimum(self._even(track).row, len(codes) - 1)
        return Labelled(codes[row], latent[row], sure[row], probability[row], tuple(self.facts["behaviours"]))

    def _motif_names(self) -> list[str]:
        return [f"microstate_{k:02d}" for k in range(self.n_motifs)]

    def overlap(self) -> pd.DataFrame:
        """Rows of the training data by microstate (rows) and pseudo-label (columns)."""
        return pd.DataFrame(self.facts["overlap"], index=self._motif_names(), columns=self.facts["behaviours"])


def overlap_counts(micro: np.ndarray, labels: np.ndarray, n_micro: int, n_labels: int) -> np.ndarray:
    """Count frames by microstate and label, ``(n_micro, n_labels)``; −1 on either side is left out."""
    known = (micro >= 0) & (labels >= 0)
    flat = np.bincount(micro[known].astype(np.int64) * n_labels + labels[known], minlength=n_micro * n_labels)
    return flat.reshape(n_micro, n_labels)


__all__ = ["DEFAULT_TABLE", "Dbm", "DbmParams", "overlap_counts"]
