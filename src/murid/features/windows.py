"""Windows: what a channel did around each frame, at several time scales.

`plan_windows` turns seconds into frames and names; `rolling` applies a plan to any array. The feature table
uses the same plan and the same compiled loops (`window_kernel`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import Faults
from murid.features.params import STATS

#: Frames by which a window may miss a tie and still count as one.
_TIE = 1e-6


@dataclass(frozen=True)
class WindowPlan:
    """Windows in frames, and the suffixes of the columns that they make of one channel.

    Attributes
    ----------
    suffixes : tuple of str
        ``""`` for the value itself, then ``"mean_0.33s"``, ``"lag_-0.5s"`` …
    squared : tuple of bool
        Which columns carry the square of the channel's unit (band power).
    before, after : int64 arrays
        Reach of each window in frames, ordered by length.
    """

    suffixes: tuple[str, ...]
    squared: tuple[bool, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    flags: NDArray[np.bool_]
    percentiles: NDArray[np.float64]
    lags: NDArray[np.int64]
    waves: NDArray[np.complex128] = field(repr=False)
    band_of: NDArray[np.int64] = field(repr=False)
    min_share: float = 0.5

    @property
    def margin(self) -> int:
        """Frames of context needed on either side."""
        return int(max([0, *self.before, *self.after, *np.abs(self.lags)]))


def window_frames(window_s: float, fps: float, align: str = "centred") -> tuple[int, int]:
    """Reach of a window before and after its frame.

    Centred windows have the odd number of frames nearest to ``window_s * fps`` (the larger of two) and
    at least 3, so that the frame lies in their middle; trailing ones end at the frame and have at least 2.
    """
    if align == "centred":
        # A whole, even number of frames is a tie: float noise of the frame rate must not decide it.
        half = max(1, int((window_s * fps - 1) / 2 + 0.5 + _TIE))
        return half, half
    return max(2, int(window_s * fps + 0.5 + _TIE)) - 1, 0


def plan_windows(
    fps: float,
    windows_s: Sequence[float] = (0.1, 0.33, 1.0, 2.0),
    stats: Sequence[str] = STATS,
    *,
    percentiles: Sequence[float] = (),
    bands_hz: Sequence[tuple[float, float]] = (),
    lags_s: Sequence[float] = (),
    align: str = "centred",
    min_share: float = 0.5,
) -> WindowPlan:
    """Turn windows in seconds into windows in frames.

    Parameters
    ----------
    fps : float
        Frames per second.
    windows_s : sequence of float
        Lengths in seconds.
    stats : sequence of {"mean", "sd", "min", "max", "change"}
        sd is the population sd; change is the mean of the last third minus that of the first.
    percentiles : sequence of float
        In 0..100, linear interpolation.
    bands_hz : sequence of (low, high)
        Power of the longest window in ``low <= f < high``; a sine of amplitude A inside gives about
        A²/2. Bands beyond half the frame rate hold what there is (0 when nothing).
    lags_s : sequence of float
        Value that long before (negative) or after.
    align : {"centred", "trailing"}
    min_share : float
        Share of a window's frames that must be known; fewer give NaN. At the ends of a recording
        windows are truncated, and the share counts what is left.
    """
    lengths = sorted(set(map(float, windows_s)))
    reach = [window_frames(w, fps, align) for w in lengths]
    before = np.array([r[0] for r in reach], np.int64)
    after = np.array([r[1] for r in reach], np.int64)
    chosen = [s for s in STATS if s in stats]
    suffixes = [""]
    for w in lengths:
        suffixes += [f"{s}_{w:g}s" for s in chosen if s in ("mean", "sd", "change")]
    for s in ("min", "max"):
        suffixes += [f"{s}_{w:g}s" for w in lengths if s in chosen]
    for w in lengths:
        suffixes += [f"p{p:g}_{w:g}s" for p in percentiles]
    plain = len(suffixes)
    bands_hz = tuple(bands_hz) if lengths else ()
    suffixes += [f"power_{low:g}-{high:g}Hz" for low, high in bands_hz]
    squared = [False] * plain + [True] * len(bands_hz) + [False] * len(lags_s)
    suffixes += [f"lag_{lag:g}s" for lag in lags_s]
    waves, band_of = _rotations(int(before[-1] + after[-1] + 1) if lengths else 0, fps, bands_hz)
    return WindowPlan(
        tuple(suffixes),
        tuple(squared),
        before,
        after,
        np.array([s in chosen for s in STATS]),
        np.asarray(percentiles, np.float64),
        np.array([int(np.floor(lag * fps + 0.5 + _TIE)) for lag in lags_s], np.int64),
        waves,
        band_of,
        float(min_share),
    )


def _rotations(width: int, fps: float, bands_hz: Sequence[tuple[float, float]]) -> tuple[NDArray, NDArray]:
    """Rotations of the bins that the bands need, with a neighbour on either side for the Hann window."""
    if not bands_hz or not width:
        return np.empty((0, 0), np.complex128), np.empty(0, np.int64)
    bins = np.arange(width // 2 + 2)
    hz = bins * fps / width
    band = np.full(bins.size, -1, np.int64)
    for b, (low, high) in enumerate(bands_hz):
        band[(hz >= low) & (hz < high) & (bins > 0) & (bins < width / 2)] = b
    last = int(np.max(np.flatnonzero(band >= 0), initial=0)) + 2
    band = band[:last]
    # Keeps the number of bands when the fastest lie beyond half the frame rate.
    band = np.append(band, [len(bands_hz) - 1]) if band.max(initial=-1) < len(bands_hz) - 1 else band
    waves = np.exp(-2j * np.pi * np.outer(np.arange(band.size), np.arange(width)) / width)
    return waves, band


def rolling(
    x: ArrayLike,
    fps: float,
    windows_s: Sequence[float] = (0.1, 0.33, 1.0, 2.0),
    stats: Sequence[str] = STATS,
    **options,
) -> tuple[NDArray[np.float32], list[str]]:
    """Window statistics of one recording's channels.

    Parameters
    ----------
    x : array of shape (time,) or (time, channel)
        One recording: windows never reach into another one. NaN = missing.
    fps, windows_s, stats, **options
        As in `plan_windows`.

    Returns
    -------
    table : float32 array of shape (time, column) or (time, channel, column)
        The value itself first, then its statistics.
    suffixes : list of str
        What each column is.
    """
    from murid.features.window_kernel import window_table

    x = np.asarray(x, np.float32)
    faults = Faults("rolling")
    if x.ndim not in (1, 2):
        faults.add("wrong number of axes", expected="(time,) or (time, channel)", got=str(x.shape))
    if not fps > 0:
        faults.add("fps is not valid", expected="> 0 frames/s", got=str(fps))
    unknown = [s for s in stats if s not in STATS]
    if unknown:
        faults.add("unknown statistics", expected=", ".join(STATS), got=", ".join(unknown))
    faults.raise_if_any()
    chosen = plan_windows(fps, windows_s, stats, **options)
    channels = np.ascontiguousarray(np.atleast_2d(x.T))
    n, width = channels.shape[1], len(chosen.suffixes)
    out = np.empty((n, channels.shape[0] * width), np.float32)
    columns = np.arange(channels.shape[0], dtype=np.int64) * width
    run_kernel(window_table, channels, 0, n, np.arange(n), chosen, out, columns)
    shaped = out if x.ndim == 1 else out.reshape(n, -1, width)
    return shaped, list(chosen.suffixes)


def run_kernel(kernel, base, base_start, n_total, rows, chosen: WindowPlan, out, columns) -> None:
    """Call the compiled loops with a plan (one place that knows their argument order)."""
    kernel(
        base,
        base_start,
        n_total,
        rows,
        chosen.before,
        chosen.after,
        chosen.flags,
        chosen.percentiles,
        chosen.waves,
        chosen.band_of,
        chosen.lags,
        chosen.min_share,
        out,
        columns,
    )
