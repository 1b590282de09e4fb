"""Parameters are declared once and refuse nonsense with one helpful error."""

import pytest

import murid
from murid.data.errors import MissingExtraError, ParameterError, nearest_names, require
from murid.data.params import Params, param


class Example(Params):
    window_s: float = param(0.2, unit="s", why="short", gt=0)
    k: int = param(3, ge=1)


def test_all_faults_with_near_misses():
    with pytest.raises(ParameterError) as error:
        Example(windw_s=1, k=0)
    assert len(error.value.faults) == 2
    assert "did you mean 'window_s'" in str(error.value)


def test_frozen_and_replaced():
    example = Example()
    with pytest.raises(Exception, match="frozen"):
        example.k = 4
    assert example.replace(k=4).k == 4
    with pytest.raises(ParameterError):
        example.replace(k=-1)


def test_table_feeds_help():
    row = Example.table()[0]
    assert (row["name"], row["unit"], row["default"], row["why"]) == ("window_s", "s", "0.2", "short")


def test_missing_extra_names_the_install_line():
    with pytest.raises(MissingExtraError, match=r"pip install 'murid\[nets\]'"):
        require("no_such_module_xyz", "nets")


def test_nearest_ignores_case():
    assert nearest_names("Nose", ["nose", "tail"]) == ["nose"]


def test_errors_are_value_errors_too():
    assert issubclass(murid.DataError, ValueError)


def test_one_value_is_taken_where_several_may_be_given():
    class Arena(Params):
        arena_cm: tuple[float, ...] | None = param(None, why="a")
        names: tuple[str, ...] = param((), why="n")
        rate: float | tuple[float, ...] = param(1.0, why="r")

    found = Arena(arena_cm=42, names="centre", rate=2.0)
    assert (found.arena_cm, found.names, found.rate) == ((42.0,), ("centre",), 2.0)
    assert Arena(arena_cm=None, names=["a", "b"]).names == ("a", "b")
    with pytest.raises(ParameterError, match="arena_cm"):
        Arena(arena_cm="wide")
