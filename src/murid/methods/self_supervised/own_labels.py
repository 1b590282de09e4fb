"""Labels of a recording, for each animal of its poses by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.data.meet import only_animal
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, is_multilabel
from murid.ethogram.exclusive import to_exclusive


def states_from_labels(recording: Recording, none: str, behaviours: Sequence[str] | None = None) -> xr.DataArray:
    """Exclusive states ``(time, individual)`` of all animals of the poses, matched by name.

    Parameters
    ----------
    recording : Recording
        With poses and labels. Labels of everyone ("all") count for each animal; an animal that no label names is
        unlabelled (−1): nothing says that it was watched.
    none : str
        State of watched frames without a label.
    behaviours : sequence of str, optional
        Those in use by default.
    """
    poses = recording.need("poses")
    names = individual_names(poses)
    labels = only_animal(recording.need("labels"), names)
    states = labels.to_states(poses["time"].values, behaviours, individuals=names)
    if is_multilabel(states):
        states = to_exclusive(states, none=none)
    if EVERYONE not in labels.individuals:
        unnamed = [i for i, name in enumerate(names) if name not in labels.individuals]
        values = states.values.copy()
        values[:, unnamed] = UNLABELLED
        states = states.copy(data=np.asarray(values))
    return states
