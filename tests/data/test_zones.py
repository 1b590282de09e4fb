"""Zones: shapes, kinds, JSON."""

import numpy as np
import pytest

import murid
from murid.data.errors import DataError


def test_json_round_trip():
    zones = murid.Zones(
        [
            murid.Zone("open_n", polygon=[[0, 0], [5, 0], [5, 30], [0, 30]], unit="cm", kind="open"),
            murid.Zone("hub", centre=(1.0, 2.0), radius=3.0),
        ],
        murid.EntryRule(keypoints=("nose", "centre"), hysteresis=1.0),
    )
    back = murid.Zones.from_json(zones.to_json())
    assert list(back) == ["open_n", "hub"]
    assert back.rule == zones.rule
    assert back["open_n"].area == pytest.approx(150)
    np.testing.assert_array_equal(back["open_n"].polygon, zones["open_n"].polygon)
    assert [z.name for z in back.of_kind("open")] == ["open_n"]


def test_faults():
    with pytest.raises(murid.DataError, match="either polygon"):
        murid.Zone("z")
    with pytest.raises(murid.DataError, match="at least 3 corners"):
        murid.Zone("z", polygon=[[0, 0], [1, 1]])
    with pytest.raises(murid.DataError, match="did you mean 'arena'"):
        murid.Zones([murid.Zone("arena", centre=(0, 0), radius=1)])["arenna"]
    with pytest.raises(murid.DataError, match="line 1"):
        murid.Zones.from_json("{oops")
    with pytest.raises(murid.DataError, match="zone 2"):
        murid.Zones.from_json('{"zones": [{"name": "a", "centre": [0, 0], "radius": 1}, {"name": "b"}]}')


READING_ORDER = np.array([[0, 0], [40, 0], [0, 40], [40, 40.0]])


def test_corners_in_reading_order_are_put_in_order():
    """Top left, top right, bottom left, bottom right made a bow-tie of area 0."""
    with pytest.warns(UserWarning, match="crossed itself"):
        zone = murid.Zone("arena", polygon=READING_ORDER)
    assert zone.area == 1600


def test_a_crossing_border_that_is_not_convex_is_refused():
    star = np.array([[0, 0], [10, 10], [10, 0], [0, 10], [5, 2.0]])
    with pytest.raises(DataError, match="crosses itself"):
        murid.Zone("star", polygon=star)


def test_concave_and_clockwise_borders_stay_as_they_are():
    maze = np.array([[0, 0], [30, 0], [30, 10], [10, 10], [10, 30], [0, 30.0]])
    for corners in (maze, maze[::-1]):
        np.testing.assert_array_equal(murid.Zone("maze", polygon=corners).polygon, corners)


def test_two_zones_of_one_name_are_an_error():
    """The second arm called 'open' replaced the first."""
    arms = [murid.Zone("open", centre=(x, 0), radius=1, kind="open") for x in (0, 9)]
    with pytest.raises(DataError, match=r"open \(2 times\)"):
        murid.Zones(arms)
    text = '{"zones":[{"name":"a","centre":[0,0],"radius":1},{"name":"a","centre":[9,9],"radius":1}]}'
    with pytest.raises(DataError, match="2 zones are called 'a'"):
        murid.Zones.from_json(text)


def test_unknown_unit_is_an_error():
    with pytest.raises(DataError, match="px or cm or mm"):
        murid.Zone("a", centre=(0, 0), radius=1, unit="inch")
