"""Zones: shapes, kinds, JSON."""

import numpy as np
import pytest

import murid


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
