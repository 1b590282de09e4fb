"""The table of `tuning` while it is filled: one block of units after another, one test a pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import samples_in
from murid.data.names import counted
from murid.data.pvalues import fdr_within
from murid.data.states import UNLABELLED
from murid.data.traces import control_channels
from murid.neural import nulls
from murid.neural.information import mi_circular, mi_linear, quantile_bins

if TYPE_CHECKING:
    from murid.neural.tuning import TuningParams

#: Samples × units handled at once by one thread: 64 units of an hour at 10 Hz, about 50 MB.
BLOCK_SAMPLES = 64 * 36_000

#: One block of work: valid samples, samples with signal, units, behaviours.
Job = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]


def _patterns(valid: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Group rows of a (row, time) mask that are equal: list of (mask, row indices)."""
    groups: dict[bytes, list[int]] = {}
    packed = np.packbits(valid, axis=1)
    for row in range(len(valid)):
        groups.setdefault(packed[row].tobytes(), []).append(row)
    return [(valid[rows[0]], np.asarray(rows)) for rows in groups.values()]


class TuningTable:
    """The table while it is filled: arrays of shape (unit, behaviour)."""

    def __init__(
        self, params: TuningParams, time_s: NDArray[np.float64], step_s: float, behaviours: list[str], units: list[str]
    ) -> None:
        self.params, self.time_s, self.step_s = params, time_s, step_s
        self.by_mi = params.statistic == "mi"
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
        self.direction = np.full(shape, "none", object)
        self.drift_unit, self.drift_behaviour = np.empty(shape[0]), np.empty(shape[1])
        self.half_curve = samples_in(params.curve_s, 1 / step_s)
        self.curves = np.full((*shape, 2 * self.half_curve + 1), np.nan, np.float32) if self.half_curve else None

    def drift(self, values: NDArray[Any], masks: NDArray[np.int8]) -> None:
        """Measure |corr with time| of every unit and behaviour."""
        blocks = self.params.drift_blocks
        for start in range(0, len(values), 256):
            part = slice(start, start + 256)
            self.drift_unit[part] = nulls.drift(values[part], self.time_s, n_blocks=blocks)
        behaviour = np.where(masks == UNLABELLED, np.nan, masks)
        self.drift_behaviour[:] = nulls.drift(behaviour, self.time_s, n_blocks=blocks)

    def jobs(self, values: NDArray[Any], masks: NDArray[np.int8]) -> Iterator[Job]:
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
        constant = np.asarray(~ranks.any(axis=1))
        drifting = np.zeros((units.size, behaviours.size), bool)
        spectra = (nulls.transform(ranks), quantile_bins(ranks, self.params.mi_bins) if self.by_mi else None)
        for column, j in enumerate(behaviours):
            on = (masks[j][valid] == 1).astype(np.float32)
            self._describe(x, on, units, j, _count_bouts(masks[j], valid))
            if not self._testable(units, j, constant):
                continue
            linear = self._wants_linear(units, j)
            self._circular(spectra, on, units, j, constant, ~constant & ~linear)
            drifting[:, column] = ~constant & linear
        if drifting.any():
            self._linear(values, masks, valid, seen, units, drifting, behaviours)

    def _circular(
        self,
        spectra: tuple[NDArray[np.complexfloating], NDArray[np.int8] | None],
        on: NDArray[np.float32],
        units: NDArray[np.int64],
        j: int,
        constant: NDArray[np.bool_],
        keep: NDArray[np.bool_],
    ) -> None:
        """AUROC of every unit, and the circular-shift test of those in `keep`."""
        x_hat, bins = spectra
        n, n_in, p = on.size, int(on.sum()), self.params
        b_hat = nulls.transform(on)
        curve = nulls.auroc_circular(x_hat, b_hat, n, n_in)
        self.a["auroc"][units, j] = np.where(constant, 0.5, curve[:, 0])
        self.a["n_independent"][units, j] = nulls.n_independent(x_hat, b_hat)
        statistic: NDArray[np.floating] = curve if bins is None else mi_circular(bins, b_hat, p.mi_bins)
        lags = nulls.circular_lags(n, self.step_s, min_shift_s=p.min_shift_s, max_share=p.max_min_shift)
        self._test(statistic[keep], lags, units[keep], j, "circular")

    def _describe(
        self, x: NDArray[np.floating], b: NDArray[np.float32], units: NDArray[np.int64], j: int, n_bouts: int
    ) -> None:
        """Means, d′ and counts of one behaviour."""
        n, n_in = b.size, int(b.sum())
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

    def _testable(self, units: NDArray[np.int64], j: int, constant: NDArray[np.bool_]) -> bool:
        """Note why pairs cannot be tested; False when none can."""
        reason = ""
        bouts, n_in, n = (int(self.a[name][units[0], j]) for name in ("n_bouts", "n_in", "n_samples"))
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
            if self.by_mi:
                bins = np.zeros(wide.shape, np.int8)
                bins[:, seen] = quantile_bins(ranks, p.mi_bins)
                curve: NDArray[np.floating] = mi_linear(bins[rows], seen, masks[j], p.mi_bins, p.linear_reach)
            else:
                curve = shifts.curve(masks[j] == 1)[rows]
            self._test(curve, lags, chosen[rows], j, "linear")

    def _test(self, curve: NDArray[np.floating], lags: nulls.Lags, units: NDArray[np.int64], j: int, null: str) -> None:
        """Rank the observation among its shifts and note the outcome."""
        if units.size == 0:
            return
        a, linear = self.a, null == "linear"
        if linear:
            a["n_independent"][units, j] = nulls.n_independent_of(lags.null_of(curve))
        width = samples_in(self.params.max_lag_s, 1 / self.step_s)
        # Shared trends shift the whole curve: the effect is what the true alignment has beyond the other shifts.
        centre = nulls.rank_shifts(curve, lags).null_mean if linear else np.full(units.size, 0.5)
        if width:
            test = nulls.rank_best_lag(curve, lags, width, centre=centre, upper=self.by_mi)
        else:
            test = nulls.rank_shifts(curve, lags, upper=self.by_mi)
        a["n_shifts"][units, j], a["null"][units, j] = test.n_null, null
        a["best_lag_s"][units, j] = test.best_lag_s
        if self.by_mi:
            a["mi"][units, j], a["mi_corrected"][units, j] = test.observed, test.observed - test.null_mean
            self.direction[units, j] = "tuned"
        else:
            if linear or width:
                a["auroc"][units, j] = np.clip(test.observed - centre + 0.5, 0.0, 1.0)
            away = test.observed - centre
            self.direction[units, j] = np.where(away > 0, "excited", np.where(away < 0, "suppressed", "none"))
        statistic = np.abs(test.observed - centre) if width and not self.by_mi else test.observed
        with np.errstate(invalid="ignore", divide="ignore"):
            a["z"][units, j] = (statistic - test.null_mean) / test.null_sd
        a["p"][units, j] = self._judged(test, units, j)
        if self.curves is not None:
            window = (lags.zero + np.arange(-self.half_curve, self.half_curve + 1)) % curve.shape[1]
            self.curves[units, j] = curve[:, window]

    def _judged(self, test: nulls.ShiftTest, units: NDArray[np.int64], j: int) -> NDArray[np.float64]:
        """p, NaN with its reason where the shifts cannot carry a verdict."""
        independent, least = self.a["n_independent"][units, j], self.params.min_independent
        reason = np.full(units.size, "", object)
        reason[~np.isfinite(test.observed)] = "no sample is both measured and labelled at lag 0"
        few = ~(independent >= least)
        reason[few] = [f"too few independent shifts ({v:.1f} < {least:g})" for v in independent[few]]
        reason[test.n_null == 0] = "session too short for any shift"
        self.a["reason"][units, j] = reason
        return np.where(reason == "", test.p, np.nan)

    def result(self) -> tuple[pd.DataFrame, xr.DataArray | None, tuple[str, ...]]:
        """Assemble the table, correct over all pairs, name directions."""
        a, p = self.a, self.params
        n_unit, n_beh = len(self.units), len(self.behaviours)
        control = np.repeat(np.isin(self.units, control_channels(self.units)), n_beh)
        # What a control channel shows is no activity: it must not make the correction of the units harder or easier.
        q = fdr_within(a["p"], control.reshape(n_unit, n_beh))
        called = np.nan_to_num(q, nan=1.0) <= p.alpha
        tails = 1 if self.by_mi or p.max_lag_s > 0 else 2
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
            "direction": np.where(np.isnan(a["p"]), "not tested", np.where(called, self.direction, "none")),
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
            "control": control,
            "reason": a["reason"],
        }
        if self.by_mi:
            columns |= {"mi": a["mi"], "mi_corrected": a["mi_corrected"]}
        table = pd.DataFrame({name: np.ravel(v) for name, v in columns.items()})
        return table, self._curve_array(), tuple(_notes(table, p))

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
    """What a reader should know before believing the table."""
    notes = []
    tested = table["p"].notna()
    if not tested.all():
        reasons = table.loc[~tested, "reason"].str.replace(r"\(.*\)", "", regex=True).str.strip().value_counts()
        notes.append(
            "not tested: " + "; ".join(f"{counted(int(n), 'pair')}: {reason}" for reason, n in reasons.items())
        )
    linear = int((table["null"] == "linear").sum())
    if linear and params.null == "auto":
        notes.append(f"{counted(linear, 'pair')}: unit and behaviour both drift, tested by linear shift")
    few = tested & (table["n_independent"] < 40)
    if few.any():
        notes.append(
            f"{counted(int(few.sum()), 'pair')} with fewer than 40 independent shifts: the smallest p values are rough"
        )
    if tested.any():
        floor, wanted = float(table.loc[tested, "p_floor"].max()), params.alpha / int(tested.sum())
        if floor > wanted:
            notes.append(
                f"the smallest possible p is {floor:.2g}: a single pair can not reach q <= {params.alpha} "
                f"among {int(tested.sum())}; at least {int(np.ceil(floor / wanted))} must be tuned together"
            )
    return notes
