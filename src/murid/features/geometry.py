"""Plane geometry in compiled loops: convex hulls, points in polygons, distances to borders."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def hull_areas(points):
    """Area of the convex hull of the visible points of each frame.

    Parameters
    ----------
    points : float32 array of shape (point, 2, frame)

    Returns
    -------
    float32 array of shape (frame,)
        NaN where fewer than three points are visible.
    """
    return _hulls(points)[0]


@njit(cache=True, nogil=True)
def hull_perimeters(points):
    """Length of the border of the convex hull of the visible points of each frame, as `hull_areas`."""
    return _hulls(points)[1]


@njit(cache=True, nogil=True)
def _hulls(points):
    """Areas and perimeters, by Andrew's monotone chain."""
    k, _, n = points.shape
    areas, perimeters = np.empty(n, np.float32), np.empty(n, np.float32)
    x, y = np.empty(k, np.float64), np.empty(k, np.float64)
    hx, hy = np.empty(2 * k + 2, np.float64), np.empty(2 * k + 2, np.float64)
    for t in range(n):
        m = 0
        for i in range(k):
            px, py = points[i, 0, t], points[i, 1, t]
            if px == px and py == py:
                # Insertion sort by x, then y: k is a dozen at most.
                j = m
                while j > 0 and (x[j - 1] > px or (x[j - 1] == px and y[j - 1] > py)):
                    x[j], y[j] = x[j - 1], y[j - 1]
                    j -= 1
                x[j], y[j] = px, py
                m += 1
        if m < 3:
            areas[t], perimeters[t] = np.nan, np.nan
            continue
        h = 0
        for i in range(m):
            while h >= 2 and _left_of(hx, hy, h, x[i], y[i]) <= 0:
                h -= 1
            hx[h], hy[h] = x[i], y[i]
            h += 1
        low = h + 1
        for i in range(m - 2, -1, -1):
            while h >= low and _left_of(hx, hy, h, x[i], y[i]) <= 0:
                h -= 1
            hx[h], hy[h] = x[i], y[i]
            h += 1
        area, perimeter = 0.0, 0.0
        for i in range(h - 1):
            area += (hx[i] - hx[0]) * (hy[i + 1] - hy[0]) - (hx[i + 1] - hx[0]) * (hy[i] - hy[0])
            perimeter += np.hypot(hx[i + 1] - hx[i], hy[i + 1] - hy[i])
        areas[t], perimeters[t] = abs(area) / 2, perimeter
    return areas, perimeters


@njit(cache=True, nogil=True, inline="always")
def _left_of(hx, hy, h, px, py):
    return (hx[h - 1] - hx[h - 2]) * (py - hy[h - 2]) - (hy[h - 1] - hy[h - 2]) * (px - hx[h - 2])


@njit(cache=True, nogil=True)
def signed_depth(x, y, polygon):
    """Distance of points to the border of a polygon: positive inside, negative outside.

    Parameters
    ----------
    x, y : arrays of shape (frame,)
    polygon : float64 array of shape (corner, 2)
        Corners in order, either way round; self-touching borders follow the even-odd rule.

    Returns
    -------
    float64 array of shape (frame,)
        NaN where a coordinate is missing.
    """
    n, k = x.size, polygon.shape[0]
    out = np.empty(n, np.float64)
    for t in range(n):
        px, py = x[t], y[t]
        if not (px == px and py == py):
            out[t] = np.nan
            continue
        inside = False
        nearest = np.inf
        for i in range(k):
            j = i + 1 if i + 1 < k else 0
            ax, ay, bx, by = polygon[i, 0], polygon[i, 1], polygon[j, 0], polygon[j, 1]
            if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
                inside = not inside
            ex, ey = bx - ax, by - ay
            length = ex * ex + ey * ey
            share = ((px - ax) * ex + (py - ay) * ey) / length if length > 0 else 0.0
            share = min(1.0, max(0.0, share))
            dx, dy = ax + share * ex - px, ay + share * ey - py
            nearest = min(nearest, dx * dx + dy * dy)
        out[t] = np.sqrt(nearest) if inside else -np.sqrt(nearest)
    return out
