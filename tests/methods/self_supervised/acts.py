"""Cases of the parameters of self-supervised methods: networks of a few units, trained for a few steps."""

from __future__ import annotations

from typing import Any

from murid.learn.nets.params import TrainParams
from murid.methods.self_supervised.behavenet import BehavenetParams
from murid.methods.self_supervised.dbm import DbmParams
from murid.methods.self_supervised.selfee import SelfeeParams
from murid.methods.self_supervised.vame import VameParams
from murid.prepare import CleanParams
from tests.methods.acting import outcome
from tests.methods.motifs.acts import SPEED, motifs
from tests.parameter_cases import Acts

CHECKPOINT = "where training is kept, to go on from; the result is that of a training without a break (own tests)"
TRIALS = {"trial_event": "cue", "before_s": 2.0, "after_s": 6.0}
COURSE = {"epochs": 2, "batch": 16, "lr": 0.003, "max_steps": 4}

#: What methods on video share.
VIDEO: dict[str, Any] = {
    "pictures": {"height": 16, "width": 24},
    "rate_hz": 12.0,
    "max_rows": 150,
    "train": TrainParams(**{**COURSE, "lr": 0.03}),
    "variance": 0.6,
    "n_components": 2,
    "n_states": 2,
    "kappa": 20.0,
    "target_s": 2.0,
    "lags_s": 0.3,
    "student_dof": 3.0,
    "recurrent": True,
    "smooth_s": 0.5,
    "em_iterations": 4,
    "min_bout_s": 1.0,
    "clean": CleanParams(smoothing="median", window_s=0.4),
    "seed": 1,
}
SMALL = {
    "pictures": {"height": 16, "width": 16},
    "rate_hz": 10.0,
    "kappa": 500.0,
    "n_states": 5,
    "em_iterations": 2,
    "train": TrainParams(**COURSE),
}
EXEMPT = {
    "workers": SPEED,
    "checkpoint": CHECKPOINT,
}

CASES = {
    DbmParams: motifs(
        "dbm",
        {
            "pseudo_labels": "fast:\n    when speed_centre > 1 bl/s",
            "rest": "still",
            "labels_from": "labels",
            "body_length_cm": 5.0,
            "n_motifs": 6,
            "replicates": 1,
            "net": "lstm",
            "place": "none",
            "scale": "study",
            "latent": 4,
            "balance": 1.0,
            "rate_hz": 7.0,
            "sequence_s": 4.0,
            "trial_event": "cue",
            "before_s": 1.0,
            "after_s": 3.0,
            "train": TrainParams(epochs=2, batch=2, lr=0.03),
        },
        base={"n_motifs": 4, "replicates": 3, "train": TrainParams(epochs=2, batch=2, lr=0.01)},
        given={
            "rest": {"pseudo_labels": "fast:\n    when speed_centre > 1 bl/s"},
            "body_length_cm": {"pseudo_labels": "fast:\n    when speed_centre > 5 cm/s"},
            "before_s": TRIALS,
            "after_s": TRIALS,
        },
        on={"body_length_cm": "px"},
        exempt={"checkpoint": CHECKPOINT},
        slow=True,
    ),
    VameParams: motifs(
        "vame",
        {
            "n_motifs": 6,
            "net": "gru",
            "window_s": 0.6,
            "future_s": 0.2,
            "movement": False,
            "rate_hz": 12.0,
            "latent": 6,
            "hidden": 16,
            "beta": 0.1,
            "cluster": 1.0,
            "noise": 0.8,
            "segment": "kmeans",
            "iterations": 1,
            "replicates": 1,
            "valid_share": 0.0,
            "train": TrainParams(epochs=1, batch=64, lr=0.01),
        },
        base={
            "n_motifs": 4,
            "latent": 4,
            "hidden": 8,
            "rate_hz": 15.0,
            "train": TrainParams(epochs=1, batch=64, lr=0.003),
        },
        given={"replicates": {"segment": "kmeans", "n_motifs": 30}},
        exempt={"checkpoint": CHECKPOINT},
    ),
    SelfeeParams: Acts(
        outcome("selfee", "film"),
        {
            **VIDEO,
            "target_s": 0.2,
            "interval_s": 0.3,
            "backbone": "resnet18",
            "widths": (4, 6),
            "projection": 12,
            "cld": 0.0,
            "n_clusters": 3,
            "crop": 1.0,
            "turn_deg": 0.0,
            "flips": 0.0,
            "turbo": 0.0,
            "jitter": 0.0,
            "proportions": False,
            "jitter_of": "colours",
        },
        base={**SMALL, "widths": (4, 8), "projection": 8},
        given={"target_s": {"kappa": None}},
        exempt={
            **EXEMPT,
            "pretrained": "needs weights: tests/learn/nets/test_image_nets.py; refused without such a backbone: "
            "tests/methods/self_supervised/test_video_method.py",
            "gap_s": "pictures are never missing for long in a short film: tests/learn/acts.py",
        },
        slow=True,
    ),
    BehavenetParams: Acts(
        outcome("behavenet", "film"),
        {
            **VIDEO,
            "kind": "vae",
            "n_latents": 2,
            "points": ("nose", "centre"),
            "beta": 0.5,
            "alpha": 10.0,
            "gamma": 5.0,
            "widths": (4, 6),
            "strides": (2, 1),
            "valid_share": 0.3,
        },
        base={**SMALL, "widths": (4, 8), "strides": (2, 2), "n_latents": 4},
        given={
            "target_s": {"kappa": None},
            "points": {"kind": "psvae", "points": ("nose", "tail_base")},
            "beta": {"kind": "btcvae"},
            "alpha": {"kind": "psvae", "points": ("nose", "tail_base")},
            "gamma": {"kind": "psvae", "points": ("nose", "tail_base")},
        },
        exempt={**EXEMPT, "gap_s": "pictures are never missing for long in a short film: tests/learn/acts.py"},
        slow=True,
    ),
}
