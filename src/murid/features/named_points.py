"""Places of named points: tracked keypoints, roles, and roles made from others (centre, head, rear)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from murid.data.zones import EntryRule


def points_of(poses: xr.Dataset, point: str, roles: Mapping[str, str] | None = None) -> xr.DataArray:
    """Return where a point is, ``(time, space, individual)`` in the unit of the poses.

    Parameters
    ----------
    poses : Dataset
    point : str
        A role (``"nose"``, ``"centre"``, ``"rear"`` …; made from others where not tracked) or the name
        of a keypoint; a role wins.
    roles : dict of role to keypoint, optional
        Guessed from the names when not given.
    """
    from murid.features.zone_mask import rule_points

    values = rule_points(poses, EntryRule(keypoints=(point,)), roles)[0]
    return xr.DataArray(
        np.asarray(values, np.float64),
        dims=("time", "space", "individual"),
        coords={"time": poses["time"].values, "space": ["x", "y"], "individual": poses["individual"].values},
        attrs={"unit": poses.attrs.get("unit", "px")},
    )
