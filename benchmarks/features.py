"""Speed and memory of the feature table: ``python -m benchmarks.features``.

Every row runs in a process of its own, so that the peak memory is that row's. CPU seconds count user
and system time of all threads: on a busy machine they say more than wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

KEYPOINTS_7 = ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"]
KEYPOINTS_8 = ["Ear_left", "Ear_right", "Nose", "Center", "Lat_left", "Lat_right", "Tail_base", "Tail_end"]

#: What is timed: returns the number of columns it made.
Job = Callable[[], int]


def _poses(n: int, keypoints: list[str], animals: int = 2, fps: float = 30.0):
    """Walks with jitter and 2 % lost keypoints."""
    from murid.data.poses import make_poses

    rng = np.random.default_rng(0)
    position = np.empty((n, 2, len(keypoints), animals), np.float32)
    for i in range(animals):
        walk = np.cumsum(rng.normal(size=(n, 2)), axis=0)
        walk = 300 * np.abs((walk / 300 + 1) % 4 - 2)  # reflected at the walls of an arena
        body = rng.normal(size=(2, len(keypoints))) * 25
        position[..., i] = walk[:, :, None] + body + rng.normal(size=(n, 2, len(keypoints)))
    lost = rng.random((n, len(keypoints), animals)) < 0.02
    position[np.broadcast_to(lost[:, None], position.shape)] = np.nan
    return make_poses(position, keypoints=keypoints, individuals=["a", "b"][:animals], fps=fps)


def full_set(n: int, workers: int | None) -> Job:
    """Every family and window of both animals, streamed."""
    from murid.features import iter_blocks

    poses = _poses(n, KEYPOINTS_7)
    _warm(poses)

    def job() -> int:
        for animal in ("a", "b"):
            for block in iter_blocks(poses, animal, workers=workers):
                columns = block.sizes["feature"]
        return 2 * columns

    return job


def together(n: int, workers: int | None) -> Job:
    """Every family and window of the pair in no order (subject "all"), streamed."""
    from murid.features import iter_blocks

    poses = _poses(n, KEYPOINTS_7)
    _warm(poses)
    return lambda: max(block.sizes["feature"] for block in iter_blocks(poses, "all", workers=workers))


def simba_set(n: int, workers: int | None) -> Job:
    """What SimBA computes for 2 animals with 8 points, and more: 5 trailing windows, mean (its sum) and median."""
    from murid.features import FeatureParams, compute

    params = FeatureParams(
        families=("kinematics", "shape", "missing", "social"),
        windows_s=(2 / 30, 4 / 30, 5 / 30, 6 / 30, 15 / 30),
        stats=("mean",),
        percentiles=(50.0,),
        lags_s=(),
        align="trailing",
    )
    poses = _poses(n, KEYPOINTS_8)
    compute(poses.isel(time=slice(0, 100)), "a", params)
    return lambda: sum(compute(poses, animal, params, workers=workers).sizes["feature"] for animal in ("a", "b"))


def training_rows(n: int, workers: int | None) -> Job:
    """The full set for a tenth of the frames of one animal (a training subsample)."""
    from murid.features import compute_rows

    poses = _poses(n, KEYPOINTS_7)
    _warm(poses)
    rows = np.random.default_rng(1).choice(n, n // 10, replace=False)
    return lambda: compute_rows(poses, "a", rows, workers=workers).sizes["feature"]


def wavelets(n: int, workers: int | None) -> Job:
    """Morlet amplitudes, 10 channels x 25 frequencies."""
    from murid.features.wavelets import morlet

    x = np.random.default_rng(0).normal(size=(n, 10))
    return lambda: morlet(x, 100.0)[0].size


def zones(n: int, workers: int | None) -> Job:
    """Masks of five polygons for two animals by the full entry rule."""
    from murid.data.zones import EntryRule, Zone, Zones
    from murid.features import zone_masks

    box = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], float)
    rule = EntryRule(keypoints=("nose", "centre", "tail_base"), mode="fraction", fraction=0.6, hysteresis=5)
    places = Zones([Zone(f"z{i}", polygon=box + 80 * i) for i in range(5)], rule)
    poses = _poses(n, KEYPOINTS_7)
    zone_masks(poses.isel(time=slice(0, 100)), places)
    return lambda: zone_masks(poses, places)[0].size


def _warm(poses) -> None:
    """Load the compiled loops: once per machine they are compiled, which is not what is measured."""
    from murid.features import compute

    compute(poses.isel(time=slice(0, 100)), "a")


#: Name → (job, frames, repeats). Short jobs are repeated and the quickest counts.
TASKS = {
    "full set, both animals": (full_set, 600_000, 1),
    "full set, pair as 'all'": (together, 600_000, 1),
    "full set, 10 % of rows": (training_rows, 600_000, 1),
    "SimBA's set, 8 points": (simba_set, 15_000, 5),
    "wavelets, 10 channels": (wavelets, 60_000, 3),
    "zone masks, 5 zones": (zones, 600_000, 3),
}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(task: str, share: float, workers: int | None) -> dict[str, float]:
    """Run one task in this process."""
    prepare, frames, repeats = TASKS[task]
    frames = max(3000, int(frames * share))
    job = prepare(frames, workers)
    wall_s, cpu_s = np.inf, np.inf
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), _cpu()
        columns = job()
        wall_s, cpu_s = min(wall_s, time.perf_counter() - wall), min(cpu_s, _cpu() - cpu)
    # ru_maxrss is in bytes on macOS, in KiB elsewhere.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1 / 1024)
    return {"frames": frames, "columns": columns, "wall_s": wall_s, "cpu_s": cpu_s, "peak_gb": peak / 2**30}


def main() -> None:
    """Print one line a task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the frames (for a quick look)")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--task", choices=list(TASKS), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        print(json.dumps(measure(args.task, args.share, args.workers)))
        return
    cores = args.workers or len(os.sched_getaffinity(0))
    heads = (("frames", 9), ("columns", 9), ("wall s", 9), ("CPU s", 9), ("frames/s", 11), ("CPU us/frame", 14))
    print(f"{'task':<25}" + "".join(f"{name:>{width}}" for name, width in (*heads, ("peak GB", 9))))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for task in TASKS:
        command = [sys.executable, "-m", "benchmarks.features", "--task", task, "--share", str(args.share)]
        command += ["--workers", str(args.workers)] if args.workers else []
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        r = json.loads(done.stdout)
        print(
            f"{task:<25}{r['frames']:>9,}{r['columns']:>9,}{r['wall_s']:>9.2f}{r['cpu_s']:>9.2f}"
            f"{r['frames'] / r['wall_s']:>11,.0f}{1e6 * r['cpu_s'] / r['frames']:>14.1f}{r['peak_gb']:>9.2f}",
            flush=True,
        )
    print(f"{cores} threads; numpy {np.__version__}")


if __name__ == "__main__":
    main()
