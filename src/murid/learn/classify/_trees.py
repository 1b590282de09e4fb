"""Compiled walk through flattened trees."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def walk(x, feature, threshold, left, right, missing_left, value, roots):
    """Mean leaf value over all trees, ``(frame,)`` float32."""
    out = np.empty(x.shape[0], np.float32)
    for i in range(x.shape[0]):
        total = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:
                v = x[i, feature[node]]
                go_left = missing_left[node] == 1 if v != v else v <= threshold[node]
                node = left[node] if go_left else right[node]
            total += value[node]
        out[i] = total / roots.size
    return out
