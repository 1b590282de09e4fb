"""Embedding measures: 1 for a faithful view, near chance for a random one."""

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.evaluate.embedding import embedding_quality


def test_faithful_and_random_views():
    rng = np.random.default_rng(0)
    codes = rng.integers(8, size=800)
    x = rng.normal(size=(8, 2))[codes] * 10 + rng.normal(size=(800, 2))
    same = embedding_quality(x, x @ [[0.0, 2.0], [-2.0, 0.0]], codes)
    assert same == pytest.approx({"knn": 1.0, "knc": 1.0, "cpd": 1.0})
    blind = embedding_quality(x, rng.normal(size=(800, 2)), codes)
    assert blind["knn"] < 0.1
    assert abs(blind["cpd"]) < 0.1
    assert blind["knc"] < 0.9
    with pytest.raises(DataError, match="differ"):
        embedding_quality(x, x[:-1], codes)
