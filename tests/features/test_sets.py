"""Feature sets of published methods against values computed by hand and against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.poses import make_poses
from murid.data.zones import Zone, Zones
from murid.features.sets.dlcanalyzer import dlcanalyzer_columns, missing_features, stacked
from murid.features.sets.jaaba import WindowSpec, channel, edges_of, harmonic, per_frame, shifted, window_features
from murid.features.sets.mars import _iou, _smooth, mars_columns, mars_points
from murid.features.sets.rules import rule_features
from murid.features.sets.scene import make_scene, windowed_table
from murid.features.sets.simba import WINDOWS_FRAMES, simba_columns, simba_faithful

ROLES = ("nose", "centre", "side_left", "side_right", "tail_base")


def two_mice(n=6, fps=10.0):
    """Mouse a stands, mouse b walks 1 cm a frame along x; 4 cm long, 2 cm wide, in cm."""
    body = np.array([[2, 0], [0, 0], [0, -1], [0, 1], [-2, 0]], float)
    a = np.repeat(body[None], n, axis=0)
    b = body[None] + np.stack([10 + np.arange(n), np.zeros(n)], axis=1)[:, None]
    position = np.stack([a, b], axis=-1).transpose(0, 2, 1, 3)
    return make_poses(position, keypoints=list(ROLES), individuals=["a", "b"], fps=fps, unit="cm")


def column(table, name):
    return table.sel(feature=name).values


class TestSimba:
    where = staticmethod(
        lambda poses, subject="all": make_scene(poses, subject, {r: r for r in ROLES}, step_frames=(1, 0))
    )

    def test_by_hand(self):
        table = simba_faithful(self.where(two_mice()))
        # Hull of a rhombus with half diagonals 2 and 1.
        np.testing.assert_allclose(column(table, "hull_perimeter_1"), 4 * np.sqrt(5), rtol=1e-6)
        np.testing.assert_allclose(column(table, "width_2"), 2)
        np.testing.assert_allclose(column(table, "nose_tail_base_1"), 4)
        np.testing.assert_allclose(column(table, "centre_distance_1_2"), 10 + np.arange(6))
        np.testing.assert_allclose(column(table, "nose_nose_1_2"), 10 + np.arange(6))
        np.testing.assert_allclose(column(table, "nose_to_tail_base_1_2"), 10 + np.arange(6) - 4)
        np.testing.assert_allclose(column(table, "nose_to_tail_base_2_1"), 10 + np.arange(6) + 4)
        np.testing.assert_allclose(column(table, "move_centre_2"), [0, 1, 1, 1, 1, 1])
        np.testing.assert_allclose(column(table, "move_sum_2"), [0, 5, 5, 5, 5, 5])
        np.testing.assert_allclose(column(table, "move_sum_total"), [0, 5, 5, 5, 5, 5])
        np.testing.assert_allclose(column(table, "angle_back_1"), 180)
        pairs = [4, 2, np.sqrt(5), np.sqrt(5), 2, 1, 1, 2, np.sqrt(5), np.sqrt(5)]
        np.testing.assert_allclose(column(table, "pair_mean_1"), np.mean(pairs), rtol=1e-6)
        np.testing.assert_allclose(column(table, "pair_sum_1"), np.sum(pairs), rtol=1e-6)

    def test_windows_are_trailing_and_start_with_what_there_is(self):
        table = simba_faithful(self.where(two_mice(20)))
        x = column(table, "centre_distance_1_2").astype(float)
        for n in WINDOWS_FRAMES:
            for name, f in (("mean", np.mean), ("median", np.median), ("sum", np.sum)):
                expected = [f(x[max(0, i - n + 1) : i + 1]) for i in range(20)]
                np.testing.assert_allclose(column(table, f"centre_distance_1_2_{name}_{n}"), expected, rtol=1e-5)
        deviation = column(table, "centre_distance_1_2_deviation")
        np.testing.assert_allclose(deviation, x.mean() - x, rtol=1e-5)
        rank = column(table, "centre_distance_1_2_deviation_rank")
        np.testing.assert_allclose(rank, np.arange(20, 0, -1) / 20)

    def test_user_layout_measures_only_between_animals(self):
        table = simba_columns(self.where(two_mice()), layout="user")
        names = [str(f) for f in table["feature"].values]
        assert not [n for n in names if n.startswith(("hull", "nose_tail_base", "pair"))]
        # Smallest and largest of both directions; like to like is one.
        assert sum(n.startswith("between_") for n in names) == 5 + 2 * 10
        faithful = simba_faithful(self.where(two_mice()), layout="user")
        assert sum(str(n).startswith("between_") for n in faithful["feature"].values) == 25

    def test_swapped_identities_change_nothing(self):
        poses = simulate.recording("open_field", duration_s=5, n_animals=2, seed=3).poses
        swapped = poses.assign(
            position=poses["position"].copy(data=poses["position"].values[..., ::-1]),
            confidence=poses["confidence"].copy(data=poses["confidence"].values[..., ::-1]),
        )
        a, b = simba_columns(make_scene(poses, "all")), simba_columns(make_scene(swapped, "all"))
        np.testing.assert_allclose(a.values, b.values, rtol=1e-3, atol=1e-4)

    def test_a_partner_that_is_never_seen_leaves_the_own_features(self):
        poses = two_mice(30)
        poses["position"].values[..., 1] = np.nan
        table = simba_columns(make_scene(poses, "a"))
        own = [f for f in map(str, table["feature"].values) if f.startswith(("move_", "hull_perimeter", "width"))]
        assert np.isfinite(table.sel(feature=own).values).all()


class TestJaaba:
    def test_window_features_equal_plain_numpy(self):
        rng = np.random.default_rng(0)
        fps, x = 30.0, rng.normal(size=200).astype(np.float32)
        spec = WindowSpec((0.2, 1 / 3), (-1.0, 0.0, 1.0), 2, (25.0,), False)
        found = dict(channel(x, fps, spec))
        for radius in spec.radii_s:
            r, key = round(radius * fps), f"r{radius:.3f}"
            for t in (60, 100, 133):
                window = x[t - r : t + r + 1].astype(float)
                assert found[f"mean|{key}|+0"][t] == pytest.approx(window.mean(), abs=1e-5)
                assert found[f"sd|{key}|+0"][t] == pytest.approx(window.std(), abs=1e-5)
                assert found[f"min|{key}|+0"][t] == window.min().astype(np.float32)
                assert found[f"p25|{key}|+0"][t] == pytest.approx(np.percentile(window, 25), abs=1e-5)
                later = x[t : t + 2 * r + 1].astype(float)
                assert found[f"max|{key}|+1"][t] == later.max().astype(np.float32)
                earlier = x[t - 2 * r : t + 1].astype(float)
                assert found[f"mean|{key}|-1"][t] == pytest.approx(earlier.mean(), abs=1e-5)
                assert found[f"against_max|{key}"][t] == pytest.approx(window.max() - x[t], abs=1e-5)
                z = (x[t] - window.mean()) / window.std()
                assert found[f"zscore|{key}"][t] == pytest.approx(z, abs=1e-4)
                for k in (1, 2):
                    wave = np.cos(np.pi * k * np.arange(2 * r + 1) / (2 * r))
                    assert found[f"harmonic{k}|{key}|+0"][t] == pytest.approx((window * wave).mean(), abs=1e-5)

    def test_harmonic_tells_a_rise_from_a_fall(self):
        ramp = np.arange(60, dtype=np.float32)
        assert harmonic(ramp, 5, 1)[30] < 0 < harmonic(-ramp, 5, 1)[30]
        assert np.isnan(harmonic(ramp, 5, 1)[2])

    def test_shifted_is_unknown_beyond_the_ends(self):
        np.testing.assert_array_equal(shifted(np.arange(4, dtype=np.float32), 1), [1, 2, 3, np.nan])
        np.testing.assert_array_equal(shifted(np.arange(4, dtype=np.float32), -2), [np.nan, np.nan, 0, 1])

    def test_histogram_shares_sum_to_one(self):
        where = make_scene(simulate.recording("open_field", duration_s=8, seed=1).poses, "mouse_1")
        columns = per_frame(where)[:3]
        edges = edges_of([{c.name: c.values for c in columns}])
        table = window_features(where, columns, WindowSpec.of("more"), None, edges)
        name = columns[0].name
        quarters = [f for f in map(str, table["feature"].values) if f.startswith(f"{name}|quarter") and "mean" in f]
        shares = table.sel(feature=[q for q in quarters if q.endswith(quarters[0].split("|")[-1])]).values
        assert shares.shape[1] == 4
        known = np.isfinite(shares).all(axis=1)
        np.testing.assert_allclose(shares[known].sum(axis=1), 1, rtol=1e-4)


class TestMars:
    def test_kernel(self):
        x = np.array([0, 0, 4, 0, 0], np.float32)
        np.testing.assert_array_equal(_smooth(x, 1), [0, 1, 2, 1, 0])
        np.testing.assert_array_equal(_smooth(np.array([1, np.nan, 3], np.float32), 1), [1, np.nan, 3])

    def test_boxes(self):
        a = np.array([[0, 0], [2, 2]], np.float32)[..., None]
        b = np.array([[1, 1], [3, 3]], np.float32)[..., None]
        assert _iou(a, b)[0] == pytest.approx(1 / 7)
        assert _iou(a, b + 5)[0] == 0

    def test_distances_and_speeds_by_hand(self):
        poses = two_mice(40, fps=30.0)
        where = make_scene(poses, "b", {r: r for r in ROLES})
        columns = {c.name: c.values for c in mars_columns(where)}
        np.testing.assert_allclose(columns["distance"], 10 + np.arange(40), atol=0.6)
        np.testing.assert_allclose(columns["speed_centroid"][5:-5], 30, rtol=1e-4)
        np.testing.assert_allclose(columns["speed_forward"][5:-5], 30, rtol=1e-4)
        np.testing.assert_allclose(columns["speed_radial"][5:-5], -30, rtol=1e-4)
        np.testing.assert_allclose(columns["facing"][5:-5], np.pi, rtol=1e-4)
        np.testing.assert_allclose(columns["partner_speed"][5:-5], 0, atol=1e-6)

    def test_windows_have_the_published_lengths(self):
        where = make_scene(two_mice(60, fps=30.0), "a", {r: r for r in ROLES})
        table = windowed_table(where, mars_columns(where)[:1], (0.1, 0.43, 0.7), ("mean", "sd", "min", "max"))
        assert table.sizes["feature"] == 13
        from murid.features.windows import window_frames

        assert [1 + sum(window_frames(w, 30.0)) for w in (0.1, 0.43, 0.7)] == [3, 13, 21]

    def test_points_fall_back_to_what_is_tracked(self):
        body = next(iter(make_scene(two_mice(), "a", {r: r for r in ROLES}).bodies.values()))
        assert mars_points(body) == ("nose", "side_left", "side_right", "tail_base")


class TestDlcAnalyzer:
    def test_lengths_angles_areas_by_hand(self):
        where = make_scene(two_mice(), "a", {r: r for r in ROLES})
        columns = {c.name: c.values for c in dlcanalyzer_columns(where, "v2")}
        np.testing.assert_allclose(columns["length_centre_tail_base"], 2)
        np.testing.assert_allclose(columns["angle_side_right_centre_centre_side_left"], 0, atol=1e-6)
        np.testing.assert_allclose(columns["acceleration_nose"], 0, atol=1e-5)
        assert "length_tail_base_hip_left" in missing_features(where, "v2")
        assert "area_tail_base_hip_right_hip_left" in missing_features(where, "v2")

    def test_all_features_of_the_full_skeleton(self):
        recording = simulate.recording("open_field", duration_s=2, seed=1)
        where = make_scene(recording.poses, "mouse_1", zones=recording.zones)
        have = len(dlcanalyzer_columns(where, "v3"))
        assert have + len(missing_features(where, "v3")) == 10 + 6 + 4 + 11 + 4

    def test_border_distance(self):
        zones = Zones([Zone("box", polygon=np.array([[-5, -5], [50, -5], [50, 5], [-5, 5]]), unit="cm", kind="arena")])
        where = make_scene(two_mice(), "a", {r: r for r in ROLES}, zones)
        columns = {c.name: c.values for c in dlcanalyzer_columns(where, "v3")}
        np.testing.assert_allclose(columns["border_tail_base"], 3, rtol=1e-6)

    def test_standardised_per_file_but_for_flags_and_what_does_not_vary(self):
        zones = Zones([Zone("box", polygon=np.array([[-5, -5], [14, -5], [14, 5], [-5, 5]]), unit="cm", kind="arena")])
        recording = simulate.recording("open_field", duration_s=8, seed=1)
        where = make_scene(recording.poses, "mouse_1", zones=recording.zones)
        plain, scaled = (
            {c.name: c.values for c in dlcanalyzer_columns(where, "v2", per_file=f)} for f in (False, True)
        )
        for name, values in scaled.items():
            if name.startswith("inside_"):
                np.testing.assert_array_equal(values, plain[name])
            else:
                assert np.nanmean(values) == pytest.approx(0, abs=1e-3)
                assert np.nanstd(values, ddof=1) == pytest.approx(1, abs=1e-3)
        still = make_scene(two_mice(), "a", {r: r for r in ROLES}, zones)
        lengths = {c.name: c.values for c in dlcanalyzer_columns(still, "v2", per_file=True)}
        np.testing.assert_allclose(lengths["length_centre_tail_base"], 0, atol=1e-6)

    def test_frames_near_an_edge_are_missing_on_request(self):
        where = make_scene(two_mice(60, fps=25.0), "b", {r: r for r in ROLES})
        columns = dlcanalyzer_columns(where, "v1")
        whole, cut = (stacked(where, columns, edges=e).values for e in (True, False))
        assert np.isnan(cut[:15]).all()
        assert np.isnan(cut[-15:]).all()
        np.testing.assert_array_equal(cut[15:-15], whole[15:-15])

    @pytest.mark.parametrize("edges", [True, False])
    def test_a_stack_does_not_reach_over_a_pause(self, edges):
        poses = two_mice(100, fps=25.0)
        time = poses["time"].values.copy()
        time[40:] += 9
        paused = poses.assign_coords(time=time)
        tables = []
        for part in (paused, paused.isel(time=slice(40)), paused.isel(time=slice(40, None))):
            where = make_scene(part, "b", {r: r for r in ROLES})
            tables.append(stacked(where, dlcanalyzer_columns(where, "v1", pairs=True), edges=edges))
        whole, before, after = (t.values for t in tables)
        np.testing.assert_allclose(whole, np.concatenate([before, after]), rtol=1e-5, atol=1e-5)
        assert np.isnan(whole).all(axis=1).sum() == (0 if edges else 60)
        some = np.array([3, 39, 40, 70])
        where = make_scene(paused, "b", {r: r for r in ROLES})
        chosen = stacked(where, dlcanalyzer_columns(where, "v1", pairs=True), some, edges=edges)
        np.testing.assert_array_equal(chosen.values, whole[some])

    def test_every_zone_has_a_border_on_request(self):
        arm = Zone("open", polygon=np.array([[-5, -5], [8, -5], [8, 5], [-5, 5]]), unit="cm", kind="open")
        where = make_scene(two_mice(), "a", {r: r for r in ROLES}, Zones([arm]))
        plain, more = ({c.name: c.values for c in dlcanalyzer_columns(where, "v3", zones=z)} for z in (False, True))
        assert {n for n in set(more) - set(plain) if not n.startswith("partner_")} == {
            f"border_open_{p}" for p in ("nose", "neck", "centre", "tail_base") if where.bodies["a"].has(p)
        }
        np.testing.assert_allclose(more["border_open_tail_base"], 3, rtol=1e-6)

    def test_acceleration_by_frame_is_the_change_of_speed_from_frame_to_frame(self):
        recording = simulate.recording("open_field", duration_s=4, fps=25, seed=1, unit="cm")
        where = make_scene(recording.poses, "mouse_1", step_frames=(1, 0))
        got = {c.name: c.values for c in dlcanalyzer_columns(where, "v2")}["acceleration_nose"]
        speed = np.hypot(*np.diff(where.bodies["mouse_1"].point("nose"), axis=1)) * 25
        np.testing.assert_allclose(got[3:], np.diff(speed)[1:] * 25, rtol=1e-3, atol=0.5)

    def test_stack_is_the_same_at_twice_the_frame_rate(self):
        slow = make_scene(two_mice(60, fps=25.0), "b", {r: r for r in ROLES})
        fast_poses = two_mice(119, fps=50.0)
        fast_poses["position"].values[..., 1] = np.repeat(slow_b := two_mice(60).position.values[..., 1], 2, 0)[:119]
        fast_poses["position"].values[1::2, :, :, 1] = (slow_b[:-1] + slow_b[1:]) / 2
        fast = make_scene(fast_poses, "b", {r: r for r in ROLES})
        a = stacked(slow, dlcanalyzer_columns(slow, "v1"))
        b = stacked(fast, dlcanalyzer_columns(fast, "v1"))
        assert a.sizes["feature"] == 31 * len(dlcanalyzer_columns(slow, "v1"))
        np.testing.assert_allclose(a.values, b.values[::2], atol=1e-4)


def test_rule_quantities_by_hand():
    poses = two_mice(40, fps=20.0)
    table = rule_features(poses, "a", {r: r for r in ROLES}, step_s=0.1)
    np.testing.assert_allclose(column(table, "speed_body"), 0, atol=1e-6)
    np.testing.assert_allclose(column(table, "body_length"), 4)
    np.testing.assert_allclose(column(table, "rear_rear"), 10 + np.arange(40), rtol=1e-5)
    # b walks away from a: the nearest its tail base was in the last 0.33 s (7 frames) is 7 cm closer.
    trail = column(table, "nose_trail")
    np.testing.assert_allclose(trail[10:], 10 + np.arange(10, 40) - 4 - 7, rtol=1e-5)
    units = dict(zip(map(str, table["feature"].values), map(str, table["unit"].values), strict=True))
    assert units["speed_body"] == "cm/s"
    assert units["turn_rate"] == "rad/s"


def test_the_trail_of_a_partner_ends_at_a_pause():
    poses = two_mice(40, fps=20.0)
    time = poses["time"].values.copy()
    time[20:] += 30
    table = rule_features(poses.assign_coords(time=time), "a", {r: r for r in ROLES}, step_s=0.1)
    # 10 cm + one a frame from nose to tail base, less the nose's 4; after the pause its way begins anew.
    np.testing.assert_allclose(column(table, "nose_trail")[20:27], 10 + 20 - 4, rtol=1e-5)
    np.testing.assert_allclose(column(table, "nose_trail")[10:20], 10 + np.arange(10, 20) - 4 - 7, rtol=1e-5)


def test_acceleration_of_the_body_is_the_mean_change_of_speed():
    # x = t^2: the speed grows by 2 cm/s each second for every point; unsigned when the animal slows down.
    t = np.arange(60) / 10.0
    body = np.array([[2, 0], [0, 0], [0, -1], [0, 1], [-2, 0]], float)
    for sign in (1, -1):
        x = 100 * t + sign * t**2
        position = (body[None] + np.stack([x, 0 * x], axis=1)[:, None]).transpose(0, 2, 1)[..., None]
        poses = make_poses(position, keypoints=list(ROLES), individuals=["a"], fps=10.0, unit="cm")
        table = rule_features(poses, "a", {r: r for r in ROLES}, step_s=0.2)
        np.testing.assert_allclose(column(table, "acceleration_body")[5:-5], 2.0, rtol=2e-3)
    assert str(table.sel(feature="acceleration_body")["unit"].values) == "cm/s^2"


def test_simba_knows_the_zones_when_there_are_any():
    poses, roles = two_mice(20), {r: r for r in ROLES}
    bare = simba_columns(make_scene(poses, "b", roles))
    box = Zones([Zone("arena", polygon=[(-5, -5), (40, -5), (40, 5), (-5, 5)], kind="arena", unit="cm")])
    table = simba_columns(make_scene(poses, "b", roles, box))
    added = set(map(str, table["feature"].values)) - set(map(str, bare["feature"].values))
    assert {"depth_arena_centre", "depth_arena_nose", "partner_depth_arena_nose"} <= added
    # b walks along the middle line, 5 cm from the long walls.
    np.testing.assert_allclose(column(table, "depth_arena_centre"), 5)


def test_dlcanalyzer_sees_two_animals_when_asked():
    where = make_scene(two_mice(20), "b", {r: r for r in ROLES})
    alone = {c.name for c in dlcanalyzer_columns(where)}
    found = {c.name: c.values for c in dlcanalyzer_columns(where, pairs=True)}
    assert set(found) - alone == {
        *(f"between_{a}_{b}" for a in ("nose", "centre", "rear") for b in ("nose", "centre", "rear")),
        "closing_speed",
    }
    np.testing.assert_allclose(found["between_nose_rear"], 10 + np.arange(20) + 4, rtol=1e-6)
    np.testing.assert_allclose(found["closing_speed"], -10, rtol=1e-4)
    single = two_mice(20).isel(individual=[0])
    own = {c.name for c in dlcanalyzer_columns(make_scene(single, "a", {r: r for r in ROLES}), pairs=True)}
    assert own == {name for name in alone if not name.startswith("partner_")}
