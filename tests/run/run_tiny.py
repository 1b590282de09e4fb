"""The smallest supervised method: one speed threshold per behaviour. For tests of the runner."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from murid.data.params import Params, param
from murid.data.states import make_states
from murid.methods.base import Card, Dump, Method, output


class TinyParams(Params):
    behaviours: tuple[str, ...] | None = param(None, why="which")
    margin: float = param(1.0, gt=0, why="factor on the threshold")
    rater: str | None = param(None, why="whose labels")
    seed: int = param(0, why="unused")


class Tiny(Method):
    """Present where the nose is faster than halfway between present and absent."""

    name = "tiny"
    Params = TinyParams
    about = Card("Threshold on speed", "supervised", ("nobody",))

    def _speed(self, recording):
        poses = recording.need("poses")
        xy = poses["position"].values[:, :, 0, 0].astype(float)
        return poses["time"].values, np.hypot(*np.gradient(xy, poses["time"].values, axis=0).T)

    def _fit(self, recordings):
        _mark("fit", "+".join(r.id for r in recordings))
        names = self.params.behaviours or tuple(sorted({b for r in recordings for b in r.labels.behaviours}))
        names = names[:1]
        on, off = [], []
        for recording in recordings:
            time, speed = self._speed(recording)
            present = recording.labels.select(rater=self.params.rater).to_states(time, names).values[:, 0, 0]
            on.append(speed[present == 1])
            off.append(speed[present == 0])
        limit = (np.median(np.concatenate(on)) + np.median(np.concatenate(off))) / 2
        self.names, self.limit = list(names), np.array([limit * self.params.margin])

    def _apply(self, recording):
        assert recording.labels is None, "a method must not see the labels of what it predicts"
        _mark("apply", recording.id)
        time, speed = self._speed(recording)
        p = 1 / (1 + np.exp(-(speed - self.limit[0]) / self.limit[0]))
        states = make_states((p > 0.5).astype(np.int8)[:, None, None], time, self.names, ["all"], source="tiny")
        return output(states, probability=p[:, None, None])

    def _dump(self):
        return Dump({"names": self.names}, {"limit": self.limit})

    def _restore(self, dump):
        self.names, self.limit = dump.json["names"], dump.arrays["limit"]


def _mark(what: str, whom: str) -> None:
    folder = os.environ.get("MURID_TEST_COUNT")
    if folder:
        with (Path(folder) / what).open("a") as handle:
            handle.write(f"{whom}\n")


class Half(Tiny):
    """Learns its first behaviour and, as a method does with too few bouts, not the others."""

    name = "half"

    def _fit(self, recordings):
        super()._fit([r.replace(labels=_without_jumps(r.labels)) for r in recordings])

    def _apply(self, recording):
        out = super()._apply(recording)
        run = out["states"].values
        values = np.concatenate([run, np.full_like(run, -1)], axis=2)
        states = make_states(values, out["time"].values, [*self.names, "jump"], ["all"], source="half")
        return output(states).assign_attrs(not_learnt="'jump' is not learnt: 1 bout")


def _without_jumps(labels):
    return replace(labels, bouts=labels.bouts[labels.bouts["label"] != "jump"].reset_index(drop=True))
