"""Films of what a model found: one for each motif, many bouts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.names import file_name_of
from murid.data.progress import track
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.data.study import Study
from murid.plot.number_text import listed
from murid.report.grid_films import CLIPS
from murid.run.apply import model_folder, newest_applied
from murid.run.run_age import states_warning
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run

TABLES = (CLIPS,)


def write_films(
    study: Study,
    model: str | Path,
    ids: Sequence[str] | None = None,
    *,
    behaviours: Sequence[str] | None = None,
    clips: int = 16,
    least_s: float = 0.0,
    before_s: float = 0.5,
    after_s: float = 1.5,
    size: int = 128,
    speed: float = 1.0,
    seed: int = 0,
) -> Run:
    """Write a grid film for each motif that a model found where it was last applied.

    Parameters
    ----------
    study : Study
    model : str or Path
        A model that was applied to recordings of the study.
    ids : sequence of str, optional
        Recordings to take clips from; by default all that the model was applied to and that have video and poses.
    behaviours : sequence of str, optional
        Motifs or behaviours; all by default.
    clips : int
        Bouts in a film, drawn by animals in turn.
    least_s : float
        Shorter bouts are left out, s.
    before_s, after_s : float
        From how long before the onset to how long after it, s.
    size : int
        Side of a clip, px.
    speed : float
        Of playing; 0.5 is half.
    seed : int
        Which bouts are drawn.

    Returns
    -------
    Run
        ``films/<motif>.mp4``, and the table ``clips``: film, place in the grid, whose bout it is, and when.

    Raises
    ------
    DataError
        The model was not applied as it is now, no recording has video and poses, or no bout is left to show.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("filmed", create=True)
    >>> for r in murid.simulate.study(1, duration_s=10, fps=10, seed=1)[0]:
    ...     study.add(r.replace(video=murid.simulate.video(r, f"{r.id}.mp4")))
    >>> _ = study.fit("kmeans", n_motifs=3, replicates=1), study.apply("kmeans")
    >>> run = murid.run.write_films(study, "kmeans", clips=4, size=32)
    >>> run.summary["films"], sorted(p.name for p in (run.folder / "films").iterdir())[0]
    (3, 'motif_00.mp4')
    """
    _check(clips=clips, least_s=least_s, before_s=before_s, after_s=after_s, size=size, speed=speed)
    applied = newest_applied(study, model_folder(study, model), "films")
    recordings, left_out = _filmed(study, applied, ids)
    bouts = _bouts(applied, list(recordings), behaviours, least_s)
    how = {"before_s": before_s, "after_s": after_s, "size": size, "speed": speed}
    names = list(recordings)
    asked: dict[str, Any] = {"states": applied.folder.name, "ids": names, "behaviours": behaviours}
    asked |= {**how, "clips": clips, "least_s": least_s}
    with Run.start(study, "films", asked | {"seed": seed}, str(applied.summary["model"])) as run:
        run.rests_on(("animal",), states_of=applied.folder.name)
        runner = Runner(study, run=run)
        for source in inputs_of(study, names, ("poses", "video")):
            runner.note_read(source)
        if old := states_warning(study, applied):
            run.warn(old)
        run.provenance["seeds"]["clips"] = seed
        if left_out:
            run.warn(f"no video or no poses, so no clips of: {listed(left_out)}")
        groups = list(bouts.groupby("label", sort=True))
        parts = [
            _film(run, str(label), part, recordings, clips, seed, how) for label, part in track(groups, "writing films")
        ]
        run.table(CLIPS.name, pd.concat(parts, ignore_index=True))
        without = _without_bouts(applied, names, behaviours, {str(label) for label, _ in groups})
        if without:
            longer = f" of {least_s:g} s or more" if least_s > 0 else ""
            run.warn(f"no film, since there is no bout{longer} in these recordings: {listed(without, 20)}")
        run.note(model=applied.summary["model"], states=applied.folder.name, recordings=names, films=len(groups))
        run.note(without_film=without)
    return run


def _film(
    run: Run,
    label: str,
    bouts: pd.DataFrame,
    recordings: dict[str, Recording],
    clips: int,
    seed: int,
    how: dict[str, Any],
) -> pd.DataFrame:
    """Write the film of one motif and return its clips."""
    from murid.report.grid_films import choose_bouts, grid_film

    chosen = choose_bouts(bouts, clips, seed=seed)
    path = run.folder / "films" / f"{file_name_of(label)}.mp4"
    path.parent.mkdir(exist_ok=True)
    _, empty = grid_film(path, chosen, recordings, **how)
    if empty:
        run.warn(f"film of {label}: clips {listed([str(i + 1) for i in empty])} are black, no picture there")
    keys = [c for c in ("recording", "animal", "individual", "start_s", "stop_s") if c in chosen]
    table = chosen[keys].reset_index(drop=True)
    table.insert(0, "film", path.name)
    table.insert(1, "label", label)
    table.insert(2, "clip", range(1, len(table) + 1))
    return table


def _filmed(study: Study, applied: Run, ids: Sequence[str] | None) -> tuple[dict[str, Recording], list[str]]:
    """Recordings to take clips from, by id, and those that have no video or no poses."""
    known = [str(i) for i in applied.summary["recordings"]]
    faults = Faults("films")
    for recording_id in ids or ():
        if recording_id not in known:
            faults.add(f"the model was not applied to '{recording_id}'", todo=did_you_mean(recording_id, known))
    faults.raise_if_any()
    asked = study.recordings([i for i in known if ids is None or i in ids])
    filmed = {r.id: r for r in asked if r.has("video") and r.has("poses")}
    if not filmed:
        fail("films", "no recording has video and poses", todo="murid add STUDY POSES --video VIDEOS")
    return filmed, [r.id for r in asked if r.id not in filmed]


def _bouts(applied: Run, ids: list[str], behaviours: Sequence[str] | None, least_s: float) -> pd.DataFrame:
    """Bouts of the run that can be shown."""
    bouts = applied.tables["bouts"]
    # The same bouts are drawn, however recordings.csv is sorted.
    bouts = bouts.sort_values("recording", kind="stable", ignore_index=True)
    names = sorted(bouts["label"].astype(str).unique())
    faults = Faults("films")
    for name in behaviours or ():
        if name not in names:
            faults.add(f"no bout of '{name}'", todo=did_you_mean(name, names))
    faults.raise_if_any()
    lasts = bouts["stop_s"] - bouts["start_s"]
    wanted = bouts["recording"].isin(ids) & (lasts >= least_s - 1e-9)
    if behaviours is not None:
        wanted &= bouts["label"].isin(list(behaviours))
    if not wanted.any():
        fail("films", "no bout to show", expected=f"bouts of {least_s:g} s or more", todo="ask for shorter ones")
    return bouts[wanted]


def _without_bouts(applied: Run, ids: list[str], behaviours: Sequence[str] | None, shown: set[str]) -> list[str]:
    """Motifs or behaviours that the model knows, or that were asked for, and that have no film."""
    known = list(behaviours) if behaviours is not None else []
    if behaviours is None:
        for recording_id in ids:
            known += behaviour_names(applied.states_of(recording_id))
    return [name for name in dict.fromkeys(known) if name not in shown]


def _check(**given: float) -> None:
    faults = Faults("films")
    for name, value in given.items():
        least = 16 if name == "size" else 1 if name == "clips" else 0
        if not value >= least or (name in ("speed", "after_s") and value == 0):
            faults.add(f"{name} is too small", expected=f"at least {least}" if least else "above 0", got=f"{value:g}")
    faults.raise_if_any()
