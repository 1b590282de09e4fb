"""Quality of a recording: what is wrong with it, how much that matters, and what to do.

Two tables: `keypoint_quality` with the figures of each keypoint, and `assess_quality` with one verdict
per check, worded for the person who will decide whether the recording is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.body_scale import nose_and_tail_base, typical_body_length
from murid.data.clock import find_dropped, rate_of, spans
from murid.data.params import Params, param
from murid.data.poses import individual_names, keypoint_names, validate_poses
from murid.data.recording import Recording
from murid.data.units import LengthUnit
from murid.prepare.calibration import BODY_CM
from murid.prepare.cleaning import CleanParams, jump_gate
from murid.prepare.label_quality import label_rows
from murid.prepare.signal_quality import cover_rows, trace_rows

OK, LOOK, BAD = "ok", "look", "bad"
CHECK_COLUMNS = ("check", "where", "value", "unit", "verdict", "reason", "todo")


class QualityParams(Params):
    """Limits of the verdicts: up to the first number ``ok``, up to the second ``look``, above ``bad``.

    Examples
    --------
    >>> QualityParams(missing=(5.0, 20.0)).missing
    (5.0, 20.0)
    """

    min_confidence: float = param(0.5, ge=0, le=1, why="points below count as low confidence, as in cleaning")
    missing: tuple[float, float] = param((10.0, 40.0), unit="%", why="frames without one keypoint")
    low_confidence: tuple[float, float] = param((10.0, 30.0), unit="%", why="seen, but below min_confidence")
    jumps_per_min: tuple[float, float] = param((2.0, 20.0), unit="1/min", why="steps an animal cannot make")
    frozen_s: float = param(
        1.0,
        unit="s",
        gt=0,
        why="a keypoint exactly repeated for longer is a stuck track: live tracking always jitters",
    )
    frozen: tuple[float, float] = param((1.0, 10.0), unit="%", why="time in stuck tracks")
    gap_s: tuple[float, float] = param((2.0, 30.0), unit="s", why="longest time an animal is not seen at all")
    swaps_per_min: tuple[float, float] = param((0.5, 5.0), unit="1/min", why="suspected identity swaps")
    rate: tuple[float, float] = param((0.5, 2.0), unit="%", why="stated frame rate against the clock")
    dropped: tuple[float, float] = param((0.1, 2.0), unit="%", why="frames missing from the clock")
    signal: tuple[float, float] = param((2.0, 20.0), unit="%", why="neural samples missing, clipped or not scored")
    overhang_s: tuple[float, float] = param((0.1, 5.0), unit="s", why="labels past the last pose, else past the film")
    short_bouts: tuple[float, float] = param((0.0, 10.0), unit="%", why="bouts shorter than a frame")
    overlap_s: tuple[float, float] = param(
        (0.1, 5.0), unit="s", why="time in which behaviours that exclude each other were both scored"
    )
    not_scored: tuple[float, float] = param((2.0, 50.0), unit="%", why="recording that a rater left out")


def keypoint_quality(poses: xr.Dataset, params: QualityParams | None = None, **changes: Any) -> pd.DataFrame:
    """Figures of each keypoint of each individual.

    Parameters
    ----------
    poses : Dataset
        Poses as tracked; of cleaned poses ``position_raw`` is judged.
    params : QualityParams, optional
        ``min_confidence`` and ``frozen_s`` are used.
    **changes
        Single parameters of `QualityParams`, over `params`.

    Returns
    -------
    DataFrame
        ``individual, keypoint, missing_pct`` (of all frames), ``low_confidence_pct`` (of seen
        frames; NaN when the tracker gives none), ``median_confidence``, ``jumps_per_min`` (between
        sightings that are not low; NaN when there is no scale), ``frozen_pct``, ``longest_gap_s``.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.random.default_rng(0).normal(20, 1, (100, 2, 1, 1))
    >>> xy[:25] = np.nan
    >>> poses = make_poses(xy, keypoints=["nose"], individuals=["m"], fps=30, unit="cm")
    >>> keypoint_quality(poses)[["keypoint", "missing_pct"]].values.tolist()
    [['nose', 25.0]]
    """
    from murid.prepare.gaps import gap_table
    from murid.prepare.jumps import count_jumps

    p = QualityParams.of(params, changes)
    poses = _raw(poses)
    xy, confidence = poses["position"].values, poses["confidence"].values
    time_s = poses["time"].values.astype(np.float64)
    seen = np.isfinite(xy).all(axis=1)
    limit, slack = jump_gate(poses, CleanParams(min_confidence=p.min_confidence))
    # Jumps of doubtful points would be counted twice: they are in low_confidence_pct.
    trusted = np.where((confidence < p.min_confidence)[:, None], np.nan, xy)
    jumps = count_jumps(trusted, time_s, limit, slack) if np.isfinite(limit) else np.full(seen.shape[1:], np.nan)
    minutes = max(_duration_s(time_s), 1e-9) / 60
    rows = []
    for i, animal in enumerate(individual_names(poses)):
        for k, keypoint in enumerate(keypoint_names(poses)):
            there = seen[:, k, i]
            sure = confidence[there, k, i]
            sure = sure[np.isfinite(sure)]
            gaps = gap_table(there, time_s)[2]
            rows.append(
                {
                    "individual": animal,
                    "keypoint": keypoint,
                    "missing_pct": 100 * float(1 - there.mean()),
                    "low_confidence_pct": 100 * float((sure < p.min_confidence).mean()) if sure.size else np.nan,
                    "median_confidence": float(np.median(sure)) if sure.size else np.nan,
                    "jumps_per_min": float(jumps[k, i]) / minutes,
                    "frozen_pct": 100 * _frozen_share(xy[:, :, k, i], time_s, p.frozen_s),
                    "longest_gap_s": float(gaps.max()) if gaps.size else 0.0,
                }
            )
    return pd.DataFrame(rows)


def assess_quality(data: xr.Dataset | Recording, params: QualityParams | None = None, **changes: Any) -> pd.DataFrame:
    """Judge a recording.

    Parameters
    ----------
    data : Dataset or Recording
        Poses, or a recording: its video is checked against its poses, its labels for bouts of no length, overlap,
        stretches that were not scored and times past the end, and its neural traces for gaps, dead units, saturation
        and cover by labels.
    params : QualityParams, optional
        Limits of the verdicts.
    **changes
        Single parameters of `QualityParams`, over `params`.

    Returns
    -------
    DataFrame
        One row per check: ``check, where, value, unit, verdict`` (``"ok"``, ``"look"``, ``"bad"``),
        ``reason, todo`` (empty when ok). ``where`` names the worst case. Worst verdicts first.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.random.default_rng(0).normal(20, 1, (100, 2, 1, 1))
    >>> xy[:50] = np.nan
    >>> poses = make_poses(xy, keypoints=["nose"], individuals=["m"], fps=30, unit="cm")
    >>> table = assess_quality(poses).set_index("check")
    >>> table.loc["missing keypoints", "verdict"]
    'bad'
    """
    p = QualityParams.of(params, changes)
    recording = data if isinstance(data, Recording) else None
    rows: list[tuple] = []
    if recording is None or recording.has("poses") or not (recording.has("traces") or recording.has("labels")):
        poses = _raw(validate_poses(data.need("poses") if isinstance(data, Recording) else data))
        rows += [*_clock_checks(poses, p), *_tracking_checks(poses, p), *_presence_checks(poses, p)]
        rows += [*_swap_checks(poses, p), *_scale_checks(poses)]
        if recording is not None:
            rows += _recording_checks(recording, poses, p)
    if recording is not None and recording.has("labels"):
        rows += _label_checks(recording, p)
    if recording is not None and recording.has("traces"):
        checks = [*trace_rows(recording.need("traces")), *cover_rows(recording)]
        rows += [
            _row(check, where, value, unit, p.signal, reason, todo)
            for check, where, value, unit, reason, todo in checks
        ]
    table = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    order = table["verdict"].map({BAD: 0, LOOK: 1, OK: 2})
    return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _raw(poses: xr.Dataset) -> xr.Dataset:
    return poses.assign(position=poses["position_raw"]) if "position_raw" in poses else poses


def _duration_s(time_s: np.ndarray) -> float:
    return float(np.nansum(spans(time_s)))


def _row(
    check: str, where: str, value: float, unit: str, limits: tuple[float, float], reason: str, todo: str
) -> tuple[Any, ...]:
    """One check whose value is better when smaller."""
    if np.isnan(value):
        return (check, where, value, unit, OK, "not known", "")
    verdict = OK if value <= limits[0] else LOOK if value <= limits[1] else BAD
    return (check, where, round(float(value), 6), unit, verdict, reason, "" if verdict == OK else todo)


def _clock_checks(poses: xr.Dataset, p: QualityParams) -> list[tuple]:
    time_s = poses["time"].values.astype(np.float64)
    stated, measured = float(poses.attrs.get("fps", np.nan)), rate_of(time_s)
    off = 100 * abs(stated / measured - 1)
    dropped = find_dropped(time_s)
    share = 100 * dropped.total / (len(time_s) + dropped.total)
    worst = f"t = {time_s[dropped.index[np.argmax(dropped.missing)]]:.2f} s" if dropped.total else ""
    return [
        _row(
            "frame rate",
            "",
            off,
            "%",
            p.rate,
            f"stated {stated:.6g}, clock says {measured:.6g} frames/s",
            "find out the true frame rate: every time and speed depends on it",
        ),
        _row(
            "dropped frames",
            worst,
            share,
            "%",
            p.dropped,
            f"{dropped.total} frames missing in {dropped.index.size} places",
            "check the camera's buffer; align other signals by time stamps, never by frame count",
        ),
    ]


def _tracking_checks(poses: xr.Dataset, p: QualityParams) -> list[tuple]:
    table = keypoint_quality(poses, p)
    # Drawn corners of the arena never move: they are no animal, and no stuck track either.
    table = table[~table["keypoint"].isin(landmarks(poses))].reset_index(drop=True)
    if table.empty:
        return []
    several = poses.sizes["individual"] > 1
    jumps_todo = "cleaning masks them" + ("; some may be swapped identities: repair those first" if several else "")
    checks = (
        (
            "missing keypoints",
            "missing_pct",
            "%",
            p.missing,
            "of frames lack this keypoint",
            "label more frames in which it is hidden and retrain, or leave it out of the analysis",
        ),
        (
            "low confidence",
            "low_confidence_pct",
            "%",
            p.low_confidence,
            f"of sightings below {p.min_confidence:g}",
            "look at such frames; label more of them and retrain",
        ),
        (
            "jumps",
            "jumps_per_min",
            "1/min",
            p.jumps_per_min,
            "steps per minute no animal can make",
            jumps_todo,
        ),
        (
            "stuck tracks",
            "frozen_pct",
            "%",
            p.frozen,
            f"of time exactly repeated for over {p.frozen_s:g} s",
            "the tracker held its last value: mask these stretches, they would count as freezing",
        ),
    )
    rows = []
    for check, column, unit, limits, what, todo in checks:
        values = table[column].to_numpy(float)
        if np.isnan(values).all():
            rows.append(_row(check, "", float("nan"), unit, limits, "", ""))
            continue
        worst = table.iloc[int(np.nanargmax(values))]
        value = float(worst[column])
        over = int((values > limits[0]).sum())
        reason = f"{value:.3g} {'' if unit == '1/min' else '% '}{what}"
        if over > 1:
            reason += f"; {over} of {len(table)} keypoints are above {limits[0]:g} {unit}"
        rows.append(_row(check, f"{worst['individual']} {worst['keypoint']}", value, unit, limits, reason, todo))
    return rows


def landmarks(poses: xr.Dataset) -> list[str]:
    """Return keypoints that stand at one very place whenever they are seen, in every animal: points of the arena.

    Some other keypoint must move; in a recording in which nothing moves, the track is stuck.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.random.default_rng(0).normal(20, 1, (100, 2, 2, 1))
    >>> xy[:, :, 0] = 5
    >>> landmarks(make_poses(xy, keypoints=["tl", "nose"], fps=30))
    ['tl']
    """
    xy = np.asarray(poses["position"].values, np.float64)
    seen = np.asarray(np.isfinite(xy).all(axis=1))
    low = np.where(seen[:, None], xy, np.inf).min(axis=0)
    high = np.where(seen[:, None], xy, -np.inf).max(axis=0)
    there = np.asarray(np.any(seen, axis=0))
    fixed_place = np.asarray(np.all(low == high, axis=0))
    still = np.asarray(np.all(~there | fixed_place, axis=1)) & np.asarray(np.any(there, axis=1))
    return [] if still.all() else [name for name, fixed in zip(keypoint_names(poses), still, strict=True) if fixed]


def _presence_checks(poses: xr.Dataset, p: QualityParams) -> list[tuple]:
    """Stretches in which an animal is not there at all, at the ends and in between."""
    from murid.prepare.gaps import gap_table

    time_s = poses["time"].values.astype(np.float64)
    sure = ~(poses["confidence"].values < p.min_confidence)
    animal_points = ~np.isin(keypoint_names(poses), landmarks(poses))
    there = (np.isfinite(poses["position"].values).all(axis=1) & sure)[:, animal_points].any(axis=1)
    rows = []
    for i, animal in enumerate(individual_names(poses)):
        start, stop, length = gap_table(there[:, i], time_s)
        edge = (start == 0) | (stop == len(time_s))
        for check, gap, todo in (
            ("absent at an end", length * edge, "cut the recording to the time the animal is in the arena"),
            ("longest gap", length * ~edge, "look at the video there: out of sight, or lost by the tracker?"),
        ):
            longest = int(np.argmax(gap)) if gap.size else 0
            value = float(gap[longest]) if gap.size else 0.0
            where = f"{animal}, t = {time_s[start[longest]]:.2f} s" if value > 0 else animal
            rows.append(_row(check, where, value, "s", p.gap_s, f"not seen for {value:.3g} s", todo))
    return rows


def _swap_checks(poses: xr.Dataset, p: QualityParams) -> list[tuple]:
    if poses.sizes["individual"] < 2:
        return []
    from murid.prepare.identity import repair_identity

    swaps = repair_identity(poses)[1]
    minutes = max(_duration_s(poses["time"].values), 1e-9) / 60
    rows = []
    for what in ("animal", "keypoint"):
        events = swaps[swaps["what"] == what]
        where = f"t = {events['time_s'].iloc[0]:.2f} s" if len(events) else ""
        rows.append(
            _row(
                f"identity: {what}s swapped",
                where,
                len(events) / minutes,
                "1/min",
                p.swaps_per_min,
                f"{len(events)} suspected",
                "repair identities (murid.prepare.repair_identity) and check the listed times in the video",
            )
        )
    return rows


def _scale_checks(poses: xr.Dataset) -> list[tuple]:
    """Calibrated animals must have the length of a rodent."""
    if LengthUnit.of(poses.attrs).per_cm is None:
        return [
            (
                "scale",
                "",
                float("nan"),
                "cm",
                LOOK,
                "poses are in px: no distance or speed in cm",
                "give the scale when adding the recording (--px-per-cm), or the size of the arena where it is needed "
                "(-p arena_cm=40)",
            )
        ]
    pair = nose_and_tail_base(keypoint_names(poses))
    part = poses.sel(keypoint=list(pair)) if pair else poses
    length = typical_body_length(part) * LengthUnit.of(poses.attrs).to("cm")
    if not np.isfinite(length):
        return [("scale", "", float("nan"), "cm", OK, "not known", "")]
    low, high = BODY_CM
    fine = low <= length <= high
    return [
        (
            "scale",
            " to ".join(pair) if pair else "body",
            length,
            "cm",
            OK if fine else BAD,
            f"body length {length:.1f} cm, rodents {low:g} to {high:g} cm",
            "" if fine else "check px_per_cm",
        )
    ]


def _label_checks(recording: Recording, p: QualityParams) -> list[tuple]:
    limits = {
        "short bouts": p.short_bouts,
        "overlap": p.overlap_s,
        "not scored": p.not_scored,
        "label overhang": p.overhang_s,
    }
    return [
        _row(check, where, value, unit, limits[check], reason, todo)
        for check, where, value, unit, reason, todo in label_rows(recording)
    ]


def _recording_checks(recording: Recording, poses: xr.Dataset, p: QualityParams) -> list[tuple]:
    rows = []
    if recording.has("video"):
        video = recording.need("video")
        off = 100 * abs(float(poses.attrs.get("fps", np.nan)) / video.fps - 1)
        rows.append(
            _row(
                "frame rate of the video",
                str(video.path.name),
                off,
                "%",
                p.rate,
                f"poses {poses.attrs.get('fps', np.nan):.6g}, video {video.fps:.6g} frames/s",
                "read the poses again with the frame rate of the video",
            )
        )
        differ = 100 * abs(video.n_frames - poses.sizes["time"]) / max(video.n_frames, 1)
        rows.append(
            _row(
                "frames of the video",
                str(video.path.name),
                differ,
                "%",
                p.dropped,
                f"{poses.sizes['time']} pose rows, {video.n_frames} frames",
                "check that they belong together",
            )
        )
    return rows


def _frozen_share(xy: np.ndarray, time_s: np.ndarray, longest_s: float) -> float:
    """Share of frames in stretches of exactly repeated coordinates longer than `longest_s`."""
    from murid.data.stretches import run_edges

    if len(xy) < 2:
        return 0.0
    start, stop = run_edges((xy[1:] == xy[:-1]).all(axis=1))  # run of equal steps: frames start..stop
    long = time_s[stop] - time_s[start] >= longest_s
    return float((stop[long] - start[long] + 1).sum() / len(xy))
