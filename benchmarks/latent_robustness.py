"""Do classifier-trained latents stand occlusion better than autoencoders? An experiment on simulated mice.

``python -m benchmarks.latent_robustness [--seeds 2] [--fits 2]``. Methods learn from clean tracks of three animals and
are applied to two others whose tracks are then spoilt. The reader of the behaviours is fitted once, to clean latents.
"""

from __future__ import annotations

import argparse
import warnings

import pandas as pd

import murid
from murid import simulate
from murid.data.progress import silent
from murid.methods.latent_quality import latent_quality

BEHAVIOURS = ("walk", "rest", "rear", "groom")
CLEAN = {"jitter_px": 0.6, "occlusions_per_min": 0.0, "jumps_per_min": 0.0}
SPOILERS = {
    "noise": {**CLEAN, "jitter_px": 3.0},
    "guessed": {**CLEAN, "occlusions_per_min": 20.0, "occlusion_s": 0.6},
    "missing": {**CLEAN, "occlusions_per_min": 20.0, "occlusion_s": 0.6, "occluded": "nan"},
}
METHODS = {
    "PCA (kmeans)": ("kmeans", {}),
    "autoencoder (vame)": ("vame", {"segment": "kmeans"}),
    "classifier (dbm)": ("dbm", {"place": "none"}),
}


def animals(seeds: range) -> list[murid.Recording]:
    """Simulated open fields of a minute and a half, tracked well."""
    options = {"duration_s": 90.0, "fps": 30.0, "behaviours": BEHAVIOURS}
    return [simulate.recording("open_field", seed=s, id=f"r{s}", animal=f"a{s}", **options) for s in seeds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="independent sets of animals")
    parser.add_argument("--fits", type=int, default=2, help="fits that are compared with each other")
    rows = []
    args = parser.parse_args()
    spoilers = {k: (lambda r, v=v: simulate.corrupt(r, seed=7, **v)) for k, v in SPOILERS.items()}
    for seed in range(args.seeds):
        train, test = animals(range(10 * seed, 10 * seed + 3)), animals(range(10 * seed + 5, 10 * seed + 7))
        for name, (method, params) in METHODS.items():
            with silent(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = latent_quality(
                    lambda s, m=method, p=params, seed=seed: murid.method(m, seed=s + seed, **p), train, test,
                    behaviours=BEHAVIOURS, spoilers=spoilers, seeds=range(args.fits),
                )  # fmt: skip
            rows.append({"method": name, "animals": seed, **row})
            print(f"animals {seed}, {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in row.items()), flush=True)
    table = pd.DataFrame(rows).drop(columns="animals").groupby("method", sort=False).mean()
    print(table.T.to_string(float_format=lambda v: f"{v:.3f}"))
    auto, told = table.loc["autoencoder (vame)"], table.loc["classifier (dbm)"]
    for kind in SPOILERS:
        lost = [row["probe_f1"] - row[f"{kind}_probe_f1"] for row in (auto, told)]
        stands = (
            "stands it better"
            if lost[1] < lost[0] - 0.01
            else "stands it worse"
            if lost[1] > lost[0] + 0.01
            else "stands it equally"
        )
        print(f"{kind}: the autoencoder's reader loses {lost[0]:+.3f} macro F1, the classifier's {lost[1]:+.3f}: the "
              f"classifier {stands}")  # fmt: skip
    better = "the autoencoder" if auto["probe_f1"] > told["probe_f1"] else "the classifier"
    print(f"clean data: {better} tells more ({auto['probe_f1']:.3f} against {told['probe_f1']:.3f})")


if __name__ == "__main__":
    main()
