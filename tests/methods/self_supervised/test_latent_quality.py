"""The row of a method's latent."""

from __future__ import annotations

import murid
from murid import simulate
from murid.methods.self_supervised.latent_quality import judge_latents


def test_row_of_a_plain_latent():
    options = {"duration_s": 40, "fps": 25, "behaviours": ("walk", "rest", "rear")}
    made = [simulate.recording("open_field", seed=s, id=f"r{s}", animal=f"a{s}", **options) for s in (1, 2, 3)]
    spoilers = {
        "little": lambda r: simulate.corrupt(r, jitter_px=0.5, occlusions_per_min=0, jumps_per_min=0),
        "much": lambda r: simulate.corrupt(r, jitter_px=8, occlusions_per_min=0, jumps_per_min=0),
    }
    row = judge_latents(
        lambda seed: murid.method("kmeans", n_motifs=6, replicates=2, seed=seed),
        made[:2],
        made[2:],
        behaviours=options["behaviours"],
        spoilers=spoilers,
    )
    assert row["probe_f1"] > 0.6
    assert row["trustworthiness"] > 0.7
    assert -1 < row["prediction"] < row["recovery"], "the latent of a frame says less of what follows than of the frame"
    assert 0.3 < row["recovery"] <= 1
    assert row["seed_r2"] > 0.999, "principal components have no seed"
    assert row["little_kept"] > row["much_kept"]
    assert row["little_probe_f1"] > row["much_probe_f1"]
