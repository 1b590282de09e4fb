"""Whose neurons and whose behaviour: one signal and one animal of a recording."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from murid.data.clock import sample_stops
from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.traces import Spikes
from murid.data.warning import warn_user


def signal_of(recording: Recording, states: xr.DataArray) -> xr.DataArray | Spikes:
    """Return the traces of a recording, else its spikes, for states of one animal.

    Parameters
    ----------
    recording : Recording
        With traces or spikes. Spikes of unknown end last as long as the states do, with a warning.
    states : DataArray (time, individual[, behaviour])
        What the animal did.

    Raises
    ------
    DataError
        When several animals have states: the neurons are those of one.
    """
    require_one_animal(recording, states)
    if recording.has("traces"):
        if recording.has("spikes"):
            warn_user(
                f"recording '{recording.id}': it holds traces and spikes; the traces are used, the spikes are not"
            )
        return recording.need("traces")
    spikes = recording.need("spikes")
    last = states["time"].values
    return spikes.lasting_to(float(sample_stops(last)[-1]), "behaviour") if last.size else spikes


def require_one_animal(recording: Recording, states: xr.DataArray) -> None:
    """Refuse states of several animals: the neurons are those of one."""
    if states.sizes["individual"] > 1:
        fail(
            f"recording '{recording.id}'",
            "several animals have states",
            got=", ".join(map(str, states["individual"].values)),
            todo="choose whose behaviour: --individual NAME (Python: individual='NAME')",
        )


def moved_controls(moved: pd.DataFrame) -> str:
    """What it means that control channels follow a behaviour."""
    listed = "; ".join(
        f"{unit}: {', '.join(dict.fromkeys(part['behaviour']))}" for unit, part in moved.groupby("unit", sort=False)
    )
    return (
        f"Control channels that are no units follow the behaviour too ({listed}): movement or bleaching may explain "
        "the signal there; correct it first, with murid.neural.dff."
    )
