"""SLEAP project files (.slp), through sleap-io."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean, fail, require
from murid.data.poses import make_poses
from murid.io.files import Head, check_file, choose, resolve_fps
from murid.io.poses._columns import ONLY
from murid.io.registry import pose_reader


def _is_slp(head: Head) -> bool:
    return {"frames", "instances", "pred_points", "metadata"} <= set(head.hdf5)


@pose_reader(
    "sleap_slp",
    (".slp",),
    sniff=_is_slp,
    fps="required unless the project states it",
    about="SLEAP project (needs the extra 'sleap')",
)
def read_sleap_slp(
    path: Path,
    *,
    fps: float | None = None,
    individuals: Sequence[str] | None = None,
    unit: str = "px",
    video: str | None = None,
) -> xr.Dataset:
    """Read the tracks of one video of a SLEAP project.

    Parameters
    ----------
    path : path
        ``.slp`` file.
    fps : float, optional
        Frames/s; some projects state it.
    individuals : sequence of str, optional
        Tracks to keep.
    unit : str
        Unit of the coordinates.
    video : str, optional
        File name of the video, when the project holds several.

    Returns
    -------
    Dataset
        Poses from the first to the last labelled frame; ``time`` is that of the video
        (``frame / fps``). Frames between that nobody labelled are NaN. In a frame where a track has
        both, the human's instance goes before the predicted one. Scores above 1 are set to 1.

    Raises
    ------
    DataError
        When a frame holds several instances without a track: identities are not known.
    """
    sio = require("sleap_io", "sleap")
    try:
        labels = sio.load_slp(str(check_file(path)), open_videos=False)
    except Exception as exc:  # sleap-io passes on whatever h5py or json raised
        fail(
            str(path),
            "cannot be read as a SLEAP project",
            got=f"{type(exc).__name__}: {str(exc).splitlines()[0]}",
            expected="a complete .slp file",
            todo="the file is cut off or of another format",
        )
    chosen = _video(path, labels, video)
    labelled = sorted(
        (f for f in labels.labeled_frames if f.video is chosen and f.instances), key=lambda f: f.frame_idx
    )
    if not labelled:
        fail(str(path), "no frame is labelled", expected="at least one instance", todo="run inference first")
    points = [str(n) for n in labels.skeletons[0].node_names]
    people = [str(t.name) for t in labels.tracks] or [ONLY]
    first, last = int(labelled[0].frame_idx), int(labelled[-1].frame_idx)
    data = np.full((last - first + 1, len(people), len(points), 3), np.nan, np.float32)
    faults = Faults(str(path))
    for frame in labelled:
        _place(data[int(frame.frame_idx) - first], frame, people, faults)
        if len(faults.items) >= 5:
            break
    faults.raise_if_any()
    keep = _keep(path, people, individuals)
    frames = np.arange(first, last + 1)
    rate = resolve_fps(path, fps, _stated_fps(chosen), "SLEAP")
    out = make_poses(
        data[:, keep][..., :2].transpose(0, 3, 2, 1),
        np.minimum(data[:, keep][..., 2], 1.0).transpose(0, 2, 1),
        keypoints=points,
        individuals=[people[i] for i in keep],
        time_s=frames / rate,
        frames=frames,
        unit=unit,
        source_software="SLEAP",
        source_file=str(path),
        video=str(chosen.filename),
    )
    out.attrs["fps"] = rate
    return out


def _video(path: Path, labels: Any, wanted: str | None) -> Any:
    used = list({id(f.video): f.video for f in labels.labeled_frames}.values()) or list(labels.videos)
    names = _telling([str(v.filename) for v in used])
    if wanted in [str(v.filename) for v in used]:
        wanted = names[[str(v.filename) for v in used].index(str(wanted))]
    return used[names.index(choose(path, "video", names, wanted, "video"))]


def _telling(files: Sequence[str]) -> list[str]:
    """File names, with as many folders as it takes to tell them apart."""
    parts = [PurePosixPath(f.replace("\\", "/")).parts for f in files]
    depth = 1
    while len({p[-depth:] for p in parts}) < len(set(parts)) and depth < max(map(len, parts)):
        depth += 1
    return ["/".join(p[-depth:]) for p in parts]


def _stated_fps(video: Any) -> float | None:
    value = (video.backend_metadata or {}).get("fps")
    return float(value) if value else None


def _place(block: np.ndarray, frame: Any, people: Sequence[str], faults: Faults) -> None:
    """Write the instances of one frame into (individual, keypoint, x y score)."""
    loose = [i for i in frame.instances if i.track is None]
    if len(loose) > 1 or (loose and len(people) > 1):
        faults.add(
            "instances without a track: who is who is not known",
            where=f"frame {frame.frame_idx}",
            got=f"{len(loose)} such instances",
            todo="run tracking in SLEAP, then save again",
        )
        return
    # Predicted first, so that a human's correction overwrites it.
    for instance in sorted(frame.instances, key=lambda i: hasattr(i, "score"), reverse=True):
        row = 0 if instance.track is None else people.index(str(instance.track.name))
        block[row, :, :2] = instance.numpy()
        block[row, :, 2] = instance.points["score"] if "score" in (instance.points.dtype.names or ()) else np.nan


def _keep(path: Path, people: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    faults = Faults(str(path))
    for name in wanted or ():
        if name not in people:
            faults.add(f"no track '{name}'", todo=did_you_mean(str(name), people))
    faults.raise_if_any()
    return [list(people).index(n) for n in wanted or people]
