"""Neurons of which it is known what they care about.

A unit's drive is slow noise of its own, plus what it is tuned to, plus drift. Untuned units have the
same noise and drift: they are what a null must not be fooled by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import rate_of
from murid.data.errors import Faults, did_you_mean
from murid.data.resample import straight_line
from murid.data.states import behaviour_names, mask_of
from murid.data.traces import Spikes, make_traces
from murid.data.units import LengthUnit
from murid.simulate.noise import slow_noise

Floats = NDArray[np.float64]
Kind = Literal["calcium", "spikes", "photometry", "rate"]

#: Decay of the indicator (s): GCaMP6f in vivo; slower in bulk signals.
DECAY_S = {"calcium": 0.5, "photometry": 0.8}


def units(
    states: xr.DataArray,
    *,
    n_units: int = 30,
    tuned: Mapping[str, Sequence[int] | int] | None = None,
    inhibited: Mapping[str, Sequence[int] | int] | None = None,
    strength: float = 1.5,
    kind: Kind = "calcium",
    rate_hz: float = 20.0,
    tau_s: float = 1.0,
    drift: float = 0.0,
    lag_s: float = 0.0,
    offset_s: float = 0.0,
    ppm: float = 0.0,
    individual: str | None = None,
    poses: xr.Dataset | None = None,
    base_rate_hz: float = 3.0,
    seed: int = 0,
) -> tuple[xr.DataArray | Spikes, pd.DataFrame]:
    """Simulate units that follow behaviour.

    Parameters
    ----------
    states : States
        What the animal did.
    n_units : int
        Number of units.
    tuned, inhibited : dict of behaviour to unit numbers, or to a number of units
        Who rises or falls during what. ``"speed"`` and ``"place"`` are understood too when `poses`
        are given (place: a Gaussian field of 6 cm SD around a random spot the animal visited).
        A number takes the next units not yet taken.
    strength : float
        Size of the response in SD of the unit's own noise.
    kind : {"calcium", "spikes", "photometry", "rate"}
        ``calcium``: dF/F of indicator transients; ``photometry``: raw fluorescence with bleaching,
        ``signal_i`` and its isosbestic ``control_i``, which share motion artefacts; ``rate``: Hz.
    rate_hz : float
        Sampling rate of traces, Hz (for spikes the time step of the rate is 5 ms).
    tau_s : float
        Autocorrelation time of the noise, s (AR(1)).
    drift : float
        Linear trend over the recording in SD of the noise, of random sign per unit.
    lag_s : float
        How long the unit comes after the behaviour, s; negative: before.
    offset_s, ppm : float
        Own clock: ``own = offset_s + (1 + ppm * 1e-6) * time``.
    individual : str, optional
        Whose states; may be left out when there is only one.
    poses : Dataset, optional
        For ``"speed"`` and ``"place"``.
    base_rate_hz : float
        Mean rate of spikes, rates and calcium events, Hz.
    seed : int
        Seed.

    Returns
    -------
    signal : DataArray (time, unit) or Spikes
        On its own clock.
    truth : DataFrame
        ``unit, behaviour, sign, strength``, a row for each tuned unit and behaviour.
        ``truth.attrs`` holds ``offset_s, ppm, lag_s`` and, per place unit, ``fields``.

    Raises
    ------
    DataError
        Unknown behaviours or units, too many units asked for, poses missing.

    Examples
    --------
    >>> from murid import simulate
    >>> states = simulate.true_states(simulate.recording(duration_s=20))
    >>> traces, truth = units(states, n_units=3, tuned={"walk": [0]}, rate_hz=10.0)
    >>> truth[["unit", "behaviour", "sign"]].values.tolist()
    [['unit_0', 'walk', 1]]
    """
    plan = _plan(states, n_units, tuned or {}, inhibited or {}, poses)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)]
    clock = states["time"].values
    step = 0.005 if kind == "spikes" else 1.0 / rate_hz
    time = np.arange(clock[0], clock[-1] + 0.5 / rate_of(clock), step)
    drive = slow_noise((len(time), n_units), tau_s / step, streams[0])
    drive += drift * streams[0].choice([-1.0, 1.0], n_units) * np.linspace(-0.5, 0.5, len(time))[:, None]
    rows, fields = [], {}
    names = [f"unit_{i}" for i in range(n_units)]
    for behaviour, sign, i in plan:
        wave, field = _covariate(behaviour, states, poses, individual, streams[1])
        drive[:, i] += sign * strength * straight_line(wave, clock, time - lag_s)
        rows.append((names[i], behaviour, sign, strength))
        if field is not None:
            fields[names[i]] = field
    truth = pd.DataFrame(rows, columns=["unit", "behaviour", "sign", "strength"])
    truth.attrs = {"offset_s": offset_s, "ppm": ppm, "lag_s": lag_s, "fields": fields}
    own = offset_s + (1 + ppm * 1e-6) * time
    return _observe(drive, own, step, kind, base_rate_hz, names, streams[2]), truth


def sync_pulses(
    duration_s: float,
    *,
    offset_s: float = 0.0,
    ppm: float = 0.0,
    every_s: float = 5.0,
    jitter_s: float = 0.0005,
    lost: float = 0.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Return irregular pulses as seen by the behaviour's clock and by the neural clock, s.

    `lost` is the share of pulses that the neural side missed.

    Examples
    --------
    >>> seen, by_the_neural_clock = sync_pulses(60, offset_s=10)
    >>> bool((by_the_neural_clock > 9).all())
    True
    """
    rng = np.random.default_rng(seed)
    pulses = np.cumsum(every_s * rng.uniform(0.5, 1.5, int(2 * duration_s / every_s) + 2))
    pulses = pulses[pulses < duration_s]
    own = offset_s + (1 + ppm * 1e-6) * pulses + jitter_s * rng.standard_normal(pulses.size)
    return pulses, own[rng.random(own.size) >= lost]


def _plan(
    states: xr.DataArray, n_units: int, tuned: Mapping, inhibited: Mapping, poses: xr.Dataset | None
) -> list[tuple[str, int, int]]:
    """Turn the two dicts into ``(behaviour, sign, unit)``; every fault at once."""
    faults, known = Faults("simulate.units"), [*behaviour_names(states), "speed", "place"]
    given = [(name, members, sign) for group, sign in ((tuned, 1), (inhibited, -1)) for name, members in group.items()]
    taken = {int(i) for _, members, _ in given if not isinstance(members, int) for i in members}
    plan: list[tuple[str, int, int]] = []
    for name, members, sign in given:
        if name not in known:
            faults.add(f"no behaviour '{name}'", todo=did_you_mean(name, known))
        if name in ("speed", "place") and poses is None:
            faults.add(f"'{name}' needs poses", todo="pass poses=recording.poses")
        if isinstance(members, int):
            free = [i for i in range(n_units) if i not in taken][:members]
            if len(free) < members:
                faults.add("too few units", where=f"'{name}'", expected=f"{members} free", got=str(len(free)))
            taken.update(free)
            members = free
        for i in members:
            if not 0 <= int(i) < n_units:
                faults.add("no such unit", where=f"'{name}'", expected=f"0..{n_units - 1}", got=str(i))
            plan.append((name, sign, int(i)))
    faults.raise_if_any()
    return plan


def _covariate(
    name: str, states: xr.DataArray, poses: xr.Dataset | None, individual: str | None, rng: np.random.Generator
) -> tuple[Floats, tuple[float, float] | None]:
    """What a unit follows, on the clock of the states, about 0..1; and the place field."""
    if name not in ("speed", "place") or poses is None:
        return (mask_of(states, name, individual) == 1).astype(np.float64), None
    column = 0 if individual is None else [str(i) for i in poses["individual"].values].index(individual)
    centre = np.nanmean(poses["position"].values[..., column], axis=2).astype(np.float64)
    centre = centre * LengthUnit.of(poses.attrs).to("cm")
    when = poses["time"].values
    if name == "speed":
        wave = np.hypot(*np.gradient(centre, when, axis=0).T) / 15.0
        return straight_line(wave, when, states["time"].values), None
    spot = centre[int(rng.integers(len(centre)))]
    wave = np.exp(-((centre - spot) ** 2).sum(axis=1) / (2 * 6.0**2))
    return straight_line(wave, when, states["time"].values), (float(spot[0]), float(spot[1]))


def _observe(
    drive: Floats, own: Floats, step: float, kind: Kind, base_rate_hz: float, names: list[str], rng: np.random.Generator
) -> xr.DataArray | Spikes:
    """Turn drives into what an instrument records."""
    from scipy.signal import lfilter

    rate = base_rate_hz * np.exp(0.5 * drive - 0.125)
    if kind == "spikes":
        hit = rng.random(rate.shape) < 1 - np.exp(-rate * step)
        jitter = rng.uniform(0, step, rate.shape)
        return Spikes(
            {n: own[hit[:, i]] + jitter[hit[:, i], i] for i, n in enumerate(names)},
            float(own[0]),
            float(own[-1] + step),
        )
    if kind == "rate":
        return make_traces(rate, time_s=own, units=names, kind="rate")
    if kind == "calcium":
        keep = np.exp(-step / DECAY_S["calcium"])
        trace = lfilter([1], [1, -keep], rng.poisson(rate * step), axis=0) * 0.2
        return make_traces(trace + 0.05 * rng.standard_normal(trace.shape), time_s=own, units=names, kind="dff")
    keep = np.exp(-step / DECAY_S["photometry"])
    slow = lfilter([1 - keep], [1, -keep], drive, axis=0)
    bleach = 0.7 + 0.3 * np.exp(-(own - own[0]) / 300.0)[:, None]
    artefact = 0.01 * slow_noise(drive.shape, 0.5 / step, rng)
    noise = 0.003 * rng.standard_normal((2, *drive.shape))
    signal = 100 * bleach * (1 + 0.03 * slow + artefact + noise[0])
    control = 60 * bleach * (1 + artefact + noise[1])
    labels = [f"signal_{i}" for i in range(len(names))] + [f"control_{i}" for i in range(len(names))]
    return make_traces(np.concatenate([signal, control], axis=1), time_s=own, units=labels, kind="photometry")
