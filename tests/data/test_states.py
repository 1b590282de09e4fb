"""States: missing codes stay missing, and nothing that is no code passes."""

import numpy as np
import pytest

import murid
from murid.data.states import make_states

TIME = np.arange(600) / 10


def test_missing_codes_are_unlabelled_never_the_first_behaviour():
    codes = np.full(600, np.nan)
    codes[100:200], codes[200:250] = 1, 0
    states = make_states(codes, TIME, ["freeze", "move"]).values[:, 0]
    assert [(states == k).sum() for k in (-1, 0, 1)] == [450, 50, 100]
    multi = make_states(np.where(np.isnan(codes), np.nan, codes == 1)[:, None, None], TIME, ["move"]).values
    assert [(multi == k).sum() for k in (-1, 0, 1)] == [450, 50, 100]


@pytest.mark.parametrize("value", [0.9, 0.5])
def test_probabilities_are_no_states(value):
    with pytest.raises(murid.DataError, match=r"values are not whole.*threshold"):
        make_states(np.full((600, 1, 1), value), TIME, ["move"])


def test_text_is_no_state():
    with pytest.raises(murid.DataError, match="values are no numbers"):
        make_states(np.full(600, "a"), TIME, ["a"])
