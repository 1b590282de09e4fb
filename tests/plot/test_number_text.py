"""Numbers and colours as people read them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murid.plot import colours
from murid.plot.number_text import count, listed, natural, number, p_value, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23456, "1.23"),
        (1234.5, "1 230"),
        (0.001234, "0.00123"),
        (0.0000123, "1.23e−05"),
        (-0.5, "−0.5"),
        (0.0, "0"),
        (float("nan"), "–"),
        (None, "–"),
        ("nan", "–"),
        ("", "–"),
        (12, "12"),
        (123456, "123 456"),
        (True, "yes"),
        (999.9, "1 000"),
        (float("inf"), "∞"),
        (9.999, "10"),
        (np.float32(2.5), "2.5"),
    ],
)
def test_number(value, text):
    assert number(value).replace("\N{NO-BREAK SPACE}", " ") == text


@given(st.floats(1e-4, 1e9) | st.floats(-1e9, -1e-4))
def test_three_digits_are_kept(value):
    back = float(number(value).replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace("−", "-"))
    assert math.isclose(back, value, rel_tol=5.1e-3)


def test_p_values():
    assert p_value(0.03247) == "p = 0.032"
    assert p_value(1e-6) == "p < 0.0001"
    assert p_value(float("nan")) == "p –"


def test_lists():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed("abc") == "a, b and c"
    assert listed(range(10), 4) == "0, 1, 2 and 7 more"
    assert count(1, "animal") == "1 animal"
    assert count(2, "study", "studies") == "2 studies"
    assert sorted(["m_10", "m_9", "m_1"], key=natural) == ["m_1", "m_9", "m_10"]


@given(st.text(min_size=1, max_size=60), st.integers(8, 30))
def test_short_fits(name, length):
    assert len(short(name, length)) <= max(length, 8)


def test_behaviour_and_group_colours_differ():
    behaviours = colours.colours_of(f"b{k}" for k in range(16))
    assert len(set(behaviours.values())) == 16
    assert not set(behaviours.values()) & set(colours.GROUPS)
    assert colours.colours_of(["none", "rear"])["none"] == colours.NONE
    assert colours.colours_of(["none", "rear"])["rear"].lower() == colours.BEHAVIOURS[0].lower()


def test_more_than_the_palette_stays_distinct():
    many = colours.colours_of(f"b{k}" for k in range(32))
    assert len(set(many.values())) == 32


def test_text_has_contrast():
    for text in (colours.INK, colours.GREY, colours.ACCENT, colours.WARN, *colours.GROUPS):
        assert colours.contrast(text, "#ffffff") >= 4.5, text
    for back in colours.BEHAVIOURS:
        assert colours.contrast(colours.text_on(back), back) >= 4.0


def test_page_colours_have_contrast():
    from importlib.resources import files

    css = (files("murid.report") / "templates" / "style.css").read_text()
    declared = dict(
        part.strip().split(": ") for part in css[css.index("{") + 1 : css.index("}")].split(";") if part.strip()
    )
    for name in ("--ink", "--soft", "--accent", "--warn"):
        for back in ("--paper", "--wash"):
            assert colours.contrast(declared[name], declared[back]) >= 4.5, (name, back)
