"""Open field from DeepLabCut files to a figure and group statistics, in four commands, against plain NumPy."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.journeys.boxes import FPS, SIDE_CM, write_mouse
from tests.journeys.independent import adjusted, holds


@pytest.mark.slow
def test_two_groups_to_the_first_figure(shell, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    names = [f"m{k}" for k in range(1, 9)]
    paths = {
        n: write_mouse(files, n, k, reach_cm=12 if k < 4 else 17.5, pace=1 + 0.05 * k) for k, n in enumerate(names)
    }
    sheet = pd.DataFrame({"Mouse": names, "Treatment": ["saline"] * 4 + ["drug"] * 4})
    sheet.to_csv(tmp_path / "sheet.csv", index=False)

    shell("murid new S")
    shell("murid add S files/ --sheet sheet.csv --fps 25")
    printed = shell("murid assay S open_field -p arena_cm=42 -p clean.smoothing=none -j 1")
    warned = shell.warned
    assert "S/report.html" in shell("murid report S")
    assert shell.to_first_figure == 4

    tables = shell.tables(printed)
    animals = tables["animals"].set_index("recording", drop=False)
    for name, path in paths.items():
        inside = (np.abs(path - SIDE_CM / 2) < SIDE_CM / 4).all(axis=1)
        length = np.hypot(*np.diff(path, axis=0).T)
        found = animals.loc[name]
        assert found["distance (cm)"] == pytest.approx(length.sum(), rel=0.01)
        assert found["mean_speed (cm/s)"] == pytest.approx(length.sum() / (len(path) / FPS), rel=0.01)
        assert found["time_percent:centre (%)"] == pytest.approx(100 * inside.mean(), abs=0.4)
        wall = np.minimum(path, SIDE_CM - path).min(axis=1)
        assert found["wall_distance_median (cm)"] == pytest.approx(np.median(wall), abs=0.1)
    compared = tables["comparison"]
    assert holds(compared, animals, "saline", "drug") >= 6
    # The family: what is compared by means, and latencies of which some animals have none.
    late = tables.get("latencies", pd.DataFrame({"p": [], "q": [], "measure": []}))
    p = np.concatenate([compared["p"], late["p"]])
    np.testing.assert_allclose(np.concatenate([compared["q"], late["q"]]), adjusted(p), rtol=1e-9)
    differ = int((adjusted(p) <= 0.05).sum())
    assert f"{differ} of {len(p)} measures differ (q <= 0.05)." in printed
    # What is printed is what stands in the tables, latencies too; the same warning is not said eight times.
    row = compared.set_index("measure").loc["distance"]
    line = next(text for text in printed.splitlines() if text.startswith("distance (cm)"))
    numbers = [float(v) for v in re.findall(r"-?\d*\.?\d+", line.replace("(cm)", ""))]
    assert numbers[:2] == pytest.approx([row["mean_saline"], row["mean_drug"]], rel=0.01)
    for measure in late["measure"]:
        assert f"{measure} (s)" in printed
    assert warned.count("no arena was drawn") <= 1


@pytest.mark.realdata
@pytest.mark.slow
def test_real_open_field_to_the_first_figure(shell, tmp_path, data_dir):
    (tmp_path / "oft").symlink_to(data_dir / "oft_pose_fixture")
    shell("murid new S")
    shell("murid add S oft/ --fps 25")
    printed = shell("murid assay S open_field -p arena_cm=42 -p clean.smoothing=none -j 1")
    shell("murid report S")
    assert shell.to_first_figure == 4
    animals = shell.tables(printed)["animals"].set_index("recording")
    for name, row in animals.iterrows():
        path = next((data_dir / "oft_pose_fixture").glob(f"{name}DeepCut*.csv.gz"))
        read = pd.read_csv(path, header=[1, 2], index_col=0)
        read = read.droplevel(0, axis=1) if read.columns.nlevels > 2 else read

        def point(part, table=read):
            xy = table[part][["x", "y"]].to_numpy(float)
            return np.where(table[part][["likelihood"]].to_numpy(float) >= 0.5, xy, np.nan)

        corners = np.array([np.nanmedian(point(c), axis=0) for c in ("tl", "tr", "br", "bl")])
        x, y = corners.T
        area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        centre = pd.DataFrame(point("bodycentre")).interpolate(limit=5).to_numpy() * SIDE_CM / np.sqrt(area)
        length = np.nansum(np.hypot(*np.diff(centre, axis=0).T))
        assert row["distance (cm)"] == pytest.approx(length, rel=0.01), name
        assert row["mean_speed (cm/s)"] == pytest.approx(length / (len(centre) / FPS), rel=0.02), name
