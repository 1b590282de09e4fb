"""What the published parts of keypoint-MoSeq that are options bring, on simulated animals whose syllables are known.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.moseq_options noise`` (noise measured on placed keypoints, in a tracker
whose errors grow with the inverse of the confidence), ``… seeds`` (choice among fits by expected marginal likelihood),
``… outliers`` (points far from the median point) or ``… choices`` (SLDS: stickiness, sweeps, centroid, spare states).
ARI of an animal that was not seen; 12 syllables of 400 ms, three animals of 90 s to learn from, 30 frames/s,
stickiness 3,000.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.metrics import adjusted_rand_score

import murid
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.prepare.tracker_noise import frames_to_place, noise_of_placed

#: Of the tracker: px along an axis at full confidence, its growth with confidence, and degrees of freedom.
NOISE_PX, SLOPE, DOF = 2.5, -1.0, 5.0
#: Given, since its choice is two thirds of the time of a fit and the same for all rows.
KAPPA = 3000.0


def animals(seed: int, n: int = 4, minutes: float = 1.5) -> list[tuple[Recording, xr.Dataset, np.ndarray]]:
    """Recordings seen by the tracker, true poses, and the true syllable of each frame."""
    out = []
    for animal in range(n):
        poses, states = simulate.syllable_poses(60 * minutes, 30.0, seed=seed, animal=animal, n_states=12, median_s=0.4)
        rng = np.random.default_rng([seed, animal])
        shape = poses["confidence"].shape
        # Confidence comes and goes over about a second, as when a paw is hidden.
        drift = rng.normal(size=shape)
        for _ in range(15):
            drift = (np.roll(drift, 1, axis=0) + drift) / 2
        sure = 1 / (1 + np.exp(-(2.0 + 3.0 * drift / drift.std())))
        scale = NOISE_PX * np.maximum(sure, 0.02) ** SLOPE * np.sqrt(DOF / rng.chisquare(DOF, shape))
        wrong = rng.normal(size=poses["position"].shape) * scale[:, None]
        seen = poses.assign(
            position=poses["position"] + wrong.astype(np.float32),
            confidence=(poses["confidence"].dims, np.maximum(sure, 0.02).astype(np.float32)),
        )
        out.append((Recording(f"a{animal}", poses=seen, animal=f"m{animal}"), poses, states.values[:, 0]))
    return out


def placed(recording: Recording, true: xr.Dataset, n: int) -> pd.DataFrame:
    """Keypoints as a human would place them on `n` frames."""
    wanted = frames_to_place(recording.need("poses"), n)
    at = true["position"].values[
        wanted["frame"].to_numpy(), :, [list(true["keypoint"].values).index(k) for k in wanted["keypoint"]], 0
    ]
    return wanted[["frame", "keypoint"]].assign(x=at[:, 0], y=at[:, 1])


def scored(data: list[Any], **params: Any) -> tuple[float, float, Any]:
    """ARI of the unseen animal, CPU seconds of the fit, and the model."""
    start = time.process_time()
    with silent():
        model = murid.method("moseq", **{"kappa": KAPPA, **params}).fit([r for r, *_ in data[:-1]])
    spent = time.process_time() - start
    codes = model.apply(data[-1][0])["states"].values[:, 0]
    return adjusted_rand_score(data[-1][2], codes), spent, model


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["noise", "seeds", "outliers", "choices"])
    parser.add_argument("--seeds", type=int, default=3, help="vocabularies")
    args = parser.parse_args()
    # Cleaning masks under a confidence of .5 by default: here the model is to weigh them itself.
    loose = {"model": "slds", "clean": {"smoothing": "none", "min_confidence": 0.02}}
    for seed in range(args.seeds):
        data = animals(seed)
        rows: dict[str, dict[str, Any]] = {}
        if args.what == "noise":
            measured = noise_of_placed(data[0][0].need("poses"), placed(data[0][0], data[0][1], 100), bootstraps=200)
            (a, b), (c, d) = measured.noise_interval, measured.slope_interval
            print(f"seed {seed}: noise {measured.noise:.2f} px ({a:.2f} to {b:.2f})", end="")
            print(f", slope {measured.confidence_slope:.2f} ({c:.2f} to {d:.2f})", flush=True)
            rows = {
                "slope -.5, noise measured from jitter": loose,
                "slope 0": {**loose, "confidence_slope": 0.0},
                "calibrated on 100 placed keypoints": {**loose, **measured.params()},
                "each point calibrated": {**loose, **measured.params(each_point=True)},
                "default cleaning (masked under .5)": {"model": "slds"},
            }
        elif args.what == "seeds":
            rows = {
                "1 seed": {},
                "3 seeds, chosen": {"seeds": 3},
                "slds": {"model": "slds"},
                "slds, 3 seeds": {"model": "slds", "seeds": 3},
            }
        elif args.what == "outliers":
            data = [
                (simulate.corrupt(r, jumps_per_min=60.0, jitter_px=1.0, occlusions_per_min=0.0, seed=k), t, s)
                for k, (r, t, s) in enumerate(data)
            ]
            rows = {
                f"{model}, outlier_mad {mad:g}": {"model": model, "outlier_mad": mad}
                for model in ("arhmm", "slds")
                for mad in (0.0, 6.0)
            }
        else:
            rows = {
                "slds": {},
                "spare_states 0": {"spare_states": 0},
                "spare_states 20": {"spare_states": 20},
                "slds_kappa / 10": {"slds_kappa": 0.1},
                "slds_kappa x 10": {"slds_kappa": 10.0},
                "held_sweeps 0": {"held_sweeps": 0},
                "collapsed_every 1000": {"collapsed_every": 1000},
                "slds_sweeps 200": {"slds_sweeps": 200},
                "step x 3": {"step": 3.0},
                "step / 3": {"step": 1 / 3},
                "apply_rounds 1": {"apply_rounds": 1},
                "apply_rounds 20": {"apply_rounds": 20},
            }
            _, _, base = scored(data, model="slds", slds_sweeps=1)
            step = base.parts["slds"].step_std
            for row in rows.values():
                row["model"] = "slds"
                if "slds_kappa" in row:
                    row["slds_kappa"] *= KAPPA
                if "step" in row:
                    row["step"] *= step
        for name, params in rows.items():
            ari, spent, model = scored(data, **params)
            extra = ""
            if "seeds" in model.facts["evidence"]:
                extra = "; ".join(
                    f"{r['seed']}{'*' * r['chosen']} {r['score']:.3f} {r['n_states']} {r['ari_with_others']:.2f}"
                    for r in model.facts["evidence"]["seeds"]
                )
            print(
                f"{seed} {name:42s} ARI {ari:.3f}  {model.n_motifs:3d} syllables  {spent:5.0f} CPU-s  {extra}",
                flush=True,
            )


if __name__ == "__main__":
    main()
