"""A temporal network stacked on the trees: the same features, the same folds, mixed by out-of-fold loss.

The log-odds of both are mixed per behaviour by the share that gives the smallest out-of-fold log loss, so that a
network that adds nothing gets a share of 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit, logit

from murid.data.bouts import EVERYONE
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.resample import straight_line
from murid.data.stretches import even_spans
from murid.learn.classify.calibration import Calibration
from murid.learn.nets.params import TaggerParams
from murid.methods.base import Dump
from murid.methods.supervised.recipe import Features, Floats
from murid.methods.supervised.training_rows import Material, sampled_rows

if TYPE_CHECKING:
    from murid.learn.nets.tagger import Tagger

#: Shares of the network that are tried.
SHARES = np.linspace(0, 1, 11)
#: Scaled features are cut here: a tracking jump must not swing every unit.
_LIMIT = 4.0


@dataclass
class TemporalNetwork:
    """A trained temporal network with its scaling and its clock.

    Attributes
    ----------
    net : Tagger
    centre, spread : arrays (feature,)
        Median and spread (interquartile range / 1.349) of the rows learnt from.
    rate_hz : float
        Rows a second it was trained on; recordings are read at this rate.
    params : TaggerParams
    """

    net: Tagger
    centre: np.ndarray
    spread: np.ndarray
    rate_hz: float
    params: TaggerParams

    def __call__(self, features: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Return probabilities ``(frame, behaviour)`` of one sequence at its own frame rate.

        Frames are read at the rate of the training (`sampled_rows`); the log-odds between are straight lines.
        """
        from murid.learn.nets.tagger import tag

        rows = sampled_rows(time_s, self.rate_hz)
        odds = tag(self.net, scaled(features[rows], self.centre, self.spread), even_spans(time_s[rows]))
        return expit(straight_line(odds, time_s[rows], time_s)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"rate_hz": self.rate_hz, "params": self.params.model_dump(mode="json")}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays, by name."""
        from murid.learn.nets.weights import weights_of

        weights = {f"net_{k}": v for k, v in weights_of(self.net).items()}
        return {**weights, "net_centre": self.centre, "net_spread": self.spread}

    @classmethod
    def from_stored(cls, values: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_dict` and `to_arrays`."""
        from murid.learn.nets.tagger import Tagger
        from murid.learn.nets.weights import set_weights

        params = TaggerParams.model_validate(values["params"])
        weights = {k.removeprefix("net_"): v for k, v in arrays.items() if k.startswith("net_")}
        centre, spread = weights.pop("centre"), weights.pop("spread")
        net = Tagger(len(centre), len(weights["leave.2.bias"]), params)
        set_weights(net, weights)
        return cls(net.eval(), centre, spread, float(values["rate_hz"]), params)


def spread_of(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread of each feature, ``(feature,)`` each.

    One that was never seen, or always the same, has an infinite spread: it counts as 0, whatever it is later.
    """
    some = features[:: max(1, len(features) // 50_000)]
    # A feature that was never seen is NaN in every row.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, centre, high = np.nanpercentile(some, [25, 50, 75], axis=0)
        wide = np.nanstd(some, axis=0)
        reach = np.nanmax(some, axis=0) - np.nanmin(some, axis=0)
    spread = np.where(high > low, (high - low) / 1.349, wide)
    # Not by the spread, which of a constant is its rounding.
    known = np.isfinite(centre) & (reach > np.fmax(1e-9, 1e-6 * np.abs(centre)))
    return np.where(known, centre, 0).astype(np.float32), np.where(known, spread, np.inf).astype(np.float32)


def scaled(features: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Features for the network, within ± 2; what is missing is 0, the median."""
    x = np.clip((np.asarray(features, np.float32) - centre) / spread, -_LIMIT, _LIMIT) / 2
    return np.nan_to_num(x, nan=0.0)


def fit_temporal_network(
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    spans: Sequence[tuple[int, int]],
    rate_hz: float,
    params: TaggerParams,
    *,
    unlabelled: Sequence[np.ndarray] = (),
    seed: int = 0,
    text: str = "temporal network",
) -> TemporalNetwork:
    """Train the network on labelled rows, after filling in hidden rows of unlabelled recordings if there are some.

    Parameters
    ----------
    features : array (row, feature)
        NaN where missing.
    targets : int8 array (row, behaviour)
    weights : array (row,)
    spans : list of (start, stop)
        Rows of one recording and subject on an even clock.
    rate_hz : float
        Rows a second.
    params : TaggerParams
    unlabelled : list of (T_i, feature) arrays
        Rows at the same rate of recordings without labels.
    seed : int
    text : str
        Name of the progress bar.
    """
    from murid.learn.nets.tagger import Stretches, fit_masked_tagger, fit_tagger

    rows = np.concatenate([np.arange(a, b) for a, b in spans])
    centre, spread = spread_of(np.concatenate([features[rows], *unlabelled]))
    x = scaled(features, centre, spread)
    body = None
    if unlabelled:
        tables = [*(scaled(t, centre, spread) for t in unlabelled), *(x[a:b] for a, b in spans)]
        edges = np.cumsum([0, *map(len, tables)]).tolist()
        stack = np.concatenate(tables)
        nobody = np.zeros((len(stack), 0), np.int8)
        source = Stretches(stack, nobody, np.ones(len(stack)), list(pairwise(edges)), params.length)
        body = fit_masked_tagger(source, params, seed=seed, progress=f"{text}, without labels")
    source = Stretches(x, targets, weights, spans, params.length)
    net, _ = fit_tagger(source, params, seed=seed, body=body, progress=text)
    return TemporalNetwork(net, centre, spread, rate_hz, params)


def shares_of(trees: np.ndarray, net: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How much of the log-odds the network gives, per behaviour: what makes the out-of-fold log loss smallest.

    Parameters
    ----------
    trees, net : arrays (row, behaviour)
        Out-of-fold probabilities; rows with NaN are left out.
    targets : int8 array (row, behaviour)
        Unlabelled (−1) rows are left out.
    weights : array (row,)
    """
    best = np.zeros(targets.shape[1])
    for b in range(targets.shape[1]):
        use = (targets[:, b] >= 0) & np.isfinite(trees[:, b]) & np.isfinite(net[:, b])
        if use.any():
            y, w = targets[use, b] == 1, weights[use]
            losses = [_log_loss(mix_probabilities(trees[use, b], net[use, b], s), y, w) for s in SHARES]
            best[b] = SHARES[int(np.argmin(losses))]
    return best


def mix_probabilities(trees: np.ndarray, net: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Mix two probabilities by their log-odds; where the network gives none (NaN) those of the trees."""
    both = expit((1 - share) * _log_odds(trees) + share * _log_odds(net))
    return np.where(np.isfinite(net), both, trees).astype(np.float32)


def _log_odds(p: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(p, np.float64), 1e-4, 1 - 1e-4))


def _log_loss(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return float(-(w * np.where(y, np.log(p), np.log(1 - p))).sum() / w.sum())


@dataclass(frozen=True)
class StackedNetwork:
    """A temporal network stacked on trees.

    Attributes
    ----------
    net : TemporalNetwork
    shares : array (behaviour,)
        How much of the log-odds the network gives.
    trees_calibration : Calibration
        Of the trees alone; that of the model is of both together.
    """

    net: TemporalNetwork
    shares: np.ndarray
    trees_calibration: Calibration

    @property
    def first_calibration(self) -> Calibration:
        """Calibration of the trees alone, for frames out of their order."""
        return self.trees_calibration

    def mix(self, scores: Floats, features: Floats, time_s: np.ndarray) -> Floats:
        """Return the mixed scores ``(frame, behaviour)`` of one subject's consecutive frames."""
        return mix_probabilities(scores, self.net(features, time_s), self.shares)

    def dump(self) -> Dump:
        """JSON and arrays."""
        calibration = self.trees_calibration
        return Dump(
            {"net": self.net.to_dict()},
            self.net.to_arrays()
            | {
                "shares": self.shares,
                "trees_score": calibration.score,
                "trees_probability": calibration.probability,
            },
        )


@dataclass(frozen=True)
class NetworkStacking:
    """How a temporal network is stacked on the trees.

    Attributes
    ----------
    params : TaggerParams
    features : Features
        Makes the tables of recordings without labels.
    unlabelled : list of Recording
        The network fills in hidden rows of them beforehand.
    sample_hz : float
        Rows a second of these tables.
    seed : int
    """

    params: TaggerParams
    features: Features
    unlabelled: tuple[Recording, ...] = ()
    sample_hz: float = 8.0
    seed: int = 0

    def fit(
        self, material: Material, scores: Floats, columns: Sequence[np.ndarray], last: np.ndarray
    ) -> tuple[StackedNetwork, Floats]:
        """Fit the network in the same folds, each on the columns that its trees chose (see `Stacking.fit`)."""
        targets, weights, numbers, time_s = material.targets, material.weights, material.sample_of, material.time_s
        rate = 1.0 / float(np.median(np.concatenate([np.diff(s.time_s) for s in material.samples])))
        tables = self._tables(material)

        def learnt(rows: np.ndarray, chosen: np.ndarray, text: str) -> TemporalNetwork:
            spans = [(a, b) for a, b in even_spans(time_s, numbers, rows) if rows[a]]
            features = np.ascontiguousarray(material.features[:, chosen])
            bare = [table[:, chosen] for table in tables]
            return fit_temporal_network(
                features, targets, weights, spans, rate, self.params, unlabelled=bare, seed=self.seed, text=text
            )

        given = np.full_like(scores, np.nan)
        for number, (held, chosen) in enumerate(zip(material.held_out, columns, strict=True), 1):
            net = learnt(~held, chosen, f"temporal network, fold {number}")
            for a, b in even_spans(time_s, numbers, held):
                if held[a]:
                    given[a:b] = net(np.ascontiguousarray(material.features[a:b, chosen]), time_s[a:b])
        net = learnt(np.ones(len(targets), bool), last, "temporal network")
        # Shares and calibration are of real frames: mirror images teach, and are not scored.
        rows = material.scored
        shares = shares_of(scores[rows], given[rows], targets[rows], np.ones(int(rows.sum())))
        calibration = Calibration.fit(scores[rows], targets[rows])
        return StackedNetwork(net, shares, calibration), mix_probabilities(scores, given, shares)

    def _tables(self, material: Material) -> list[np.ndarray]:
        """Features of recordings without labels, at the rate of the rows and in the order of the material's."""
        whole = {s.subject for s in material.samples} == {EVERYONE}
        out = []
        for recording in self.unlabelled:
            poses = recording.need("poses")
            rows = sampled_rows(poses["time"].values, self.sample_hz)
            for subject in [EVERYONE] if whole else individual_names(poses):
                table = self.features.table(recording, subject, rows)
                out.append(np.asarray(table.sel(feature=list(material.feature_names)).values, np.float32))
            recording.forget()
        return out

    def restore(self, dump: Dump) -> StackedNetwork | None:
        """Read back `StackedNetwork.dump`; None when the model was stored without."""
        if "net" not in dump.json:
            return None
        calibration = Calibration(dump.arrays["trees_score"], dump.arrays["trees_probability"])
        return StackedNetwork(
            TemporalNetwork.from_stored(dump.json["net"], dump.arrays), dump.arrays["shares"], calibration
        )


__all__ = [
    "NetworkStacking",
    "StackedNetwork",
    "TemporalNetwork",
    "fit_temporal_network",
    "mix_probabilities",
    "shares_of",
]
