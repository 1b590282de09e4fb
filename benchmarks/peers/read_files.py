"""Pose files read by murid, movement and sleap-io: do names, positions, confidences and times agree to the last bit?

``MURID_DATA=... python -m benchmarks.peers.read_files PYTHON`` with the Python of an environment that holds movement;
see README.md here. Prints a line for each file that differs, and the counts.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from murid import io
from murid.data.errors import DataError
from murid.io.registry import find

FPS = 25.0
#: murid's name of a format → that of movement.
SOFTWARE = {"dlc_csv": "DeepLabCut", "dlc_h5": "DeepLabCut", "sleap_slp": "SLEAP", "sleap_analysis": "SLEAP"}


def pose_files(data: Path, unpacked: Path) -> Iterator[tuple[Path, Path, str]]:
    """File, the same without gzip (movement reads no gzip), and its format."""
    for path in sorted(data.rglob("*")):
        if not path.name.endswith((".csv", ".csv.gz", ".h5", ".slp")):
            continue
        try:
            name = find("poses", path).name
        except DataError:
            continue
        if name not in SOFTWARE:
            continue
        plain = path
        if path.suffix == ".gz":
            plain = unpacked / "__".join(path.relative_to(data).with_suffix("").parts)
            with gzip.open(path) as source, plain.open("wb") as target:
                shutil.copyfileobj(source, target)
        yield path, plain, name


def differences(poses: xr.Dataset, peer: dict[str, np.ndarray]) -> list[str]:
    """What differs, after murid's stated rules.

    Positions are float32, points at exactly (0, 0) px are missing, scores above 1 are 1, and a track begins with the
    first frame that was looked at.
    """
    out = []
    people, points = (poses[d].values.astype(str).tolist() for d in ("individual", "keypoint"))
    if sorted(points) != sorted(peer["keypoint"].tolist()):
        return [f"keypoints {points} and {peer['keypoint'].tolist()}"]
    if len(people) != len(peer["individual"]):
        return [f"individuals {people} and {peer['individual'].tolist()}"]
    if people != peer["individual"].tolist():
        out.append(f"individuals {people} and {peer['individual'].tolist()}")
    frames = poses["frame"].values.astype(int)
    if len(peer["position"]) == frames[-1] + 1 > len(frames):
        peer = {**peer, **{name: peer[name][frames] for name in ("position", "confidence", "time")}}
    if poses.sizes["time"] != len(peer["position"]):
        return [*out, f"{poses.sizes['time']} and {len(peer['position'])} frames"]
    order = [peer["keypoint"].tolist().index(k) for k in points]
    position, confidence = peer["position"][:, :, order].astype(np.float32), peer["confidence"][:, order]
    corner = (position == 0).all(axis=1, keepdims=True)
    position = np.where(corner, np.nan, position)
    for name, ours, theirs in (
        ("position", poses["position"].values, position),
        ("confidence", poses["confidence"].values, np.minimum(confidence, 1).astype(np.float32)),
        ("time", poses["time"].values, peer["time"]),
    ):
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        if not same.all():
            first = tuple(int(i) for i in np.argwhere(~same)[0])
            out.append(f"{name}: {(~same).sum()} of {same.size}, first {first} {ours[first]!r} and {theirs[first]!r}")
    return out


def by_sleap_io(path: Path, poses: xr.Dataset) -> list[str]:
    """What sleap-io gives for a project of SLEAP of one film."""
    import sleap_io as sio

    labels = sio.load_file(str(path), open_videos=False)
    block = labels.numpy(return_confidence=True)  # (frame, track, node, x y score)
    frames = sorted(f.frame_idx for f in labels.labeled_frames)
    block = block[frames[0] : frames[-1] + 1] if len(block) > frames[-1] else block
    scores = np.minimum(block[..., 2], 1.0)  # murid: scores above 1 are 1
    peer = {
        "position": block[..., :2].transpose(0, 3, 2, 1),
        "confidence": np.where(np.isnan(block[..., 0]), np.nan, scores).transpose(0, 2, 1),
        "time": poses["time"].values,
        "keypoint": np.array([n.name for n in labels.skeleton.nodes]),
        "individual": np.array([t.name for t in labels.tracks] or poses["individual"].values.tolist()),
    }
    own = poses.assign(confidence=poses["confidence"].where(poses["position"].notnull().all("space")))
    return differences(own, peer)


def main() -> int:
    data = Path(os.environ["MURID_DATA"])
    python = sys.argv[1]
    counts = {"movement": [0, 0, 0], "sleap-io": [0, 0, 0]}
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        files = list(pose_files(data, work))
        listed = work / "list.json"
        listed.write_text(json.dumps([[str(plain), SOFTWARE[name], FPS] for _, plain, name in files]))
        script = Path(__file__).with_name("read_files_peer.py")
        subprocess.run([python, script, listed, work], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number, (path, _, name) in enumerate(files):
            poses = io.read_poses(path, fps=FPS)
            answer = work / f"{number}.npz"
            found = {"movement": ["refused: " + (work / f"{number}.txt").read_text()] if not answer.exists() else None}
            if answer.exists():
                with np.load(answer) as arrays:
                    found["movement"] = differences(poses, dict(arrays))
            if name == "sleap_slp":
                found["sleap-io"] = by_sleap_io(path, poses)
            for peer, faults in found.items():
                refused = bool(faults) and faults[0].startswith("refused")
                counts[peer][2 if refused else bool(faults)] += 1
                for fault in faults or ():
                    print(f"{peer}: {path.relative_to(data)}: {fault}", flush=True)
    for peer, (same, different, refused) in counts.items():
        print(f"{peer}: {same} files the same to the last bit, {different} different, {refused} it does not read")
    return 0


if __name__ == "__main__":
    sys.exit(main())
