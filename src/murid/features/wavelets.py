"""Wavelets: how strongly each channel oscillates at each frequency, frame by frame.

Morlet amplitudes as in MotionMapper (Berman et al. 2014): dyadically spaced frequencies, amplitudes
scaled so that equal sines give equal amplitudes at every frequency.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import Faults


def dyadic_frequencies(low_hz: float = 1.0, high_hz: float = 50.0, n: int = 25) -> NDArray[np.float64]:
    """Return `n` frequencies from `low_hz` to `high_hz` in equal steps of octaves, ascending."""
    return np.geomspace(low_hz, high_hz, n)


def morlet(
    x: ArrayLike,
    fps: float,
    frequencies_hz: Sequence[float] | NDArray | None = None,
    *,
    omega0: float = 5.0,
    min_share: float = 0.5,
) -> NDArray[np.float32]:
    """Amplitude of the Morlet transform of one recording's channels.

    Parameters
    ----------
    x : array of shape (time,) or (time, channel)
        NaN = missing. The mean is taken off: zeros are padded at both ends (half a recording each).
    fps : float
        Frames per second.
    frequencies_hz : array, optional
        Default: 25, dyadic, from 1 Hz to half the frame rate and at most 50 Hz.
    omega0 : float
        Oscillations in the wavelet; 5 as in MotionMapper.
    min_share : float
        Gaps are bridged by straight lines; an amplitude is NaN where, weighted by the wavelet's own
        envelope, less than this share of the frames in the recording was known.

    Returns
    -------
    float32 array of shape (time, frequency) or (time, channel, frequency)
        In the unit of `x`. A sine of amplitude A gives about 0.2 A at its frequency.

    Raises
    ------
    DataError
        Frequencies outside 0..fps/2, wrong axes.

    Notes
    -----
    Scale ``s = (w0 + sqrt(2 + w0²)) / (4 pi f)``; amplitude times
    ``pi^(-1/4) exp((w0 - sqrt(w0² + 2))² / 4) / sqrt(2 s)``.
    """
    x = np.asarray(x, np.float64)
    faults = Faults("wavelets")
    if x.ndim not in (1, 2) or x.shape[0] == 0:
        faults.add("wrong axes", expected="(time,) or (time, channel)", got=str(x.shape))
    if not fps > 0:
        faults.add("fps is not valid", expected="> 0 frames/s", got=str(fps))
        faults.raise_if_any()
    if frequencies_hz is None:
        frequencies_hz = dyadic_frequencies(min(1.0, fps / 8), min(50.0, fps / 2), 25)
    hz = np.asarray(frequencies_hz, np.float64)
    if hz.size == 0 or (hz <= 0).any() or (hz > fps / 2 * (1 + 1e-9)).any():
        faults.add("frequencies cannot be seen at this frame rate", expected=f"0..{fps / 2:g} Hz", got=str(hz.tolist()))
    faults.raise_if_any()
    channels = x[:, None] if x.ndim == 1 else x
    n = channels.shape[0]
    size = scipy.fft.next_fast_len(2 * n)
    omega = 2 * np.pi * scipy.fft.fftfreq(size, 1 / fps)
    scales = (omega0 + np.sqrt(2 + omega0**2)) / (4 * np.pi * hz)
    factor = np.pi**-0.25 * np.exp(0.25 * (omega0 - np.sqrt(omega0**2 + 2)) ** 2) / np.sqrt(2 * scales)
    known = np.isfinite(channels)
    # Single precision halves the time; its error is a millionth of the largest amplitude.
    spectra = [
        scipy.fft.fft(_padded(_bridged(x, k), size).astype(np.float32))
        for x, k in zip(channels.T, known.T, strict=True)
    ]
    seen = {
        c: scipy.fft.fft(_padded(k, size) + 1j * _padded(np.ones(n), size))
        for c, k in enumerate(known.T)
        if not k.all()
    }
    out = np.empty((n, channels.shape[1], hz.size), np.float32)
    for k, s in enumerate(scales):
        wave = (np.pi**-0.25 * np.exp(-0.5 * (omega * s - omega0) ** 2) * np.sqrt(s) * factor[k]).astype(np.float32)
        envelope = np.exp(-0.5 * (omega * s) ** 2) if seen else None
        for c, spectrum in enumerate(spectra):
            out[:, c, k] = np.abs(scipy.fft.ifft(spectrum * wave)[:n])
            if c in seen:
                # Known and existing frames under the wavelet's envelope, as real and imaginary part.
                share = scipy.fft.ifft(seen[c] * envelope)[:n]
                out[share.real < min_share * share.imag, c, k] = np.nan
    return out[:, 0] if x.ndim == 1 else out


def _bridged(x: NDArray, known: NDArray) -> NDArray:
    """Fill gaps by straight lines and take the mean off; an empty channel becomes zeros."""
    if not known.any():
        return np.zeros(x.size)
    frames = np.arange(x.size)
    filled = x if known.all() else np.interp(frames, frames[known], x[known])
    return filled - filled.mean()


def _padded(x: NDArray, size: int) -> NDArray:
    """Zeros after the signal: circular, so that they lie before it as well."""
    out = np.zeros(size)
    out[: x.size] = x
    return out
