"""What a model was trained on, and whether a recording fits it.

A model travels to other labs, cameras and skeletons. Before it is applied there, the new recording is compared
with the training recordings: roles of the keypoints and whether they are tracked, number of animals, unit of length,
frame rate, size of the body. What can be mapped is mapped, what is merely unusual is a warning, what would give wrong
answers is one error that lists everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
import xarray as xr

from murid.data.body_scale import measured_body_length
from murid.data.clock import rate_of
from murid.data.errors import DataError, Faults, fail
from murid.data.meet import keypoints_and_roles, poses_and_zones
from murid.data.poses import individual_names, keypoint_names
from murid.data.recording import Recording
from murid.data.units import LengthUnit
from murid.data.warning import warn_user
from murid.data.zones import Zones

#: Frame rates outside [slowest / FPS_FACTOR, fastest × FPS_FACTOR] of the training recordings are warned of.
#: Features are in seconds, so a model stands a factor of two (contract: 25 and 40 frames/s agree).
FPS_FACTOR = 2.0
#: Bodies shorter or longer than the training animals by more than this are another species, or a wrong scale.
BODY_FACTOR = 1.6
#: A keypoint that is seen in a smaller share of the frames of an animal is not tracked in that recording.
TRACKED = 0.01
#: Points less certain than this are not seen.
_SEEN = 0.1


@dataclass(frozen=True)
class TrainingSummary:
    """What a model was trained on.

    Attributes
    ----------
    roles : tuple of str
        Roles that the training keypoints play; empty when no name could be read.
    keypoints : tuple of str
        Their names in the first recording.
    calibrated : bool
        Lengths are in cm (else in body lengths).
    px_per_cm : tuple of float
        Lowest and highest scale, where known.
    fps : tuple of float
        Slowest and fastest frame rate, frames/s; empty when it could not be told.
    body_length_cm : float
        Median over recordings; NaN when not calibrated.
    n_individuals : tuple of int
        Fewest and most animals in a recording.
    zones : tuple of str
        Zones that every training recording had.
    tracked : tuple of str
        Roles (keypoints where names could not be read) that were tracked in every training recording.
    recordings : dict of str to str
        Training recording → fingerprint of its poses and labels; empty for methods that learn no labels.
    versions : dict of str to str
        Of murid and the libraries that made the model; likewise.
    """

    roles: tuple[str, ...]
    keypoints: tuple[str, ...]
    calibrated: bool
    px_per_cm: tuple[float, ...]
    fps: tuple[float, ...]
    body_length_cm: float
    n_individuals: tuple[int, int]
    zones: tuple[str, ...] = ()
    recordings: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    tracked: tuple[str, ...] = ()

    @classmethod
    def of(cls, recordings: Sequence[Recording], *, in_body_lengths: bool = False) -> Self:
        """Describe training recordings.

        Parameters
        ----------
        recordings : sequence of Recording
        in_body_lengths : bool
            The method measures in body lengths whatever the unit: recordings with and without a scale may be mixed.

        Raises
        ------
        DataError
            When some are calibrated and others are not: one column would hold cm and body lengths.
        """
        seen, content = [], {}
        for recording in recordings:
            seen.append(Seen.of(recording))
            if not in_body_lengths:
                content[recording.id] = fingerprint(recording)
            recording.forget()  # looked at once more than its fit did, and never all in memory
        without = [r.id for r, one in zip(recordings, seen, strict=True) if not one.calibrated]
        if 0 < len(without) < len(seen) and not in_body_lengths:
            fail(
                "training recordings",
                f"{len(without)} of {len(seen)} have no scale",
                expected="all in cm, or none",
                got=", ".join(without[:20]),
                todo="calibrate them (px_per_cm, murid add --px-per-cm), or leave them out",
            )
        scales = [one.px_per_cm for one in seen if np.isfinite(one.px_per_cm)]
        lengths = [one.body_length_cm for one in seen if np.isfinite(one.body_length_cm)]
        counts, fps = [one.n_individuals for one in seen], [one.fps for one in seen if np.isfinite(one.fps)]
        return cls(
            roles=tuple(r for r in seen[0].roles if all(r in one.roles for one in seen)),
            keypoints=tuple(seen[0].keypoints),
            calibrated=not without,
            px_per_cm=(min(scales), max(scales)) if scales else (),
            fps=(min(fps), max(fps)) if fps else (),
            body_length_cm=float(np.median(lengths)) if lengths else float("nan"),
            n_individuals=(min(counts), max(counts)),
            zones=tuple(z for z in seen[0].zones if all(z in one.zones for one in seen)),
            recordings=content,
            versions={} if in_body_lengths else _versions(),
            tracked=tuple(
                n for n in seen[0].names() if all(n in one.names() and n not in one.untracked() for one in seen)
            ),
        )

    def fit_to(self, recording: Recording, name: str, features: Sequence[str] = ()) -> Recording:
        """Return the recording as the model must see it, or say everything that keeps it from fitting.

        Keypoints with other names are mapped by their roles, roles that the model does not know are left
        out, and a scale that the model was not trained with is set aside. `features` are those the model
        uses: a zone that none of them is about may be absent.

        Raises
        ------
        DataError
            Roles or zones that are missing, one animal instead of several, no scale: all at once.
        """
        seen = Seen.of(recording)
        faults = Faults(f"model of '{name}' and recording '{recording.id}'")
        self._check_keypoints(seen, faults)
        if (self.n_individuals[0] > 1) != (seen.n_individuals > 1):
            faults.add(
                "the number of animals does not fit",
                expected=_span(self.n_individuals, "animals"),
                got=str(seen.n_individuals),
            )
        if self.calibrated and not seen.calibrated:
            faults.add(
                "the poses have no scale, and the model measures in cm",
                expected="px_per_cm, or poses in cm",
                got="px",
                todo="calibrate them: murid add --px-per-cm, or murid.prepare.calibrate",
            )
        lacking = [z for z in self.zones if z not in seen.zones and any(z in f for f in features)]
        if lacking:
            faults.add(
                f"zones are missing: {', '.join(lacking)}",
                got=", ".join(seen.zones) or "none",
                todo="draw zones of these names (murid add --zones)",
            )
        faults.raise_if_any()
        self._warn(seen, recording.id)
        if not self.calibrated and seen.calibrated:
            recording = without_scale(recording)
        if self.roles:
            recording = recording.replace(roles={r: seen.roles[r] for r in self.roles})
        return recording

    def tell(self, recording: Recording, name: str) -> None:
        """Say everything in which a recording differs from what a method that adapts by itself was fitted to.

        For methods that measure in body lengths and describe each animal alone: what is another in the recording does
        not stop them, and each such thing is a warning that says what is made of it. What they cannot do without
        (points of the model) they refuse themselves.
        """
        seen = Seen.of(recording)
        start = f"recording '{recording.id}': "
        lacking = [n for n in self.roles or self.keypoints if n not in (seen.roles if self.roles else seen.keypoints)]
        if lacking:
            warn_user(f"{start}no {', '.join(lacking)}, which '{name}' was fitted with: it goes by the other keypoints")
        if seen.n_individuals and self.n_individuals[1] and (self.n_individuals[0] > 1) != (seen.n_individuals > 1):
            warn_user(
                f"{start}{seen.n_individuals} animal{'s' * (seen.n_individuals > 1)}, but '{name}' was fitted to "
                f"recordings of {'several' if self.n_individuals[0] > 1 else 'one'}: each is described as those were"
            )
        if seen.n_individuals and self.calibrated != seen.calibrated:
            scale = "no scale" if self.calibrated else "a scale"
            unit = "in cm" if self.calibrated else "without a scale"
            warn_user(f"{start}{scale}, but '{name}' was fitted to poses {unit}: lengths are taken in body lengths")
        self._warn(seen, recording.id)

    def _check_keypoints(self, seen: Seen, faults: Faults) -> None:
        """Keypoints that the recording lacks, or that are never tracked in it."""
        lacking = [r for r in self.roles if r not in seen.roles]
        if lacking:
            free = [k for k in seen.keypoints if k not in seen.roles.values()]
            faults.add(
                f"keypoints are missing: {', '.join(lacking)}",
                expected=", ".join(self.roles),
                got=", ".join(f"{r}={k}" for r, k in seen.roles.items()) or "no keypoint with a known role",
                todo=f"if one of {', '.join(free)} is it, say so: roles={{'{lacking[0]}': '{free[0]}'}} "
                "(study.toml: [roles])"
                if free
                else "track them, or fit a model without them",
            )
        known = self.roles or self.keypoints
        empty = [n for n in self.tracked if n in known and n in seen.untracked()]
        if empty:
            faults.add(
                f"keypoints are never tracked: {', '.join(empty)}",
                expected=f"seen in {TRACKED:.0%} of the frames of every animal, as in all training recordings",
                got=", ".join(f"{n} {seen.share_tracked[n]:.1%}" for n in empty),
                todo="track them, or fit a model without them",
            )

    def _warn(self, seen: Seen, name: str) -> None:
        low, high = self.fps or (np.nan, np.nan)
        known = np.isfinite(seen.fps) and np.isfinite(low)
        if known and not low / FPS_FACTOR * 0.999 <= seen.fps <= high * FPS_FACTOR * 1.001:
            warn_user(
                f"recording '{name}': {seen.fps:g} frames/s, but the model was trained at "
                f"{_span(self.fps, 'frames/s')} and is good for {low / FPS_FACTOR:g} to {high * FPS_FACTOR:g}: "
                "check some bouts by eye"
            )
        ratio = seen.body_length_cm / self.body_length_cm if self.calibrated else 1.0
        if np.isfinite(ratio) and not 1 / BODY_FACTOR <= ratio <= BODY_FACTOR:
            warn_user(
                f"recording '{name}': the body is {seen.body_length_cm:.1f} cm long, "
                f"{self.body_length_cm:.1f} cm in training: another species or age, or a wrong scale (px_per_cm)"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        values = asdict(self)
        values["body_length_cm"] = self.body_length_cm if np.isfinite(self.body_length_cm) else None
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> Self | None:
        """Read back `to_dict`; None when the model was stored without."""
        if not values:
            return None
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(
            **{
                **values,
                "body_length_cm": float("nan") if values["body_length_cm"] is None else values["body_length_cm"],
            }
        )


def fingerprint(recording: Recording) -> str:
    """Return 32 hex digits that change with the poses or the labels of a recording."""
    digest = hashlib.blake2b(digest_size=16)
    poses = recording.need("poses")
    digest.update(np.ascontiguousarray(poses["position"].values, np.float32).tobytes())
    digest.update(np.asarray(poses["time"].values, np.float64).tobytes())
    if recording.has("labels"):
        labels = recording.need("labels")
        for table in (labels.bouts[["start_s", "stop_s", "label", "individual", "rater", "stream"]], labels.scored):
            digest.update(table.to_csv(index=False, float_format="%.6f").encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Seen:
    """What a recording has that a model may depend on.

    Attributes
    ----------
    roles : dict of str to str
        Role → keypoint; empty when no name could be read.
    keypoints : list of str
    calibrated : bool
    px_per_cm, fps, body_length_cm : float
        NaN where unknown.
    n_individuals : int
    zones : list of str
    share_tracked : dict of str to float
        Of each role, or keypoint where there are no roles: the share of frames in which it is seen, of the animal in
        which it is seen least (animals that are never seen left out).
    """

    roles: dict[str, str]
    keypoints: list[str]
    calibrated: bool
    px_per_cm: float
    fps: float
    body_length_cm: float
    n_individuals: int
    zones: list[str]
    share_tracked: dict[str, float]

    def names(self) -> list[str]:
        """Roles, or keypoints where there are no roles."""
        return list(self.roles) or self.keypoints

    def untracked(self) -> list[str]:
        """Names seen in less than `TRACKED` of the frames."""
        return [n for n, share in self.share_tracked.items() if share < TRACKED]

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """Look at a recording; of a film without poses only the frame rate is known, and nobody is counted."""
        if not recording.has("poses"):
            rate = recording.need("video").fps if recording.has("video") else np.nan
            return cls({}, [], False, np.nan, float(round(rate, 3)), np.nan, 0, [], {})
        poses = recording.need("poses")
        unit = LengthUnit.of(poses.attrs)
        names = keypoint_names(poses)
        try:
            roles = keypoints_and_roles(poses, recording.roles)
            length = measured_body_length(poses, roles)
        except DataError:
            if recording.roles:
                raise
            roles, length = {}, float("nan")
        fps = rate_of(poses["time"].values)
        of_keypoint = _share_tracked(poses)
        return cls(
            roles=roles,
            keypoints=names,
            calibrated=unit.per_cm is not None,
            px_per_cm=unit.px_per_cm or np.nan,
            fps=float(round(fps, 3)) if np.isfinite(fps) else float(poses.attrs.get("fps", np.nan)),
            body_length_cm=length * unit.to("cm") if unit.per_cm else float("nan"),
            n_individuals=len(individual_names(poses)),
            zones=sorted(recording.need("zones")) if recording.has("zones") else [],
            share_tracked={r: of_keypoint[k] for r, k in roles.items()} or of_keypoint,
        )


def _share_tracked(poses: xr.Dataset) -> dict[str, float]:
    """Share of frames in which each keypoint is seen, of the animal in which it is seen least."""
    seen = np.isfinite(poses["position"].values).all(axis=1)
    # NaN confidence: the tracker gives none.
    seen &= ~(poses["confidence"].values < _SEEN)
    share = seen.mean(axis=0)
    present = share.max(axis=0) >= TRACKED
    least = share[:, present].min(axis=1) if present.any() else np.ones(len(share))
    return dict(zip(keypoint_names(poses), least.tolist(), strict=True))


def without_scale(recording: Recording) -> Recording:
    """The same numbers without a unit, for models that measure in body lengths."""
    poses = recording.need("poses").copy()
    changed: dict[str, Any] = {}
    if poses.attrs.get("unit") != "px" and recording.has("zones"):
        zones = poses_and_zones(poses, recording.need("zones"))
        changed["zones"] = Zones([replace(z, unit="px") for z in zones.values()], zones.rule)
    poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"} | {"unit": "px"}
    return recording.replace(poses=poses, **changed)


def _span(pair: Sequence[float], unit: str) -> str:
    low, high = pair
    return f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from murid import __version__

    return {"murid": __version__, **{name: version(name) for name in ("numpy", "lightgbm", "scikit-learn")}}
