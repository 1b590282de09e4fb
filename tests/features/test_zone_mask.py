"""Zone masks: geometry against shapely, and every clause of the entry rule."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.clock import spans
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.geometry import hull_areas, signed_depth
from murid.features.zone_mask import zone_masks

BOX = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
PLAIN = dict(fill_gap_s=0.0, min_visit_s=0.0)


def _poses(x, *, keypoints=("centre",), y=5.0, fps=10.0, **attrs):
    """Animals on the line y = 5; `x` has shape (time,) or (time, keypoint)."""
    x = np.asarray(x, float)
    x = x[:, None] if x.ndim == 1 else x
    xy = np.stack([x, np.where(np.isnan(x), np.nan, y)], axis=1)[..., None]
    return make_poses(xy, keypoints=keypoints, fps=fps, **{"unit": "cm", **attrs})


def _mask(x, rule: EntryRule, **options) -> list[int]:
    zones = Zones([Zone("box", polygon=BOX, unit="cm")], rule)
    return zone_masks(_poses(x, **options), zones)[:, 0, 0].values.tolist()


@settings(max_examples=30, deadline=None)
@given(
    corners=st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=8, unique=True),
    seed=st.integers(0, 1000),
)
def test_depth_equals_shapely(corners, seed) -> None:
    polygon = shapely.Polygon(corners)
    if not polygon.is_valid or polygon.area == 0:
        return
    points = np.random.default_rng(seed).uniform(-25, 25, (50, 2))
    depth = signed_depth(points[:, 0], points[:, 1], np.array(corners, float))
    shapes = shapely.points(points)
    np.testing.assert_allclose(np.abs(depth), shapely.distance(polygon.exterior, shapes), atol=1e-9)
    np.testing.assert_array_equal(depth > 0, shapely.contains(polygon, shapes))


def test_hull_equals_shapely() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(7, 2, 200)).astype(np.float32)
    points[:, :, ::5] = points[:, :, ::5].round()
    points[np.repeat(rng.random((7, 1, 200)) < 0.3, 2, axis=1)] = np.nan
    area = hull_areas(points)
    for t in range(200):
        seen = points[~np.isnan(points[:, 0, t]), :, t]
        expected = shapely.MultiPoint(seen).convex_hull.area if len(seen) >= 3 else np.nan
        np.testing.assert_allclose(area[t], expected, rtol=1e-4, atol=1e-6)


def test_border_belongs_to_the_zone_and_missing_is_unknown() -> None:
    assert _mask([-1, 0, 5, 10, 10.01, np.nan], EntryRule(**PLAIN)) == [0, 1, 1, 1, 0, -1]


def test_circle() -> None:
    zones = Zones([Zone("disc", centre=(0, 5), radius=2, unit="cm")], EntryRule(**PLAIN))
    assert zone_masks(_poses([0, 2, 2.1, -1]), zones)[:, 0, 0].values.tolist() == [1, 1, 0, 1]


def test_hysteresis_enters_deep_and_leaves_at_the_border() -> None:
    rule = EntryRule(hysteresis=2, **PLAIN)
    assert _mask([-1, 1, 2, 1, 0.5, -0.1, 1, 3], rule) == [0, 0, 1, 1, 1, 0, 0, 1]
    # Starting between border and depth: nothing was crossed, so inside is inside.
    assert _mask([1, 1, -1, 1], rule) == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("all", [1, 0, 0, 0, -1]), ("any", [1, 1, 0, -1, 1]), ("fraction", [1, 1, 0, -1, 1])],
)
def test_modes_with_missing_keypoints(mode, expected) -> None:
    n = np.nan
    x = [[5, 5, 5], [5, 5, -1], [-1, -1, -1], [n, n, -1], [5, 5, n]]
    rule = EntryRule(keypoints=("nose", "centre", "tail_base"), mode=mode, fraction=0.6, **PLAIN)
    assert _mask(x, rule, keypoints=("nose", "centre", "tail_base")) == expected


def test_gaps_are_closed_before_visits_are_dropped() -> None:
    i, o = 5.0, -5.0
    x = [o, i, o, i, o, o, o, i, o, i, i, i]
    assert _mask(x, EntryRule(fill_gap_s=0.2, min_visit_s=0.0)) == [0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    assert _mask(x, EntryRule(fill_gap_s=0.0, min_visit_s=0.2)) == [0] * 9 + [1] * 3
    # Three frames at 10 fps last 0.3 s: not shorter than 0.3 s, so they stay.
    assert _mask(x, EntryRule(fill_gap_s=0.2, min_visit_s=0.3)) == [0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    assert _mask(x, EntryRule(fill_gap_s=0.2, min_visit_s=0.4)) == [0] * 7 + [1] * 5


def test_unknown_is_never_silently_outside() -> None:
    i, o, n = 5.0, -5.0, np.nan
    rule = EntryRule(fill_gap_s=0.3, min_visit_s=0.0)
    assert _mask([i, n, n, i, n, n, n, i], rule) == [1, 1, 1, 1, -1, -1, -1, 1]
    assert _mask([o, n, o, o, n, i], rule) == [0, 0, 0, 0, -1, 1]
    assert _mask([i, n, o, i], rule) == [1, 1, 1, 1]
    assert _mask([o, i, n, n, n, n, o], EntryRule(fill_gap_s=0.2, min_visit_s=0.3)) == [0, -1, -1, -1, -1, -1, 0]


def test_roles_win_over_keypoints_and_are_made_from_others() -> None:
    # "centre" is an arena point here; the body centre is "bodycentre".
    x = [[50.0, 5.0], [50.0, -5.0]]
    assert _mask(x, EntryRule(**PLAIN), keypoints=("centre", "bodycentre")) == [1, 0]
    ears = [[4.0, 6.0, 30.0], [np.nan, 6.0, 30.0]]
    rule = EntryRule(keypoints=("head",), **PLAIN)
    assert _mask(ears, rule, keypoints=("earl", "earr", "tailbase")) == [1, -1]


def test_units_are_converted_or_refused() -> None:
    zones = Zones([Zone("box", polygon=BOX * 20, unit="px")], EntryRule(**PLAIN))
    assert zone_masks(_poses([5, 11], px_per_cm=20.0), zones)[:, 0, 0].values.tolist() == [1, 0]
    with pytest.raises(DataError, match="unit does not fit"):
        zone_masks(_poses([5, 11]), zones)


def test_unknown_keypoint_is_suggested() -> None:
    with pytest.raises(DataError, match="did you mean 'centre'"):
        _mask([1, 2], EntryRule(keypoints=("center",)))


def test_rule_travels_with_the_result() -> None:
    zones = Zones([Zone("box", polygon=BOX, unit="cm")], EntryRule(hysteresis=1.5))
    masks = zone_masks(_poses([1, 2]), zones)
    assert masks.attrs["rule"]["hysteresis"] == 1.5
    assert masks.dtype == np.int8
    assert masks.dims == ("time", "individual", "zone")


FILM = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])


def test_a_film_that_changes_its_rate_gives_the_true_time_in_a_zone() -> None:
    """20 s at 30 and 40 s at 15 frames/s, the animal inside in the second part: 40 s, not 20.4."""
    x = np.where(FILM < 20, 50.0, 5.0)
    poses = make_poses(
        np.stack([x, np.full_like(x, 5)], 1)[..., None, None], keypoints=["centre"], time_s=FILM, unit="cm"
    )
    inside = zone_masks(poses, Zones([Zone("box", polygon=BOX, unit="cm")])).values[:, 0, 0] == 1
    assert spans(FILM)[inside].sum() == pytest.approx(40)


@pytest.mark.parametrize("shortest", [0.4, 0.6])
def test_the_times_of_the_rule_are_times_at_every_rate(shortest: float) -> None:
    visit = ((FILM >= 5) & (FILM < 5.5 - 1e-9)) | ((FILM >= 30) & (FILM < 30.5 - 1e-9))
    for inside, rule in (
        (visit, EntryRule(min_visit_s=shortest, fill_gap_s=0)),
        (~visit, EntryRule(min_visit_s=0, fill_gap_s=shortest)),
    ):
        x = np.where(inside, 5.0, 50.0)
        poses = make_poses(np.stack([x, 0 * x + 5], 1)[..., None, None], keypoints=["centre"], time_s=FILM, unit="cm")
        got = zone_masks(poses, Zones([Zone("box", polygon=BOX, unit="cm")], rule)).values[:, 0, 0]
        np.testing.assert_array_equal(got == 1, inside if shortest < 0.5 else inside[0])


def test_a_visit_ends_at_a_pause() -> None:
    """The animal is taken out and put back 2 cm outside the hysteresis: inside is judged anew."""
    time = np.concatenate([np.arange(0, 10, 0.1), np.arange(70, 80, 0.1)])
    x = np.where(time < 30, 5.0, 9.5)
    poses = make_poses(np.stack([x, 0 * x + 5], 1)[..., None, None], keypoints=["centre"], time_s=time, unit="cm")
    rule = EntryRule(hysteresis=1.0, fill_gap_s=100.0, **{"min_visit_s": 0.0})
    x[100:150] = 15.0
    poses["position"].values[:, 0, 0, 0] = x
    got = zone_masks(poses, Zones([Zone("box", polygon=BOX, unit="cm")], rule)).values[:, 0, 0]
    assert got[:100].tolist() == [1] * 100
    assert got[100:150].tolist() == [0] * 50


@pytest.mark.parametrize("start", [0.0, 1.7e9, 3.8e9])
@pytest.mark.parametrize("fps", [30, 50, 120])
def test_visits_of_exactly_the_minimum_stay_at_any_start_of_the_clock(start: float, fps: int) -> None:
    x = np.full(4000, 50.0)
    for a in range(100, 3800, 200):
        x[a : a + fps // 2] = 5.0
    time = start + np.arange(4000) / fps
    poses = make_poses(np.stack([x, 0 * x + 5], 1)[..., None, None], keypoints=["centre"], time_s=time, unit="cm")
    rule = EntryRule(min_visit_s=0.5, fill_gap_s=0)
    got = zone_masks(poses, Zones([Zone("box", polygon=BOX, unit="cm")], rule)).values[:, 0, 0]
    np.testing.assert_array_equal(got == 1, x == 5)
