"""An analysis whose numbers are planted: the values of each recording's events."""

from __future__ import annotations

import pandas as pd

from murid.data.analysis import Tables, analysis
from murid.data.params import Params
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.tables import Table, number_column, text_column

ANIMALS = Table("animals", {"individual": text_column()}, "One row a recording and animal.", measures=number_column())


class PlantedParams(Params):
    """None."""


@analysis("planted", params=PlantedParams, needs=("events",), tables=(ANIMALS,), compare="animals")
def planted(recording: Recording, params: PlantedParams) -> Tables:
    """What was planted in each animal."""
    events = recording.need("events")
    values = {str(k): float(v) for k, v in zip(events["label"], events["value"], strict=True)}
    return Tables({"animals": pd.DataFrame({"individual": ["m"], **values})}, units=dict.fromkeys(values, "px"))


def study_of(folder, groups: dict[str, list[tuple[float, float]]]) -> Study:
    """Return a study whose animals have these values of `right` and `down`."""
    study = Study.create(folder)
    pairs = [(g, pair) for g, every in groups.items() for pair in every]
    for k, (group, pair) in enumerate(pairs):
        events = pd.DataFrame({"time_s": [1.0, 2.0], "label": ["right", "down"], "value": pair})
        study.add(Recording(f"r{k:02d}", events=events, animal=f"a{k}", group=group))
    return study
