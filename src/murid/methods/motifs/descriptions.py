"""What motifs look like: usage, durations, movement, mean trajectories, similarity, names.

Pure functions of states and poses, for any method's motifs. Transitions and their null are in
`murid.ethogram.transitions`, differences between groups in the analysis `motif_statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import rate_of, samples_in, segments, spans
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.roles import resolve_roles, stand_ins
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states
from murid.ethogram.bouts import bouts_of
from murid.features import FeatureParams, compute
from murid.features.named_points import points_of


def usage(states: xr.DataArray) -> pd.DataFrame:
    """How much each motif is used and how long its bouts last.

    Returns
    -------
    DataFrame
        ``individual, motif, fraction`` (of the labelled time), ``bouts, bouts_per_min, median_s, q25_s, q75_s``;
        a motif that does not occur has fraction 0 and NaN durations.
    """
    _need_exclusive(states)
    bouts = bouts_of(states)
    bouts = bouts.assign(length=bouts["stop_s"] - bouts["start_s"])
    span = spans(states["time"].values)
    rows = []
    for i, individual in enumerate(map(str, states["individual"].values)):
        scored = float(span[states.values[:, i] != UNLABELLED].sum())
        for name in behaviour_names(states):
            lengths = bouts.loc[(bouts["label"] == name) & (bouts["individual"] == individual), "length"]
            q25, median, q75 = np.percentile(lengths, [25, 50, 75]) if len(lengths) else (np.nan,) * 3
            rows.append(
                {
                    "individual": individual,
                    "motif": name,
                    "fraction": lengths.sum() / scored if scored else np.nan,
                    "bouts": len(lengths),
                    "bouts_per_min": 60 * len(lengths) / scored if scored else np.nan,
                    "median_s": median,
                    "q25_s": q25,
                    "q75_s": q75,
                }
            )
    return pd.DataFrame(rows)


def motif_kinematics(states: xr.DataArray, poses: xr.Dataset, roles: Mapping[str, str] | None = None) -> pd.DataFrame:
    """How the animal moves in each motif.

    Parameters
    ----------
    states : DataArray (time, individual)
    poses : Dataset
        Cleaned poses on the same clock.
    roles : dict, optional

    Returns
    -------
    DataFrame
        ``individual, motif, frames`` and the means of ``speed`` (cm/s where calibrated, else body lengths/s),
        ``forward, sideways`` (same unit), ``turn`` (deg/s, signed), ``turn_abs``, and ``distance`` (per bout). Columns
        the skeleton does not allow are absent. ``attrs["units"]`` has the unit of each.
    """
    _same_clock(states, poses)
    wanted = {
        "speed_centre": "speed",
        "forward_centre": "forward",
        "sideways_centre": "sideways",
        "turn_rate": "turn",
        "turn_rate_abs": "turn_abs",
    }
    params = FeatureParams(families=("kinematics",), windowed=(), windows_s=(), stats=(), lags_s=(), path_windows_s=())
    names, rows, span = behaviour_names(states), [], spans(states["time"].values)
    units: dict[str, str] = {}
    for i, individual in enumerate(map(str, states["individual"].values)):
        table = compute(poses, individual, params, roles=roles)
        units |= {
            new: str(table["unit"].sel(feature=old).item()) for old, new in wanted.items() if old in table.feature
        }
        columns = {new: table.sel(feature=old).values for old, new in wanted.items() if old in table["feature"]}
        code = states.values[:, i]
        onset = np.r_[True, code[1:] != code[:-1]]
        for k, name in enumerate(names):
            in_motif = code == k
            row: dict[str, object] = {"individual": individual, "motif": name, "frames": int(in_motif.sum())}
            for column, values in columns.items():
                known = in_motif & np.isfinite(values)
                mean = float(values[known].mean()) if known.any() else float("nan")
                row[column] = float(np.degrees(mean)) if column.startswith("turn") else mean
            if "speed" in columns:
                travelled = float(np.nansum((columns["speed"] * span)[in_motif]))
                row["distance"] = travelled / int((onset & in_motif).sum()) if in_motif.any() else float("nan")
            rows.append(row)
    frame = pd.DataFrame(rows)
    units |= {name: "deg/s" for name in units if name.startswith("turn")}
    frame.attrs["units"] = units | ({"distance": units["speed"].removesuffix("/s")} if "speed" in units else {})
    return frame


def trajectories(
    states: xr.DataArray,
    poses: xr.Dataset,
    roles: Mapping[str, str] | None = None,
    *,
    before_s: float = 0.2,
    after_s: float = 0.6,
    min_bouts: int = 3,
) -> xr.Dataset:
    """Mean course of the keypoints around the onsets of each motif, seen from the animal at the onset.

    Parameters
    ----------
    states : DataArray (time, individual)
    poses : Dataset
        Cleaned poses on the same clock.
    roles : dict, optional
    before_s, after_s : float
        Window around the onset, s.
    min_bouts : int
        Motifs with fewer windows are NaN.

    Returns
    -------
    Dataset
        ``mean`` and ``sd (motif, lag, space, keypoint)``: at the onset the body centre is at 0 and the animal looks
        along +x, later too, so that travel and turning show. Unit of the poses. ``n (motif)`` onsets.

    Raises
    ------
    DataError
        When the skeleton has no front and rear.
    """
    _same_clock(states, poses)
    keypoints = [str(k) for k in poses["keypoint"].values]
    used = resolve_roles(keypoints, roles)
    if not {"front", "rear", "centre"} <= set(stand_ins(used)):
        fail("trajectories", "the skeleton has no front and rear", got=", ".join(used))
    time, fps = states["time"].values, rate_of(states["time"].values)
    place = {p: points_of(poses, p, used).values for p in ("centre", "front", "rear")}
    lags = np.arange(-samples_in(before_s, fps), samples_in(after_s, fps) + 1)
    names = behaviour_names(states)
    windows: list[list[np.ndarray]] = [[] for _ in names]
    for i, xy in enumerate(poses["position"].values[:, :2].astype(np.float64).transpose(3, 0, 1, 2)):
        axis = place["front"][:, :, i] - place["rear"][:, :, i]
        for at in _onsets(states.values[:, i], time, lags):
            length = np.linalg.norm(axis[at])
            if not length > 0:
                continue
            cos, sin = axis[at] / length
            x, y = np.moveaxis(xy[at + lags] - place["centre"][at, :, i][:, None], 1, 0)
            windows[states.values[at, i]].append(np.stack([cos * x + sin * y, cos * y - sin * x], axis=1))
    mean, sd = _mean_courses(windows, (len(lags), 2, len(keypoints)), min_bouts)
    n = np.array([len(courses) for courses in windows])
    dims = ("motif", "lag", "space", "keypoint")
    return xr.Dataset(
        {"mean": (dims, mean), "sd": (dims, sd), "n": ("motif", n)},
        coords={"motif": names, "lag": lags / fps, "space": ["x", "y"], "keypoint": keypoints},
        attrs={"unit": poses.attrs.get("unit", "px")},
    )


def _mean_courses(
    windows: Sequence[Sequence[np.ndarray]], shape: tuple[int, ...], least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD over the windows of each motif; NaN where fewer than `least` are known."""
    mean, sd = np.full((len(windows), *shape), np.nan), np.full((len(windows), *shape), np.nan)
    for k, courses in enumerate(windows):
        if len(courses) >= least:
            stack = np.stack(courses)
            known = np.isfinite(stack).sum(axis=0)
            total = np.nansum(stack, axis=0)
            mean[k] = np.where(known >= least, total / np.maximum(known, 1), np.nan)
            sd[k] = np.sqrt(np.nansum((stack - mean[k]) ** 2, axis=0) / np.maximum(known - 1, 1))
            sd[k][np.isnan(mean[k])] = np.nan
    return mean, sd


def similarity_tree(outputs: Sequence[xr.Dataset]) -> tuple[np.ndarray, list[str]]:
    """Tree of the motifs by what they look like to the method: Ward over their mean latents.

    Parameters
    ----------
    outputs : list of Dataset
        From `Method.apply`, with ``latent``.

    Returns
    -------
    linkage : array (n − 1, 4)
        As in `scipy.cluster.hierarchy`, every motif weighted by its frames; heights in units of the latent's sd.
    names : list of str
        Leaves: the motifs that occur.
    """
    from murid.learn.segment.ward import weighted_ward

    names = behaviour_names(outputs[0]["states"])
    codes = np.concatenate([o["states"].values.ravel() for o in outputs])
    latent = np.concatenate([o["latent"].values.reshape(-1, o["latent"].shape[-1]) for o in outputs])
    known = (codes >= 0) & np.isfinite(latent).all(axis=1)
    codes, latent = codes[known], latent[known].astype(np.float64)
    present = np.unique(codes)
    if len(present) < 2:
        fail("similarity", "fewer than two motifs occur", got=str(len(present)))
    latent = (latent - latent.mean(0)) / np.maximum(latent.std(0), 1e-9)
    mass = np.bincount(codes)[present].astype(float)
    centres = np.stack([latent[codes == k].mean(0) for k in present])
    return weighted_ward(centres, mass / mass.mean()), [names[k] for k in present]


def groups_of(linkage: np.ndarray, names: Sequence[str], n_groups: int) -> dict[str, str]:
    """Cut a similarity tree: motif → group, to hand to `relabel`. A group is named after its motifs."""
    from scipy.cluster.hierarchy import fcluster

    if not 1 <= n_groups <= len(names):
        fail("similarity", "n_groups is not valid", expected=f"1..{len(names)}", got=str(n_groups))
    groups = fcluster(linkage, n_groups, "maxclust")
    label = {g: "+".join(n for n, f in zip(names, groups, strict=True) if f == g) for g in np.unique(groups)}
    return {n: label[f] for n, f in zip(names, groups, strict=True)}


def relabel(states: xr.DataArray, names: Mapping[str, str]) -> xr.DataArray:
    """Give motifs names; motifs that get the same name become one.

    Parameters
    ----------
    states : DataArray (time, individual)
    names : dict of str to str
        Old → new name; motifs that are not mentioned keep theirs.
    """
    _need_exclusive(states)
    old = behaviour_names(states)
    faults = Faults("motif names")
    for name in names:
        if name not in old:
            faults.add(f"no motif '{name}'", todo=did_you_mean(name, old))
    faults.raise_if_any()
    new = [str(names.get(name, name)) for name in old]
    kept = list(dict.fromkeys(new))
    table = np.array([*(kept.index(n) for n in new), UNLABELLED])  # the last entry serves -1
    return make_states(
        table[states.values],
        states["time"].values,
        kept,
        [str(i) for i in states["individual"].values],
        source=str(states.attrs.get("source", "")),
    )


def _onsets(codes: np.ndarray, time_s: np.ndarray, lags: np.ndarray) -> list[int]:
    """Frames at which a motif begins after another state, with the whole window inside one stretch."""
    out = []
    for a, b in segments(time_s):
        change = a + 1 + np.flatnonzero(codes[a + 1 : b] != codes[a : b - 1])
        ok = (codes[change] != UNLABELLED) & (change + lags[0] >= a) & (change + lags[-1] < b)
        out += change[ok].tolist()
    return out


def _need_exclusive(states: xr.DataArray) -> None:
    if is_multilabel(states):
        fail("motifs", "need exclusive states", todo="use ethogram.exclusive.to_exclusive()")


def _same_clock(states: xr.DataArray, poses: xr.Dataset) -> None:
    _need_exclusive(states)
    if not np.array_equal(states["time"].values, poses["time"].values) or list(states["individual"].values) != list(
        poses["individual"].values
    ):
        fail(
            "motifs",
            "states and poses do not belong together",
            expected=f"{poses.sizes['time']} frames of {', '.join(map(str, poses['individual'].values))}",
            got=f"{states.sizes['time']} frames of {', '.join(map(str, states['individual'].values))}",
        )
