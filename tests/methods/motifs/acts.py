"""Cases of the parameters of motif methods (small fits to two short recordings) and of statistics of motifs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.data.params import Params
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.methods import method
from murid.methods.motifs.alphatracker import AlphaTrackerParams
from murid.methods.motifs.bsoid import BsoidParams
from murid.methods.motifs.kmeans import KMeansParams
from murid.methods.motifs.moseq import MoseqParams
from murid.methods.motifs.motionmapper import MotionMapperParams
from murid.methods.motifs.pyrat import PyratParams
from murid.methods.motifs.statistics_analysis import MotifStatisticsParams, analyse_motifs, over_recordings
from murid.methods.motifs.syllables import SyllablesParams
from murid.prepare import CleanParams
from tests.methods.acting import outcome, recordings
from tests.parameter_cases import Acts

SPEED = "only speed: what is found does not depend on the number of processes (tests/methods/motifs/test_moseq.py)"
MODELS = tempfile.TemporaryDirectory(prefix="murid_models_")

#: What every motif method has.
OTHERS: dict[str, Any] = {
    "points": ("nose", "centre", "tail_base"),
    "min_bout_s": 3.0,
    "min_seen": 0.95,
    # Wide enough to act at 15 frames/s.
    "clean": CleanParams(smoothing="median", window_s=0.4),
    "seed": 1,
}
ON = {"min_seen": "rough", "clean": "rough"}


def motifs(name: str, others: dict[str, Any], **more: Any) -> Acts:
    """Return the case of a motif method, with what all of them have."""
    every = {**OTHERS, **others}
    exempt = more.get("exempt", {})
    return Acts(
        more.pop("run", outcome(name)),
        {k: v for k, v in every.items() if k not in exempt},
        on={**ON, **more.pop("on", {})},
        **more,
    )


#: What methods on dynamics share.
DYNAMICS: dict[str, Any] = {
    "rate_hz": 10.0,
    "n_states": 3,
    "kappa": 20.0,
    "target_s": 0.05,
    "gap_s": 0.3,
    "smooth_s": 0.4,
    "noise_floor": 0.5,
    "em_iterations": 4,
    "n_components": 1,
    "persistence": 0.99,
    "lags_s": 0.2,
    "student_dof": 4.0,
    "sweeps": 4,
}
SHORT = {"n_states": 6, "kappa": 1000.0, "em_iterations": 2, "sweeps": 2, "rate_hz": 15.0}
SLDS = {"model": "slds", "slds_sweeps": 2}


def syllables(params: Params, on: str = "one") -> dict[str, Any]:
    """A vocabulary is a model in a folder: "old" stands for one that is made before."""
    values = dict(params)
    if values["vocabulary"]:
        folder = Path(MODELS.name) / values["vocabulary"]
        if not folder.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                method("syllables", **SHORT, n_starts=1, seed=5).fit(recordings("four")[2:4]).save(folder)
        values["vocabulary"] = str(folder)
    return outcome("syllables")(SyllablesParams(**values), on)


def motif_statistics(params: MotifStatisticsParams) -> list[Any]:
    """Three motifs at random in one group of three animals, two in turn in the other; a fourth motif is rare."""
    rng, parts = np.random.default_rng(0), []
    for k in range(6):
        group = "ab"[k % 2]
        bouts = rng.integers(0, 3, 60) if group == "a" else np.arange(60) % 2
        codes = np.append(np.repeat(bouts, rng.integers(3, 8, bouts.size)), [3, 3, 3])
        states = make_states(codes, np.arange(codes.size) / 10, ["walk", "turn", "rear", "jump"])
        found = analyse_motifs(Recording(f"r{k}"), params, states=states)
        names = {"recording": f"r{k}", "animal": f"m{k}", "group": group}
        parts.append({name: table.assign(**names) for name, table in found.frames.items()})
    frames = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
    whole = over_recordings(frames, params, seed=0, group="group")
    return [frames, dict(whole.frames), list(whole.compared or ())]


CASES = {
    MotifStatisticsParams: Acts(
        motif_statistics,
        {"min_fraction": 0.02, "n_shuffles": 40, "n_permutations": 150},
        base={"n_shuffles": 20, "n_permutations": 100},
    ),
    KMeansParams: motifs(
        "kmeans",
        {"n_motifs": 6, "window_s": 0.2, "variance": 0.5, "replicates": 1},
        base={"n_motifs": 8, "replicates": 3},
        given={"replicates": {"n_motifs": 30}},
    ),
    PyratParams: motifs(
        "pyrat",
        {"height": 8.0, "n_motifs": 6, "reference_frames": 500, "window_s": 0.5, "gap_s": 1.0, "n_prototypes": 150},
        base={"n_motifs": 12, "n_prototypes": 100},
        given={
            "gap_s": {"min_bout_s": 0.0, "n_motifs": 80},
            "height": {"n_motifs": None},
            "reference_frames": {"n_motifs": None},
        },
    ),
    AlphaTrackerParams: motifs(
        "alphatracker",
        {
            "mode": "social",
            "clip_s": 0.8,
            "n_samples": 8,
            "step_s": 0.3,
            "near": 5.0,
            "weights": {"phase": 1.0},
            "contour": True,
            "threshold": 120,
            "dark": True,
            "n_motifs": 6,
            "height": 3.0,
            "criterion": "calinski_harabasz",
            "min_motifs": 12,
            "max_motifs": 3,
            "n_prototypes": 50,
        },
        base={"n_motifs": 4, "n_prototypes": 60},
        given={
            "near": {"mode": "social"},
            "threshold": {"contour": True},
            "dark": {"contour": True},
            "height": {"n_motifs": None},
            "criterion": {"n_motifs": None},
            "min_motifs": {"n_motifs": None, "max_motifs": 12, "criterion": "calinski_harabasz"},
            "max_motifs": {"n_motifs": None, "min_motifs": 2},
        },
        on={"mode": "pair", "near": "pair", "contour": "film", "threshold": "film", "dark": "film"},
        slow=True,
    ),
    MotionMapperParams: motifs(
        "motionmapper",
        {
            "source": "video",
            "pictures": {"height": 16, "width": 24},
            "radon_angles": 12,
            "variance": 0.6,
            "max_modes": 2,
            "n_frequencies": 5,
            "low_hz": 2.0,
            "high_hz": 4.0,
            "omega0": 7.0,
            "per_track": 120,
            "n_templates": 110,
            "perplexity": 5.0,
            "iterations": 260,
            "max_regions": 2,
            "rest": 0.999,
            "leave": 0.6,
            "stay_s": 0.5,
            "stays": "all",
            "outside": "kept",
            "transit": "unlabelled",
        },
        base={
            "per_track": 100,
            "n_templates": 150,
            "perplexity": 8.0,
            "max_regions": 6,
            "iterations": 250,
            "n_frequencies": 6,
        },
        given={
            "pictures": {"source": "video", "pictures": {"height": 16, "width": 16}},
            "source": {"pictures": {"height": 16, "width": 16}},
            "radon_angles": {"source": "video", "pictures": {"height": 16, "width": 16}},
            "max_modes": {"variance": 0.999},
            "n_templates": {"per_track": 200},
            "leave": {"transit": "unlabelled"},
            "rest": {"transit": "unlabelled"},
            "stay_s": {"transit": "unlabelled"},
            "stays": {"transit": "unlabelled"},
        },
        on={"source": "film", "pictures": "film", "radon_angles": "film"},
        slow=True,
    ),
    BsoidParams: motifs(
        "bsoid",
        {
            "likelihood": "histogram",
            "bin_s": 0.2,
            "smooth_s": 0.4,
            "variance": 0.9,
            "noise_bins": "soft",
            "n_neighbors": 12,
            "max_bins": 250,
            "smallest": (0.1, 0.2),
            "n_sizes": 1,
            "n_trees": 8,
            "min_leaf": 10,
        },
        base={"max_bins": 300, "n_neighbors": 8, "n_trees": 5, "smallest": (0.04, 0.1), "n_sizes": 4},
        given={"n_sizes": {"smallest": (0.2, 0.02), "n_sizes": 6}},
        on={"likelihood": "rough"},
        exempt={"folds": "what is reported, not what is learnt: tests/methods/motifs/test_bsoid.py"},
        slow=True,
    ),
    MoseqParams: motifs(
        "moseq",
        {
            **DYNAMICS,
            "model": "slds",
            "variance": 0.5,
            "spare_states": 0,
            "seeds": 2,
            "outlier_mad": 2.0,
            "slds_sweeps": 4,
            "held_sweeps": 0,
            "collapsed_every": 1,
            "slds_kappa": 5.0,
            "noise": 0.2,
            "point_noise": {"nose": 0.3},
            "step": 0.5,
            "apply_rounds": 1,
            "noise_dof": 50.0,
            "confidence_slope": 0.0,
            "walking": True,
            "by_group": True,
            "group_kappa": {"drug": 1.0},
        },
        base=SHORT,
        given={
            "target_s": {"kappa": None},
            "persistence": {"variance": 0.999},
            "model": {"slds_sweeps": 2},
            "slds_sweeps": SLDS,
            "seeds": {"seed": 1},
            "spare_states": SLDS,
            **dict.fromkeys(
                ("held_sweeps", "collapsed_every", "slds_kappa", "noise", "point_noise", "noise_dof"), SLDS
            ),
            "step": SLDS,
            "apply_rounds": SLDS,
            "confidence_slope": SLDS,
            "by_group": {"kappa": None},
            "group_kappa": {"by_group": True},
        },
        on={"gap_s": "rough", "confidence_slope": "rough", "by_group": "groups", "group_kappa": "groups"},
        exempt={
            "workers": SPEED,
            "folds": "what is reported, not what is learnt: tests/methods/motifs/test_moseq.py",
            "source": "no recording serves both, a depth camera gives no keypoints: tests/methods/motifs/test_moseq.py",
        },
        slow=("target_s", "by_group", "group_kappa"),
    ),
    SyllablesParams: motifs(
        "syllables",
        {
            **DYNAMICS,
            "walking": True,
            "social": True,
            "n_starts": 1,
            "n_modes": 3,
            "mode_s": 2.0,
            "vocabulary": "old",
            "match_nats": 0.01,
        },
        base={**SHORT, "n_starts": 3},
        given={
            "n_modes": {"mode_s": 2.0},
            "mode_s": {"n_modes": 2},
            "match_nats": {"vocabulary": "old"},
        },
        run=syllables,
        on={"gap_s": "rough", "social": "pair"},
        exempt={
            "workers": SPEED,
            "target_s": "chooses kappa as in moseq, where it has a case; on recordings this short the choice is one",
        },
    ),
}
