"""Memory of a fit does not grow with the number of recordings: features and poses of one are held at a time."""

import pytest
from benchmarks.memory import table_of

#: MB for each recording of three minutes, .2 as measured; all features of one are about 3 MB.
MOST_MB = 1.0


@pytest.mark.slow
def test_a_fit_to_four_times_the_recordings():
    table = table_of([4, 16], 3.0, ["fit"]).set_index("recordings")["MB"]
    assert (table[16] - table[4]) / 12 < MOST_MB
