"""Windows against pandas rolling, plain loops and known signals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.clock import rate_of
from murid.data.errors import DataError
from murid.features.window_kernel import TILE
from murid.features.windows import rolling, window_frames


def _reference(x: np.ndarray, before: int, after: int, statistic: str, min_share: float) -> np.ndarray:
    """The plainest possible loop."""
    out = np.full(x.size, np.nan)
    for t in range(x.size):
        inside = x[max(0, t - before) : min(x.size, t + after + 1)]
        whole = np.full(before + after + 1, np.nan)
        low = max(0, before - t)
        whole[low : low + inside.size] = inside
        known = inside[~np.isnan(inside)]
        if known.size < max(1, np.ceil(min_share * inside.size - 1e-9)):
            continue
        third = max(1, whole.size // 3)
        head, tail = whole[:third], whole[-third:]
        if statistic == "change":
            if (~np.isnan(head)).any() and (~np.isnan(tail)).any():
                out[t] = np.nanmean(tail) - np.nanmean(head)
        elif statistic.startswith("p"):
            out[t] = np.percentile(known, float(statistic[1:]))
        else:
            out[t] = {"mean": np.mean, "sd": np.std, "min": np.min, "max": np.max}[statistic](known)
    return out


def _check(x: np.ndarray, fps: float, windows: tuple[float, ...], align: str, min_share: float, rtol: float) -> None:
    table, names = rolling(x, fps, windows, percentiles=(0, 10, 50, 100), align=align, min_share=min_share)
    # float32 carries 7 digits of the values themselves.
    size = np.nanmax(np.abs(x)) if np.isfinite(x).any() else 1.0
    for column, name in enumerate(names[1:], 1):
        statistic, seconds = name.split("_")
        before, after = window_frames(float(seconds[:-1]), fps, align)
        expected = _reference(x.astype(np.float64), before, after, statistic, min_share)
        np.testing.assert_allclose(table[:, column], expected, rtol=rtol, atol=rtol * size + 1e-30, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    n=st.integers(1, 90),
    fps=st.sampled_from([7.5, 25.0, 30.0, 60.0]),
    align=st.sampled_from(["centred", "trailing"]),
    min_share=st.sampled_from([0.01, 0.5, 1.0]),
)
def test_any_signal_with_gaps(data: st.DataObject, n: int, fps: float, align: str, min_share: float) -> None:
    value = st.one_of(st.just(np.nan), st.floats(-1000, 1000, width=32, allow_subnormal=False))
    x = np.array(data.draw(st.lists(value, min_size=n, max_size=n)), np.float32)
    _check(x, fps, (0.1, 0.5, 1.7), align, min_share, 3e-5)


def test_against_pandas_over_many_tiles() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=3 * TILE + 17)).astype(np.float32)
    x[rng.random(x.size) < 0.1] = np.nan
    x[TILE - 20 : TILE + 100] = np.nan
    table, names = rolling(x, 30.0, (0.33, 2.0), percentiles=(25,), min_share=0.01)
    series = pd.Series(x.astype(np.float64))
    for name, column in zip(names[1:], table.T[1:], strict=True):
        statistic, seconds = name.split("_")
        width = 2 * window_frames(float(seconds[:-1]), 30.0)[0] + 1
        rolled = series.rolling(width, center=True, min_periods=1)
        expected = {
            "mean": rolled.mean,
            "sd": lambda r=rolled: r.std(ddof=0),
            "min": rolled.min,
            "max": rolled.max,
            "p25": lambda r=rolled: r.quantile(0.25),
            "change": lambda: None,
        }[statistic]()
        if expected is not None:
            np.testing.assert_allclose(column, expected, rtol=2e-5, atol=2e-5, err_msg=name)


def test_no_drift_after_a_huge_excursion() -> None:
    x = np.full(20 * TILE, 1.0, np.float32)
    x[100] = 1e7
    table, names = rolling(x, 30.0, (1.0,), ("mean", "sd"))
    np.testing.assert_array_equal(table[2 * TILE :, names.index("mean_1s")], 1.0)
    np.testing.assert_array_equal(table[2 * TILE :, names.index("sd_1s")], 0.0)


def test_sd_of_small_signal_on_a_large_level() -> None:
    rng = np.random.default_rng(1)
    x = (1000 + 0.01 * rng.normal(size=2000)).astype(np.float32)
    table, names = rolling(x, 30.0, (1.0,), ("sd",))
    expected = pd.Series(x.astype(np.float64)).rolling(31, center=True, min_periods=1).std(ddof=0)
    np.testing.assert_allclose(table[:, names.index("sd_1s")], expected, rtol=1e-4)


def test_lags_and_their_ends() -> None:
    x = np.arange(100, dtype=np.float32)
    table, names = rolling(x, 10.0, (0.5,), ("mean",), lags_s=(-1.0, 2.0))
    back, ahead = table[:, names.index("lag_-1s")], table[:, names.index("lag_2s")]
    assert np.isnan(back[:10]).all()
    assert np.isnan(ahead[-20:]).all()
    np.testing.assert_array_equal(back[10:], x[:-10])
    np.testing.assert_array_equal(ahead[:-20], x[20:])


def test_band_power_of_sines() -> None:
    t = np.arange(1500) / 30
    x = (7 + 3 * np.sin(2 * np.pi * 4 * t) + np.sin(2 * np.pi * 10 * t)).astype(np.float32)
    table, names = rolling(x, 30.0, (2.0,), (), bands_hz=((0.7, 2), (2, 6), (6, 14)))
    power = table[100:-100, [i for i, name in enumerate(names) if name.startswith("power")]]
    np.testing.assert_allclose(power[:, 1], 4.5, rtol=0.02)
    np.testing.assert_allclose(power[:, 2], 0.5, rtol=0.05)
    assert power[:, 0].max() < 0.02


def test_band_power_is_that_of_a_hann_window() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=400).astype(np.float32)
    table, _ = rolling(x, 30.0, (1.0,), (), bands_hz=((2.0, 5.0), (5.0, 40.0)))
    width = 31
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    hz = np.arange(width) * 30.0 / width
    for t in (50, 200, 350):
        piece = x[t - 15 : t + 16].astype(np.float64)
        power = 2 * np.abs(np.fft.fft((piece - piece.mean()) * hann)) ** 2 / (0.375 * width**2)
        for (low, high), column in zip(((2, 5), (5, 15)), table.T[-2:], strict=True):
            assert column[t] == pytest.approx(power[(hz >= low) & (hz < high) & (hz < 15)].sum(), rel=1e-3)


def test_band_power_scales_and_survives_gaps() -> None:
    t = np.arange(900) / 30
    x = np.sin(2 * np.pi * 4 * t).astype(np.float32)
    gappy = x.copy()
    gappy[np.random.default_rng(0).random(x.size) < 0.1] = np.nan
    power = rolling(gappy, 30.0, (2.0,), (), bands_hz=((3, 5),))[0][100:-100, -1]
    assert np.nanmedian(power) == pytest.approx(0.5, rel=0.1)


def test_windows_have_the_same_length_at_any_rate() -> None:
    for fps in (25.0, 30.0, 60.0, 120.0):
        for seconds in (0.33, 1.0, 2.0):
            before, after = window_frames(seconds, fps)
            assert before == after
            assert abs(before + after + 1 - seconds * fps) <= 1
            before, after = window_frames(seconds, fps, "trailing")
            assert after == 0
            assert abs(before + 1 - seconds * fps) <= 0.5


def test_channels_are_independent() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    x[50:90, 1] = np.nan
    table, _ = rolling(x, 30.0)
    for channel in range(3):
        np.testing.assert_array_equal(table[:, channel], rolling(x[:, channel], 30.0)[0])


def test_bad_requests_are_named() -> None:
    with pytest.raises(DataError, match="unknown statistics"):
        rolling(np.zeros(5), 30.0, (1.0,), ("median",))
    with pytest.raises(DataError, match="axes"):
        rolling(np.zeros((2, 2, 2)), 30.0)


@pytest.mark.parametrize("fps", [50, 60, 100])
@pytest.mark.parametrize("start_s", [0.0, 1e5, 1.7e9])
def test_windows_of_even_frame_counts_do_not_depend_on_float_noise(fps, start_s):
    """1 s at 50, 60, 100 Hz was 49, 59, 99 frames at some start times and lengths and 51, 61, 101 at others."""
    for n in (1000, 1237, 4000):
        rate = rate_of(start_s + np.arange(n) / fps)
        assert window_frames(1.0, rate) == (fps // 2, fps // 2)
        assert window_frames(1.0, rate, "trailing") == (fps - 1, 0)


@pytest.mark.parametrize("lost", [0.0, 0.1, 0.3])
def test_lost_frames_are_no_fast_rhythm(lost):
    """Of a sine of 4 Hz with 30 % of the frames lost, 10 % of the power was found at 8-15 Hz."""
    t = np.arange(30 * 60) / 60
    x = 5 + 2 * np.sin(2 * np.pi * 4 * t)
    x[np.random.default_rng(0).random(x.size) < lost] = np.nan
    table, names = rolling(x.astype(np.float32), 60, (2.0,), ("mean",), bands_hz=((3, 5), (8, 15)))
    power = np.nanmedian(table[300:1500], axis=0)
    assert power[names.index("power_3-5Hz")] == pytest.approx(2.0, rel=0.12)
    assert power[names.index("power_8-15Hz")] < 0.02
