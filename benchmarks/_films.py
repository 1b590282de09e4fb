"""Recordings with video for the benchmarks of selfee and behavenet, and how a video method is measured."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import murid
from benchmarks._known import as_text, known, readout_r2
from murid import simulate
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.data.video import Video
from murid.evaluate.latent import linear_probe

DATA = Path(os.environ.get("MURID_DATA", "../shared/data"))
BEHAVIOURS = ("walk", "turn", "rest", "rear", "groom")
REAL = ("vame_clip", "openfield_pose", "mirror_mouse")
#: What a real video needs beside the defaults: 4 s at 250 frames/s of a head-fixed mouse.
NEEDS: dict[str, dict[str, Any]] = {"mirror_mouse": {"rate_hz": 125.0, "lags_s": 0.02, "smooth_s": 0.02, "gap_s": 0.1}}


def simulated(folder: Path, n: int, seconds: float, seed: int = 0) -> list[tuple[Recording, np.ndarray]]:
    """Filmed animals (25 frames/s, 4 px a cm) and what they do in each frame."""
    out = []
    for k in range(n):
        made = simulate.recording(
            duration_s=seconds, fps=25, behaviours=BEHAVIOURS, seed=seed + k, px_per_cm=4, id=f"s{k}", animal=f"s{k}"
        )
        film = simulate.video(made, folder / f"s{k}.mp4")
        out.append((made.replace(video=film, labels=None), simulate.true_states(made).values[:, 0]))
    return out


def real(name: str) -> Recording:
    """Return one of the real videos; `vame_clip` has poses."""
    if name == "vame_clip":
        poses = murid.io.read_poses(DATA / "vame_clip" / "cropped_video.csv.gz", fps=25)
        return Recording(name, video=Video(DATA / "vame_clip" / "cropped_video.mp4"), poses=poses)
    path = {"openfield_pose": "m3v1mp4.mp4", "mirror_mouse": "test_vid.mp4"}[name]
    return Recording(name, video=Video(DATA / name / "videos" / path))


def fitted(name: str, recordings: list[Recording], **params: Any) -> tuple[Any, float, float]:
    """Return the fitted method, CPU seconds and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    with silent():
        method = murid.method(name, **params).fit(recordings)
    return method, time.process_time() - cpu, time.perf_counter() - wall


def probe(features: list[np.ndarray], codes: list[np.ndarray], n_test: int) -> dict[str, Any]:
    """Read behaviour from features of unseen animals (the last `n_test`) by a linear classifier."""
    train = np.concatenate(features[:-n_test]), np.concatenate(codes[:-n_test])
    return linear_probe(train, (np.concatenate(features[-n_test:]), np.concatenate(codes[-n_test:])))


def real_line(name: str, method: Any, cpu: float, wall: float, more: str) -> str:
    """Return one line about a fit to a real video: its cost, and how well its features predict known quantities."""
    recording = real(name)
    bouts = np.diff(np.flatnonzero(np.diff(method.apply(recording)["states"].values[:, 0])))
    rate = recording.video.fps
    scores = readout_r2(method.features(recording).values[:, 0], known(recording), rate, 0.5 if rate < 100 else 0.05)
    return line(name, method, cpu, wall, f"{more}, {len(bouts)} bouts; {as_text(scores)}")


def line(label: str, method: Any, cpu: float, wall: float, more: str = "") -> str:
    """Return one line about a fit: rows, epochs, speed, memory and seconds."""
    e = {**method.facts["evidence"], **method.cost}
    return (
        f"{label:28s} {e['rows']:6d} rows {e['epochs']:4d} epochs {e['samples_per_s']:6.0f} samples/s "
        f"{e['memory_mb']:5.0f} MB  CPU {cpu:5.0f} s  wall {wall:5.0f} s  {method.n_motifs:2d} states  {more}"
    )
