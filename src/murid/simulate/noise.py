"""Noise with memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def slow_noise(shape: tuple[int, ...], tau_samples: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian AR(1) noise of unit variance along axis 0, autocorrelation ``exp(-lag / tau_samples)``."""
    from scipy.signal import lfilter

    keep = float(np.exp(-1 / tau_samples)) if tau_samples > 0 else 0.0
    noise = rng.standard_normal(shape)
    noise[1:] *= np.sqrt(1 - keep**2)
    return lfilter([1], [1, -keep], noise, axis=0)
