"""Where to cut a Ward tree: how separate the clusters are at each number of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from murid.learn.segment.ward import Ward


def cut_evidence(ward: Ward, low: float, high: float, *, most: int = 50, least: int = 2) -> list[dict[str, Any]]:
    """Judge the cuts of a tree between two heights.

    Parameters
    ----------
    ward : Ward
    low, high : float
        Heights, feature units.
    most, least : int
        Range of the number of clusters looked at.

    Returns
    -------
    list of dict
        ``n_clusters, height, davies_bouldin`` (lower is better), ``calinski_harabasz`` (higher is better), over the
        prototypes, from few to many clusters. Empty when no cut in the range gives an allowed number.
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    tops = np.sort(ward.tree[:, 2])[::-1]
    rows = []
    for k in range(max(2, least), min(most, len(tops)) + 1):
        # Cutting anywhere between the (k-1)-th and the k-th highest merge leaves k clusters.
        above = tops[k - 2]
        below = tops[k - 1] if k - 1 < len(tops) else 0.0
        if above <= low or below >= high:
            continue
        labels = ward.cut(n_clusters=k).labels
        if labels.max() + 1 == k < len(labels):
            rows.append(
                {
                    "n_clusters": k,
                    "height": float((min(above, high) + max(below, low)) / 2),
                    "davies_bouldin": float(davies_bouldin_score(ward.prototypes, labels)),
                    "calinski_harabasz": float(calinski_harabasz_score(ward.prototypes, labels)),
                }
            )
    return rows


def best_cut(rows: list[dict[str, Any]], criterion: str) -> int | None:
    """Number of clusters of the best row, None when there is none."""
    if not rows:
        return None
    sign = 1 if criterion == "davies_bouldin" else -1
    return int(min(rows, key=lambda row: sign * row[criterion])["n_clusters"])
