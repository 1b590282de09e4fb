"""Studies: the planted effect is there, is reported, and no effect means none."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError


def share(recording, name):
    states = simulate.true_states(recording)
    names = states.attrs["behaviours"]
    return float((states.values == names.index(name)).mean()) if name in names else 0.0


def centre_share(recording):
    at = recording.poses["position"].sel(keypoint="centre").values[..., 0]
    corners = recording.zones["centre"].polygon
    return float(((at > corners.min(axis=0)) & (at < corners.max(axis=0))).all(axis=1).mean())


@pytest.fixture(scope="module")
def study():
    return simulate.study(5, duration_s=300, fps=10, seed=2)


def test_planted_effect_is_there(study):
    recordings, effect = study
    assert [r.group for r in recordings] == ["control"] * 5 + ["stressed"] * 5
    assert len({r.animal for r in recordings}) == 10
    assert effect.factors["stressed"]["freeze"] > 1 > effect.factors["stressed"]["centre"]
    assert effect.factors["control"] == {}
    by_group = {g: [r for r in recordings if r.group == g] for g in effect.groups}
    for measure, sign in ((lambda r: share(r, "freeze"), 1), (centre_share, -1), (lambda r: share(r, "rear"), -1)):
        control, stressed = ([measure(r) for r in by_group[g]] for g in ("control", "stressed"))
        assert sign * (np.mean(stressed) - np.mean(control)) > 0
    assert np.mean([share(r, "freeze") for r in by_group["stressed"]]) > 0.08


def test_more_animals_leave_the_first_ones_alone(study):
    few, effect = simulate.study(2, duration_s=300, fps=10, seed=2)
    many = {r.id: r for r in study[0]}
    for recording in few:
        np.testing.assert_array_equal(recording.poses["position"].values, many[recording.id].poses["position"].values)
        assert effect.animals[recording.animal] == study[1].animals[recording.animal]


def test_no_effect():
    recordings, effect = simulate.study(1, effect={}, duration_s=10)
    assert effect.factors == {"control": {}, "stressed": {}}
    assert len(recordings) == 2


def test_effects_by_group_and_their_faults():
    _, effect = simulate.study(1, ("a", "b", "c"), {"b": {"groom": 2}, "c": {"groom": 3}}, duration_s=5)
    assert [effect.factors[g].get("groom") for g in "abc"] == [None, 2, 3]
    with pytest.raises(DataError) as error:
        simulate.study(0, effect={"grooom": 2, "freeze": -1})
    assert len(error.value.faults) == 3
