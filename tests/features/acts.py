"""Cases of the parameters of `murid.features`."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from murid import simulate
from murid.data.recording import Recording
from murid.features import FeatureParams, compute
from murid.features.pictures import write_pictures
from murid.features.views import ViewParams, animal_view, arena_view, picture_numbers, view_kind, whole_view
from tests.parameter_cases import Acts
from tests.prepare.tracks import with_position


@cache
def pair() -> Recording:
    """Two animals in px with a known scale, with gaps of several lengths."""
    made = simulate.recording("open_field", duration_s=12, fps=20, n_animals=2, seed=3)
    position = made.need("poses")["position"].values.copy()
    position[40:46], position[100:118] = np.nan, np.nan
    return made.replace(poses=with_position(made.need("poses"), position))


def table(p: FeatureParams):
    made = pair()
    found = [compute(made.need("poses"), subject, p, zones=made.zones) for subject in ("mouse_1", "all")]
    return [(one, one["feature"], one["unit"]) for one in found]


_FOLDER = tempfile.TemporaryDirectory(prefix="murid_acts_")


@cache
def filmed() -> Recording:
    """One animal, its film and a gap in its track."""
    made = simulate.recording(duration_s=3, fps=15, seed=3, px_per_cm=4)
    film = simulate.video(made, Path(_FOLDER.name) / "mouse.mp4", noise=1.0)
    position = made.need("poses")["position"].values.copy()
    position[20:24] = np.nan
    return made.replace(video=film, poses=with_position(made.need("poses"), position))


def pictures(p: ViewParams):
    made = filmed()
    kind, n = view_kind(made, p.view), made.need("poses").sizes["time"]
    views = {
        "animal": lambda: animal_view(made.need("poses"), "mouse_1", p),
        "arena": lambda: arena_view(made.need("zones"), n, p),
        "whole": lambda: whole_view(made.need("video").shape, n, p),
    }
    return np.asarray(write_pictures(made.need("video"), picture_numbers(made)[:, None], views[kind](), p).array)


CASES = {
    FeatureParams: Acts(
        table,
        {
            "families": ("shape",),
            "windowed": ("shape",),
            "windows_s": (0.5,),
            "stats": ("mean",),
            "percentiles": (50.0,),
            "bands_hz": ((1.0, 3.0),),
            "lags_s": (-0.2,),
            "align": "trailing",
            "min_share": 1.0,
            "step_s": 0.2,
            "path_windows_s": (0.5,),
            "speed_lags_s": (1.0,),
            "field_of_view_deg": 40.0,
            "combine": ("mean",),
            "length": "body",
            "mirror": True,
        },
        base={"windows_s": (0.3, 1.0), "lags_s": (-0.5,)},
    ),
    ViewParams: Acts(
        pictures,
        {
            "view": "whole",
            "turned": False,
            "bodies": 3.0,
            "height": 32,
            "width": 32,
            "background": "kept",
            "n_background": 5,
            "percentile": 90.0,
            "bridge_s": 0.1,
        },
        base={"n_background": 30},
    ),
}
