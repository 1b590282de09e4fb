"""What the reader of a page is expected to have: recordings, files and studies, here small and simulated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import murid
from murid import simulate
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.zones import Zones
from murid.io.write import write_labels, write_poses_dlc

#: Settings that make a fit take a second; what a page gives goes before. Names, calls and outputs are what is tested.
_NET = {"max_steps": 2, "min_steps": 1, "epochs": 1}
_SUPERVISED = {"folds": 2, "sample_hz": 4.0}
_BAYES = {"n_states": 6, "kappa": 50.0, "em_iterations": 2}
SMALL: dict[str, dict[str, object]] = {
    "gbdt": {**_SUPERVISED, "trees": {"n_trees": 10}, "context_s": (), "n_features": 40},
    "mars": {**_SUPERVISED, "trees": {"n_trees": 10}, "n_features": 40},
    "simba": {**_SUPERVISED, "forest": {"n_trees": 10}},
    "jaaba": {**_SUPERVISED, "n_rounds": 10, "amount": "less"},
    "dlcanalyzer": {**_SUPERVISED, "net": {"epochs": 1, "min_steps": 10}},
    "kmeans": {"replicates": 1},
    "bsoid": {"max_bins": 400, "n_sizes": 3, "n_trees": 10, "n_neighbors": 10},
    "motionmapper": {"iterations": 250, "n_templates": 200, "per_track": 100},
    "pyrat": {"n_prototypes": 300},
    "alphatracker": {"n_prototypes": 300, "max_motifs": 8},
    "moseq": {**_BAYES, "sweeps": 12, "slds_sweeps": 12},
    "syllables": {**_BAYES, "n_starts": 2, "sweeps": 2, "n_modes": 2, "rate_hz": 10.0},
    "vame": {"train": _NET, "hidden": 16, "iterations": 3, "replicates": 1, "rate_hz": 10.0},
    "dbm": {"train": _NET, "n_motifs": 5, "replicates": 1},
    "selfee": {**_BAYES, "train": _NET, "widths": (4, 8), "projection": 16, "pictures": {"height": 16, "width": 16}},
    "behavenet": {
        **_BAYES,
        "train": _NET,
        "widths": (4, 8),
        "strides": (2, 2),
        "pictures": {"height": 16, "width": 16},
    },
}


def small_methods(monkeypatch) -> None:
    """Make every method small unless a page asks for something else."""
    from murid.methods.base import Method

    whole = Method.__init__

    def init(self, **params):
        whole(self, **{**SMALL.get(type(self).name, {}), **params})

    monkeypatch.setattr(Method, "__init__", init)


# ---- recordings ------------------------------------------------------------------------------------------------------
@cache
def mice() -> tuple[Recording, ...]:
    """Four labelled mice of two groups with a neural signal each, 40 s in an open field."""
    return with_signals(simulate.study(2, ("control", "stressed"), duration_s=40, fps=25, seed=1)[0])


@cache
def plain_mice() -> tuple[Recording, ...]:
    """Four more at 24 frames/s that show few behaviours, so that two animals are enough to learn them."""
    settings = {"duration_s": 40, "fps": 24, "behaviours": ("walk", "rear", "groom")}
    return with_signals(simulate.study(2, ("control", "stressed"), seed=1, **settings)[0])


def with_signals(recordings: Sequence[Recording]) -> tuple[Recording, ...]:
    """Give each recording four units, one of which fires while the animal rears."""
    made = []
    for k, recording in enumerate(recordings):
        states = simulate.true_states(recording)
        traces = simulate.units(states, n_units=4, tuned={"rear": 1}, rate_hz=10, seed=k)[0]
        made.append(recording.replace(traces=traces))
    return tuple(made)


def called(recordings: tuple[Recording, ...], names: Mapping[str, str], raters: int = 1) -> list[Recording]:
    """Give behaviours the names that a page uses; several raters agree but for a quarter of a second."""
    out = []
    for recording in recordings:
        labels = recording.labels
        bouts = labels.bouts.assign(label=labels.bouts["label"].replace(dict(names)))
        one = replace(labels, bouts=bouts, vocabulary=tuple(names.get(v, v) for v in labels.vocabulary))
        out.append(recording.replace(labels=several(one, raters) if raters > 1 else one))
    return out


def several(labels: Labels, n: int) -> Labels:
    """Return the labels of so many people."""
    names = ["Oliver", "Jin", "Furkan"][:n]
    late = [labels.bouts.assign(rater=r, start_s=labels.bouts["start_s"] + 0.1 * k) for k, r in enumerate(names)]
    kept = pd.concat(late, ignore_index=True)
    kept = kept[kept["stop_s"] > kept["start_s"]]
    scored = pd.concat([labels.scored.assign(rater=r) for r in names], ignore_index=True)
    return replace(labels, bouts=kept, scored=scored)


@cache
def pairs() -> tuple[Recording, ...]:
    """Three pairs of mice, 40 s."""
    behaviours = ("walk", "rest", "attack", "mount", "sniff_nose", "follow")
    return tuple(
        simulate.recording(
            duration_s=40, fps=25, n_animals=2, seed=k, behaviours=behaviours, id=f"pair{k}", animal=f"p{k}"
        )
        for k in range(3)
    )


def films(folder: Path) -> list[Recording]:
    """Three recordings of a minute with a video each."""
    made = []
    for k in range(3):
        one = simulate.recording(duration_s=60, fps=10, px_per_cm=4.0, seed=k, id=f"film{k}", animal=f"f{k}")
        traces = simulate.units(simulate.true_states(one), n_units=4, rate_hz=10, seed=k)[0]
        made.append(one.replace(traces=traces, video=simulate.video(one, folder / f"film{k}.mp4", seed=k)))
    return made


@cache
def operant() -> tuple[Recording, ...]:
    """Two mice of each of two groups on days 1, 2 and 8, who press a lever and eat."""
    made = []
    for group in ("control", "stressed"):
        for k in range(2):
            for day in (1, 2, 8):
                seed = 100 * k + day + 10 * len(group)
                one = simulate.recording("operant", duration_s=90, fps=10, seed=seed)
                name = f"{group}{k}"
                events = one.events.assign(label=one.events["label"].replace("lever_press", "press"))
                zones = reached(one.need("zones"), "lever", "port")
                row = {"id": f"{name}_{day}", "animal": name, "group": group, "day": day}
                made.append(one.replace(**row, events=events, zones=zones))
    return tuple(made)


def reached(zones: Zones, *names: str) -> Zones:
    """Draw zones at the left wall so deep that the body centre of an animal whose nose is at the wall lies in them."""
    out = []
    for zone in zones.values():
        if zone.name in names:
            corners = zone.polygon.copy()
            left = corners[:, 0].min()
            corners[:, 0] = left + 2.5 * (corners[:, 0] - left)
            zone = replace(zone, polygon=corners)
        out.append(zone)
    return Zones(out, zones.rule)


# ---- files and studies -----------------------------------------------------------------------------------------------
def pose_files(folder: Path, recordings: Sequence[Recording]) -> None:
    """Write what the pages name: tables of poses and labels, a sheet, signals."""
    for name in ("poses", "labels", "scored", "photometry"):
        (folder / name).mkdir(exist_ok=True)
    given = [recording.replace(id=f"m{k}", animal=f"m{k}") for k, recording in enumerate(recordings, 1)]
    for recording in given:
        poses, labels = recording.poses, recording.labels
        write_poses_dlc(poses, folder / "poses" / f"{recording.id}.csv")
        write_labels(labels, folder / "labels" / f"{recording.id}.csv", format="bouts")
        write_labels(labels, folder / "scored" / f"{recording.id}.csv", format="bouts")
        signal = recording.traces.to_pandas()
        signal.columns = ["dF_465", *signal.columns[1:]]
        signal.rename_axis("time_s").to_csv(folder / "photometry" / f"{recording.id}.csv")
    rows = [f"{r.id},{r.animal},{r.group}" for r in given]
    (folder / "animals.csv").write_text("\n".join(["id,animal,group", *rows]))


@cache
def study_folder(raters: int = 1) -> Path:
    """A study of seven labelled recordings with neural signals; copied, never written to."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="murid-docs-")) / "S"
    study = murid.Study.create(folder)
    names = {"walk": "nonsocial", "turn": "social", "sniff_wall": "aggression"}
    made = simulate.study(4, ("control", "stressed"), duration_s=90, fps=12, seed=2)[0]
    for k, name in enumerate(("1", "2", "3", "41", "42", "m1", "m2")):
        recording = made[4 * (k % 2) + k // 2]
        states = simulate.true_states(recording)
        traces = simulate.units(states, n_units=2, tuned={"rear": 1}, rate_hz=10, seed=k)[0]
        one = called((recording.replace(traces=traces),), names, raters)[0]
        study.add(one.replace(id=name, animal=f"a{name}"))
    return folder


def study(folder: Path, raters: int = 1) -> Path:
    """Copy the study to a folder."""
    shutil.copytree(study_folder(raters), folder)
    return folder


def arenas_alone(folder: Path) -> str:
    """Leave every recording of a study its arena alone, and return the last one as JSON."""
    study = murid.open_study(folder)
    for recording in study.recordings():
        arena = Zones([zone for zone in recording.need("zones").values() if zone.kind == "arena"])
        study.add(recording.replace(zones=arena), replace=True)
    return arena.to_json()


def table_of_animals() -> pd.DataFrame:
    """Sixteen animals of two treatments on three days, with the measures that the page on statistics names."""
    rng = np.random.default_rng(0)
    animals = [f"m{k}" for k in range(16)]
    table = pd.DataFrame({"animal": animals, "treatment": ["saline"] * 8 + ["drug"] * 8, "sex": ["f", "m"] * 8})
    table = pd.concat([table.assign(day=day) for day in (1, 2, 3)], ignore_index=True)
    own = {a: rng.normal(0, 1) for a in animals}
    for name in ("open_arm_s", "entries", "distance_cm", "freezing"):
        table[name] = rng.normal(10, 2, len(table)) + table["animal"].map(own)
    latency = rng.exponential(60, len(table))
    return table.assign(latency_s=np.minimum(latency, 300.0), entered=latency < 300.0)


# ---- what stands before the first block of a page --------------------------------------------------------------------
def of_page(name: str, folder: Path) -> dict[str, object]:
    """Return the names that the first block of a page may use, and put the files that it names into its folder."""
    return BEFORE[name](folder) if name in BEFORE else {}


def _mice(_: Path) -> dict[str, object]:
    return {"recordings": list(mice()), "recording": mice()[0], "states": simulate.true_states(mice()[0])}


def _pairs(names: Mapping[str, str], raters: int = 1) -> Callable[[Path], dict[str, object]]:
    def before(_: Path) -> dict[str, object]:
        return {"recordings": called(pairs(), names), "recording": called(pairs()[-1:], names, raters)[0]}

    return before


def _raters(_: Path) -> dict[str, object]:
    recordings = called(mice(), {}, raters=3)
    return {"recordings": recordings, "recording": recordings[0]}


def _study(folder: Path) -> dict[str, object]:
    study(folder / "S")
    return {}


def _studies(folder: Path) -> dict[str, object]:
    for name in ("S", "STUDY", "mice"):
        study(folder / name)
    return _mice(folder)


def _paradigm(kind: str, **kinds: str) -> Callable[[Path], dict[str, object]]:
    """A study of two animals in an arena; `kinds` calls zones of a kind by another."""

    def given(folder: Path) -> dict[str, object]:
        made = murid.Study.create(folder / "STUDY")
        for k in range(2):
            one = simulate.recording(kind, duration_s=20, fps=15, seed=k, id=f"m{k}")
            zones = [replace(z, kind=kinds.get(z.kind, z.kind)) for z in one.need("zones").values()]
            made.add(one.replace(zones=Zones(zones)))
        return {}

    return given


def _zones(folder: Path) -> dict[str, object]:
    study(folder / "STUDY")
    (folder / "zones.json").write_text(arenas_alone(folder / "STUDY"))
    return {}


def _readme(folder: Path) -> dict[str, object]:
    pose_files(folder, plain_mice())
    one = mice()[0]
    write_poses_dlc(one.poses, folder / "x.csv")
    plain = one.labels.bouts.assign(label="social").iloc[::2]
    write_labels(Labels.from_bouts(plain, duration_s=40), folder / "x_annot.txt", format="caltech", fps=24)
    plain = []
    for recording in called(mice(), {"rear": "social", "walk": "nonsocial", "groom": "aggression"}):
        read = murid.read_poses(write_poses_dlc(recording.poses, folder / f"{recording.id}.csv"), fps=25)
        plain.append(Recording(recording.id, poses=read, labels=recording.labels, animal=recording.animal))
    return {"recordings": plain}


def _files(folder: Path) -> dict[str, object]:
    pose_files(folder, mice()[:2])
    one = mice()[0]
    write_poses_dlc(one.poses, folder / "mouse1DLC.csv")
    write_labels(one.labels, folder / "mouse1_scored.csv", format="bouts")
    return {}


def _rules(folder: Path) -> dict[str, object]:
    (folder / "my_rules.txt").write_text("still:\n    when speed_body < 1 cm/s\n")
    return _mice(folder)


def _operant(folder: Path) -> dict[str, object]:
    return {"recordings": list(operant())}


def _films(folder: Path) -> dict[str, object]:
    return {"recordings": films(folder)}


def _depth(folder: Path) -> dict[str, object]:
    import h5py

    one = simulate.recording(duration_s=24.0, fps=30, seed=3, behaviours=("walk", "rest", "groom"))
    seen = np.stack(list(simulate.depth_frames(one)))
    with h5py.File(folder / "m1.h5", "w") as file:
        file["frames"] = seen
    poses = mice()[0].need("poses")
    rows = [
        (frame, k, *poses["position"].values[frame, :2, j, 0] + (0.02 * (frame % 3), 0.03))
        for frame in range(0, poses.sizes["time"], 20)
        for j, k in enumerate(poses["keypoint"].values)
    ]
    pd.DataFrame(rows, columns=["frame", "keypoint", "x", "y"]).dropna().to_csv(folder / "placed.csv", index=False)
    return _mice(folder)


def _table(_: Path) -> dict[str, object]:
    return {"table": table_of_animals()}


def _poses(_: Path) -> dict[str, object]:
    from murid.data.poses import keypoint_names

    poses = simulate.recording(duration_s=20.0, fps=10.0, n_animals=2, seed=1).poses
    poses.attrs.pop("px_per_cm", None)
    corners = dict(zip(keypoint_names(poses)[:2], ("corner_tl", "corner_tr"), strict=True))
    return {"poses": poses.assign_coords(keypoint=[corners.get(k, k) for k in keypoint_names(poses)])}


def _predictions(_: Path) -> dict[str, object]:
    return {"test": list(mice()), "predictions": {r.id: simulate.true_states(r) for r in mice()}}


def _latent(folder: Path) -> dict[str, object]:
    import xarray as xr

    one = simulate.recording(duration_s=60.0, fps=10.0, seed=3)
    states = simulate.true_states(one)
    traces = simulate.units(states, n_units=4, tuned={"rear": 2}, rate_hz=10, seed=1)[0]
    time = one.poses["time"].values
    slow = xr.DataArray(np.sin(time / 5.0)[:, None], dims=("time", "component"), coords={"time": time})
    return {**_studies(folder), "recording": one.replace(traces=traces), "states": states, "latent": slow}


def _events(folder: Path) -> dict[str, object]:
    from murid.ethogram import bouts_of

    bouts = bouts_of(simulate.true_states(mice()[0])).assign(label="freezing")
    moments = {r.id: bouts["start_s"].to_numpy()[2::4] for r in mice()}
    return {**_studies(folder), "bouts": bouts, "onsets_of": moments}


def _snippets(folder: Path) -> dict[str, object]:
    rng = np.random.default_rng(0)
    return {**_films(folder), "codes": rng.integers(0, 2, 600)}


def _next(folder: Path) -> dict[str, object]:
    return {**_mice(folder), "next_study": list(mice()[:2])}


BEFORE: dict[str, Callable[[Path], dict[str, object]]] = {
    "README": _readme,
    "tutorials/first_report": _files,
    "tutorials/in_python": _files,
    "how-to/compare_methods": _study,
    "how-to/compare_motifs": _study,
    "how-to/explain": _study,
    "how-to/label_queue": _study,
    "how-to/zones": _zones,
    "background/cleaning": _poses,
    "background/evaluation": _predictions,
    "background/group_statistics": _table,
    "background/time_budget": _studies,
    "paradigms/open_field": _studies,
    "paradigms/plus_maze": _paradigm("plus_maze"),
    "paradigms/zero_maze": _paradigm("zero_maze"),
    "paradigms/light_dark": _paradigm("light_dark"),
    "paradigms/three_chamber": _paradigm("three_chambers"),
    "paradigms/novel_object": _paradigm("three_chambers", cup="object"),
    "paradigms/y_maze": _paradigm("three_chambers", left_chamber="arm", middle_chamber="arm", right_chamber="arm"),
    "paradigms/zone_occupancy": _paradigm("operant"),
    "neural/tuning": _studies,
    "neural/photometry": _studies,
    "neural/decoding": _latent,
    "neural/peri_event": _events,
    "methods/gbdt": _pairs({"sniff_nose": "investigation"}),
    "methods/mars": _pairs({"sniff_nose": "investigation"}, raters=2),
    "methods/simba": _pairs({}),
    "methods/jaaba": _pairs({"follow": "chase"}),
    "methods/alphatracker": _pairs({}),
    "methods/dlcanalyzer": _raters,
    "methods/rules": _rules,
    "methods/kmeans": _mice,
    "methods/pyrat": _mice,
    "methods/bsoid": _mice,
    "methods/motionmapper": _films,
    "methods/moseq": _depth,
    "methods/syllables": _next,
    "methods/vame": _mice,
    "methods/dbm": _operant,
    "methods/selfee": _snippets,
    "methods/behavenet": _films,
}
