"""Can the motifs be trusted, and how many should there be?

Refits with other seeds, half the animals, another number of motifs; the same behaviour seen by another camera.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import rate_of
from murid.data.errors import DataError, Faults, did_you_mean, fail
from murid.data.progress import track
from murid.data.recording import Recording
from murid.data.resample import same_moments
from murid.evaluate.robustness import LEVELS, variant
from murid.evaluate.segmentation import stability, timescale
from murid.methods.base import Method

#: Makes an unfitted method from a seed: ``lambda seed: murid.method("bsoid", seed=seed)``.
Maker = Callable[[int], Method]


def stability_report(
    make: Maker,
    recordings: Sequence[Recording],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    halves: bool = True,
    known: Mapping[int, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Refit and compare the labels that all refits give to all recordings.

    Parameters
    ----------
    make : callable
        Seed → unfitted method.
    recordings : list of Recording
    seeds : sequence of int
        Fits to all recordings with these seeds are compared with each other.
    halves : bool
        Also fit to each half of the animals (first seed) and compare: what another cohort would have found.
    known : mapping of int to array, optional
        Seed → what `labels_of` says for a fit with that seed; it is then not fitted again.

    Returns
    -------
    DataFrame
        One row per pair of fits: ``kind`` (seed, half), ``run_a, run_b, ari, agreement`` (after matching motifs one to
        one), ``k_a, k_b``. Agreement by chance is ARI 0.
    """
    known = known or {}
    fits: list[tuple[str, str]] = []
    labels: list[np.ndarray] = []
    for s in track(list(seeds), "stability: seeds") if len(seeds) > 1 else ():
        fits.append(("seed", f"seed {s}"))
        labels.append(known[s] if s in known else labels_of(make(s).fit(list(recordings)), recordings))
    for h, part in enumerate(track(half_sets(recordings), "stability: halves") if halves else ()):
        fits.append(("half", f"half {h + 1}"))
        labels.append(labels_of(make(seeds[0]).fit(part), recordings))
    rows = []
    for kind in ("seed", "half"):
        of_kind = [i for i, f in enumerate(fits) if f[0] == kind]
        if len(of_kind) > 1:
            pairs = stability([labels[i] for i in of_kind])
            for run_a, run_b, ari, agreement in pairs[["run_a", "run_b", "ari", "agreement"]].to_numpy():
                a, b = of_kind[int(run_a)], of_kind[int(run_b)]
                rows.append(
                    {
                        "kind": kind,
                        "run_a": fits[a][1],
                        "run_b": fits[b][1],
                        "ari": ari,
                        "agreement": agreement,
                        "k_a": _used(labels[a]),
                        "k_b": _used(labels[b]),
                    }
                )
    return pd.DataFrame(rows, columns=["kind", "run_a", "run_b", "ari", "agreement", "k_a", "k_b"])


def k_evidence(
    make: Callable[[int, int], Method],
    recordings: Sequence[Recording],
    ks: Sequence[int],
    *,
    seeds: Sequence[int] = (0, 1),
) -> pd.DataFrame:
    """Gather what speaks for each number of motifs.

    Parameters
    ----------
    make : callable
        (k, seed) → unfitted method: ``lambda k, s: murid.method("kmeans", n_motifs=k, seed=s)``.
    recordings : list of Recording
    ks : sequence of int
    seeds : sequence of int
        Refits; with two animals or more, halves of the animals are compared too.

    Returns
    -------
    DataFrame
        One row a k: ``k, used`` (motifs that occur), ``seed_ari, half_ari`` (mean ARI between refits; choose the
        largest k before they fall), ``median_ms, below_100ms, usage_bits``, ``latent_r2`` (share of the latent's
        variance that the motifs explain; compare gains, it only rises).
    """
    rows = []
    for k in ks:
        report = stability_report(
            partial(make, k), recordings, seeds=seeds, halves=len({r.animal for r in recordings}) > 1
        )
        outs = _outputs(make(k, seeds[0]).fit(list(recordings)), recordings)
        codes = [o["states"].values[:, i] for o in outs for i in range(o.sizes["individual"])]
        scale = timescale(codes, rate_of(outs[0]["time"].values))
        by_kind = report.groupby("kind")["ari"].mean()
        rows.append(
            {
                "k": int(k),
                "used": scale["k"],
                "seed_ari": float(by_kind.get("seed", np.nan)),
                "half_ari": float(by_kind.get("half", np.nan)),
                "median_ms": scale["median_ms"],
                "below_100ms": scale["below_100ms"],
                "usage_bits": scale["usage_bits"],
                "latent_r2": _latent_r2(outs),
            }
        )
    return pd.DataFrame(rows)


def robustness_report(
    method: Method,
    recordings: Sequence[Recording],
    *,
    levels: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Apply a fitted method to the same behaviour seen by another camera, tracker or in a larger animal.

    Parameters
    ----------
    method : Method
        Fitted; one that looks at poses.
    recordings : list of Recording
    levels : mapping, optional
        Kind → levels, as in `murid.evaluate.robustness.LEVELS` (its default).
    seed : int
        Of jitter and dropout.

    Returns
    -------
    DataFrame
        One row a kind and level: ``kind, level, unit, ari, agreement`` (against the labels of the recordings as they
        are, on the frames that both have) and ``labelled`` (share of the frames with a motif). Left and right turns
        change places in a mirrored animal, so there ARI, which does not mind new names, is the figure to read.
        Variants that the method refuses (a frame rate that is too slow) have NaN and the reason in ``refused``.
    """
    if "poses" not in method.about.needs:
        fail("robustness", f"'{method.name}' does not look at poses", expected="a method of poses")
    names = {kind: unit for kind, (_, unit) in LEVELS.items()}
    wanted = dict(levels) if levels is not None else {kind: values for kind, (values, _) in LEVELS.items()}
    faults = Faults("robustness")
    for kind in wanted:
        if kind not in names:
            faults.add(f"no variant '{kind}'", todo=did_you_mean(kind, names))
    faults.raise_if_any()
    plain = _outputs(method, recordings)
    rows: list[dict[str, Any]] = []
    for kind, level in [(k, float(v)) for k, values in wanted.items() for v in values]:
        row: dict[str, Any] = {"kind": kind, "level": level, "unit": names[kind]}
        try:
            row |= _kept_labels(method, recordings, plain, kind, level, seed) | {"refused": ""}
        except DataError as error:
            row |= {"ari": np.nan, "agreement": np.nan, "labelled": np.nan, "refused": str(error)}
        rows.append(row)
    return pd.DataFrame(rows, columns=["kind", "level", "unit", "ari", "agreement", "labelled", "refused"])


def _kept_labels(
    method: Method, recordings: Sequence[Recording], plain: Sequence[xr.Dataset], kind: str, level: float, seed: int
) -> dict[str, float]:
    """Agreement of the labels of altered recordings with those of the recordings as they are."""
    before, after = [], []
    for out, recording in zip(plain, recordings, strict=True):
        altered = method.apply(variant(recording, kind, level, seed=seed))
        a, b = same_moments(out["time"].values, altered["time"].values)
        before.append(out["states"].values[a].T.ravel())
        after.append(altered["states"].values[b].T.ravel())
        recording.forget()
    one, two = np.concatenate(before), np.concatenate(after)
    pair = stability([one, two]).iloc[0]
    return {"ari": pair["ari"], "agreement": pair["agreement"], "labelled": float((two >= 0).mean())}


def half_sets(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Two halves by animal (every second animal), or an error when there is one animal only."""
    animals = list(dict.fromkeys(r.animal for r in recordings))
    if len(animals) < 2:
        fail("stability", "halves need at least two animals", got=", ".join(animals), todo="pass halves=False")
    first = set(animals[::2])
    return [[r for r in recordings if r.animal in first], [r for r in recordings if r.animal not in first]]


def labels_of(method: Method, recordings: Sequence[Recording]) -> np.ndarray:
    """Codes that a fitted method gives to all animals of all recordings, one after the other."""
    return codes_of(_outputs(method, recordings))


def codes_of(outputs: Sequence[xr.Dataset]) -> np.ndarray:
    """Codes of all animals in the outputs of all recordings, one after the other."""
    return np.concatenate([o["states"].values.T.ravel() for o in outputs])


def cut_report(method: Method, recordings: Sequence[Recording], outputs: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Label the second half of each recording alone, as if its file had been split, and compare.

    Cleaning, body length and context are then those of the half; labels that hang on the rest of the file change.

    Parameters
    ----------
    method : Method
        Fitted; one that looks at poses.
    recordings : list of Recording
    outputs : list of Dataset
        What the method gave for the whole recordings.

    Returns
    -------
    DataFrame
        One row a recording: ``kind`` (cut), ``recording, ari, agreement``.
    """
    rows = []
    for recording, whole in zip(recordings, outputs, strict=True):
        poses = recording.need("poses")
        half = poses.sizes["time"] // 2
        alone = method.apply(recording.replace(poses=poses.isel(time=slice(half, None)), labels=None))
        pair = stability([whole["states"].values[half:].T.ravel(), alone["states"].values.T.ravel()]).iloc[0]
        rows.append({"kind": "cut", "recording": recording.id, "ari": pair["ari"], "agreement": pair["agreement"]})
        recording.forget()
    return pd.DataFrame(rows, columns=["kind", "recording", "ari", "agreement"])


def _outputs(method: Method, recordings: Sequence[Recording]) -> list[Any]:
    out = []
    for recording in recordings:
        out.append(method.apply(recording))
        recording.forget()
    return out


def _used(codes: np.ndarray) -> int:
    return int(np.unique(codes[codes >= 0]).size)


def _latent_r2(outputs: list[Any]) -> float:
    """Share of the variance of the latents that lies between motifs."""
    if "latent" not in outputs[0]:
        return float("nan")
    codes = np.concatenate([o["states"].values.ravel() for o in outputs])
    latent = np.concatenate([o["latent"].values.reshape(-1, o["latent"].shape[-1]) for o in outputs])
    known = (codes >= 0) & np.isfinite(latent).all(axis=1)
    codes, latent = codes[known], latent[known].astype(np.float64)
    total = ((latent - latent.mean(0)) ** 2).sum()
    within = sum(((latent[codes == k] - latent[codes == k].mean(0)) ** 2).sum() for k in np.unique(codes))
    return float(1 - within / total) if total > 0 else float("nan")
