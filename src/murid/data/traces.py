"""Neural signals on their own clock: continuous traces and spike times.

Traces: float32 DataArray ``(time, unit)``, attributes ``kind`` (``"dff"``, ``"deconvolved"``,
``"rate"``, ``"photometry"`` …) and ``clock``. Spikes: times in seconds per unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.clock import check_time, frame_times
from murid.data.errors import Faults, fail
from murid.data.warning import warn_user


def make_traces(
    values: ArrayLike,
    *,
    time_s: ArrayLike | None = None,
    rate_hz: float | None = None,
    units: Sequence[str] | None = None,
    kind: str = "dff",
    **attrs: Any,
) -> xr.DataArray:
    """Build and check traces.

    Parameters
    ----------
    values : array of shape (time,) or (time, unit)
        Signal; NaN where there is none.
    time_s, rate_hz : array (time,) in s, or rate in Hz
        Give one.
    units : sequence of str, optional
        Names; ``unit_0`` … by default.
    kind : str
        What the numbers are.

    Examples
    --------
    >>> make_traces([0.1, 0.2, 0.3], rate_hz=10, units=["u1"]).dims
    ('time', 'unit')
    """
    values = np.array(values, np.float32)
    if values.ndim == 1:
        values = values[:, None]
    faults = Faults(f"traces {attrs.get('source_file', '')}".strip())
    if (time_s is None) == (rate_hz is None):
        faults.add("time base", expected="either time_s or rate_hz")
        faults.raise_if_any()
    if rate_hz is not None:
        time = frame_times(len(values), rate_hz)
    else:
        time = np.array(time_s, np.float64)
    names = [f"unit_{i}" for i in range(values.shape[1])] if units is None else [str(u) for u in units]
    if time.shape != (len(values),):
        faults.add("time and values differ in length", expected=str(len(values)), got=str(time.shape))
    if len(names) != values.shape[1]:
        faults.add("number of unit names", expected=str(values.shape[1]), got=str(len(names)))
    if len(set(names)) != len(names):
        faults.add("unit names repeat")
    faults.raise_if_any()
    check_time(time, faults)
    if values.size == 0 or not np.isfinite(values).any():
        faults.add("no finite values")
    faults.raise_if_any()
    return xr.DataArray(
        values,
        dims=("time", "unit"),
        coords={"time": time, "unit": np.asarray(names, dtype=object)},
        attrs={"kind": kind, **attrs},
        name="traces",
    )


@dataclass(frozen=True)
class Spikes:
    """Spike times in seconds per unit, sorted, inside ``[start_s, stop_s)``.

    Parameters
    ----------
    times_s : mapping of unit name to array
        Spike times in seconds. Those outside the recorded stretch are left out, with a warning.
    start_s, stop_s : float
        The recorded stretch, s. With an unknown end (NaN) it lasts to the last spike, with a warning, because the
        silence of cells after it is not seen then.
    meta : dict
        Anything else worth keeping.
    end_known : bool
        False where the end is that of the last spike; set so where `stop_s` is NaN. Beside behaviour the recording
        is then taken to last as long as this does (`lasting_to`).

    Examples
    --------
    >>> spikes = Spikes({"u1": [0.1, 0.15, 0.9]}, start_s=0.0, stop_s=1.0)
    >>> spikes.binned(0.5).values[:, 0].tolist()
    [2.0, 1.0]
    """

    times_s: Mapping[str, np.ndarray]
    start_s: float = 0.0
    stop_s: float = float("nan")
    meta: dict[str, Any] = field(default_factory=dict)
    end_known: bool = True

    def __post_init__(self) -> None:
        clean = {str(u): np.sort(np.asarray(t, np.float64)) for u, t in self.times_s.items()}
        faults = Faults("spikes")
        for unit, times in clean.items():
            if not np.isfinite(times).all():
                faults.add("spike times are not finite", where=f"unit {unit}")
        faults.raise_if_any()
        if not np.isfinite(self.stop_s):
            last = max((float(t[-1]) for t in clean.values() if t.size), default=self.start_s)
            # Half-open: the next number after the last spike, so that it lies inside.
            object.__setattr__(self, "stop_s", float(np.nextafter(last, np.inf)))
            object.__setattr__(self, "end_known", False)
            warn_user(
                f"spikes: the end of the recording is not known: it is taken to be the last spike, at {last:g} s, and "
                "silence after it is not seen; give stop_s=..."
            )
        inside = {u: t[(t >= self.start_s) & (t < self.stop_s)] for u, t in clean.items()}
        lost = sum(t.size for t in clean.values()) - sum(t.size for t in inside.values())
        if lost:
            warn_user(f"spikes: {lost} spikes outside {self.start_s:g}-{self.stop_s:g} s are left out")
        object.__setattr__(self, "times_s", inside)

    @property
    def units(self) -> list[str]:
        """Unit names in order."""
        return list(self.times_s)

    @property
    def duration_s(self) -> float:
        """Length of the recorded stretch in seconds."""
        return self.stop_s - self.start_s

    def lasting_to(self, stop_s: float, what: str) -> Spikes:
        """Return spikes of a recording that lasts at least to `stop_s`, where its end is not known, with a warning.

        Parameters
        ----------
        stop_s : float
            End of what was recorded beside them, s.
        what : str
            What that is, for the warning.

        Examples
        --------
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     Spikes({"u1": [0.1, 0.9]}, 0.0, 1.0, end_known=False).lasting_to(2.0, "the labels").stop_s
        2.0
        >>> Spikes({"u1": [0.1, 0.9]}, 0.0, 1.0).lasting_to(2.0, "the labels").stop_s
        1.0
        """
        if self.end_known or stop_s <= self.stop_s:
            return self
        warn_user(
            f"spikes: the end of the recording is not known: it is taken to last as long as {what}, to {stop_s:g} s "
            f"(last spike at {self.stop_s:g} s); give stop_s=..."
        )
        return replace(self, stop_s=stop_s)

    def binned(self, bin_s: float) -> xr.DataArray:
        """Return spike counts per bin as traces of kind ``"counts"``; time = bin centre (s).

        Only whole bins: a last bin that the recording fills in part would count too little.
        """
        n_bins = int((self.stop_s - self.start_s) / bin_s * (1 + 1e-12) + 1e-9)
        if n_bins < 1:
            fail(
                "spikes",
                "no whole bin fits the recording",
                expected=f"at least {bin_s:g} s",
                got=f"{self.duration_s:g} s",
            )
        edges = self.start_s + bin_s * np.arange(n_bins + 1)
        counts = np.stack([np.histogram(t, edges)[0] for t in self.times_s.values()], axis=1)
        return make_traces(counts, time_s=edges[:-1] + bin_s / 2, units=self.units, kind="counts")


#: Excitation (nm) at which a sensor does not depend on what it senses, and at which it does.
_ISOSBESTIC_NM = {"405", "410", "415"}
_SIGNAL_NM = {"465", "470", "473", "488", "490", "560", "561", "565"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def control_channels(units: Sequence[str]) -> list[str]:
    """Return the channels that are isosbestic controls by their name: what they show is no activity.

    ``iso`` or ``isosbestic`` is a word of the name, or the name differs from that of another channel in the
    wavelength alone (``dF_405`` beside ``dF_465``).

    Examples
    --------
    >>> control_channels(["GCaMP", "GCaMP_iso", "dF_405", "dF_465"])
    ['GCaMP_iso', 'dF_405']
    >>> control_channels(["unit_404", "unit_405"])
    []
    """
    words = {unit: tuple(w.lower() for w in _WORDS.findall(unit)) for unit in units}
    signals = {_without(w, _SIGNAL_NM) for w in words.values() if set(w) & _SIGNAL_NM}
    few = len(units) <= _MOST_CHANNELS
    return [
        unit
        for unit, own in words.items()
        if {"iso", "isosbestic", "isobestic"} & set(own)
        or (few and set(own) & _ISOSBESTIC_NM and _without(own, _ISOSBESTIC_NM) in signals)
    ]


def control_of(units: Sequence[str]) -> dict[str, str | None]:
    """Return the isosbestic channel of every signal channel: the control whose name has most words in common.

    Raises
    ------
    DataError
        Two controls fit a signal equally well.

    Examples
    --------
    >>> control_of(["GCaMP", "GCaMP_iso", "RGECO", "RGECO_iso"])
    {'GCaMP': 'GCaMP_iso', 'RGECO': 'RGECO_iso'}
    >>> control_of(["dF_465", "dF_560", "dF_405"])
    {'dF_465': 'dF_405', 'dF_560': 'dF_405'}
    """
    controls = control_channels(units)
    words = {unit: {w.lower() for w in _WORDS.findall(unit)} for unit in units}
    pairs: dict[str, str | None] = {}
    faults = Faults("isosbestic channels")
    for unit in units:
        if unit in controls:
            continue
        shared = {c: len(words[unit] & words[c]) for c in controls}
        best = [c for c in controls if shared[c] == max(shared.values())]
        if len(best) > 1:
            faults.add(f"more than one may belong to '{unit}'", got=", ".join(best), todo="name it: control='...'")
        pairs[unit] = best[0] if best else None
    faults.raise_if_any()
    return pairs


#: Photometry has few channels; a cell in a list of many may be number 405.
_MOST_CHANNELS = 16


def _without(words: tuple[str, ...], drop: set[str]) -> tuple[str, ...]:
    return tuple(w for w in words if w not in drop)
