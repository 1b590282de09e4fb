"""From tracking files to a table and a report, as a user types it; numbers against plain NumPy and pandas."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

FPS = 25.0
PX_PER_CM = 8.0
#: Corner of the 42 cm box in px.
CORNER = np.array([100.0, 60.0])
PARTS = ("tl", "tr", "br", "bl", "nose", "bodycentre", "tailbase")


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run ``murid ...`` in a folder of its own, as a shell does; returns what is printed."""
    from murid.cli.app import app

    monkeypatch.chdir(tmp_path)

    def run(line):
        done = CliRunner().invoke(app, line.split()[1:], catch_exceptions=False)
        assert done.exit_code == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def write_mouse(folder, name, seed):
    """A DeepLabCut file of a mouse in a 42 cm box with tracked corners; returns its path in cm."""
    rng = np.random.default_rng(seed)
    t = np.arange(750) / FPS
    path = 21 + np.column_stack([17 * np.sin(0.31 * t + rng.uniform(0, 6)), 17 * np.sin(0.47 * t + rng.uniform(0, 6))])
    corners = CORNER + PX_PER_CM * np.array([[0, 0], [42, 0], [42, 42], [0, 42]])
    centre = CORNER + PX_PER_CM * path
    places = [*(rng.normal(c, 0.3, (t.size, 2)) for c in corners), centre + [12, 0], centre, centre - [12, 0]]
    columns = [a for place in places for a in (place[:, 0], place[:, 1], np.full(t.size, 0.99))]
    head = ["scorer," + ",".join(["DLC"] * 21), "bodyparts," + ",".join(p for p in PARTS for _ in range(3))]
    head.append("coords," + ",".join(["x", "y", "likelihood"] * len(PARTS)))
    rows = [f"{i}," + ",".join(f"{v:.2f}" for v in row) for i, row in enumerate(np.column_stack(columns))]
    (folder / f"{name}DLC_resnet50_oft.csv").write_text("\n".join([*head, *rows]) + "\n")
    return path


def test_open_field_of_files_that_lie_in_one_folder(shell, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    paths = {f"Maus{k}": write_mouse(files, f"Maus{k}", k) for k in range(1, 5)}
    for k, name in enumerate(paths):
        bouts = pd.DataFrame({"start_s": [2.0, 9.0], "stop_s": [3.0 + k, 10.0], "label": ["rear", "groom"]})
        bouts.to_csv(files / f"{name}_scored.csv", index=False)
    groups = ["ctrl ", "ctrl", "drug", "drug"]
    sheet = pd.DataFrame({"Video": list(paths), "Mouse": list(paths), "Treatment": groups})
    (tmp_path / "sheet.csv").write_bytes(sheet.to_csv(index=False, lineterminator=",,,\n").encode("cp1252"))

    shell("murid new S")
    assert "4 recordings: 4 new" in shell("murid add S files/ --labels files/ --sheet sheet.csv --fps 25")
    assert "0 bad" in shell("murid check S -j 1")
    printed = shell("murid assay S open_field -p arena_cm=42 -p clean.smoothing=none -j 1")
    assert "distance (cm)" in printed
    folder = tmp_path / printed.split("Tables (CSV): ")[1].splitlines()[0]
    table = pd.read_csv(folder / "animals.csv").set_index("recording")
    for name, path in paths.items():
        length = np.hypot(*np.diff(path, axis=0).T).sum()
        inside = (np.abs(path - 21) < 10.5).all(axis=1)  # the middle half of either side
        assert table.at[name, "distance (cm)"] == pytest.approx(length, rel=0.01)
        assert table.at[name, "time:centre (s)"] == pytest.approx(inside.sum() / FPS, abs=2 / FPS)
        assert table.at[name, "time_percent:centre (%)"] == pytest.approx(100 * inside.mean(), abs=0.3)
    assert table["group"].tolist() == ["ctrl", "ctrl", "drug", "drug"]

    budget = json.loads(shell("murid budget S --json -j 1"))
    animals = pd.DataFrame(budget["tables"]["animals"]).set_index("recording")
    assert animals["rear"].tolist() == pytest.approx([100 * (1 + k) / 30 for k in range(4)], abs=0.2)
    assert "S/report.html" in shell("murid report S")
    assert (tmp_path / "S" / "report.html").stat().st_size > 20_000


@pytest.mark.realdata
@pytest.mark.slow
def test_open_field_fixture_with_the_labels_of_three_raters(shell, tmp_path, data_dir):
    (tmp_path / "oft").symlink_to(data_dir / "oft_pose_fixture")
    (tmp_path / "all.csv.gz").symlink_to(data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz")
    shell("murid new S")
    assert "2 recordings: 2 new" in shell("murid add S oft/ --labels all.csv.gz --fps 25 --cut-labels")
    printed = shell("murid assay S open_field -p arena_cm=42 -j 1")
    table = pd.read_csv(tmp_path / printed.split("Tables (CSV): ")[1].splitlines()[0] / "animals.csv")
    first = table.set_index("recording").loc["8_01_A_190507134142"]
    assert 667 <= first["distance (cm)"] <= 688
    assert first["time:centre (s)"] == pytest.approx(10.96, abs=2 / FPS)
    assert first["time_percent:centre (%)"] == pytest.approx(13.7, abs=0.1)
    assert "3 raters, 2 recordings" in shell("murid agreement S -j 1")


def test_zones_from_tracked_corners_and_from_a_drawn_file(shell, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    path = write_mouse(files, "m1", 1)
    shell("murid new S")
    shell("murid add S files/ --fps 25")
    assert "Zones given to 1 recording" in shell("murid zones S --template three_chamber")
    assert "draw on 'm1'" in shell("murid zones S --page draw.html")
    assert "data:image/png" in (tmp_path / "draw.html").read_text()
    # What the page saves: the arena alone, drawn in px; the template makes the rest of it.
    corners = CORNER + PX_PER_CM * np.array([[0, 0], [42, 0], [42, 42], [0, 42]])
    drawn = {"zones": [{"name": "arena", "kind": "arena", "unit": "px", "polygon": corners.tolist()}]}
    (tmp_path / "zones.json").write_text(json.dumps(drawn))
    shell("murid zones S --file zones.json --template light_dark --replace")
    printed = shell("murid assay S open_field -p arena_cm=42 -p clean.smoothing=none -j 1")
    folder = tmp_path / printed.split("Tables (CSV): ")[1].splitlines()[0]
    row = pd.read_csv(folder / "animals.csv").iloc[0]
    inside = path[:, 0] < 28  # light: two thirds from the left
    assert row["time_percent:light (%)"] == pytest.approx(100 * inside.mean(), abs=0.3)
    arena = pd.read_csv(folder / "arenas.csv").iloc[0]
    assert (arena["source"], arena["verdict"]) == ("drawn", "ok")
    assert arena.filter(like="px_per_cm").iloc[0] == pytest.approx(PX_PER_CM)
