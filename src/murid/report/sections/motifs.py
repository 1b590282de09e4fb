"""What a fitted method says about whole recordings: motifs, or behaviours."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import DataError, MissingExtraError
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.data.tables import TableRows
from murid.data.units import LengthUnit
from murid.ethogram import bouts_of, scored_of, summarise_states
from murid.ethogram.bouts import BOUTS, SUMMARY
from murid.methods.motifs.comparison_tables import MOTIFS
from murid.plot.colours import colours_of
from murid.plot.number_text import count, listed, natural, number, readable
from murid.report.context import Context
from murid.report.figures.ethogram import NO_STATE, NOT_KNOWN, Row, draw_ethogram
from murid.report.figures.motif_map import draw_motif_map
from murid.report.figures.skeleton import bones_of, postures
from murid.report.figures.tree import draw_similarity_tree as tree
from murid.report.grid_films import CLIPS
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Links, Picture, ReportTable, Section, Words
from murid.report.sections.ethograms import colours_of_names, statistics_of, white_and_hatched
from murid.report.sections.places import spread_over_groups
from murid.report.sentences import trained_on, unlearnt_behaviours
from murid.report.subjects import seen_in_states, subject_of
from murid.report.transitions import transition_parts

MAX_ROWS, MAX_POSES = 8, 24
#: Recordings and bouts averaged in the mean postures, and the times after the onset that are drawn.
POSE_RECORDINGS, POSE_BOUTS, LAGS_S = 8, 60, (0.0, 0.15, 0.3)
#: A keypoint is drawn when it is seen in this share of the bouts.
LEAST_SEEN = 0.4
#: Columns of a comparison that are shown; the CSV has all.
COMPARED = {
    "method": "method",
    "fit_cpu_s": "fit (CPU s)",
    "apply_fps": "frames/s",
    "motifs": "motifs",
    "labelled": "labelled (share)",
    "median_ms": "median bout (ms)",
    "ami": "AMI",
    "ami_control": "blind AMI",
    "probe_f1": "probe F1",
    "probe_control": "blind probe F1",
    "change_z": "change (z)",
    "seed_ari": "other seed (ARI)",
    "half_ari": "half the animals (ARI)",
    "cut_ari": "cut files (ARI)",
    "failed": "failed",
}
#: Trees of more motifs than this cannot be read.
MAX_LEAVES = 60
#: Frames of a two-dimensional view.
VIEW_POINTS = 1500


def make(context: Context) -> Section | None:
    """One part for every run that applied a method."""
    runs = [r for r in context.runs_of("apply") if r.recordings]
    compared = [t for r in context.runs_of("compare-motifs") if (t := r.rows(MOTIFS, ["method"])) is not None]
    if not runs and not compared:
        return None
    section = Section("motifs", "Motifs and behaviours found by a method")
    section.lead = (
        "What a fitted method says about every frame. Motifs found without labels are patterns of posture and "
        "movement; they have no meaning until somebody has looked at film of them."
    )
    for run in runs:
        _one(context, section, run)
    if compared:
        section.add(_side_by_side(compared[-1]))
    return section


def _films(context: Context, run: RunFolder) -> Links | None:
    """Films that were made of the states of a run; None where there are none (any more)."""
    for films in context.runs_of("films"):
        if films.summary.get("states") != run.name or (clips := films.rows(CLIPS)) is None:
            continue
        shown = Counter(zip(clips.label, clips.film, strict=True))
        files = [
            (f"{readable(label)} ({count(n, 'bout')})", films.folder / "films" / film)
            for (label, film), n in sorted(shown.items(), key=lambda item: natural(item[0][0]))
        ]
        if kept_files := tuple((text, file) for text, file in files if file.is_file()):
            return Links(
                kept_files,
                "Films",
                "One for each, many bouts side by side that begin at one moment. The links hold as long as this page "
                f"and the folder of the run {films.name} keep their places to each other.",
            )
    return None


def _side_by_side(rows: TableRows) -> ReportTable:
    """Methods of the last comparison; columns that say nothing for any method are left out."""
    table = rows.frame
    shown = table[[c for c in COMPARED if c in table and table[c].notna().any()]]
    return ReportTable(
        shown,
        "Motif methods side by side",
        headings=COMPARED,
        full=table,
        caption="Every method was fitted to the same recordings without labels. AMI, probe: what motifs say of human "
        "labels; read them beside blind, a segmentation of the same usage and bout lengths. Change: posture "
        "change at the onsets of motifs against shifted onsets. ARI: agreement of labels, 0 is chance.",
    )


def _one(context: Context, section: Section, run: RunFolder) -> None:
    states = {
        recording_id: data["states"]
        for recording_id in run.recordings
        if (data := run.states(recording_id)) is not None
    }
    states = {recording_id: s for recording_id, s in states.items() if recording_id in context.animals.index}
    if not states:
        section.add(Words(f"The states of {run.name} cannot be read.", "warning"))
        return
    names = sorted({b for s in states.values() for b in behaviour_names(s)}, key=natural)
    method = str(run.summary.get("method") or run.params.get("model") or "a method")
    colours = {**colours_of(names), **{k: v for k, v in context.behaviour_colours.items() if k in names}}
    per = pd.concat(
        [summarise_states(s).assign(recording=recording_id) for recording_id, s in states.items()], ignore_index=True
    )
    rows = SUMMARY.rows(per)
    share = rows.fraction.groupby(rows.behaviour).mean().sort_values(ascending=False)
    subject = subject_of(context, seen_in_states(states))
    animals = subject.count(len({context.animals[i] for i in states}))
    behaviours = set(names) <= set(context.behaviour_colours)
    lacking = {str(b): len(ids) for b, ids in (run.summary.get("not_learnt") or {}).items()}
    seen = trained_on(len(set(run.summary.get("trained_on") or ()) & set(states)), len(states), method)
    caveats = " ".join(filter(None, [unlearnt_behaviours(lacking, len(states)), seen]))
    text = _finding(method, animals, share.dropna(), behaviours)
    section.findings.append(f"{text} {caveats}".strip())
    section.add(Words(text, "finding"), Words(caveats, "warning") if caveats else None)
    section.add(_ethogram(context, states, names, colours, method, behaviours, lacking, caveats))
    section.add(_films(context, run))
    section.add(*statistics_of(context, per, f"as found by {method}"))
    section.add(_postures(context, states, names, colours, method))
    if not behaviours:
        section.add(_tree(run, list(states), share, colours, method))
        section.add(_future_tree(states, share, colours, method))
        section.add(_view(run, list(states), colours, method))
    section.add(*transition_parts(context, states, f"as found by {method}", run.level))


def _finding(method: str, animals: str, share: pd.Series, behaviours: bool) -> str:
    """Return one sentence: shares of known behaviours, or the number of motifs."""
    if behaviours:
        parts = [f"{readable(str(b))} {number(100 * float(s), 2)} %" for b, s in share.items()]
        return f"{method} names the behaviour of {animals}; share of time: {listed(parts, 6)}."
    return (
        f"{method} divides the behaviour of {animals} into {number(int((share > 0.005).sum()))} states that take more "
        f"than 0.5 % of the time each; the most used takes {number(100 * float(share.iloc[0]), 2)} %."
    )


def _ethogram(
    context: Context,
    states: dict[str, xr.DataArray],
    names: list[str],
    colours: dict[str, str],
    method: str,
    behaviours: bool,
    lacking: dict[str, int],
    caveats: str,
) -> Picture:
    ids = [i for i in context.table["id"] if i in states]
    shown = spread_over_groups(context, ids, MAX_ROWS)
    tracks = {recording_id: bouts_of(states[recording_id]) for recording_id in shown}
    rows = [
        Row(
            recording_id,
            context.keys(recording_id)["group"],
            {"": tracks[recording_id]},
            context.duration_s[recording_id],
            {"": scored_of(states[recording_id], whole=True)},
        )
        for recording_id in shown
    ]
    more = f" {count(len(ids) - len(shown), 'more recording')} not shown." if len(ids) > len(shown) else ""
    bouts = BOUTS.rows(
        pd.concat([t.assign(recording=recording_id) for recording_id, t in tracks.items()], ignore_index=True)
    )
    hint = (
        "Behaviours have the colours they have above."
        if behaviours
        else "With many states colours cannot carry the names, and they have nothing to do with those of the "
        "behaviours above; use the figure to see rhythm and change."
    )
    white = white_and_hatched(rows, bool(lacking), states=True)
    legend = [n for n in names if lacking.get(n, 0) < len(ids)][:36]
    return Picture(
        draw_ethogram(rows, colours, context.group_colours, legend, gap=NOT_KNOWN if lacking else NO_STATE),
        f"States over time ({method})",
        f"Each row is one recording.{colours_of_names(context)}{white} {hint}{more} {caveats}".rstrip(),
        f"Ethograms of {count(len(rows), 'recording')} with {len(names)} states.",
        bouts.only(bouts.recording, bouts.individual, bouts.label, bouts.start_s, bouts.stop_s),
    )


def _postures(
    context: Context, states: dict[str, xr.DataArray], names: list[str], colours: dict[str, str], method: str
) -> Picture | Words | None:
    """Mean posture of each state at and after its onset, seen from the animal as it was at the onset."""
    ids = spread_over_groups(context, [i for i in states if i in context.glances], POSE_RECORDINGS)
    gathered: dict[str, list[np.ndarray]] = {n: [] for n in names}
    keypoints: list[str] | None = None
    roles: dict[str, str] = {}
    unit = ""
    for recording_id in ids:
        recording = context.study[recording_id]
        try:
            frames = _onset_frames(recording, states[recording_id], gathered)
        except DataError:
            frames = None
        if frames is not None:
            own, roles_here, unit_here = frames
            if keypoints is None:
                keypoints, roles, unit = own, roles_here, unit_here
        recording.forget()
    many = {n: np.concatenate(parts) for n, parts in gathered.items() if parts}
    means = {n: m for n, cut in many.items() if len(cut) >= 3 and _drawable(m := _middle(cut))}
    if keypoints is None or not means:
        return None
    shown = dict(list(means.items())[:MAX_POSES])
    more = f" {len(means) - len(shown)} more are in the CSV." if len(means) > len(shown) else ""
    n = sum(len(v) for v in many.values())
    rows = [
        {
            "state": s,
            "bouts": len(many[s]),
            "lag_s": lag,
            "keypoint": k,
            f"x_{unit}": p[a, b, 0],
            f"y_{unit}": p[a, b, 1],
        }
        for s, p in means.items()
        for a, lag in enumerate(LAGS_S)
        for b, k in enumerate(keypoints)
    ]
    return Picture(
        postures(shown, LAGS_S, bones_of(roles, keypoints), colours, unit),
        f"Mean postures ({method})",
        f"The animal as it is when the state begins (pale) and {listed([number(x) for x in LAGS_S[1:]])} s later "
        f"(dark), facing right, seen from where it was at the onset: median over {number(n)} bouts of "
        f"{count(len(ids), 'recording')}. What moves between pale and dark is the movement of the state. A mean "
        f"hides variety, and from above rearing looks like a short animal: look at film before naming a state.{more}",
        f"Small stick figures of {listed(map(readable, shown), 12)}.",
        pd.DataFrame(rows),
    )


def _tree(run: RunFolder, ids: list[str], share: pd.Series, colours: dict[str, str], method: str) -> Picture | None:
    """Which motifs are alike by the method's own latent; nothing where it has none."""
    from murid.methods.motifs.descriptions import similarity_tree

    outputs = [data for recording_id in ids if (data := run.states(recording_id)) is not None and "latent" in data]
    if not outputs or len({o.sizes["component"] for o in outputs}) != 1:
        return None
    try:
        linkage, leaves = _own_tree(outputs) or similarity_tree(outputs)
    except DataError:
        return None
    own = len(outputs) and "tree" in outputs[0]
    if not 3 <= len(leaves) <= MAX_LEAVES:
        return None
    usage = {n: float(share.get(n, 0.0)) for n in leaves}
    a, b = (leaves[int(k)] for k in linkage[0, :2])
    return Picture(
        tree(linkage, leaves, usage, colours, *(["height of the join (Ward's distance)"] if own else [])),
        f"Which states are alike ({method})",
        "States that join near the left look alike to the method: "
        + ("its own tree above the cut. " if own else "Ward's tree of their mean places in its latent. ")
        + "Those that join at once may be one behaviour that was cut in two; look at film, then give both one name.",
        f"Tree of {len(leaves)} states; {readable(a)} and {readable(b)} are most alike.",
        pd.DataFrame(linkage, columns=["first", "second", "height", "n_states"]),
    )


def _own_tree(outputs: list[xr.Dataset]) -> tuple[np.ndarray, list[str]] | None:
    """Tree that the method itself cut, and its leaves; None where it has none."""
    if "tree" not in outputs[0]:
        return None
    linkage = outputs[0]["tree"].values
    return linkage, behaviour_names(outputs[0]["states"])[: len(linkage) + 1]


def _future_tree(
    states: dict[str, xr.DataArray], share: pd.Series, colours: dict[str, str], method: str
) -> Picture | None:
    """Which motifs foretell the same; nothing where order tells no more of the future than a shuffled one would."""
    from murid.ethogram.predictive import predictive_tree

    try:
        future = predictive_tree(list(states.values()), n_shuffles=5)
    except DataError:
        return None
    leaves = list(future.behaviours)
    if not 3 <= len(leaves) <= MAX_LEAVES or not future.information[-1] > future.chance:
        return None
    a, b = (leaves[int(k)] for k in future.linkage[0, :2])
    return Picture(
        tree(
            future.linkage,
            leaves,
            {n: float(share.get(n, 0.0)) for n in leaves},
            colours,
            "information about the next state lost so far (bits)",
        ),
        f"Which states foretell the same ({method})",
        f"States that join near the left are followed by the same states. All {len(leaves)} tell "
        f"{number(float(future.information[-1]), 2)} bits of the next one, in shuffled order "
        f"{number(future.chance, 2)}; two groups keep "
        f"{number(100 * float(future.information[1] / future.information[-1]), 2)} % of them. From "
        f"{number(future.n_pairs)} transitions.",
        f"Tree of {len(leaves)} states; {readable(a)} and {readable(b)} foretell the same most nearly.",
        pd.DataFrame(future.linkage, columns=["first", "second", "bits_lost", "n_states"]),
    )


def _view(run: RunFolder, ids: list[str], colours: dict[str, str], method: str) -> Picture | Words | None:
    """The two-dimensional view that the method's paper shows, with how far it can be believed."""
    from murid.methods.motifs.views import PUBLISHED, motif_view

    if method not in PUBLISHED:
        return None
    outputs = [data for recording_id in ids if (data := run.states(recording_id)) is not None and "latent" in data]
    kind, metric = PUBLISHED[method]
    try:
        view = motif_view(outputs, kind=kind, metric=metric, n_points=VIEW_POINTS)
    except MissingExtraError as error:
        return Words(f"No {kind} view of {method}: {' '.join(str(error).split())}", "warning")
    except DataError:
        return None
    quality = view.quality
    name = {"tsne": "t-SNE", "umap": "UMAP"}[kind]
    return Picture(
        draw_motif_map(view.places, view.codes, view.names, colours),
        f"{name} view of the states ({method})",
        f"{count(len(view.codes), 'frame')}, evenly spaced, laid out by {name} of what the method compares. Of the ten "
        f"nearest frames {number(100 * quality['knn'], 2)} % are so in the picture too (knn), of the nearest states "
        f"{number(100 * quality['knc'], 2)} % (knc), and distances correlate with {number(quality['cpd'], 2)} (cpd): "
        "islands and distances between them mean no more than that. The states were found without this view.",
        f"Scatter of frames in {len(view.names)} states.",
        pd.DataFrame({"x": view.places[:, 0], "y": view.places[:, 1], "state": [view.names[k] for k in view.codes]}),
    )


def _onset_frames(
    recording: Recording, states: xr.DataArray, gathered: dict[str, list[np.ndarray]]
) -> tuple[list[str], dict[str, str], str] | None:
    """Add aligned postures (bout, lag, keypoint, 2) of one recording; return keypoints, roles and unit."""
    from murid.data.clock import nearest_sample
    from murid.data.meet import keypoints_and_roles
    from murid.data.poses import keypoint_names
    from murid.data.roles import stand_ins
    from murid.prepare import align_egocentric

    poses = recording.need("poses")
    keypoints = keypoint_names(poses)
    roles = keypoints_and_roles(poses, recording.roles)
    points = stand_ins(roles)
    if poses.sizes["space"] != 2 or not {"front", "rear", "centre"} <= set(points):
        return None
    sure = poses.assign(position=poses["position"].where(~(poses["confidence"] < 0.5)))
    named = {p: [roles[r] for r in points[p]] for p in ("front", "rear", "centre")}
    aligned = align_egocentric(sure, named["centre"], (named["rear"], named["front"]))
    own_unit = LengthUnit.of(poses.attrs)
    unit = own_unit.shown
    time = poses["time"].values
    people = [str(i) for i in poses["individual"].values]
    bouts = BOUTS.rows(bouts_of(states))
    bouts = bouts.having(bouts.start_s + LAGS_S[-1] <= time[-1])
    for label in dict.fromkeys(bouts.label):
        for person, own in bouts.having(bouts.label == label).by(bouts.individual):
            if label not in gathered or person not in people:
                continue
            p = people.index(person)
            own = own.take(np.unique(np.linspace(0, len(own) - 1, min(len(own), POSE_BOUTS)).astype(int)))
            onset = own.start_s.to_numpy()
            start = nearest_sample(time, onset)
            index = np.stack([nearest_sample(time, onset + lag) for lag in LAGS_S], axis=1)
            angle, centre = aligned["heading"].values[start, p], aligned["centre"].values[start, :, p]
            at = sure["position"].values[:, :, :, p][index] - centre[:, None, :, None]
            cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
            turned = np.stack([cos * at[:, :, 0] + sin * at[:, :, 1], cos * at[:, :, 1] - sin * at[:, :, 0]], axis=-1)
            known = np.isfinite(angle)
            gathered[label].append(turned[known] * own_unit.to(unit))
    return keypoints, roles, unit


def _middle(cut: np.ndarray) -> np.ndarray:
    """Median over bouts (bout, lag, keypoint, 2), NaN for a keypoint that is seen in too few of them.

    A point that the tracker finds now and then, most often a tail tip, would be drawn wherever it was those times.
    """
    out = np.full(cut.shape[1:], np.nan)
    enough = np.isfinite(cut).sum(axis=0) >= max(3, LEAST_SEEN * len(cut))
    out[enough] = np.nanmedian(cut[:, enough], axis=0)
    return out


def _drawable(middle: np.ndarray) -> bool:
    """Say whether two points or more of a posture (lag, keypoint, 2) are known when the state begins."""
    return int(np.isfinite(middle[0]).all(axis=-1).sum()) >= 2
