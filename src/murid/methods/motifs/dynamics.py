"""What the methods share that see behaviour as switching dynamics: even time, aligned posture, AR-HMM labels.

Tracks are brought to one rate, aligned by their whole shape, and described; an AR-HMM labels the rows and the
labels go back to the recording's own frames. `moseq` and `syllables` differ in how they describe and learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from murid.data.clock import rate_of, samples_in
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.warning import warn_user
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.sequences import as_sequences
from murid.methods.motifs.base import AnimalTrack, Labelled, MotifMethod, MotifParams, need_frames
from murid.methods.posture import Template, align_to_template, template_rows
from murid.prepare import CleanParams
from murid.prepare.even_time import EvenTime, even_time
from murid.prepare.shape import Aligned, fit_template

#: Fewest rows that carry a fit: 20 s at 30 Hz.
MIN_ROWS = 600
#: Slower recordings hold two or three frames of a syllable.
SLOWEST_HZ = 8.0


class DynamicsParams(MotifParams):
    """Parameters of methods with switching dynamics."""

    min_bout_s: float = param(0.0, unit="s", ge=0, why="shorter bouts join their longer neighbour; the model is sticky")
    clean: CleanParams = CleanParams(smoothing="none")
    rate_hz: float = param(
        30.0, unit="Hz", ge=SLOWEST_HZ, why="rows a second, at most the slowest recording's; as in MoSeq"
    )
    n_states: int = param(100, ge=2, le=1000, why="upper bound; states that the data do not tell apart are united")
    kappa: float | None = param(
        None, ge=0, unit="rows", why="stickiness; None takes what predicts unseen rows, then the duration of bouts"
    )
    target_s: float | None = param(
        None, gt=0, unit="s", why="wanted median bout; None takes that of the blocks between model-free changepoints"
    )
    gap_s: float = param(1.0, ge=0, unit="s", why="longer gaps stay without label; shorter ones the model bridges")
    smooth_s: float = param(0.05, ge=0, unit="s", why="Gaussian over the features that the k-means start looks at")
    noise_floor: float = param(
        0.1,
        ge=0,
        why="no syllable predicts better than this share of the error variance of one AR model for all rows: smoothed "
        "tracks stand still to the last digit, and without a floor such rows make syllables of their own",
    )
    em_iterations: int = param(20, ge=1, why="EM iterations of each start")
    workers: int = param(1, ge=1, why="threads; the answer is the same for any number")


class DynamicsMethod(MotifMethod):
    """Base of `moseq` and `syllables`."""

    params: DynamicsParams

    def _motif_names(self) -> list[str]:
        return list(self.facts.get("names") or [f"syllable_{k:02d}" for k in range(self.n_motifs)])

    # ---- even time and posture ------------------------------------------------------------------
    def _set_rate(self, recordings: Sequence[Recording]) -> None:
        """Take the wanted rate, or that of the slowest recording."""
        rates = {r.id: rate_of(r.need("poses")["time"].values) for r in recordings}
        slow = min(rates, key=lambda i: rates[i] if np.isfinite(rates[i]) else -1.0)
        if not rates[slow] >= SLOWEST_HZ:
            fail(
                f"method '{self.name}'",
                "a recording is too slow or too short for syllables",
                where=slow,
                expected=f"at least {SLOWEST_HZ:g} frames/s",
                got=f"{rates[slow]:.3g} frames/s",
                todo="leave it out, or check its frame rate",
            )
        self.facts["rate_hz"] = float(min(self.params.rate_hz, rates[slow]))
        if max(rates.values()) > 1.5 * rates[slow] and rates[slow] < 0.9 * self.params.rate_hz:
            warn_user(
                f"{self.name}: recordings have {rates[slow]:.3g} to {max(rates.values()):.3g} frames/s; all are "
                f"brought to {self.facts['rate_hz']:.3g} Hz, the slowest one's ('{slow}')"
            )

    def _set_template(self, recordings: Sequence[Recording]) -> None:
        """Measure the mean shape over all tracks."""
        rows = template_rows([track.xy() for recording in recordings for track in self.tracks(recording)])
        need_frames(self.name, sum(map(len, rows)), 10, "frames with two points")
        self.parts["template"] = Template(fit_template(rows))

    def even(self, track: AnimalTrack) -> EvenTime:
        """Even clock of a track."""
        return even_time(track.time_s, self.facts["rate_hz"])

    def aligned(self, track: AnimalTrack, individual: str | None = None) -> Aligned:
        """Posture on the even clock, in body lengths; rows with less than `min_seen` of the points are NaN."""
        xy = self.even(track).resample(track.xy(individual), track.time_s)
        return align_to_template(xy, self.parts["template"], self.params.min_seen)

    # ---- model ----------------------------------------------------------------------------------
    def _sigma(self) -> float:
        return self.params.smooth_s * self.facts["rate_hz"]

    def _check_rows(self, features: list[np.ndarray]) -> int:
        """Return the number of observed rows, or say that there are too few."""
        n_rows = int(as_sequences(features).observed.sum())
        need_frames(self.name, n_rows, MIN_ROWS, f"rows of {1 / self.facts['rate_hz']:.3g} s")
        return n_rows

    def _settled_kappa(self, features: list[np.ndarray], model: ArHmmParams) -> float:
        """Take the given κ, or choose it (see `choose_kappa`) and keep the evidence."""
        from murid.learn.segment.stickiness import choose_kappa

        p = self.params
        if p.kappa is not None:
            return float(p.kappa)
        kappa, table = choose_kappa(
            features,
            self.facts["rate_hz"],
            model,
            target_s=p.target_s,
            sigma=self._sigma(),
            seed=p.seed,
            n_workers=p.workers,
        )
        self.facts.setdefault("evidence", {})["kappa_scan"] = table
        return kappa

    def _model_params(self, **more: Any) -> ArHmmParams:
        return ArHmmParams(
            n_states=self.params.n_states,
            em_iterations=self.params.em_iterations,
            noise_floor=self.params.noise_floor,
            gap_frames=samples_in(self.params.gap_s, self.facts["rate_hz"]),
            **more,
        )

    def _label_rows(self, track: AnimalTrack, features: np.ndarray, model: ArHmm) -> Labelled:
        """Viterbi labels and their posterior probability, on the recording's own frames."""
        labels, sure = model.apply(np.asarray(features, np.float32), n_workers=self.params.workers)
        return self._to_frames(track, np.asarray(labels), features, np.asarray(sure))

    def _to_frames(self, track: AnimalTrack, labels: np.ndarray, features: np.ndarray, sure: np.ndarray) -> Labelled:
        row = np.minimum(self.even(track).row, len(labels) - 1)
        return Labelled(labels[row], np.asarray(features)[row], np.clip(sure[row], 0, 1))
