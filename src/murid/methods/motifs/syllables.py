"""`syllables`: murid's own motif method: persistent posture, sticky dynamics, several starts that agree.

The ideas of MoSeq (Wiltschko et al. 2015; Weinreb et al. 2024) with jitter taken out before the model sees it,
a vocabulary that several starts vote for, modes of seconds above the syllables, partners as context, and names
that carry over to the next study.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.clock import samples_in
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.learn.embed.persistent import Persistent, fit_persistent
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.consensus import fit_consensus
from murid.learn.segment.modes import Modes, fit_modes
from murid.learn.segment.state_matching import match_states
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, Origin
from murid.methods.motifs.dynamics import DynamicsMethod, DynamicsParams
from murid.methods.motifs.partner_and_walking import partner_channels, scale_of, scaled_channels, walking_channels
from murid.methods.posture import Template


class SyllablesParams(DynamicsParams):
    """Parameters of `syllables`."""

    n_components: int = param(10, ge=1, why="most components of posture")
    persistence: float = param(
        0.2, ge=0, lt=1, why="components that keep less of their variance from one row to the next are jitter"
    )
    walking: bool = param(False, why="also describe walking and turning: their states split syllables of posture")
    social: bool = param(False, why="also describe where the nearest partner is and where it looks")
    lags_s: float = param(1 / 30, ge=0, unit="s", why="past that predicts the next row; 0.1 as in MoSeq does worse")
    student_dof: float = param(0.0, ge=0, why="heavy-tailed residuals, degrees of freedom; 0 Gaussian")
    n_starts: int = param(4, ge=1, why="fits that vote on the vocabulary")
    sweeps: int = param(10, ge=0, why="Gibbs sweeps after EM; the last half are the draws behind the confidence")
    n_modes: int | None = param(None, ge=1, le=20, why="modes above the syllables; None takes the number by BIC")
    mode_s: float = param(20.0, gt=0, unit="s", why="expected duration of a mode")
    vocabulary: str = param("", why="folder of a saved model: its features, and its names where syllables match")
    match_nats: float = param(1.0, gt=0, unit="nats/row", why="syllables that predict each other worse get new names")


class Syllables(DynamicsMethod):
    """Consensus AR-HMM on persistent components of posture."""

    name = "syllables"
    Params = SyllablesParams
    params: SyllablesParams
    part_types = {"template": Template, "components": Persistent, "model": ArHmm, "modes": Modes}
    about = Card(
        title="Syllables: stable vocabulary of sub-second dynamics, with modes above",
        family="unsupervised",
        cites=(
            "Wiltschko A.B. et al. (2015) Mapping sub-second structure in mouse behavior. Neuron 88:1121-1135",
            "Weinreb C. et al. (2024) Keypoint-MoSeq: parsing behavior by linking point tracking to pose dynamics. "
            "Nat Methods 21:1329-1339",
            "Switzer P. & Green A.A. (1984) Min/max autocorrelation factors for multivariate spatial imagery. Stanford",
            "Strehl A. & Ghosh J. (2002) Cluster ensembles. J Mach Learn Res 3:583-617",
        ),
        differs=(
            "murid's own method: components by persistence, not by variance",
            "start from posture levels and EM; several starts vote; few sweeps for the confidence",
            "labels by Viterbi under the mean model: apply says of the training data what the fit found",
            "modes, partners, names from an older vocabulary",
        ),
    )

    # ---- description ----------------------------------------------------------------------------
    def _prepare(self, recordings: Sequence[Recording]) -> None:
        if not self.params.vocabulary:
            self._set_rate(recordings)
            self._set_template(recordings)
            return
        old = self._old()
        for name in ("walking", "social", "lags_s"):
            if getattr(old.params, name) != getattr(self.params, name):
                fail(
                    "vocabulary",
                    f"was fitted with another '{name}'",
                    where=self.params.vocabulary,
                    expected=str(getattr(old.params, name)),
                    got=str(getattr(self.params, name)),
                )
        self.facts |= {"points": old.facts["points"], "rate_hz": old.facts["rate_hz"]}
        self.parts = {"template": old.parts["template"], "components": old.parts["components"]}

    def _old(self) -> Syllables:
        return Syllables.load(self.params.vocabulary)

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        own = self.aligned(track)
        columns = [own.points.reshape(len(own.points), -1)]
        if self.params.walking:
            columns.append(walking_channels(own, self.facts["rate_hz"]))
        if self.params.social:
            names = [str(i) for i in track.poses["individual"].values if str(i) != track.individual]
            columns.append(partner_channels(own, [self.aligned(track, name) for name in names]))
        return np.concatenate(columns, axis=1).astype(np.float32)

    def _features(self, table: np.ndarray) -> np.ndarray:
        """Features of the model (row, D) from a description: posture components, then the other channels."""
        width = 2 * len(self.facts["points"])
        scores = self.parts["components"].transform(table[:, :width])
        extra = scaled_channels(table[:, width:], self.facts, ~np.isnan(scores[:, 0]))
        return np.concatenate([scores, extra], axis=1).astype(np.float32)

    # ---- learning -------------------------------------------------------------------------------
    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p = self.params
        width = 2 * len(self.facts["points"])
        if p.vocabulary:
            old = self._old()
            self.facts |= {k: old.facts[k] for k in ("extra_mean", "extra_sd")}
        else:
            self._check_rows([t[:, :1] for t in tables])
            posture = [t[:, :width] for t in tables]
            self.parts["components"] = fit_persistent(
                posture, max_components=p.n_components, least=p.persistence, rank=max(width - 3, 1)
            )
            extra = np.concatenate([t[:, width:] for t in tables])
            self.facts |= scale_of(extra)
        features = [self._features(t) for t in tables]
        n_rows = self._check_rows(features)
        settings = self._model_params(
            lags=max(1, samples_in(p.lags_s, self.facts["rate_hz"])), student_dof=p.student_dof
        )
        settings = settings.replace(
            kappa=self._settled_kappa(features, settings), sweeps=p.sweeps, draws=(p.sweeps + 1) // 2
        )
        model, consensus = fit_consensus(
            features, settings, n_starts=p.n_starts, sigma=self._sigma(), seed=p.seed, n_workers=p.workers
        )
        self.parts["model"] = model
        codes = [np.asarray(c) for c in model.predict(features, n_workers=p.workers)]
        self.parts["modes"] = fit_modes(
            codes, model.n_states, self.facts["rate_hz"], n_modes=p.n_modes, duration_s=p.mode_s, seed=p.seed
        )
        self.facts["evidence"] = {
            **self.facts.get("evidence", {}),
            "rows": n_rows,
            "persistence": self.parts["components"].persistence.tolist(),
            "agreement_between_starts": consensus.between_starts,
            "agreement_with_model": consensus.with_model,
            "reliability": consensus.reliability.tolist(),
            "states_of_starts": consensus.n_states,
            "usage": model.usage.tolist(),
        }
        self.facts["names"] = self._named(model, features)
        return model.n_states

    def _named(self, model: ArHmm, features: list[np.ndarray]) -> list[str]:
        """Names of the syllables: those of the old vocabulary where they match, else new numbers."""
        if not self.params.vocabulary:
            return [f"syllable_{k:02d}" for k in range(model.n_states)]
        old = self._old()
        matching = match_states(model, old.parts["model"], features, most=self.params.match_nats)
        names, first = old.motif_names, old.n_motifs
        fresh = iter(range(first, first + model.n_states))
        self.facts["evidence"]["matched_share"] = float(model.usage[matching.old >= 0].sum())
        return [names[j] if j >= 0 else f"syllable_{next(fresh):02d}" for j in matching.old]

    # ---- labels ---------------------------------------------------------------------------------
    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        return self._label_rows(track, self._features(table), self.parts["model"])

    def _apply(self, recording: Recording) -> xr.Dataset:
        """As in the base, with ``modes (time, individual)`` beside the states."""
        out = super()._apply(recording)
        codes = out["states"].values
        modes = np.stack([self.parts["modes"].predict(codes[:, i]) for i in range(codes.shape[1])], axis=1)
        names = [f"mode_{m}" for m in range(len(self.parts["modes"].usage))]
        individuals = [str(i) for i in out["individual"].values]
        states = make_states(modes, out["time"].values, names, individuals, source=self.name)
        return out.assign(modes=states.rename("modes"))

    def vocabulary_table(self) -> list[dict[str, Any]]:
        """One row a syllable: name, share of time, reliability over starts, median duration expected (s), mode."""
        model, modes = self.parts["model"], self.parts["modes"]
        stay = np.diag(model.transitions.mean(axis=0))
        most = (modes.usage * modes.share[:, None]).argmax(axis=0)
        return [
            {
                "name": name,
                "share": float(model.usage[k]),
                "reliability": float(self.facts["evidence"]["reliability"][k]),
                "median_s": float(np.log(0.5) / np.log(min(stay[k], 1 - 1e-9)) / self.facts["rate_hz"]),
                "mode": f"mode_{most[k]}",
            }
            for k, name in enumerate(self._motif_names())
        ]
