"""Cases of the parameters of supervised methods: small fits to a few short recordings."""

from __future__ import annotations

from functools import cache
from typing import Any

from murid.learn.classify.boost import BoostParams
from murid.learn.classify.forests import ForestParams
from murid.methods import method
from murid.methods.supervised.dlcanalyzer import DlcAnalyzerParams
from murid.methods.supervised.gbdt import GbdtParams
from murid.methods.supervised.jaaba import JaabaParams
from murid.methods.supervised.label_queue import QueueParams, candidates, propose
from murid.methods.supervised.mars import MarsParams
from murid.methods.supervised.rules import RulesParams
from murid.methods.supervised.simba import SimbaParams
from murid.prepare import CleanParams
from tests.methods.acting import outcome, recordings
from tests.parameter_cases import Acts

#: Wide enough to act at 15 frames/s.
SMOOTHED = CleanParams(smoothing="median", window_s=0.4)
LEARNT = ("rear", "groom")

#: What every supervised method has.
OTHERS: dict[str, Any] = {
    "behaviours": LEARNT,
    "others": "ignore",
    "rater": "B",
    "stream": "S2",
    "group_by": "recording",
    "folds": 3,
    "sample_hz": 4.0,
    "bout_weight": 1.0,
    "absent_s": 2.0,
    "tune": False,
    "seed": 1,
    "clean": SMOOTHED,
}
GIVEN: dict[str, dict[str, Any]] = {
    "others": {"behaviours": LEARNT},
    "rater": {"rater": "A", "stream": "S1", "behaviours": LEARNT},
    "stream": {"rater": "A", "stream": "S1", "behaviours": LEARNT},
}
ON = {
    "rater": "raters",
    "stream": "raters",
    "group_by": "four",
    "folds": "four",
    "absent_s": "rough",
}


def supervised(name: str, others: dict[str, Any], **more: Any) -> Acts:
    """Return the case of a supervised method, with what all of them have."""
    given, on = more.pop("given", {}), more.pop("on", {})
    others = {k: v for k, v in {**OTHERS, **others}.items() if k not in more.get("exempt", {})}
    return Acts(outcome(name), others, given={**GIVEN, **given}, on={**ON, **on}, **more)


@cache
def found_candidates() -> tuple:
    """A small fitted model, and a recording that nobody has labelled."""
    trees = {"n_trees": 5, "min_leaf": 10, "n_threads": 1}
    *known, new = recordings("one")
    return method("mars", trees=trees, folds=2, n_features=None).fit(known), new.replace(labels=None)


def queue(p: QueueParams):
    model, new = found_candidates()
    return propose([candidates(model, new, p)], p)


AT_THE_WALL = "slow:\n    when speed_centre < 3 cm/s\nwall:\n    when wall_distance_centre < 6 cm"

TREES = BoostParams(n_trees=5, min_leaf=10, n_threads=1)
LIGHT_FEATURES = {"windows_s": (0.4,), "stats": ("mean",), "lags_s": (), "families": ("kinematics", "shape")}
NETWORK = {"width": 4, "layers": 1, "length": 32, "train": {"epochs": 2, "batch": 8}}

#: The original's untuned forest needs more than a handful of trees to be better than chance.
FAITHFUL: dict[str, Any] = {"faithful": True, "forest": ForestParams(n_trees=40, n_threads=1), "folds": 3}

CASES = {
    SimbaParams: supervised(
        "simba",
        {
            "layout": "user",
            "windows_s": (0.5, 0.2),
            "align": "trailing",
            "regions": False,
            "forest": ForestParams(n_trees=8, n_threads=1),
            "threshold": 0.2,
            "min_bout_s": 1.5,
            "bursts": True,
            "sigma": 1.2,
            "gamma": 3.0,
            "hierarchy": 3,
            "exclusive": "no",
            "faithful": True,
            "movement_criterion": None,
            "location_criterion": None,
        },
        base={"forest": ForestParams(n_trees=5, min_leaf=2, n_threads=1), "folds": 2},
        given={
            "sigma": {"bursts": True},
            "gamma": {"bursts": True},
            "hierarchy": {"bursts": True},
            "movement_criterion": FAITHFUL,
            "location_criterion": {**FAITHFUL, "movement_criterion": None},
        },
        on={"movement_criterion": "rough", "location_criterion": "rough"},
        slow=True,
    ),
    JaabaParams: supervised(
        "jaaba",
        {
            "amount": "normal",
            "neighbours": False,
            "directions": True,
            "scores": True,
            "faithful": True,
            "reach_s": 0.2,
            "n_rounds": 8,
            "n_draw": 60,
            "n_bins": 5,
            "low": 1.0,
        },
        base={"n_rounds": 5, "amount": "less", "n_draw": 200, "n_bins": 10, "folds": 2},
        given={"scores": {"folds": 3}},
        exempt={"absent_s": "of one animal: frames in which nothing of it is seen have no probability, however few"},
        on={"neighbours": "pair", "scores": "four"},
        slow=True,
    ),
    MarsParams: supervised(
        "mars",
        {
            "windows_s": (0.4,),
            "smoothing": "hmm",
            "pixels": "no",
            "n_features": 30,
            "complete": True,
            "learner": "networks",
            "trees": BoostParams(n_trees=8, min_leaf=10, n_threads=1),
            "bags": {"n_bags": 2, "net": {"hidden": (6,), "dropout": (0.0,), "epochs": 1, "min_steps": 20}},
            "faithful": True,
        },
        base={
            "trees": TREES,
            "n_features": None,
            "folds": 2,
            "bags": {"n_bags": 1, "net": {"hidden": (6,), "dropout": (0.0,), "epochs": 1, "min_steps": 20}},
        },
        given={
            "stream": {"rater": "A", "stream": "S1", "behaviours": ("walk", "rear")},
            "bags": {"learner": "networks"},
        },
        on={"pixels": "film"},
        slow=True,
    ),
    DlcAnalyzerParams: supervised(
        "dlcanalyzer",
        {
            "version": "v1",
            "pairs": False,
            "stack_s": 0.3,
            "stack_step_s": 0.1,
            "net": {"epochs": 1, "hidden": (6,), "dropout": (0.0,), "min_steps": 20},
            "majority_s": 1.0,
            "zones": True,
            "faithful": True,
        },
        base={"net": {"epochs": 1, "hidden": (8,), "dropout": (0.0,), "min_steps": 20}, "folds": 2},
        given={"majority_s": {"tune": False}},
        on={"pairs": "pair"},
        slow=True,
    ),
    GbdtParams: supervised(
        "gbdt",
        {
            "features": {**LIGHT_FEATURES, "stats": ("mean", "sd")},
            "context_s": (5.0,),
            "repair_identity": False,
            "n_features": 30,
            "trees": BoostParams(n_trees=8, min_leaf=10, n_threads=1),
            "mirror": True,
            "net": True,
            "temporal": {**NETWORK, "width": 8},
        },
        base={
            "trees": TREES,
            "features": LIGHT_FEATURES,
            "context_s": (),
            "n_features": 5000,
            "folds": 2,
            "temporal": NETWORK,
        },
        given={"temporal": {"net": True}},
        on={"repair_identity": "pair"},
        slow=True,
    ),
    RulesParams: Acts(
        outcome("rules"),
        {
            "rules": "fast:\n    when speed_centre > 2 cm/s",
            "behaviours": ("slow",),
            "body_length_cm": 6.0,
            "step_s": 0.3,
            "arena": False,
            "clean": SMOOTHED,
        },
        base={"rules": AT_THE_WALL},
        on={"body_length_cm": "px", "arena": "no zones"},
    ),
    QueueParams: Acts(
        queue,
        {"n": 4, "blind": 1.0, "shortest_s": 3.0, "longest_s": 1.0, "blind_s": 2.0, "sharpness": 0.0, "seed": 1},
        base={"n": 6},
        slow=True,
    ),
}
