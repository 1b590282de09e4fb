"""`mars`: single and dyadic features in windows, gradient boosting per behaviour, smoothed probabilities.

After MARS (Segalin et al. 2021), from anybody's poses: MARS's own pose networks are not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from murid.data.clock import even_parts
from murid.data.labels import Labels, Others
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.ethogram import hmm, smooth
from murid.evaluate.agreement import RaterAgreement, compare_raters
from murid.features.body import Column
from murid.features.sets.mars import WINDOWS_S, mars_columns
from murid.features.sets.scene import Scene, make_scene, windowed_table
from murid.learn.classify.boost import BoostParams
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.recipe import Features, Recipe, Refiner
from murid.methods.supervised.training_rows import LabelledFrames
from murid.prepare import CleanParams, clean

#: Independent looks at an animal per second, for the chain: neighbouring frames say the same at any frame rate.
EVIDENCE_HZ = 8.0
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
    """Parameters of `mars_columns`."""

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
            "smoothing is in seconds, of probabilities, by the kernel or by the chain; MARS smooths arg-max classes by "
            "one after the other",
            "the chain counts evidence per second, so that it does the same at every frame rate",
            "thresholds and minimum bout are tuned out-of-fold instead of .5 and none (tune=False for those)",
        ),
    )

    def recipe(self) -> Recipe:
        """Window features into trees, probabilities smoothed before the threshold."""
        return self.recipe_for(())

    def recipe_for(self, recordings: Sequence[Recording]) -> Recipe:
        """Pixel change is among the features when every training recording has video."""
        p = self.params
        pixels = p.pixels == "auto" and bool(recordings) and all(r.has("video") for r in recordings)
        refiners = {"forward-backward": Passes(), "hmm": Chains(), "none": Refiner()}
        return Recipe(
            features=MarsFeatures(p.clean, p.windows_s, pixels),
            learning=Boosting(p.trees, p.n_features, p.seed),
            refiner=refiners[p.smoothing],
            smooth_options=(0.0,),
            tune=p.tune,
            sample_hz=p.sample_hz,
        )


@dataclass(frozen=True)
class MarsFeatures(Features):
    """Single and dyadic features in windows, and pixel change.

    Attributes
    ----------
    clean : CleanParams
    windows_s : tuple of float
    pixels : bool
        Pixel change too; needs video.
    """

    clean: CleanParams
    windows_s: tuple[float, ...]
    pixels: bool

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        where = make_scene(clean(recording.need("poses"), self.clean), subject, recording.roles or None)
        columns = mars_columns(where)
        if self.pixels:
            columns += pixel_columns(recording, where)
        return windowed_table(where, columns, self.windows_s, ("mean", "sd", "min", "max"), rows)

    def dump(self) -> Dump:
        """Whether pixels are looked at."""
        return Dump({"pixels": self.pixels})

    def restore(self, dump: Dump) -> MarsFeatures:
        """Read back `dump`."""
        return replace(self, pixels=bool(dump.json["pixels"]))


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
        power = _evidence_per_frame(probability["time"].values)[:, None]
        for b, chain in enumerate(self.chains):
            one = _tempered(probability.values[..., b], float(chain.prior[1]), power)
            both = xr.DataArray(
                np.stack([1 - one, one], axis=-1),
                dims=probability.dims,
                coords={
                    "time": probability["time"],
                    "individual": probability["individual"],
                    "behaviour": np.asarray(chain.behaviours, dtype=object),
                },
            )
            out.values[..., b] = hmm.smooth_by_chain(both, chain)[1].values[..., 1]
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


def _evidence_per_frame(time_s: np.ndarray) -> np.ndarray:
    """How many independent looks each frame stands for, ``(time,)``; a frame without neighbours is one."""
    parts = even_parts(time_s)
    looks = [EVIDENCE_HZ / rate if np.isfinite(rate) and rate > 0 else 1.0 for *_, rate in parts]
    return np.repeat(looks, [stop - start for start, stop, _ in parts])


def _tempered(p: np.ndarray, prior: float, power: np.ndarray) -> np.ndarray:
    """Probabilities ``(time, individual)`` whose likelihood ratios (odds / prior odds) are taken to a power a frame."""
    base = np.log(prior / (1 - prior))
    odds = logit(np.clip(np.asarray(p, np.float64), 1e-6, 1 - 1e-6))
    return expit(base + power * (odds - base))


def pixel_columns(recording: Recording, where: Scene) -> list[Column]:
    """Pixel change of the picture, of the subject and of its partners; of all animals together by min and max.

    Parameters
    ----------
    recording : Recording
        With video and poses.
    where : Scene
        Of the subject.
    """
    from murid.features.pixels import pixel_change

    table = pixel_change(recording.need("video"), recording.need("poses"), recording.roles or None)
    columns = dict(zip(map(str, table["feature"].values), table.values.T, strict=True))
    own = [where.subject] if where.subject in where.bodies else list(where.bodies)
    out = [Column("pixels", "1", "change of the picture", columns["pixel_change"])]
    partners = [n for n in where.bodies if n not in own]
    stems = _stems(columns, list(where.bodies))
    for names, label in ((own, "pixels_own"), (partners, "pixels_partner")):
        for stem in (stems if label == "pixels_own" else stems[:1]) if names else []:
            values = np.stack([columns[f"pixel_change_{name}{stem}"] for name in names])
            out.append(Column(f"{label}{stem}_max", "1", "pixel change", np.fmax.reduce(values)))
            if len(names) > 1:
                out.append(Column(f"{label}{stem}_min", "1", "pixel change", np.fmin.reduce(values)))
    return out


def _stems(columns: Mapping[str, np.ndarray], animals: Sequence[str]) -> list[str]:
    """What follows an animal's name in the columns of every animal: ``""`` (its box), then ``_<role>``.

    One name may begin another one ("1" and "10"): only what every animal has is an ending.
    """
    first = f"pixel_change_{animals[0]}"
    endings = [k[len(first) :] for k in columns if k.startswith(first)]
    return [e for e in endings if all(f"pixel_change_{a}{e}" in columns for a in animals)]


def compare_annotators(
    recording: Recording,
    output: xr.Dataset | None = None,
    behaviours: Sequence[str] | None = None,
    *,
    time_s: ArrayLike | None = None,
    others: Others = "auto",
    iou: float = 0.5,
    seed: int = 0,
) -> RaterAgreement:
    """Compare the annotators of one recording with each other and, when given, with a method's output.

    A method is as good as a person when it agrees with each person as well as people agree.

    Parameters
    ----------
    recording : Recording
        With labels of several raters, or of one when `output` is given.
    output : Dataset, optional
        What `apply` returned; enters as a rater under the method's name.
    behaviours, time_s, others, iou, seed
        See `murid.evaluate.agreement.compare_raters`.
    """
    labels = recording.need("labels")
    if output is not None:
        predicted = Labels.from_states(output["states"], rater=str(output.attrs.get("method", "model")))
        bouts = predicted.bouts[predicted.bouts["label"].isin(set(labels.behaviours))]
        labels = replace(
            labels,
            bouts=pd.concat([labels.bouts, bouts], ignore_index=True),
            scored=pd.concat([labels.scored, predicted.scored], ignore_index=True),
        )
    return compare_raters(labels, behaviours, time_s=time_s, others=others, iou=iou, seed=seed)
