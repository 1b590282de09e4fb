"""Rules: grammar, units, three-valued logic, timing, and errors that help."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from murid.data.errors import DataError
from murid.ethogram.rules import evaluate, in_unit, parse

TEXT = """
# a comment
still:
    when   speed < 1 cm/s      # slow
    and    turn < 30 deg/s
    or     speed < 2 mm/s
    stay   speed < 2 cm/s
    smooth 0.1 s
    gap    200 ms
    min    0.5 s
"""


def table(fps=10.0, **columns):
    units = {"speed": "cm/s", "turn": "rad/s", "near": "cm", "far": "cm", "share": "1"}
    names = list(columns)
    values = np.stack([np.asarray(v, float) for v in columns.values()], axis=1)
    return xr.DataArray(
        values,
        dims=("time", "feature"),
        coords={"time": np.arange(len(values)) / fps, "feature": names, "unit": ("feature", [units[n] for n in names])},
    )


def told(text, body_length_cm=8.5, **columns):
    states = evaluate(parse(text), table(**columns), body_length_cm=body_length_cm, individual="m")
    return states.values[:, 0, 0].tolist()


def test_text_round_trip():
    (rule,) = parse(TEXT)
    assert (rule.name, len(rule.when), rule.gap_s, rule.min_s, rule.smooth_s) == ("still", 2, 0.2, 0.5, 0.1)
    assert parse(str(rule)) == [rule]


def test_and_or_and_quantities():
    assert told("a:\n when near < far\n and speed > 1 cm/s", near=[1, 2, 3], far=[2, 2, 4], speed=[2, 2, 0]) == [
        1,
        0,
        0,
    ]
    assert told("a:\n when speed < 1 cm/s\n or near < 1 cm", speed=[0, 2, 2], near=[9, 0, 9]) == [1, 1, 0]


def test_units_are_converted():
    assert told("a:\n when speed < 5 mm/s", speed=[0.4, 0.6]) == [1, 0]
    assert told("a:\n when turn < 180 deg/s", turn=[3.1, 3.2]) == [1, 0]
    assert told("a:\n when near < 0.5 bl", body_length_cm=10, near=[4.9, 5.1]) == [1, 0]
    assert told("a:\n when share > 50 %", share=[0.6, 0.4]) == [1, 0]
    assert in_unit(2.0, "cm^2", "mm^2", 8.5) == pytest.approx(200)


def test_unknown_is_not_absent():
    nan = np.nan
    text = "a:\n when speed < 1 cm/s\n and near < 1 cm"
    assert told(text, speed=[0, 0, 9, nan], near=[0, nan, nan, 9]) == [1, -1, 0, 0]
    either = "a:\n when speed < 1 cm/s\n or near < 1 cm"
    assert told(either, speed=[nan, nan], near=[0, 9]) == [1, -1]


def test_hysteresis_gap_and_minimum():
    stay = "a:\n when speed < 1 cm/s\n stay speed < 3 cm/s"
    assert told(stay, speed=[2, 0, 2, 4, 2, 2]) == [1, 1, 1, 0, 0, 0]
    speed = [0, 0, 0, 9, 0, 0, 0, 9, 9, 9, 0, 9]
    assert told("a:\n when speed < 1 cm/s\n gap 0.2 s\n min 0.3 s", speed=speed) == [1] * 7 + [0] * 5


def test_alternatives_without_their_quantity_are_dropped():
    (rule,) = parse("a:\n when speed < 1 cm/s\n or height < 1 cm")
    assert len(rule.usable(["speed"]).when) == 1
    assert rule.usable(["near"]) is None
    (strict,) = parse("a:\n when speed < 1 cm/s\n stay height < 1 cm")
    assert strict.usable(["speed"]) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when speed < 1 cm/s", "line 1: a condition before the first behaviour"),
        ("a:\n whenn speed < 1 cm/s", "line 2: cannot begin with 'whenn'; -> did you mean 'when'"),
        ("a:\n when speed 1 cm/s", "line 2: not a condition"),
        ("a:\n when speed < 1 furlong", "unknown unit 'furlong'"),
        ("a:\n min soon", "'min' needs a time; expected min 0.5 s, got soon"),
        ("a:\n", "'a' has no condition"),
        ("a:\n when x < 1\n when x > 2", "a second 'when'"),
        ("a:\n when x < 1\na:\n when x > 2", "'a' is there more than once"),
        ("# nothing", "no rules"),
    ],
)
def test_mistakes_are_named_with_their_line(text, says):
    with pytest.raises(DataError) as caught:
        parse(text)
    assert says in str(caught.value).replace("\n", " ")


def test_all_mistakes_at_once_and_near_names():
    with pytest.raises(DataError, match="2 faults"):
        parse("a:\n when speed < 1 cm/s\n min soon\n vote later")
    with pytest.raises(DataError, match="did you mean 'speed'"):
        parse("a:\n when sped < 1 cm/s", known=["speed", "near"])


def test_wrong_kind_of_unit_names_rule_and_condition():
    with pytest.raises(DataError, match=r"rule 'a': speed < 1 cm.*expected cm/s, got cm"):
        told("a:\n when speed < 1 cm", speed=[1, 2])


def test_steps_are_taken_in_the_order_of_the_page():
    """Vote, gap and min together are each of them after the other, and not in another order."""

    def alone(step, here):
        return np.array(told(f"a:\n when speed < 1 cm/s\n {step}", speed=9.0 * (1 - np.asarray(here))))

    vote, gap, least = "vote 0.5 s", "gap 0.3 s", "min 0.6 s"
    differ = set()
    for seed in range(20):
        raw = (np.random.default_rng(seed).random(60) < 0.5).astype(int)
        together = told(f"a:\n when speed < 1 cm/s\n {least}\n {gap}\n {vote}", speed=9.0 * (1 - raw))
        np.testing.assert_array_equal(together, alone(least, alone(gap, alone(vote, raw))))
        for name, other in (
            ("vote last", alone(vote, alone(least, alone(gap, raw)))),
            ("min before gap", alone(gap, alone(least, alone(vote, raw)))),
        ):
            if not np.array_equal(other, together):
                differ.add(name)
    assert differ == {"vote last", "min before gap"}
