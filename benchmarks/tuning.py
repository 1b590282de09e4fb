"""Speed and memory of tuning with the full null: 1,000 units × 36,000 samples × 8 behaviours.

Run: ``python benchmarks/tuning.py [--units 1000] [--samples 36000] [--behaviours 8] [--workers 2]``
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.neural import compute_tuning


def main() -> None:
    """Simulate, tune, print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=36_000)
    parser.add_argument("--behaviours", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--statistic", choices=("auroc", "mi"), default="auroc")
    parser.add_argument("--null", choices=("auto", "circular", "linear"), default="auto")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((args.samples, args.units), dtype=np.float32)
    for t in range(1, args.samples):
        noise[t] += np.float32(0.9) * noise[t - 1]
    labels = np.repeat(rng.integers(0, args.behaviours, args.samples // 40 + 1), 40)[: args.samples]
    tuned = args.units // 5
    noise[:, :tuned] += 2.0 * (labels[:, None] == np.arange(tuned) % args.behaviours)
    time_s = np.arange(args.samples) / 10.0
    traces = make_traces(noise, time_s=time_s)
    states = make_states(labels, time_s, [f"behaviour_{k}" for k in range(args.behaviours)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, cpu = time.perf_counter(), time.process_time()
    result = compute_tuning(traces, states, statistic=args.statistic, null=args.null, workers=args.workers)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = result.table
    own = table["behaviour"] == "behaviour_" + (table["unit"].str[5:].astype(int) % args.behaviours).astype(str)
    truly = own & (table["unit"].str[5:].astype(int) < tuned)
    called = table["direction"].isin(["excited", "suppressed"])
    untuned = table["unit"].str[5:].astype(int) >= tuned
    print(
        f"{args.units} units x {args.samples} samples x {args.behaviours} behaviours, {args.statistic}, "
        f"{int(table['n_shifts'].max())} shifts each, {args.workers} workers"
    )
    print(f"seconds {seconds:.1f} (CPU {cpu:.1f})   peak RSS {peak:.0f} MiB (before tuning {before:.0f} MiB)")
    print(f"tuned pairs found {called[truly].mean():.3f}   pairs of untuned units called {called[untuned].mean():.5f}")
    for note in result.notes:
        print("note:", note)


if __name__ == "__main__":
    main()
