"""What cleaning leaves of a rhythm: the default median takes grooming and gait away, `for_rhythms` does not."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.prepare import CleanParams, transfer_function


def test_the_default_median_wipes_out_fast_rhythms():
    """.24 of 8 Hz, .20 of 10 Hz, nothing of 20 and 40 Hz at 100 frames/s."""
    left = transfer_function(fps=100.0, hz=[2, 8, 10, 20, 30, 40]).set_index("hz")["left"]
    assert left[2] > 0.9
    assert left[8] == pytest.approx(0.24, abs=0.03)
    assert left[10] == pytest.approx(0.2, abs=0.03)
    assert left[[20, 40]].max() < 0.01


@pytest.mark.parametrize("fps", [30.0, 60.0, 100.0])
def test_cleaning_for_rhythms_leaves_all(fps):
    table = transfer_function(CleanParams.for_rhythms(), fps=fps, hz=[2, 8, 12, 80])
    np.testing.assert_allclose(table["left"][:3], 1.0, atol=1e-9)
    assert np.isnan(table["left"][3])


def test_for_rhythms_takes_other_parameters():
    p = CleanParams.for_rhythms(max_gap_s=0.1)
    assert (p.smoothing, p.max_gap_s) == ("none", 0.1)


def test_kalman_needs_its_noise_ratio():
    with pytest.raises(DataError, match="kalman_noise_ratio"):
        transfer_function(CleanParams(smoothing="kalman"))
    left = transfer_function(CleanParams(smoothing="kalman", kalman_noise_ratio=1e6), hz=[1, 10])["left"]
    assert left[0] > left[1]
