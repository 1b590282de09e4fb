"""Which units are tuned to which behaviours, with a null that autocorrelation cannot fool.

For every unit × behaviour: AUROC of the signal in against out of the behaviour, its p from *all*
circular shifts (or linear shifts where both drift), and Benjamini–Hochberg q over all pairs of units;
isosbestic control channels are corrected among themselves.

Unlabelled and missing samples. A circular shift must not slide labelled behaviour onto samples
that have no label or no signal: the number of samples in and out would change from shift to shift,
and with it the statistic. So for each pair the samples that are labelled *and* measured are joined
into one stretch and behaviour is rotated within it. Numbers in and out stay fixed, the AUROC of each
shift is exact, and every seam between joined pieces is one more place like the wrap-around. The linear
shift needs no joining: it counts, lag by lag, the samples that meet.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import rate_of
from murid.data.labels import Labels
from murid.data.meet import traces_and_states
from murid.data.params import Params, param
from murid.data.states import behaviour_names, mask_of
from murid.data.traces import Spikes
from murid.neural.tuning_table import TuningTable

#: Directions that count as tuned; "tuned" is what mutual information can say.
CALLED = ("excited", "suppressed", "tuned")


class TuningParams(Params):
    """What counts as tuned, and against which null.

    Examples
    --------
    >>> from murid.neural import TuningParams
    >>> TuningParams(max_lag_s=1.0).null
    'auto'
    """

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
    min_independent: float = param(20.0, ge=0, why="no verdict from fewer independent shifts: the tails are not known")
    alpha: float = param(0.05, gt=0, lt=1, why="q at or below which a unit is called excited or suppressed")


@dataclass(frozen=True)
class TuningResult:
    """Tuning of every unit to every behaviour.

    Attributes
    ----------
    table : DataFrame
        One row a pair: ``unit, behaviour, auroc, selectivity`` (2A − 1), ``p, q, z, direction``
        (by q: excited / suppressed, or tuned with mutual information, which has no sign; else none),
        ``null, mean_in, mean_out`` (spikes per second, else in the unit of the signal), ``d_prime, drift_unit,
        drift_behaviour, n_samples, n_in, n_bouts, n_shifts, n_independent, p_floor, best_lag_s,
        control`` (an isosbestic channel by its name, whose q is over control channels alone),
        ``reason`` (why it could not be tested, else ""); ``mi, mi_corrected`` (bits) for MI. With ``max_lag_s``
        the AUROC is that of the best lag; tested by linear shift it is 1/2 plus what the central half of the
        session has beyond the mean of its shifts. Direction, AUROC and p always come from the same statistic.
    params : TuningParams
    lag_curves : DataArray (unit, behaviour, lag), optional
        The statistic against lag (s); positive lag: the unit follows the behaviour.
    notes : tuple of str
        What a reader should know before believing the table.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import compute_tuning
    >>> rng = np.random.default_rng(0)
    >>> codes = np.repeat(rng.integers(0, 2, 200), 30)
    >>> x = codes + rng.standard_normal(6000)
    >>> time = np.arange(6000) / 10
    >>> result = compute_tuning(murid.make_traces(x, time_s=time), murid.make_states(codes, time, ["rest", "rear"]))
    >>> result.tuned()["behaviour"].tolist()
    ['rest', 'rear']
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
        """Return the rows called excited, suppressed or tuned."""
        return self.table[self.table["direction"].isin(CALLED)].reset_index(drop=True)


def compute_tuning(
    traces: xr.DataArray | Spikes,
    states: xr.DataArray | Labels,
    *,
    params: TuningParams | None = None,
    individual: str | None = None,
    workers: int | None = None,
    **changes: Any,
) -> TuningResult:
    """Test every unit for tuning to every behaviour.

    Parameters
    ----------
    traces : DataArray (time, unit) or Spikes
        Neural signal on the recording's time base (s), its own sampling. NaN samples are left out,
        unit by unit. Spike times are binned at ``params.bin_s``.
    states : DataArray or Labels
        Exclusive or multi-label states on any clock in the same seconds; put on the neural clock by
        majority of exposure. Unlabelled (−1) samples are left out: they are not "absent". Labels of one
        rater are made into states at their own rate.
    params : TuningParams, optional
    individual : str, optional
        Whose behaviour, when `states` has several individuals.
    workers : int, optional
        Threads; all cores by default. Does not change the result.
    **changes
        Single parameters of `TuningParams`, over `params`.

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
    alike: ``n_independent`` says how many independent draws those B hold. Below ``min_independent`` there
    is no verdict (p is NaN, the reason is given); below about 40 single p values near the floor are rough.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import compute_tuning
    >>> rng = np.random.default_rng(0)
    >>> codes = np.repeat(np.arange(300) % 2, rng.integers(10, 60, 300))
    >>> time = np.arange(codes.size) / 10
    >>> traces = murid.make_traces(codes + rng.standard_normal(codes.size), time_s=time)
    >>> table = compute_tuning(traces, murid.make_states(codes, time, ["rest", "rear"])).table
    >>> table[["behaviour", "direction"]].values.tolist()
    [['rest', 'suppressed'], ['rear', 'excited']]
    """
    params = TuningParams.of(params, changes)
    signal = traces
    traces, masks, names = _watched(signal, states, individual, params)
    time_s = traces["time"].values.astype(np.float64)
    work = TuningTable(params, time_s, 1.0 / rate_of(time_s), names, [str(u) for u in traces["unit"].values])
    values = np.ascontiguousarray(traces.values.T)
    work.drift(values, masks)
    jobs = list(work.jobs(values, masks))
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for _ in pool.map(lambda job: work.run(values, masks, *job), jobs):
            pass
    table, curves, notes = work.result()
    if isinstance(signal, Spikes):
        table[["mean_in", "mean_out"]] /= params.bin_s  # spikes per second, whatever the bin
    return TuningResult(table, params, curves, notes)


def _watched(
    traces: xr.DataArray | Spikes, states: xr.DataArray | Labels, individual: str | None, params: TuningParams
) -> tuple[xr.DataArray, NDArray[np.int8], list[str]]:
    """Return the traces from the first to the last sample of the states, and masks (behaviour, time) beside them."""
    signal, on_clock = traces_and_states(
        traces,
        states,
        individual=individual,
        bin_s=params.bin_s,
        min_labelled=params.min_labelled,
        cut=True,
        subject="tuning",
    )
    names = behaviour_names(on_clock)
    return signal, np.stack([mask_of(on_clock, b) for b in names]), names
