"""How wrong a tracker is at each confidence, measured against keypoints that somebody placed by hand.

After the noise calibration of keypoint-MoSeq (Weinreb et al. 2024): errors of the tracker on some frames against its
confidence there. The keypoint SLDS takes both numbers that come out of it, in place of a slope that holds for no
tracker in particular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.body_scale import typical_body_length
from murid.data.clock import nearest_sample, rate_of
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import keypoints_and_roles
from murid.data.poses import keypoint_names
from murid.data.warning import warn_user

#: Confidence counts as this at least, as in the SLDS.
LEAST_CONFIDENCE = 1e-3
#: Fewest placed keypoints for a curve, and for a noise of one keypoint's own.
LEAST_PLACED, LEAST_OF_ONE = 30, 20
#: Steepest slope that is looked for.
STEEPEST = -5.0


@dataclass(frozen=True)
class TrackerNoise:
    """Noise of a tracker: ``noise * confidence ** confidence_slope`` along each axis.

    Attributes
    ----------
    noise : float
        Standard scale along one axis at confidence 1, in the unit of the poses.
    confidence_slope : float
        At most 0.
    noise_interval, slope_interval : (float, float)
        95 %, by bootstrap over frames.
    noise_dof : float
        Degrees of freedom of the heavy tails that were assumed.
    points : DataFrame
        One row a keypoint: ``keypoint, n, noise`` (NaN for fewer than 20 placed), ``noise_body_lengths``.
    by_confidence : DataFrame
        One row a tenth of the confidences: ``low, high, n, error`` (median distance), ``expected`` (the same by the
        curve), in the unit of the poses.
    body_length : float
        In the unit of the poses; NaN where none can be measured.
    unit : str
    point_names : dict of str to str
        Keypoint → name of the point in a model: its role, or its own name where fewer than two roles are known.
    """

    noise: float
    confidence_slope: float
    noise_interval: tuple[float, float]
    slope_interval: tuple[float, float]
    noise_dof: float
    points: pd.DataFrame
    by_confidence: pd.DataFrame
    body_length: float
    unit: str
    point_names: dict[str, str] = field(default_factory=dict)

    def params(self, *, each_point: bool = False) -> dict[str, Any]:
        """Return ``noise, noise_dof, confidence_slope`` (and ``point_noise``) for the parameters of `moseq`.

        Parameters
        ----------
        each_point : bool
            Also the noise of each keypoint with enough placed frames, by the name of the point in a model.

        Raises
        ------
        DataError
            Without a body length, of which the parameters are shares.
        """
        if not np.isfinite(self.body_length):
            fail(
                "tracker noise",
                "no body length could be measured, and the parameters of a model are shares of it",
                expected="two trunk keypoints seen together",
                got=f"noise of {self.noise:.3g} {self.unit}",
                todo="say which keypoint is what: noise_of_placed(..., roles=...)",
            )
        settings: dict[str, Any] = {
            "noise": self.noise / self.body_length,
            "noise_dof": self.noise_dof,
            "confidence_slope": self.confidence_slope,
        }
        if each_point:
            known = self.points.dropna()
            settings["point_noise"] = {
                self.point_names.get(str(k), str(k)): float(v)
                for k, v in zip(known["keypoint"], known["noise_body_lengths"], strict=True)
            }
        return settings


def noise_of_placed(
    poses: xr.Dataset,
    placed: pd.DataFrame,
    roles: Mapping[str, str] | None = None,
    *,
    noise_dof: float = 5.0,
    bootstraps: int = 200,
    seed: int = 0,
) -> TrackerNoise:
    """Compare tracked keypoints with placed ones.

    Parameters
    ----------
    poses : Dataset
        What the tracker says, not cleaned, with its confidence.
    placed : DataFrame
        One row a keypoint placed by hand: ``frame`` (as in the poses) or ``time_s``, ``keypoint``, ``x``, ``y`` (``z``)
        in the unit of the poses, and ``individual`` where there are several. Rows without a place are left out.
    roles : mapping of role to keypoint, optional
        Those of the recording (`Recording.roles`), beside the ones that names tell. The noise itself needs none; body
        length and names of the points are then those of a model that is fitted to the recording.
    noise_dof : float
        Degrees of freedom of the noise, as in the SLDS: errors are drawn from a t distribution with them, so that a
        few gross errors do not count as width.
    bootstraps, seed : int
        Samples of frames for the intervals.

    Raises
    ------
    DataError
        For names, frames or columns that the poses do not have, and for fewer than 30 keypoints that were both placed
        and tracked.

    Notes
    -----
    The scatter of the human hand counts as noise of the tracker. Errors that last (a keypoint that always lies too
    far back) count too, although no averaging over frames removes them: the noise is therefore not divided where a
    method averages frames.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(0, 50, (400, 2, 3, 1))
    >>> sure = rng.uniform(0.1, 1, (400, 3, 1))
    >>> seen = true + rng.normal(0, 2, true.shape) / sure[:, None]
    >>> poses = make_poses(seen, sure, keypoints=["nose", "centre", "tail_base"], fps=30)
    >>> rows = [(f, k, *true[f, :, j, 0]) for f in range(400) for j, k in enumerate(["nose", "centre", "tail_base"])]
    >>> found = noise_of_placed(poses, pd.DataFrame(rows, columns=["frame", "keypoint", "x", "y"]), noise_dof=1000)
    >>> abs(found.noise - 2) < 0.2, abs(found.confidence_slope + 1) < 0.1
    (True, True)
    """
    table = _errors(poses, placed)
    if len(table) < LEAST_PLACED:
        fail(
            "tracker noise",
            "too few keypoints were both placed and tracked",
            expected=f"at least {LEAST_PLACED}",
            got=str(len(table)),
            todo="place more, on frames of low confidence too: frames_to_place",
        )
    n_space = poses.sizes["space"]
    error, sure = table["error"].to_numpy(), table["confidence"].to_numpy()
    steady = np.ptp(np.log(sure)) < 1e-6
    if steady:
        warn_user(
            "tracker noise: all placed keypoints have one confidence; how noise grows with it is unknown: slope 0"
        )
    scale, slope = _curve(error, sure, n_space, noise_dof, steady)
    intervals = _intervals(table, n_space, noise_dof, steady, bootstraps, seed)
    used = keypoints_and_roles(poses, roles, needed=False)
    # As motif methods name points: by roles where there are two, else by the keypoints' own names.
    used = used if len(used) >= 2 else {name: name for name in keypoint_names(poses)}
    length = typical_body_length(poses, used)
    return TrackerNoise(
        noise=scale,
        confidence_slope=slope,
        noise_interval=intervals[0],
        slope_interval=intervals[1],
        noise_dof=noise_dof,
        points=_of_points(table, slope, n_space, noise_dof, length),
        by_confidence=_by_confidence(table, scale, slope, n_space, noise_dof),
        body_length=length,
        unit=str(poses.attrs.get("unit", "px")),
        point_names={keypoint: role for role, keypoint in used.items()},
    )


def frames_to_place(poses: xr.Dataset, n: int = 50, *, seed: int = 0) -> pd.DataFrame:
    """Choose keypoints to place by hand, evenly over the range of confidence: most frames are sure ones.

    Parameters
    ----------
    poses : Dataset
    n : int
        Keypoints, one a frame where there are enough frames.
    seed : int

    Returns
    -------
    DataFrame
        ``frame, time_s, individual, keypoint, confidence``, by frame.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> rng = np.random.default_rng(0)
    >>> sure = np.where(rng.random((500, 2, 1)) < 0.02, 0.1, 0.99)
    >>> poses = make_poses(rng.normal(size=(500, 2, 2, 1)), sure, keypoints=["nose", "rump"], fps=30)
    >>> bool((frames_to_place(poses, 20)["confidence"] < 0.5).sum() >= 5)
    True
    """
    rng = np.random.default_rng(seed)
    sure = poses["confidence"].transpose("time", "keypoint", "individual").values
    seen = np.isfinite(poses["position"].transpose("time", "keypoint", "individual", "space").values).all(axis=3)
    rows = np.argwhere(np.isfinite(sure) & seen)
    if not len(rows):
        fail(
            "tracker noise",
            "no keypoint has a confidence",
            todo="poses of a tracker that gives none cannot be calibrated",
        )
    level = np.log(np.maximum(sure[tuple(rows.T)], LEAST_CONFIDENCE))
    edges = np.linspace(level.min(), level.max() + 1e-9, 11)
    group = np.clip(np.digitize(level, edges) - 1, 0, 9)
    order = rng.permutation(len(rows))
    turn = np.empty(len(rows), int)
    for g in range(10):
        own = order[group[order] == g]
        turn[own] = np.arange(len(own))
    chosen: list[int] = []
    taken: set[int] = set()
    for k in order[np.argsort(turn[order], kind="stable")]:
        if int(rows[k, 0]) not in taken:
            chosen.append(int(k))
            taken.add(int(rows[k, 0]))
        if len(chosen) == n:
            break
    at = rows[chosen]
    table = pd.DataFrame(
        {
            "frame": _frames(poses)[at[:, 0]],
            "time_s": poses["time"].values[at[:, 0]],
            "individual": poses["individual"].values[at[:, 2]].astype(str),
            "keypoint": poses["keypoint"].values[at[:, 1]].astype(str),
            "confidence": sure[tuple(at.T)],
        }
    )
    return table.sort_values("frame", ignore_index=True)


# ---- errors -----------------------------------------------------------------------------------------
def _errors(poses: xr.Dataset, placed: pd.DataFrame) -> pd.DataFrame:
    """Rows that were placed and tracked: ``row, keypoint, error, confidence``."""
    axes = [str(a) for a in poses["space"].values]
    keypoints, people = keypoint_names(poses), [str(i) for i in poses["individual"].values]
    faults = Faults("placed keypoints")
    for name in ("keypoint", *axes):
        if name not in placed:
            faults.add(f"no column '{name}'", got=", ".join(map(str, placed.columns)))
    if "frame" not in placed and "time_s" not in placed:
        faults.add("no column 'frame' or 'time_s'", got=", ".join(map(str, placed.columns)))
    if "individual" not in placed and len(people) > 1:
        faults.add("no column 'individual'", expected=f"one of {', '.join(people)}")
    for column, known in (("keypoint", keypoints), ("individual", people)):
        for name in placed[column].astype(str).unique() if column in placed else ():
            if name not in known:
                faults.add(
                    f"no {column} '{name}' in the poses", expected=", ".join(known), todo=did_you_mean(name, known)
                )
    faults.raise_if_any()
    placed = placed.dropna(subset=axes)
    time = _rows_of(poses, placed)
    point = placed["keypoint"].astype(str).map(keypoints.index).to_numpy()
    person = (
        placed["individual"].astype(str).map(people.index).to_numpy()
        if "individual" in placed
        else np.zeros(len(placed), int)
    )
    position = poses["position"].transpose("time", "keypoint", "individual", "space").values[time, point, person]
    sure = poses["confidence"].transpose("time", "keypoint", "individual").values[time, point, person]
    table = pd.DataFrame(
        {
            "row": time,
            "keypoint": placed["keypoint"].astype(str).to_numpy(),
            "error": np.linalg.norm(position - placed[axes].to_numpy(float), axis=1),
            "confidence": np.maximum(np.nan_to_num(sure, nan=1.0), LEAST_CONFIDENCE),
        }
    )
    return table[np.isfinite(table["error"])].reset_index(drop=True)


def _frames(poses: xr.Dataset) -> np.ndarray:
    return np.asarray(poses["frame"].values) if "frame" in poses.coords else np.arange(poses.sizes["time"])


def _rows_of(poses: xr.Dataset, placed: pd.DataFrame) -> np.ndarray:
    """Row of each placed keypoint in the poses; frames and times outside them are an error."""
    time = np.asarray(poses["time"].values, float)
    if "frame" in placed:
        at = {int(f): k for k, f in enumerate(_frames(poses))}
        frames = placed["frame"].astype(int).tolist()
        outside: list[float] = sorted({f for f in frames if f not in at})
        rows = np.array([at.get(f, -1) for f in frames], int)
    else:
        moments = placed["time_s"].to_numpy(float)
        rows = np.asarray(nearest_sample(time, moments))
        outside = np.unique(moments[np.abs(time[rows] - moments) > 0.5 / rate_of(time) + 1e-6]).tolist()
    if len(outside):
        fail(
            "placed keypoints",
            f"{len(outside)} of them lie on frames that the poses do not have",
            expected=f"frames {_frames(poses)[0]} to {_frames(poses)[-1]}, {time[0]:g} to {time[-1]:g} s",
            got=", ".join(map(str, outside[:5])),
        )
    return rows


# ---- curve ------------------------------------------------------------------------------------------
def _curve(error: np.ndarray, sure: np.ndarray, n_space: int, dof: float, steady: bool) -> tuple[float, float]:
    """Scale and slope of greatest likelihood: errors are of a t distribution in `n_space` dimensions."""
    from scipy.optimize import minimize

    level, square = np.log(sure), error**2 + 1e-12

    def loss(at: np.ndarray) -> float:
        log_scale = at[0] + at[1] * level
        return float(
            np.sum(n_space * log_scale + (dof + n_space) / 2 * np.log1p(square * np.exp(-2 * log_scale) / dof))
        )

    start = np.log(np.median(error) / np.sqrt(n_space) + 1e-9)
    bounds = [(start - 15, start + 15), (0.0, 0.0) if steady else (STEEPEST, 0.0)]
    optimum = minimize(loss, np.array([start, 0.0 if steady else -0.5]), bounds=bounds, method="L-BFGS-B")
    return float(np.exp(optimum.x[0])), float(optimum.x[1])


def _intervals(
    table: pd.DataFrame, n_space: int, dof: float, steady: bool, bootstraps: int, seed: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    rng = np.random.default_rng(seed)
    error, sure = table["error"].to_numpy(), table["confidence"].to_numpy()
    frames = list(table.groupby("row").indices.values())
    drawn = [
        _curve(error[rows], sure[rows], n_space, dof, steady)
        for rows in (
            np.concatenate([frames[k] for k in rng.integers(len(frames), size=len(frames))]) for _ in range(bootstraps)
        )
    ]
    if not drawn:
        return (np.nan, np.nan), (np.nan, np.nan)
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _of_points(table: pd.DataFrame, slope: float, n_space: int, dof: float, length: float) -> pd.DataFrame:
    """Noise of each keypoint under the common slope."""
    rows = []
    for name, own in table.groupby("keypoint", sort=False):
        noise = float("nan")
        if len(own) >= LEAST_OF_ONE:
            free = own["error"].to_numpy() * own["confidence"].to_numpy() ** -slope
            noise = _curve(free, np.ones(len(own)), n_space, dof, True)[0]
        rows.append({"keypoint": str(name), "n": len(own), "noise": noise, "noise_body_lengths": noise / length})
    return pd.DataFrame(rows)


def _by_confidence(table: pd.DataFrame, scale: float, slope: float, n_space: int, dof: float) -> pd.DataFrame:
    """Median error of each tenth of the confidences beside that of the curve."""
    from scipy.stats import f

    # The squared distance over its scale, divided by the dimensions, is F distributed.
    unit = float(np.sqrt(n_space * f.median(n_space, dof)))
    edges = np.unique(np.quantile(table["confidence"], np.linspace(0, 1, 11)))
    group = np.clip(np.digitize(table["confidence"], edges) - 1, 0, max(len(edges) - 2, 0))
    expected = scale * table["confidence"] ** slope * unit
    return pd.DataFrame(
        [
            {
                "low": float(own["confidence"].min()),
                "high": float(own["confidence"].max()),
                "n": len(own),
                "error": float(own["error"].median()),
                "expected": float(expected[own.index].median()),
            }
            for _, own in table.groupby(group)
        ]
    )
