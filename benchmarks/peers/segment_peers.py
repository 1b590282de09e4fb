"""CPU seconds of other packages on the data of ``benchmarks/segment.py``; see README.md beside this file."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import numpy as np

N = 100_000


def hmm_data() -> tuple[np.ndarray, np.ndarray]:
    """Frames (N, 30) of 15 overlapping Gaussians in bouts of 20 frames, and start means (15, 30)."""
    rng = np.random.default_rng(0)
    z = np.repeat(rng.integers(15, size=N // 20), 20)
    return rng.normal(size=(15, 30))[z] * 0.6 + rng.normal(size=(N, 30)), rng.normal(size=(15, 30))


def seconds(function: Callable[[int], object], few: int = 2, many: int = 5) -> float:
    """CPU seconds of one iteration: ``function(n)`` runs n of them."""
    times = []
    for n in (few, many):
        start = time.process_time()
        function(n)
        times.append(time.process_time() - start)
    return (times[1] - times[0]) / (many - few)


def hmmlearn() -> str:
    """Gaussian HMM, full covariance."""
    from hmmlearn.hmm import GaussianHMM

    x, means = hmm_data()

    def fit(n: int) -> None:
        model = GaussianHMM(15, covariance_type="full", n_iter=n, tol=-np.inf, init_params="stc")
        model.means_ = means
        model.fit(x)

    return f"Gaussian HMM, EM iteration, 15 states, 30 features: {seconds(fit):.2f}"


def dynamax() -> str:
    """Linear autoregressive HMM, EM."""
    import jax.numpy as jnp
    import jax.random as jr
    from dynamax.hidden_markov_model import LinearAutoregressiveHMM

    x = jnp.asarray(np.random.default_rng(0).normal(size=(N, 10)))
    model = LinearAutoregressiveHMM(100, 10, num_lags=3)
    params, props = model.initialize(jr.PRNGKey(0))
    inputs = model.compute_inputs(x)
    fit = lambda n: model.fit_em(params, props, x, inputs=inputs, num_iters=n, verbose=False)  # noqa: E731
    fit(1)
    return f"AR-HMM, EM iteration, 100 states, 3 lags, 10 features: {seconds(fit):.2f}"


def jax_moseq() -> str:
    """AR-HMM Gibbs sweep."""
    import jax
    from jax_moseq.models import arhmm

    data = {"x": jax.numpy.asarray(np.random.default_rng(0).normal(size=(10, N // 10, 10)))}
    data["mask"] = jax.numpy.ones(data["x"].shape[:2])
    trans = {"num_states": 100, "alpha": 5.7, "gamma": 1e3, "kappa": 1e4}
    dims = {"latent_dim": 10, "nlags": 3, "S_0_scale": 0.01, "K_0_scale": 10.0, "num_states": 100}
    model = arhmm.init_model(data, ar_hypparams=dims, trans_hypparams=trans)
    model = arhmm.resample_model(data, **model)

    def fit(n: int) -> None:
        now = model
        for _ in range(n):
            now = arhmm.resample_model(data, **now)
        jax.block_until_ready(now["states"]["z"])

    return f"AR-HMM, Gibbs sweep, 100 states, 3 lags, 10 features: {seconds(fit):.2f}"


def main() -> None:
    """Time what is installed."""
    print(f"CPU seconds for {N:,} frames")
    for name, run in {"hmmlearn": hmmlearn, "dynamax": dynamax, "jax_moseq": jax_moseq}.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        print(f"{name}: {run()}")


if __name__ == "__main__":
    main()
