"""Columns of the published sets: no copies, both signs, one radius, published tortuosity."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

import murid.simulate as sim
from murid.data.poses import make_poses
from murid.data.zones import Zone, Zones
from murid.features.sets.jaaba import WindowSpec, channel, edges_of, harmonic, per_frame, takes_both_signs
from murid.features.sets.jaaba import window_features as jaaba_windows
from murid.features.sets.rules import rule_features
from murid.features.sets.scene import exact_windows, make_scene
from murid.features.sets.simba import simba_columns, simba_faithful

BOX = np.array([[0, 0], [40, 0], [40, 40], [0, 40.0]])


def _copies(table) -> list[str]:
    first: dict[bytes, str] = {}
    out = []
    for i, name in enumerate(table["feature"].values):
        key = table.values[:, i].tobytes()
        if key in first:
            out.append(f"{name} = {first[key]}")
        first.setdefault(key, str(name))
    return out


@pytest.fixture(scope="module")
def pair():
    return sim.recording("open_field", duration_s=40, fps=30, n_animals=2, seed=3)


@pytest.mark.parametrize("fps", [25, 30])
def test_simba_has_five_windows_at_every_rate(fps):
    """Windows rounded to odd numbers of frames: 250, 170, 90 of 495 columns were copies at 15, 25, 30 fps."""
    recording = sim.recording("open_field", duration_s=20, fps=fps, n_animals=2, seed=1)
    copies = _copies(simba_columns(make_scene(recording.poses, "all")))
    # Counts of uncertain keypoints can be alike by chance; windows never.
    assert [c for c in copies if "mean_" in c or "p50_" in c] == []


def test_simba_windows_lie_between_whole_ones():
    x = np.random.default_rng(0).normal(size=300)
    xy = np.stack([x, 0 * x], 1)[:, :, None, None]
    where = make_scene(
        make_poses(xy + np.zeros((1, 1, 3, 1)), keypoints=["nose", "ear_left", "tail_base"], fps=30, unit="cm"), "all"
    )
    got, names = exact_windows(where, x.astype(np.float32), (1 / 15, 0.1), ("mean",))
    assert names == ["", "mean_0.0666667s", "mean_0.1s"]
    three = np.convolve(x, np.ones(3) / 3, "same")
    np.testing.assert_allclose(got[1:-1, 2], three[1:-1], atol=1e-5)
    np.testing.assert_allclose(got[1:-1, 1], (x + three)[1:-1] / 2, atol=1e-5)


def test_tortuosity_is_the_published_one():
    """Angles (deg) of the k triples that start at the row, over 2 pi; the correlation with it was .32 to .37."""
    recording = sim.recording("open_field", duration_s=20, fps=30, n_animals=1, seed=1)
    where = make_scene(recording.poses, "all", step_frames=(1, 0))
    table = simba_faithful(where)
    c = next(iter(where.bodies.values())).point("centre").T.astype(float)
    a, b = c[:-2] - c[1:-1], c[2:] - c[1:-1]
    triple = np.degrees(np.arctan2(b[:, 1], b[:, 0]) - np.arctan2(a[:, 1], a[:, 0])) % 360
    for k in (5, 15):
        published = np.array([triple[i : i + k].sum() / (2 * np.pi) for i in range(len(c))])
        got = table.sel(feature=f"turning_sum_{k}").values
        np.testing.assert_allclose(got[20:-20], published[20:-20], rtol=2e-3, atol=0.3)
        assert np.corrcoef(got[20:-20], published[20:-20])[0, 1] > 0.999


def test_faithful_lengths_are_measured_before_missing_points_are_filled():
    recording = sim.recording("open_field", duration_s=20, fps=30, n_animals=1, seed=1)
    poses = recording.poses.copy(deep=True).assign_attrs(unit="px")
    poses.attrs.pop("px_per_cm", None)
    names = [str(k) for k in poses["keypoint"].values]
    hide = np.random.default_rng(0).random(poses.sizes["time"]) < 0.6
    lost = poses.copy(deep=True)
    lost["position"].values[hide, :, names.index("nose")] = np.nan
    filled = lost.assign(position=lost["position"].fillna(0))
    right = make_scene(poses, "all").length
    assert make_scene(filled, "all", measured_on=lost).length == pytest.approx(right, rel=0.03)


def test_jaaba_takes_absolute_values_of_what_has_two_signs(pair):
    where = make_scene(pair.poses, "mouse_1", None, pair.zones)
    columns = per_frame(where)
    for column in columns:
        both = np.nanmin(column.values) < -1e-6 and np.nanmax(column.values) > 1e-6
        assert not both or takes_both_signs(column.name), column.name
    unsigned = [c.name for c in columns if "unsigned" in c.what]
    assert unsigned == ["tangential_speed"]
    assert not takes_both_signs("tangential_speed")
    copies = _copies(jaaba_windows(where, columns, WindowSpec.of("less"), np.arange(0, 1200, 7)))
    assert [c for c in copies if "_abs" in c] == []


def test_jaaba_keeps_the_arena_whatever_its_name(pair):
    """'in_' in 'main_arena' dropped its five features."""

    def arena_columns(name: str) -> int:
        zones = Zones([Zone(name, BOX * 10 + 10, unit="px", kind="arena")])
        return len([c for c in per_frame(make_scene(pair.poses, "mouse_1", zones=zones)) if name in c.name])

    assert arena_columns("main_arena") == arena_columns("arena") > 0


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_one_radius_for_all_statistics_of_a_window(fps):
    x = np.cumsum(np.random.default_rng(0).normal(size=400)).astype(np.float32)
    spec = WindowSpec.of("normal")
    got = dict(channel(x, fps, spec))
    for radius in spec.radii_s:
        k = max(1, int(radius * fps + 0.5 + 1e-6))
        mean = np.convolve(x, np.ones(2 * k + 1) / (2 * k + 1), "same")
        name = f"r{radius:.3f}"
        np.testing.assert_allclose(got[f"mean|{name}|+0"][k:-k], mean[k:-k], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(got[f"mean|{name}|+1"][k : -2 * k], mean[2 * k : -k], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(got[f"harmonic1|{name}|+0"], harmonic(x, k, 1))


def test_ranks_are_percent(pair):
    where = make_scene(pair.poses, "mouse_1")
    columns = per_frame(where)[:3]
    edges = edges_of([{c.name: c.values for c in columns}])
    spec = WindowSpec.of("more")
    table = jaaba_windows(where, columns, spec, np.arange(0, 1200, 50), edges)
    ranks = table.values[:, [str(n).endswith("_rank|value") for n in table["feature"].values]]
    assert ranks.shape[1] == 3
    assert np.nanmin(ranks) >= 0
    assert np.nanmax(ranks) <= 100


def test_sets_do_not_reach_over_a_pause():
    time = np.concatenate([np.arange(0, 10, 0.1), np.arange(70, 80, 0.1)])
    x = np.where(time < 30, 5.0, 15.0)
    xy = np.stack([np.stack([x + k, np.full_like(x, 5.0)], 1) for k in (4, 2, -4)], 2)[..., None]
    poses = make_poses(xy, keypoints=["nose", "ear_left", "tail_base"], time_s=time, unit="cm")
    table = simba_columns(make_scene(poses, "individual_0"))
    moves = table.values[:, [str(n).startswith("move_") for n in table["feature"].values]]
    np.testing.assert_allclose(moves, 0, atol=1e-5)


def _square(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


@pytest.mark.parametrize("apart", [0.0, 0.2])
@pytest.mark.parametrize("unit", [1.0, 20.0])
def test_inner_borders_of_a_maze_are_no_edge(apart, unit):
    """At the inner border of centre and arm the edge was .04 cm away; parts drawn 4 mm apart let the animal fall."""
    g = apart
    parts = {
        "centre": (_square(-5, -5, 5, 5), "centre"),
        "open1": (_square(5 + g, -5, 35, 5), "open"),
        "open2": (_square(-35, -5, -5 - g, 5), "open"),
        "closed1": (_square(-5, 5 + g, 5, 35), "closed"),
        "closed2": (_square(-5, -35, 5, -5 - g), "closed"),
    }
    name = "cm" if unit == 1.0 else "px"
    zones = Zones([Zone(k, p * unit, unit=name, kind=kind) for k, (p, kind) in parts.items()])
    x = np.linspace(-30, 30, 400)
    centre = np.stack([x, 0 * x], 1)
    xy = np.stack([centre + [4, 0], centre + [2, 0], centre, centre - [4, 0]], 2)[..., None] * unit
    attrs = {} if unit == 1.0 else {"px_per_cm": unit}
    poses = make_poses(xy, keypoints=["nose", "head", "centre", "tail_base"], fps=30, unit=name, **attrs)
    table = rule_features(poses, "individual_0", zones=zones)
    maze = shapely.unary_union([shapely.Polygon(p).buffer(1e-6) for p, _ in parts.values()])
    if apart:
        maze = maze.buffer(0.2, join_style="mitre").buffer(-0.2, join_style="mitre")
    right = shapely.distance(shapely.points(centre), maze.boundary)
    got = table.sel(feature="edge_distance_centre").values
    np.testing.assert_allclose(got, right, atol=0.05)
    assert got.min() > 4
