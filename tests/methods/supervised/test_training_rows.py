"""Which frames learning looks at: a rate in seconds, on every recording's own clock."""

from __future__ import annotations

import numpy as np
import pytest

from murid.methods.supervised.training_rows import sampled_rows


@pytest.mark.parametrize("rates", [(100.0, 25.0), (25.0, 100.0), (24.0, 8.0, 48.0)])
def test_every_second_gives_as_many_rows_at_any_frame_rate(rates):
    parts = [np.arange(int(30 * rate)) / rate + 60.0 * i for i, rate in enumerate(rates)]
    time = np.concatenate(parts)
    rows = sampled_rows(time, 8.0)
    for i, rate in enumerate(rates):
        inside = time[rows][(time[rows] >= 60 * i) & (time[rows] < 60 * i + 30)]
        step = max(1, round(rate / 8.0)) / rate
        np.testing.assert_allclose(np.diff(inside), step)
        assert inside[0] == pytest.approx(60.0 * i)  # begins anew behind the pause
        assert inside.size == pytest.approx(30 / step, abs=1)


def test_an_even_film_gives_every_kth_frame():
    np.testing.assert_array_equal(sampled_rows(np.arange(300) / 30, 8.0), np.arange(0, 300, 4))
    np.testing.assert_array_equal(sampled_rows(np.arange(300) / 30, np.inf), np.arange(300))
    assert sampled_rows(np.array([0.0]), 8.0).tolist() == [0]
    assert sampled_rows(np.empty(0), 8.0).size == 0
    assert sampled_rows(np.array([0.0, 60.0, 60.1, 60.2]), 8.0).tolist() == [0, 1, 2, 3]
