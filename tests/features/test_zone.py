"""Zone features on an animal whose way is known."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.poses import make_poses
from murid.data.zones import Zone, Zones
from murid.features import FeatureParams, compute

PARAMS = FeatureParams(families=("zone",), windowed=())


def _table(zones: Zones, unit: str = "cm", scale: float = 1.0, **attrs):
    """Nose 2 cm ahead of the centre, walking along y = 5 from x = 0 at 6 cm/s."""
    t = np.arange(60) / 30
    x = np.stack([6 * t + 2, 6 * t, 6 * t - 2], 1)
    position = np.stack([x, np.full_like(x, 5.0)], 1)[..., None] * scale
    poses = make_poses(position, keypoints=["nose", "body", "tailbase"], fps=30.0, unit=unit, **attrs)
    return compute(poses, "individual_0", PARAMS, zones=zones)


def test_box_and_disc() -> None:
    box = Zone("box", polygon=np.array([[4, 0], [10, 0], [10, 10], [4, 10]], float), unit="cm", kind="arena")
    table = _table(Zones([box, Zone("disc", centre=(20, 5), radius=3, unit="cm")]))
    at = {str(name): float(table[30].sel(feature=name)) for name in table["feature"].values}  # centre at x = 6
    expected = {
        "depth_box_centre": 2,
        "depth_box_nose": 2,
        "in_box": 1,
        "distance_box": 1,
        "approach_box": 6,
        "facing_box": np.pi,
        "depth_disc_centre": -11,
        "in_disc": 0,
        "distance_disc": 14,
        "approach_disc": 6,
        "facing_disc": 0,
    }
    for name, value in expected.items():
        assert at[name] == pytest.approx(value, abs=1e-3), name


def test_zones_in_px_fit_poses_in_cm() -> None:
    disc, large = (
        Zone("disc", centre=(20, 5), radius=3, unit="cm"),
        Zone("disc", centre=(400, 100), radius=60, unit="px"),
    )
    np.testing.assert_allclose(_table(Zones([large]), px_per_cm=20.0), _table(Zones([disc])), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        _table(Zones([large]), unit="px", scale=20.0, px_per_cm=20.0), _table(Zones([disc])), rtol=1e-3, atol=2e-3
    )
