from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from murid.data.stretches import run_edges
from murid.prepare.gaps import fill_gaps, gap_table


@pytest.mark.parametrize("method", ["pchip", "linear"])
def test_filled_values_are_those_of_the_reference(method):
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.uniform(0.02, 0.05, 300))  # an uneven clock
    x = np.cumsum(rng.normal(size=(300, 2)), axis=0)
    hole = rng.random(300) < 0.4
    hole[[0, -1]] = False
    x[hole] = np.nan
    got, filled = fill_gaps(x, time, 10.0, method)
    seen = ~hole
    if method == "pchip":
        want = PchipInterpolator(time[seen], x[seen])(time)
    else:
        want = np.column_stack([np.interp(time, time[seen], x[seen, c]) for c in range(2)])
    np.testing.assert_allclose(got, want, atol=1e-10)
    np.testing.assert_array_equal(filled, hole)


def test_pchip_with_gaps_next_to_the_ends():
    time = np.arange(6) / 10
    for keep in ([0, 5], [0, 1, 5], [0, 4, 5], [0, 2, 5]):
        x = np.full(6, np.nan)
        x[keep] = [1.0, 4.0, 2.0][: len(keep)]
        got, _ = fill_gaps(x, time, 9.0)
        np.testing.assert_allclose(got, PchipInterpolator(time[keep], x[keep])(time), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.booleans(), min_size=3, max_size=120),
    st.sampled_from([10.0, 25.0, 30.0, 120.0]),
    st.sampled_from([0.0, 0.05, 0.2, 0.5]),
)
def test_never_fills_a_longer_gap_and_always_a_shorter_one(seen, fps, max_gap_s):
    seen = np.array(seen)
    time = 5 + np.arange(seen.size) / fps
    x = np.where(seen, np.sin(np.arange(seen.size)), np.nan)
    got, filled = fill_gaps(x, time, max_gap_s)
    np.testing.assert_array_equal(got[seen], x[seen])
    for start, stop in zip(*run_edges(~seen), strict=True):
        inside = start > 0 and stop < seen.size
        short = (stop - start) / fps <= max_gap_s + 0.01 / fps
        assert filled[start:stop].all() == (inside and short and max_gap_s > 0)
        assert np.isnan(got[start:stop]).all() != filled[start:stop].all()


def test_pchip_does_not_overshoot():
    x = np.array([0, 0, 0, np.nan, np.nan, 1, 1, 1.0])
    got, _ = fill_gaps(x, np.arange(8) / 30, 1.0)
    assert got.min() >= 0
    assert got.max() <= 1


def test_gap_table():
    seen = np.array([0, 1, 1, 0, 0, 0, 1, 0], bool)
    start, stop, length = gap_table(seen, np.arange(8) / 10)
    assert start.tolist() == [0, 3, 7]
    assert stop.tolist() == [1, 6, 8]
    np.testing.assert_allclose(length, [0.1, 0.3, 0.1])


def test_gaps_are_times_where_the_film_changes_its_rate():
    """A gap of .15 s is filled at 30 and at 15 frames/s, one of .3 s at neither."""
    film = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    x = film.copy()
    lengths = {5.0: 0.14, 10.0: 0.3, 30.0: 0.14, 40.0: 0.3}
    for start, length in lengths.items():
        x[(film > start + 1e-9) & (film <= start + length + 1e-9)] = np.nan
    out, filled = fill_gaps(x, film, 0.2, "linear")
    for start, length in lengths.items():
        inside = (film > start + 1e-9) & (film <= start + length + 1e-9)
        assert filled[inside].all() == (length < 0.2)
    np.testing.assert_allclose(out[filled], film[filled], atol=1e-9)
    start, _, length = gap_table(np.isfinite(x), film)
    assert np.all(np.abs(length - [0.14, 0.3, 0.14, 0.3]) < 0.05)
