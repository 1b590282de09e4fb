"""Bayesian decoding: neurons, and how the animal is known to move, weighed against each other.

A plain decoder treats each moment alone. Here an encoding model (activity = linear in the latents + noise) gives how
likely the activity is for any latents, and the AR-HMM of the behaviour is the prior (Batty et al. 2019): latents move
as they do in each state, states last as long as they do. The noisier the neurons, the more the prior decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.data.traces import Spikes
from murid.learn.embed.pca import PCA
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.switching import smooth_switching
from murid.neural.decoders import training_rows
from murid.neural.decoding import DecodedStates, DecodingParams, design, time_folds


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

    Examples
    --------
    >>> from murid.neural import Combined
    >>> sorted(Combined.__annotations__)
    ['latent', 'probability', 'r2', 'states']
    """

    latent: xr.DataArray
    probability: xr.DataArray
    states: np.ndarray
    r2: float


def combine(
    signal: xr.DataArray | Spikes,
    target: xr.DataArray,
    model: ArHmm,
    pca: PCA | None = None,
    params: DecodingParams | None = None,
    *,
    states: DecodedStates | None = None,
    sweeps: int = 60,
    **changes: Any,
) -> Combined:
    """Decode latents and states with the AR-HMM of the latents as prior.

    Each moment is decoded with an encoding model of other times (folds and gaps as in `decode`). Noise that lasts
    counts less than noise that is new in each row: its precision is divided by how long it lasts.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the same time base as `target`.
    target : DataArray (time, component)
        Latents on the AR-HMM's own clock (`VideoMethod.rows`).
    model : ArHmm
        Fitted to the latents, or to their components `pca`.
    pca : PCA, optional
        Components that the AR-HMM sees.
    params : DecodingParams, optional
        Folds, gap and seed; activity of the moment itself is used, since the prior does the smoothing.
    states : DecodedStates, optional
        States decoded from further neurons or signals, as further evidence. Its behaviours are the states of `model`,
        named by their numbers ("0", "1" …), in any order.
    sweeps : int
        Of the Gibbs sampler.
    **changes
        Single parameters of `DecodingParams`, over `params`.

    Examples
    --------
    >>> import numpy as np, murid, xarray as xr
    >>> from murid.learn.segment.arhmm import ArHmmParams
    >>> from murid.learn.segment.consensus import fit_from_levels
    >>> from murid.neural import combine
    >>> rng = np.random.default_rng(0)
    >>> x = np.repeat(rng.integers(0, 2, 50), 30)[:, None] * [3.0, -3.0] + rng.standard_normal((1500, 2))
    >>> params = ArHmmParams(n_states=2, lags=1, kappa=200, sweeps=0, draws=0)
    >>> model = fit_from_levels([x.astype(np.float32)], params)
    >>> signal = murid.make_traces(x @ rng.standard_normal((2, 6)) + rng.standard_normal((1500, 6)), rate_hz=10)
    >>> target = xr.DataArray(x, dims=("time", "component"), coords={"time": signal["time"].values})
    >>> combine(signal, target, model, gap_s=1, sweeps=10).latent.sizes["component"]
    2
    """
    p = DecodingParams.of(params, changes, lags_s=0.0)
    time, raw = target["time"].values, np.asarray(target.values, np.float64)
    x = raw if pca is None else np.asarray(pca.transform(raw), np.float64)
    if x.shape[1] != model.cov.shape[1]:
        fail(
            "Bayesian decoding",
            "latents do not fit the AR-HMM",
            expected=f"{model.cov.shape[1]} columns",
            got=str(x.shape[1]),
            todo="give the pca that the AR-HMM was fitted behind",
        )
    activity, seen = design(signal, time, p)
    u = activity[:, :, 0].astype(np.float64)
    fold = time_folds(time, seen & np.isfinite(x).all(axis=1), p)
    precision, pull, guess = _sightings(x, u, fold, time, model, p)
    extra = None if states is None else evidence_of(states, model.n_states)
    start = _most_likely(guess if extra is None else guess + extra, model)
    smooth = smooth_switching(model, precision, pull, evidence=extra, start=start, sweeps=sweeps, seed=p.seed)
    latent = smooth.latents if pca is None else np.asarray(pca.inverse(smooth.latents))
    used = fold >= 0
    latent = np.where(used[:, None], latent, np.nan)
    error, total = ((raw - latent)[used] ** 2).sum(), ((raw[used] - raw[used].mean(axis=0)) ** 2).sum()
    return Combined(
        xr.DataArray(latent, dims=("time", "component"), coords={"time": time}, name="decoded"),
        xr.DataArray(smooth.probability, dims=("time", "state"), coords={"time": time}, name="probability"),
        np.where(used, smooth.probability.argmax(axis=1), -1),
        float(1 - error / total),
    )


def _sightings(
    x: np.ndarray, u: np.ndarray, fold: np.ndarray, time_s: np.ndarray, model: ArHmm, p: DecodingParams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What activity `u` (time, unit) shows of the latents `x`, each fold by an encoding model of the others.

    Returns precision (time, D, D), precision · latents (time, D), and log-likelihood (time, state) by level.
    """
    labels = np.asarray(model.predict(np.where(fold[:, None] >= 0, x, np.nan).astype(np.float32)))
    n, d = x.shape
    precision, pull, guess = np.zeros((n, d, d)), np.zeros((n, d)), np.zeros((n, model.n_states))
    for held in range(p.folds):
        test, learn = fold == held, training_rows(fold, time_s, held, p.gap_s)
        gain, offset, weight = _encoding(x[learn], u[learn], _follows(learn))
        precision[test] = gain.T @ weight
        pull[test] = (u[test] - offset) @ weight
        guess[test] = _by_level(x[learn], labels[learn], precision[test][0], pull[test], model.n_states)
    return precision, pull, guess


def _encoding(x: np.ndarray, u: np.ndarray, follows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit ``u = gain · x + offset + noise``; return gain (N, D), offset (N,) and noise⁻¹ · gain (N, D).

    The covariance of the noise is shrunk (Ledoit & Wolf 2004): there may be more units than moments can tell apart.
    """
    from sklearn.covariance import ledoit_wolf

    a = np.column_stack([x, np.ones(len(x))])
    coef = np.linalg.lstsq(a, u, rcond=None)[0]
    error = u - a @ coef
    noise = ledoit_wolf(error)[0] + 1e-9 * np.eye(u.shape[1])
    # Errors of neighbouring rows: with correlation r, (1 + r) / (1 − r) rows are worth one.
    r = (error[1:] * error[:-1])[follows[1:]].sum() / max((error[1:] ** 2)[follows[1:]].sum(), 1e-300)
    r = float(np.clip(r, 0.0, 0.99))
    gain = coef[:-1].T
    return gain, coef[-1], np.linalg.solve(noise, gain) * (1 - r) / (1 + r)


def _follows(rows: np.ndarray) -> np.ndarray:
    """Whether each chosen row comes right after the chosen row before it."""
    at = np.flatnonzero(rows)
    return np.concatenate([[False], np.diff(at) == 1])


def _by_level(x: np.ndarray, labels: np.ndarray, precision: np.ndarray, pull: np.ndarray, n_states: int) -> np.ndarray:
    """Log-likelihood (row, state) of sightings by where the latents `x` of each state lie, without dynamics."""
    out = np.full((len(pull), n_states), -1e3)
    spread = np.linalg.inv(precision + 1e-6 * np.eye(len(precision)))
    sighted = pull @ spread
    for k in range(n_states):
        rows = x[labels == k]
        if len(rows) > x.shape[1] + 1:
            cov = np.cov(rows.T, bias=True).reshape(x.shape[1], -1) + spread
            away = np.linalg.solve(np.linalg.cholesky(cov), (sighted - rows.mean(axis=0)).T)
            out[:, k] = -0.5 * (away**2).sum(axis=0) - 0.5 * np.linalg.slogdet(cov)[1]
    return out


def _most_likely(loglik: np.ndarray, model: ArHmm) -> np.ndarray:
    """Viterbi path (T,) of log-likelihoods under the transitions of the model."""
    from murid.learn.segment._markov_chain import chain_viterbi, floor_rows

    k = model.n_states
    states, pointers = np.empty(len(loglik), np.int32), np.empty((len(loglik), k), np.uint16)
    steps = np.log(floor_rows(model.transitions.mean(axis=0)))
    chain_viterbi(np.ascontiguousarray(loglik), np.full(k, -np.log(k)), steps, pointers, states)
    return states


def evidence_of(states: DecodedStates, n_states: int) -> np.ndarray:
    """Log-likelihood (row, state) of decoded states: their probability over that without neurons.

    Behaviours are matched to the states of the model by their names, which are the numbers of the states.
    """
    names = [str(b) for b in states.probability["behaviour"].values]
    wanted = [str(k) for k in range(n_states)]
    if sorted(names) != sorted(wanted):
        fail(
            "Bayesian decoding",
            "the decoded behaviours are not the states of the AR-HMM",
            expected=", ".join(wanted),
            got=", ".join(names),
            todo="decode the states that the AR-HMM predicts, named by their numbers",
        )
    p = states.probability.values[:, [names.index(name) for name in wanted]]
    # Classes were weighed alike in the decoder, so its probability is a likelihood up to a constant.
    return np.where(np.isfinite(p), np.log(np.clip(np.nan_to_num(p), 1e-4, 1)), 0.0)
