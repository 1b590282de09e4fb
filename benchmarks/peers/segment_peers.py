"""CPU seconds of other packages on data that ``benchmarks/segment.py --peers`` hands over; see README.md here.

``python segment_peers.py DATA.npz`` prints one JSON object: peer → CPU seconds of one iteration, or why there are none.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable

import numpy as np


def seconds(step: Callable[[], object], repeats: int = 3) -> dict[str, float]:
    """CPU seconds of all threads: of the first three calls, which compile, and of one call after them.

    What a call returns differs in kind from what it was given, so that JAX compiles a second and a third time.
    """
    start = time.process_time()
    for _ in range(3):
        step()
    first = time.process_time() - start
    start = time.process_time()
    for _ in range(repeats):
        step()
    return {"first_s": first, "each_s": (time.process_time() - start) / repeats}


def hmmlearn(data: dict[str, np.ndarray]) -> dict[str, float]:
    """One EM iteration of a full-covariance Gaussian HMM: runs of two and of five differ by three."""
    from hmmlearn.hmm import GaussianHMM

    def fit(n: int) -> float:
        model = GaussianHMM(len(data["means"]), covariance_type="full", n_iter=n, tol=-np.inf, init_params="stc")
        model.means_ = data["means"].copy()
        start = time.process_time()
        model.fit(data["mixed"])
        return time.process_time() - start

    return {"each_s": (fit(5) - fit(2)) / 3}


def dynamax(data: dict[str, np.ndarray]) -> dict[str, float]:
    """One EM iteration of a linear autoregressive HMM (no prior, no stickiness)."""
    import jax.numpy as jnp
    import jax.random as jr
    from dynamax.hidden_markov_model import LinearAutoregressiveHMM

    x = jnp.asarray(data["x"], dtype=float)
    model = LinearAutoregressiveHMM(int(data["n_states"]), x.shape[1], num_lags=3)
    params, props = model.initialize(jr.PRNGKey(0), method="prior")
    inputs = model.compute_inputs(x)
    return seconds(lambda: model.fit_em(params, props, x, inputs=inputs, num_iters=1, verbose=False))


def _batch(values: np.ndarray, length: int = 10_000):
    """Cut (T, …) into (segment, length, …), as keypoint-MoSeq does, with the mask of real frames."""
    import jax.numpy as jnp

    length = min(length, len(values))
    parts = values[: len(values) // length * length].reshape(-1, length, *values.shape[1:])
    return jnp.asarray(parts, dtype=float), jnp.ones(parts.shape[:2])


def _settings(data: dict[str, np.ndarray], n_latent: int) -> dict[str, dict[str, float]]:
    n = int(data["n_states"])
    return {
        "trans_hypparams": {"num_states": n, "alpha": 5.7, "gamma": 1e3, "kappa": 1e4},
        "ar_hypparams": {
            "latent_dim": n_latent,
            "nlags": 3,
            "S_0_scale": 0.01,
            "K_0_scale": 10.0,
            "nu_0": n_latent + 2,
        },
    }


def _sweeps(resample: Callable[..., dict], batch: dict, model: dict) -> dict[str, float]:
    import jax

    def sweep() -> None:
        nonlocal model
        model = resample(batch, **model)
        jax.block_until_ready(model["states"]["z"])

    return seconds(sweep)


def jax_moseq_ar(data: dict[str, np.ndarray]) -> dict[str, float]:
    """One Gibbs sweep of the sticky AR-HMM."""
    from jax_moseq.models import arhmm

    x, mask = _batch(data["x"])
    batch = {"x": x, "mask": mask}
    return _sweeps(arhmm.resample_model, batch, arhmm.init_model(batch, **_settings(data, x.shape[-1])))


def jax_moseq_full(data: dict[str, np.ndarray]) -> dict[str, float]:
    """One full Gibbs sweep of the keypoint SLDS."""
    import jax.numpy as jnp
    from jax_moseq.models import keypoint_slds

    y, mask = _batch(data["y"])
    batch = {"Y": y, "mask": mask, "conf": jnp.full(y.shape[:3], 0.99)}
    model = keypoint_slds.init_model(
        batch,
        anterior_idxs=jnp.array([0, 1]),
        posterior_idxs=jnp.array([y.shape[2] - 2, y.shape[2] - 1]),
        obs_hypparams={"sigmasq_0": 0.1, "sigmasq_C": 0.1, "nu_sigma": 1e5, "nu_s": 5.0},
        cen_hypparams={"sigmasq_loc": 0.5},
        error_estimator={"slope": -0.5, "intercept": 0.25},
        **_settings(data, int(data["n_latent"])),
    )
    return _sweeps(keypoint_slds.resample_model, batch, model)


PEERS = {"hmmlearn": hmmlearn, "dynamax": dynamax, "jax_moseq_ar": jax_moseq_ar, "jax_moseq_full": jax_moseq_full}


def main() -> None:
    """Time what is installed."""
    if importlib.util.find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)  # as keypoint-MoSeq does
    data, out = dict(np.load(sys.argv[1])), {}
    for name, run in PEERS.items():
        if importlib.util.find_spec(name.removesuffix("_ar").removesuffix("_full")) is None:
            out[name] = {"missing": "not installed"}
            continue
        try:
            out[name] = run(data)
        except Exception as error:  # another package's version; the others are still timed
            out[name] = {"missing": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(out))


if __name__ == "__main__":
    main()
