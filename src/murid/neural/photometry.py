"""Fibre photometry: dF/F against the isosbestic channel, z scores with a stated baseline, transients.

Bleaching and movement change both channels; calcium (or the transmitter) only the signal channel. The
isosbestic trace is fitted to the signal by robust regression, so that transients do not pull the line, and
``dF/F = (signal − fit) / fit``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import even_parts, samples_in
from murid.data.errors import Faults, fail
from murid.data.stretches import runs_of_true
from murid.data.traces import make_traces
from murid.data.warning import warn_user

Floats = NDArray[np.float64]
#: Share of samples at the largest value from which a channel counts as saturated.
SATURATED = 0.01


def fit_isosbestic(signal: ArrayLike, isosbestic: ArrayLike, *, robust: bool = True) -> tuple[float, float]:
    """Fit ``signal ≈ offset + slope * isosbestic``.

    Parameters
    ----------
    signal, isosbestic : array of shape (time,)
        Raw fluorescence, any unit; pairs with a missing value are left out.
    robust : bool
        Tukey's biweight (samples further than 4.7 scaled median deviations do not count); least squares if False.

    Returns
    -------
    offset, slope : float

    Examples
    --------
    >>> import numpy as np
    >>> from murid.neural import fit_isosbestic
    >>> iso = np.linspace(1, 2, 100)
    >>> offset, slope = fit_isosbestic(0.5 + 3 * iso, iso)
    >>> round(offset, 6), round(slope, 6)
    (0.5, 3.0)
    """
    y, x = np.asarray(signal, np.float64), np.asarray(isosbestic, np.float64)
    faults = Faults("isosbestic fit")
    if y.shape != x.shape or y.ndim != 1:
        faults.add("the channels differ in length", expected=str(y.shape), got=str(x.shape))
        faults.raise_if_any()
    use = np.isfinite(x) & np.isfinite(y)
    if use.sum() < 10:
        faults.add("too few samples with both channels", expected="at least 10", got=str(int(use.sum())))
    elif np.ptp(x[use]) == 0:
        faults.add("the isosbestic channel is constant", todo="check that the right column was read")
    faults.raise_if_any()
    # Regress on standardised values: raw volts or counts can be tiny or huge, and IRLS works on scales.
    mx, sx, my, sy = x[use].mean(), x[use].std(), y[use].mean(), y[use].std() or 1.0
    u, v = (x[use] - mx) / sx, (y[use] - my) / sy
    a, b = _biweight_line(u, v) if robust else (0.0, float((u * v).mean()))
    slope = b * sy / sx
    return float(my + a * sy - slope * mx), float(slope)


def _biweight_line(u: Floats, v: Floats, c: float = 4.685, n_iter: int = 100) -> tuple[float, float]:
    """Iteratively reweighted least squares with Tukey's biweight, scale by median absolute deviation."""
    weight = np.ones_like(u)
    a = b = 0.0
    for _ in range(n_iter):
        total = weight.sum()
        mu, mv = (weight * u).sum() / total, (weight * v).sum() / total
        new_b = (weight * (u - mu) * (v - mv)).sum() / max((weight * (u - mu) ** 2).sum(), 1e-300)
        new_a = mv - new_b * mu
        done = abs(new_a - a) + abs(new_b - b) < 1e-9
        a, b = float(new_a), float(new_b)
        residual = v - a - b * u
        scale = float(np.median(np.abs(residual - np.median(residual)))) / 0.6745
        if done or scale < 1e-12:
            break
        weight = np.clip(1.0 - (residual / (c * scale)) ** 2, 0.0, None) ** 2
    return a, b


def _at_limit(values: Floats) -> float:
    """Share of the values that equal the largest one; a lone peak is no limit."""
    top = int((values == values.max()).sum())
    return top / values.size if top > 2 else 0.0


def _checked_fit(name: str, y: Floats, x: Floats, fit: Floats, slope: float, min_correlation: float) -> float:
    """Return the correlation of signal `y` and isosbestic `x`; raise or warn where the fit cannot be used."""
    faults = Faults("dF/F")
    if not np.nanmin(fit) > 0:
        faults.add(
            "the fitted baseline is not above 0",
            where=f"unit {name}",
            expected="> 0",
            got=f"{np.nanmin(fit):.4g}",
            todo="give raw fluorescence, not detrended or z-scored traces",
        )
    if slope <= 0:
        faults.add(
            "the isosbestic channel runs against the signal",
            where=f"unit {name}",
            expected="a slope above 0",
            got=f"{slope:.3g}",
            todo="check which channel is the isosbestic one and whether a trace is inverted",
        )
    faults.raise_if_any()
    use = np.isfinite(x) & np.isfinite(y)
    flat = _at_limit(y[use]), _at_limit(x[use])
    if max(flat) > SATURATED:
        warn_user(
            f"unit {name}: {max(flat):.0%} of the samples stand at the largest value of the "
            f"{'signal' if flat[0] >= flat[1] else 'isosbestic'} channel (saturated): slope and dF/F are too small"
        )
    r = float(np.corrcoef(x[use], y[use])[0, 1]) if np.ptp(y[use]) > 0 else 0.0
    if r < min_correlation:
        warn_user(
            f"unit {name}: signal and isosbestic correlate only {r:.2f}; too little for the isosbestic correction"
        )
    return r


def dff(
    signal: xr.DataArray, isosbestic: xr.DataArray, *, robust: bool = True, min_correlation: float = 0.3
) -> xr.DataArray:
    """Return dF/F of each signal channel corrected by the isosbestic channel.

    Parameters
    ----------
    signal : DataArray (time, unit)
        Signal channel(s), raw fluorescence (not yet detrended: the fit must be above 0).
    isosbestic : DataArray (time, unit)
        One isosbestic trace for all, or one per unit, on the same clock.
    robust : bool
        See `fit_isosbestic`.
    min_correlation : float
        Warn when the channels correlate less: the correction then has little to go by. A fit whose slope is not above
        0 is an error; a saturated channel warns.

    Returns
    -------
    DataArray (time, unit)
        dF/F as a fraction (0.05 = 5 %). Attributes ``slope``, ``offset``, ``correlation`` per unit.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import dff
    >>> rng = np.random.default_rng(0)
    >>> bleaching = 1 + np.exp(-np.arange(2000) / 500) + 0.01 * rng.standard_normal(2000)
    >>> signal = 2 * bleaching
    >>> signal[1000:1050] *= 1.2
    >>> traces = dff(murid.make_traces(signal, rate_hz=20), murid.make_traces(bleaching, rate_hz=20))
    >>> round(float(traces.values[1000:1050].mean()), 2)
    0.2
    """
    n_units = signal.sizes["unit"]
    faults = Faults("dF/F")
    if isosbestic.sizes["unit"] not in (1, n_units):
        faults.add("number of isosbestic traces", expected=f"1 or {n_units}", got=str(isosbestic.sizes["unit"]))
    if not np.array_equal(signal["time"].values, isosbestic["time"].values):
        faults.add("signal and isosbestic have different clocks", todo="use murid.neural.traces_on first")
    faults.raise_if_any()
    out = np.empty(signal.shape, np.float64)
    notes: dict[str, list[float]] = {"slope": [], "offset": [], "correlation": []}
    for u in range(n_units):
        y = np.asarray(signal.values[:, u], np.float64)
        x = np.asarray(isosbestic.values[:, min(u, isosbestic.sizes["unit"] - 1)], np.float64)
        offset, slope = fit_isosbestic(y, x, robust=robust)
        fit = offset + slope * x
        r = _checked_fit(str(signal["unit"].values[u]), y, x, fit, slope, min_correlation)
        out[:, u] = (y - fit) / fit
        for key, value in (("slope", slope), ("offset", offset), ("correlation", r)):
            notes[key].append(value)
    attrs: dict[str, Any] = {**{k: v for k, v in signal.attrs.items() if k != "kind"}, **notes}
    return make_traces(out, time_s=signal["time"].values, units=list(signal["unit"].values), kind="dff", **attrs)


def difference(signal: xr.DataArray, isosbestic: xr.DataArray, *, robust: bool = True) -> xr.DataArray:
    """Return the signal without what the isosbestic channel explains, for traces that were detrended before.

    dF/F needs raw fluorescence; of detrended traces only the difference to the fit is left, in their own unit.

    Parameters
    ----------
    signal, isosbestic : DataArray (time, unit)
        On one clock; one isosbestic trace for all, or one per unit.
    robust : bool
        See `fit_isosbestic`.

    Examples
    --------
    >>> import numpy as np, murid
    >>> rng = np.random.default_rng(0)
    >>> movement, calcium = rng.standard_normal((2, 500))
    >>> signal = murid.make_traces(2 * movement + 0.1 * calcium, rate_hz=20)
    >>> left = difference(signal, murid.make_traces(movement, rate_hz=20))
    >>> bool(np.corrcoef(left.values[:, 0], calcium)[0, 1] > 0.99)
    True
    """
    out = np.empty(signal.shape, np.float64)
    notes: dict[str, list[float]] = {"slope": [], "offset": [], "correlation": []}
    for u in range(signal.sizes["unit"]):
        y = np.asarray(signal.values[:, u], np.float64)
        x = np.asarray(isosbestic.values[:, min(u, isosbestic.sizes["unit"] - 1)], np.float64)
        offset, slope = fit_isosbestic(y, x, robust=robust)
        out[:, u] = y - offset - slope * x
        use = np.isfinite(x) & np.isfinite(y)
        for key, value in (("slope", slope), ("offset", offset), ("correlation", np.corrcoef(x[use], y[use])[0, 1])):
            notes[key].append(float(value))
    attrs: dict[str, Any] = {**{k: v for k, v in signal.attrs.items() if k != "kind"}, **notes}
    return make_traces(out, time_s=signal["time"].values, units=list(signal["unit"].values), kind="difference", **attrs)


def bleaching(values: ArrayLike, time_s: ArrayLike) -> Floats:
    """Return the course of bleaching: a constant and two decaying exponentials, fitted so that transients do not count.

    Parameters
    ----------
    values : array of shape (time,)
        Raw fluorescence; NaN where there is none.
    time_s : array of shape (time,)
        Seconds.

    Examples
    --------
    >>> import numpy as np
    >>> time = np.arange(600) / 2
    >>> fit = bleaching(2 + np.exp(-time / 60), time)
    >>> bool(np.abs(fit - 2 - np.exp(-time / 60)).max() < 0.01)
    True
    """
    from scipy.optimize import least_squares

    y, t = np.asarray(values, np.float64), np.asarray(time_s, np.float64)
    use = np.isfinite(y)
    if use.sum() < 50:
        fail("bleaching fit", "too few samples", expected="at least 50", got=str(int(use.sum())))
    length, scale = t[-1] - t[0], float(np.median(y[use])) or 1.0
    step = max(1, int(use.sum()) // 4000)
    x, z = ((t[use] - t[0]) / length)[::step], (y[use] / scale)[::step]

    def course(p: Floats, at: Floats) -> Floats:
        return np.asarray(p[0] + p[1] * np.exp(-at / p[2]) + p[3] * np.exp(-at / p[4]))

    drop = float(np.median(z[: len(z) // 20 + 1]) - np.median(z[-len(z) // 20 - 1 :]))
    residual = np.abs(np.diff(z))
    noise = max(float(np.median(residual)), 1e-4)
    best = least_squares(
        lambda p: course(p, x) - z,
        [float(np.median(z[-len(z) // 20 - 1 :])), drop / 2, 0.1, drop / 2, 0.7],
        bounds=([-np.inf, -np.inf, 0.005, -np.inf, 0.2], [np.inf, np.inf, 0.2, np.inf, 5.0]),
        loss="soft_l1",
        f_scale=noise,
    )
    return scale * course(best.x, (t - t[0]) / length)


def low_pass(traces: xr.DataArray, cutoff_hz: float) -> xr.DataArray:
    """Return traces without what changes faster than `cutoff_hz` (Butterworth, second order, forwards and backwards).

    Pauses, changes of rate and missing samples end a stretch; one too short to be filtered stays as it is, and so
    does a trace sampled too slowly to hold such changes.

    Parameters
    ----------
    traces : DataArray (time, unit)
    cutoff_hz : float

    Examples
    --------
    >>> import numpy as np, murid
    >>> time = np.arange(2000) / 100
    >>> traces = murid.make_traces(np.sin(time) + np.sin(2 * np.pi * 20 * time), time_s=time)
    >>> bool(np.abs(low_pass(traces, 3.0).values[200:-200, 0] - np.sin(time[200:-200])).max() < 0.05)
    True
    """
    from scipy.signal import butter, sosfiltfilt

    out = np.asarray(traces.values, np.float64).copy()
    for start, stop, rate in even_parts(traces["time"].values):
        if not rate > 2.2 * cutoff_hz:
            continue
        sos = butter(2, cutoff_hz, fs=rate, output="sos")
        for u in range(out.shape[1]):
            for a, b in runs_of_true(np.isfinite(out[start:stop, u])):
                if b - a > 15:
                    out[start + a : start + b, u] = sosfiltfilt(sos, out[start + a : start + b, u])
    return traces.copy(data=out.astype(np.float32))


def transients(
    traces: xr.DataArray, *, threshold: float = 4.0, window_s: float = 15.0, min_interval_s: float = 0.5
) -> pd.DataFrame:
    """Find transients: peaks that stand out of the noise around the local median.

    Parameters
    ----------
    traces : DataArray (time, unit)
        dF/F, or z scores.
    threshold : float
        A transient is so many robust SDs (1.4826 × median absolute deviation from the local median) high, and rises
        so much above what lies around it. Low-passed noise at 3 Hz alone gives 0.02 a minute at 4, and 1 at 3.
    window_s : float
        The local median is that of so much time around a sample: slow changes are no transients.
    min_interval_s : float
        Of two peaks nearer than this the higher one counts.

    Returns
    -------
    DataFrame
        ``unit, time_s`` (of the peak), ``size`` (above the local median), ``width_s`` (at half prominence).

    Examples
    --------
    >>> import numpy as np, murid
    >>> x = 0.01 * np.random.default_rng(0).standard_normal(2000)
    >>> x[500:520] += 0.5 * np.hanning(20)
    >>> transients(murid.make_traces(x, rate_hz=20))["time_s"].round(0).tolist()
    [25.0]
    """
    from scipy.signal import find_peaks, peak_widths

    time, rows = traces["time"].values, []
    stretches = even_parts(time)
    for u, unit in enumerate(traces["unit"].values):
        x = above_local_median(traces.values[:, u], stretches, window_s)
        known = np.abs(x[np.isfinite(x)])
        least = threshold * 1.4826 * float(np.median(known)) if known.size else 0.0
        for start, stop, rate in stretches if least > 0 else ():
            distance = max(1, samples_in(min_interval_s, rate)) if np.isfinite(rate) else 1
            for a, b in runs_of_true(np.isfinite(x[start:stop])):
                part = x[start + a : start + b]
                peaks, _ = find_peaks(part, height=least, prominence=least, distance=distance)
                widths = peak_widths(part, peaks)[0] / rate
                rows += [
                    (str(unit), float(time[start + a + k]), float(part[k]), float(w))
                    for k, w in zip(peaks, widths, strict=True)
                ]
    return pd.DataFrame(rows, columns=["unit", "time_s", "size", "width_s"]).astype({"unit": object})


def above_local_median(values: ArrayLike, stretches: Sequence[tuple[int, int, float]], window_s: float) -> Floats:
    """Return a trace minus its running median, stretch by stretch of one rate; NaN stays NaN."""
    x = np.asarray(values, np.float64).copy()
    for start, stop, rate in stretches:
        width = max(3, samples_in(window_s, rate)) if np.isfinite(rate) else 3
        part = pd.Series(x[start:stop])
        x[start:stop] -= part.rolling(width, center=True, min_periods=1).median().to_numpy()
    return x


def zscore(
    traces: xr.DataArray, *, baseline_s: tuple[float, float] | None = None, robust: bool = False, ddof: int = 1
) -> xr.DataArray:
    """Return ``(x − centre) / spread`` of a stated baseline.

    Parameters
    ----------
    traces : DataArray (time, unit)
    baseline_s : (start, stop), optional
        Half-open stretch of time, s; the whole recording by default. Written to ``attrs["z_baseline"]``.
    robust : bool
        Median and 1.4826 × median absolute deviation instead of mean and sd.
    ddof : int
        Of the sd.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import zscore
    >>> z = zscore(murid.make_traces(np.arange(100), rate_hz=10), baseline_s=(0, 5))
    >>> z.attrs["z_baseline"]
    '0-5 s, mean and sd'
    """
    time = traces["time"].values
    start, stop = baseline_s if baseline_s is not None else (float(time[0]), float(np.nextafter(time[-1], np.inf)))
    inside = (time >= start) & (time < stop)
    x = np.asarray(traces.values, np.float64)
    if inside.sum() < 2 or not np.isfinite(x[inside]).any(axis=0).all():
        fail(
            "zscore",
            "the baseline holds no data",
            expected=f"within {time[0]:.1f}-{time[-1]:.1f} s",
            got=f"{start}-{stop} s",
        )
    base = x[inside]
    if robust:
        centre = np.nanmedian(base, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(base - centre), axis=0)
    else:
        centre, spread = np.nanmean(base, axis=0), np.nanstd(base, axis=0, ddof=ddof)
    z = (x - centre) / np.where(spread > 0, spread, np.nan)
    baseline = "whole recording" if baseline_s is None else f"{start:g}-{stop:g} s"
    return traces.copy(data=z.astype(np.float32)).assign_attrs(
        kind="z", z_baseline=f"{baseline}, {'median and MAD' if robust else 'mean and sd'}"
    )
