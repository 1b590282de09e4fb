"""Many recordings scored by three raters: agreement, time budget by group and a report, in six commands."""

import numpy as np
import pandas as pd
import pytest

from tests.journeys.independent import adjusted, exact_p, hedges_g

RATE = 25.0


def frames(bouts, n):
    out = np.zeros(n, bool)
    for start, stop in zip(bouts["from"], bouts["to"], strict=True):
        out[round(start * RATE) : round(stop * RATE)] = True
    return out


def kappa(a, b):
    observed = np.mean(a == b)
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return (observed - chance) / (1 - chance)


def journey(shell, labels, sheet, rater):
    """Type the whole job; return the tables of agreement and budget, and what check and budget printed."""
    shell("murid new S")
    shell(f"murid add S --labels {labels} --sheet {sheet}")
    checked = shell("murid check S -j 1")
    agreement = shell("murid agreement S -j 1")
    budget = shell(f"murid budget S --rater {rater} -j 1")
    assert "S/report.html" in shell("murid report S")
    assert shell.to_first_figure == 6
    return shell.tables(agreement), shell.tables(budget), checked, budget


def check(table, pairs, budget, behaviours, rater, *, kappa_tolerance, share_tolerance):
    """Kappa of every pair of raters, and every animal's share, from frames; labels in seconds are read at 10 Hz."""
    raters = sorted(set(table["Experimenter"]))
    rows = pairs["pairs"].set_index(["rater_a", "rater_b", "behaviour"])
    last = table.groupby(["ID", "Experimenter"])["to"].max()
    for label in behaviours:
        own = table[table["type"] == label]
        masks = {r: [] for r in raters}
        for name in sorted(set(table["ID"])):
            n = round(last[name].min() * RATE)  # as far as every rater watched
            for r in raters:
                masks[r].append(frames(own[(own["ID"] == name) & (own["Experimenter"] == r)], n)[:n])
        joined = {r: np.concatenate(m) for r, m in masks.items()}
        for k, a in enumerate(raters):
            for b in raters[k + 1 :]:
                expected = kappa(joined[a], joined[b])
                assert rows.loc[(a, b, label), "kappa"] == pytest.approx(expected, abs=kappa_tolerance), (a, b, label)
    animals = budget["animals"].set_index("recording", drop=False)
    own = table[table["Experimenter"] == rater]
    for name, bouts in own.groupby("ID"):
        n = round(bouts["to"].max() * RATE)
        for label in behaviours:
            share = 100 * frames(bouts[bouts["type"] == label], n).mean()
            assert animals.at[name, f"{label} (%)"] == pytest.approx(share, abs=share_tolerance)
    return animals


def check_groups(compared, animals):
    first, second = compared["groups"].iloc[0].split(" | ")
    for row in compared.to_dict("records"):
        values = [animals.loc[animals["group"] == g, f"{row['measure']} (%)"].to_numpy(float) for g in (first, second)]
        assert [row[f"mean_{first}"], row[f"mean_{second}"]] == pytest.approx([v.mean() for v in values])
        assert row["effect"] == pytest.approx(hedges_g(*values))
        assert row["p"] == pytest.approx(exact_p(*values), abs=1e-9)
    np.testing.assert_allclose(compared["q"], adjusted(compared["p"]), rtol=1e-9)


@pytest.mark.slow
def test_three_simulated_raters(shell, tmp_path):
    rng = np.random.default_rng(4)
    rows = []
    for k in range(10):
        start = np.arange(5.0, 110.0, 6.0) + rng.uniform(0, 1.5, 18)
        lasts = rng.uniform(0.5, 2.0 if k < 5 else 3.5, 18)
        for rater in ("Ann", "Bob", "Cem"):
            shift = rng.normal(0, 0.15, (2, 18))
            for j in range(18):
                label = "rear" if j % 2 else "groom"
                rows.append((f"r{k}", rater, start[j] + shift[0, j], start[j] + lasts[j] + shift[1, j] + 0.2, label))
            rows.append((f"r{k}", rater, 118.0, 120.0, "rear"))
    table = pd.DataFrame(rows, columns=["ID", "Experimenter", "from", "to", "type"]).round(3)
    table["DLCFile"] = table["ID"] + ".csv"
    table.to_csv(tmp_path / "all.csv", sep=";", index=False)
    sheet = pd.DataFrame({"ID": [f"r{k}" for k in range(10)], "Animal": [f"a{k}" for k in range(10)]})
    sheet.assign(Condition=["saline"] * 5 + ["drug"] * 5).to_csv(tmp_path / "sheet.csv", index=False)
    agreement, budget, checked, _ = journey(shell, "all.csv", "sheet.csv", "Bob")
    assert "10 recordings" in checked
    animals = check(table, agreement, budget, ["rear", "groom"], "Bob", kappa_tolerance=0.01, share_tolerance=0.4)
    check_groups(budget["comparison"], animals)


@pytest.mark.realdata
@pytest.mark.slow
def test_fifteen_real_films_and_three_raters(shell, tmp_path, data_dir):
    (tmp_path / "all.csv.gz").symlink_to(data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz")
    (tmp_path / "meta.csv").symlink_to(data_dir / "behaviorflow" / "Example_metadata.csv")
    table = pd.read_csv(tmp_path / "all.csv.gz", sep=";")
    table = table[table["to"].notna()]
    agreement, budget, checked, printed = journey(shell, "all.csv.gz", "meta.csv", "Oliver")
    behaviours = ["Supported", "Unsupported", "Grooming"]
    animals = check(table, agreement, budget, behaviours, "Oliver", kappa_tolerance=0.003, share_tolerance=0.15)
    # The condition, and not the treatment that is the same everywhere, tells the groups apart.
    assert animals["group"].value_counts().to_dict() == {"Control": 8, "CSI": 7}
    check_groups(budget["comparison"], animals)
    assert f"of {len(budget['comparison'])} measures differ" in printed
    assert "overlap" in checked
    assert "rater Jin" in checked
