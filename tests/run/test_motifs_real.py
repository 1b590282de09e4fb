"""Real recordings through the comparison of motif methods, as the benchmark cuts them."""

from __future__ import annotations

import warnings

import pytest

from murid.run.motifs import compare_motifs

QUICK = {"kmeans": {"n_motifs": 8, "replicates": 1}, "pyrat": {"n_motifs": 8, "n_prototypes": 500}}


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["bsoid_openfield", "three_chamber", "rat_social", "vame_clip"])
def test_real_recordings_side_by_side(name, tmp_path, data_dir):
    from benchmarks.motifs_real import DATASETS, study_of

    behaviours = DATASETS[name].behaviours
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = study_of(name, tmp_path / "study")
        run = compare_motifs(study, list(QUICK), QUICK, behaviours=behaviours, seeds=1, halves=False)
    table = run.tables["motifs"]
    assert "failed" not in table
    assert table["motifs"].between(3, 8).all()
    assert (table["labelled"] > 0.5).all()
    assert (table["median_ms"] >= 100).all()
    assert (table["cut_ari"] > 0.3).all()
    if behaviours:
        assert (table["ami"] > table["ami_control"]).any()
