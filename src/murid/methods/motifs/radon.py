"""Pictures compared by their sums along lines (Radon transform), as MotionMapper does (Berman et al. 2014).

The transform is linear, so that distances and principal components of transformed pictures are those of the pixels
after one matrix of pixels by pixels: the transform itself, many times the size of the picture, is never made.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix

#: Share of the largest eigenvalue below which a direction of pixels leaves no trace in the sums.
TRACE = 1e-9


def radon_matrix(height: int, width: int, n_angles: int) -> csr_matrix:
    """Sums along lines of a picture, as a matrix.

    Parameters
    ----------
    height, width : int
        Of the picture, px.
    n_angles : int
        Directions, evenly over half a turn; 90 as published.

    Returns
    -------
    sparse array (angle · bin, pixel)
        Bins are one pixel wide around the middle of the picture; a pixel is shared by the two that it lies between, so
        that each direction keeps the sum of the picture. The first direction sums columns.

    Examples
    --------
    >>> picture = np.array([[1.0, 0, 0], [0, 0, 2], [0, 0, 0]])
    >>> (radon_matrix(3, 3, 2) @ picture.ravel()).reshape(2, -1).tolist()
    [[0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0]]
    """
    reach = int(np.ceil(np.hypot(height - 1, width - 1) / 2)) + 1
    y, x = np.mgrid[:height, :width]
    x, y = (x - (width - 1) / 2).ravel(), (y - (height - 1) / 2).ravel()
    angle = np.pi * np.arange(n_angles)[:, None] / n_angles
    # Rounded, so that a sum of cosines that is whole falls into one bin.
    at = np.round(x * np.cos(angle) + y * np.sin(angle), 9) + reach
    low = np.floor(at).astype(int)
    n_bins = 2 * reach + 1
    row = low + n_bins * np.arange(n_angles)[:, None]
    pixel = np.broadcast_to(np.arange(height * width), at.shape)
    over = at - low
    rows = np.concatenate([row.ravel(), np.minimum(row + 1, n_bins * n_angles - 1).ravel()])
    weights = np.concatenate([(1 - over).ravel(), over.ravel()])
    shape = (n_bins * n_angles, height * width)
    return csr_matrix((weights, (rows, np.concatenate([pixel.ravel(), pixel.ravel()]))), shape=shape)


@lru_cache(maxsize=4)
def radon_weights(height: int, width: int, n_angles: int) -> np.ndarray:
    """Matrix (pixel, direction): pixels times it have the inner products of their Radon transforms; read-only.

    Examples
    --------
    >>> weights, x = radon_weights(4, 5, 6), np.random.default_rng(0).normal(size=(2, 20))
    >>> lines = (radon_matrix(4, 5, 6) @ x.T).T
    >>> np.allclose((x @ weights) @ (x @ weights).T, lines @ lines.T)
    True
    """
    lines = radon_matrix(height, width, n_angles)
    size, directions = np.linalg.eigh((lines.T @ lines).toarray())
    kept = size > TRACE * size.max()
    weights = directions[:, kept] * np.sqrt(size[kept])
    weights.flags.writeable = False
    return weights
