"""Motif methods side by side: one animal that cannot be judged does not silence the others."""

from __future__ import annotations

import numpy as np
import pytest

from murid.compare.motifs import motif_row
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.methods.base import output
from murid.simulate.syllables import syllable_poses


def judged(hidden_at_onsets: bool):
    poses, states = syllable_poses(40, 30.0, seed=3, n_states=4, median_s=0.8)
    codes = states.values[:, 0]
    if hidden_at_onsets:
        at = 1 + np.flatnonzero(np.diff(codes))
        near = np.unique((at[:, None] + np.arange(-3, 3)).ravel())
        poses["position"].values[near[near < len(codes)]] = np.nan
    said = make_states(codes[:, None], poses["time"].values, list("abcd"), ["mouse_1"])
    return output(said, confidence=np.ones((len(codes), 1))), Recording("r", poses=poses, animal="m")


def test_change_score_of_the_animals_that_have_one():
    out, recording = judged(False)
    alone = motif_row([out], [recording])
    assert alone["change"] > 0.3
    assert alone["change_z"] > 5
    blind, unseen = judged(True)
    both = motif_row([out, blind], [recording, unseen])
    assert both["change"] == pytest.approx(alone["change"])
    assert "change" not in motif_row([blind], [unseen])


def test_change_score_needs_no_names_of_points():
    out, recording = judged(False)
    poses = recording.poses.assign_coords(keypoint=[f"point_{k}" for k in range(recording.poses.sizes["keypoint"])])
    row = motif_row([out], [recording.replace(poses=poses)])
    assert row["change"] > 0.3
    assert row["change_z"] > 5
