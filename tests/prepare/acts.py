"""Cases of the parameters of `murid.prepare`."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

from murid import simulate
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.traces import make_traces
from murid.prepare import clean
from murid.prepare.cleaning import CleanParams
from murid.prepare.depth import DepthParams, extract
from murid.prepare.identity import IdentityParams, repair_identity
from murid.prepare.quality import QualityParams, assess_quality
from tests.parameter_cases import Acts
from tests.prepare.tracks import animals, with_position


@cache
def tracked(unit: str) -> xr.Dataset:
    """Noisy animals with points of every doubt: low confidence, at (0, 0), jumped, missing for short and long."""
    poses = animals(600, n_ind=1, noise=0.05, unit=unit)
    rng = np.random.default_rng(1)
    position, confidence = poses["position"].values.copy(), rng.uniform(0.3, 1.0, poses["confidence"].shape)
    size = 10.0 if unit == "px" else 1.0
    for at, cm in ((50, 1.2), (90, 2.0), (130, 30.0), (170, 7.5)):
        position[at, 0, 0] += cm * size
    position[200:203, :, 1], position[300:304, :, 1], position[400:412, :, 1] = np.nan, np.nan, np.nan
    position[500, :, 2], confidence[500] = 0, 0.9
    return with_position(poses, position).assign(confidence=(poses["confidence"].dims, confidence.astype(np.float32)))


def cleaned(p: CleanParams):
    return [clean(tracked(unit), p) for unit in ("cm", "px")]


@cache
def exchanged() -> xr.Dataset:
    """Two animals, exchanged and single keypoints exchanged, also after gaps of several lengths."""
    poses = animals(1500, n_ind=2, noise=0.02, seed=3)
    position = poses["position"].values.copy()
    for start, stop, unseen in ((200, 260, 0), (400, 480, 6), (600, 640, 11), (800, 900, 20)):
        position[start:stop] = position[start:stop, :, :, ::-1].copy()
        position[start - unseen : start] = np.nan
    for k, at in enumerate((1000, 1100, 1200)):
        position[at : at + 20, :, k] = position[at : at + 20, :, k, ::-1].copy()
    position[1300:1320] = position[1300:1320, :, :, ::-1].copy()
    position[1300:1320, :, 1:] = np.nan
    return with_position(poses, position)


@cache
def judged() -> Recording:
    """A recording with something of every fault, at or above the lower limit of its check."""
    made = simulate.recording("open_field", duration_s=60, fps=25, seed=2)
    poses = simulate.corrupt(made, seed=1, dropped=0.01, jumps_per_min=12.0).need("poses")
    position, confidence = poses["position"].values.copy(), poses["confidence"].values.copy()
    position[100:500, :, 0], position[900:1000] = np.nan, np.nan
    position[600:720, :, 1] = position[600, :, 1]
    confidence[np.random.default_rng(0).random(confidence.shape) < 0.2] = 0.4
    poses = with_position(poses, position).assign(confidence=(poses["confidence"].dims, confidence))
    signal = np.random.default_rng(1).normal(size=(700, 2))
    signal[:60, 1] = np.nan
    short = made.need("labels").bouts.iloc[[0, 1, 2]].assign(start_s=[10.0, 20.0, 30.0], stop_s=[10.02, 20.02, 45.0])
    scored = pd.DataFrame({"start_s": [5.0], "stop_s": [60.0], "rater": ["truth"], "stream": [""]})
    bouts = pd.concat([made.need("labels").bouts.query("start_s >= 5"), short])
    return made.replace(
        poses=poses.isel(time=slice(0, 1300)).assign_attrs(fps=25.2),
        traces=make_traces(signal, rate_hz=10),
        labels=Labels.from_bouts(bouts, scored=scored, fps=25.0),
    )


def verdicts(p: QualityParams):
    return [assess_quality(judged(), p), assess_quality(exchanged(), p)]


@cache
def depth_film():
    made = simulate.recording("open_field", duration_s=3, fps=10, seed=3)
    return np.stack(list(simulate.depth_frames(made, mm_per_px=3.0, seed=1)))


@cache
def pacing_film():
    """A bare ellipse that runs one way for 1 s and creeps back for 0.5 s, then leaves: its way says where it looks."""
    place = np.concatenate([20 + np.arange(20) * 5.0 / 3, 20 + 19 * 5 / 3 - np.arange(1, 11) / 3])
    y, x = np.mgrid[:40, :80]
    film = np.full((100, 40, 80), 670, np.uint16)
    for t, at in enumerate(place):
        film[t][((x - at) / 10) ** 2 + ((y - 20) / 5) ** 2 < 1] = 650
    return film


def crops(p: DepthParams):
    films = ((depth_film(), 10.0), (pacing_film(), 20.0))
    return [extract(film, np.arange(len(film)) / rate, p) for film, rate in films]


CASES = {
    CleanParams: Acts(
        cleaned,
        {
            "min_confidence": 0.9,
            "zero_is_missing": False,
            "jumps": False,
            "max_speed_cm_s": 20.0,
            "max_speed_body": 3.0,
            "jump_slack_cm": 50.0,
            "jump_slack_body": 5.0,
            "max_gap_s": 0.05,
            "fill": "linear",
            "smoothing": "savgol",
            "window_s": 0.4,
            "savgol_order": 3,
            "kalman_model": "ca",
            "kalman_noise_ratio": 10.0,
        },
        given={
            "zero_is_missing": {"jumps": False},
            "savgol_order": {"smoothing": "savgol", "window_s": 0.4},
            "kalman_model": {"smoothing": "kalman"},
            "kalman_noise_ratio": {"smoothing": "kalman"},
        },
    ),
    DepthParams: Acts(
        crops,
        {
            "mm_per_px": 2.0,
            "min_height_mm": 15.0,
            "max_height_mm": 28.0,
            "tail_mm": 0.0,
            "crop_mm": 100.0,
            "crop_px": 40,
            "min_area_mm2": 1100.0,
            "walking_mm_s": 10.0,
            "n_background": 1,
        },
        base={"mm_per_px": 3.0},
    ),
    IdentityParams: Acts(
        lambda p: list(repair_identity(exchanged(), p)),
        {
            "margin": 5.0,
            "margin_rate": 40.0,
            "max_gap_s": 0.1,
            "min_confidence": 0.99,
            "min_keypoints": 1,
            "parts": False,
        },
    ),
    QualityParams: Acts(
        verdicts,
        {
            "min_confidence": 0.3,
            "missing": (90.0, 95.0),
            "low_confidence": (90.0, 95.0),
            "jumps_per_min": (900.0, 901.0),
            "frozen_s": 10.0,
            "frozen": (90.0, 91.0),
            "gap_s": (50.0, 60.0),
            "swaps_per_min": (90.0, 91.0),
            "rate": (50.0, 60.0),
            "dropped": (50.0, 60.0),
            "signal": (90.0, 91.0),
            "overhang_s": (50.0, 60.0),
            "short_bouts": (99.0, 100.0),
            "overlap_s": (50.0, 60.0),
            "not_scored": (99.0, 100.0),
        },
    ),
}
