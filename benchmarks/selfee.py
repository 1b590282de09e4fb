"""Selfee: time, memory and what its features tell, on simulated and on real video.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.selfee`` (about 10 minutes on one core; ``--real`` adds three real videos,
``--paper`` the network of the paper, for a GPU). The linear probe reads the behaviour of animals that the network has
not seen from the features of single moments, and from these with their mean and SD over ± 0.5 s.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._films import NEEDS, REAL, fitted, line, probe, real, real_line, simulated
from benchmarks._known import with_context
from murid.evaluate.latent import seed_agreement
from murid.methods.self_supervised.selfee import PAPER, SelfeeParams


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="of each simulated animal")
    parser.add_argument("--seeds", type=int, default=1, help="0 leaves the simulated animals out")
    parser.add_argument("--steps", type=int, help="of the training; the default's own by default")
    parser.add_argument("--no-cld", action="store_true", help="also without cross-level discrimination")
    parser.add_argument("--size", type=int, default=64, help="side of the simulated pictures, pixels")
    parser.add_argument("--real", nargs="*", choices=REAL, help="real videos (all when none is named)")
    parser.add_argument("--params", type=json.loads, default={}, help='JSON, e.g. {"jitter_of": "colours"}')
    parser.add_argument("--paper", action="store_true", help="ResNet-50, 192 x 256, 20,000 steps")
    args = parser.parse_args()
    base = PAPER if args.paper else {}
    short = (
        {}
        if args.paper or not args.steps
        else {"train": {**SelfeeParams().train.model_dump(), "min_steps": args.steps, "max_steps": args.steps}}
    )
    size = {} if args.paper else {"pictures": {"height": args.size, "width": args.size}}
    with tempfile.TemporaryDirectory() as folder:
        data = simulated(Path(folder), 6, args.seconds) if args.seeds else []
        found: dict[str, list[np.ndarray]] = {}
        for seed in range(args.seeds):
            for label, more in (("simulated", {}), *([("simulated, no CLD", {"cld": 0.0})] if args.no_cld else [])):
                method, cpu, wall = fitted(
                    "selfee", [r for r, _ in data[:4]], seed=seed, **base, **short, **size, **more, **args.params
                )
                features = [method.features(r).values[:, 0] for r, _ in data]
                codes = [c for _, c in data]
                found.setdefault(label, []).append(np.concatenate(features[-2:]))
                one = probe(features, codes, 2)
                wide = probe([with_context(f, 12) for f in features], codes, 2)
                spread = method.facts["evidence"]["feature_spread"]
                more_text = f"probe F1 {one['macro_f1']:.3f}, with context {wide['macro_f1']:.3f}; spread {spread:.2f}"
                print(line(f"{label}, seed {seed}", method, cpu, wall, more_text), flush=True)
                print("   F1 of each behaviour: " + ", ".join(f"{v:.2f}" for v in wide["f1"].values()))
        for label, runs in found.items():
            if len(runs) > 1:
                print(f"{label}: R2 between the features of {len(runs)} seeds {seed_agreement(runs):.3f}")
    for name in REAL if args.real == [] else args.real or ():
        more = {**NEEDS.get(name, {}), **({"interval_s": 0.02} if name == "mirror_mouse" else {})}
        method, cpu, wall = fitted("selfee", [real(name)], **{**base, **short, **more, **args.params})
        spread = method.facts["evidence"]["feature_spread"]
        print(real_line(name, method, cpu, wall, f"spread {spread:.2f}"), flush=True)


if __name__ == "__main__":
    main()
