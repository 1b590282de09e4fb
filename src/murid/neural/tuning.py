"""Which units are tuned to which behaviours, with a null that autocorrelation cannot fool.

For every unit × behaviour: AUROC of the signal in against out of the behaviour, its p from *all*
circular shifts (or linear shifts where both drift), and Benjamini–Hochberg q over all pairs.

Unlabelled and missing samples. A circular shift must not slide labelled behaviour onto samples
that have no label or no signal: the number of samples in and out would change from shift to shift,
and with it the statistic. So for each pair the samples that are labelled *and* measured are joined
into one stretch and behaviour is rotated within it. Numbers in and out stay fixed, the AUROC of each
shift is exact, and every seam between joined pieces is one more place like the wrap-around. The linear
shift needs no joining: it counts, lag by lag, the samples that meet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.pvalues import fdr
from murid.data.states import UNLABELLED, behaviour_names, mask_of
from murid.data.traces import Spikes
from murid.neural import nulls
from murid.neural.align import states_on
from murid.neural.information import mi_circular, mi_linear, quantile_bins

#: Samples × units handled at once by one thread: 64 units of an hour at 10 Hz, about 50 MB.
BLOCK_SAMPLES = 64 * 36_000


class TuningParams(Params):
    """What counts as tuned, and against which null."""

    statistic: Literal["auroc", "mi"] = param("auroc", why="AUROC by ranks, or mutual information (any shape)")
    null: Literal["auto", "circular", "linear"] = param(
        "auto", why="circular shift, and linear shift for pairs in which unit and behaviour both drift"
    )
    min_shift_s: float = param(30.0, unit="s", ge=0, why="nearer shifts are not independent of the true alignment")
    max_min_shift: float = param(0.1, gt=0, lt=0.5, why="in short sessions the smallest shift is this share instead")
    linear_reach: float = param(0.25, gt=0, lt=0.5, why="linear shifts go this share of the session either way")
    drift_limit: float = param(
        0.3, ge=0, le=1, why="|corr with time| above which both must lie for the linear shift; 0.5 leaves 7 % errors"
    )
    drift_blocks: int = param(20, ge=5, why="stretches averaged before correlating with time")
    min_bouts: int = param(5, ge=2, why="bouts, not frames, are the independent observations of a behaviour")
    min_labelled: float = param(0.5, gt=0, le=1, why="share of a neural sample's exposure that must be labelled")
    max_lag_s: float = param(
        0.0, unit="s", ge=0, why="take the best lag within ± this; every null shift takes its own best lag too"
    )
    curve_s: float = param(0.0, unit="s", ge=0, why="keep the lag curve within ± this; 0 keeps none")
    mi_bins: int = param(5, ge=2, le=64, why="quantile bins for mutual information; 4 to 8 are usual")
    bin_s: float = param(0.1, unit="s", gt=0, why="bin for spike times")
    alpha: float = param(0.05, gt=0, lt=1, why="q at or below which a unit is called excited or suppressed")


@dataclass(frozen=True)
class TuningResult:
    """Tuning of every unit to every behaviour.

    Attributes
    ----------
    table : DataFrame
        One row a pair: ``unit, behaviour, auroc, selectivity`` (2A − 1), ``p, q, z, direction``
        (excited / suppressed / none, by q), ``null, mean_in, mean_out, d_prime, drift_unit,
        drift_behaviour, n_samples, n_in, n_bouts, n_shifts, n_independent, p_floor, best_lag_s,
        reason`` (why it could not be tested, else ""); ``mi, mi_corrected`` (bits) for MI.
    params : TuningParams
    lag_curves : DataArray (unit, behaviour, lag), optional
        The statistic against lag (s); positive lag: the unit follows the behaviour.
    notes : tuple of str
        What a reader should know before believing the table.
    """

    table: pd.DataFrame
    params: TuningParams
    lag_curves: xr.DataArray | None = None
    notes: tuple[str, ...] = field(default=())

    def matrix(self, column: str = "selectivity") -> pd.DataFrame:
        """Return one column of the table as units × behaviours."""
        wide = self.table.pivot(index="unit", columns="behaviour", values=column)
        return wide.reindex(index=self.table["unit"].unique(), columns=self.table["behaviour"].unique())

    def tuned(self) -> pd.DataFrame:
        """Return the rows called excited or suppressed."""
        return self.table[self.table["direction"].isin(["excited", "suppressed"])].reset_index(drop=True)


def tuning(
    traces: xr.DataArray | Spikes,
    states: xr.DataArray,
    *,
    params: TuningParams | None = None,
    individual: str | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> TuningResult:
    """Test every unit for tuning to every behaviour.

    Parameters
    ----------
    traces : DataArray (time, unit) or Spikes
        Neural signal on the recording's time base (s), its own sampling. NaN samples are left out,
        unit by unit. Spike times are binned at ``params.bin_s``.
    states : DataArray
        Exclusive or multi-label states on any clock in the same seconds; put on the neural clock by
        majority of exposure. Unlabelled (−1) samples are left out: they are not "absent".
    params : TuningParams, optional
    individual : str, optional
        Whose behaviour, when `states` has several individuals.
    seed : int
        Accepted for a uniform call; nothing here is random, all shifts are used.
    workers : int, optional
        Threads; all cores by default. Does not change the result.

    Returns
    -------
    TuningResult

    Raises
    ------
    DataError
        Unknown individual, or clocks that do not overlap.

    Notes
    -----
    The smallest p is ``p_floor = 2 / (B + 1)`` with B all admissible shifts. Neighbouring shifts are
    alike: ``n_independent`` says how many independent draws those B hold. Where it is below about 40
    the tails are poorly known, and single p values near the floor should not be leaned on.
    """
    params = params or TuningParams()
    if isinstance(traces, Spikes):
        traces = traces.binned(params.bin_s)
    traces, masks, names = _on_one_clock(traces, states, individual, params)
    time_s = traces["time"].values.astype(np.float64)
    work = _Work(params, time_s, 1.0 / rate_of(time_s), names, [str(u) for u in traces["unit"].values])
    values = np.ascontiguousarray(traces.values.T)
    work.drift(values, masks)
    jobs = list(work.jobs(values, masks))
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for _ in pool.map(lambda job: work.run(values, masks, *job), jobs):
            pass
    return work.result()


def _on_one_clock(
    traces: xr.DataArray, states: xr.DataArray, individual: str | None, params: TuningParams
) -> tuple[xr.DataArray, NDArray[np.int8], list[str]]:
    """Cut the traces to the span of the states and return behaviour masks (behaviour, time)."""
    time_s = traces["time"].values
    start, stop = float(states["time"].values[0]), float(states["time"].values[-1])
    inside = (time_s >= start) & (time_s <= stop)
    if inside.sum() < 2:
        fail(
            "tuning",
            "traces and states do not overlap in time",
            expected=f"traces within {start:.1f}-{stop:.1f} s",
            got=f"{time_s[0]:.1f}-{time_s[-1]:.1f} s",
            todo="map the neural clock onto the recording's time base (Recording.map_clock)",
        )
    traces = traces.isel(time=np.flatnonzero(inside))
    if individual is not None:
        names = [str(i) for i in states["individual"].values]
        if individual in names:
            states = states.isel(individual=[names.index(individual)])
    on_clock = states_on(states, traces["time"].values, min_labelled=params.min_labelled)
    names = behaviour_names(states)
    return traces, np.stack([mask_of(on_clock, b, individual) for b in names]), names


def _patterns(valid: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Group rows of a (row, time) mask that are equal: list of (mask, row indices)."""
    groups: dict[bytes, list[int]] = {}
    packed = np.packbits(valid, axis=1)
    for row in range(len(valid)):
        groups.setdefault(packed[row].tobytes(), []).append(row)
    return [(valid[rows[0]], np.asarray(rows)) for rows in groups.values()]


class _Work:
    """The table while it is filled: arrays of shape (unit, behaviour)."""

    def __init__(
        self, params: TuningParams, time_s: NDArray[np.float64], step_s: float, behaviours: list[str], units: list[str]
    ) -> None:
        self.params, self.time_s, self.step_s = params, time_s, step_s
        self.behaviours, self.units = behaviours, units
        shape = (len(units), len(behaviours))
        numeric = (
            "auroc",
            "p",
            "z",
            "mean_in",
            "mean_out",
            "d_prime",
            "n_independent",
            "best_lag_s",
            "mi",
            "mi_corrected",
        )
        self.a: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in numeric}
        for name in ("n_samples", "n_in", "n_bouts", "n_shifts"):
            self.a[name] = np.zeros(shape, np.int64)
        self.a["reason"] = np.full(shape, "", object)
        self.a["null"] = np.full(shape, "", object)
        self.drift_unit, self.drift_behaviour = np.empty(shape[0]), np.empty(shape[1])
        self.half_curve = round(params.curve_s / step_s)
        self.curves = np.full((*shape, 2 * self.half_curve + 1), np.nan, np.float32) if self.half_curve else None

    def drift(self, values: NDArray[Any], masks: NDArray[np.int8]) -> None:
        """Measure |corr with time| of every unit and behaviour."""
        blocks = self.params.drift_blocks
        for start in range(0, len(values), 256):
            part = slice(start, start + 256)
            self.drift_unit[part] = nulls.drift(values[part], self.time_s, n_blocks=blocks)
        behaviour = np.where(masks == UNLABELLED, np.nan, masks)
        self.drift_behaviour[:] = nulls.drift(behaviour, self.time_s, n_blocks=blocks)

    def jobs(self, values: NDArray[Any], masks: NDArray[np.int8]) -> Iterator[tuple[Any, ...]]:
        """Yield (valid samples, units, behaviours) with one validity each, in blocks of units."""
        for seen, units in _patterns(np.isfinite(values)):
            for labelled, behaviours in _patterns(masks != UNLABELLED):
                size = max(1, BLOCK_SAMPLES // values.shape[1])
                for start in range(0, units.size, size):
                    yield seen & labelled, seen, units[start : start + size], behaviours

    def run(
        self,
        values: NDArray[Any],
        masks: NDArray[np.int8],
        valid: NDArray[np.bool_],
        seen: NDArray[np.bool_],
        units: NDArray[np.int64],
        behaviours: NDArray[np.int64],
    ) -> None:
        """Fill the rows of one block of units."""
        n = int(valid.sum())
        if n == 0:
            self.a["reason"][np.ix_(units, behaviours)] = "no sample is both measured and labelled"
            return
        x = values[units][:, valid] if n < valid.size else values[units]
        ranks = nulls.centred_ranks(x)
        x_hat = nulls.transform(ranks)
        constant = ~ranks.any(axis=1)
        bins = quantile_bins(ranks, self.params.mi_bins) if self.params.statistic == "mi" else None
        drifting = np.zeros((units.size, behaviours.size), bool)
        for column, j in enumerate(behaviours):
            b = (masks[j][valid] == 1).astype(np.float32)
            n_in = int(b.sum())
            self._describe(x, b, units, j, n_in, _count_bouts(masks[j], valid))
            if not self._testable(units, j, n, n_in, constant):
                continue
            b_hat = nulls.transform(b)
            curve = nulls.auroc_circular(x_hat, b_hat, n, n_in)
            self.a["auroc"][units, j] = np.where(constant, 0.5, curve[:, 0])
            self.a["n_independent"][units, j] = nulls.n_independent(x_hat, b_hat)
            if bins is not None:
                curve = mi_circular(bins, b_hat, n_in, self.params.mi_bins)
            lags = nulls.circular_lags(
                n, self.step_s, min_shift_s=self.params.min_shift_s, max_share=self.params.max_min_shift
            )
            linear = self._wants_linear(units, j)
            keep = ~constant & ~linear
            self._test(curve[keep], lags, units[keep], j, "circular")
            drifting[:, column] = ~constant & linear
        if drifting.any():
            self._linear(values, masks, valid, seen, units, drifting, behaviours)

    def _describe(
        self, x: NDArray[Any], b: NDArray[np.float32], units: NDArray[np.int64], j: int, n_in: int, n_bouts: int
    ) -> None:
        """Means, d′ and counts of one behaviour."""
        n = b.size
        for name, value in (("n_samples", n), ("n_in", n_in), ("n_bouts", n_bouts)):
            self.a[name][units, j] = value
        centre = x.mean(axis=1, dtype=np.float64)
        flat = np.asarray(x - centre[:, None].astype(x.dtype))
        on = b > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            sums = [np.einsum("ut,t->u", flat, w.astype(x.dtype), dtype=np.float64) for w in (on, ~on)]
            squares = [np.einsum("ut,ut,t->u", flat, flat, w.astype(x.dtype), dtype=np.float64) for w in (on, ~on)]
            counts = (n_in, n - n_in)
            means = [s / c if c else np.full(s.shape, np.nan) for s, c in zip(sums, counts, strict=True)]
            var = [
                (q - c * m**2) / (c - 1) if c > 1 else np.full(m.shape, np.nan)
                for q, c, m in zip(squares, counts, means, strict=True)
            ]
            d_prime = (means[0] - means[1]) / np.sqrt((var[0] + var[1]) / 2)
        self.a["mean_in"][units, j], self.a["mean_out"][units, j] = means[0] + centre, means[1] + centre
        self.a["d_prime"][units, j] = np.where(np.isfinite(d_prime), d_prime, np.nan)

    def _testable(self, units: NDArray[np.int64], j: int, n: int, n_in: int, constant: NDArray[np.bool_]) -> bool:
        """Note why pairs cannot be tested; False when none can."""
        reason = ""
        bouts = int(self.a["n_bouts"][units[0], j])
        if n_in == 0:
            reason = "behaviour never occurs"
        elif n_in == n:
            reason = "behaviour never stops"
        elif bouts < self.params.min_bouts:
            reason = f"too few bouts ({bouts} < {self.params.min_bouts})"
        self.a["reason"][units, j] = reason or np.where(constant, "constant trace", "")
        return not reason

    def _wants_linear(self, units: NDArray[np.int64], j: int) -> NDArray[np.bool_]:
        if self.params.null != "auto":
            return np.full(units.size, self.params.null == "linear")
        limit = self.params.drift_limit
        return (self.drift_unit[units] > limit) & bool(self.drift_behaviour[j] > limit)

    def _linear(
        self,
        values: NDArray[Any],
        masks: NDArray[np.int8],
        valid: NDArray[np.bool_],
        seen: NDArray[np.bool_],
        units: NDArray[np.int64],
        pairs: NDArray[np.bool_],
        behaviours: NDArray[np.int64],
    ) -> None:
        """Linear-shift tests of one block on the uncut session; `pairs` (unit, behaviour) says which."""
        p = self.params
        lags = nulls.linear_lags(valid.size, self.step_s, reach=p.linear_reach)
        own = pairs.any(axis=1)
        chosen, pairs = units[own], pairs[own]
        # Ranks over all the unit's samples, also where behaviour is unlabelled: the unit slides there.
        ranks = nulls.centred_ranks(values[chosen][:, seen])
        wide = np.zeros((chosen.size, valid.size), np.float32)
        wide[:, seen] = ranks / np.float32(ranks.shape[1])
        shifts = nulls.LinearShifts(wide, seen, masks[behaviours[0]] != UNLABELLED, p.linear_reach)
        for column, j in enumerate(behaviours):
            rows = pairs[:, column]
            if not rows.any():
                continue
            centre = slice(lags.zero, valid.size - lags.zero)
            bouts = _count_bouts(masks[j][centre], valid[centre])
            if bouts < p.min_bouts:
                self.a["reason"][chosen[rows], j] = f"too few bouts in the window of the linear shift ({bouts})"
                self.a["null"][chosen[rows], j] = "linear"
                continue
            if p.statistic == "mi":
                bins = np.zeros(wide.shape, np.int8)
                bins[:, seen] = quantile_bins(ranks, p.mi_bins)
                curve = mi_linear(bins[rows], seen, masks[j], p.mi_bins, p.linear_reach)
            else:
                curve = shifts.curve(masks[j] == 1)[rows]
            self._test(curve, lags, chosen[rows], j, "linear")

    def _test(self, curve: NDArray[Any], lags: nulls.Lags, units: NDArray[np.int64], j: int, null: str) -> None:
        """Rank the observation among its shifts and note the outcome."""
        if units.size == 0:
            return
        upper = self.params.statistic == "mi"
        width = round(self.params.max_lag_s / self.step_s)
        if width:
            test = nulls.rank_best_lag(curve, lags, width, upper=upper)
        else:
            test = nulls.rank_shifts(curve, lags, upper=upper)
        a = self.a
        a["p"][units, j], a["n_shifts"][units, j], a["null"][units, j] = test.p, test.n_null, null
        a["best_lag_s"][units, j] = test.best_lag_s
        if upper:
            a["mi"][units, j], a["mi_corrected"][units, j] = test.observed, test.observed - test.null_mean
        statistic = np.abs(test.observed - 0.5) if width and not upper else test.observed
        with np.errstate(invalid="ignore", divide="ignore"):
            a["z"][units, j] = (statistic - test.null_mean) / test.null_sd
        if test.n_null == 0:
            a["reason"][units, j] = "session too short for any shift"
        if self.curves is not None:
            window = (lags.zero + np.arange(-self.half_curve, self.half_curve + 1)) % curve.shape[1]
            self.curves[units, j] = curve[:, window]

    def result(self) -> TuningResult:
        """Assemble the table, correct over all pairs, name directions."""
        a, p = self.a, self.params
        n_unit, n_beh = len(self.units), len(self.behaviours)
        q = fdr(a["p"])
        called = np.nan_to_num(q, nan=1.0) <= p.alpha
        sign = np.where(a["auroc"] > 0.5, "excited", np.where(a["auroc"] < 0.5, "suppressed", "none"))
        tails = 1 if p.statistic == "mi" or p.max_lag_s > 0 else 2
        with np.errstate(divide="ignore"):
            floor = np.where(a["n_shifts"] > 0, tails / (a["n_shifts"] + 1.0), np.nan)
        columns = {
            "unit": np.repeat(np.asarray(self.units, object), n_beh),
            "behaviour": np.tile(np.asarray(self.behaviours, object), n_unit),
            "auroc": a["auroc"],
            "selectivity": 2 * a["auroc"] - 1,
            "p": a["p"],
            "q": q,
            "z": a["z"],
            "direction": np.where(np.isnan(a["p"]), "not tested", np.where(called, sign, "none")),
            "null": a["null"],
            "mean_in": a["mean_in"],
            "mean_out": a["mean_out"],
            "d_prime": a["d_prime"],
            "drift_unit": np.repeat(self.drift_unit, n_beh),
            "drift_behaviour": np.tile(self.drift_behaviour, n_unit),
            "n_samples": a["n_samples"],
            "n_in": a["n_in"],
            "n_bouts": a["n_bouts"],
            "n_shifts": a["n_shifts"],
            "n_independent": a["n_independent"],
            "p_floor": floor,
            "best_lag_s": a["best_lag_s"],
            "reason": a["reason"],
        }
        if p.statistic == "mi":
            columns |= {"mi": a["mi"], "mi_corrected": a["mi_corrected"]}
        table = pd.DataFrame({name: np.ravel(v) for name, v in columns.items()})
        return TuningResult(table, p, self._curve_array(), tuple(_notes(table, p)))

    def _curve_array(self) -> xr.DataArray | None:
        if self.curves is None:
            return None
        lag = np.arange(-self.half_curve, self.half_curve + 1) * self.step_s
        return xr.DataArray(
            self.curves,
            dims=("unit", "behaviour", "lag"),
            name=self.params.statistic,
            coords={"unit": self.units, "behaviour": self.behaviours, "lag": lag},
        )


def _count_bouts(mask: NDArray[np.int8], valid: NDArray[np.bool_]) -> int:
    """Count the bouts (runs of 1) of which at least one sample is valid; gaps in the signal do not split them."""
    on = mask == 1
    bout = np.cumsum(on & ~np.concatenate([[False], on[:-1]]))
    return int(np.unique(bout[on & valid]).size)


def _notes(table: pd.DataFrame, params: TuningParams) -> list[str]:
    notes = []
    tested = table["p"].notna()
    if not tested.all():
        reasons = table.loc[~tested, "reason"].str.replace(r"\(.*\)", "", regex=True).str.strip().value_counts()
        notes.append("not tested: " + "; ".join(f"{n} pairs: {reason}" for reason, n in reasons.items()))
    linear = int((table["null"] == "linear").sum())
    if linear and params.null == "auto":
        notes.append(f"{linear} pairs drift in both unit and behaviour and were tested by linear shift")
    few = tested & (table["n_independent"] < 40)
    if few.any():
        notes.append(f"{int(few.sum())} pairs have fewer than 40 independent shifts: their smallest p values are rough")
    if tested.any():
        floor, wanted = float(table.loc[tested, "p_floor"].max()), params.alpha / int(tested.sum())
        if floor > wanted:
            notes.append(
                f"the smallest possible p is {floor:.2g}: a single pair can not reach q <= {params.alpha} "
                f"among {int(tested.sum())}; at least {int(np.ceil(floor / wanted))} must be tuned together"
            )
    return notes
