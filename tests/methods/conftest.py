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


@pytest.fixture
def interrupted(monkeypatch):
    """Fit a method with a checkpoint, stop it after two epochs, and let a second fit go on from there."""
    from murid.learn.nets import loop

    def fit(unfitted, recordings):
        saved = loop.save_checkpoint

        def cut(path, state, *rest):
            saved(path, state, *rest)
            if state.epoch == 2:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(loop, "save_checkpoint", cut)
            with pytest.raises(KeyboardInterrupt):
                unfitted.fit(recordings)
        return unfitted.fit(recordings)

    return fit
