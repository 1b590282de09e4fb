"""Speed of the segmentation core, in CPU seconds of one process.

Run ``OMP_NUM_THREADS=1 python benchmarks/segment.py``. CPU time and not wall time, because it
means the same on a busy machine; ``--hours`` also fits a long recording on two threads and
reports wall time and peak memory (on a quiet machine the two agree).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from murid.learn.parallel import workers
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import Sampler, fit_arhmm
from murid.learn.segment.hmm import HmmParams, fit_hmm
from murid.learn.segment.kmeans import fit_kmeans
from murid.learn.segment.slds import SldsParams, as_poses, fit_shape, slds_sweep
from murid.learn.segment.ward import fit_ward
from murid.learn.sequences import Sequences, as_sequences

N, D, LAGS, STATES = 100_000, 10, 3, 100


def dynamics(n: int, d: int = D, seed: int = 0) -> np.ndarray:
    """Switching damped rotations, (n, d), unit variance: 20 rules, bouts of about 30 frames."""
    rng = np.random.default_rng(seed)
    rules = []
    for _ in range(20):
        basis, turn = np.linalg.qr(rng.normal(size=(d, d)))[0], np.eye(d)
        for j, angle in enumerate(rng.uniform(0.05, 0.6, size=d // 2)):
            c, s = np.cos(angle), np.sin(angle)
            turn[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, -s], [s, c]]
        rules.append(0.98 * basis @ turn @ basis.T)
    x, state = np.zeros((n, d)), 0
    noise, jump = 0.1 * rng.normal(size=(n, d)), rng.random(n) < 1 / 30
    for t in range(1, n):
        state = int(rng.integers(20)) if jump[t] else state
        x[t] = rules[state] @ x[t - 1] + noise[t]
    return (x / x.std(axis=0)).astype(np.float32)


def poses(n: int, k: int = 8, seed: int = 0) -> np.ndarray:
    """Keypoints (n, k, 2) in px of a walking, deforming animal with jitter and 3 % missing."""
    rng = np.random.default_rng(seed)
    shape = np.einsum("td,dks->tks", dynamics(n, seed=seed), rng.normal(size=(D, k, 2)))
    y = np.cumsum(rng.normal(size=(n, 1, 2)), axis=0) + 15 * rng.normal(size=(1, k, 2)) + shape
    y += 0.5 * rng.normal(size=y.shape)
    y[rng.random((n, k)) < 0.03] = np.nan
    return y


def cpu(function: Callable[[], object], repeats: int) -> float:
    """CPU seconds of one call, mean of `repeats`, after one call that compiles."""
    function()
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


def arhmm_rows(repeats: int) -> list[tuple[str, float, str]]:
    """One EM step, one Gibbs sweep, Viterbi and one posterior, from the k-means start with 100 states."""
    params = ArHmmParams(n_states=STATES, lags=LAGS, prune=False, merge=False, kappa=1e4)
    seqs = as_sequences(dynamics(N))
    with workers(1) as pmap:
        sampler = Sampler(seqs, params, np.zeros(1, int), 0, pmap)
        sampler.start()
        em = cpu(sampler.em_step, repeats)
        gibbs = cpu(lambda: sampler.sweep(prune=False, keep=False), repeats)
        used = int((sampler.counts > 0).sum())
        model = sampler.model()
    return [
        ("AR-HMM, EM step", em, f"{STATES} states, {LAGS} lags, {D} features"),
        ("AR-HMM, Gibbs sweep", gibbs, f"{used} of {STATES} states occupied; goal 0.5"),
        ("AR-HMM, Viterbi", cpu(lambda: model.predict(seqs), repeats), f"{model.n_states} states"),
        ("AR-HMM, posterior of one parameter set", cpu(lambda: model.posterior(seqs), repeats), ""),
    ]


def slds_row(repeats: int) -> list[tuple[str, float, str]]:
    """One full sweep of the keypoint SLDS with 100 states."""
    params = SldsParams(
        dynamics=ArHmmParams(n_states=STATES, lags=LAGS, merge=False, prune=False, sweeps=0, draws=0), variance=0.9999
    )
    seqs = as_poses(poses(N))
    _, state = fit_shape(seqs, [0, 1], [6, 7], params)
    with workers(1) as pmap:
        sampler = Sampler(Sequences(state.x, seqs.offsets, True), params.dynamics, np.zeros(1, int), 0, pmap)
        sampler.start()
        seconds = cpu(lambda: slds_sweep(sampler, state, prune=False, keep=False), repeats)
        used = int((sampler.counts > 0).sum())
    return [("keypoint SLDS, full sweep", seconds, f"{state.x.shape[1]} latent, {used} states occupied; goal 1.3")]


def other_rows(repeats: int) -> list[tuple[str, float, str]]:
    """Gaussian HMM, k-means and Ward."""
    rng = np.random.default_rng(0)
    z = np.repeat(rng.integers(15, size=N // 20), 20)
    x = rng.normal(size=(15, 30))[z] * 0.6 + rng.normal(size=(N, 30))
    start = np.where(rng.random(N) < 0.5, z, rng.integers(15, size=N))
    rows = []
    for single in (False, True):
        params = HmmParams(n_states=15, tolerance=0, single=single)
        short, long = (
            cpu(lambda n=n, p=params: fit_hmm(x, p.replace(iterations=n), labels=start), repeats) for n in (2, 7)
        )
        kind = "float32" if single else "float64"
        rows.append(("Gaussian HMM, EM iteration", (long - short) / 5, f"15 states, 30 features, full, {kind}"))
    rows.append(("k-means, 50 clusters", cpu(lambda: fit_kmeans(x, 50, replicates=1), 1), "30 features, 1 start"))
    rows.append(("Ward through 5,000 prototypes", cpu(lambda: fit_ward(x, n_clusters=20), 1), "30 features"))
    return rows


def long_recording(hours: float, sweeps: int) -> None:
    """Fit the AR-HMM to `hours` of 30-fps features on two threads; report time and memory."""
    x = dynamics(int(hours * 3600 * 30))
    wall, used = time.perf_counter(), time.process_time()
    model = fit_arhmm(x, ArHmmParams(sweeps=sweeps), n_workers=2)
    fitted = time.process_time() - used
    model.apply(x, n_workers=2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{hours:g} h of 30-fps pose, {sweeps} sweeps after 20 EM steps: fit {fitted:.0f} CPU s, with labels and "
        f"confidence {time.process_time() - used:.0f} CPU s, {time.perf_counter() - wall:.0f} s by the clock on 2 "
        f"threads, peak {peak:.2f} GiB, {model.n_states} states"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--hours", type=float, default=0.0, help="also fit this many hours of 30-fps features")
    parser.add_argument("--sweeps", type=int, default=50)
    args = parser.parse_args()
    if args.hours:
        long_recording(args.hours, args.sweeps)
        return
    print(f"CPU seconds for {N:,} frames, one thread")
    for name, seconds, note in arhmm_rows(args.repeats) + slds_row(args.repeats) + other_rows(args.repeats):
        print(f"{name:42s} {seconds:8.3f}  {note}")


if __name__ == "__main__":
    main()
