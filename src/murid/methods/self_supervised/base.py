"""What motif methods with a network share: how it is kept with the model and built again."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from murid.learn.fitted_part import Fitted
from murid.methods.base import Dump
from murid.methods.motifs.base import Seen, SegmentingMethod


class Weights(Fitted):
    """Weights of a network as a fitted part: arrays by the network's own names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {k: np.asarray(v) for k, v in values.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays."""
        return dict(self.values)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Rebuild from what `arrays` returned."""
        return cls(arrays)


class NetMethod(SegmentingMethod[Seen]):
    """Base of methods with a network; its weights are the part ``net``."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._net: Any = None

    @abc.abstractmethod
    def _build(self) -> Any:
        """Return the network before any training, as `params` and `facts` shape it."""

    @property
    def net(self) -> Any:
        """The trained network, on the CPU and in evaluation mode."""
        if self._net is None:
            from murid.learn.nets.device import seeded
            from murid.learn.nets.weights import set_weights

            with seeded(0):
                net = self._build()
            set_weights(net, self.parts["net"].arrays())
            self._net = net.eval()
        return self._net

    def _keep(self, net: Any) -> None:
        """Take a trained network into the model."""
        from murid.learn.nets.weights import weights_of

        self._net, self.parts["net"] = net, Weights(weights_of(net))

    def _restore(self, dump: Dump) -> None:
        super()._restore(dump)
        self._net = None
