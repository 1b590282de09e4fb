"""Cases of the parameters of `murid.learn`: small fits to data drawn once."""

from __future__ import annotations

from functools import cache

import numpy as np

from murid.learn.classify.bagged import BagParams, fit_bags
from murid.learn.classify.boost import BoostParams, binned, fit_boosters
from murid.learn.classify.dense import DenseParams, fit_dense
from murid.learn.classify.forests import ForestParams, fit_forests
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.learn.segment.hmm import HmmParams, fit_hmm
from murid.learn.segment.slds import SldsParams, fit_slds
from tests.parameter_cases import Acts

RNG = np.random.default_rng(0)
#: Rows of two rare, noisy behaviours.
ROWS = RNG.normal(size=(600, 8)).astype(np.float32)
TARGETS = np.stack(
    [ROWS[:, 0] + RNG.normal(size=600) > 1, ROWS[:, 1] * ROWS[:, 2] + RNG.normal(size=600) > 0.8], axis=1
).astype(np.int8)
NAMES = ["rear", "groom"]
THREADS = "only speed: the result does not depend on the number of threads (tests/learn/test_classify.py)"


def boosted(p: BoostParams):
    return fit_boosters(binned(ROWS), TARGETS, NAMES, params=p).predict(ROWS)


def grown(p: ForestParams):
    return fit_forests(ROWS, TARGETS, NAMES, params=p).predict(ROWS)


def dense(p: DenseParams):
    return fit_dense(ROWS, TARGETS, exclusive=False, params=p).predict(ROWS)


def bags(p: BagParams):
    return fit_bags(ROWS, TARGETS, NAMES, params=p).predict(ROWS)


@cache
def switching() -> np.ndarray:
    """Three rotations that take turns, with gaps of 5, 20 and 40 frames."""
    rng = np.random.default_rng(3)
    state, x = np.repeat(rng.integers(3, size=60), 20), np.zeros((1200, 2))
    for t in range(1, 1200):
        angle = (0.1, 0.5, -0.4)[state[t]]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        x[t] = 0.97 * turn @ x[t - 1] + 0.1 * rng.standard_t(4, size=2) + 0.05 * state[t]
    for start, n in ((200, 5), (500, 20), (800, 40)):
        x[start : start + n] = np.nan
    return x


def arhmm(p: ArHmmParams):
    model = fit_arhmm(switching(), p, seed=0)
    held = {name: value for name, value in model.arrays().items() if name not in ArHmmParams.model_fields}
    return [held, *model.apply(switching())]


def hmm(p: HmmParams):
    model = fit_hmm(switching(), p, seed=0)
    held = {name: value for name, value in model.arrays().items() if name not in HmmParams.model_fields}
    return [held, model.predict(switching()), model.posterior(switching())]


@cache
def keypoints():
    """Five keypoints of a body that bends and drifts, with noise that grows where confidence is low."""
    rng = np.random.default_rng(4)
    along, n = np.array([2.0, 1.0, 0.0, -1.0, -2.0]), 400
    bend = 0.4 * np.sin(np.arange(n) * np.where(np.arange(n) // 50 % 2, 0.5, 0.1))
    body = np.stack([np.broadcast_to(along, (n, 5)), bend[:, None] * along**2], axis=2)
    angle, place = rng.normal(0, 0.05, n).cumsum(), rng.normal(0, 0.1, (n, 2)).cumsum(axis=0)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(n, 2, 2)
    sure = rng.uniform(0.2, 1.0, (n, 5))
    return np.einsum("tij,tkj->tki", turn, body) + place[:, None] + rng.normal(0, 0.05, (n, 5, 2)) / sure[
        ..., None
    ], sure


def slds(p: SldsParams):
    poses, sure = keypoints()
    model = fit_slds([poses], [0], [4], p, confidence=[sure], seed=0)
    held = {name: value for name, value in model.arrays().items() if name not in SldsParams.model_fields}
    return [held, *model.apply(poses, sure)]


#: Settings under which many states become empty.
EMPTY = {"n_states": 30, "merge": False, "gamma": 1.0, "alpha": 1.0, "sweeps": 12, "em_iterations": 1}
CASES = {
    BoostParams: Acts(
        boosted,
        {
            "n_trees": 6,
            "learning_rate": 0.3,
            "n_leaves": 3,
            "min_leaf": 5,
            "feature_fraction": 1.0,
            "row_fraction": 0.5,
            "l2": 0.0,
            "balance": 1.0,
        },
        base={"n_trees": 5, "n_threads": 1},
        exempt={"n_threads": THREADS},
    ),
    ForestParams: Acts(
        grown,
        {
            "n_trees": 4,
            "criterion": "entropy",
            "max_features": "log2",
            "min_leaf": 20,
            "max_rows": 100,
            "balance": 1.0,
        },
        base={"n_trees": 3, "n_threads": 1},
        exempt={"n_threads": THREADS},
    ),
    BagParams: Acts(
        bags,
        {"n_bags": 3, "net": {"hidden": (6,), "dropout": (0.0,), "epochs": 1, "min_steps": 5}},
        base={"n_bags": 1, "net": {"hidden": (4,), "dropout": (0.0,), "epochs": 1, "min_steps": 5}},
    ),
    DenseParams: Acts(
        dense,
        {
            "hidden": (6, 6),
            "dropout": (0.0, 0.0),
            "epochs": 2,
            "min_steps": 20,
            "batch": 100,
            "learning_rate": 0.01,
            "balance": 1.0,
            "standardise": False,
            "clip": 1.0,
        },
        base={"hidden": (8, 6), "epochs": 1, "min_steps": 1},
    ),
    ArHmmParams: Acts(
        arhmm,
        {
            "n_states": 4,
            "lags": 2,
            "kappa": 1000.0,
            "group_kappa": (1000.0,),
            "alpha": 50.0,
            "gamma": 3.0,
            "student_dof": 4.0,
            "noise_scale": 1.0,
            "noise_floor": 0.9,
            "em_iterations": 1,
            "sweeps": 5,
            "draws": 1,
            "prune": False,
            "merge": False,
            "spare_states": 0,
            "recurrent": True,
            "segment_frames": 100,
            "gap_frames": 10,
            "single": False,
        },
        base={"n_states": 6, "lags": 1, "kappa": 20.0, "em_iterations": 4, "sweeps": 4, "draws": 2},
        given={"prune": EMPTY, "spare_states": EMPTY, "recurrent": {"sweeps": 0, "draws": 0}},
    ),
    HmmParams: Acts(
        hmm,
        {
            "n_states": 4,
            "covariance": "diag",
            "iterations": 2,
            "tolerance": 0.5,
            "restarts": 3,
            "prior_frames": 50.0,
            "sticky_frames": 50.0,
            "gap_frames": 10,
            "single": True,
        },
        base={"n_states": 8, "iterations": 6},
    ),
    SldsParams: Acts(
        slds,
        {
            "dynamics": ArHmmParams(n_states=3, lags=1, kappa=100.0, sweeps=2, draws=0, em_iterations=3),
            "kappa": 3.0,
            "sweeps": 13,
            "draws": 1,
            "n_latent": 1,
            "variance": 0.3,
            "noise_dof": 50.0,
            "noise_std": 0.5,
            "keypoint_noise": (0.0, 0.5, 0.0, 0.0, 0.0),
            "confidence_slope": 0.0,
            "step_std": 1.0,
            "held": 3,
            "collapsed_every": 3,
            "apply_rounds": 1,
        },
        base={
            "dynamics": ArHmmParams(n_states=4, lags=1, kappa=100.0, sweeps=2, draws=0, em_iterations=3),
            "sweeps": 12,
            "draws": 2,
            "n_latent": 3,
            "variance": 0.95,
            "apply_rounds": 2,
        },
        slow=True,
    ),
}
