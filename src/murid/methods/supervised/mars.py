"""`mars`: single and dyadic features in windows, gradient boosting per behaviour, smoothed probabilities.

After MARS (Segalin et al. 2021), from anybody's poses: MARS's own pose networks are not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.clock import rate_of
from murid.data.labels import Labels, Others
from murid.data.params import param
from murid.data.recording import Recording
from murid.evaluate.agreement import RaterAgreement, compare_raters
from murid.features.body import Column
from murid.features.sets.mars import WINDOWS_S, mars_columns
from murid.features.sets.scene import Scene, make_scene, windowed_table
from murid.learn.classify.bagged import BagParams
from murid.learn.classify.boost import BoostParams
from murid.learn.classify.calibration import Calibration
from murid.methods.base import Card, Dump
from murid.methods.supervised.bagging import Bagging
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.ignored_options import NO_PART, ROWS_OF_ORIGINALS
from murid.methods.supervised.mars_smoothing import Chains, Passes, Series
from murid.methods.supervised.recipe import Features, Recipe, Refiner, raw_scores
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
    """Parameters of `mars_columns`."""

    windows_s: tuple[float, ...] = param(WINDOWS_S, unit="s", why="3, 13 and 21 frames at 30 Hz")
    smoothing: Literal["forward-backward", "hmm", "series", "none"] = param(
        "forward-backward",
        why="of probabilities: MARS's kernel passes, or a two-state chain with the labels' rates; series: as MARS, "
        "classes by the passes and the result by a chain",
    )
    pixels: Literal["auto", "all", "no"] = param(
        "auto",
        why="pixel change around animal and keypoints, when all training recordings have video; all: around the "
        "partner's keypoints too, and in both boxes where they overlap",
    )
    complete: bool = param(
        False,
        why="more of MARS's features: distances to the edges in x and in y, relative angle, gap between the ellipses, "
        "forward speed by the cosine",
    )
    n_features: int | None = param(
        400, ge=10, why="window features kept after a short first run; None = all, as MARS does"
    )
    learner: Literal["trees", "networks"] = param("trees", why="boosted trees, or MARS's bagged dense networks (torch)")
    trees: BoostParams = BOOST
    bags: BagParams = BagParams()
    faithful: bool = param(
        False,
        why="learn and decide as the original: every labelled frame, all alike, all columns and features, speeds over "
        "1/30 s, raw probabilities, smoothing in series, .5 and no minimum bout",
    )
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
            "one after the other (smoothing='series')",
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
        pixels = p.pixels if bool(recordings) and all(r.has("video") for r in recordings) else "no"
        refiners = {"forward-backward": Passes(), "hmm": Chains(), "series": Series(), "none": Refiner()}
        boosting = Boosting(p.trees, None if p.faithful else p.n_features, p.seed)
        return Recipe(
            features=MarsFeatures(p.clean, p.windows_s, pixels, p.complete or p.faithful, p.faithful),
            learning=Bagging(p.bags, boosting, p.seed) if p.learner == "networks" else boosting,
            refiner=refiners["series" if p.faithful else p.smoothing],
            calibrate=raw_scores if p.faithful else Calibration.fit,
            form={"strict": p.faithful},
            smooth_options=(0.0,),
            tune=p.tune and not p.faithful,
            # As the original: every frame, all alike.
            sample_hz=np.inf if p.faithful else p.sample_hz,
            weighted=not p.faithful,
        )

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Say what the original does in its own way, pixels without video, and settings of the learner not taken."""
        p = self.params
        out: dict[str, Mapping[str, Any]] = {}
        if p.faithful:
            out["with faithful=True"] = {
                **ROWS_OF_ORIGINALS,
                "smoothing": "series",
                "n_features": None,
                "complete": True,
            }
        if p.learner == "trees":
            out["with learner='trees'"] = {"bags": NO_PART}
        elif p.faithful or p.n_features is None:
            out["with learner='networks' on all columns"] = {"trees": NO_PART}
        if p.pixels == "all" and (blind := [r.id for r in recordings if not r.has("video")]):
            out[f"without video of {', '.join(blind[:5])}{' ...' * (len(blind) > 5)}"] = {"pixels": "no"}
        return out


@dataclass(frozen=True)
class MarsFeatures(Features):
    """Single and dyadic features in windows, and pixel change.

    Attributes
    ----------
    clean : CleanParams
    windows_s : tuple of float
    pixels : {"auto", "all", "no"}
        Pixel change too; needs video.
    complete : bool
        See `MarsParams`.
    by_frame : bool
        Speeds over the last 1/30 s, not over 1/30 s to either side.
    """

    clean: CleanParams
    windows_s: tuple[float, ...]
    pixels: str
    complete: bool = False
    by_frame: bool = False

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        poses = clean(recording.need("poses"), self.clean)
        # The original's frame, 1/30 s, in frames of this recording.
        step = (max(1, round(rate_of(poses["time"].values) / 30)), 0) if self.by_frame else None
        where = make_scene(poses, subject, recording.roles or None, step_frames=step)
        columns = mars_columns(where, complete=self.complete)
        if self.pixels != "no":
            columns += pixel_columns(recording, where, complete=self.pixels == "all")
        return windowed_table(where, columns, self.windows_s, ("mean", "sd", "min", "max"), rows)

    def dump(self) -> Dump:
        """Whether pixels are looked at."""
        return Dump({"pixels": self.pixels})

    def restore(self, dump: Dump) -> MarsFeatures:
        """Read back `dump`."""
        # Models of earlier versions say yes or no.
        kept = dump.json["pixels"]
        return replace(self, pixels=kept if isinstance(kept, str) else ("no", "auto")[bool(kept)])


def pixel_columns(recording: Recording, where: Scene, *, complete: bool = False) -> list[Column]:
    """Pixel change of the picture, of the subject and of its partners; of all animals together by min and max.

    Parameters
    ----------
    recording : Recording
        With video and poses.
    where : Scene
        Of the subject.
    complete : bool
        Also around the keypoints of partners, and in the union of two boxes that overlap (the largest of the
        subject's pairs; missing where none overlap).
    """
    from murid.features.pixels import pair_label, pixel_change

    table = pixel_change(recording.need("video"), recording.need("poses"), recording.roles or None, pairs=complete)
    columns = dict(zip(map(str, table["feature"].values), table.values.T, strict=True))
    own = [where.subject] if where.subject in where.bodies else list(where.bodies)
    out = [Column("pixels", "1", "change of the picture", columns["pixel_change"])]
    partners = [n for n in where.bodies if n not in own]
    stems = _stems(columns, list(where.bodies))
    for names, label in ((own, "pixels_own"), (partners, "pixels_partner")):
        for stem in (stems if label == "pixels_own" or complete else stems[:1]) if names else []:
            values = np.stack([columns[f"pixel_change_{name}{stem}"] for name in names])
            out.append(Column(f"{label}{stem}_max", "1", "pixel change", np.fmax.reduce(values)))
            if len(names) > 1:
                out.append(Column(f"{label}{stem}_min", "1", "pixel change", np.fmin.reduce(values)))
    pairs = [(a, b) for a, b in combinations(where.bodies, 2) if a in own or b in own] if complete else []
    if pairs:
        both = np.fmax.reduce(np.stack([columns[pair_label(a, b)] for a, b in pairs]))
        out.append(Column("pixels_both", "1", "pixel change in two boxes that overlap", both))
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
