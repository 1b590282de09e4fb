"""States and traces on one clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.meet import state_fractions, states_on, traces_on
from murid.data.resample import exposure, integrals
from murid.data.states import make_states
from murid.data.traces import make_traces


def test_fraction_is_the_share_of_the_exposure():
    # Behaviour at 10 Hz, neural samples of 1 s; the first second is 3 samples "a" and 7 "b".
    time = np.arange(20) / 10
    states = make_states([0] * 3 + [1] * 7 + [0] * 8 + [-1] * 2, time, ["a", "b"])
    fraction, labelled = state_fractions(states, [0.5, 1.5])
    np.testing.assert_allclose(fraction.values[:, 0], [[0.3, 0.7], [1.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(labelled.values[:, 0, 0], [1.0, 0.8], atol=1e-9)
    assert states_on(states, [0.5, 1.5]).values[:, 0].tolist() == [1, 0]


def test_majority_never_makes_a_label_that_was_not_there():
    # Interpolating the codes 0 and 2 would give 1.
    time = np.arange(100) / 30
    states = make_states(np.where(np.arange(100) % 20 < 10, 0, 2), time, ["a", "never", "c"])
    on = states_on(states, np.arange(40) / 13)
    assert set(np.unique(on.values)) == {0, 2}


def test_mostly_unlabelled_samples_stay_unlabelled():
    states = make_states([0, -1, -1, -1, 0, 0, 0, -1], np.arange(8) / 4, ["a"])
    assert states_on(states, [0.5, 1.5]).values[:, 0].tolist() == [-1, 0]


def test_dropped_neural_frames_are_covered_by_nobody():
    time = np.delete(np.arange(10.0), [4, 5])
    start, stop = exposure(time)
    assert stop[3] == 3.75
    assert start[4] == 5.25


def test_multilabel_form_is_kept():
    values = np.zeros((20, 1, 2), np.int8)
    values[:10, 0, 0] = 1
    values[:, 0, 1] = 1
    on = states_on(make_states(values, np.arange(20) / 20, ["a", "b"]), [0.25, 0.75])
    assert on.values[:, 0].tolist() == [[1, 1], [0, 1]]


def test_clocks_of_one_rate_keep_their_states():
    """A neural clock without some of the samples; changes meet the exposure half and half."""
    codes = np.repeat(np.random.default_rng(0).integers(0, 2, 40), 5)
    time = np.arange(200) / 10
    kept = (time < 5) | (time > 9)
    states = make_states(codes, time, ["rest", "groom"])
    assert states_on(states, time[kept]).values[:, 0].tolist() == codes[kept].tolist()
    both = make_states(np.stack([codes, 1 - codes], axis=1)[:, None], time, ["groom", "rest"])
    assert states_on(both, time[kept]).values[:, 0, 0].tolist() == codes[kept].tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 10_000))
def test_time_in_a_state_is_conserved(n_behaviour, n_neural, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, n_behaviour).astype(float)[:, None]
    time = (np.arange(n_behaviour) + 0.5) / n_behaviour
    edges = np.linspace(0, 1, n_neural + 1)
    sums = integrals(values, exposure(time), edges[:-1], edges[1:])
    assert sums.sum() == pytest.approx(values.mean())


@pytest.mark.parametrize("how", ["mean", "nearest", "linear"])
def test_traces_of_a_line_stay_the_line(how):
    time = np.arange(300) / 30
    traces = make_traces(2.0 * time, time_s=time)
    query = np.arange(20, 80) / 10 + 1 / 60
    moved, valid = traces_on(traces, query, how=how)
    assert valid.all()
    np.testing.assert_allclose(moved.values[:, 0], 2 * query, atol=0.04 if how == "nearest" else 1e-3)


def test_beyond_the_recording_and_in_gaps_is_missing():
    time = np.concatenate([np.arange(50), np.arange(80, 120)]) / 10
    traces = make_traces(np.ones(time.size), time_s=time)
    for how in ("mean", "nearest", "linear"):
        _, valid = traces_on(traces, [-5.0, 1.0, 6.5, 9.0, 30.0], how=how)
        assert valid.tolist() == [False, True, False, True, False], how


def test_unknown_rule_is_named():
    with pytest.raises(DataError, match="mean, nearest or linear"):
        traces_on(make_traces(np.ones(5), rate_hz=1), [1.0], how="cubic")


@pytest.mark.parametrize("label_hz", [1, 5, 10])
def test_bouts_keep_their_times_on_a_faster_clock(label_hz):
    """A sample of states stood for half a step on either side: 10-20 s became 9.50-19.52 s at 1 Hz."""
    time = np.arange(30 * label_hz) / label_hz
    states = make_states((time >= 10) & (time < 20), time, ["rest", "groom"])
    fast = np.arange(30 * 50) / 50
    on = states_on(states, fast).values[:, 0] == 1
    assert fast[on][[0, -1]] + [0, 1 / 50] == pytest.approx([10, 20], abs=0.021)
    fraction, _ = state_fractions(states, fast)
    assert float(fraction.sel(behaviour="groom").sum()) / 50 == pytest.approx(10, abs=1e-6)


@pytest.mark.parametrize("start_s", [0.0, 3.0, 1e3, 1e6, 1e9])
def test_the_first_sample_of_labels_that_begin_with_the_signal_counts_wherever_the_clock_starts(start_s):
    states = make_states(np.arange(1000) // 50 % 2, start_s + np.arange(1000) / 10, ["a", "b"])
    on = states_on(states, start_s + np.arange(0, 100, 0.1)).values[:, 0]
    assert (on >= 0).all()
    assert on.tolist() == states.values[:, 0].tolist()
