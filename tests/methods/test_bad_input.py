"""What every motif method does with poor recordings: absence, a stuck point, mixed rates, more motifs than data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.methods.registry import method_class
from tests.methods.test_contract import NAMES, fitted, make, of

MOTIFS = [n for n in NAMES if method_class(n).about.family in ("unsupervised", "self-supervised")]
CASES = [pytest.param(n, marks=pytest.mark.xdist_group(f"contract of {n}"), id=n) for n in MOTIFS]
#: Methods that learn from pictures or embed all rows, and take long to be fitted or to place frames.
LONG = ("bsoid", "motionmapper", "selfee", "behavenet")
AWAY_CASES = [
    pytest.param(
        n, marks=[pytest.mark.xdist_group(f"contract of {n}"), *([pytest.mark.slow] if n in LONG else [])], id=n
    )
    for n in MOTIFS
]
#: Frames at 25 frames/s between which the second animal is away.
AWAY = slice(150, 600)


def spoilt(made: Recording, *, stuck: str = "nose") -> Recording:
    """The second animal is away for 18 s and never seen whole again; a point of the first does not move."""
    poses = made.need("poses").copy(deep=True)
    position = poses["position"].values
    position[AWAY, ..., 1] = np.nan
    names = [str(k) for k in poses["keypoint"].values]
    position[:, :, names.index(stuck), 0] = position[0, :, names.index(stuck), 0]
    return made.replace(poses=poses, labels=None)


@pytest.mark.parametrize("name", AWAY_CASES)
def test_an_animal_that_is_away_has_no_motif_and_the_other_keeps_its_own(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        states = fitted(name).apply(spoilt(of(name, 12, n_animals=2)))["states"].values
    gone = slice(AWAY.start + 50, AWAY.stop - 50)
    assert (states[gone, 1] == -1).all()
    assert (states[gone, 0] >= 0).mean() > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", [c for c in CASES if "video" not in method_class(c.id).about.needs])
def test_poor_recordings_can_be_learnt_from(name):
    """Absence, a stuck point and two frame rates in one fit: motifs for the frames in which something is seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        poor = [spoilt(of(name, 13, n_animals=2)), of(name, 14, fps=40.0, n_animals=1)]
        model = make(name).fit(poor)
        states = [model.apply(r)["states"].values for r in poor]
    assert model.n_motifs >= 2
    assert (states[0][:, 0] >= 0).mean() > 0.8
    assert (states[0][AWAY, 1][50:-50] == -1).all()
    assert (states[1] >= 0).mean() > 0.8


@pytest.mark.parametrize("name", ["kmeans", "pyrat", "alphatracker", "vame", "dbm"])
def test_more_motifs_than_the_data_hold_is_a_clear_error(name):
    with pytest.raises(DataError, match=r"too (little|few|many)|fewer"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quick = {"train": {"epochs": 1, "max_steps": 2}} if name in ("vame", "dbm") else {}
        make(name, n_motifs=5000, **quick).fit(of(name, 1, duration_s=20.0))
