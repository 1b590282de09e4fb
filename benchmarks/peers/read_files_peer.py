"""What movement reads in pose files, for ``benchmarks/peers/read_files.py``, which hands over the list; see README.md.

``python read_files_peer.py LIST.json OUT`` reads each file of the list and writes ``OUT/<number>.npz``, or the error.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from movement.io import load_poses


def main() -> None:
    out = Path(sys.argv[2])
    for number, (path, software, fps) in enumerate(json.loads(Path(sys.argv[1]).read_text())):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = load_poses.from_file(path, source_software=software, fps=fps)
        except Exception as exc:  # what a peer cannot read is part of the answer
            (out / f"{number}.txt").write_text(f"{type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}")
            continue
        data = data.transpose("time", "space", "keypoints", "individuals")
        np.savez(
            out / f"{number}.npz",
            position=data["position"].values,
            confidence=data["confidence"].values,
            time=data["time"].values,
            keypoint=np.array([str(k) for k in data["keypoints"].values]),
            individual=np.array([str(i) for i in data["individuals"].values]),
        )


if __name__ == "__main__":
    main()
