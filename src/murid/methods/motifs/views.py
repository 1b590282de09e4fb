"""Two-dimensional views of motifs: where frames lie by the method's own latent, and how far the view can be believed.

As PyRAT (t-SNE) and AlphaTracker (t-SNE, or UMAP of few neighbours by correlation) show their clusters. A view is for
the eye: motifs are found without it, and distances between islands mean little, so its measures belong beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from murid.data.clock import nearest_sample, sample_stops
from murid.data.errors import fail
from murid.data.resample import step_at
from murid.data.states import behaviour_names
from murid.evaluate.embedding import embedding_quality
from murid.learn.embed.pca import fit_pca
from murid.learn.embed.tsne import fit_tsne
from murid.learn.embed.umap import fit_umap

#: Fewest frames of a view.
LEAST = 100
#: Method → the view that its paper shows.
PUBLISHED: dict[str, tuple[Literal["tsne", "umap"], Literal["euclidean", "correlation"]]] = {
    "pyrat": ("tsne", "euclidean"),
    "alphatracker": ("umap", "correlation"),
}


@dataclass(frozen=True)
class MotifView:
    """Places of frames in two dimensions.

    Attributes
    ----------
    places : array (frame, 2)
    codes : int array (frame,)
        Motif of each.
    names : tuple of str
        Motifs.
    kind : str
        tsne, umap or pca.
    quality : dict
        ``knn``, ``knc``, ``cpd``, see `murid.evaluate.embedding.embedding_quality`.
    """

    places: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    kind: str
    quality: dict[str, float]


def motif_view(
    outputs: Sequence[xr.Dataset],
    *,
    kind: Literal["tsne", "umap", "pca"] = "tsne",
    metric: Literal["euclidean", "correlation"] = "euclidean",
    n_points: int = 2000,
    seed: int = 0,
) -> MotifView:
    """Lay frames out in two dimensions.

    Parameters
    ----------
    outputs : list of Dataset
        From `Method.apply`, with ``latent``: the scaled distances of `pyrat`, components of the scaled clips of
        `alphatracker`, and so on.
    kind : {"tsne", "umap", "pca"}
        t-SNE as in PyRAT: perplexity a hundredth of the frames, early exaggeration 12, PCA start. UMAP as in
        AlphaTracker: 5 neighbours, least distance 0.3.
    metric : {"euclidean", "correlation"}
        Distance of frames; AlphaTracker's UMAP takes the correlation.
    n_points : int
        Most frames, evenly spaced in the time that has a motif: of recordings of two frame rates the faster one has no
        more frames a second than the slower one.
    seed : int

    Raises
    ------
    DataError
        Without ``latent``, with latents of different length, and for fewer than 100 frames.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> codes = np.repeat([0, 1], 150)
    >>> states = make_states(codes, np.arange(300) / 30, ["up", "down"])
    >>> latent = codes[:, None, None] * 9 + np.random.default_rng(0).normal(size=(300, 1, 4))
    >>> out = xr.Dataset({"states": states, "latent": (("time", "individual", "component"), latent)})
    >>> motif_view([out], kind="pca").places.shape
    (300, 2)
    """
    if not outputs or any("latent" not in o for o in outputs):
        fail("view", "the method gives no latent", expected="outputs with 'latent'")
    names = behaviour_names(outputs[0]["states"])
    if len({o["latent"].shape[-1] for o in outputs}) != 1 or any(
        behaviour_names(o["states"]) != names for o in outputs
    ):
        fail("view", "outputs are of different models", expected="the same motifs and components in all of them")
    codes = np.concatenate([o["states"].values.ravel() for o in outputs])
    latent = np.concatenate([o["latent"].values.reshape(-1, o["latent"].shape[-1]) for o in outputs])
    known = np.flatnonzero((codes >= 0) & np.isfinite(latent).all(axis=1))
    if len(known) < LEAST:
        fail("view", "too few frames with a motif", expected=f"at least {LEAST}", got=str(len(known)))
    seconds, steps = (np.concatenate(parts)[known] for parts in zip(*map(_times, outputs), strict=True))
    some = known[_evenly(seconds, float(steps.max()), n_points)]
    x = latent[some].astype(np.float64)
    # Frames that are equal to the last digit have no distances to tell neighbours by.
    x = x + np.random.default_rng(seed).normal(0, 1e-6, x.shape) * np.maximum(x.std(axis=0), 1e-12)
    places = _laid_out(x, kind, metric, seed)
    quality = embedding_quality(_as_euclidean(x, metric), places, codes[some], seed=seed)
    return MotifView(places, codes[some], tuple(names), kind, quality)


def _times(output: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Time that each frame of each animal stands for and the usual step around it, s, ordered as the raveled states."""
    time = output["time"].values.astype(float)
    each = output["states"].size // max(len(time), 1)
    return np.repeat(sample_stops(time) - time, each), np.repeat(step_at(time), each)


def _evenly(seconds: np.ndarray, longest_s: float, n: int) -> np.ndarray:
    """Numbers of at most `n` frames at even steps, of `longest_s` at least, of the time that frames stand for."""
    until = np.cumsum(seconds)
    middle = until - seconds / 2
    n = max(2, min(n, len(seconds), round(until[-1] / longest_s)))
    wanted = np.linspace(middle[0], middle[-1], n)
    return np.unique(nearest_sample(middle, wanted))


def _laid_out(x: np.ndarray, kind: str, metric: str, seed: int) -> np.ndarray:
    x = _as_euclidean(x, metric)
    if kind == "pca":
        scores = fit_pca(x, 2).transform(x)
        return scores if scores.shape[1] == 2 else np.column_stack([scores, np.zeros(len(scores))])
    if kind == "umap":
        return fit_umap(x, 2, n_neighbors=5, min_dist=0.3, seed=seed).embedding.astype(np.float64)
    return fit_tsne(
        x,
        perplexity=max(len(x) / 100, 5.0),
        n_neighbors=min(max(3 * len(x) // 100, 15), len(x) - 1),
        divergence=False,
        exaggeration=12.0,
        early_iterations=250,
        iterations=500,
        seed=seed,
    ).embedding


def _as_euclidean(x: np.ndarray, metric: str) -> np.ndarray:
    """Rows whose Euclidean distance orders them as the metric does: 1 − r is half their square once standardised."""
    if metric == "euclidean":
        return x
    own = x - x.mean(axis=1, keepdims=True)
    return own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12)
