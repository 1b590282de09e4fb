"""`mars`: single and dyadic features in windows, gradient boosting per behaviour, smoothed probabilities.

After MARS (Segalin et al. 2021), from anybody's poses: MARS's own pose networks are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.ethogram import hmm, smooth
from murid.evaluate.agreement import Agreement
from murid.evaluate.agreement import compare as compare_raters
from murid.features.body import Column
from murid.features.sets.mars import WINDOWS_S, mars
from murid.features.sets.scene import Scene, scene, windowed_table
from murid.learn.classify.boost import Boosters, BoostParams, binned, fit_boosters, top_features
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.training_rows import Sample
from murid.prepare import CleanParams, clean

#: MARS's intended booster settings, as far as LightGBM has them: rate .1, rows .8, columns .8, up to 2^6 leaves for
#: depth 9 with pruning (gamma 1), small leaves forbidden because neighbouring frames are near copies.
BOOST = BoostParams(
    n_trees=200,
    learning_rate=0.1,
    n_leaves=63,
    min_leaf=50,
    feature_fraction=0.8,
    row_fraction=0.8,
    l2=1.0,
    balance=0.0,
)


class MarsParams(SupervisedParams):
    """Parameters of `mars`."""

    windows_s: tuple[float, ...] = param(WINDOWS_S, unit="s", why="3, 13 and 21 frames at 30 Hz")
    smoothing: Literal["forward-backward", "hmm", "none"] = param(
        "forward-backward",
        why="of probabilities: MARS's kernel passes, or a two-state chain with the labels' rates",
    )
    pixels: Literal["auto", "no"] = param(
        "auto", why="pixel change around animal and keypoints, when all training recordings have video"
    )
    n_features: int | None = param(
        400, ge=10, why="window features kept after a short first run; None = all, as MARS does"
    )
    trees: BoostParams = BOOST
    clean: CleanParams = CleanParams()


class Mars(Supervised):
    """MARS: pose and pixel features, boosted trees per behaviour, smoothing."""

    name = "mars"
    Params = MarsParams
    smooth_options = (0.0,)
    about = Card(
        title="MARS: single and dyadic features, boosted trees per behaviour, forward-backward or HMM smoothing",
        family="supervised",
        cites=(
            "Segalin C. et al. (2021) The Mouse Action Recognition System (MARS) software pipeline for automated "
            "analysis of social behaviors in mice. eLife 10:e63720",
            "Ke G. et al. (2017) LightGBM. NeurIPS 30",
        ),
        differs=(
            "LightGBM instead of XGBoost, a fixed number of rounds instead of early stopping",
            "any skeleton, any number of animals; swapped identities do not matter where labels are of the pair",
            "camera coordinates and absolute directions are left out",
            "missing stays missing instead of the last value",
            "the smoothing kernel is normalised and in seconds; MARS's multiplies probabilities by 1.25 a pass",
            "thresholds and minimum bout are tuned out-of-fold instead of .5 and none (tune=False for those)",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._with_pixels = False
        self._chains: list[hmm.Chain] = []

    def _fit(self, recordings: Sequence[Recording]) -> None:
        self._with_pixels = self.params.pixels == "auto" and all(r.has("video") for r in recordings)
        super()._fit(recordings)

    def _samples(self, recordings: Sequence[Recording]) -> list[Sample]:
        samples = super()._samples(recordings)
        self._chains = [self._chain(samples, b) for b in range(len(self.behaviours))]
        return samples

    def _chain(self, samples: Sequence[Sample], b: int) -> hmm.Chain:
        """Rates of beginning and ending of one behaviour, from the labels."""
        names = ("absent", self.behaviours[b])
        return hmm.fit_chain([make_states(s.targets[:, b].astype(np.int16), s.time_s, names) for s in samples])

    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        poses = recording.need("poses")
        where = scene(clean(poses, self.params.clean), subject, recording.roles or None)
        columns = mars(where)
        if self._with_pixels:
            columns += _pixel_columns(recording, where)
        return windowed_table(where, columns, self.params.windows_s, ("mean", "sd", "min", "max"), rows)

    def _choose(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
        n = self.params.n_features
        return None if n is None else top_features(features, targets, n, weights=weights, seed=self.params.seed)

    def _prepare_learning(self, features: np.ndarray) -> Any:
        return binned(features)

    def _learn(self, data: Any, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Boosters:
        p = self.params
        return fit_boosters(
            data, targets, self.behaviours, weights=weights, rows=rows, params=p.trees, seed=p.seed, text=text
        )

    def _refine(self, probability: xr.DataArray) -> xr.DataArray:
        if self.params.smoothing == "none":
            return probability
        if self.params.smoothing == "forward-backward":
            return smooth.forward_backward(probability)
        out = probability.copy()
        for b, chain in enumerate(self._chains):
            one = probability.values[..., b]
            both = xr.DataArray(
                np.stack([1 - one, one], axis=-1),
                dims=probability.dims,
                coords={
                    "time": probability["time"],
                    "individual": probability["individual"],
                    "behaviour": np.asarray(chain.behaviours, dtype=object),
                },
            )
            out.values[..., b] = hmm.smooth(both, chain)[1].values[..., 1]
        return out

    def _dump(self) -> Dump:
        chains = {
            "rates": np.stack([c.rates for c in self._chains]),
            "priors": np.stack([c.prior for c in self._chains]),
        }
        json = {**self._common(), "pixels": self._with_pixels}
        return Dump(json, {**self._common_arrays(), **chains}, self.learner.to_texts())

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self._with_pixels = bool(dump.json["pixels"])
        parts = zip(self.behaviours, dump.arrays["rates"], dump.arrays["priors"], strict=True)
        self._chains = [hmm.Chain(("absent", b), rates, prior) for b, rates, prior in parts]
        self.learner = Boosters.from_texts(self.behaviours, dump.texts)


def _pixel_columns(recording: Recording, where: Scene) -> list[Column]:
    """Pixel change of the picture, of the subject and of its partners; of all animals together by min and max."""
    from murid.features.pixels import pixel_change

    table = pixel_change(recording.need("video"), recording.need("poses"), recording.roles or None)
    found = dict(zip(map(str, table["feature"].values), table.values.T, strict=True))
    mine = [where.subject] if where.subject in where.bodies else list(where.bodies)
    out = [Column("pixels", "1", "change of the picture", found["pixel_change"])]
    partners = [n for n in where.bodies if n not in mine]
    for who, label in ((mine, "pixels_own"), (partners, "pixels_partner")):
        prefix = f"pixel_change_{who[0]}" if who else " "
        stems = [k.removeprefix(prefix) for k in found if k.startswith(prefix)]
        for stem in stems if label == "pixels_own" else stems[:1]:
            values = np.stack([found[f"pixel_change_{name}{stem}"] for name in who])
            out.append(Column(f"{label}{stem}_max", "1", "pixel change", np.fmax.reduce(values)))
            if len(who) > 1:
                out.append(Column(f"{label}{stem}_min", "1", "pixel change", np.fmin.reduce(values)))
    return out


def compare_annotators(recording: Recording, output: xr.Dataset | None = None, **options: Any) -> Agreement:
    """Compare the annotators of one recording with each other and, when given, with a method's output.

    A method is as good as a person when it agrees with each person as well as people agree.

    Parameters
    ----------
    recording : Recording
        With labels of several raters, or of one when `output` is given.
    output : Dataset, optional
        What `apply` returned; enters as a rater under the method's name.
    **options
        Passed to `murid.evaluate.agreement.compare`.
    """
    from murid.data.labels import Labels

    labels = recording.need("labels")
    if output is not None:
        said = Labels.from_states(output["states"], rater=str(output.attrs.get("method", "model")))
        wanted = set(labels.behaviours)
        bouts = said.bouts[said.bouts["label"].isin(wanted)]
        labels = replace(
            labels,
            bouts=pd.concat([labels.bouts, bouts], ignore_index=True),
            scored=pd.concat([labels.scored, said.scored], ignore_index=True),
        )
    return compare_raters(labels, **options)
