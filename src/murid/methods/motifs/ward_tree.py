"""Ward's tree as methods hand it on: all of it for a dendrogram, and what lies above the cut with every output."""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.learn.segment.ward import Ward


def tree_of(ward: Ward) -> dict[str, np.ndarray]:
    """Return ``linkage`` (scipy's format), ``mass`` and ``motif`` of each leaf."""
    return {"linkage": ward.tree, "mass": ward.mass, "motif": ward.labels}


def with_tree(out: xr.Dataset, ward: Ward) -> xr.Dataset:
    """Add ``tree (merge, part)`` to what a method says of a recording: the linkage of its motifs, in their order.

    The parts of a merge are the two nodes, the height (Ward's distance) and the number of motifs under it.
    """
    return out.assign(tree=(("merge", "part"), ward.top()))
