"""What the latent of a method is worth, in one row: read, rebuilt, repeated, disturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from murid.data.clock import rate_of, samples_in
from murid.data.recording import Recording
from murid.evaluate.latent import linear_probe, linear_recovery, persistence, seed_agreement, trustworthiness
from murid.features import FeatureParams, compute
from murid.methods.base import Method
from murid.methods.motifs.body_points import point_map
from murid.methods.self_supervised.own_labels import states_from_labels
from murid.prepare import CleanParams, clean

#: How far ahead a latent is asked to predict, s: VAME's future.
AHEAD_S = 0.5
#: Spoils a recording: ``lambda recording: simulate.corrupt(recording, jitter_px=3)``.
Spoiler = Callable[[Recording], Recording]


def judge_latents(
    make: Callable[[int], Method],
    train: Sequence[Recording],
    test: Sequence[Recording],
    *,
    behaviours: Sequence[str] | None = None,
    spoilers: Mapping[str, Spoiler] | None = None,
    seeds: Sequence[int] = (0, 1),
) -> dict[str, Any]:
    """Measure a method's latent on animals that it has not learnt from.

    Parameters
    ----------
    make : callable
        Seed → unfitted method whose output has a latent.
    train, test : lists of Recording
        Different animals; with labels where the probe is wanted.
    behaviours : sequence of str, optional
        Behaviours of the probe; without them (or without labels) there is none.
    spoilers : mapping of str to callable, optional
        What is done to the test recordings: the method and the probe stay those of clean data.
    seeds : sequence of int
        Fits; the first one is measured, all are compared with each other.

    Returns
    -------
    dict
        ``dimensions``; ``probe_f1`` (macro-F1 of a linear reader of the behaviours); ``trustworthiness`` and
        ``recovery`` (R²) towards posture and movement of the frame; ``prediction`` (R²) of these `AHEAD_S` later;
        ``seed_r2``; and for each spoiler ``<name>_kept`` (`persistence` of the latent) and ``<name>_probe_f1``.
    """
    methods = [make(seed).fit(list(train)) for seed in seeds]
    first = methods[0]
    z, z_test = _latents(first, train), _latents(first, test)
    width = z.shape[1]
    x, x_test = (np.concatenate([_reference(r) for r in part]) for part in (train, test))
    later, later_test = (np.concatenate([_reference(r, AHEAD_S) for r in part]) for part in (train, test))
    row: dict[str, Any] = {"dimensions": width}
    if behaviours:
        codes, codes_test = (np.concatenate([_codes(r, behaviours) for r in part]) for part in (train, test))
        row["probe_f1"] = linear_probe((z, codes), (z_test, codes_test))["macro_f1"]
    row["trustworthiness"] = trustworthiness(_standard(x_test), z_test, seed=seeds[0])
    row["recovery"] = linear_recovery((z, x), (z_test, x_test))
    row["prediction"] = linear_recovery((z, later), (z_test, later_test))
    row["seed_r2"] = seed_agreement([z_test, *(_latents(m, test) for m in methods[1:])])
    for name, spoil in (spoilers or {}).items():
        spoilt = _latents(first, [spoil(r) for r in test])
        row[f"{name}_kept"] = persistence(z_test, spoilt)
        if behaviours:
            row[f"{name}_probe_f1"] = linear_probe((z, codes), (spoilt, codes_test))["macro_f1"]
    return row


def _latents(method: Method, recordings: Sequence[Recording]) -> np.ndarray:
    """Latents of all frames of all animals, ``(frame, dimension)``."""
    parts = []
    for recording in recordings:
        out = method.apply(recording)["latent"].values
        parts.append(out.transpose(1, 0, 2).reshape(-1, out.shape[2]))
    return np.concatenate(parts)


def _codes(recording: Recording, behaviours: Sequence[str]) -> np.ndarray:
    """Behaviour of all frames of all animals, ``(frame,)``, in the order of `_latents`."""
    states = states_from_labels(recording, "none", list(behaviours))
    return states.values.T.ravel()


def _reference(recording: Recording, ahead_s: float = 0.0) -> np.ndarray:
    """Posture and movement of each frame, or of what follows it, ``(frame, feature)``: the same for every method."""
    poses = clean(recording.need("poses"), CleanParams())
    params = FeatureParams(
        families=("egocentric", "kinematics"),
        windowed=(),
        windows_s=(),
        stats=(),
        lags_s=(),
        path_windows_s=(),
        length="body",
    )
    names = point_map(recording)
    every = [compute(poses, str(i), params, roles=names).values for i in poses["individual"].values]
    rows = samples_in(ahead_s, rate_of(poses["time"].values))
    return np.concatenate([np.concatenate([x[rows:], np.full((rows, x.shape[1]), np.nan)]) for x in every])


def _standard(x: np.ndarray) -> np.ndarray:
    spread = np.nanstd(x, axis=0)
    return (x - np.nanmean(x, axis=0)) / np.where(spread > 1e-9, spread, 1)
