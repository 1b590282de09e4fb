"""Pulse trains: matched rightly or refused, never one pulse late."""

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.pulses import match_pulses


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("fps", "n"), [(30, 5400), (1, 600)])
def test_regular_trains_with_none_missing_match_one_to_one(seed, fps, n):
    rng = np.random.default_rng(seed)
    camera = np.arange(n) / fps + rng.normal(0, 1e-4, n)
    neural = 12.5 + (1 + 20e-6) * np.arange(n) / fps + rng.normal(0, 1e-4, n)
    assert np.abs(match_pulses(camera, neural)(camera) - neural).max() < 1e-3


@pytest.mark.parametrize(("fps", "n"), [(30, 3000), (1, 600), (0.2, 200)])
def test_a_pulse_lost_within_a_regular_train_shifts_nothing(fps, n):
    rng = np.random.default_rng(3)
    camera = np.arange(n) / fps + rng.normal(0, 2e-4, n)
    neural = 50 + np.arange(n) / fps * (1 + 30e-6) + rng.normal(0, 2e-4, n)
    kept = np.delete(np.arange(n), n // 2)
    assert np.abs(match_pulses(camera[kept], neural)(camera) - neural).max() < 2e-3


def test_regular_trains_that_begin_at_unlike_pulses_are_refused_until_a_start_is_given():
    camera = np.arange(600.0)
    neural = 40 + camera[5:] * (1 + 50e-6)
    with pytest.raises(DataError, match=r"do not tell which pulse is which.*start_s"):
        match_pulses(camera, neural)
    clock = match_pulses(camera, neural, start_s=(10.0, 50.0005))
    np.testing.assert_allclose(clock(camera[5:]), neural, atol=1e-6)


@pytest.mark.parametrize("start", [0.0, 1e6, 1.7e9, 3.8e9])
def test_unix_seconds_on_one_clock(start):
    camera = start + np.cumsum(np.random.default_rng(0).uniform(2, 8, 300))
    neural = (camera - start) * (1 + 40e-6) + 3
    np.testing.assert_allclose(match_pulses(camera, neural)(camera), neural, atol=2e-6)


def test_a_long_irregular_train_with_losses_and_a_late_start():
    rng = np.random.default_rng(1)
    camera = np.cumsum(rng.uniform(2, 8, 700))
    neural = 100 + (1 + 150e-6) * camera
    kept = rng.random(700) > 0.05
    for seen in (neural[kept], neural[60:], neural[200:400]):
        np.testing.assert_allclose(match_pulses(camera, seen)(camera), neural, atol=1e-4)


def test_missing_pulses_on_both_sides():
    rng = np.random.default_rng(1)
    camera = np.cumsum(rng.uniform(0.5, 4, 120))
    neural = 3.0 + camera * (1 - 50e-6) + rng.normal(0, 1e-3, 120)
    clock = match_pulses(np.delete(camera, [0, 1, 50]), np.delete(neural, [10, 80]))
    assert clock.offset_s == pytest.approx(3.0, abs=2e-3)
    assert clock.ppm == pytest.approx(-50, abs=15)
    assert clock.residual_sd_s < 2e-3


def test_unrelated_pulses_are_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(DataError, match="do not match"):
        match_pulses(np.cumsum(rng.uniform(1, 5, 40)), np.cumsum(rng.uniform(1, 5, 40)), tolerance_s=0.001)


def simulated(seed):
    """Return two trains with losses, doubled pulses, a late start, drift; and the true map."""
    rng = np.random.default_rng(seed)
    n, kind, trouble = int(rng.integers(20, 500)), seed % 4, seed // 4 % 5
    regular = np.arange(n) / rng.choice([100, 30, 25, 1, 0.2])
    irregular = [rng.uniform(2, 8, n), rng.exponential(3, n) + 0.05, rng.integers(1, 6, n)]
    pulses = regular if kind == 3 else np.cumsum(irregular[kind]).astype(float)
    slope, offset, jitter = 1 + rng.uniform(-200e-6, 200e-6), rng.choice([0, 12.5, 1.7e9]), rng.choice([0, 1e-4])
    a, b = (np.sort(t + rng.normal(0, jitter, n)) for t in (pulses, offset + slope * pulses))
    if trouble in (1, 4):
        a, b = a[rng.random(n) > rng.choice([0.002, 0.02, 0.1])], b[rng.random(n) > rng.choice([0.002, 0.02, 0.1])]
    if trouble in (2, 4):
        a, b = (a[rng.integers(1, n // 3) :], b) if rng.random() < 0.5 else (a, b[rng.integers(1, n // 3) :])
    if trouble in (3, 4):
        again = rng.random(b.size) < 0.03
        b = np.sort(np.concatenate([b, b[again] + min(0.003, 0.1 * np.median(np.diff(pulses)))]))
    return a, b, pulses, offset + slope * pulses


def outcomes(seeds):
    """Count right, refused and wrong answers; the irregular trains among the refused ones too."""
    counts = {"right": 0, "refused": 0, "wrong": 0, "irregular refused": 0}
    for seed in seeds:
        a, b, pulses, truth = simulated(seed)
        try:
            right = np.abs(match_pulses(a, b)(pulses) - truth).max() < 2e-3
            counts["right" if right else "wrong"] += 1
        except DataError:
            counts["refused"] += 1
            counts["irregular refused"] += seed % 4 != 3
    return counts


def test_simulated_trains_are_matched_rightly_or_refused():
    counts = outcomes(range(60))
    assert counts["wrong"] == 0
    assert counts["irregular refused"] == 0
    assert counts["right"] > 48


@pytest.mark.slow
def test_a_thousand_simulated_trains():
    counts = outcomes(range(1000, 2000))
    assert counts["wrong"] == 0
    assert counts["irregular refused"] == 0
    assert counts["right"] > 800
