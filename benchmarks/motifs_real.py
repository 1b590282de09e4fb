"""Motif methods on real recordings: every figure beside its control, one table a data set.

``python -m benchmarks.motifs_real DATASET [method ...] [--keep FOLDER] [--seeds 2] [--halves] [--robust] [--markdown]``
with DATASET one of ``bsoid_openfield, three_chamber, vame_clip, dbm_operant, rat_social`` (what each is cut to:
`DATASETS`), or ``behaviorflow``: the published cluster sequences of 59 mice through the transition statistics. Methods
and their settings: `SETTINGS`, the defaults where nothing is said. ``--keep`` stores the study, its cache and one row a
method, so that methods can be run one at a time; rows found there are not made again, and the table shows all of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import murid
from benchmarks import dbm_operant, rat_social
from benchmarks._outcome import data_dir, keep, kept
from murid.data.labels import Labels
from murid.data.progress import silent
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.video import Video
from murid.ethogram.transitions import enrichment, entropy_rate, group_difference, memory_test, transitions_of
from murid.methods.motifs.comparison_tables import MOTIFS
from murid.methods.self_supervised.behavenet import BehavenetParams
from murid.methods.self_supervised.selfee import SelfeeParams
from murid.run import compare_motifs

POSE = ["kmeans", "pyrat", "alphatracker", "bsoid", "motionmapper", "moseq", "moseq slds", "syllables", "vame", "dbm"]
#: Second word of a method's name → what it changes.
VARIANTS: dict[str, dict[str, Any]] = {"": {}, "video": {"source": "video"}, "slds": {"model": "slds"}}
#: Method → what differs from its defaults: networks and maps that one thread of a laptop makes in a minute.
SETTINGS: dict[str, dict[str, Any]] = {
    "motionmapper": {"n_templates": 1500, "iterations": 500},
    "vame": {
        "train": {
            "epochs": 50,
            "max_steps": 300,
            "batch": 256,
            "lr": 2e-3,
            "schedule": "cosine",
            "warmup": 0.05,
            "clip": 50.0,
        }
    },
    "selfee": {"train": {**SelfeeParams().train.model_dump(), "min_steps": 100, "max_steps": 100}},
    "behavenet": {"train": {**BehavenetParams().train.model_dump(), "min_steps": 0, "epochs": 20}},
}
BEHAVIORFLOW_FPS = 25.0


@dataclass(frozen=True)
class DataSet:
    """Recordings, the methods that are asked by default, and labels to compare with."""

    recordings: Callable[[], list[Recording]]
    methods: list[str]
    behaviours: list[str] | None = None


def cut(recording: Recording, start_s: float, seconds: float, **changes: Any) -> Recording:
    """Return `seconds` of a recording from `start_s` on."""
    poses = recording.need("poses")
    time_s = poses["time"].values
    inside = (time_s >= start_s) & (time_s < start_s + seconds)
    return recording.replace(poses=poses.isel(time=inside).load(), **changes)


def bsoid_openfield() -> list[Recording]:
    """Two clips of 2 min of an open field from below, 6 points, taken as 60 frames/s."""
    paths = sorted((data_dir() / "bsoid_openfield").glob("*.csv.gz"))
    return [Recording(p.name[4:9], animal=p.name[4:9], poses=murid.read_poses(p, fps=60)) for p in paths]


def three_chamber() -> list[Recording]:
    """Ten mice, 90 s each of the social phase (from min 6), 4 points, taken as 15 frames/s."""
    paths = sorted((data_dir() / "three_chamber" / "poses").glob("*SOC5*.csv.gz"))[:10]
    out = []
    for path in paths:
        name = path.name.split("DLC")[0]
        out.append(cut(Recording(name, animal=name, poses=murid.read_poses(path, fps=15)), 360, 90))
    return out


def rat_dyads() -> list[Recording]:
    """Six rat dyads, the second minute of each, 24 frames/s, both animals; human labels of the dyad."""
    folder = data_dir() / "rat_social"
    out = []
    for number in (1, 9, 17, 25, 33, 41):
        one = rat_social.session(number, folder)
        part = cut(one, 60, 60, animal=one.id, labels=None)
        states = one.labels.select(stream="S1").to_states(part.poses["time"].values, rat_social.CLASSES["S1"])
        out.append(part.replace(labels=Labels.from_states(states)))
    return out


def operant() -> list[Recording]:
    """Every fifth of the 57 trials of one mouse, 800 steps taken as 10 a second, with the source's labels.

    Trials stand for animals: the probe reads trials that it has not seen, of a mouse that it has. The source does not
    name its points: the names are inferred from where they are while the animal walks. The third is foremost, then the
    sixth; the fourth and the fifth are left and right of the body; the first and the second are hindmost.
    """
    roles = {
        "nose": "point_3",
        "head": "point_6",
        "ear_left": "point_4",
        "ear_right": "point_5",
        "tail_base": "point_1",
        "tail_tip": "point_2",
    }
    return [r.replace(animal=r.id, meta={}, roles=roles) for r in dbm_operant.trials()[::5]]


def clip() -> list[Recording]:
    """30 s of one mouse from above, 25 frames/s, 6 points and video."""
    folder = data_dir() / "vame_clip"
    poses = murid.read_poses(folder / "cropped_video.csv.gz", fps=25)
    return [Recording("clip", animal="mouse", poses=poses, video=Video(folder / "cropped_video.mp4"))]


DATASETS: dict[str, DataSet] = {
    "bsoid_openfield": DataSet(bsoid_openfield, POSE),
    "three_chamber": DataSet(three_chamber, POSE),
    "rat_social": DataSet(rat_dyads, POSE, rat_social.CLASSES["S1"]),
    "dbm_operant": DataSet(operant, POSE, dbm_operant.NAMES),
    "vame_clip": DataSet(clip, [*POSE, "motionmapper video", "selfee", "behavenet"]),
}


def study_of(name: str, folder: Path) -> Study:
    """Return the study of a data set in `folder`, made where it is not there."""
    if (folder / "study.toml").is_file():
        return Study(folder)
    recordings = DATASETS[name].recordings()
    study = Study.create(folder, name)
    for recording in recordings:
        study.add(recording)
    return study


def row_of(study: Study, data: DataSet, variant: str, **options: Any) -> dict[str, Any]:
    """Fit one method and judge it; the row of the table. ``"motionmapper video"`` is a variant of the method."""
    method, _, kind = variant.partition(" ")
    params = {**SETTINGS.get(method, {}), **VARIANTS[kind]}
    with silent():
        run = compare_motifs(study, [method], {method: params}, behaviours=data.behaviours, **options)
    return {k: v for k, v in run.tables["motifs"].iloc[0].to_dict().items() if v == v} | {"method": variant}


#: Column → its head and the format of its values in `markdown`.
SHORT = {
    "fit_cpu_s": ("fit CPU-s", "{:.0f}"),
    "apply_fps": ("frames/s", "{:,.0f}"),
    "peak_mb": ("MB", "{:.0f}"),
    "motifs": ("motifs", "{:.0f}"),
    "labelled": ("labelled", "{:.2f}"),
    "median_ms": ("median ms", "{:.0f}"),
    "below_100ms": ("< 100 ms", "{:.2f}"),
    "ami": ("AMI", "{:.3f}"),
    "ami_control": ("blind", "{:.3f}"),
    "ami_z": ("z", "{:.1f}"),
    "probe_f1": ("probe F1", "{:.2f}"),
    "probe_control": ("blind", "{:.2f}"),
    "change": ("change", "{:.2f}"),
    "change_z": ("z", "{:.1f}"),
    "seed_ari": ("two seeds", "{:.2f}"),
    "cut_ari": ("cut", "{:.2f}"),
}


def markdown(rows: list[dict[str, Any]]) -> None:
    """Print the rows as the table of the docs; a method that failed as a line below it."""
    done = [r for r in rows if "failed" not in r]
    columns = [c for c in SHORT if any(c in r for r in done)]
    print("| method | " + " | ".join(SHORT[c][0] for c in columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for row in done:
        cells = [SHORT[c][1].format(row[c]).replace("-", "−") if c in row else "" for c in columns]
        print(f"| {row['method']} | " + " | ".join(cells) + " |")
    for row in rows:
        if "failed" in row:
            print(f"\n{row['method']}: {row['failed']}")


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rows as a table."""
    table = pd.DataFrame(rows)
    table = table[[c for c in MOTIFS.columns if c in table]]
    print(table.to_string(index=False, na_rep="-", float_format=lambda v: f"{v:,.0f}" if abs(v) >= 50 else f"{v:.3g}"))


def behaviorflow() -> None:
    """Print the transition statistics of the published k-means clusters, and what the source reports."""
    from murid.data.states import make_states

    folder = data_dir() / "behaviorflow"
    table = pd.read_csv(folder / "Example_metadata.csv", sep=";")
    names = [f"cluster_{k:02d}" for k in range(1, 26)]
    states = []
    for name in table["DLCFile"]:
        csv = pd.read_csv(folder / "CSVinput" / f"{name}.gz", sep=";", keep_default_na=False)
        codes = pd.to_numeric(csv["kmeans.25"], errors="coerce").fillna(0).to_numpy(np.int16) - 1
        states.append(make_states(codes[:, None], np.arange(len(codes)) / BEHAVIORFLOW_FPS, names, ["mouse"]))
    pooled = transitions_of(states)
    counts = np.stack([transitions_of(s).counts for s in states])
    groups = table["Condition"].tolist()
    print(
        f"{len(states)} mice, {pooled.counts.sum():,} transitions between 25 clusters, entropy rate "
        f"{entropy_rate(pooled.counts):.3f} bit (log2 24 = {np.log2(24):.2f})"
    )
    for measure in ("counts", "fractions"):
        d = group_difference(counts, groups, measure=measure, n_permutations=2000, seed=0)
        print(
            f"CSI against control, {measure}: distance {d['distance']:.4g}, shuffled animals {d['null_mean']:.4g}, "
            f"z {d['z']:.1f}, p {d['p']:.4f}"
        )
    memory = memory_test(states[:10], n_shuffles=50)
    print(
        f"memory beyond the present cluster (10 mice): {memory['bits']:.3f} bit, first-order chains "
        f"{memory['null_mean']:.3f}, z {memory['z']:.0f}"
    )
    found = enrichment(states, n_shuffles=50).sort_values("z", ascending=False)
    print("most enriched transitions against shuffled bouts:")
    print(found.head(5).to_string(index=False, float_format=lambda v: f"{v:,.3g}"))


def main() -> None:
    """Run the methods that are asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=[*DATASETS, "behaviorflow"])
    parser.add_argument("methods", nargs="*", help="a method, 'motionmapper video' or 'moseq slds'; all by default")
    parser.add_argument("--keep", type=Path, help="folder of study, cache and rows: those found are not made again")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--halves", action="store_true", help="also fit to halves of the animals")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in the docs")
    args = parser.parse_args()
    if args.dataset == "behaviorflow":
        behaviorflow()
        return
    data = DATASETS[args.dataset]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)) / args.dataset
        study, rows = study_of(args.dataset, folder / "study"), []
        for name in args.methods or data.methods:
            row = kept(folder, name)
            if row is None:
                try:
                    row = row_of(study, data, name, seeds=args.seeds, halves=args.halves, robust=args.robust)
                except murid.DataError as error:
                    row = {"method": name, "failed": " ".join(str(error).split())}
                keep(folder, name, row)
            rows.append(row)
            print(f"{name}: done" if "failed" not in row else f"{name}: {row['failed']}", flush=True)
    print(f"\n{args.dataset}: {(data.recordings.__doc__ or '').partition(chr(10))[0]}")
    (markdown if args.markdown else show)(rows)


if __name__ == "__main__":
    main()
