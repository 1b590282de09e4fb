"""A study with a planted group effect, and what exactly was planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from murid.data.errors import Faults, did_you_mean
from murid.data.recording import Recording
from murid.simulate.arenas import arena
from murid.simulate.behaviour import repertoire
from murid.simulate.recordings import recording

#: Stressed animals freeze and groom more, rear less and avoid the open: the textbook picture.
STRESSED = {"freeze": 4.0, "groom": 1.5, "rear": 0.5, "centre": 0.3, "open": 0.3, "light": 0.3}

#: Kinds of zones whose appeal an effect may change.
_APPEALS = (
    "centre",
    "corner",
    "open",
    "closed",
    "light",
    "dark",
    "cup",
    "left_chamber",
    "middle_chamber",
    "right_chamber",
)


@dataclass(frozen=True)
class Effect:
    """What was planted.

    Attributes
    ----------
    groups : tuple of str
        Groups; the first one is the control.
    factors : dict of group to dict of name to float
        Factor on how often a behaviour is chosen, or on the appeal of a kind of zone.
    animal_sd : float
        SD of the logarithm of every factor between animals of a group.
    animals : dict of animal to dict of name to float
        Factors of each animal, group effect and individuality together.

    Examples
    --------
    >>> from murid import simulate
    >>> _, planted = simulate.study(1, effect={"freeze": 3.0}, duration_s=5)
    >>> planted.factors["stressed"]
    {'freeze': 3.0}
    """

    groups: tuple[str, ...]
    factors: Mapping[str, Mapping[str, float]]
    animal_sd: float
    animals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def study(
    n_per_group: int = 6,
    groups: Sequence[str] = ("control", "stressed"),
    effect: Mapping[str, float] | Mapping[str, Mapping[str, float]] | None = None,
    *,
    kind: str = "open_field",
    animal_sd: float = 0.25,
    seed: int = 0,
    **settings: Any,
) -> tuple[list[Recording], Effect]:
    """Simulate a study: one recording an animal, groups that differ in a known way.

    Parameters
    ----------
    n_per_group : int
        Animals in each group.
    groups : sequence of str
        Group names; the first is the control.
    effect : dict, optional
        ``{"freeze": 3, "centre": 0.3}`` for all groups but the first, or a dict of such dicts by
        group. Names are behaviours (factor on how often they are chosen) or kinds of zones (factor on
        their appeal). `STRESSED` by default, as far as it applies; ``{}`` for no effect.
    kind : str
        Arena.
    animal_sd : float
        SD of the log of each factor between animals: individuality.
    seed : int
        Seed. Every animal has a stream of its own, so adding animals leaves the others as they are.
    **settings
        Passed to `recording` (``duration_s``, ``fps``, ``n_animals`` …).

    Returns
    -------
    recordings, effect
        Recordings with ``animal`` and ``group`` set, and the planted truth.

    Examples
    --------
    >>> from murid import simulate
    >>> recordings, planted = simulate.study(2, ("control", "drug"), {"freeze": 3.0}, duration_s=5)
    >>> [r.group for r in recordings]
    ['control', 'control', 'drug', 'drug']
    """
    known = repertoire(kind, settings.get("n_animals", 1), settings.get("behaviours"))
    factors = _factors(groups, effect, known, n_per_group)
    wobbling = sorted({name for table in factors.values() for name in table})
    recordings, animals = [], {}
    for g, group in enumerate(groups):
        for i in range(n_per_group):
            seeds = np.random.SeedSequence(seed, spawn_key=(g, i))
            own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(g, i, 9)))
            wobble = np.exp(animal_sd * own.standard_normal(len(wobbling)))
            own_factors = {
                name: factors[group].get(name, 1.0) * float(w) for name, w in zip(wobbling, wobble, strict=True)
            }
            animal = f"{group}_{i + 1}"
            animals[animal] = own_factors
            recordings.append(_record(kind, animal, group, own_factors, seeds, known, settings))
    return recordings, Effect(tuple(groups), factors, animal_sd, animals)


def _record(
    kind: str,
    animal: str,
    group: str,
    own_factors: Mapping[str, float],
    seeds: np.random.SeedSequence,
    known: Mapping,
    settings: Mapping[str, Any],
) -> Recording:
    """Recording of one animal, its factors applied over what the settings ask for."""
    settings = dict(settings)
    behaviours = {
        name: b if name not in own_factors else replace(b, weight=b.weight * own_factors[name])
        for name, b in known.items()
    }
    usual = arena(kind, **(settings.get("sizes") or {})).appeal
    appeal = {**usual, **(settings.pop("appeal", None) or {})}
    appeal |= {name: appeal.get(name, 1.0) * factor for name, factor in own_factors.items() if name in _APPEALS}
    settings.pop("behaviours", None)
    return recording(
        kind, behaviours=behaviours, appeal=appeal, seed=seeds, id=animal, animal=animal, group=group, **settings
    )


def _factors(
    groups: Sequence[str], effect: Mapping | None, known: Mapping, n_per_group: int
) -> dict[str, dict[str, float]]:
    """Effect by group; every unknown name is a fault."""
    faults = Faults("simulate.study")
    if n_per_group < 1:
        faults.add("n_per_group", expected=">= 1", got=str(n_per_group))
    if len(set(groups)) != len(groups) or not groups:
        faults.add("groups", expected="different names", got=str(list(groups)))
    names = [*known, *_APPEALS]
    if effect is None:
        effect = {name: factor for name, factor in STRESSED.items() if name in names}
    nested = any(isinstance(v, Mapping) for v in effect.values())
    table = {g: dict(effect.get(g, {})) if nested else (dict(effect) if g != groups[0] else {}) for g in groups}
    for group in effect if nested else ():
        if group not in groups:
            faults.add(f"no group '{group}'", todo=did_you_mean(group, groups))
    for group, row in table.items():
        for name, factor in row.items():
            if name not in names:
                faults.add(f"no behaviour or kind of zone '{name}'", where=group, todo=did_you_mean(name, names))
            elif not factor >= 0:
                faults.add(f"factor of '{name}'", where=group, expected=">= 0", got=str(factor))
    faults.raise_if_any()
    return table
