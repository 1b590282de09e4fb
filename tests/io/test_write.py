"""Round trips: what is written reads back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import murid.io as io
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.poses import make_poses

FAST = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.sampled_from(["rear", "groom", "freeze"])


@st.composite
def poses(draw):
    n, k, i = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    numbers = st.floats(-1e4, 1e4, width=32) | st.just(float("nan"))
    position = draw(hnp.arrays(np.float32, (n, 2, k, i), elements=numbers))
    position[(position == 0).all(axis=1)[:, None].repeat(2, axis=1)] = (
        2.5  # (0, 0) px is how trackers write "not found"
    )
    position[0, :, 0, 0] = 1.5  # at least one point is seen
    confidence = draw(hnp.arrays(np.float32, (n, k, i), elements=st.floats(0.125, 1, width=32)))
    start = draw(st.integers(0, 1000))
    frames = np.arange(start, start + n)
    return make_poses(
        position,
        confidence,
        keypoints=[f"k {j}" for j in range(k)],
        frames=frames,
        time_s=frames / 25,
        individuals=["individual_0"] if i == 1 else [f"m{j}" for j in range(i)],
    )


@FAST
@given(truth=poses())
def test_dlc_round_trip(truth, tmp_path):
    path = io.write_poses_dlc(truth, tmp_path / "a.csv")
    again = io.read_poses(path, fps=25)
    for name in ("position", "confidence"):
        np.testing.assert_array_equal(again[name].values, truth[name].values)
    for name in ("keypoint", "individual", "frame", "time"):
        assert again[name].values.tolist() == truth[name].values.tolist()


@settings(FAST, max_examples=8)
@given(truth=poses(), plural=st.booleans())
def test_movement_round_trip(truth, plural, tmp_path):
    there = io.to_movement(truth, plural=plural)
    assert ("keypoints" in there.dims) == plural
    np.testing.assert_array_equal(io.from_movement(there)["position"].values, truth["position"].values)
    path = tmp_path / "a.nc"
    path.unlink(missing_ok=True)
    there.to_netcdf(path, engine="h5netcdf")
    np.testing.assert_array_equal(io.read_poses(path)["position"].values, truth["position"].values)


@FAST
@given(
    rows=st.lists(
        st.tuples(st.floats(0, 1e4), st.floats(0, 1e3), WORDS, st.sampled_from(["all", "m1"])), min_size=1, max_size=8
    )
)
@pytest.mark.filterwarnings("ignore:.*the last label ends")
@pytest.mark.parametrize("format", ["bouts", "boris_aggregated"])
def test_seconds_round_trip(rows, format, tmp_path):
    table = pd.DataFrame(
        [(a, a + d, w, i) for a, d, w, i in rows], columns=["start_s", "stop_s", "label", "individual"]
    )
    labels = Labels.from_bouts(table, duration_s=2e4)
    again = io.read_labels(io.write_labels(labels, tmp_path / "a.csv", format=format), duration_s=2e4)
    columns = ["start_s", "stop_s", "label", "individual"]
    order = ["start_s", "stop_s", "label", "individual"]
    pd.testing.assert_frame_equal(
        again.bouts[columns].sort_values(order, ignore_index=True),
        labels.bouts[columns].sort_values(order, ignore_index=True),
        check_exact=True,
    )
    assert again.stop_s == labels.stop_s


@FAST
@given(
    lengths=st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from(["rear", "groom", "base"])), min_size=1, max_size=10
    ),
    fps=st.sampled_from([24.0, 25.0, 29.97, 30.0]),
)
def test_caltech_round_trip(lengths, fps, tmp_path):
    """Exclusive labels on frames survive the 1-based inclusive text, at any frame rate."""
    edges = np.concatenate([[0], np.cumsum([n for n, _ in lengths])])
    table = pd.DataFrame(
        {"start_s": edges[:-1] / fps, "stop_s": edges[1:] / fps, "label": [w for _, w in lengths], "stream": "S1"}
    )
    labels = Labels.from_bouts(table, exclusive=True, fps=fps, vocabulary=("base", "rear", "groom"))
    again = io.read_labels(io.write_labels(labels, tmp_path / "a.txt", format="caltech"), fps=fps)
    clock = np.arange(edges[-1]) / fps
    for word in set(labels.bouts["label"]):
        np.testing.assert_array_equal(
            again.to_states(clock, [word], others="negative").values,
            labels.to_states(clock, [word], others="negative").values,
        )
    assert set(again.vocabulary) == set(labels.vocabulary)


def test_caltech_gaps_become_base(tmp_path):
    labels = Labels.from_bouts(
        pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"]}), duration_s=3, fps=10
    )
    again = io.read_labels(io.write_labels(labels, tmp_path / "a.txt", format="caltech"), fps=10)
    assert again.bouts["label"].tolist() == ["base", "rear", "base"]
    assert again.stop_s == 3


def test_caltech_says_what_it_cannot_hold(tmp_path):
    bouts = pd.DataFrame(
        {"start_s": [0.0, 0.5], "stop_s": [1.0, 2.0], "label": ["rear up", "groom"], "individual": ["a", "b"]}
    )
    with pytest.raises(DataError) as error:
        io.write_labels(Labels.from_bouts(bouts), tmp_path / "a.txt", format="caltech")
    assert len(error.value.faults) == 3  # no fps, two animals, a label with a space
    overlap = Labels.from_bouts(bouts.assign(label=["rear", "groom"], individual="a"), fps=10)
    with pytest.raises(DataError, match=r"overlap"):
        io.write_labels(overlap, tmp_path / "a.txt", format="caltech")
    with pytest.raises(DataError, match=r"did you mean 'caltech'"):
        io.write_labels(overlap, tmp_path / "a.txt", format="caltec")


def test_boris_of_two_raters_is_refused(tmp_path):
    bouts = pd.DataFrame({"start_s": [0.0, 0.5], "stop_s": [1.0, 2.0], "label": "rear", "rater": ["a", "b"]})
    with pytest.raises(DataError, match=r"several raters.*select\(rater"):
        io.write_labels(Labels.from_bouts(bouts), tmp_path / "a.csv", format="boris_aggregated")


def test_dlc_has_no_third_axis(tmp_path):
    with pytest.raises(DataError, match=r"third axis"):
        io.write_poses_dlc(make_poses(np.ones((2, 3, 1, 1)), keypoints=["a"], fps=10), tmp_path / "a.csv")
