"""A small study with everything in it, every command that makes or reads results, and changes to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import run_work as work
import xarray as xr

import murid
from murid import simulate
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.store import read_poses_file, write_array
from murid.data.study import Study
from murid.data.traces import make_traces

SECONDS, FPS = 30.0, 10.0
IDS = ("r0", "r1", "r2", "r3")
RULES = "moving:\n    when speed_centre > 3 cm/s\nafter_tone:\n    when since_tone < 2 s\n"


def animal(recording_id: str, seed: int, **keys: str) -> Recording:
    """Half a minute of a mouse: poses, labels of two raters, a fibre with its isosbestic channel, tones, zones."""
    made = simulate.recording(
        duration_s=SECONDS, fps=FPS, seed=seed, behaviours=("walk", "rest"), id=recording_id, individuals=["m"]
    )
    bouts = made.labels.bouts.assign(rater="A")
    late = bouts.assign(rater="B", start_s=bouts["start_s"] + 0.05)
    both = pd.concat([bouts, late], ignore_index=True)[["start_s", "stop_s", "label", "individual", "rater"]]
    labels = Labels.from_bouts(both, duration_s=SECONDS, fps=FPS, vocabulary=("walk", "rest"))
    rng, time = np.random.default_rng(seed), np.arange(int(SECONDS * 10)) / 10
    iso = 2 + 0.5 * np.exp(-time / 30) + 0.05 * np.convolve(rng.standard_normal(time.size), np.ones(20) / 20, "same")
    signal = 1.5 * iso + 0.02 * rng.standard_normal(time.size)
    traces = make_traces(np.stack([signal, iso], axis=1), time_s=time, units=["G_465", "G_405"], kind="photometry")
    tones = pd.DataFrame({"time_s": np.arange(4.0, SECONDS - 3, 4.0), "label": "tone"})
    return made.replace(labels=labels, traces=traces, events=tones, meta={}, **keys)


def plain_animal(recording_id: str, seed: int, **keys: str) -> Recording:
    """Three seconds of poses with labels of two raters, at almost no cost."""
    rows = [(0.2, 0.8 + seed / 10, "walk", r) for r in "AB"] + [(1.5, 2.5, "rest", r) for r in "AB"]
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "rater"])
    labels = Labels.from_bouts(bouts, duration_s=3.0, fps=20.0, vocabulary=("walk", "rest"))
    return Recording(recording_id, poses=work.small_poses(seed), labels=labels, **keys)


def small_study(folder: Path, make: Callable[..., Recording] = animal) -> Study:
    """Four animals in two groups."""
    study = Study.create(folder)
    for k, recording_id in enumerate(IDS):
        study.add(make(recording_id, k, animal=f"a{k}", group="xy"[k % 2]))
    return study


# What each command depends on ----------------------------------------------------------------------

BODY, SIGNAL = ("poses",), ("traces",)
#: What a method sees where it is applied.
SEEN = ("poses", "zones", "events")


@dataclass(frozen=True)
class Work:
    """Steps of one name.

    Attributes
    ----------
    name : str
        Name of the step.
    reads : tuple of str
        Nouns of the recordings.
    scope : {"each", "all", "others"}
        One step a recording that sees it alone; one step of all; or one step a recording that sees all the others.
    after : tuple of str
        Steps of the command whose results go in, of the same recording where they have one.
    model, settings_of : str
        Stored model that goes in; or of which the method and its parameters go in, not what it has learnt.
    params : bool
        The second set of parameters of the command goes in.
    seeded : bool
        The seed of the command goes in.
    rater : str
        The only rater whose labels go in; all of them when "".
    """

    name: str
    reads: tuple[str, ...]
    scope: str = "each"
    after: tuple[str, ...] = ()
    model: str = ""
    settings_of: str = ""
    params: bool = True
    seeded: bool = False
    rater: str = ""


@dataclass(frozen=True)
class Command:
    """A command with what it depends on.

    Attributes
    ----------
    words : tuple of str
        As typed, ``S`` being the study.
    works : tuple of Work
    other : tuple of str
        Words of another parameter; none where it has no parameters.
    seeds : bool
        It takes ``--seed``.
    columns : tuple of str
        Columns of the sheet, of those that the changes touch, that its results rest on.
    makes : str
        Model that it stores.
    model : str
        Model whose content it reads.
    """

    words: tuple[str, ...]
    works: tuple[Work, ...]
    other: tuple[str, ...] = ()
    seeds: bool = True
    columns: tuple[str, ...] = ("group",)
    makes: str = ""
    model: str = ""

    @property
    def reads(self) -> set[str]:
        """Nouns of all its steps."""
        return {noun for work in self.works for noun in work.reads}


def _neural(name: str, reads: tuple[str, ...], *params: str, other: str) -> Command:
    given = tuple(w for p in params for w in ("-p", p))
    return Command(("neural", "S", name, "--rater", "A", *given), (Work(name, reads, rater="A"),), ("-p", other))


TREES = (
    "-p",
    "sample_hz=4",
    "-p",
    "folds=2",
    "-p",
    "trees.n_trees=8",
    "-p",
    "features.windows_s=[0.4]",
    "-p",
    "rater=A",
)
FEW = ("-p", "replicates=1")
LEARNT = (*SEEN, "labels")
COMMANDS: dict[str, Command] = {
    "check": Command(("check", "S"), (Work("check", ("poses", "traces", "labels")),), seeds=False),
    "assay": Command(
        ("assay", "S", "open_field"),
        (Work("open_field", SEEN),),
        ("-p", "hysteresis_cm=1"),
    ),
    "tuning": _neural("tuning", (*SIGNAL, "labels"), other="alpha=0.01"),
    "perievent": _neural("perievent", (*SIGNAL, "labels"), "min_events=2", other="min_events=3"),
    "decoding": _neural("decoding", (*SIGNAL, "labels"), "n_null=0", "folds=3", "gap_s=1", "lags_s=0", other="gap_s=2"),
    "photometry": _neural("photometry", (*SIGNAL, "events", "labels"), "min_events=2", other="min_events=3"),
    "budget": Command(("budget", "S", "--rater", "A"), (Work("budget", ("labels",), rater="A"),), ("-p", "stop_s=25")),
    "agreement": Command(
        ("agreement", "S", "-p", "n_boot=100"),
        (Work("open_agreement", ("labels",), params=False), Work("agreement", ("labels",), "all", seeded=True)),
        ("-p", "n_boot=101"),
    ),
    "preview": Command(
        ("preview", "S", "-p", f"pseudo_labels={RULES}"),
        (Work("preview", (*SEEN, "labels")),),
        ("-p", "seed=1"),
    ),
    "fit motifs": Command(
        ("fit", "S", "kmeans", "--model", "motifs", "--replace", "-p", "n_motifs=3", *FEW),
        (Work("fit_kmeans", SEEN, "all"),),
        ("-p", "n_motifs=2", "--model", "motifs2"),
        seeds=False,
        columns=(),
        makes="motifs",
    ),
    "fit tiny": Command(
        ("fit", "S", "tiny", "--model", "tiny", "--replace", "-p", "rater=A"),
        (Work("fit_tiny", LEARNT, "all", rater="A"),),
        ("-p", "margin=1.1", "--model", "tiny2"),
        seeds=False,
        columns=(),
        makes="tiny",
    ),
    "fit trees": Command(
        ("fit", "S", "gbdt", "--model", "trees", "--replace", *TREES),
        (Work("fit_gbdt", LEARNT, "all", rater="A"),),
        ("-p", "trees.n_trees=9", "--model", "trees2"),
        seeds=False,
        columns=(),
        makes="trees",
    ),
    "apply motifs": Command(
        ("apply", "S", "motifs"), (Work("apply_kmeans", SEEN, model="motifs"),), seeds=False, model="motifs"
    ),
    "apply tiny": Command(("apply", "S", "tiny"), (Work("apply_tiny", SEEN, model="tiny"),), seeds=False, model="tiny"),
    "budget of motifs": Command(
        ("budget", "S", "--states-from", "motifs"),
        (Work("apply_kmeans", SEEN, model="motifs", params=False), Work("budget", (), after=("apply_kmeans",))),
        ("-p", "stop_s=25"),
        model="motifs",
    ),
    "motif-statistics": Command(
        ("motif-statistics", "S", "--states-from", "motifs", "-p", "n_shuffles=20", "-p", "n_permutations=100"),
        (
            Work("apply_kmeans", SEEN, model="motifs", params=False),
            Work("motif_statistics", BODY, after=("apply_kmeans",)),
        ),
        ("-p", "n_shuffles=21"),
        model="motifs",
    ),
    "evaluate": Command(
        ("evaluate", "S", "tiny", "--rater", "A"),
        (
            Work("fit_tiny", LEARNT, "others", seeded=True, rater="A"),
            Work("apply_tiny", SEEN, after=("fit_tiny",)),
            Work("score", ("labels",), "all", after=("apply_tiny",), seeded=True, rater="A"),
            Work("ceiling", ("poses", "labels"), "all", params=False, seeded=True),
        ),
        ("-p", "tiny.margin=1.1"),
    ),
    "compare-motifs": Command(
        (
            "compare-motifs",
            "S",
            "kmeans",
            "-p",
            "kmeans.n_motifs=3",
            "-p",
            "kmeans.replicates=1",
            "--seeds",
            "1",
            "--no-halves",
            "--rater",
            "A",
        ),
        (
            Work("fit_kmeans", SEEN, "all", seeded=True),
            Work("apply_kmeans", SEEN, after=("fit_kmeans",)),
            Work("motif_row", ("poses", "labels"), "all", after=("apply_kmeans",), seeded=True, rater="A"),
            Work("motif_cuts", SEEN, "all", after=("fit_kmeans",)),
        ),
        ("-p", "kmeans.n_motifs=2"),
        columns=(),
    ),
    "explain": Command(
        ("explain", "S", "trees", "--folds", "9"),
        (
            Work("fit_gbdt", LEARNT, "others", settings_of="trees", rater="A"),
            Work("explain", LEARNT, after=("fit_gbdt",), seeded=True, rater="A"),
        ),
        columns=(),
        model="trees",
    ),
    "label-queue": Command(
        ("label-queue", "S", "--model", "trees", "-n", "3", "--no-curve"),
        (
            Work("learning_table", SEEN, model="trees", params=False),
            Work("warm_fit", LEARNT, "all", after=("learning_table",), model="trees", params=False, rater="A"),
            Work("queue_candidates", LEARNT, after=("learning_table", "warm_fit"), seeded=True, rater="A"),
        ),
        ("-n", "4"),
        columns=(),
        model="trees",
    ),
}


# Changes --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Something that happens to a study between two runs of a command.

    Attributes
    ----------
    make : callable
        Does it.
    touched : mapping of str to str
        Recording → the noun that is another then; ``"all"`` for a recording that was not there before.
    gone, new : tuple of str
        Recordings that are no longer there, and that were not there before.
    group : tuple of str
        Recordings whose group is another.
    refit : bool
        Every stored model was fitted again with other parameters.
    words : str
        ``"other"`` (parameter) or ``"seed"``: the commands are run otherwise the second time.
    alike : bool
        Models that are made again hold the same, so that nothing that follows from them is done again.
    known : mapping of str to str
        Command whose work is not done again, since another one (the value) has done the same before.
    """

    make: Callable[[Study], object] = lambda study: None
    touched: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    refit: bool = False
    words: str = ""
    alike: bool = False
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> bool:
        """Other recordings than before."""
        return bool(self.gone or self.new)

    @property
    def recordings(self) -> list[str]:
        """Recordings of the study then."""
        return sorted([*(i for i in IDS if i not in self.gone), *self.new])


def _poses(change: Callable[[xr.Dataset], xr.Dataset]) -> Callable[[Study], None]:
    """Write the poses of r1 otherwise."""

    def make(study: Study) -> None:
        path = study.path_of("r1", "poses")
        write_array(change(read_poses_file(path)), path)

    return make


def _other_scale(poses: xr.Dataset) -> xr.Dataset:
    return poses.assign_attrs(px_per_cm=1.1 * poses.attrs["px_per_cm"])


def _move_zones(study: Study) -> None:
    path = study.path_of("r1", "zones")
    path.write_text(path.read_text(encoding="utf-8").replace("160.0", "161.0", 1), encoding="utf-8")


def _last_bout_out(rater: str) -> Callable[[Study], None]:
    """A person deletes the last bout of r1."""

    def make(study: Study) -> None:
        path = study.path_of("r1", "labels") / f"{rater}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")

    return make


def _sheet(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Study], None]:
    """Edit recordings.csv by hand."""

    def make(study: Study) -> None:
        change(study.table).to_csv(study.folder / "recordings.csv", index=False)

    return make


def _rename(study: Study) -> None:
    (study.folder / "data" / "r1").rename(study.folder / "data" / "z1")
    _sheet(lambda table: table.assign(id=table["id"].replace("r1", "z1")))(study)


def _fit_again(study: Study) -> None:
    opened = murid.open_study(study.folder)
    opened.fit("kmeans", model="motifs", replace=True, n_motifs=2, replicates=1)
    opened.fit("tiny", model="tiny", replace=True, rater="A", margin=1.5)
    few = {"sample_hz": 4, "folds": 2, "trees": {"n_trees": 9}, "features": {"windows_s": (0.4,)}, "rater": "A"}
    opened.fit("gbdt", model="trees", replace=True, **few)


SWAPPED = {"r0": "y", "r1": "x"}
CHANGES: dict[str, Change] = {
    "pose file": Change(_poses(lambda poses: poses.assign(position=poses["position"] * 1.01)), {"r1": "poses"}),
    "scale": Change(_poses(_other_scale), {"r1": "poses"}),
    "frame rate": Change(_poses(lambda poses: poses.assign_coords(time=poses["time"] * 0.98)), {"r1": "poses"}),
    # What these methods learn does not rest on zones: the models made again are the same, and known by what they hold.
    "zones": Change(_move_zones, {"r1": "zones"}, alike=True),
    "labels": Change(_last_bout_out("A"), {"r1": "labels"}),
    "other rater": Change(_last_bout_out("B"), {"r1": "labels of B"}),
    "groups": Change(
        _sheet(
            lambda table: table.assign(
                group=[SWAPPED.get(i, g) for i, g in zip(table["id"], table["group"], strict=True)]
            )
        ),
        group=("r0", "r1"),
    ),
    "note": Change(_sheet(lambda table: table.assign(note=["", "escaped once", "", ""]))),
    "parameter": Change(words="other"),
    "seed": Change(words="seed"),
    "version": Change(),
    "refit": Change(_fit_again, refit=True),
    # Models without r3 were fitted before, where each animal was left out once.
    "removed": Change(
        lambda study: study.remove("r3"), gone=("r3",), known={"fit tiny": "evaluate", "fit trees": "explain"}
    ),
    "added": Change(lambda study: study.add(animal("r4", 4, animal="a4", group="x")), {"r4": "all"}, new=("r4",)),
    "reordered": Change(_sheet(lambda table: table.iloc[::-1])),
    "renamed": Change(_rename, {"z1": "all"}, gone=("r1",), new=("z1",)),
}


# What must follow -----------------------------------------------------------------------------------


def stale(command: Command, work: Work, recording_id: str, change: Change, models: Collection[str]) -> bool:
    """Must the step be done again: `models` are those that are others by then."""
    every = change.recordings
    seen = {"each": [recording_id], "all": every, "others": [i for i in every if i != recording_id]}[work.scope]
    hit = any(_hits(work, change.touched.get(i, "")) for i in seen)
    hit |= work.scope == "all" and change.members
    # What was learnt without r1 before it was renamed is what is learnt without it now, and what was learnt of all is
    # what is learnt without a recording that came later.
    hit |= work.scope == "others" and set(every) - {recording_id} not in [set(IDS), *(set(IDS) - {i} for i in IDS)]
    hit |= (change.words == "other" and work.params) or (change.words == "seed" and work.seeded)
    hit |= work.model in models or (change.refit and bool(work.settings_of))
    for parent in (w for w in command.works if w.name in work.after):
        of = [recording_id] if work.scope == "each" else every
        hit |= any(stale(command, parent, i, change, models) for i in of)
    return hit


def _hits(work: Work, what: str) -> bool:
    return what == "all" or (what.split(" ")[0] in work.reads and (not what.endswith(" of B") or not work.rater))


def reasons(command: Command, change: Change) -> list[str]:
    """Why the first run of a command is older than its data."""
    found = [f"removed: {i}" for i in change.gone]
    for recording_id, what in change.touched.items():
        if what != "all" and any(_hits(work, what) for work in command.works):
            found.append(f"{what.split(' ')[0]} changed: {recording_id}")
    if change.group and "group" in command.columns:
        found.append(f"group changed: {', '.join(change.group)}")
    if change.refit and command.model:
        found.append(f"model '{command.model}' was changed")
    return found + [f"{i} added since" for i in change.new]
