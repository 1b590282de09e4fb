"""What a notebook shows of the main objects."""

import pandas as pd
import run_work as work

from murid import assays, evaluate, method, simulate
from murid.data.notebook_html import MAX_ROWS, shown_as_html
from murid.run.check import check_study


def test_recording_study_and_run_show_what_they_hold(tmp_path):
    study = work.small_study(tmp_path / "S", 3)
    assert "Recording r0" in study["r0"]._repr_html_()
    assert "animal: a0" in study["r0"]._repr_html_()
    shown = study._repr_html_()
    assert "recordings: 3" in shown
    assert "<td>r2</td>" in shown
    assert "Run of check" in check_study(study)._repr_html_()


def test_results_show_their_numbers_with_units():
    recording = simulate.recording("open_field", duration_s=20, seed=1)
    shown = assays.run_paradigm("open_field", recording)._repr_html_()
    assert "<td>distance</td>" in shown
    assert "<td>cm</td>" in shown
    labels = recording.need("labels")
    states = labels.to_states(recording.need("poses")["time"].values)
    assert "accuracy: 1.000" in evaluate.score(states, states)._repr_html_()


def test_a_method_shows_its_card_and_its_parameters():
    shown = method("kmeans", n_motifs=7)._repr_html_()
    assert "KMeans" in shown
    assert "not fitted" in shown
    assert "<td>7</td>" in shown


def test_text_is_text_and_long_tables_are_cut():
    table = pd.DataFrame({"a": range(MAX_ROWS + 5)})
    shown = shown_as_html("<script>", {"b": "<i>"}, table)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "5 more rows" in shown
