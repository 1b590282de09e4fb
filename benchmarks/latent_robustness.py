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
from murid.methods.self_supervised.latent_quality import judge_latents

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
    # As wide and as slow as dbm's latent, so that neither explains a difference.
    "autoencoder, 10 at 10 Hz": ("vame", {"segment": "kmeans", "latent": 10, "rate_hz": 10.0}),
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
                row = judge_latents(
                    lambda s, m=method, p=params, seed=seed: murid.method(m, seed=s + seed, **p),
                    train,
                    test,
                    behaviours=BEHAVIOURS,
                    spoilers=spoilers,
                    seeds=range(args.fits),
                )
            rows.append({"method": name, "animals": seed, **row})
            print(f"animals {seed}, {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in row.items()), flush=True)
    table = pd.DataFrame(rows).set_index(["method", "animals"])
    means, spread = table.groupby("method", sort=False).mean(), table.groupby("method", sort=False).std()
    print((means.T.map("{:.3f}".format) + spread.T.map(" ± {:.3f}".format)).to_string())
    answer(table)


def answer(table: pd.DataFrame) -> None:
    """Print what the experiment says: differences within each set of animals, mean and range over the sets."""
    classifier = table.loc["classifier (dbm)"]
    for name in ("autoencoder (vame)", "autoencoder, 10 at 10 Hz"):
        auto = table.loc[name]
        print(f"\n{name} against the classifier ({len(classifier)} sets of animals)")
        print(f"  clean: it tells {_range(auto['probe_f1'] - classifier['probe_f1'])} macro F1 more")
        for kind in SPOILERS:
            lost = [part["probe_f1"] - part[f"{kind}_probe_f1"] for part in (auto, classifier)]
            print(
                f"  {kind}: it loses {_range(lost[0])}, the classifier {_range(lost[1])}: the classifier "
                f"{_verdict(lost[0] - lost[1])}; spoilt, it still tells "
                f"{_range(auto[f'{kind}_probe_f1'] - classifier[f'{kind}_probe_f1'])} more"
            )


def _range(values: pd.Series) -> str:
    return f"{values.mean():+.3f} ({values.min():+.3f} to {values.max():+.3f})"


def _verdict(gain: pd.Series) -> str:
    if (gain > 0).all():
        return "stands it better in every set"
    return "stands it worse in every set" if (gain < 0).all() else "stands it better in some sets, worse in others"


if __name__ == "__main__":
    main()
