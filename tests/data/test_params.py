"""Parameters are declared once and refuse nonsense with one helpful error."""

import pytest

import murid
from murid.data.errors import MissingExtraError, ParameterError, nearest, require
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
    assert nearest("Nose", ["nose", "tail"]) == ["nose"]


def test_errors_are_value_errors_too():
    assert issubclass(murid.DataError, ValueError)
