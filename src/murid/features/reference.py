"""The reference page of the features, written from the features themselves.

``python -m murid.features.reference > docs/reference/features.md``
"""

from __future__ import annotations

import re

from murid.data.roles import ROLES
from murid.features.params import FAMILIES, FeatureParams
from murid.features.table import feature_names

_ABOUT = {
    "kinematics": "Motion of one animal. Velocities are differences over `step_s`.",
    "shape": "Posture of one animal.",
    "egocentric": "Keypoints in the frame of the body: x ahead, y across.",
    "missing": "How much of the animal the tracker saw.",
    "social": "One animal towards a partner. With several partners: the nearest, and `_mean` over all.",
    "between": "Every keypoint of one animal to every keypoint of the partner.",
    "zone": "One animal relative to each zone (given zones).",
}
_HEAD = """# Features

Written by `python -m murid.features.reference`; do not edit by hand.

Lengths are in **cm** when the poses are calibrated and in **body lengths** (`bl`: median nose to tail
base of the recording) otherwise; the table's attributes say which. A body length is the recording's own
median: the same speed is a smaller number in a recording of stretched animals than in one of hunched ones, so
calibrate where speeds are compared. Missing is NaN. Signed angles and
sideways values are positive clockwise as seen in the picture. `<role>` stands for any tracked role:
{roles}.

Points that are not tracked are made from others: `centre`, `head`, `nose`, `front` and `rear` of the
body (see `murid.data.roles`).
"""
_WINDOWS = """## Windows

Families {windowed} also enter as window statistics, named `<feature>_<statistic>_<window>s`:
{stats}, over {windows} s, centred by default. `change` is the mean of the last third minus that of
the first. `<feature>_lag_<seconds>s` is the value before (-) or after. Optional: percentiles
(`<feature>_p90_1s`) and band power (`<feature>_power_3-5Hz`). Windows use the frames that are known,
are NaN below `min_share`, and are cut at the ends of a recording.

For the subject `all` every feature that is not symmetric becomes `<feature>_min` and `<feature>_max`
over the animals or directed pairs (and `_mean`, `_absdiff` on demand).

## Parameters

| parameter | default | unit | what it does |
|---|---|---|---|
{parameters}
"""


def markdown() -> str:
    """Return the reference page as Markdown."""
    import numpy as np

    from murid.data.zones import Zone, Zones

    params = FeatureParams(windowed=(), speed_lags_s=(1.0,))
    zones = Zones([Zone("ZONE", polygon=np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), unit="cm")])
    keypoints = list(ROLES)
    listed = feature_names(keypoints, params, n_individuals=2, roles={k: k for k in keypoints}, zones=zones)
    parts = [_HEAD.format(roles=", ".join(f"`{r}`" for r in ROLES))]
    for family in FAMILIES:
        of = listed.isel(feature=listed["family"].values == family)
        rows: dict[tuple[str, str], list[str]] = {}
        for name, unit, meaning in zip(of["feature"].values, of["unit"].values, of["meaning"].values, strict=True):
            rows.setdefault((str(meaning), str(unit)), []).append(str(name))
        parts.append(f"## {family}\n\n{_ABOUT[family]}\n\n| feature | unit | what it is |\n|---|---|---|")
        for (meaning, unit), names in rows.items():
            parts[-1] += f"\n| {_pattern(names)} | {unit.replace('cm', 'length')} | {meaning} |"
        parts[-1] += "\n"
    default = FeatureParams()
    table = "\n".join(f"| `{r['name']}` | `{r['default']}` | {r['unit']} | {r['why']} |" for r in FeatureParams.table())
    parts.append(
        _WINDOWS.format(
            windowed=", ".join(default.windowed),
            stats=", ".join(f"`{s}`" for s in default.stats),
            windows=", ".join(f"{w:g}" for w in default.windows_s),
            parameters=table,
        )
    )
    return "\n".join(parts)


def _pattern(names: list[str]) -> str:
    """Write many names as one pattern: every role in them becomes ``<role>``."""
    roles = "|".join(sorted(ROLES, key=len, reverse=True))
    patterns = [re.sub(rf"(?<=_)({roles})(?=_|$)", "<role>", n.replace("ZONE", "<zone>")) for n in names]
    shown = names if len(set(names)) <= 3 else list(dict.fromkeys(patterns))
    return ", ".join(f"`{name.replace('ZONE', '<zone>')}`" for name in shown)


if __name__ == "__main__":
    print(markdown(), end="")
