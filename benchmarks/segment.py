"""Speed of the segmentation core, in CPU seconds of one process.

Run ``OMP_NUM_THREADS=1 python benchmarks/segment.py``. CPU time and not wall time, because it
means the same on a busy machine; ``--hours 10 --method moseq`` fits a method to a long recording on two threads and
reports wall time and peak memory. ``--peers PYTHON`` times other
packages, installed in that Python's own environment, on the same data in the same run (see peers/README.md).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import murid
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.learn.parallel import workers
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import Sampler
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


def arhmm_sweep(x: np.ndarray, n_states: int, repeats: int) -> float:
    """One Gibbs sweep of the AR-HMM, no state left out."""
    params = ArHmmParams(n_states=n_states, lags=LAGS, prune=False, merge=False, kappa=1e4)
    with workers(1) as pmap:
        sampler = Sampler(as_sequences(x), params, np.zeros(1, int), 0, pmap)
        sampler.start()
        return cpu(lambda: sampler.sweep(prune=False, keep=False), repeats)


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


def slds_sweep_of(y: np.ndarray, n_states: int, n_latent: int, repeats: int) -> tuple[float, str]:
    """One full sweep of the keypoint SLDS, no state left out: seconds, and what was swept."""
    dynamics = ArHmmParams(n_states=n_states, lags=LAGS, merge=False, prune=False, sweeps=0, draws=0)
    params = SldsParams(dynamics=dynamics, variance=0.9999, n_latent=n_latent)
    seqs = as_poses(y)
    _, state = fit_shape(seqs, [0, 1], [y.shape[1] - 2, y.shape[1] - 1], params)
    with workers(1) as pmap:
        sampler = Sampler(Sequences(state.x, seqs.offsets, True), params.dynamics, np.zeros(1, int), 0, pmap)
        sampler.start()
        seconds = cpu(lambda: slds_sweep(sampler, state, prune=False, keep=False), repeats)
        used = int((sampler.counts > 0).sum())
    return seconds, f"{state.x.shape[1]} latent, {used} states occupied"


def slds_row(repeats: int) -> list[tuple[str, float, str]]:
    """One full sweep of the keypoint SLDS with 100 states."""
    seconds, note = slds_sweep_of(poses(N), STATES, D, repeats)
    return [("keypoint SLDS, full sweep", seconds, f"{note}; goal 1.3")]


def mixed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames (N, 30) of 15 overlapping Gaussians in bouts of 20 frames, start means (15, 30), rough start states."""
    rng = np.random.default_rng(0)
    z, means = np.repeat(rng.integers(15, size=N // 20), 20), 0.6 * rng.normal(size=(15, 30))
    x = means[z] + rng.normal(size=(N, 30))
    start = np.where(rng.random(N) < 0.5, z, rng.integers(15, size=N))
    return x, np.stack([x[start == k].mean(axis=0) for k in range(15)]), start


def hmm_step(x: np.ndarray, start: np.ndarray, repeats: int, *, single: bool) -> float:
    """One EM iteration of the Gaussian HMM: runs of two and of seven differ by five."""
    params = HmmParams(n_states=15, tolerance=0, single=single)
    short, long = (cpu(lambda n=n: fit_hmm(x, params.replace(iterations=n), labels=start), repeats) for n in (2, 7))
    return (long - short) / 5


def peer_rows(python: str, repeats: int) -> None:
    """Time other packages and murid on the same data, at the sizes of the published figures; print ratios."""
    x, y = dynamics(60_000), poses(30_000, k=11)
    frames, means, start = mixed()
    # Other packages take no gaps: the last known place stands in.
    seen = np.where(np.isnan(y), 0, np.arange(len(y))[:, None, None])
    filled = np.take_along_axis(y, np.maximum.accumulate(seen, axis=0), axis=0)
    filled = np.where(np.isnan(filled), np.nanmean(y, axis=0), filled)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, x=x, y=filled, mixed=frames, means=means, n_states=50, n_latent=5)
        script = Path(__file__).parent / "peers" / "segment_peers.py"
        said = subprocess.run([python, str(script), str(path)], capture_output=True, text=True, check=True).stdout
    peers = json.loads(said.strip().splitlines()[-1])
    sweep = arhmm_sweep(x, 50, repeats)
    ours = {
        "hmmlearn": ("Gaussian HMM, EM iteration, 100,000 x 30", hmm_step(frames, start, repeats, single=False)),
        "dynamax": ("AR-HMM, EM or Gibbs, 60,000 x 10, 50 states", sweep),
        "jax_moseq_ar": ("AR-HMM, Gibbs sweep, 60,000 x 10, 50 states", sweep),
        "jax_moseq_full": ("SLDS, full sweep, 30,000 x 11 points, 5 latent", slds_sweep_of(filled, 50, 5, repeats)[0]),
    }
    print(f"{'peer':15s} {'what':48s} {'peer':>8s} {'murid':>8s} {'ratio':>6s}  CPU seconds")
    for name, (what, mine) in ours.items():
        if "missing" in peers[name]:
            print(f"{name:15s} {what:48s} {'-':>8s} {mine:8.3f} {'-':>6s}  {peers[name]['missing']}")
            continue
        each, first = peers[name]["each_s"], peers[name].get("first_s")
        note = f"  after {first:.0f} s of compiling" if first else ""
        print(f"{name:15s} {what:48s} {each:8.3f} {mine:8.3f} {each / mine:6.1f}{note}")


def other_rows(repeats: int) -> list[tuple[str, float, str]]:
    """Gaussian HMM, k-means and Ward."""
    x, _, start = mixed()
    rows = [
        (
            "Gaussian HMM, EM iteration",
            hmm_step(x, start, repeats, single=single),
            f"15 states, 30 features, full, {kind}",
        )
        for single, kind in ((False, "float64"), (True, "float32"))
    ]
    rows.append(("k-means, 50 clusters", cpu(lambda: fit_kmeans(x, 50, replicates=1), 1), "30 features, 1 start"))
    rows.append(("Ward through 5,000 prototypes", cpu(lambda: fit_ward(x, n_clusters=20), 1), "30 features"))
    return rows


def long_recording(hours: float, method: str) -> None:
    """Fit a method to one recording of `hours`, 30 frames/s, and label it, on two threads; report time and memory."""
    poses, _ = simulate.syllable_poses(hours * 3600, 30.0)
    recording = simulate.corrupt(Recording("long", poses=poses), jitter_px=1.0)
    before = _peak_gib()
    wall, used = time.perf_counter(), time.process_time()
    with silent():
        fitted = murid.method(method, workers=2).fit([recording])
        spent = time.process_time() - used
        fitted.apply(recording)
    print(
        f"{method}, {hours:g} h of {poses.sizes['keypoint']} points at 30 frames/s: fit {spent:.0f} CPU s, with labels "
        f"and confidence {time.process_time() - used:.0f} CPU s, {time.perf_counter() - wall:.0f} s by the clock on 2 "
        f"threads, peak {_peak_gib():.2f} GiB ({before:.2f} before the fit), {fitted.n_motifs} syllables"
    )


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--hours", type=float, default=0.0, help="only a recording of so many hours, by --method")
    parser.add_argument("--method", choices=["moseq", "syllables"], default="moseq")
    parser.add_argument("--peers", default="", help="Python of an environment with other packages")
    args = parser.parse_args()
    if args.peers:
        peer_rows(args.peers, args.repeats)
        return
    if args.hours:
        long_recording(args.hours, args.method)
        return
    print(f"CPU seconds for {N:,} frames, one thread")
    for name, seconds, note in arhmm_rows(args.repeats) + slds_row(args.repeats) + other_rows(args.repeats):
        print(f"{name:42s} {seconds:8.3f}  {note}")


if __name__ == "__main__":
    main()
