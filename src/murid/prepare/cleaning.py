"""Cleaning: from what the tracker wrote to what the animal did, with raw and masked kept apart.

Order: doubtful points out (confidence), impossible ones out (jumps), short gaps filled, the rest
smoothed. What was removed stays NaN and says why in ``status``; ``position_raw`` is untouched.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from murid.data.body_scale import speed_scale
from murid.data.params import Params, param
from murid.data.poses import validate_poses
from murid.data.warning import warn_user

OBSERVED, FILLED, MISSING, LOW_CONFIDENCE, JUMP = range(5)
#: Meaning of the codes in ``status``.
STATUS = ("observed", "filled", "missing", "masked: low confidence", "masked: jump")


class CleanParams(Params):
    """How poses are cleaned. Time in seconds, lengths in cm or body lengths, never in frames.

    Examples
    --------
    >>> CleanParams(smoothing="savgol", window_s=0.3).window_s
    0.3
    """

    min_confidence: float = param(
        0.5,
        ge=0,
        le=1,
        why="points below are masked. Outliers are 2-4 times as frequent below 0.5 as just above it in "
        "multi-animal DeepLabCut tracks, where 0.6 would cost 20 % of all points; single animals: "
        "0.1 to 0.9 agree to 4 %. NaN confidence is never masked; 0 turns this off",
    )
    zero_is_missing: bool = param(
        True,
        why="in px, a point at exactly (0, 0) is how trackers and converters write 'not found', at any likelihood; "
        "counted as seen it adds the way to the picture's corner and back to the path",
    )
    jumps: bool = param(True, why="mask points where the animal cannot have got to since the last good one")
    max_speed_cm_s: float = param(
        200.0,
        unit="cm/s",
        gt=0,
        why="gate of calibrated poses; the nose of a darting mouse or rat reaches about 100 cm/s",
    )
    max_speed_body: float = param(
        20.0,
        unit="body lengths/s",
        gt=0,
        why="gate of poses in px; 170 cm/s for a mouse of 8.5 cm",
    )
    jump_slack_cm: float = param(
        1.0, unit="cm", ge=0, why="always allowed: tracking noise, which at 200 frames/s looks like speed"
    )
    jump_slack_body: float = param(0.1, unit="body lengths", ge=0, why="the same for poses in px")
    max_gap_s: float = param(
        0.2,
        unit="s",
        ge=0,
        why="longest gap that is filled: shorter than a step or head turn; what happens in longer ones is unknown",
    )
    fill: Literal["pchip", "linear", "none"] = param(
        "pchip",
        why="curve through a gap; pchip bends with the track and never overshoots. The Kalman smoother fills itself",
    )
    smoothing: Literal["none", "median", "savgol", "kalman"] = param(
        "median",
        why="median removes what flickers and leaves fast movements their height; savgol or kalman where speeds and "
        "accelerations matter; none where rhythms matter: at 100 frames/s a median of 0.1 s leaves .24 of the "
        "amplitude at 8 Hz and .20 at 10 Hz (`transfer_function` measures it)",
    )
    window_s: float = param(0.1, unit="s", gt=0, why="window of median and savgol; 3 samples at 30 frames/s, 5 at 50")
    savgol_order: int = param(2, ge=0, le=5, why="polynomial of savgol; 2 keeps the height of peaks")
    kalman_model: Literal["cv", "ca"] = param("cv", why="constant velocity or constant acceleration")
    kalman_noise_ratio: float | None = param(
        None,
        unit="1/s^3 (cv), 1/s^5 (ca)",
        why="process over sighting noise, smaller is smoother; chosen by maximum likelihood when None",
    )

    @classmethod
    def for_rhythms(cls, **changes: Any) -> CleanParams:
        """Return parameters for methods that look for rhythms: masks and gaps as usual, nothing smoothed.

        Wavelets, spectra and features of short clips see what any smoother takes away: grooming, scratching
        and gait lie at 3 to 20 Hz.

        Parameters
        ----------
        **changes
            Any parameter, over these defaults.

        Examples
        --------
        >>> CleanParams.for_rhythms(max_gap_s=0.1).smoothing
        'none'
        """
        return cls(**{"smoothing": "none", **changes})


def clean(poses: xr.Dataset, params: CleanParams | None = None, **changes: Any) -> xr.Dataset:
    """Mask doubtful and impossible points, fill short gaps, smooth.

    Parameters
    ----------
    poses : Dataset
        Poses in px, cm or mm. Poses that were cleaned before are cleaned anew from
        ``position_raw``, so that cleaning twice is the same as once.
    params : CleanParams, optional
        Defaults when None.
    **changes
        Single parameters of `CleanParams`, over `params`.

    Returns
    -------
    Dataset
        A copy of `poses` with

        * ``position (time, space, keypoint, individual)`` float32, cleaned, NaN where unknown
        * ``position_raw`` what was given
        * ``status (time, keypoint, individual)`` uint8: 0 observed, 1 filled, 2 missing,
          3 masked for low confidence, 4 masked as jump. 2 to 4 are NaN in ``position``.
        * attribute ``cleaning``: the parameters as JSON

    Notes
    -----
    Gate: `murid.prepare.jumps`. Gaps: `murid.prepare.gaps`. Smoothers never reach over a gap that
    is left open or over dropped frames.

    Examples
    --------
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> xy = np.zeros((5, 2, 1, 1))
    >>> xy[2] = np.nan
    >>> poses = make_poses(xy, keypoints=["nose"], fps=30.0, unit="cm")
    >>> clean(poses, smoothing="none")["status"].values[:, 0, 0]
    array([0, 0, 1, 0, 0], dtype=uint8)
    """
    p = CleanParams.of(params, changes)
    validate_poses(poses)
    raw = poses["position_raw"] if "position_raw" in poses else poses["position"]
    position, status = _mask(raw.values, poses, p)
    time_s = poses["time"].values.astype(np.float64)
    confidence = poses["confidence"].values
    for k, i in np.ndindex(*status.shape[1:]):
        xy, filled = _repair(position[:, :, k, i].astype(np.float64), confidence[:, k, i], time_s, p)
        position[:, :, k, i] = xy
        status[filled, k, i] = FILLED
    out = poses.assign(
        position=(raw.dims, position, poses["position"].attrs),
        position_raw=(raw.dims, raw.values),
        status=(("time", "keypoint", "individual"), status, {"codes": "; ".join(STATUS)}),
    )
    return out.assign_attrs(cleaning=p.model_dump_json())


def _mask(raw: np.ndarray, poses: xr.Dataset, p: CleanParams) -> tuple[np.ndarray, np.ndarray]:
    """Copy of the positions with doubtful and impossible points NaN, and why."""
    position = raw.astype(np.float32, copy=True)
    missing = np.isnan(position).any(axis=1)
    if p.zero_is_missing and poses.attrs["unit"] == "px":
        missing |= (position == 0).all(axis=1)
    low = (poses["confidence"].values < p.min_confidence) & ~missing  # NaN compares as False
    status = np.zeros(missing.shape, np.uint8)
    status[missing], status[low] = MISSING, LOW_CONFIDENCE
    np.moveaxis(position, 1, -1)[missing | low] = np.nan
    if p.jumps:
        limit, slack = jump_gate(poses, p)
        if np.isfinite(limit):
            from murid.prepare.jumps import mark_jumps

            jump = mark_jumps(position, poses["time"].values, limit, slack)
            status[jump] = JUMP
            np.moveaxis(position, 1, -1)[jump] = np.nan
        else:
            warn_user(
                "jumps are not masked: poses are in px and their keypoints give no body length; "
                "give their scale (px_per_cm), or set jumps=False"
            )
    return position, status


def jump_gate(poses: xr.Dataset, params: CleanParams | None = None, **changes: Any) -> tuple[float, float]:
    """Return speed limit (unit of `poses` per second) and slack (unit of `poses`) of the jump gate."""
    p = CleanParams.of(params, changes)
    return (
        speed_scale(poses, p.max_speed_cm_s, p.max_speed_body),
        speed_scale(poses, p.jump_slack_cm, p.jump_slack_body),
    )


def _repair(
    xy: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, p: CleanParams
) -> tuple[np.ndarray, np.ndarray]:
    """Fill and smooth one keypoint ``xy (time, space)``; second result: which frames were filled."""
    from murid.prepare import gaps

    if p.smoothing == "kalman":
        seen = np.isfinite(xy).all(axis=1)
        xy = smoothed(xy, confidence, time_s, p)
        return xy, np.isfinite(xy[:, 0]) & ~seen
    xy, filled = gaps.fill_gaps(xy, time_s, p.max_gap_s, p.fill)
    return smoothed(xy, confidence, time_s, p), filled


def smoothed(xy: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, p: CleanParams) -> np.ndarray:
    """Return one keypoint ``(time, space)`` as the smoother of `p` leaves it; Kalman also fills short gaps."""
    from murid.prepare import kalman, smooth

    if p.smoothing == "kalman":
        return kalman.kalman_smooth(
            xy, time_s, confidence, max_gap_s=p.max_gap_s, model=p.kalman_model, noise_ratio=p.kalman_noise_ratio
        )[0]
    if p.smoothing == "median":
        return smooth.median_smooth(xy, time_s, p.window_s)
    if p.smoothing == "savgol":
        return smooth.savgol_smooth(xy, time_s, p.window_s, p.savgol_order)
    return xy
