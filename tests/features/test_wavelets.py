"""Wavelets against the definition, on sines, and with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.features.wavelets import dyadic_frequencies, morlet

FPS = 100.0
T = np.arange(1200) / FPS


def test_frequencies_are_dyadic() -> None:
    hz = dyadic_frequencies()
    assert hz.size == 25
    assert hz[0] == pytest.approx(1)
    assert hz[-1] == pytest.approx(50)
    np.testing.assert_allclose(np.diff(np.log2(hz)), np.log2(50) / 24)


def test_equals_the_convolution_in_time() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    x -= x.mean()
    omega0, f = 5.0, 8.0
    s = (omega0 + np.sqrt(2 + omega0**2)) / (4 * np.pi * f)
    lag = np.arange(-399, 400) / FPS
    wavelet = np.pi**-0.25 * np.exp(1j * omega0 * lag / s - 0.5 * (lag / s) ** 2)
    # (1/sqrt(s)) sum x conj(psi((u - t)/s)) dt, over sqrt(2 pi) for the unnormalised Fourier pair.
    direct = np.convolve(x, wavelet)[399:799] / np.sqrt(s) / FPS / np.sqrt(2 * np.pi)
    factor = np.pi**-0.25 * np.exp(0.25 * (omega0 - np.sqrt(omega0**2 + 2)) ** 2) / np.sqrt(2 * s)
    np.testing.assert_allclose(morlet(x, FPS, [f])[:, 0], np.abs(direct) * factor, rtol=1e-4, atol=1e-6)


def test_equal_sines_give_equal_amplitudes_at_their_own_frequency() -> None:
    hz = dyadic_frequencies(1, 40, 25)
    peaks = []
    for k in (4, 10, 16, 22):
        amplitude = morlet(3 * np.sin(2 * np.pi * hz[k] * T), FPS, hz)[400:800].mean(0)
        # The scale is matched to the peak of the power, a hair below the sine's own frequency.
        assert abs(int(amplitude.argmax()) - k) <= 1
        peaks.append(amplitude[k])
    np.testing.assert_allclose(peaks, peaks[0], rtol=1e-3)
    assert peaks[0] == pytest.approx(0.2 * 3, rel=0.02)


def test_the_level_does_not_matter() -> None:
    x = np.sin(2 * np.pi * 6 * T)
    np.testing.assert_allclose(morlet(x + 500, FPS, [3, 6]), morlet(x, FPS, [3, 6]), atol=1e-5)


def test_gaps_are_bridged_when_short_and_nan_when_long() -> None:
    x = np.sin(2 * np.pi * 4 * T)
    gappy = x.copy()
    gappy[300:302] = np.nan
    gappy[700:900] = np.nan
    amplitude, whole = morlet(gappy, FPS, [1, 4]), morlet(x, FPS, [1, 4])
    np.testing.assert_allclose(amplitude[200:400, 1], whole[200:400, 1], rtol=0.03)
    assert np.isnan(amplitude[720:880, 1]).all()
    assert np.isfinite(amplitude[:650]).all()
    assert np.isnan(morlet(np.full(50, np.nan), FPS, [4])).all()


def test_channels_are_independent() -> None:
    x = np.random.default_rng(0).normal(size=(300, 3))
    x[20:90, 1] = np.nan
    both = morlet(x, FPS)
    assert both.shape == (300, 3, 25)
    assert both.dtype == np.float32
    for channel in range(3):
        np.testing.assert_array_equal(both[:, channel], morlet(x[:, channel], FPS))


def test_frequencies_beyond_the_frame_rate_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be seen"):
        morlet(np.zeros(100), 30.0, [20.0])
    assert morlet(np.random.default_rng(0).normal(size=64), 30.0).shape == (64, 25)
