"""Seconds of a warm fit with 50,000 labelled frames, of a queue, and of applying a model to a new recording.

``python -m benchmarks.label_queue [frames]``
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from murid import simulate
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.methods import method
from murid.methods.supervised.label_queue import candidates, propose
from murid.methods.supervised.quick_refit import Warm


def longer(recording: Recording, times: int) -> Recording:
    """The same recording several times in a row: as much to learn from, quickly made."""
    poses, truth = recording.poses, simulate.true_states(recording)
    position = np.tile(poses["position"].values, (times, 1, 1, 1))
    wobble = np.random.default_rng(0).normal(0, 0.02, position.shape)
    long = make_poses(
        position + wobble, keypoints=poses["keypoint"].values, individuals=poses["individual"].values, fps=25, unit="cm"
    )
    states = make_states(np.tile(truth.values, (times, 1)), long["time"].values, truth.attrs["behaviours"], ["mouse_1"])
    return recording.replace(poses=long, labels=Labels.from_states(states), zones=None)


def clock(text: str, function, *args):
    """Run, and print the seconds."""
    start = time.perf_counter()
    value = function(*args)
    print(f"{text:<44s} {time.perf_counter() - start:6.2f} s", flush=True)
    return value


def main(frames: int = 50_000) -> None:
    """Print the table."""
    short = [
        simulate.recording(duration_s=100, fps=25, seed=k, id=f"r{k}", animal=f"a{k}", unit="cm") for k in range(5)
    ]
    times = max(1, round(frames / 8.33 / 100 / 4))
    pool = [longer(r, times) for r in short[:4]]
    few = dict(behaviours=("rear", "groom", "walk", "freeze"), trees=dict(n_trees=60, n_threads=2), context_s=())
    bare = [r.replace(zones=None) for r in short[:4]]
    model = clock("full fit, 4 x 100 s, 60 trees", lambda: method("gbdt", **few).fit(bare))
    print(f"{len(model.model.feature_names)} features, {len(model.model.behaviours)} behaviours")
    warm = Warm(model)
    clock(f"feature tables of {4 * times * 100 / 60:.0f} min of recording", warm.keep, pool)
    n = sum(t.sizes["time"] for t in warm.tables.values())
    fitted = clock(f"warm fit, {n:,} labelled frames", warm.refit, pool)
    clock("warm fit again", warm.refit, pool)
    found = clock("candidates", lambda: [candidates(fitted, r.replace(labels=None), tables=warm.tables) for r in pool])
    clock("queue of 20", propose, found)
    new = longer(short[4], 6).replace(labels=None)
    clock("apply to 10 min, 15,000 frames", fitted.apply, new)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=int, nargs="?", default=50_000, help="labelled frames")
    main(parser.parse_args().frames)
