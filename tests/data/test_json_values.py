"""One way to write JSON: NaN is null, numpy and parameters are plain values."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import murid
from murid.data.json_values import to_json, to_plain
from murid.data.params import Params, param


class Knobs(Params):
    width_s: float = param(1.0, unit="s", why="a test")


@dataclass(frozen=True)
class Pair:
    low: float
    high: np.ndarray


def test_missing_numbers_are_null_never_the_text_nan():
    text = to_json({"auc": float("nan"), "peak": np.float32("inf"), "x": np.array([1.0, np.nan])})
    assert json.loads(text) == {"auc": None, "peak": None, "x": [1.0, None]}


def test_fingerprints_keep_nan_infinity_and_none_apart():
    assert to_plain([float("nan"), np.inf, None], nonfinite="text") == ["nan", "inf", None]


def test_numpy_paths_sets_dataclasses_and_parameters_are_plain():
    value = {1: np.int64(3), "p": Path("a/b"), "s": {2, 1}, "t": (True, None), "k": Knobs(), "d": Pair(0, np.arange(2))}
    assert to_plain(value) == {
        "1": 3,
        "p": "a/b",
        "s": [1, 2],
        "t": [True, None],
        "k": {"width_s": 1.0},
        "d": {"low": 0, "high": [0, 1]},
    }


def test_text_of_any_script_stays_readable():
    assert to_json({"name": "Мышь"}) == '{"name": "Мышь"}'


def test_what_has_no_plain_value_is_refused():
    with pytest.raises(murid.DataError, match="cannot be written as JSON"):
        to_plain(object())
