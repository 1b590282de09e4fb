"""Files read by murid, movement, sleap-io and pynapple: are names, values and times the same to the last bit?

``MURID_DATA=... python -m benchmarks.peers.read_files [PYTHON]`` in an environment that holds them, or with the Python
of one that holds movement; see README.md here. Prints a line for each file that differs, and the counts.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid import io
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.traces import Spikes
from murid.io.registry import find

FPS = 25.0
#: pynapple counts nanoseconds; older releases round to them.
GRID_S = 0.5e-9
#: murid's name of a format → those of movement, in the order in which they are tried. "pandas": a file that movement
#: does not know goes to it as a table that pandas has opened.
SOFTWARE = {
    "dlc_csv": ("DeepLabCut", "LightningPose", "pandas"),
    "dlc_h5": ("DeepLabCut", "pandas"),
    "sleap_slp": ("SLEAP",),
    "sleap_analysis": ("SLEAP",),
    "movement": ("netCDF",),
}
THROUGH = "movement, opened by pandas"
#: Peer → file below the data folder → what differs, or why it is not read.
Answers = dict[str, dict[str, list[str]]]


def pose_files(data: Path, unpacked: Path) -> Iterator[tuple[Path, Path, str]]:
    """File, the same without gzip (movement reads no gzip), and its format."""
    for path in sorted(data.rglob("*")):
        if not path.name.endswith((".csv", ".csv.gz", ".h5", ".slp", ".nc")):
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


def compare_poses(data: Path, python: str = sys.executable) -> Answers:
    """Read every pose file of a folder with murid, movement (of that Python) and sleap-io."""
    found: Answers = {"movement": {}, THROUGH: {}, "sleap-io": {}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = Path(folder)
        files = list(pose_files(data, work))
        listed = work / "list.json"
        listed.write_text(json.dumps([[str(plain), SOFTWARE[name], FPS] for _, plain, name in files]))
        script = Path(__file__).with_name("read_files_peer.py")
        subprocess.run([python, script, listed, work], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number, (path, _, name) in enumerate(files):
            poses = io.read_poses(path, **({} if name == "movement" else {"fps": FPS}))
            answer, short = work / f"{number}.npz", str(path.relative_to(data))
            if answer.exists():
                with np.load(answer) as arrays:
                    peer = dict(arrays)
                who = THROUGH if peer["by"] == "pandas" else "movement"
                found[who][short] = differences(poses, peer)
            else:
                found["movement"][short] = [f"refused: {(work / f'{number}.txt').read_text()}"]
            if name == "sleap_slp":
                found["sleap-io"][short] = by_sleap_io(path, poses)
    return found


#: Signals, spikes and labels of the data folder, and how they are opened.
SIGNALS: tuple[tuple[str, Callable[..., object], dict[str, object]], ...] = (
    ("photometry_epm/F0002_epm_30fps.csv.gz", io.read_traces, {"kind": "photometry"}),
    ("pyphotometry/*.ppd.gz", io.read_traces, {}),
    (
        "silva2021/reference_output/*PhotFreezeTable.csv.gz",
        io.read_traces,
        {"time": "time_ext", "units": ["dF_405", "dF_465"]},
    ),
    ("placecell/*/reference.pcellbundle/traces.nc", io.read_traces, {"time": "frame", "rate_hz": 20}),
    ("social_units/*/*.mat", io.read_spikes, {}),
    ("rat_social/annotations/*.txt", io.read_labels, {"fps": 24}),
    ("calms21_excerpt/asoid*.csv.gz", io.read_labels, {"fps": 30}),
    ("oft_pose_fixture/*_A_*[0-9].csv", io.read_labels, {"fps": 25}),
)


def compare_signals(data: Path) -> Answers:
    """Give signals, spikes and bouts to pynapple, let it save them, and read back what it wrote with both.

    Values, names and counts to the last bit; times to the last bit, or the nanosecond to which older releases of
    pynapple round.
    """
    found: Answers = {"pynapple": {}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pattern, read, options in SIGNALS:
            for path in sorted(data.glob(pattern)):
                thing = read(path, **options)
                check = {Labels: _bouts_differ, Spikes: _spikes_differ}.get(type(thing), _traces_differ)
                found["pynapple"][str(path.relative_to(data))] = check(thing, Path(folder) / "saved")
    return found


def _same_times(ours: object, theirs: object) -> bool:
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    return ours.shape == theirs.shape and bool((np.abs(ours - theirs) <= GRID_S).all())


def _traces_differ(traces: xr.DataArray, saved: Path) -> list[str]:
    import pynapple as nap

    io.to_pynapple(traces).save(str(saved))
    file = saved.with_suffix(".npz")
    units = [str(u) for u in traces["unit"].values]
    out = []
    for who, other in (
        ("pynapple", io.from_pynapple(nap.load_file(str(file)))),
        ("murid", io.read_traces(file, units=units)),
    ):
        if not np.array_equal(other.values, traces.values, equal_nan=True):
            out.append(f"values as {who} reads them")
        if not _same_times(traces["time"], other["time"]):
            out.append(f"time as {who} reads it")
        if [str(u) for u in other["unit"].values] != units:
            out.append(f"units as {who} reads them: {other['unit'].values.tolist()[:3]}")
    return out


def _spikes_differ(spikes: Spikes, saved: Path) -> list[str]:
    import pynapple as nap

    io.to_pynapple(spikes).save(str(saved))
    file = saved.with_suffix(".npz")
    out = []
    # Units of pynapple have numbers; their names are metadata.
    for who, other in (("pynapple", io.from_pynapple(nap.load_file(str(file)))), ("murid", io.read_spikes(file))):
        times = list(other.times_s.values())
        if len(times) != len(spikes.units):
            out.append(f"{len(spikes.units)} and {len(times)} units as {who} reads them")
        elif not all(map(_same_times, spikes.times_s.values(), times)):
            out.append(f"times as {who} reads them")
    return out


def _bouts_differ(labels: Labels, saved: Path) -> list[str]:
    import pynapple as nap

    out = []
    bouts = labels.bouts[labels.bouts["stop_s"] > labels.bouts["start_s"]]
    for (stream, label), rows in bouts.groupby(["stream", "label"]):
        for _, group in _apart(rows):
            io.to_pynapple(group)[label].save(str(saved))
            there = nap.load_file(str(saved.with_suffix(".npz")))
            if not _same_times(group[["start_s", "stop_s"]], there.values):
                out.append(f"bouts of {label} {stream}")
    return out


def _apart(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Bouts of one label, every second one apart: those that touch would be one interval in pynapple."""
    rows = rows.sort_values(["start_s", "stop_s"])
    yield from ((k, rows.iloc[k::2]) for k in (0, 1) if len(rows) > k)


def main() -> int:
    data = Path(os.environ["MURID_DATA"])
    answers = compare_poses(data, *sys.argv[1:2])
    if importlib.util.find_spec("pynapple"):
        answers |= compare_signals(data)
    for peer, files in answers.items():
        refused = [f for f, faults in files.items() if faults and faults[0].startswith("refused")]
        different = [f for f, faults in files.items() if faults and f not in refused]
        for file in (*different, *refused):
            for fault in files[file]:
                print(f"{peer}: {file}: {fault}", flush=True)
        same = len(files) - len(different) - len(refused)
        print(f"{peer}: {same} files the same to the last bit, {len(different)} different, {len(refused)} not read")
    return 0


if __name__ == "__main__":
    sys.exit(main())
