"""A small fitted model that several test files share."""

import pytest

from murid import simulate
from murid.methods import method

SMALL = dict(behaviours=("rear", "groom", "walk"), n_features=80, trees=dict(n_trees=30, n_threads=1), context_s=())


@pytest.fixture(scope="session")
def animals():
    """Four simulated animals, the last one unseen by `fitted`."""
    return [
        simulate.recording(duration_s=90, fps=25, seed=k, id=f"r{k}", animal=f"a{k}", unit="cm") for k in range(1, 5)
    ]


@pytest.fixture(scope="session")
def fitted(animals):
    """A gbdt of the first three."""
    return method("gbdt", **SMALL).fit(animals[:3])
