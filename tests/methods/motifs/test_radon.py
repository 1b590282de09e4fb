"""Sums along lines: by hand, whatever the direction of a round picture, and as distances of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from murid.methods.motifs.radon import radon_matrix, radon_weights


def test_sums_are_those_along_columns_rows_and_diagonals():
    picture = np.arange(1.0, 10).reshape(3, 3)
    lines = (radon_matrix(3, 3, 4) @ picture.ravel()).reshape(4, -1)
    middle = slice(lines.shape[1] // 2 - 1, lines.shape[1] // 2 + 2)
    assert lines[0, middle].tolist() == picture.sum(axis=0).tolist()
    assert lines[2, middle].tolist() == picture.sum(axis=1).tolist()
    assert np.allclose(lines.sum(axis=1), picture.sum())
    # At 45 degrees the diagonal from lower left to upper right lies in the middle bin, the next ones
    # .707 px beside it.
    assert lines[1, middle][1] == pytest.approx(3 + 5 + 7 + (1 - np.sqrt(0.5)) * (2 + 4 + 6 + 8))


def test_a_round_picture_looks_the_same_from_everywhere_and_weights_keep_distances():
    y, x = np.mgrid[:15, :15] - 7
    round_one = np.exp(-(x**2 + y**2) / 8.0)
    lines = (radon_matrix(15, 15, 8) @ round_one.ravel()).reshape(8, -1)
    assert np.abs(lines - lines.mean(axis=0)).max() < 0.08 * lines.max()
    some = np.random.default_rng(0).random((3, 15 * 15))
    sums, short = (radon_matrix(15, 15, 8) @ some.T).T, some @ radon_weights(15, 15, 8)
    apart = [np.linalg.norm(v[:, None] - v, axis=2) for v in (sums, short)]
    assert np.allclose(*apart)
    assert short.shape[1] <= 225
