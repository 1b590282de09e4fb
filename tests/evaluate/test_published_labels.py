"""Figures that others can check: human agreement, a published tool, and the trap of shifted labels."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from murid import evaluate
from murid.data.clock import frame_times
from murid.data.labels import Labels
from murid.data.states import make_states
from murid.evaluate import agreement, frames, segmentation

pytestmark = pytest.mark.realdata

FPS, N_FRAMES = 25.0, 15_000
REARS = ("Supported", "Unsupported")
MARKERS = ("StartEnd", "Start/End", "_DEFAULT")


@pytest.fixture(scope="module")
def raters(data_dir) -> dict[str, Labels]:
    """Labels of three raters by video (DLC file name)."""
    table = pd.read_csv(data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz", sep=";")
    table = table[~table["type"].isin(MARKERS)].dropna(subset=["from", "to"])
    table = table.rename(columns={"from": "start_s", "to": "stop_s", "type": "label", "Experimenter": "rater"})
    columns = ["start_s", "stop_s", "label", "rater"]
    return {
        name: Labels.from_bouts(part[columns].reset_index(drop=True), duration_s=N_FRAMES / FPS)
        for name, part in table.groupby("DLCFile")
    }


@pytest.fixture(scope="module")
def network(data_dir, raters):
    """Published network states of the same videos; `shift` frames after the start of the file."""

    def read(shift: int) -> dict:
        out = {}
        for name in raters:
            with gzip.open(data_dir / "behaviorflow" / "CSVinput" / f"{name}.gz", "rt") as file:
                column = pd.read_csv(file, sep=";", keep_default_na=False)["rear.classifier"]
            names = ["None", *REARS]
            code = column.map({n: i for i, n in enumerate(names)}).fillna(-1).astype(int).to_numpy()
            time = frame_times(len(code), FPS, shift / FPS)
            out[name] = make_states(code, time, names)
        return out

    return read


# Counted on these 15 videos by painting round(seconds * 25) … end frames; the source's larger set gives figures
# within .015 of them (Supported .884, .887, .911; Unsupported .729, .755, .791).
HUMANS = {
    ("Furkan", "Jin"): (0.8821, 0.7173),
    ("Furkan", "Oliver"): (0.8848, 0.7456),
    ("Jin", "Oliver"): (0.9106, 0.7927),
}
# Likewise for the network (.888, .911, .986; .753, .785, .974).
NETWORK = {"Furkan": (0.8864, 0.7392), "Jin": (0.9111, 0.7891), "Oliver": (0.9854, 0.9647)}


def painted(labels: Labels, rater: str, behaviour: str) -> np.ndarray:
    """The plain way: no clocks, no streams."""
    mine = labels.bouts[(labels.bouts["rater"] == rater) & (labels.bouts["label"] == behaviour)]
    out = np.zeros(N_FRAMES, bool)
    for start, stop in mine[["start_s", "stop_s"]].to_numpy():
        out[round(start * FPS) : round(stop * FPS)] = True
    return out


def test_human_agreement_on_rearing(raters):
    clock = frame_times(N_FRAMES, FPS)
    got = agreement.compare_raters(list(raters.values()), REARS, time_s=[clock] * len(raters), n_boot=200)
    f1 = got.pairs.set_index(["rater_a", "rater_b", "behaviour"])["f1"]
    for pair, figures in HUMANS.items():
        for behaviour, figure in zip(REARS, figures, strict=True):
            assert f1[(*pair, behaviour)] == pytest.approx(figure, abs=5e-4)
            one, two = (np.concatenate([painted(x, r, behaviour) for x in raters.values()]) for r in pair)
            assert f1[(*pair, behaviour)] == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()), abs=5e-4)
    assert (got.pairs["kappa_low"] < got.pairs["kappa"]).all()
    assert got.alpha["Supported"] > got.alpha["Unsupported"] > 0.6


def test_one_class_a_frame_in_the_order_of_the_file_gives_the_figures_of_the_source(data_dir):
    # The source painted one class a frame, later lines of the file over earlier ones.
    table = pd.read_csv(data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz", sep=";")
    table = table[~table["type"].isin(MARKERS)].dropna(subset=["from", "to"])
    painted = {}
    for key, part in table.groupby(["Experimenter", "DLCFile"]):
        codes = np.zeros(N_FRAMES, np.int8)
        for start, stop, label in part[["from", "to", "type"]].to_numpy():
            codes[round(start * FPS) : round(stop * FPS)] = label == "Supported"
        painted[key] = codes
    videos = sorted(table["DLCFile"].unique())
    for (one, two), printed in zip(HUMANS, (0.884, 0.887, 0.911), strict=True):
        a, b = (np.concatenate([painted[rater, v] for v in videos])[:, None, None] for rater in (one, two))
        assert float(frames.f1_of(frames.counts(a, b))[0]) == pytest.approx(printed, abs=6e-4)


def test_network_against_each_rater(raters, network):
    states = network(300)
    for rater, figures in NETWORK.items():
        pairs = [(raters[v], states[v]) for v in raters]
        got = evaluate.score_many(pairs, rater=rater, behaviours=REARS, n_boot=50)
        np.testing.assert_allclose(got.table.loc[list(REARS), "f1"], figures, atol=6e-4)


def test_without_the_shift_frames_are_at_chance_while_totals_still_correlate(raters, network):
    states = network(0)
    got = evaluate.score_many([(raters[v], states[v]) for v in raters], rater="Oliver", behaviours=REARS, n_boot=50)
    assert got.table.at["Supported", "f1"] == pytest.approx(0.189, abs=1e-3)
    assert got.totals.at["Supported", "time_r"] > 0.99
    assert got.totals.at["Supported", "f1"] == got.table.at["Supported", "f1"]


def test_published_clusters_against_the_human_majority(data_dir, raters):
    names = ["Supported", "Unsupported", "Grooming"]
    truth, codes = [], []
    for name, labels in raters.items():
        table = pd.read_csv(data_dir / "behaviorflow" / "CSVinput" / f"{name}.gz", sep=";", keep_default_na=False)
        code = pd.to_numeric(table["kmeans.25"], errors="coerce").fillna(0).astype(int).to_numpy() - 1
        majority = agreement.consensus(labels, frame_times(len(code), FPS, 300 / FPS), names)
        truth.append(frames.exclusive_codes(majority.values)[:, 0])
        codes.append(code)
    got = segmentation.judge_segmentation(truth, codes, n_controls=3)
    assert got.at["nmi", "value"] == pytest.approx(0.122, abs=0.01)  # 20 recordings of the source: .122
    assert got.at["ari", "value"] == pytest.approx(0.023, abs=0.01)  # .023
    assert got.at["nmi", "control_mean"] < 0.01
    mapped = segmentation.mapped_score(truth, codes, segmentation.leave_one_out(len(truth)))
    assert mapped["f1"][1] == pytest.approx(0.64, abs=0.03)  # supported .64, the rare classes never win a cluster
    assert mapped["f1"][2] == mapped["f1"][3] == 0.0


def test_a_published_freezing_detector_against_a_human(data_dir):
    h5py = pytest.importorskip("h5py")
    from scipy.io import loadmat

    folder = data_dir / "behaviordepot" / "demo1"
    with h5py.File(folder / "hB_demo1_manual_annotations.mat.mat") as file:
        human = np.asarray(file["hBehavior/Freezing/Vector"]).ravel().astype(int)
    tool = loadmat(folder / "demo1_video.avi_analyzed" / "Behavior.mat", simplify_cells=True)
    said = np.asarray(tool["Behavior"]["Freezing"]["Vector"]).ravel().astype(int)
    time = frame_times(human.size, 50.0)
    truth, predicted = (make_states(v[:, None, None], time, ["Freezing"]) for v in (human, said[: human.size]))
    row = evaluate.score(truth, predicted).table.loc["Freezing"]
    assert row["precision"] == pytest.approx(0.875, abs=5e-4)
    assert row["recall"] == pytest.approx(0.932, abs=5e-4)
    assert row["f1"] == pytest.approx(0.903, abs=5e-4)
    assert row["accuracy"] == pytest.approx(0.954, abs=5e-4)
    assert (row["bouts_true"], row["bouts_predicted"]) == (20, 17)
