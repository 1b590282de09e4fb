"""Names of look-alike rats: what `repair_identity` changes on 48 sessions, and which planted swaps it finds.

``python -m benchmarks.identity [session ...]``. Printed are the namings changed, frame-to-frame steps over 200 and
50 px before and after renaming and cleaning, and, of 40 swaps planted a session where the rats are half a body length
apart or more (those less than a second behind another one left out), how many are found at their very frame, with how
many false ones.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import xarray as xr

import murid
from benchmarks._outcome import data_dir
from murid.prepare import clean, repair_identity, typical_body_length
from murid.prepare.jumps import count_jumps

FPS, SESSIONS = 24, range(1, 49)


def long_steps(poses: xr.Dataset, px: float) -> int:
    """Frame-to-frame steps longer than `px`."""
    return int(count_jumps(poses["position"].values, poses["time"].values, 0.0, px, 1.01 / FPS).sum())


def planted(poses: xr.Dataset) -> tuple[int, int, int]:
    """Swaps planted, found, and found where none is and none was said before."""
    x = poses["position"].values
    shown = np.isfinite(x[:, 0]).all(axis=2).sum(axis=1) >= 3
    distance = np.linalg.norm(x[..., 0] - x[..., 1], axis=1)
    seen = np.isfinite(distance)
    apart = np.where(seen, distance, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    good = np.flatnonzero(shown[1:] & shown[:-1] & (apart[1:] > 0.5 * typical_body_length(poses))) + 1
    starts = np.sort(np.random.default_rng(0).choice(good, min(40, len(good)), replace=False))
    starts = starts[np.insert(np.diff(starts) > FPS, 0, True)]
    bad = x.copy()
    for start in starts:
        bad[start:] = bad[start:, ..., ::-1].copy()
    swaps = repair_identity(poses.assign(position=(poses["position"].dims, bad)))[1]
    quiet, found = (set(t.query("what == 'animal'")["frame"]) for t in (repair_identity(poses)[1], swaps))
    return len(starts), len(set(starts) & found), len(found - set(starts) - quiet)


def row(session: int) -> dict[str, int]:
    """Counts of one session."""
    (path,) = (data_dir() / "rat_social" / "poses").glob(f"{session}DLC_*.csv.gz")
    poses = murid.read_poses(path, fps=FPS)
    repaired, swaps = repair_identity(poses)
    cleaned, both = clean(poses), clean(repaired)
    names = dict(zip(("planted", "found", "false"), planted(repaired), strict=True))
    return {
        "frames": poses.sizes["time"],
        "animals": int((swaps["what"] == "animal").sum()),
        "keypoints": int((swaps["what"] != "animal").sum()),
        "over200": long_steps(poses, 200),
        "over200_named": long_steps(repaired, 200),
        "over200_both": long_steps(both, 200),
        "over50_cleaned": long_steps(cleaned, 50),
        "over50_both": long_steps(both, 50),
        **names,
    }


def main() -> None:
    """Print the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sessions", nargs="*", type=int, default=list(SESSIONS))
    cpu, total = time.process_time(), {}
    for session in parser.parse_args().sessions:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # points at (0, 0), and no scale
            for key, value in row(session).items():
                total[key] = total.get(key, 0) + value
    print("  ".join(f"{key} {value}" for key, value in total.items()))
    print(f"{time.process_time() - cpu:.0f} CPU-s")


if __name__ == "__main__":
    main()
