"""BehaveNet: time, memory, how well pictures are painted, and what the latents tell.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.behavenet`` (about 10 minutes on one core; ``--real`` adds three real
videos, ``--paper`` the network of the paper, for a GPU). ``pixel R2`` is that of held-out pictures against painting
the mean picture; the linear probe reads the behaviour of unseen animals from single latents, and from these with
their mean and SD over ± 0.5 s.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._films import NEEDS, REAL, fitted, line, probe, real, real_line, simulated, with_context
from murid.evaluate.latent import seed_agreement
from murid.methods.self_supervised.behavenet import PAPER, BehavenetParams


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="of each simulated animal")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=["ae", "vae", "psvae"])
    parser.add_argument("--latents", type=int, default=8)
    parser.add_argument("--epochs", type=int, help="of the training; the default's own by default")
    parser.add_argument("--size", type=int, default=64, help="side of the simulated pictures, pixels")
    parser.add_argument("--real", nargs="*", choices=REAL, help="real videos (all when none is named)")
    parser.add_argument("--paper", action="store_true", help="128 x 128, 32 to 512 channels, 1000 epochs")
    args = parser.parse_args()
    train = {**BehavenetParams().train.model_dump(), "epochs": args.epochs, "min_steps": 0}
    base: dict[str, Any] = PAPER if args.paper else {"train": train} if args.epochs else {}
    size = {} if args.paper else {"pictures": {"height": args.size, "width": args.size}}
    with tempfile.TemporaryDirectory() as folder:
        data = simulated(Path(folder), 6, args.seconds) if args.kinds else []
        for kind in args.kinds:
            found: list[np.ndarray] = []
            for seed in range(args.seeds):
                more = {"points": ("nose", "tail_base", "neck")} if kind == "psvae" else {}
                method, cpu, wall = fitted(
                    "behavenet",
                    [r for r, _ in data[:4]],
                    kind=kind,
                    seed=seed,
                    n_latents=args.latents,
                    **base,
                    **size,
                    **more,
                )
                features = [method.features(r).values[:, 0] for r, _ in data]
                found.append(np.concatenate(features[-2:]))
                one = probe(features, [c for _, c in data], 2)
                wide = probe([with_context(f, 12) for f in features], [c for _, c in data], 2)
                text = f"pixel R2 {method.facts['evidence']['pixel_r2']:.3f}, probe F1 {one['macro_f1']:.3f}, "
                print(
                    line(f"{kind}, seed {seed}", method, cpu, wall, f"{text}with context {wide['macro_f1']:.3f}"),
                    flush=True,
                )
            if len(found) > 1:
                print(f"{kind}: R2 between the latents of {len(found)} seeds {seed_agreement(found):.3f}")
    for name in REAL if args.real == [] else args.real or ():
        more = {} if args.paper else {"pictures": {"background": "kept"} if name == "mirror_mouse" else {}}
        more |= NEEDS.get(name, {})
        method, cpu, wall = fitted("behavenet", [real(name)], n_latents=args.latents, **base, **more)
        print(real_line(name, method, cpu, wall, f"pixel R2 {method.facts['evidence']['pixel_r2']:.3f}"), flush=True)


if __name__ == "__main__":
    main()
