from typing import Literal

import pytest

from murid.cli.options import items, pick_recordings, read_params
from murid.data.errors import DataError, ParameterError
from murid.data.params import Params, param


class Inner(Params):
    window_s: float = param(0.2, gt=0, why="w")
    fill: str = param("pchip", why="f")


class Outer(Params):
    n: int = param(3, ge=1, why="n")
    names: tuple[str, ...] | None = param(None, why="names")
    spans: tuple[float, ...] = param((1.0,), why="spans")
    on: bool = param(True, why="on")
    inner: Inner = Inner(fill="none")
    maybe: Inner | None = param(None, why="maybe")
    how: Literal["none", "median"] | None = param("median", why="how")


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ([], {}),
        (["n=5", "on=false"], {"n": 5, "on": False}),
        (["names=a,b"], {"names": ["a", "b"]}),
        (["names=rear"], {"names": ["rear"]}),
        (["names=none"], {"names": None}),
        (["spans=0.1,2"], {"spans": [0.1, 2]}),
        (["spans=[0.5]"], {"spans": [0.5]}),
        (["inner.window_s=0.4"], {"inner": {"window_s": 0.4, "fill": "none"}}),
        (["maybe.window_s=0.4"], {"maybe": {"window_s": 0.4}}),
        (["how=none"], {"how": "none"}),
    ],
)
def test_text_becomes_values(texts, values):
    assert read_params(Outer, texts) == values


def test_every_mistake_is_named_at_once():
    with pytest.raises(ParameterError) as error:
        read_params(Outer, ["m=5", "n", "inner.windows=1", "n.x=1"])
    text = str(error.value)
    assert "'m'" in text
    assert "key=value" in text
    assert "did you mean 'window_s'" in text
    assert "has no parts" in text
    with pytest.raises(ParameterError, match="greater than or equal to 1"):
        read_params(Outer, ["n=0"])


def test_items():
    assert items(None) is None
    assert items([]) is None
    assert items(["a, b", "c,"]) == ["a", "b", "c"]


class FakeStudy:
    ids = ["1", "2", "10", "m1", "m2_a", "3-4"]


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (None, None),
        (["m1"], ["m1"]),
        (["1-9"], ["1", "2"]),
        (["2-10"], ["2", "10"]),
        (["3-4"], ["3-4"]),
        (["m*", "2"], ["2", "m1", "m2_a"]),
        (["10,1"], ["1", "10"]),
    ],
)
def test_recordings_are_picked_in_the_studys_order(texts, ids):
    assert pick_recordings(FakeStudy(), texts) == ids


def test_what_fits_nothing_is_named():
    with pytest.raises(DataError, match=r"no recording 'x\*'"):
        pick_recordings(FakeStudy(), ["x*"])
