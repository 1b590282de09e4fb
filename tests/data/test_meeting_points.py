"""Above ``data/`` nobody aligns two nouns in a way of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import murid
from tests.data.meeting_points import all_offences, offences

SEARCH, INTERP = "searchsorted on values", "interp on values"
ENDS, PLACE = "beginning or end of a name", "isel by place"
CODES = "sorted codes, thresholds or cumulated chances: numbers without a clock"
OWN_COLUMNS = "columns named by murid in the same package, after roles and not after keypoints or zones"
PICTURE = "makes the picture: the scale is its parameter, poses and zones are not yet there"

#: Where such a line aligns no two nouns: file or package -> kind -> why.
ALLOWED: dict[str, dict[str, str]] = {
    "ethogram/bouts.py": {SEARCH: "bouts among the samples of their own states"},
    "ethogram/transitions.py": {SEARCH: CODES},
    "evaluate/bouts.py": {SEARCH: "bouts of two raters that overlap: intervals of the same clock"},
    "evaluate/latent.py": {SEARCH: CODES},
    "features/motion.py": {PLACE: "a template without the axis, whose values are replaced"},
    "features/pictures.py": {SEARCH: "frame numbers, matched exactly"},
    "features/sets/jaaba.py": {SEARCH: CODES, ENDS: OWN_COLUMNS},
    "features/sets/simba.py": {ENDS: OWN_COLUMNS},
    "features/social.py": {ENDS: OWN_COLUMNS},
    "features/table_plan.py": {ENDS: OWN_COLUMNS, "searchsorted on a clock": "rows among rows, both whole numbers"},
    "features/views.py": {SEARCH: "rows among rows", INTERP: "fills a gap between rows of one recording"},
    "features/wavelets.py": {INTERP: "fills a gap between frames of one recording"},
    "io": {ENDS: "the edge: headers and file names of other programs become nouns here"},
    "learn": {SEARCH: CODES, INTERP: "calibration curves and quantiles", ENDS: "names of stored arrays"},
    "methods/motifs/base.py": {SEARCH: CODES},
    "methods/motifs/descriptions.py": {ENDS: OWN_COLUMNS},
    "methods/motifs/motionmapper.py": {SEARCH: "frames among frames of one recording"},
    "methods/self_supervised/vame.py": {INTERP: "a quantile of errors"},
    "methods/supervised/decision.py": {SEARCH: CODES},
    "neural/nulls.py": {SEARCH: CODES},
    "neural/event_shifts.py": {SEARCH: "ranks among shifted statistics"},
    "prepare/depth.py": {SEARCH: "frames among frames of one recording"},
    "report/sections/assay.py": {ENDS: "names of effect sizes"},
    "report/sections/methods.py": {ENDS: "names of parameters that end in their unit"},
    "run": {ENDS: "names of files and modules"},
    "simulate": {
        "arithmetic with px_per_cm": PICTURE,
        SEARCH: "draws from cumulated chances",
        INTERP: "shapes of a drawn body",
        "searchsorted on a clock": "bouts that it makes itself on its own clock",
    },
}


def _entry(path: str) -> str:
    """The entry of ALLOWED that a file belongs to."""
    return path if path in ALLOWED else path.split("/")[0]


FOUND = all_offences(Path(murid.__file__).parent)


def test_nouns_meet_in_data_alone():
    strange = [f"{p}:{o.line}: {o.kind}; {o.todo}" for p, o in FOUND if o.kind not in ALLOWED.get(_entry(p), {})]
    assert not strange, "\n".join(["aligns two nouns in its own way:", *strange])


def test_every_exception_is_still_needed():
    used = {(_entry(path), o.kind) for path, o in FOUND}
    stale = [f"{where}: {kind}" for where, kinds in ALLOWED.items() for kind in kinds if (where, kind) not in used]
    assert not stale


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('np.searchsorted(poses["time"].values, at)', "searchsorted on a clock"),
        ("own.searchsorted(start_s)", "searchsorted on a clock"),
        ("np.searchsorted(np.cumsum(w), draw)", SEARCH),
        ("np.interp(query, time_s, values)", "interp on a clock"),
        ("np.interp(x, quantiles, shares)", INTERP),
        ("states.isel(individual=0)", PLACE),
        ('poses.isel({"keypoint": [0, 1]})', PLACE),
        ('keypoint.startswith("ear")', ENDS),
        ('column.name.removeprefix("in_")', ENDS),
        ("xy / px_per_cm", "arithmetic with px_per_cm"),
        ('xy / float(poses.attrs["px_per_cm"])', "arithmetic with px_per_cm"),
        ('scale = poses.attrs.get("px_per_cm", 1.0)', "reads px_per_cm"),
        ("zip(behaviour_names(a), behaviour_names(b))", "two lists of names by place"),
    ],
)
def test_an_offence_is_seen(line, kind):
    assert kind in [o.kind for o in offences(f"def f():\n    return {line}" if "= " not in line[:8] else line)]


@pytest.mark.parametrize(
    "line",
    [
        "nearest_sample(time_s, at)",
        "poses.isel(time=slice(0, 10))",
        'states.sel(individual="m1")',
        'path.suffix.startswith(".c")',
        'xy * LengthUnit.of(poses.attrs).to("cm")',
        '"px_per_cm" in poses.attrs',
        "zip(names, values)",
    ],
)
def test_what_aligns_nothing_is_left_alone(line):
    assert offences(line) == []
