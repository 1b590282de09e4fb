"""Head to head: paired differences are paired, people are beside methods, nothing is dropped in silence."""

import numpy as np
import pandas as pd
import pytest

from murid.compare import (
    ceiling,
    compare_with_best,
    family_figure,
    learning_figure,
    methods_figure,
    methods_side_by_side,
)
from murid.data.labels import Labels
from murid.evaluate import frames


def counts(rng, skill, hardness):
    """Frames of one recording: 200 true of 1,000; a harder recording costs every method alike."""
    p = np.clip(skill - hardness, 0.02, 0.98)
    tp = rng.binomial(200, p)
    return tp, rng.binomial(800, 0.05), 200 - tp, 0


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    rows = []
    for k in range(16):
        hard = rng.uniform(0, 0.5)
        for method, skill in (("good", 0.95), ("close", 0.90), ("twin", 0.95)):
            rows += [(method, f"r{k}", b, *counts(rng, skill, hard)) for b in ("rear", "groom")]
    return pd.DataFrame(rows, columns=["method", "recording", "behaviour", *frames.CELLS])


def test_pairing_finds_a_small_difference_that_the_separate_intervals_cannot(recordings):
    found = compare_with_best(recordings, {}, seed=1).set_index(["behaviour", "method"])
    row = found.loc[("macro", "close")]
    assert row["difference"] < 0
    assert row["high"] < 0
    per = {
        m: frames.f1_of(np.stack([g[list(frames.CELLS)].sum() for _, g in part.groupby("recording")]))
        for m, part in recordings.groupby("method")
    }
    width = row["high"] - row["low"]
    alone = 2 * 1.96 * np.std(per["close"], ddof=1) / np.sqrt(16)
    assert width < 0.5 * alone
    other = next(m for m in ("good", "twin") if ("macro", m) in found.index)
    twin = found.loc[("macro", other)]
    assert twin["low"] <= 0 <= twin["high"]


def test_limits_are_those_of_the_level_that_was_asked_for(recordings):
    pair = recordings[recordings["method"].isin(["close", "good"])]
    found = {alpha: compare_with_best(pair, {}, alpha=alpha).iloc[-1] for alpha in (0.05, 0.01)}
    assert found[0.01]["low"] < found[0.05]["low"] < found[0.05]["high"] < found[0.01]["high"]
    # The normal quantiles of the two levels are 2.576 and 1.960.
    width = {alpha: row["high"] - row["low"] for alpha, row in found.items()}
    assert width[0.01] / width[0.05] == pytest.approx(2.576 / 1.960, rel=0.12)
    default = compare_with_best(pair, {}).iloc[-1]
    assert (default["low"], default["high"]) == (found[0.05]["low"], found[0.05]["high"])


def test_differences_sum_like_the_scores(recordings):
    found = compare_with_best(recordings, {}).set_index(["behaviour", "method"])
    total = recordings.groupby(["method", "behaviour"])[list(frames.CELLS)].sum()
    f1 = pd.Series(frames.f1_of(total.to_numpy()), index=total.index)
    best = found["best"].iloc[0]
    assert found.loc[("rear", "close"), "difference"] == pytest.approx(f1["close", "rear"] - f1[best, "rear"])
    one = compare_with_best(recordings, {f"r{k}": "same" for k in range(16)})
    assert one[["low", "high"]].isna().all(axis=None)


def test_a_method_that_missed_recordings_is_compared_on_the_shared_ones(recordings):
    part = recordings[~((recordings["method"] == "close") & recordings["recording"].isin(["r0", "r1"]))]
    found = compare_with_best(part, {})
    assert set(found.loc[found["method"] == "close", "n_recordings"]) == {14}


def rated(*raters):
    rows = [(a, b, label, "m", rater) for rater, spans in raters for a, b, label in spans]
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "individual", "rater"]).assign(stream="")
    return Labels.from_bouts(bouts, duration_s=60.0, fps=10)


def test_ceiling_is_the_agreement_of_people_and_empty_with_one():
    time = np.arange(600) / 10
    two = rated(("a", [(5, 15, "rear"), (30, 40, "groom")]), ("b", [(6, 15, "rear"), (30, 38, "groom")]))
    found = ceiling({"r": two, "s": two.select(rater="a")}, {"r": time, "s": time}, ["rear", "groom"])
    row = found.set_index("behaviour").loc["rear"]
    assert row["f1"] == pytest.approx(2 * 90 / (100 + 90))
    assert row["event_f1"] == 1
    assert 0.9 < row["kappa"] < 1
    assert row["n_recordings"] == 1
    assert found["behaviour"].tolist() == ["rear", "groom", "macro"]
    assert ceiling({"s": two.select(rater="a")}, {"s": time}, ["rear"]).empty


def test_raters_with_other_words_are_named():
    time = np.arange(600) / 10
    two = rated(("a", [(5, 15, "rear"), (30, 40, "groom")]), ("b", [(6, 15, "rearing"), (30, 38, "groom")]))
    with pytest.warns(UserWarning, match="b never wrote rear"):
        ceiling({"r": two}, {"r": time}, ["rear", "groom"])


def test_table_and_figures(recordings, tmp_path):
    per = [
        {"method": m, "behaviour": b, "f1": f, "f1_low": f - 0.1, "f1_high": f + 0.05, "bout_f1": f, "ece": 0.02}
        for m, f in (("good", 0.8), ("close", 0.7))
        for b in ("rear", "groom", "macro")
    ]
    totals = pd.DataFrame(
        [{"method": m, "behaviour": "rear", "time_r": 0.9, "time_bias": 1.0} for m in ("good", "close")]
    )
    table = methods_side_by_side(pd.DataFrame(per), totals)
    assert table["behaviour"].tolist()[-2:] == ["macro", "macro"]
    assert table["method"].iloc[0] == "good"
    human = pd.DataFrame({"behaviour": ["rear", "macro"], "f1": [0.9, 0.9]})
    leaky = pd.DataFrame({"method": ["good"], "behaviour": ["rear"], "f1": [0.99]})
    known = compare_with_best(recordings[recordings["method"] != "twin"], {})
    figure = methods_figure(table, differences=known, ceiling=human, leaky=leaky)
    figure.savefig(tmp_path / "a.png")
    assert "INFLATED" in figure.axes[0].get_title(loc="left")
    points = pd.DataFrame({"n_bouts": [5, 10, 20], "score": [0.4, 0.5, 0.6], "fold": 0})
    curve = pd.DataFrame({"n_bouts": [5, 20], "expected": [0.4, 0.6], "low": [0.3, 0.5], "high": [0.5, 0.7]})
    learning_figure(points, curve, "advice").savefig(tmp_path / "b.png")
    families = pd.DataFrame({"behaviour": ["rear", "rear"], "family": ["shape", "zone"], "share": [0.7, 0.3]})
    family_figure(families).savefig(tmp_path / "c.png")
    assert {p.stat().st_size > 3000 for p in tmp_path.glob("*.png")} == {True}
