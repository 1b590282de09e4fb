"""Shape: lengths, widths, angles and areas of one animal's skeleton, and its ellipse.

The union of what SimBA, MARS, JAABA and DLCAnalyzer measure inside an animal, once each.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from murid.features.body import F32, Body, Column, angle, as_f32, cross, norm

#: Points along the spine, nose to tail tip; neighbours that are tracked give the bending angles.
MIDLINE = ("nose", "head", "neck", "centre", "tail_base", "tail_mid", "tail_tip")
#: Quadrilaterals and triangles whose area tells a stretched from a hunched posture.
AREAS = {
    "area_face": ("nose", "ear_left", "ear_right"),
    "area_front": ("ear_left", "ear_right", "side_right", "side_left"),
    "area_trunk": ("side_left", "side_right", "hip_right", "hip_left"),
    "area_back": ("ear_left", "ear_right", "hip_right", "hip_left"),
    "area_rump": ("tail_base", "hip_left", "hip_right"),
}


def shape_columns(body: Body) -> list[Column]:
    """Posture of one animal: every pair distance, the ellipse, angles along the spine, areas.

    Returns
    -------
    list of Column
        Lengths in L, areas in L², angles in rad.
    """
    out = []
    for a, b in combinations(body.tracked, 2):
        out.append(Column(f"dist_{a}_{b}", "L", "distance between two keypoints", norm(body.point(a) - body.point(b))))
    if body.has("left", "right"):
        width = norm(body.point("left") - body.point("right"))
        out.append(Column("body_width", "L", "width at the sides, hips or ears, whichever is tracked", width))
    if len(body.trunk) >= 3:
        out += _ellipse(body)
        points = np.stack([body.point(role) for role in body.trunk])
        out.append(Column("hull_area", "L^2", "area of the convex hull of the trunk", hull_area(points)))
    out += _angles(body)
    for name, corners in AREAS.items():
        if all(c in body.tracked for c in corners):
            area = polygon_area(np.stack([body.point(c) for c in corners]))
            out.append(Column(name, "L^2", "area between keypoints", area))
    return out


def _ellipse(body: Body) -> list[Column]:
    _, _, var_x, var_y, cov, count = body.covariance
    half_sum, half_diff = (var_x + var_y) / 2, (var_x - var_y) / 2
    root = np.sqrt(half_diff * half_diff + cov * cov)
    enough = np.where(count >= 3, np.float32(1), np.float32(np.nan))
    major = as_f32(np.sqrt(half_sum + root) * enough)
    minor = as_f32(np.sqrt(np.maximum(half_sum - root, 0)) * enough)
    ratio = minor / np.where(major > 0, major, np.float32(np.nan))
    return [
        Column("ellipse_major", "L", "sd of the trunk keypoints along their long axis", major),
        Column("ellipse_minor", "L", "sd of the trunk keypoints across it", minor),
        Column("elongation", "1", "1 - minor/major: 0 round, 1 a line", as_f32(1 - ratio)),
    ]


def _angles(body: Body) -> list[Column]:
    out = []
    if body.has_axis and body.has_head_axis:
        turned = angle(body.axis, body.head_axis)
        out.append(Column("head_angle", "rad", "head against body axis, signed", turned))
        out.append(Column("head_angle_abs", "rad", "head against body axis, unsigned", np.abs(turned)))
    line = [point for point in MIDLINE if point in body.tracked]
    for a, b, c in zip(line, line[1:], line[2:], strict=False):
        bend = angle(body.point(b) - body.point(a), body.point(c) - body.point(b))
        out.append(Column(f"bend_{a}_{b}_{c}", "rad", "bend of the spine, signed: 0 straight", bend))
        out.append(Column(f"bend_{a}_{b}_{c}_abs", "rad", "bend of the spine, unsigned", np.abs(bend)))
    for apex, (left, right) in {
        "tail_base": ("hip_left", "hip_right"),
        "centre": ("side_left", "side_right"),
        "nose": ("ear_left", "ear_right"),
    }.items():
        if all(p in body.tracked for p in (apex, left, right)):
            top = body.point(apex)
            opening = np.abs(angle(body.point(left) - top, body.point(right) - top))
            out.append(Column(f"opening_{apex}", "rad", "angle under which a keypoint sees left and right", opening))
    return out


def polygon_area(corners: F32) -> F32:
    """Area of polygons ``(corner, 2, frame)``; NaN where a corner is missing."""
    away = corners - corners[:1]
    total = np.zeros(corners.shape[2], np.float32)
    for i in range(len(corners)):
        total += cross(away[i], away[(i + 1) % len(corners)])
    return as_f32(np.abs(total) / 2)


def hull_area(points: F32) -> F32:
    """Area of the convex hull of the visible ``points (point, 2, frame)``; NaN with fewer than 3."""
    from murid.features.geometry import hull_areas

    return hull_areas(points)
