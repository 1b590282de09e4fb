"""Options of MoSeq: walking beside posture, a stickiness for each group, animals left out in folds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

import murid
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.methods.motifs.left_out_folds import left_out_likelihood

POINTS = {"nose": (30, 0), "ear_left": (15, 8), "ear_right": (15, -8), "centre": (0, 0), "tail_base": (-30, 0)}
QUICK = {"n_states": 12, "kappa": 300.0, "em_iterations": 6, "sweeps": 0, "lags_s": 1 / 30}


def walker(seed: int, **more) -> tuple[Recording, np.ndarray]:
    """A mouse whose head goes to and fro by the second; every other four seconds it walks, whatever its head does."""
    rng, t = np.random.default_rng(seed), np.arange(1200) / 30
    walks = (t // 4 + seed) % 2 == 1
    body = np.repeat(np.array(list(POINTS.values()), float)[None], len(t), axis=0)
    body[:, 0, 0] -= 12 * (t // 1 % 2)
    way = np.cumsum(np.where(walks, 5.0, 0.0))[:, None] * [1, 0]
    xy = body + way[:, None] + 0.3 * rng.normal(size=body.shape)
    poses = make_poses(xy.transpose(0, 2, 1)[..., None], np.ones((*xy.shape[:2], 1)), keypoints=list(POINTS), fps=30.0)
    return Recording(f"r{seed}", poses=poses, animal=f"a{seed}", **more), walks


@pytest.mark.slow
def test_walking_tells_syllables_apart_that_posture_does_not():
    (one, walks), (two, _) = walker(0), walker(1)
    told = {}
    for walking in (False, True):
        model = murid.method("moseq", walking=walking, **QUICK).fit([one, two])
        told[walking] = adjusted_mutual_info_score(walks, model.apply(one)["states"].values[:, 0])
    assert told[False] < 0.1
    assert told[True] > 0.4
    with pytest.raises(DataError, match="walking describes tracks"):
        murid.method("moseq", walking=True, model="slds", **QUICK).fit([one])


@pytest.mark.slow
def test_one_group_may_be_stickier_and_animals_are_left_out(tmp_path):
    recordings = [walker(k, group="xy"[k % 2])[0] for k in range(4)]
    model = murid.method("moseq", by_group=True, group_kappa={"y": 1e6, "z": 1.0}, folds=2, **QUICK)
    with pytest.warns(UserWarning, match=r"group_kappa\['z'\] is not used.*x, y"):
        model.fit(recordings)
    stay = [np.average(np.diag(m), weights=model.parts["model"].usage) for m in model.parts["model"].transitions]
    assert stay[0] < 0.99 < 0.999 < stay[1]
    rows = model.facts["evidence"]["left_out"]
    assert [r["animals"] for r in rows] == [["a0", "a2"], ["a1", "a3"]]
    assert all(r["left_out"] > r["one_state"] + 0.1 for r in rows)
    model.save(tmp_path / "m")
    read = type(model).load(tmp_path / "m")
    assert read.apply(recordings[0])["states"].equals(model.apply(recordings[0])["states"])
    with pytest.raises(DataError, match="group_kappa without transitions of each group"):
        murid.method("moseq", group_kappa={"x": 1.0}, **QUICK).fit(recordings)


def test_folds_leave_out_whole_animals_and_read_unknown_groups_with_the_mean():
    rng, settings = np.random.default_rng(0), ArHmmParams(n_states=2, lags=1, kappa=5.0, em_iterations=1)
    tables = [rng.normal(size=(60, 2)).cumsum(axis=0) * 0.1 for _ in range(5)]
    seen = []

    def fit(own, groups, known):
        seen.append((len(own), groups, known))
        return fit_arhmm(own, settings.replace(sweeps=0, draws=0), groups=groups)

    rows = left_out_likelihood(tables, list("aabbc"), [1, 1, 1, 1, 0], 3, fit, settings)
    assert seen == [(3, [1, 1, 0], [0, 1]), (3, [1, 1, 0], [0, 1]), (4, [0, 0, 0, 0], [1])]
    assert [r["animals"] for r in rows] == [["a"], ["b"], ["c"]]
    # One state is one AR model: its likelihood by hand.
    x, own = tables[4], np.concatenate([np.column_stack([t[:-1], np.ones(59), t[1:]]) for t in tables[:4]])
    coef = np.linalg.lstsq(own[:, :3], own[:, 3:], rcond=None)[0]
    cov = np.cov((own[:, 3:] - own[:, :3] @ coef).T, bias=True)
    rest = x[1:] - np.column_stack([x[:-1], np.ones(59)]) @ coef
    by_hand = -0.5 * (np.einsum("td,de,te->t", rest, np.linalg.inv(cov), rest) + np.linalg.slogdet(2 * np.pi * cov)[1])
    assert rows[2]["one_state"] == pytest.approx(by_hand.mean(), abs=0.1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(left_out_likelihood(tables[:3], list("aab"), None, 5, fit, settings)) == 2
    assert "so 2 folds are made" in str(said[0].message)
    with pytest.raises(DataError, match="all recordings are of one animal"):
        left_out_likelihood(tables[:2], list("aa"), None, 5, fit, settings)
