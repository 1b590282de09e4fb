"""An analysis as another package brings it: how far each animal gets, and how fast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.data.analysis import Tables, analysis
from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.tables import Table, number_column, text_column

ANIMALS = Table(
    "animals", {"individual": text_column()}, "One row a recording and animal.", measures=number_column(low=0)
)
BY_SECOND = Table(
    "seconds",
    {"second": number_column(unit="s", low=0), "reach": number_column("reach", unit="px", low=0, why="largest step")},
    "One row a second.",
)


class ToyParams(Params):
    """Parameters of the toy."""

    scale: float = param(1.0, gt=0, why="multiplies the reach")
    refuse: str = param("", why="recording that it cannot bear")
    column: str = param("", why="writes a column that no table declares")


@analysis("toy", params=ToyParams, needs=("poses",), tables=(ANIMALS, BY_SECOND), compare="animals")
def toy(recording: Recording, params: ToyParams) -> Tables:
    """How far each animal gets from where it began."""
    if recording.id == params.refuse:
        fail("toy", "cannot be borne", todo="leave it out")
    poses = recording.need("poses")
    way = poses["position"].mean("keypoint") - poses["position"].mean("keypoint").isel(time=0)
    reach = np.sqrt((way**2).sum("space")).max("time").values.astype(float) * params.scale
    animals = pd.DataFrame({"individual": poses["individual"].values.astype(str), "reach": reach})
    seconds = pd.DataFrame({"second": [0.0], "reach": [float(reach.max())]})
    if params.column:
        seconds[params.column] = 1.0
    return Tables({"animals": animals, "seconds": seconds}, units={"reach": "px"})
