"""Motif methods on a study: the table of methods, and the groups' motif usage."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from murid import simulate
from murid.cli.app import app
from murid.data.errors import DataError
from murid.data.study import Study
from murid.ethogram.transitions import enrichment, group_difference, transitions_of
from murid.run.analysis import run_analysis
from murid.run.apply import apply_method
from murid.run.fit import fit_method
from murid.run.motifs import compare_motifs


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study.create(tmp_path_factory.mktemp("motifs") / "study")
    for k in range(4):
        study.add(
            simulate.recording(
                duration_s=30,
                fps=25,
                seed=k,
                id=f"r{k}",
                animal=f"a{k}",
                group="ab"[k % 2],
                behaviours=("walk", "rest"),
            )
        )
    return study


def test_methods_side_by_side(study):
    params = {"kmeans": {"n_motifs": 5, "replicates": 2}, "pyrat": {"n_motifs": 5, "n_prototypes": 300}}
    run = compare_motifs(study, ["kmeans", "pyrat"], params)
    table = run.tables["motifs"].set_index("method")
    assert table.index.tolist() == ["kmeans", "pyrat"]
    assert (table["motifs"] == 5).all()
    assert (table["apply_fps"] > 100).all()
    assert (table["fit_s"] > 0).all()
    assert (table["ami"] > table["ami_control"]).all()
    assert table["seed_ari"].between(-0.2, 1).all()
    assert table["half_ari"].between(-0.2, 1).all()
    assert {"median_ms", "change_z", "probe_f1"} <= set(table)
    assert "failed" not in table
    assert (table["peak_mb"] > 50).all()
    assert (table["fit_cpu_s"] > 0).all()
    # PyRAT labels frames that nothing smooths: those near the border of two motifs change with the size of the body.
    assert table.at["kmeans", "cut_ari"] > 0.9
    assert table.at["pyrat", "cut_ari"] > 0.6
    assert set(run.tables["stability"]["kind"]) == {"seed", "half"}
    again = compare_motifs(study, ["kmeans", "pyrat"], params)
    assert again.tables["motifs"].equals(run.tables["motifs"])  # nothing was done twice, times included


def test_one_that_fails_leaves_the_others_alone(study):
    params = {"pyrat": {"n_motifs": 4, "n_prototypes": 300}, "kmeans": {"points": ["horn"]}}
    run = compare_motifs(study, ["kmeans", "pyrat"], params, ["r0", "r1"], seeds=1, halves=False)
    table = run.tables["motifs"].set_index("method")
    assert "no point 'horn'" in table.at["kmeans", "failed"]
    assert np.isnan(table.at["kmeans", "fit_s"])
    assert table.at["pyrat", "motifs"] == 4
    assert not table["failed"].notna()["pyrat"]
    assert any("horn" in w for w in run.provenance["warnings"])
    with pytest.raises(DataError, match="horn"):
        compare_motifs(study, ["kmeans"], params)


def test_robustness_stands_beside_the_rest(study):
    params = {"kmeans": {"n_motifs": 4, "replicates": 1}}
    run = compare_motifs(study, ["kmeans"], params, ["r0", "r1"], seeds=1, halves=False, robust=True)
    row, parts = run.tables["motifs"].iloc[0], run.tables["robustness"]
    assert set(parts["kind"]) == {"jitter", "dropout", "rate", "mirror", "size"}
    assert (parts["method"] == "kmeans").all()
    for kind, rows in parts.groupby("kind"):
        assert row[f"{kind}_ari"] == pytest.approx(rows["ari"].mean())
    # Features are in body lengths and mirror-blind motifs do not exist: size changes nothing, jitter something.
    assert row["size_ari"] > 0.95
    assert 0.2 < row["jitter_ari"] < 1
    jitter = parts[parts["kind"] == "jitter"].sort_values("level")["ari"].to_numpy()
    assert jitter[0] > jitter[-1]


def test_command(study):
    words = [
        "compare-motifs",
        str(study.folder),
        "pyrat",
        "-p",
        "n_motifs=4",
        "-p",
        "n_prototypes=300",
        "--seeds",
        "1",
        "--no-halves",
        "--json",
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    reply = json.loads(result.output[result.output.index("{") :])
    assert reply["tables"]["motifs"][0]["motifs"] == 4


def test_only_motif_methods_are_compared(study):
    with pytest.raises(DataError, match="finds no motifs"):
        compare_motifs(study, ["gbdt"])


def test_usage_by_group(study):
    fit_method(study, "pyrat", {"n_motifs": 4, "n_prototypes": 300}, model="postures")
    run = run_analysis(study, "motif_statistics", states_from="postures")
    motifs = [f"motif_{k:02d}" for k in range(4)]
    animals = run.tables["animals"]
    assert animals[motifs].sum(axis=1).between(0.999, 1.001).all()
    assert run.tables["comparison"]["measure"].tolist() == motifs
    assert {"p", "q", "effect"} <= set(run.tables["comparison"])
    assert run.tables["pattern"]["measure"].tolist() == ["counts", "fractions"]
    assert len(run.tables["usage"]) == 16
    assert run.summary["model"] == "postures"
    head = (run.folder / "tables" / "kinematics.csv").read_text().splitlines()[0]
    assert head.endswith("speed (cm/s),forward (cm/s),sideways (cm/s),turn (deg/s),turn_abs (deg/s),distance (cm)")
    # What follows what, over all recordings, is that of the states that the model wrote.
    applied = apply_method(study, "postures")
    states = [applied.read_states(i)["states"] for i in study.ids]
    expected = enrichment(states, n_shuffles=200, seed=0)
    pd.testing.assert_frame_equal(run.tables["transitions"], expected, check_dtype=False)
    counts = np.stack([transitions_of(s).counts for s in states])
    one = group_difference(counts, ["a", "b", "a", "b"], seed=0)
    assert run.tables["pattern"]["distance"][0] == pytest.approx(one["distance"])


def test_rare_motifs_are_named_and_not_compared(study):
    params = {"min_fraction": 0.3}
    fit_method(study, "pyrat", {"n_motifs": 4, "n_prototypes": 300}, model="postures", replace=True)
    run = run_analysis(study, "motif_statistics", params, states_from="postures")
    mean = run.tables["usage"].groupby("motif")["fraction"].mean()
    rare = mean.index[mean < 0.3].tolist()
    assert rare
    assert set(run.tables["comparison"]["measure"]) == set(mean.index) - set(rare)
    assert f"used less than 30.0% of the time and not compared: {', '.join(rare)}" in run.provenance["warnings"]


def test_labels_have_statistics_too(study):
    run = run_analysis(study, "motif_statistics", ids=["r0"], compare=None)
    usage = run.tables["usage"].set_index("motif")["fraction"]
    assert {"walk", "rest"} <= set(usage.index)
    assert usage.sum() == pytest.approx(1)
    assert "pattern" not in run.tables
