"""The open field in px, cm and mm: zones, the depth of their rule, and the scale of the camera."""

from __future__ import annotations

import numpy as np
import pytest

from murid.assays import measure_open_field
from murid.assays.open_field import OpenFieldParams
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.zones import EntryRule, Zone, Zones

BOX = np.array([[0, 0], [40, 0], [40, 40], [0, 40.0]])
PER_CM = {"cm": 1.0, "mm": 10.0, "px": 20.0}
UNUSED = "px_per_cm was not used: neither poses nor zones are in px"


def _field(unit: str, zone_unit: str, params: OpenFieldParams | None = None, depth_cm: float | None = None, **attrs):
    t = np.arange(600) / 30
    centre = np.stack([20 + 15 * np.sin(1.2 * t), np.full(600, 20.0)], 1)
    xy = np.stack([centre + [4, 0], centre, centre - [4, 0]], 2)[..., None] * PER_CM[unit]
    poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], fps=30, unit=unit, **attrs)
    k = PER_CM[zone_unit]
    parts = [Zone("arena", BOX * k, unit=zone_unit, kind="arena"), Zone("centre", (BOX / 2 + 10) * k, unit=zone_unit)]
    rule = None if depth_cm is None else EntryRule(hysteresis=depth_cm * k, min_visit_s=0.1)
    return measure_open_field(Recording("r", poses=poses, zones=Zones(parts, rule)), params)


@pytest.mark.parametrize("unit", ["cm", "mm"])
@pytest.mark.parametrize("attrs", [{}, {"px_per_cm": 20.0}])
def test_the_scale_that_is_asked_for_is_that_of_zones_in_px(unit, attrs):
    """Poses in cm or mm and zones in px: px_per_cm was dropped, and the zones refused."""
    right = _field("cm", "cm").value("time", "centre")
    found = _field(unit, "px", OpenFieldParams(px_per_cm=20.0), **attrs)
    assert found.value("time", "centre") == pytest.approx(right)
    assert UNUSED not in found.warnings


def test_a_scale_that_nothing_needs_is_said():
    assert UNUSED in _field("cm", "mm", OpenFieldParams(px_per_cm=20.0)).warnings


@pytest.mark.parametrize("unit", ["cm", "mm"])
def test_the_depth_of_a_rule_in_mm_is_millimetres(unit):
    """Zones in mm: the polygon was converted and the depth of the rule was taken for cm."""
    right, found = _field("cm", "cm", depth_cm=2.0), _field(unit, "mm", depth_cm=2.0)
    assert found.value("entries", "centre") == right.value("entries", "centre") > 0
    assert found.value("time", "centre") == pytest.approx(right.value("time", "centre"))
