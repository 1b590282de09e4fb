"""BehaveNet: time, memory, how well pictures are painted, and what the latents tell.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.behavenet`` (about 10 minutes on one core; ``--real`` adds three real
videos, ``--paper`` the network of the paper, for a GPU; ``--chains`` compares AR-HMMs on the latents of real videos).
``pixel R2`` is that of held-out pictures against painting the mean picture; the linear probe reads the behaviour of
unseen animals from single latents, and from these with their mean and SD over ± 0.5 s.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._films import NEEDS, REAL, fitted, line, probe, real, real_line, simulated
from benchmarks._known import with_context
from murid.evaluate.latent import seed_agreement
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
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
    parser.add_argument("--chains", nargs="*", choices=REAL, help="AR-HMMs of real videos: residuals and transitions")
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
    for name in REAL if args.chains == [] else args.chains or ():
        more = {"pictures": {"background": "kept"}} if name == "mirror_mouse" else {}
        chains(name, n_latents=args.latents, **base, **more, **NEEDS.get(name, {}))


def chains(name: str, n_blocks: int = 10, **params: Any) -> None:
    """Print how well AR-HMMs predict blocks of latents that they have not seen, nats a row."""
    recording = real(name)
    method, *_ = fitted("behavenet", [recording], **params)
    table = np.asarray(method.parts["pca"].transform(method.rows(recording).values), np.float32)
    blocks = np.array_split(table, n_blocks)
    kappa = method.facts["evidence"]["kappa"]
    common = ArHmmParams(n_states=method.params.n_states, lags=1, kappa=kappa, sweeps=0, draws=0)
    for title, changes in {
        "Gaussian": {},
        "Student-t, 4 degrees of freedom": {"student_dof": 4.0},
        "recurrent": {"recurrent": True},
        "Student-t and recurrent": {"student_dof": 4.0, "recurrent": True},
    }.items():
        values = []
        for held in range(2):
            model = fit_from_levels(blocks[1 - held :: 2], common.replace(**changes))
            values.append(model.score(blocks[held::2]))
        print(f"{name}: {title}: {np.mean(values):.2f} nats a row ({values[0]:.2f}, {values[1]:.2f})", flush=True)


if __name__ == "__main__":
    main()
