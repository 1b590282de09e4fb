"""A classifier from BORIS labels to evaluated predictions and back to BORIS, without a line of Python."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from murid import simulate
from murid.io import write_poses_dlc
from tests.journeys.boris import write_aggregated

FPS = 25.0
#: A small forest: the journey is tested here, not the score.
SMALL = ["folds=2", "sample_hz=4", "trees.n_trees=30", "features.windows_s=0.4", "context_s=[]"]


def frames(bouts, label, n):
    """0 or 1 of every frame, of bouts in seconds; half a frame goes up."""
    out = np.zeros(n, int)
    for row in bouts[bouts["label"] == label].itertuples():
        first, stop = (int(np.floor(t * FPS + 0.5 + 1e-9)) for t in (row.start_s, row.stop_s))
        out[first:stop] = 1
    return out


def journey(shell, poses, labels, names):
    """Type the whole job; return the tables of the evaluation, and the folders of both runs' states."""
    shell("murid new S")
    shell(f"murid add S {poses} --labels {labels} --fps 25")
    evaluated = shell("murid evaluate S gbdt -j 1 " + " ".join(f"-p gbdt.{p}" for p in SMALL))
    shell("murid report S")
    assert shell.to_first_figure == 4
    shell("murid fit S gbdt -j 1 " + " ".join(f"-p {p}" for p in SMALL))
    applied = shell("murid apply S gbdt -j 1")
    assert f"{len(names)} files in back" in shell("murid export S gbdt --out back")
    folders = [shell.folder / text.split("Tables (CSV): ")[1].splitlines()[0] for text in (evaluated, applied)]
    return shell.tables(evaluated), *(folder.parent / "states" for folder in folders)


def present(folder, name, label):
    """Frames that a run calls by a behaviour, of one recording."""
    with xr.open_dataset(folder / f"{name}.nc", engine="h5netcdf") as data:
        states = data["states"].load()
    if "behaviour" in states.dims:
        return states.sel(behaviour=label).values[:, 0] == 1
    return states.values[:, 0] == list(states.attrs["behaviours"]).index(label)


def counts_in(confusion, label):
    """True and false, positive and negative frames of a behaviour, of either form of the table."""
    if "behaviour" in confusion:
        return confusion.set_index("behaviour").loc[label, ["tp", "fp", "fn", "tn"]].tolist()
    table = confusion.set_index("truth")
    tp, row, column = table.loc[label, label], table.loc[label].sum(), table[label].sum()
    return [tp, column - tp, row - tp, table.to_numpy().sum() - row - column + tp]


def check(shell, tables, held_out, applied, scored, names):
    """Every score against counts of frames; every exported table against the states."""
    counts = dict.fromkeys(sorted(set(scored["label"])), None)
    for label in counts:
        total = np.zeros(4, int)
        for name in names:
            found = present(held_out, name, label)
            truth = frames(scored[scored["recording"] == name], label, found.size) == 1
            total += [(truth & found).sum(), (~truth & found).sum(), (truth & ~found).sum(), (~truth & ~found).sum()]
        counts[label] = total
    scores = tables["per_class"].set_index("behaviour")
    f1s = []
    for label, (tp, fp, fn, tn) in counts.items():
        assert counts_in(tables["confusion_gbdt"], label) == [tp, fp, fn, tn]
        f1s.append(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0)
        assert scores.loc[label, "f1"] == pytest.approx(f1s[-1], abs=1e-9)
        assert scores.loc[label, "recall"] == pytest.approx(tp / (tp + fn), abs=1e-9)
        assert scores.loc[label, "support"] == tp + fn
    assert scores.loc["macro", "f1"] == pytest.approx(np.mean(f1s), abs=1e-9)
    for name in names:
        back = pd.read_csv(shell.folder / "back" / f"{name}.csv")
        assert set(back["Observation id"]) == {name}
        back = back.rename(columns={"Start (s)": "start_s", "Stop (s)": "stop_s", "Behavior": "label"})
        for label in counts:
            found = present(applied, name, label)
            assert np.array_equal(frames(back, label, found.size) == 1, found), (name, label)


@pytest.mark.slow
def test_simulated_animals(shell, tmp_path):
    (tmp_path / "poses").mkdir()
    rows, names, seconds = [], [f"mouse_{k}" for k in range(4)], 60.0
    for k, name in enumerate(names):
        made = simulate.recording(duration_s=seconds, fps=FPS, behaviours=("walk", "rear", "groom"), seed=k)
        write_poses_dlc(made.poses, tmp_path / "poses" / f"{name}DLC_net.csv")
        bouts = made.labels.bouts
        rows.append(bouts[bouts["label"].isin(["rear", "groom"])].assign(observation=f"obs {k}", recording=name))
    scored = pd.concat(rows, ignore_index=True)
    media = {f"obs {k}": f"{name}.mp4" for k, name in enumerate(names)}
    write_aggregated(tmp_path / "boris.csv", scored, media=media, duration_s=dict.fromkeys(media, seconds))
    written = pd.read_csv(tmp_path / "boris.csv")
    scored = scored.assign(start_s=written["Start (s)"], stop_s=written["Stop (s)"])
    tables, held_out, applied = journey(shell, "poses/", "boris.csv", names)
    check(shell, tables, held_out, applied, scored, names)


@pytest.mark.realdata
@pytest.mark.slow
def test_real_open_field_scored_by_a_person(shell, tmp_path, data_dir):
    (tmp_path / "oft").symlink_to(data_dir / "oft_pose_fixture")
    table = pd.read_csv(data_dir / "dlcanalyzer_labels" / "AllLabDataOFT_final.csv.gz", sep=";")
    table = table.assign(recording=table["DLCFile"].str.split("DeepCut").str[0])
    names = sorted(p.name.split("DeepCut")[0] for p in (tmp_path / "oft").glob("*DeepCut*"))
    table = table[table["recording"].isin(names) & (table["Experimenter"] == "Oliver") & table["to"].notna()]
    table = table[table["type"].isin(["Supported", "Unsupported"]) & (table["from"] < 79)]
    scored = table.rename(columns={"from": "start_s", "to": "stop_s", "type": "label", "ID": "observation"})
    scored = scored.assign(stop_s=scored["stop_s"].clip(upper=79.92)).reset_index(drop=True)
    media = dict(zip(scored["observation"], scored["recording"] + ".mp4", strict=True))
    write_aggregated(tmp_path / "boris.csv", scored, media=media, duration_s=dict.fromkeys(media, 79.92))
    tables, held_out, applied = journey(shell, "oft/", "boris.csv", names)
    check(shell, tables, held_out, applied, scored, names)
