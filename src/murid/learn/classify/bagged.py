"""Bagged dense networks, one bag for each behaviour (MARS's alternative to trees): trained by torch, kept as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from murid.data.params import Params, param
from murid.data.progress import tell
from murid.learn.classify.boost import check_two_classes
from murid.learn.classify.dense import Dense, DenseParams, fit_dense

Floats = NDArray[np.float32]


class BagParams(Params):
    """Parameters of bagged dense networks; hidden layers as in MARS."""

    n_bags: int = param(10, ge=1, why="networks for each behaviour, each trained on frames drawn with replacement")
    net: DenseParams = DenseParams(hidden=(256, 512), dropout=(0.0, 0.0))


class Bags:
    """Networks for each behaviour; their mean probability is the behaviour's.

    Attributes
    ----------
    bags : list of list of Dense
        ``bags[behaviour][bag]``.
    """

    def __init__(self, bags: Sequence[Sequence[Dense]]) -> None:
        self.bags = [list(bag) for bag in bags]

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)``; a frame without any feature gets NaN."""
        out = [np.mean([net.predict(features)[:, 0] for net in bag], axis=0) for bag in self.bags]
        return np.stack(out, axis=1).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Name → array, for storage."""
        return {
            f"bag_{b}_{k}_{name}": values
            for b, bag in enumerate(self.bags)
            for k, net in enumerate(bag)
            for name, values in net.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_arrays`."""
        nets: dict[int, dict[int, dict[str, np.ndarray]]] = {}
        for key, values in arrays.items():
            if key.startswith("bag_"):
                _, b, k, name = key.split("_", 3)
                nets.setdefault(int(b), {}).setdefault(int(k), {})[name] = values
        return cls([[Dense.from_arrays(bag[k]) for k in sorted(bag)] for _, bag in sorted(nets.items())])


def fit_bags(
    features: Floats,
    targets: NDArray[np.int8],
    behaviours: Sequence[str],
    *,
    weights: Floats | None = None,
    params: BagParams | None = None,
    seed: int = 0,
    text: str = "networks",
    **changes: Any,
) -> Bags:
    """Train the networks of each behaviour.

    Parameters
    ----------
    features : float32 array (frame, feature)
        NaN = missing.
    targets : int8 array (frame, behaviour)
        1 present, 0 absent, −1 unlabelled (left out).
    behaviours : sequence of str
    weights : array (frame,), optional
        How often a frame is drawn, relative to others; all alike by default.
    params : BagParams
    seed : int
        Same seed, same networks.
    **changes
        Single parameters of `BagParams`, over `params`.
    """
    p = BagParams.of(params, changes)
    check_two_classes(targets, behaviours)
    bags = []
    for b, name in enumerate(behaviours):
        tell(text, b, len(behaviours))
        known = np.flatnonzero(targets[:, b] >= 0)
        share = np.ones(len(known)) if weights is None else np.asarray(weights, np.float64)[known]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(b,)))
        bag = []
        for k in range(p.n_bags):
            drawn = known[_drawn(targets[known, b], share, rng)]
            y = targets[drawn, b : b + 1]
            number = int(rng.integers(2**31))
            shown = f"{text}: {name} {k + 1}"
            bag.append(fit_dense(features[drawn], y, exclusive=False, params=p.net, seed=number, text=shown))
        bags.append(bag)
    return Bags(bags)


def _drawn(y: NDArray[np.int8], share: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """As many rows as there are, drawn with replacement by weight; one of each class at least."""
    drawn = rng.choice(len(y), len(y), p=share / share.sum())
    for value in (0, 1):
        if not (y[drawn] == value).any():
            drawn[int(rng.integers(len(drawn)))] = rng.choice(np.flatnonzero(y == value))
    return drawn


__all__ = ["BagParams", "Bags", "fit_bags"]
