"""Rasters, phases and their order around events."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.ethogram.trials import by_day, label_shares, order_test, phases, raster, stack
from murid.stats import compare

NAMES = ["other", "lever", "port", "eat"]


def states(codes, fps=10.0):
    codes = np.asarray(codes, np.int16)[:, None]
    return make_states(codes, np.arange(len(codes)) / fps, NAMES, ["m"], source="test")


def trial(*runs):
    return [k for k, n in runs for _ in range(n)]


def test_raster_phases_and_edges():
    made = states(trial((0, 20), (1, 5), (0, 5), (2, 10), (3, 20), (0, 10)))
    cut = raster(made, [2.0, 6.5], before_s=1, after_s=5)
    assert cut.shape == (2, 61)
    assert cut.attrs["behaviours"] == NAMES
    np.testing.assert_array_equal(cut.values[0], made.values[10:71, 0][:60].tolist() + [-1])
    assert (cut.values[1, 16:] == -1).all(), "past the end nothing is known"
    table = phases(cut.isel(trial=[0]), ["lever", "port", "eat"]).set_index("phase")
    np.testing.assert_allclose(table["latency_s"], [0.0, 1.0, 2.0], atol=1e-9)
    np.testing.assert_allclose(table["first_s"], [0.5, 1.0, 2.0], atol=1e-9)
    # Nothing of it in what was seen, and not all was seen: unknown.
    assert phases(cut, ["eat"], from_s=4.5)["present"].isna().all()
    assert phases(cut.isel(lag=slice(0, 60)), ["eat"], from_s=4.5)["present"].fillna(True).tolist() == [False, True]
    both = stack([cut, cut], ["r1", "r2"])
    assert both.sizes["trial"] == 4
    assert phases(both, ["port"])["recording"].tolist() == ["r1", "r1", "r2", "r2"]


def test_order_is_found_where_planted_and_not_in_noise():
    rng = np.random.default_rng(0)
    planted, noise = [], []
    for _ in range(25):
        first = [(1, 5), (0, int(rng.integers(1, 9))), (2, 5), (3, 9)]
        rest = [(int(k), 4) for k in rng.integers(0, 4, 6)]
        planted.append(trial(*first, *rest)[:60])
        noise.append(trial(*((int(k), 5) for k in rng.integers(0, 4, 12)))[:60])

    def test(rows):
        length = min(map(len, rows))
        made = [raster(states(row[:length]), [0.0], before_s=0, after_s=length / 10 - 0.1) for row in rows]
        return order_test(stack(made, list(map(str, range(len(made))))), ["lever", "port", "eat"], n_shuffles=200)

    found, null = test(planted), test(noise)
    assert found["share"] == 1.0
    assert found["p"] < 0.01
    assert found["chance"] < 0.9
    assert null["p"] > 0.05
    assert found["pairs"][("lever", "port")] > null["pairs"][("lever", "port")]


def test_training_days_are_compared_within_animals():
    recordings, cuts = [], []
    for animal in range(5):
        for day in (1, 2, 10):
            wait = 40 // day + animal
            made = states(trial((1, 5), (0, wait), (3, 10), (0, 100 - wait)))
            recordings.append(Recording(f"m{animal}d{day}", animal=f"m{animal}", day=str(day), group="g"))
            cuts.append(raster(made, [0.0, 3.0], before_s=0, after_s=7))
    table = phases(stack(cuts, [r.id for r in recordings]), ["lever", "eat"], from_s=0.0)
    found = by_day(table, recordings)
    assert list(found["day"][:6:2]) == [1, 2, 10]
    assert (found["trials"] == 2).all()
    eat, lever = found[found["phase"] == "eat"], found[found["phase"] == "lever"]
    assert (lever["present"] == 0.5).all()
    assert np.allclose(lever["first_s"], 0.5)
    # The second trial begins 3 s later: the median lies between both.
    np.testing.assert_allclose(eat.loc[eat["animal"] == "m0", "latency_s"].iloc[0], 3.0, atol=0.01)
    two = eat[eat["day"].isin([1, 10])]
    assert compare(two, "latency_s", "day", paired=True).row()["difference"] < -1
    with pytest.raises(DataError, match="no recording 'm0d1'"):
        by_day(table, recordings[1:])
    with pytest.raises(DataError, match="has no day"):
        by_day(table, [r.replace(day="") for r in recordings])


def test_overlap_and_names():
    table = label_shares([0, 0, 1, -1, 1], [0, 1, 1, 1, -1], ["a", "b", "c"], ["x", "y"])
    np.testing.assert_allclose(table.to_numpy(), [[0.5, 0.5], [0, 1], [np.nan, np.nan]])
    with pytest.raises(DataError, match="did you mean 'lever'"):
        phases(raster(states([0, 1]), [0.0], before_s=0, after_s=0.1), ["levr"])


def test_a_trial_cut_by_the_end_is_unknown_not_absent():
    """The last of six trials begins .2 s before the end: the share of trials was 5/6."""
    value, events = np.zeros(300, int), [5.0, 10.0, 15.0, 20.0, 25.0, 29.8]
    for event in events:
        value[int((event + 0.5) * 10) : int((event + 1) * 10)] = 1
    cut = raster(make_states(value, np.arange(300) / 10, ["rest", "eat"]), events, before_s=1, after_s=3)
    present = phases(cut, ["eat"])["present"]
    assert present.isna().tolist() == [False] * 5 + [True]
    assert present.mean() == 1.0


def test_codes_without_a_name_are_an_error():
    """They were counted under the next state."""
    with pytest.raises(DataError, match="a label has no name"):
        label_shares([0, 0, 1, 1], [0, 2, 0, 1], ["s", "t"], ["x", "y"])
