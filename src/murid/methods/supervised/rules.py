"""`rules`: behaviours by definition, not by example.

Conditions on named quantities (speeds, distances, angles, walls) that a reader can check and edit, with
minimum bout and gap. Needs no labels; `fit` only settles how long a body is when poses are not calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from murid.data.body_scale import measured_body_length
from murid.data.errors import Faults, did_you_mean
from murid.data.meet import keypoints_and_roles
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.data.units import LengthUnit
from murid.data.zones import Zones
from murid.ethogram.rules import Rule, evaluate, parse
from murid.features.sets.rules import rule_features
from murid.methods.base import Card, Dump, Method, output
from murid.prepare import CleanParams, clean
from murid.prepare.arena import estimate_arena

#: Rules that come with murid. Distances are those of mice; in cm, or scaled by body length.
DEFAULT_RULES = """\
# Fear and rest. Thresholds of freezing: the speed below which a tracked, motionless mouse jitters.
freezing:
    when   speed_body < 1 cm/s
    and    turn_rate_head_abs < 40 deg/s
    vote   0.3 s
    min    0.9 s

immobility:                       # forced swim, rest: slow drifts allowed
    when   speed_body < 2 cm/s
    stay   speed_body < 3 cm/s
    smooth 0.5 s
    min    1 s

floating:                         # DLCAnalyzer, swim test: 0.03 cm/frame^2 at 25 frames/s, over 21 frames
    when   acceleration_body < 18.75 cm/s^2
    smooth 0.84 s

look_around:                      # DeepOF: the body stands, the nose does not
    when   speed_centre < 2 cm/s
    and    speed_nose > 4 cm/s
    and    confidence_nose > 0.85
    vote   0.3 s
    min    0.3 s

# At the wall or edge. wall_distance is positive inside the arena, edge_distance inside the arms of a maze.
wall_rearing:                     # seen from above the body shortens and the nose is at the wall
    when   wall_distance_nose < 1.5 cm
    and    body_length_relative < 0.8
    and    speed_centre < 8 cm/s
    gap    0.2 s
    min    0.3 s

wall_sniffing:                    # DeepOF: nose within 1 cm of the edge, the body stands
    when   wall_distance_nose < 1 cm
    and    wall_distance_nose > -1 cm
    and    speed_centre < 2 cm/s
    min    0.3 s

climbing:                         # DeepOF: nose 1 cm beyond the edge
    when   wall_distance_nose < -1 cm
    min    0.3 s

head_dip:                         # DLCAnalyzer: head over the edge, body on the maze, not out of a closed arm
    when   edge_distance_head < 0 cm
    and    edge_distance_centre > 0 cm
    and    in_closed_neck < 0.5
    vote   0.4 s
    min    0.2 s

# Two animals; with more, towards the nearest. 2.5 and 4.5 cm are DeepOF's.
nose_nose_contact:
    when   nose_nose < 2.5 cm
    gap    0.2 s
    min    0.2 s

nose_body_contact:
    when   nose_closest < 2.5 cm
    gap    0.2 s
    min    0.2 s

nose_anogenital_contact:
    when   nose_anogenital < 2.5 cm
    gap    0.2 s
    min    0.2 s

side_by_side:
    when   nose_nose < 4.5 cm
    and    rear_rear < 4.5 cm
    min    0.3 s

side_reverse:
    when   nose_anogenital < 4.5 cm
    and    rear_nose < 4.5 cm
    min    0.3 s

following:                        # the nose is where the other's tail base has just been
    when   nose_trail < 2 cm
    and    nose_anogenital < body_length
    and    nose_anogenital < nose_nose
    and    speed_centre > 3 cm/s
    gap    0.3 s
    min    0.5 s

approach:
    when   approach_speed > 5 cm/s
    and    facing_centre < 45 deg
    and    centre_distance > 5 cm
    gap    0.2 s
    min    0.3 s

escape:
    when   approach_speed < -15 cm/s
    and    centre_distance < 25 cm
    gap    0.2 s
    min    0.2 s

huddle:
    when   closest_distance < 2 cm
    and    speed_body < 2 cm/s
    and    partner_speed < 2 cm/s
    vote   0.5 s
    min    3 s
"""


class RulesParams(Params):
    """Parameters of `rules`."""

    rules: str = param(DEFAULT_RULES, why="the rules as text, or the path of a text file; see the page of this method")
    behaviours: tuple[str, ...] | None = param(
        None, why="behaviours to label; by default all rules whose quantities a recording has"
    )
    body_length_cm: float = param(
        8.5, unit="cm", gt=0, why="nose to tail base, used where poses are not calibrated; 8.5 mouse, 18 rat"
    )
    step_s: float = param(0.1, unit="s", gt=0, why="time over which speeds are taken: above jitter, below a head turn")
    arena: bool = param(True, why="without a drawn arena, estimate it from the tracks where that is reliable")
    clean: CleanParams = CleanParams(smoothing="savgol", window_s=0.3)


class Rules(Method):
    """Readable rules as a classifier: same output, same evaluation as learnt methods."""

    name = "rules"
    Params = RulesParams
    params: RulesParams
    about = Card(
        title="Rules on named quantities: contacts, following, freezing, rearing at the wall, head dips",
        family="rules",
        cites=(
            "Bordes J. et al. (2023) Automatically annotated motion tracking identifies a distinct social behavioral "
            "profile following chronic social defeat stress (DeepOF). Nat Commun 14:4319",
            "Gabriel C.J. et al. (2022) BehaviorDEPOT is a simple, flexible tool for automated behavioral detection "
            "based on markerless pose tracking. eLife 11:e74314",
            "Sturman O. et al. (2020) Deep learning-based behavioral analysis reaches human accuracy "
            "(DLCAnalyzer). Neuropsychopharmacology 45:1942",
        ),
        differs=(
            "thresholds in cm and s, or in body lengths where poses are not calibrated; never in frames or pixels",
            "frames without the deciding keypoints are unknown, not absent",
            "following needs movement and 2 cm instead of DeepOF's 0.5 cm, which tracking error alone exceeds",
            "huddling is a rule here and a fitted classifier in DeepOF",
        ),
    )

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        # The text, not the path of its file, is what travels with a model.
        self.params = self.params.replace(rules=_text_of(self.params.rules))
        self.rules = parse(self.params.rules)
        if self.params.behaviours is not None:
            self.rules = _chosen(self.rules, self.params.behaviours)
        self.body_px: float | None = None
        # Nothing has to be learnt: rules can be applied at once.
        self.fitted = True

    def _fit(self, recordings: Sequence[Recording]) -> None:
        """Settle the length of a body in px as the median over recordings that are not calibrated."""
        lengths = []
        for recording in recordings:
            poses = recording.need("poses")
            if LengthUnit.of(poses.attrs).per_cm is None:
                lengths.append(measured_body_length(clean(poses, self.params.clean), self._roles(recording)))
            recording.forget()
        self.body_px = float(np.median(lengths)) if lengths else None

    def _roles(self, recording: Recording) -> dict[str, str]:
        return keypoints_and_roles(recording.need("poses"), recording.roles)

    def _apply(self, recording: Recording) -> xr.Dataset:
        poses = clean(recording.need("poses"), self.params.clean)
        if self.body_px and LengthUnit.of(poses.attrs).per_cm is None:
            poses = poses.assign_attrs(px_per_cm=self.body_px / self.params.body_length_cm)
        zones, roles = self._zones(recording, poses), recording.roles or None
        individuals = [str(i) for i in poses["individual"].values]
        tables = {i: rule_features(poses, i, roles, zones, step_s=self.params.step_s) for i in individuals}
        names = [str(f) for f in tables[individuals[0]]["feature"].values]
        rules = [r.usable(names) for r in self.rules]
        skipped = [r.name for r, usable in zip(self.rules, rules, strict=True) if usable is None]
        if len(skipped) == len(self.rules):
            # The error names the quantity that is missing, with near names.
            parse("\n".join(map(str, self.rules)), names)
        used = [r for r in rules if r is not None]
        labelled = [
            evaluate(used, table, body_length_cm=self.params.body_length_cm, individual=i)
            for i, table in tables.items()
        ]
        states = make_states(
            np.concatenate([s.values for s in labelled], axis=1),
            poses["time"].values,
            [r.name for r in used],
            individuals,
            source=self.name,
        )
        return output(states, skipped=", ".join(skipped))

    def _zones(self, recording: Recording, poses: xr.Dataset) -> Zones | None:
        zones = recording.zones
        if not self.params.arena or (zones and (zones.of_kind("arena") or zones.of_kind("open"))):
            return zones
        enough = np.isfinite(poses["position"].values).all(axis=1).sum() >= 1000
        guess = estimate_arena(poses) if enough else None
        if guess is None or not guess.reliable:
            return zones
        return Zones([*(zones.values() if zones else ()), guess.zone], zones.rule if zones else None)

    def _dump(self) -> Dump:
        return Dump({"rules": "\n\n".join(map(str, self.rules)), "body_px": self.body_px})

    def _restore(self, dump: Dump) -> None:
        self.rules = parse(dump.json["rules"])
        self.body_px = dump.json["body_px"]


def _text_of(rules: str) -> str:
    if "\n" not in rules and ":" not in rules and Path(rules).is_file():
        return Path(rules).read_text(encoding="utf-8")
    return rules


def _chosen(rules: list[Rule], names: Sequence[str]) -> list[Rule]:
    faults = Faults("method 'rules'")
    for name in names:
        if name not in [r.name for r in rules]:
            faults.add(f"no rule '{name}'", todo=did_you_mean(name, [r.name for r in rules]))
    faults.raise_if_any()
    return [next(r for r in rules if r.name == name) for name in names]
