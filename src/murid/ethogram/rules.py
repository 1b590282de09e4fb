"""Rules: behaviours as conditions on named quantities, in a text that people read and edit.

One behaviour a paragraph::

    freezing:
        when speed_body < 0.7 cm/s
        and  turn_rate_head_abs < 20 deg/s
        stay speed_body < 1 cm/s
        gap  0.3 s
        min  0.9 s

``when``/``and`` must hold together; ``or`` begins an alternative. ``stay``: once begun, the bout goes on as
long as these hold (hysteresis). ``smooth``: mean of the quantities over that window. ``vote``: majority of
the frames in that window. ``gap``: shorter interruptions are closed; ``min``: shorter bouts are dropped.
A condition compares a quantity with a number and its unit, or with another quantity. ``#`` begins a comment.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from murid.data.clock import even_parts, segments
from murid.data.errors import DataError, Faults, did_you_mean, fail
from murid.data.states import UNLABELLED, make_states
from murid.ethogram import kernels, smooth
from murid.ethogram.bouts import runs_within

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_CONDITION = re.compile(r"^([A-Za-z]\w*)\s*(<=|>=|<|>)\s*(\S+)(?:\s+(\S+))?$")
_UNIT = re.compile(r"^(mm|cm|m|bl|rad|deg)(\^2)?(/s(\^2)?)?$")
_TIMES = ("smooth", "vote", "gap", "min")
_WORDS = ("when", "and", "or", "stay", *_TIMES)


@dataclass(frozen=True)
class Condition:
    """``quantity < value unit`` or ``quantity < other quantity``."""

    quantity: str
    compare: str
    value: float | str
    unit: str = ""

    @property
    def quantities(self) -> set[str]:
        """Names that must be in the table."""
        return {self.quantity} | ({self.value} if isinstance(self.value, str) else set())

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.quantity} {self.compare} {value} {self.unit}".rstrip()


@dataclass(frozen=True)
class Rule:
    """One behaviour.

    Attributes
    ----------
    name : str
    when : tuple of tuple of Condition
        Alternatives; the conditions of one hold together.
    stay : tuple of Condition
        What keeps a bout going; empty = the same as `when`.
    smooth_s, vote_s, gap_s, min_s : float
        Seconds.
    """

    name: str
    when: tuple[tuple[Condition, ...], ...]
    stay: tuple[Condition, ...] = ()
    smooth_s: float = 0.0
    vote_s: float = 0.0
    gap_s: float = 0.0
    min_s: float = 0.0

    def __str__(self) -> str:
        lines = [f"{self.name}:"]
        for a, alternative in enumerate(self.when):
            words = ["when" if a == 0 else "or", *["and"] * (len(alternative) - 1)]
            lines += [f"    {word:<6} {c}" for word, c in zip(words, alternative, strict=True)]
        lines += [f"    stay   {c}" for c in self.stay]
        lines += [f"    {word:<6} {getattr(self, f'{word}_s'):g} s" for word in _TIMES if getattr(self, f"{word}_s")]
        return "\n".join(lines)

    def usable(self, names: Sequence[str]) -> Rule | None:
        """Return the rule without alternatives that need unknown quantities; None when nothing is left."""
        have = set(names)

        def known(conditions: tuple[Condition, ...]) -> bool:
            return all(c.quantities <= have for c in conditions)

        left = tuple(a for a in self.when if known(a))
        if not left or not known(self.stay):
            return None
        return Rule(self.name, left, self.stay, self.smooth_s, self.vote_s, self.gap_s, self.min_s)


@dataclass
class _Draft:
    name: str
    line: int
    when: list[list[Condition]] = field(default_factory=list)
    stay: list[Condition] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)


def parse(text: str, known: Sequence[str] | None = None) -> list[Rule]:
    """Read rules from text.

    Parameters
    ----------
    text : str
    known : sequence of str, optional
        Quantities there are; others are a fault, with near names.

    Raises
    ------
    DataError
        Every line that cannot be read, with its number.
    """
    faults = Faults("rules")
    drafts: list[_Draft] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if not line:
            continue
        where = f"line {number}"
        if line.endswith(":"):
            drafts.append(_Draft(line[:-1].strip(), number))
            if not drafts[-1].name:
                faults.add("a behaviour without a name", where=where, todo="write 'freezing:'")
        elif not drafts:
            faults.add("a condition before the first behaviour", where=where, got=line, todo="begin with 'freezing:'")
        else:
            _read_line(line, drafts[-1], where, faults)
    for name in sorted({d.name for d in drafts if [e.name for e in drafts].count(d.name) > 1}):
        faults.add(f"'{name}' is there more than once", todo="join them with 'or'")
    for draft in drafts:
        if not any(draft.when):
            faults.add(f"'{draft.name}' has no condition", where=f"line {draft.line}", todo="add 'when …'")
    if not drafts and not faults:
        faults.add("no rules", expected="at least one behaviour", todo="write 'freezing:' and below it 'when …'")
    if known is not None:
        conditions = [c for d in drafts for part in (*d.when, d.stay) for c in part]
        used = {q for c in conditions for q in c.quantities}
        for name in sorted(used - set(known)):
            faults.add(f"no quantity '{name}'", todo=did_you_mean(name, known))
    faults.raise_if_any()
    return [
        Rule(d.name, tuple(map(tuple, d.when)), tuple(d.stay), **{f"{k}_s": v for k, v in d.times.items()})
        for d in drafts
    ]


def _read_line(line: str, draft: _Draft, where: str, faults: Faults) -> None:
    word, _, rest = line.partition(" ")
    word, rest = word.lower(), rest.strip()
    if word in _TIMES:
        match = re.fullmatch(r"([0-9.]+)\s*(s|ms)?", rest)
        try:
            draft.times[word] = float(match[1]) / (1000 if match[2] == "ms" else 1)  # type: ignore[index]
        except (TypeError, ValueError):
            faults.add(f"'{word}' needs a time", where=where, expected=f"{word} 0.5 s", got=rest or "nothing")
        return
    if word not in _WORDS:
        faults.add(f"cannot begin with '{word}'", where=where, todo=did_you_mean(word, _WORDS))
        return
    match = _CONDITION.match(rest)
    if not match:
        faults.add("not a condition", where=where, expected=f"{word} speed_body < 1 cm/s", got=rest or "nothing")
        return
    quantity, compare, value, unit = match.groups()
    try:
        condition = Condition(quantity, compare, float(value), unit or "")
        if unit and not _UNIT.match(unit) and unit not in ("%", "s"):
            faults.add(f"unknown unit '{unit}'", where=where, expected="mm, cm, bl, deg, rad, also per s; s", got=unit)
    except ValueError:
        condition = Condition(quantity, compare, value)
        if unit or not value.isidentifier():
            faults.add("the right side is neither a number nor a quantity", where=where, got=f"{value} {unit or ''}")
    if word == "stay":
        draft.stay.append(condition)
    elif word == "and" and draft.when:
        draft.when[-1].append(condition)
    elif word == "when" and draft.when:
        faults.add("a second 'when'", where=where, todo="use 'and' or 'or'")
    else:
        draft.when.append([condition])


def in_unit(value: float, unit: str, wanted: str, body_length_cm: float) -> float:
    """Convert a number between units; body lengths (``bl``) by `body_length_cm`.

    Raises
    ------
    DataError
        When the two are not the same kind of quantity.
    """
    if unit == "%":
        value, unit = value / 100, ""
    if (unit or "1") == (wanted or "1"):
        return value
    scale = {"mm": 0.1, "cm": 1.0, "m": 100.0, "bl": body_length_cm, "deg": np.pi / 180, "rad": 1.0}
    a, b = _UNIT.match(unit), _UNIT.match(wanted)
    angle = ("deg", "rad")
    if not a or not b or a[3] != b[3] or a[2] != b[2] or (a[1] in angle) != (b[1] in angle):
        fail("rules", "the units do not fit", expected=wanted or "no unit", got=unit or "no unit")
    return value * (scale[a[1]] / scale[b[1]]) ** (2 if a[2] else 1)


def evaluate(rules: Sequence[Rule], table: xr.DataArray, *, body_length_cm: float, individual: str) -> xr.DataArray:
    """Apply rules to one animal's quantities.

    Parameters
    ----------
    rules : sequence of Rule
        Whose quantities are all in the table (see `Rule.usable`).
    table : DataArray (time, feature)
        With coordinate ``unit``; NaN = unknown.
    body_length_cm : float
        Length of a body in cm, where rule and table do not use the same unit.
    individual : str

    Returns
    -------
    DataArray (time, individual, behaviour)
        1, 0, and −1 where the quantities that decide are missing: unknown is not absent.
    """
    time = table["time"].values
    units = dict(zip(map(str, table["feature"].values), map(str, table["unit"].values), strict=True))
    column = {str(name): i for i, name in enumerate(table["feature"].values)}
    out = np.full((time.size, 1, len(rules)), UNLABELLED, np.int8)
    for r, rule in enumerate(rules):
        data = {q: np.asarray(table.values[:, column[q]], np.float64) for q in _used(rule)}
        if rule.smooth_s:
            data = {q: _smoothed(x, time, rule.smooth_s) for q, x in data.items()}

        def holds(conditions: Sequence[Condition], data: dict = data, rule: Rule = rule) -> np.ndarray:
            return _all([_holds(c, data, units, body_length_cm, rule.name) for c in conditions])

        state = _any([holds(a) for a in rule.when])
        out[:, 0, r] = _kept_up(state, holds(rule.stay), time) if rule.stay else state
    states = make_states(out, time, [r.name for r in rules], [individual], source="rules")
    return _in_bouts(states, rules)


def _in_bouts(states: xr.DataArray, rules: Sequence[Rule]) -> xr.DataArray:
    out = states.copy()
    for r, rule in enumerate(rules):
        one = states.sel(behaviour=[rule.name])
        one = smooth.majority(one, rule.vote_s / 2) if rule.vote_s else one
        one = smooth.close_gaps(one, rule.gap_s) if rule.gap_s else one
        one = smooth.min_bout(one, rule.min_s) if rule.min_s else one
        out.values[:, :, r] = one.values[:, :, 0]
    return out


def _used(rule: Rule) -> set[str]:
    return {q for c in [*(c for a in rule.when for c in a), *rule.stay] for q in c.quantities}


def _smoothed(x: np.ndarray, time: np.ndarray, window_s: float) -> np.ndarray:
    out = np.full(x.shape, np.nan)
    for start, stop, rate in even_parts(time):
        half = smooth.n_samples(window_s / 2, rate)
        for a, b in runs_within(np.isfinite(x[start:stop]), segments(time[start:stop])):
            out[start + a : start + b] = kernels.mean_1d(x[start + a : start + b], half)
    return out


def _holds(c: Condition, data: dict[str, np.ndarray], units: dict[str, str], body_cm: float, name: str) -> np.ndarray:
    left = data[c.quantity]
    try:
        if isinstance(c.value, str):
            right = data[c.value] * in_unit(1.0, units[c.value], units[c.quantity], body_cm)
        else:
            right = np.full(left.shape, in_unit(c.value, c.unit, units[c.quantity], body_cm))
    except DataError as exc:
        fail(f"rule '{name}'", str(exc), where=str(c), todo=f"'{c.quantity}' is in {units[c.quantity]}")
    held = _COMPARE[c.compare](left, right).astype(np.int8)
    held[np.isnan(left) | np.isnan(right)] = UNLABELLED
    return held


def _all(parts: Sequence[np.ndarray]) -> np.ndarray:
    """And: one that fails decides, unknown otherwise."""
    stack = np.stack(parts)
    return np.where((stack == 0).any(0), 0, np.where((stack < 0).any(0), UNLABELLED, 1)).astype(np.int8)


def _any(parts: Sequence[np.ndarray]) -> np.ndarray:
    stack = np.stack(parts)
    return np.where((stack == 1).any(0), 1, np.where((stack < 0).any(0), UNLABELLED, 0)).astype(np.int8)


def _kept_up(start: np.ndarray, stay: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Bouts of `stay` that hold `start` somewhere."""
    level = np.maximum(2 * (start == 1), stay == 1).astype(np.float64)
    unknown = (start < 0) | ((stay < 0) & (start != 1))
    out = np.full(start.shape, UNLABELLED, np.int8)
    for a, b in runs_within(~unknown, segments(time)):
        out[a:b] = kernels.hysteresis_1d(level[a:b], 2.0, 1.0)
    return out


__all__ = ["Condition", "Rule", "evaluate", "in_unit", "parse"]
