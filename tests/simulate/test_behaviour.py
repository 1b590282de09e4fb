"""Behaviour: bouts last as asked, and what an animal does can be read off its poses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from murid import simulate
from murid.data.errors import DataError

AT = {k: i for i, k in enumerate(simulate.KEYPOINTS)}


@pytest.fixture(scope="module")
def bouts():
    tables = [simulate.recording(duration_s=900, fps=2, seed=s).labels.bouts for s in range(3)]
    return [t.iloc[1:-1].assign(duration=t["stop_s"] - t["start_s"]) for t in tables]


@pytest.mark.parametrize("name", ["rest", "rear", "groom", "sniff_wall", "freeze"])
def test_durations_are_lognormal_as_declared(bouts, name):
    wanted = simulate.BEHAVIOURS[name]
    durations = np.concatenate([t.loc[t["label"] == name, "duration"] for t in bouts])
    n = len(durations)
    assert n > 20
    log = np.log(durations)
    # Four standard errors of a mean and of an SD; a tick of 50 ms blurs a little.
    assert abs(log.mean() - np.log(wanted.median_s)) < 4 * wanted.sigma / np.sqrt(n) + 0.03
    assert abs(log.std() - wanted.sigma) < 4 * wanted.sigma / np.sqrt(2 * n) + 0.03


def test_weights_set_how_often(bouts):
    count = {b: sum((t["label"] == b).sum() for t in bouts) for b in ("rear", "rest", "groom")}
    weight = {b: simulate.BEHAVIOURS[b].weight for b in count}
    # No behaviour follows itself, so frequent ones come a little less often than their weight says.
    assert count["rear"] / count["rest"] == pytest.approx(weight["rear"] / weight["rest"], rel=0.25)
    assert count["groom"] / count["rest"] == pytest.approx(weight["groom"] / weight["rest"], rel=0.4)
    more = simulate.recording(duration_s=600, fps=2, seed=1, behaviours={"freeze": 10, "run": 0}).labels
    assert "run" not in more.behaviours
    frozen = more.bouts.query("label == 'freeze'")
    assert (frozen["stop_s"] - frozen["start_s"]).sum() > 100


def test_labels_tile_the_recording(bouts):
    for table in bouts:
        np.testing.assert_allclose(table["start_s"].values[1:], table["stop_s"].values[:-1], atol=1e-9)
        assert (table["label"].values[1:] != table["label"].values[:-1]).all()
        ticks = table["start_s"].values / 0.05
        np.testing.assert_allclose(ticks, ticks.round(), atol=1e-6)
        assert (ticks.round() % 2 == 1).any(), "no coarser ticks"


def test_speeds_order_as_they_should():
    recording = simulate.recording(duration_s=300, unit="cm", seed=2)
    states = simulate.true_states(recording)
    centre = recording.poses["position"].values[:, :, AT["centre"], 0]
    speed = np.hypot(*np.gradient(centre, 1 / 30, axis=0).T)
    median = {b: np.median(speed[states.values[:, 0] == i]) for i, b in enumerate(states.attrs["behaviours"])}
    assert median["freeze"] < 1 < median["stretch_attend"] < 4 < median["walk"] < 16 < median["run"]


def test_grooming_has_its_rhythm():
    recording = simulate.recording(duration_s=300, fps=60, unit="cm", seed=2, behaviours={"groom": 6})
    states = simulate.true_states(recording)
    position = recording.poses["position"].values[..., 0]
    reach = np.hypot(*(position[:, :, AT["nose"]] - position[:, :, AT["neck"]]).T)
    grooms = recording.labels.bouts.query("label == 'groom' and stop_s - start_s > 3")
    assert len(grooms) >= 5
    for start, stop in zip(grooms["start_s"] + 0.3, grooms["stop_s"] - 0.3, strict=True):
        piece = reach[(states["time"].values >= start) & (states["time"].values < stop)]
        power = np.abs(np.fft.rfft((piece - piece.mean()) * np.hanning(len(piece)))) ** 2
        peak = np.fft.rfftfreq(len(piece), 1 / 60)[power.argmax()]
        assert 5 < peak < 8


def test_frame_rate_leaves_statistics_alone():
    shares = []
    for fps in (15, 60):
        states = simulate.true_states(simulate.recording(duration_s=120, fps=fps, seed=6))
        shares.append({b: (states.values == i).mean() for i, b in enumerate(states.attrs["behaviours"])})
    assert shares[0].keys() == shares[1].keys()
    assert all(abs(shares[0][b] - shares[1][b]) < 0.01 for b in shares[0])


def test_social_contact_is_contact():
    recording = simulate.recording(duration_s=600, n_animals=2, unit="cm", seed=1, fps=20)
    position, table = recording.poses["position"].values, recording.labels.bouts
    names = list(recording.poses["individual"].values)
    found = set()
    for bout in table[table["partner"] != ""].itertuples():
        time = recording.poses["time"].values
        here = (time >= bout.start_s + 0.2) & (time < bout.stop_s - 0.2)
        if not here.any():
            continue
        me, other = (position[here][..., names.index(n)] for n in (bout.individual, bout.partner))
        aim = {
            "sniff_nose": ("nose", "nose", 2.5),
            "sniff_anogenital": ("nose", "tail_base", 2.5),
            "mount": ("centre", "centre", 4.5),
            "side_by_side": ("centre", "centre", 5.5),
            "attack": ("centre", "centre", 8.0),
            "follow": ("nose", "tail_base", 8.0),
        }.get(bout.label)
        if aim is None:
            continue
        found.add(bout.label)
        gap = np.hypot(*(me[:, :, AT[aim[0]]] - other[:, :, AT[aim[1]]]).T)
        assert np.median(gap) < aim[2], bout
    assert found == {"sniff_nose", "sniff_anogenital", "mount", "side_by_side", "attack", "follow"}
    defends = table.query("label == 'defend'")
    assert len(defends) >= len(table.query("label == 'attack'")) // 2


def test_operant_animals_work_for_food():
    recording = simulate.recording("operant", duration_s=300, seed=1, unit="cm")
    events = recording.events["label"].value_counts()
    assert events["lever_press"] > events["reward"] >= events["port_entry"] > 5
    lever = recording.zones["lever"].polygon
    nose = recording.poses["position"].values[:, :, AT["nose"], 0]
    presses = recording.events.query("label == 'lever_press'")["time_s"]
    at_press = nose[np.clip((presses * 30).round().astype(int), 0, len(nose) - 1)]
    inside = ((at_press >= lever.min(axis=0)) & (at_press <= lever.max(axis=0))).all(axis=1)
    assert inside.mean() > 0.95
    entries = recording.events.query("label == 'port_entry'")["time_s"].to_numpy()
    eats = recording.labels.bouts.query("label == 'eat'")["start_s"].to_numpy()
    assert np.abs(entries[:, None] - eats).min(axis=1).max() < 1e-9


def test_wishes_that_cannot_be_met_are_refused():
    with pytest.raises(DataError) as error:
        simulate.repertoire("open_field", 1, ["grom", "head_dip", "press", "attack"])
    message = str(error.value)
    assert "did you mean 'groom'" in message
    assert len(error.value.faults) >= 4


def features(recording):
    """Body-centred keypoints, speeds and wall distance, with means and SDs over 0.3 and 1 s."""
    position = recording.poses["position"].values[..., 0].astype(float)
    fps = recording.poses.attrs["fps"]
    axis = position[:, :, AT["neck"]] - position[:, :, AT["tail_base"]]
    angle = np.arctan2(axis[:, 1], axis[:, 0])
    rotate = np.moveaxis(np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]), 2, 0)
    ego = rotate @ (position - position[:, :, [AT["centre"]]])
    velocity = np.einsum("tij,tj->ti", rotate, np.gradient(position[:, :, AT["centre"]], axis=0) * fps)
    turn = np.gradient(np.unwrap(angle)) * fps
    wall = simulate.arena(recording.meta["arena"]).floor.many(position[:, 0], position[:, 1])[0]
    picked = ego[:, :, [AT[k] for k in ("nose", "neck", "side_left", "tail_base")]].reshape(len(ego), -1)
    jerk = np.abs(np.gradient(picked, axis=0)) * fps
    now = np.column_stack([picked, jerk, velocity, turn, np.abs(turn), wall[:, [AT["nose"], AT["centre"]]]])
    out = [now]
    for window in (round(0.3 * fps), round(fps)):
        mean = uniform_filter1d(now, window, axis=0)
        out += [mean, np.sqrt(np.maximum(uniform_filter1d(now**2, window, axis=0) - mean**2, 0))]
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("kind", ["open_field", "plus_maze"])
def test_behaviour_can_be_read_off_the_poses(kind):
    import lightgbm
    from sklearn.metrics import f1_score

    tables, truth = [], []
    for seed in range(4):
        recording = simulate.recording(kind, duration_s=200, unit="cm", seed=seed, behaviours={"freeze": 3.0})
        states = simulate.true_states(recording)
        tables.append(features(recording).astype(np.float32))
        truth.append(np.array(states.attrs["behaviours"])[states.values[:, 0]])
    model = lightgbm.LGBMClassifier(
        n_estimators=40,
        learning_rate=0.1,
        min_child_samples=40,
        colsample_bytree=0.3,
        n_jobs=1,
        verbose=-1,
        random_state=0,
    )
    model.fit(np.concatenate(tables[:3])[::3], np.concatenate(truth[:3])[::3])
    guess = model.booster_.predict(tables[3]).argmax(axis=1)
    score = f1_score(truth[3], model.classes_[guess], average="macro")
    assert score >= 0.95
