"""Smoothing of `mars`: kernel passes, a two-state chain, or both in series on classes, as the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.special import expit, logit

from murid.data.clock import even_parts
from murid.data.states import make_states
from murid.ethogram import hmm, smooth
from murid.methods.base import Dump
from murid.methods.supervised.recipe import Refiner
from murid.methods.supervised.training_rows import LabelledFrames

#: Independent looks at an animal per second, for the chain: neighbouring frames say the same at any frame rate.
EVIDENCE_HZ = 8.0
#: Looks a second that the original counts: every frame at 30 Hz.
FRAMES_HZ = 30.0


class Passes(Refiner):
    """MARS's forward-backward kernel passes."""

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Smooth each behaviour's probability."""
        return smooth.smooth_forward_backward(probability)


@dataclass(frozen=True)
class Chains(Refiner):
    """A two-state chain per behaviour, with the rates at which labelled bouts begin and end.

    Attributes
    ----------
    chains : tuple of Chain
        In the order of the probabilities.
    """

    chains: tuple[hmm.BehaviourChain, ...] = ()

    def fit(self, frames: LabelledFrames) -> Chains:
        """Take the rates from the labelled frames."""
        return Chains(tuple(self._chain(frames, b) for b in range(len(frames.behaviours))))

    @staticmethod
    def _chain(frames: LabelledFrames, b: int) -> hmm.BehaviourChain:
        names = ("absent", frames.behaviours[b])
        return hmm.fit_chain([make_states(s.targets[:, b].astype(np.int16), s.time_s, names) for s in frames.samples])

    def only(self, columns: Sequence[int]) -> Chains:
        """The chains of some of the behaviours."""
        return Chains(tuple(self.chains[c] for c in columns))

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Return the posterior of each behaviour given its whole sequence of probabilities.

        Neighbouring frames say the same, so evidence counts per second and not per frame: likelihood ratios are taken
        to the power of `EVIDENCE_HZ` / frame rate, in each stretch of a film the rate that it has there.
        """
        out = probability.copy()
        power = _evidence_per_frame(probability["time"].values, EVIDENCE_HZ)[:, None]
        for b, chain in enumerate(self.chains):
            one = _tempered(probability.values[..., b], float(chain.prior[1]), power)
            out.values[..., b] = _posterior(probability, one, chain)
        return out

    def dump(self) -> Dump:
        """Rates and priors."""
        return Dump(
            arrays={
                "rates": np.stack([c.rates for c in self.chains]),
                "priors": np.stack([c.prior for c in self.chains]),
            }
        )

    def restore(self, dump: Dump) -> Chains:
        """Read back `dump`."""
        parts = zip(dump.json["behaviours"], dump.arrays["rates"], dump.arrays["priors"], strict=True)
        return Chains(tuple(hmm.BehaviourChain(("absent", b), rates, prior) for b, rates, prior in parts))


@dataclass(frozen=True)
class Series(Refiner):
    """MARS's smoothing: classes (0/1) by the kernel passes, cut at one half, then by a chain that counts hits.

    Attributes
    ----------
    chains : Chains
        Rates at which labelled bouts begin and end.
    hits : array (behaviour, 2)
        Share of frames that the smoothed classes call present, where the behaviour is absent and where it is present.
    """

    chains: Chains = Chains()
    hits: np.ndarray | None = None

    def fit(self, frames: LabelledFrames) -> Series:
        """Take the rates from the labelled frames."""
        return replace(self, chains=self.chains.fit(frames))

    def heard(self, pairs: Sequence[tuple[xr.DataArray, np.ndarray]]) -> Series:
        """Count hits on out-of-fold probabilities; one frame of each outcome is added, so that none is impossible."""
        counts = np.ones((len(self.chains.chains), 2, 2))
        for probability, truth in pairs:
            classes = self.classes(probability)
            for b in range(len(counts)):
                known = np.isfinite(classes[..., b]) & (truth[..., b] >= 0)
                y, x = truth[..., b][known].astype(int), classes[..., b][known].astype(int)
                np.add.at(counts[b], (y, x), 1)
        return replace(self, hits=counts[..., 1] / counts.sum(axis=2))

    def only(self, columns: Sequence[int]) -> Series:
        """Those of some of the behaviours."""
        hits = None if self.hits is None else self.hits[list(columns)]
        return replace(self, chains=self.chains.only(columns), hits=hits)

    def classes(self, probability: xr.DataArray) -> np.ndarray:
        """Kernel passes over the classes of each frame, cut at one half: 0, 1 or NaN, of the same shape."""
        raw = np.where(np.isfinite(probability.values), probability.values > 0.5, np.nan)
        passed = smooth.smooth_forward_backward(probability.copy(data=raw)).values
        return np.where(np.isfinite(passed), passed > 0.5, np.nan)

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Return the posterior of each behaviour given its whole sequence of smoothed classes.

        Evidence counts as often a second as at the original's 30 Hz.
        """
        if self.hits is None:
            return probability
        out, classes = probability.copy(), self.classes(probability)
        power = _evidence_per_frame(probability["time"].values, FRAMES_HZ)[:, None]
        for b, (chain, hits) in enumerate(zip(self.chains.chains, self.hits, strict=True)):
            ratio = np.where(classes[..., b] == 1, np.log(hits[1] / hits[0]), np.log((1 - hits[1]) / (1 - hits[0])))
            ratio = np.where(np.isfinite(classes[..., b]), ratio, np.nan)
            one = expit(logit(float(chain.prior[1])) + power * ratio)
            out.values[..., b] = _posterior(probability, one, chain)
        return out

    def dump(self) -> Dump:
        """Rates, priors and hits."""
        dump = self.chains.dump()
        return Dump(dump.json, dump.arrays | ({} if self.hits is None else {"hits": self.hits}))

    def restore(self, dump: Dump) -> Series:
        """Read back `dump`."""
        return Series(self.chains.restore(dump), dump.arrays.get("hits"))


def _posterior(like: xr.DataArray, present: np.ndarray, chain: hmm.BehaviourChain) -> np.ndarray:
    """Posterior of presence ``(time, individual)`` by a two-state chain, from the probability of each frame alone."""
    both = xr.DataArray(
        np.stack([1 - present, present], axis=-1),
        dims=like.dims,
        coords={
            "time": like["time"],
            "individual": like["individual"],
            "behaviour": np.asarray(chain.behaviours, dtype=object),
        },
    )
    return hmm.smooth_by_chain(both, chain)[1].values[..., 1]


def _evidence_per_frame(time_s: np.ndarray, looks_hz: float) -> np.ndarray:
    """How many independent looks each frame stands for, ``(time,)``; a frame without neighbours is one."""
    parts = even_parts(time_s)
    looks = [looks_hz / rate if np.isfinite(rate) and rate > 0 else 1.0 for *_, rate in parts]
    return np.repeat(looks, [stop - start for start, stop, _ in parts])


def _tempered(p: np.ndarray, prior: float, power: np.ndarray) -> np.ndarray:
    """Probabilities ``(time, individual)`` whose likelihood ratios (odds / prior odds) are taken to a power a frame."""
    base = np.log(prior / (1 - prior))
    odds = logit(np.clip(np.asarray(p, np.float64), 1e-6, 1 - 1e-6))
    return expit(base + power * (odds - base))


__all__ = ["EVIDENCE_HZ", "Chains", "Passes", "Series"]
