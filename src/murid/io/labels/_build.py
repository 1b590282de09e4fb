"""What every label reader ends with: clip to the recording, check, build Labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.data.clock import rate_of
from murid.data.errors import Faults, fail
from murid.data.labels import Labels
from murid.data.recording import LABEL_OVERHANG_S
from murid.data.stretches import runs_of_true
from murid.data.warning import warn_user


def build_labels(
    bouts: pd.DataFrame,
    *,
    path: Path,
    fps: float | None = None,
    duration_s: float | None = None,
    scored: pd.DataFrame | None = None,
    exclusive: bool = False,
    vocabulary: Sequence[str] = (),
    **meta: Any,
) -> Labels:
    """Build Labels from what a reader found.

    Parameters
    ----------
    bouts : DataFrame
        At least ``start_s, stop_s, label``.
    path : Path
        Source.
    fps : float, optional
        Frame rate of the annotation (frames/s).
    duration_s : float, optional
        Length of the recording: bouts and scored stretches are cut there, and without `scored` all
        of it counts as scored. Up to the last bout by default.
    scored : DataFrame, optional
        ``start_s, stop_s, rater, stream``.
    exclusive, vocabulary, **meta
        As in Labels.

    Raises
    ------
    DataError
        Times that are missing or backward; labels that run past `duration_s` by more than 5 s.
    """
    labels = Labels.from_bouts(
        bouts,
        duration_s=duration_s if duration_s is not None else meta.pop("stated_duration_s", None),
        scored=scored,
        exclusive=exclusive,
        vocabulary=vocabulary,
        fps=float("nan") if fps is None else fps,
        source_file=str(path),
    )
    meta.pop("stated_duration_s", None)
    meta = {k: v for k, v in meta.items() if v is not None}
    faults = Faults(str(path))
    early = labels.bouts["start_s"] < -1e-9
    if early.any():
        row = labels.bouts[early].iloc[0]
        faults.add("bout starts before 0 s", where=f"{row['label']} at {row['start_s']:.3f} s")
    if isinstance(points := meta.get("points"), pd.DataFrame):
        for point in points[points["time_s"] < -1e-9].head(20).itertuples():
            faults.add(
                "point event before the recording",
                where=f"{point.label} at {point.time_s:.3f} s",
                expected=">= 0 s",
                todo="correct the time, or the time offset of the observation",
            )
    faults.raise_if_any()
    labels = replace(labels, meta=meta)
    return labels if duration_s is None else clip(labels, duration_s)


#: A scored stretch without labels at its end longer than this (s), and than this share of it, is doubted.
_SILENT_S, _SILENT_SHARE = 60.0, 0.25
#: From fewer bouts nothing can be concluded.
_ENOUGH_BOUTS = 5


def within(labels: Labels, start_s: float, stop_s: float, *, forced: bool = False) -> Labels:
    """Cut bouts and scored stretches to ``[start_s, stop_s)``; with `forced` all of it counts as scored."""
    if not 0 <= start_s < stop_s:
        fail(labels.source_file, "stretch is not valid", expected="0 <= start < stop", got=f"{start_s:g}-{stop_s:g} s")

    def cut(table: pd.DataFrame) -> pd.DataFrame:
        inside = table[(table["start_s"] < stop_s) & (table["stop_s"] > start_s) | (table["start_s"] == start_s)]
        edges = {c: inside[c].clip(start_s, stop_s) for c in ("start_s", "stop_s")}
        return inside.assign(**edges).reset_index(drop=True)

    scored = cut(labels.scored)
    if forced or scored.empty:
        pairs = labels.scored[["rater", "stream"]].drop_duplicates()
        pairs = pairs if len(pairs) else pd.DataFrame({"rater": [""], "stream": [""]})
        scored = pairs.assign(start_s=start_s, stop_s=stop_s)[["start_s", "stop_s", "rater", "stream"]]
    meta = dict(labels.meta)
    if isinstance(points := meta.get("points"), pd.DataFrame):
        meta["points"] = points[(points["time_s"] >= start_s) & (points["time_s"] < stop_s)].reset_index(drop=True)
    return replace(labels, bouts=cut(labels.bouts), scored=scored.reset_index(drop=True), meta=meta)


def warn_of_early_end(labels: Labels, name: str) -> None:
    """Warn when the last label lies far before the end of what counts as scored: was it watched to the end?"""
    ends = [labels.bouts["stop_s"].max()] if len(labels.bouts) else []
    if isinstance(points := labels.meta.get("points"), pd.DataFrame) and len(points):
        ends.append(points["time_s"].max())
    if len(labels.bouts) < _ENOUGH_BOUTS or labels.scored.empty:
        return
    last, stop, start = float(max(ends)), float(labels.scored["stop_s"].max()), float(labels.scored["start_s"].min())
    silent = stop - last
    # Rare behaviours are silent for long all the time; only an end unlike the rest is doubted.
    begun = np.sort(labels.bouts["start_s"].to_numpy(np.float64))
    usual = float(np.diff(np.append(start, begun)).max())
    if silent > max(_SILENT_S, _SILENT_SHARE * (stop - start), 3 * usual):
        warn_user(
            f"{name}: the last label ends at {last:.1f} s, and all up to {stop:.1f} s counts as scored; "
            f"if scoring stopped before, say where: scored_s={last:.1f} (-o labels.scored_s={last:.1f})"
        )


def films_of(cells: pd.DataFrame, recording: str, film: str | None) -> dict[str, str]:
    """File name of the film, or pose file, of each recording of a table that has exactly one."""
    if film is None or film == recording:
        return {}
    pairs = cells[[recording, film]].drop_duplicates()
    pairs = pairs[(pairs[film] != "") & ~pairs[recording].duplicated(keep=False)]
    return {str(name): re.split(r"[/\\]", str(path))[-1] for name, path in pairs.itertuples(index=False)}


def clip(labels: Labels, duration_s: float) -> Labels:
    """Cut bouts and scored stretches at the end of the recording; `meta["clipped_s"]` says how much."""
    over = labels.stop_s - duration_s
    if over > LABEL_OVERHANG_S:
        fail(
            labels.source_file,
            "labels run past the end of the recording",
            expected=f"<= {duration_s:.1f} s",
            got=f"{labels.stop_s:.1f} s",
            todo="check fps, and that labels and recording belong together; where the film was shortened, cut the "
            "labels with --cut-labels (cut=True)",
        )
    if not over > 0:
        return labels

    def cut(table: pd.DataFrame) -> pd.DataFrame:
        kept = table[table["start_s"] < duration_s].copy()
        kept["stop_s"] = kept["stop_s"].clip(upper=duration_s)
        return kept.reset_index(drop=True)

    return replace(
        labels, bouts=cut(labels.bouts), scored=cut(labels.scored), meta={**labels.meta, "clipped_s": float(over)}
    )


def frames_to_bouts(
    values: np.ndarray, labels: Sequence[str], edges: np.ndarray, **columns: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a per-frame table into bouts and scored stretches.

    Parameters
    ----------
    values : int array (frame, label)
        1 present, 0 absent, −1 not scored.
    labels : sequence of str
        Names of the columns.
    edges : array (frame + 1,)
        Start of each frame and end of the last, seconds.
    **columns
        Constant columns of both tables (``rater``, ``stream``).
    """
    rows = [(edges[a], edges[b], name) for i, name in enumerate(labels) for a, b in runs_of_true(values[:, i] == 1)]
    spans = [(edges[a], edges[b]) for a, b in runs_of_true((values >= 0).any(axis=1))]
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label"]).assign(**columns)
    scored = pd.DataFrame(spans, columns=["start_s", "stop_s"]).assign(**{"rater": "", "stream": "", **columns})
    return bouts, scored


def frame_edges(path: Path, time_s: np.ndarray, fps: float | None) -> tuple[np.ndarray, float]:
    """Return the edges of per-frame rows (row i covers ``[edges[i], edges[i+1])``) and their rate.

    With `fps`, times are set on the frame grid, which undoes the rounding of printed times.
    """
    step = np.diff(time_s)
    bad = np.flatnonzero(~(step > 0))
    if not np.isfinite(time_s).all() or bad.size:
        row = int(np.flatnonzero(~np.isfinite(time_s))[0]) if not np.isfinite(time_s).all() else int(bad[0]) + 1
        fail(str(path), "time does not increase", where=f"row {row + 1}", got=f"{time_s[row]:g} s")
    if fps is not None:
        frames = np.round(time_s * fps)
        if (np.diff(frames) != 1).any():
            row = int(np.flatnonzero(np.diff(frames) != 1)[0]) + 1
            fail(
                str(path),
                f"rows are not one frame apart at {fps:g} fps",
                where=f"row {row + 1}",
                expected=f"{time_s[row - 1] + 1 / fps:.4f} s",
                got=f"{time_s[row]:.4f} s",
                todo="check fps",
            )
        return np.append(frames, frames[-1] + 1) / fps, float(fps)
    rate = rate_of(time_s)
    last = 1.0 / rate if np.isfinite(rate) else 1.0
    return np.append(time_s, time_s[-1] + last), rate
