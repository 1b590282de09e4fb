"""Egocentric: every keypoint in the frame of the animal's own body."""

from __future__ import annotations

import numpy as np

from murid.features.body import Body, Column, cross, dot


def egocentric_columns(body: Body) -> list[Column]:
    """Coordinates with the centre as origin and rear → front as x.

    Returns
    -------
    list of Column
        ``ego_x_<role>`` ahead of the centre, ``ego_y_<role>`` across it, in L. Empty when the
        skeleton has no body axis.
    """
    if not body.has_axis:
        return []
    out = []
    for role in body.tracked:
        if body.sources.get("centre") == (role,):
            continue
        away = body.point(role) - body.point("centre")
        out.append(Column(f"ego_x_{role}", "L", "keypoint ahead of the centre", dot(away, body.axis)))
        out.append(Column(f"ego_y_{role}", "L", "keypoint to the side of the centre, signed", cross(body.axis, away)))
    return out


def missing(body: Body) -> list[Column]:
    """How much of the animal the tracker saw: a hidden nose is information, not noise.

    Returns
    -------
    list of Column
        Number of visible keypoints, mean and lowest confidence, number below 0.1, 0.5 and 0.75.
    """
    seen = np.zeros(body.clock.n, np.float32)
    for role in body.tracked:
        seen += ~np.isnan(body.point(role)[0])
    conf = body.confidence
    known = ~np.isnan(conf)
    count = known.sum(0)
    some = count > 0
    none = np.float32(np.nan)
    total = np.where(known, conf, np.float32(0)).sum(0)
    lowest = np.where(known, conf, np.float32(np.inf)).min(0)
    out = [
        Column("visible", "1", "number of visible keypoints", seen),
        Column("confidence_mean", "1", "mean tracker confidence", np.where(some, total / np.maximum(count, 1), none)),
        Column("confidence_min", "1", "lowest tracker confidence", np.where(some, lowest, none)),
    ]
    for limit in (0.1, 0.5, 0.75):
        low = np.where(some, (known & (conf < limit)).sum(0), none)
        out.append(Column(f"confidence_below_{limit:g}", "1", "keypoints below a confidence", low))
    return [column._replace(values=column.values.astype(np.float32)) for column in out]
