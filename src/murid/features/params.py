"""Parameters of the feature table, in seconds and degrees."""

from __future__ import annotations

from typing import Literal

import pydantic

from murid.data.errors import Faults, ParameterError, did_you_mean
from murid.data.params import Params, param

#: The families, in the order in which they appear in the table.
FAMILIES = ("kinematics", "shape", "egocentric", "missing", "social", "between", "zone")
#: Window statistics that can be asked for.
STATS = ("mean", "sd", "min", "max", "change")


class FeatureParams(Params):
    """What the feature table holds.

    Lengths come in cm when the poses are calibrated and in body lengths otherwise, so that a model
    fitted on one camera works on another. Nothing depends on the frame rate.

    Examples
    --------
    >>> FeatureParams(windows_s=(0.4, 1.6)).windows_s
    (0.4, 1.6)
    """

    families: tuple[str, ...] = param(
        FAMILIES, why="families of features; social and between need a partner, zone needs zones"
    )
    windowed: tuple[str, ...] = param(
        ("kinematics", "shape", "social", "zone"),
        why="families that also enter as window statistics and lags; coordinates and single distances "
        "between animals gain little from them and would treble the table",
    )
    windows_s: tuple[float, ...] = param(
        (0.1, 0.33, 1.0, 2.0), unit="s", why="window lengths: a sniff, a step, an action, a bout"
    )
    stats: tuple[str, ...] = param(
        STATS, why="mean, sd, min, max and change (last third minus first third) of each window"
    )
    percentiles: tuple[float, ...] = param((), unit="%", why="percentiles of each window; slower, off by default")
    bands_hz: tuple[tuple[float, float], ...] = param(
        (), unit="Hz", why="spectral power in these bands of the longest window; off by default"
    )
    lags_s: tuple[float, ...] = param((-0.5, 0.5), unit="s", why="value that long before (-) or after (+)")
    align: Literal["centred", "trailing"] = param(
        "centred", why="'centred' sees both sides; 'trailing' uses the past alone, for closed-loop use"
    )
    min_share: float = param(
        0.5, why="share of a window's frames that must be known, else the statistic is NaN", gt=0, le=1
    )
    step_s: float = param(
        1 / 15, unit="s", why="time over which a velocity is taken, so that noise does not grow with fps", gt=0
    )
    path_windows_s: tuple[float, ...] = param((1.0, 2.0), unit="s", why="windows of path straightness")
    speed_lags_s: tuple[float, ...] = param(
        (), unit="s", why="speeds of centre, nose and rear over these longer times too: jitter fades, standing shows"
    )
    field_of_view_deg: float = param(
        120.0, unit="deg", why="width of the view ahead that counts as looking", gt=0, le=360
    )
    combine: tuple[Literal["min", "max", "mean", "absdiff"], ...] = param(
        ("min", "max"),
        why="how the animals' values become one for subject 'all'; min and max hold both values of a "
        "pair without saying whose they are",
    )
    length: Literal["auto", "cm", "body"] = param(
        "auto", why="unit of length: cm where calibrated, else body lengths of the recording"
    )
    mirror: bool = param(False, why="compute on the mirror image (left/right augmentation of training data)")

    @pydantic.model_validator(mode="after")
    def _check(self) -> FeatureParams:
        faults = Faults("parameters of FeatureParams")
        for field, known in (("families", FAMILIES), ("windowed", FAMILIES), ("stats", STATS)):
            for name in getattr(self, field):
                if name not in known:
                    faults.add(f"'{field}' holds an unknown name '{name}'", todo=did_you_mean(name, known))
        for field in ("windows_s", "path_windows_s", "speed_lags_s"):
            if any(not w > 0 for w in getattr(self, field)):
                faults.add(f"'{field}' must be > 0 s", got=str(getattr(self, field)))
        if any(not 0 <= p <= 100 for p in self.percentiles):
            faults.add("'percentiles' must lie in 0..100", got=str(self.percentiles))
        if any(not 0 < low < high for low, high in self.bands_hz):
            faults.add("'bands_hz' must be pairs 0 < low < high", got=str(self.bands_hz))
        if self.align == "trailing" and any(lag > 0 for lag in self.lags_s):
            faults.add(
                "a trailing table cannot hold later values",
                where="lags_s",
                expected="<= 0 s",
                got=str(self.lags_s),
                todo="pass lags_s=(-0.5,)",
            )
        faults.raise_if_any(ParameterError)
        return self

    @property
    def active(self) -> tuple[str, ...]:
        """Families asked for, in table order."""
        return tuple(f for f in FAMILIES if f in self.families)
