"""Latents: what stays when the input is spoilt, what can be rebuilt, agreement of seeds."""

from __future__ import annotations

import numpy as np
import pytest

from murid.evaluate.latent import linear_recovery, persistence, seed_agreement

RNG = np.random.default_rng(0)


def test_persistence_is_one_minus_relative_change():
    z = RNG.normal(size=(4000, 3))
    assert persistence(z, z) == 1.0
    assert persistence(z, z + RNG.normal(size=z.shape)) == pytest.approx(0.0, abs=0.05)
    assert persistence(z, np.tile(z.mean(0), (len(z), 1))) == pytest.approx(0.0, abs=1e-9)
    assert persistence(z, 2 * z) < 0.05, "a latent that has grown is not the same"
    holes = z.copy()
    holes[:100] = np.nan
    assert persistence(z, holes) == 1.0


def test_recovery_finds_the_share_that_the_latent_holds():
    z, noise = RNG.normal(size=(6000, 2)), RNG.normal(size=(6000, 4))
    mix = RNG.normal(size=(2, 4))
    signal = z @ mix
    x = signal + noise * signal.std(0)  # Half of the variance of each feature is noise.
    found = linear_recovery((z[:4000], x[:4000]), (z[4000:], x[4000:]))
    assert found == pytest.approx(0.5, abs=0.04)
    assert linear_recovery((noise[:4000], signal[:4000]), (noise[4000:], signal[4000:])) == pytest.approx(0, abs=0.02)


def test_seeds_agree_up_to_an_affine_map():
    z = RNG.normal(size=(500, 3))
    assert seed_agreement([z, z @ RNG.normal(size=(3, 3)) + 5]) == pytest.approx(1.0)
    assert seed_agreement([z, RNG.normal(size=(500, 3))]) < 0.05
    assert np.isnan(seed_agreement([z]))
