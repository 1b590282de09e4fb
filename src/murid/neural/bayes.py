"""Bayesian decoding: what the neurons say, and how the animal is known to move, weighed against each other.

A plain decoder treats each moment alone. Here its held-out predictions are noisy sightings of the latents, and the
AR-HMM of the behaviour (Batty et al. 2019) is the prior: latents move as they do in each state, states last as long
as they do. The noisier the neurons, the more the prior decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.learn.embed.pca import PCA
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.switching import smooth_switching
from murid.neural.decoding import Decoded, DecodedStates


@dataclass(frozen=True)
class Combined:
    """Neurons and prior together.

    Attributes
    ----------
    latent : DataArray (time, component)
        Posterior mean, in the units of the decoded target.
    probability : DataArray (time, state)
    states : int array (time,)
        Most probable state, −1 where nothing was decoded.
    r2 : float
        Of the latents, held out, weighted by variance; compare with the plain decoder's.
    """

    latent: xr.DataArray
    probability: xr.DataArray
    states: np.ndarray
    r2: float


def combine(
    found: Decoded, model: ArHmm, pca: PCA | None = None, *, states: DecodedStates | None = None,
    sweeps: int = 60, seed: int = 0,
) -> Combined:  # fmt: skip
    """Combine decoded latents with the AR-HMM of the latents.

    Decode with ``lags_s=0``: the prior does the smoothing, and sightings with errors of their own are worth most.
    Each fold's noise is measured on the other folds, so that nothing is learnt from the moments that are predicted.
    Errors that last count less than independent ones: their precision is divided by how long they last.

    Parameters
    ----------
    found : Decoded
        Of latents on the AR-HMM's own clock (`VideoMethod.rows`).
    model : ArHmm
        Fitted to the latents, or to their components `pca`.
    pca : PCA, optional
        Components that the AR-HMM sees.
    states : DecodedStates, optional
        States decoded from the same neurons, as further evidence; its behaviours are the states of `model`.
    sweeps, seed : int
        Of the Gibbs sampler.
    """
    y, x = np.asarray(found.prediction.values), np.asarray(found.truth.values, np.float64)
    if pca is not None:
        y, x = np.asarray(pca.transform(y), np.float64), np.asarray(pca.transform(x), np.float64)
    if y.shape[1] != model.cov.shape[1]:
        fail("Bayesian decoding", "latents do not fit the AR-HMM", expected=f"{model.cov.shape[1]} columns",
             got=str(y.shape[1]), todo="give the pca that the AR-HMM was fitted behind")  # fmt: skip
    labels = np.asarray(model.predict(np.where(found.fold[:, None] >= 0, x, np.nan).astype(np.float32)))
    n, d = y.shape
    precision, pull, guess = np.zeros((n, d, d)), np.zeros((n, d)), np.zeros((n, model.n_states))
    for held in np.unique(found.fold[found.fold >= 0]):
        here, others = found.fold == held, (found.fold >= 0) & (found.fold != held)
        gain, offset, noise = _sighting(x[others], y[others], _follows(others))
        weight = np.linalg.solve(noise, gain)  # R⁻¹ C
        precision[here] = gain.T @ weight
        pull[here] = (y[here] - offset) @ weight
        guess[here] = _by_level(x[others], labels[others], y[here], gain, offset, noise, model.n_states)
    if states is not None:
        guess += _evidence(states)
    start = _most_likely(guess, model)
    extra = None if states is None else _evidence(states)
    smooth = smooth_switching(model, precision, pull, evidence=extra, start=start, sweeps=sweeps, seed=seed)
    latent = smooth.latents if pca is None else np.asarray(pca.inverse(smooth.latents))
    used = found.fold >= 0
    latent = np.where(used[:, None], latent, np.nan)
    truth = np.asarray(found.truth.values, np.float64)[used]
    error = ((truth - latent[used]) ** 2).sum()
    time = found.truth["time"].values
    return Combined(
        xr.DataArray(latent, dims=("time", "component"), coords={"time": time}, name="decoded"),
        xr.DataArray(smooth.probability, dims=("time", "state"), coords={"time": time}, name="probability"),
        np.where(used, smooth.probability.argmax(axis=1), -1),
        float(1 - error / ((truth - truth.mean(axis=0)) ** 2).sum()),
    )


def _sighting(x: np.ndarray, y: np.ndarray, follows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gain (D, D), offset (D,) and noise (D, D) of ``y = gain · x + offset + noise``.

    A decoder shrinks what it is unsure of; the gain takes that into account.
    """
    a = np.column_stack([x, np.ones(len(x))])
    weight = np.linalg.lstsq(a, y, rcond=None)[0]
    error = y - a @ weight
    noise = np.cov(error.T, bias=True).reshape(y.shape[1], -1)
    # Errors of neighbouring rows: with correlation r, (1 + r) / (1 − r) rows are worth one.
    r = (error[1:] * error[:-1])[follows[1:]].sum() / (error[1:] ** 2)[follows[1:]].sum()
    r = float(np.clip(r, 0.0, 0.99))
    noise = noise * (1 + r) / (1 - r) + 1e-6 * np.trace(noise) / len(noise) * np.eye(len(noise))
    return weight[:-1].T, weight[-1], noise


def _follows(rows: np.ndarray) -> np.ndarray:
    """Whether each chosen row comes right after the chosen row before it."""
    at = np.flatnonzero(rows)
    return np.concatenate([[False], np.diff(at) == 1])


def _by_level(x, labels, y, gain, offset, noise, n_states: int) -> np.ndarray:
    """Log-likelihood (row, state) of sightings `y` by where the latents `x` of each state lie, without dynamics."""
    out = np.full((len(y), n_states), -1e3)
    for k in range(n_states):
        mine = x[labels == k]
        if len(mine) > x.shape[1] + 1:
            mean, cov = gain @ mine.mean(axis=0) + offset, gain @ np.cov(mine.T, bias=True) @ gain.T + noise
            away = np.linalg.solve(np.linalg.cholesky(cov), (y - mean).T)
            out[:, k] = -0.5 * (away**2).sum(axis=0) - 0.5 * np.linalg.slogdet(cov)[1]
    return out


def _most_likely(loglik: np.ndarray, model: ArHmm) -> np.ndarray:
    """Viterbi path (T,) of log-likelihoods under the transitions of the model."""
    from murid.learn.segment._chain import floor_rows, viterbi

    k = model.n_states
    states, pointers = np.empty(len(loglik), np.int32), np.empty((len(loglik), k), np.uint16)
    steps = np.log(floor_rows(model.transitions.mean(axis=0)))
    viterbi(np.ascontiguousarray(loglik), np.full(k, -np.log(k)), steps, pointers, states)
    return states


def _evidence(states: DecodedStates) -> np.ndarray:
    """Log-likelihood (row, state) of decoded states: their probability over that without neurons."""
    p = states.probability.values
    # Classes were weighed alike in the decoder, so its probability is a likelihood up to a constant.
    return np.where(np.isfinite(p), np.log(np.clip(np.nan_to_num(p), 1e-4, 1)), 0.0)
