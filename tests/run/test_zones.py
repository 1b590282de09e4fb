"""Zones of a study: templates on tracked corners, files, and the page on which they are drawn."""

import json
import re

import numpy as np
import pytest

import murid
from murid.data.errors import DataError
from murid.data.zones import Zones

CORNERS = np.array([[100, 50], [500, 50], [500, 450], [100, 450]], float)


@pytest.fixture
def study(tmp_path):
    """Two recordings with tracked corners and one without."""
    study = murid.Study.create(tmp_path / "S")
    rng = np.random.default_rng(0)
    for name in ("m1", "m2", "bare"):
        body = np.cumsum(rng.normal(0, 2, (200, 2)), axis=0) + 300
        parts = [np.repeat(c[None], 200, axis=0) for c in CORNERS] if name != "bare" else []
        names = ["tl", "tr", "br", "bl"] if parts else []
        xy = np.stack([*parts, body], axis=-1)[..., None]
        poses = murid.make_poses(xy, keypoints=[*names, "bodycentre"], fps=25)
        study.add(murid.Recording(name, poses=poses, animal="a", group="ctrl"))
    return study


def test_template_on_tracked_corners(study):
    given = murid.run.set_zones(study, template="open_field", ids=["m1", "m2"])
    assert given["from"].unique().tolist() == ["open_field in arena: tracked corners"]
    zones = study["m1"].zones
    assert zones["arena"].area == pytest.approx(400**2)
    assert zones["centre"].area == pytest.approx(200**2)
    assert study["m1"].group == "ctrl"
    assert study["m1"].poses.sizes["time"] == 200


def test_nothing_is_written_when_one_recording_cannot_have_them(study):
    with pytest.raises(DataError, match="tl, tr, br, bl"):
        murid.run.set_zones(study, template="open_field")
    assert not study["m1"].has("zones")


def test_zones_that_are_there_are_written_over_only_when_asked(study):
    zones = Zones.from_json(json.dumps({"zones": [{"name": "arena", "polygon": CORNERS.tolist(), "kind": "arena"}]}))
    murid.run.set_zones(study, zones)
    with pytest.raises(DataError, match="--replace"):
        murid.run.set_zones(study, zones)
    dry = murid.run.set_zones(study, zones, template="three_chamber", replace=True, dry_run=True)
    assert dry["zones"].tolist() == ["arena, left, middle, right"] * 3
    assert list(study["bare"].zones) == ["arena"]
    murid.run.set_zones(study, zones, template="three_chamber", replace=True)
    assert list(study["bare"].zones) == ["arena", "left", "middle", "right"]
    with pytest.raises(DataError, match="nothing was given"):
        murid.run.set_zones(study)


@pytest.mark.parametrize("kind", ["arena", ""])
def test_template_is_added_to_a_drawn_arena_without_leave(study, kind):
    arena = {"name": "arena", "polygon": CORNERS.tolist(), "kind": kind}
    murid.run.set_zones(study, Zones.from_json(json.dumps({"zones": [arena]})))
    murid.run.set_zones(study, template="open_field")
    assert list(study["bare"].zones) == ["arena", "centre"]
    assert study["bare"].zones["arena"].area == pytest.approx(400**2)
    with pytest.raises(DataError, match="--replace"):  # the zone 'centre' would be lost
        murid.run.set_zones(study, template="three_chamber")
    with pytest.raises(DataError, match="--replace"):  # the arena drawn for each would be lost
        murid.run.set_zones(study, Zones.from_json(json.dumps({"zones": [arena]})), template="three_chamber")


def test_page_is_one_file_and_what_it_saves_is_read(study, tmp_path):
    page = tmp_path / "draw.html"
    assert murid.run.write_drawing_page(study, page, "m2") == "m2"
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", html)
    given = json.loads(re.search(r"const given = (.*);\n", html).group(1))
    assert (given["recording"], given["unit"]) == ("m2", "px")
    assert given["picture"].startswith("data:image/png;base64,")
    assert given["width"] > 500
    with pytest.raises(DataError, match="there already"):
        murid.run.write_drawing_page(study, page)
    # The page saves {"zones": [{name, kind, unit, polygon | centre, radius}]}.
    saved = {"zones": [{"name": "hole", "kind": "", "unit": "px", "centre": [3, 4], "radius": 2}]}
    file = tmp_path / "zones.json"
    file.write_text(json.dumps(saved))
    murid.run.set_zones(study, murid.io.read_zones(file), ids=["m1"])
    assert study["m1"].zones["hole"].circle == (3, 4, 2)


def test_a_name_cannot_end_the_script(tmp_path):
    study = murid.Study.create(tmp_path / "S", "</script><b>")
    poses = murid.make_poses(np.full((50, 2, 1, 1), 9.0), keypoints=["bodycentre"], fps=25)
    study.add(murid.Recording("m1", poses=poses))
    murid.run.write_drawing_page(study, tmp_path / "d.html")
    assert "</script><b>" not in (tmp_path / "d.html").read_text()


def test_a_study_without_poses_has_nothing_to_draw_on(tmp_path):
    study = murid.Study.create(tmp_path / "S")
    with pytest.raises(DataError, match="murid add"):
        murid.run.write_drawing_page(study, tmp_path / "d.html")
    with pytest.raises(DataError, match="murid add"):
        murid.run.set_zones(study, template="open_field")
