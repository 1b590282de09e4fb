"""How strong a signal is on average in each state or zone.

Descriptive: one row per unit and behaviour. To test groups, hand the rows (one per animal) to
`murid.stats.compare`; to test one recording, use `murid.neural.compute_tuning`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import samples_in, spans
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.meet import traces_and_states
from murid.data.states import UNLABELLED, behaviour_names, mask_of
from murid.data.traces import Spikes

Scale = Literal["none", "z", "median_sd"]


def by_state(
    traces: xr.DataArray | Spikes,
    states: xr.DataArray | Labels,
    *,
    scale: Scale = "none",
    individual: str | None = None,
    seconds_per_block: float | None = None,
) -> pd.DataFrame:
    """Return the mean signal in each behaviour or zone.

    Parameters
    ----------
    traces : DataArray (time, unit) or Spikes
        Signal; NaN = missing. Spikes are counted in bins of 0.1 s.
    states : DataArray or Labels
        Behaviours, or zones as states, on any clock in the same seconds.
    scale : {"none", "z", "median_sd"}
        Raw; ``(x − mean) / sd``; or ``(x − median) / sd`` (robust to large transients in the centre). Centre and
        sd (n − 1) are those of the whole recording, unlabelled samples included.
    individual : str, optional
        Whose states, when there are several individuals.
    seconds_per_block : float, optional
        Split each state's samples into stretches of this length (s) and give the sd of their means: a rough
        error that does not take neighbouring samples for independent.

    Returns
    -------
    DataFrame
        ``unit, behaviour, mean, sd, n_samples, seconds, share, centre, spread``: seconds in which the signal was
        measured, and their share of the labelled ones; and
        ``block_sd, n_blocks`` when asked for.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import by_state
    >>> codes = np.repeat([0, 1], 50)
    >>> traces = murid.make_traces(2.0 * codes, rate_hz=10)
    >>> table = by_state(traces, murid.make_states(codes, traces["time"].values, ["closed", "open"]))
    >>> table["mean"].tolist(), table["seconds"].round(3).tolist()
    ([0.0, 2.0], [5.0, 5.0])
    """
    if scale not in ("none", "z", "median_sd"):
        fail("by_state", "unknown scale", expected="none, z or median_sd", got=repr(scale))
    traces, states = traces_and_states(traces, states, individual=individual, subject="by_state")
    x = np.asarray(traces.values, np.float64)
    centre = {"none": np.zeros(x.shape[1]), "z": np.nanmean(x, axis=0), "median_sd": np.nanmedian(x, axis=0)}[scale]
    spread = np.ones(x.shape[1]) if scale == "none" else np.nanstd(x, axis=0, ddof=1)
    z = (x - centre) / np.where(spread > 0, spread, np.nan)
    time = traces["time"].values
    span = spans(time)
    step = float(np.median(span))
    rows = []
    for behaviour in behaviour_names(states):
        mask = mask_of(states, behaviour)
        inside = mask == 1
        for u, unit in enumerate(traces["unit"].values):
            measured = inside & np.isfinite(z[:, u])
            values = z[measured, u]
            labelled = float(span[(mask != UNLABELLED) & np.isfinite(z[:, u])].sum())
            row = {
                "unit": str(unit),
                "behaviour": behaviour,
                "mean": values.mean() if values.size else np.nan,
                "sd": values.std(ddof=1) if values.size > 1 else np.nan,
                "n_samples": values.size,
                "seconds": float(span[measured].sum()),
                "share": float(span[measured].sum()) / labelled if labelled else np.nan,
                "centre": centre[u],
                "spread": spread[u],
            }
            if seconds_per_block is not None:
                size = max(1, samples_in(seconds_per_block, 1 / step))
                means = values[: values.size // size * size].reshape(-1, size).mean(axis=1)
                row |= {"block_sd": means.std(ddof=1) if means.size > 1 else np.nan, "n_blocks": means.size}
            rows.append(row)
    return pd.DataFrame(rows)
