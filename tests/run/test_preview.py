"""Pseudo-labels of a study before any training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.study import Study

TABLE = """
after_tone:
    when since_tone < 1 s
never:
    when speed_centre > 900 bl/s
"""


@pytest.fixture
def study(tmp_path):
    made = Study.create(tmp_path / "S")
    tone = pd.DataFrame({"time_s": [0.5], "label": "tone"})
    one, other = (simulate.recording(duration_s=3, fps=20, seed=k, px_per_cm=4).poses for k in (0, 1))
    made.add(Recording("r0", poses=one, animal="a0", events=tone))
    made.add(Recording("r1", poses=other, animal="a1"))
    return made


def test_every_label_has_its_row_and_a_recording_without_the_event_its_figure(study):
    run = murid.run_analysis(study, "preview", {"pseudo_labels": TABLE})
    table = run.tables["pseudo_labels"].set_index(["recording", "label"])
    assert list(table.loc["r0"].index) == ["after_tone", "never", "other", "unknown"]
    assert table.loc[("r0", "after_tone"), "share"] == pytest.approx(20 / 60, abs=0.02)
    assert table.loc[("r0", "after_tone"), "bouts"] == 1
    assert table.loc[("r0", "after_tone"), "median_s"] == pytest.approx(1.0, abs=0.06)
    assert table.loc[("r1", "after_tone"), "share"] == 0, "the event never was here, so it is not unknown"
    np.testing.assert_allclose(table.groupby("recording")["share"].sum(), 1)
    assert {p.name for p in (run.folder / "figures").glob("*.png")} == {"r0.png", "r1.png"}


def test_a_rule_that_cannot_be_told_names_what_there_is(study):
    with pytest.raises(DataError, match="since_tone"):
        murid.run_analysis(study, "preview", {"pseudo_labels": "a:\n    when since_tine < 1 s\n"})
    with pytest.raises(DataError, match="no recording is there"):
        murid.run_analysis(Study.create(study.folder.parent / "T"), "preview")


def test_an_edited_rule_file_is_another_question(study, tmp_path):
    rules = tmp_path / "rules.txt"
    rules.write_text(TABLE)
    first = murid.run_analysis(study, "preview", {"pseudo_labels": str(rules)})
    rules.write_text(TABLE.replace("never", "nowhere"))
    second = murid.run_analysis(study, "preview", {"pseudo_labels": str(rules)})
    assert first.summary["labels"] == ["after_tone", "never", "other"]
    assert second.summary["labels"] == ["after_tone", "nowhere", "other"]
    assert first.summary["sentences"] == ["Never occurs: never."]
    assert first.read_states("r0")["states"].sizes["time"] == 60
