"""Every function of `murid.plot` draws what its stored picture shows, and writes what it must.

Pictures lie in ``baseline/``. After a change that is meant: ``make pictures``, look at each, commit them.
"""

from __future__ import annotations

import matplotlib as mpl
import pytest
from matplotlib import pyplot

import murid.plot
from tests.plot.pictures import (
    animals,
    exclusive,
    overlapping,
    picture,
    responses,
    selectivity,
    spiral,
    words_of,
)

TWO = {"control": [9.0, 10, 11, 12, 13.5], "drug": [19.0, 20, 21.5, 22, 23]}
THREE = {**TWO, "sham": [1.0, 4.0, 4.1]}


@pytest.fixture(autouse=True)
def _closed():
    """Draw without a screen, and leave no figure behind."""
    mpl.use("Agg")
    yield
    pyplot.close("all")


@picture
def test_trajectory():
    return murid.plot.trajectory(spiral())


@picture
def test_trajectory_without_zones_in_pixels():
    recording = spiral()
    recording.poses.attrs.pop("px_per_cm")
    return murid.plot.trajectory(recording, zones=False, colour="#b5541c")


@picture
def test_ethogram():
    return murid.plot.ethogram(exclusive())


@picture
def test_ethogram_of_behaviours_that_overlap():
    return murid.plot.ethogram(overlapping(), colours={"chase": "#0072B2", "bite": "#D55E00"})


@picture
def test_estimation():
    return murid.plot.estimation(animals(TWO), "distance")


@picture
def test_estimation_of_three_groups():
    return murid.plot.estimation(animals(THREE), "distance", order=["sham", "control", "drug"])


@picture
def test_tuning():
    return murid.plot.tuning(selectivity())


@picture
def test_perievent():
    return murid.plot.perievent(responses()[0], "u2")


@picture
def test_perievent_with_band():
    response, band = responses()
    return murid.plot.perievent(response, band=band, colour="#b5541c")


def test_words():
    """Words are no part of the pictures: they are read."""
    response, band = responses()
    drawn = {
        "trajectory": murid.plot.trajectory(spiral()),
        "ethogram": murid.plot.ethogram(exclusive()),
        "overlap": murid.plot.ethogram(overlapping()),
        "estimation": murid.plot.estimation(animals(TWO), "distance", label="distance (m)"),
        "tuning": murid.plot.tuning(selectivity()),
        "perievent": murid.plot.perievent(response, band=band, label="ΔF/F"),
    }
    assert {name: words_of(ax.figure) for name, ax in drawn.items()} == {
        "trajectory": ["10 cm", "m1"],
        "ethogram": ["time (min)", "a", "b", "rest", "groom", "other", "not scored"],
        "overlap": ["time (min)", "chase", "bite", "not scored"],
        "estimation": [
            "Hedges g = 5.4, p = 0.0079",
            "control\nn = 5",
            "drug\nn = 5",
            "difference\n(95 % interval)",
            "distance (m)",
            "distance",
        ],
        "tuning": ["rest", "groom", "rear", "units (n = 4)", "u0", "u2", "u1", "u3", "selectivity (2 AUROC − 1)"],
        "perievent": ["time from the event (s)", "ΔF/F", "u1, n = 3 events"],
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("trajectory", lambda: (spiral(),)),
        ("ethogram", lambda: (exclusive(),)),
        ("estimation", lambda: (animals(TWO), "distance")),
        ("tuning", lambda: (selectivity(),)),
        ("perievent", lambda: (responses()[0],)),
    ],
)
def test_it_draws_into_the_axes_given_and_leaves_settings_alone(name, values):
    before = dict(mpl.rcParams)
    ax = pyplot.figure().add_subplot()
    assert getattr(murid.plot, name)(*values(), ax=ax) is ax
    assert dict(mpl.rcParams) == before
