"""What shows that an argument of a public function of `murid.run`, or of a method of a study, changes something.

`SHOWN` names the test that shows it; `CASES` are tried by test_arguments_act.py: another value has to give another
outcome. A new argument fails there until it stands in one of them, or in `EXEMPT` with the reason.
"""

from __future__ import annotations

import functools
import inspect
import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import run_work as work

from murid import simulate
from murid.assays.zone_templates import TemplateParams
from murid.data.bouts import make_events
from murid.data.errors import MuridError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.zones import Zone, Zones
from murid.run import (
    Run,
    add_files,
    check_study,
    compare_motifs,
    evaluate_methods,
    explain_model,
    fit_method,
    propose_bouts,
    runs_of,
    set_zones,
    update_from_sheet,
    write_films,
)
from tests.parameter_cases import digest
from tests.run.test_add_again import write_poses

#: (function, argument) → the test in tests/ that shows what it does.
SHOWN = {
    ("run_analysis", "alpha"): "run/test_analysis.py::test_one_level_is_that_of_the_comparison_and_of_the_analysis",
    ("add_files", "labels"): "cli/test_commands.py::test_new_add_check",
    ("add_files", "events"): "run/test_recording_files.py::test_events_of_files_and_points_of_labels_are_both_kept",
    ("add_files", "traces"): "run/test_file_pairing.py::test_traces_name_the_recordings_where_there_are_no_poses",
    ("add_files", "spikes"): (
        "run/test_file_pairing.py::test_without_poses_and_traces_the_spikes_else_the_labels_name_the_recordings"
    ),
    (
        "add_files",
        "video",
    ): "run/test_recording_files.py::test_films_in_or_beside_a_study_are_found_when_both_are_moved",
    ("add_files", "fps"): "cli/test_commands.py::test_new_add_check",
    ("add_files", "sheet"): "cli/test_commands.py::test_sheet_and_reader_options",
    ("add_files", "several_raters"): "run/test_recording_files.py::test_raters_in_files_of_their_own",
    ("add_files", "several_units"): "run/test_recording_files.py::test_units_in_files_of_their_own",
    ("add_files", "options"): "run/test_recording_files.py::test_options_of_labels_go_before_those_of_the_film",
    ("add_files", "replace"): (
        "run/test_add_again.py::test_replace_keeps_labels_group_animal_and_place_that_are_not_given_again"
    ),
    ("add_files", "overwrite_labels"): (
        "run/test_add_again.py::test_labels_edited_in_the_study_are_overwritten_on_request_only"
    ),
    ("add_files", "cut_labels"): "run/test_recording_files.py::test_labels_longer_than_the_film_are_cut_on_request",
    ("add_files", "dry_run"): "cli/test_commands.py::test_new_add_check",
    ("apply_method", "model"): "run/test_pipelines.py::test_fit_and_apply",
    ("apply_method", "ids"): "cli/test_commands.py::test_fit_apply_neural",
    ("blank_sheet", "files"): "run/test_sheet.py::test_a_blank_sheet_names_recordings_as_adding_does",
    ("build_report", "runs"): "run/test_pipelines.py::test_report_takes_the_newest_run_of_each_command",
    ("build_report", "out"): "run/test_pipelines.py::test_report_takes_the_newest_run_of_each_command",
    ("build_report", "figures"): "report/test_findings.py::test_every_figure_can_be_taken_as_a_file",
    ("compare_motifs", "names"): "run/test_motifs.py::test_methods_side_by_side",
    ("compare_motifs", "params"): "run/test_motifs.py::test_methods_side_by_side",
    ("compare_motifs", "robust"): "run/test_motifs.py::test_robustness_stands_beside_the_rest",
    (
        "evaluate_methods",
        "names",
    ): "run/test_pipelines.py::test_evaluation_reports_frames_bouts_time_calibration_and_limits",
    ("evaluate_methods", "params"): (
        "run/test_pipelines.py::test_evaluation_again_does_nothing_and_another_method_costs_only_itself"
    ),
    ("evaluate_methods", "folds"): (
        "run/test_pipelines.py::test_folds_share_no_animal_and_every_recording_is_predicted_once"
    ),
    ("evaluate_methods", "train"): "run/test_pipelines.py::test_explicit_split",
    ("evaluate_methods", "test"): "run/test_pipelines.py::test_explicit_split",
    ("evaluate_methods", "leaky"): "run/test_pipelines.py::test_leaky_score_is_computed_on_request_and_marked",
    ("explain_model", "model"): (
        "run/test_supervised_commands.py::test_explain_takes_unseen_labelled_recordings_when_there_are_some"
    ),
    ("explain_model", "recording"): "run/test_supervised_commands.py::test_why_this_frame",
    ("explain_model", "time_s"): "run/test_supervised_commands.py::test_why_this_frame",
    ("explain_model", "behaviour"): "run/test_supervised_commands.py::test_why_this_frame",
    ("export_states", "states_from"): (
        "run/test_export.py::test_predictions_read_back_frame_by_frame_also_where_nothing_was_labelled"
    ),
    ("export_states", "out"): "run/test_export.py::test_labels_of_people_in_each_format",
    ("export_states", "format"): "run/test_export.py::test_labels_of_people_in_each_format",
    ("export_states", "ids"): "run/test_export.py::test_labels_of_people_in_each_format",
    ("export_states", "labels"): "run/test_export.py::test_labels_of_people_in_each_format",
    ("export_states", "individual"): (
        "run/test_export.py::test_text_of_caltech_is_of_one_animal_and_tells_unlabelled_from_absent"
    ),
    ("find_run", "name"): "run/test_runner.py::test_unknown_run_suggests_known_ones",
    ("fit_method", "name"): "run/test_pipelines.py::test_unknown_names_are_answered_with_near_ones",
    ("fit_method", "params"): "run/test_pipelines.py::test_a_different_model_is_not_overwritten_unasked",
    ("fit_method", "ids"): "cli/test_commands.py::test_fit_apply_neural",
    ("fit_method", "model"): "cli/test_commands.py::test_fit_apply_neural",
    ("fit_method", "replace"): "run/test_pipelines.py::test_a_different_model_is_not_overwritten_unasked",
    ("open_study", "folder"): "run/test_session.py::test_a_study_is_opened_or_made",
    ("open_study", "create"): "run/test_session.py::test_a_study_is_opened_or_made",
    ("open_study", "name"): "run/test_session.py::test_a_study_is_opened_or_made",
    (
        "propose_bouts",
        "model",
    ): "run/test_supervised_commands.py::test_label_queue_proposes_unlabelled_time_and_advises",
    (
        "propose_bouts",
        "params",
    ): "run/test_supervised_commands.py::test_label_queue_proposes_unlabelled_time_and_advises",
    ("run_analysis", "name"): "run/test_pipelines.py::test_assay_measures_every_animal_and_compares_groups",
    ("run_analysis", "params"): (
        "run/test_analysis.py::test_the_window_of_a_time_budget_counts_from_the_start_of_the_recording"
    ),
    ("run_analysis", "ids"): "run/test_analysis.py::test_an_animal_scored_without_a_single_bout_counts_with_zero",
    ("run_analysis", "compare"): "run/test_analysis.py::test_any_column_of_the_sheet_can_be_compared_by",
    ("run_analysis", "measures"): "run/test_pipelines.py::test_only_the_named_measures_are_compared",
    ("run_analysis", "states_from"): "run/test_pipelines.py::test_the_tuned_unit_is_found_from_labels_and_from_a_model",
    ("run_analysis", "labels"): "run/test_analysis.py::test_any_column_of_the_sheet_can_be_compared_by",
    ("run_analysis", "individual"): (
        "run/test_analysis.py::test_labels_that_belong_to_all_animals_are_those_of_the_one_that_is_asked_for"
    ),
    ("run_demo", "out"): "cli/test_demo.py::test_demo_makes_a_report_with_golden_numbers_and_continues",
    ("run_demo", "n_animals"): "run/test_arguments_act.py::test_a_demo_simulates_what_it_was_asked_for",
    ("run_demo", "minutes"): "run/test_arguments_act.py::test_a_demo_simulates_what_it_was_asked_for",
    ("run_demo", "seed"): "run/test_arguments_act.py::test_a_demo_simulates_what_it_was_asked_for",
    ("set_zones", "zones"): "run/test_zones.py::test_page_is_one_file_and_what_it_saves_is_read",
    ("set_zones", "template"): "run/test_zones.py::test_template_on_tracked_corners",
    ("set_zones", "ids"): "run/test_zones.py::test_template_on_tracked_corners",
    ("set_zones", "replace"): "run/test_zones.py::test_zones_that_are_there_are_written_over_only_when_asked",
    ("set_zones", "dry_run"): "run/test_zones.py::test_zones_that_are_there_are_written_over_only_when_asked",
    ("update_from_sheet", "sheet"): "run/test_sheet.py::test_written_filled_and_read_back",
    ("write_drawing_page", "recording_id"): "run/test_zones.py::test_page_is_one_file_and_what_it_saves_is_read",
    ("write_drawing_page", "out"): "run/test_zones.py::test_page_is_one_file_and_what_it_saves_is_read",
    ("write_films", "model"): "run/test_films.py::test_a_model_that_was_fitted_again_must_be_applied_again",
    ("write_films", "ids"): "run/test_films.py::test_behaviours_ids_and_shortest_bout",
    ("write_films", "behaviours"): "run/test_films.py::test_behaviours_ids_and_shortest_bout",
    ("write_films", "clips"): "run/test_films.py::test_motifs_without_a_film_are_named",
    ("write_films", "least_s"): "run/test_films.py::test_behaviours_ids_and_shortest_bout",
    ("Study.create", "folder"): "data/test_study.py::test_round_trip",
    ("Study.create", "name"): "data/test_study.py::test_round_trip",
    ("Study.path_of", "recording_id"): (
        "run/test_recording_files.py::test_films_in_or_beside_a_study_are_found_when_both_are_moved"
    ),
    ("Study.path_of", "noun"): (
        "run/test_recording_files.py::test_films_in_or_beside_a_study_are_found_when_both_are_moved"
    ),
    ("Study.open_one", "folder"): "cli/test_option_messages.py::test_what_looks_wrong_in_the_study_is_said_once",
    ("Study.open_one", "recording_id"): "cli/test_option_messages.py::test_what_looks_wrong_in_the_study_is_said_once",
    ("Study.add", "recording"): "data/test_study.py::test_round_trip",
    ("Study.remove", "recording_id"): "data/test_study.py::test_ids_are_unique_and_safe",
}
#: (function, argument) → why another value need not change a result.
EXEMPT: dict[tuple[str, str], str] = {
    **{
        (
            function,
            "alpha",
        ): "handed to the comparison of groups as it is, where its level is tested; by name on the way"
        for function in ("apply_method", "evaluate_methods")
    },
    ("run_analysis", "seed"): "a study small enough for a test is compared by all permutations, which need no seed",
}


@dataclass(frozen=True)
class Case:
    """One argument: what is done with a value in an empty folder, and two values whose outcome differs."""

    act: Callable[[Path, Any], Any]
    other: Any
    plain: Any = None
    slow: bool = False


def outcome(do: Callable[[], Any]) -> Any:
    """What a call returns, with the texts of its warnings; or the text of its error."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = do()
        except MuridError as error:
            return _anywhere(str(error))
    return [result, sorted({_anywhere(str(w.message)) for w in said})]


def _anywhere(text: str) -> str:
    """A text without the folder of the call, which is another each time."""
    return re.sub(r"\S*-(plain|again|other)\b", "…", text)


# ---- what the cases work on -----------------------------------------------------------------------
_MADE: dict[str, Path] = {}


def _copy(name: str, make: Callable[[Path], Any], place: Path) -> Study:
    """A study of its own for one call, made once and copied."""
    if name not in _MADE:
        _MADE[name] = place.parent / f"made_{name}"
        make(_MADE[name])
    target = place / "study"
    shutil.copytree(_MADE[name], target)
    return Study(target)


def small(place: Path) -> Study:
    """Four recordings with poses alone."""
    return _copy("small", lambda folder: work.small_study(folder, 4), place)


def labelled(place: Path) -> Study:
    """Six recordings of three animals: two raters who differ, a second behaviour that one animal alone shows."""

    def make(folder: Path) -> None:
        source = work.labelled_study(folder.with_name("source"), 6, seconds=8.0)
        study = Study.create(folder)
        for k, recording in enumerate(source):
            bouts = recording.labels.bouts.assign(rater="me", stream="one")
            late = bouts.assign(start_s=bouts["start_s"] + 0.2, stop_s=bouts["stop_s"] + 0.2, rater="you", stream="two")
            late = late[late["stop_s"] <= 8.0]
            rare = pd.DataFrame(
                {"start_s": [1.0], "stop_s": [2.0], "label": ["zzz"], "rater": ["me"], "stream": ["one"]}
            )
            every = pd.concat([bouts, late, rare] if k < 2 else [bouts, late], ignore_index=True)
            study.add(recording.replace(labels=Labels.from_bouts(every, duration_s=8.0, fps=20)))

    return _copy("labelled", make, place)


def fitted(place: Path) -> Study:
    """Two short recordings with labels of one behaviour, and a model of the tiny method."""

    def make(folder: Path) -> None:
        fit_method(work.labelled_study(folder, 2, seconds=5.0), "tiny", {"behaviours": ["run"]})

    return _copy("fitted", make, place)


def steady(function: Callable[..., Any], **base: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Work a call out once for the same arguments of a run function: what many of its arguments are held against."""
    defaults = {k: p.default for k, p in inspect.signature(function).parameters.items() if p.default is not p.empty}

    def of(helper: Callable[..., Any]) -> Callable[..., Any]:
        known: dict[str, str] = {}

        @functools.wraps(helper)
        def once(place: Path, **options: Any) -> str:
            given = {**base, **options}
            key = repr(sorted({**defaults, **given}.items()))
            if key not in known:
                known[key] = digest(helper(place, **given))
            return known[key]

        once.base = base
        STEADY.append(once)
        return once

    return of


#: Helpers of the cases whose outcome for the same arguments has to be the same.
STEADY: list[Any] = []


@steady(evaluate_methods, behaviours=["run"], rater="me", stream="one")
def evaluated(place: Path, **options: Any) -> Any:
    """Scores, folds and what is said of the tiny method."""

    def do() -> Any:
        run = evaluate_methods(labelled(place), "tiny", **options)
        return [run.tables["folds"], run.tables["per_class"], run.provenance["warnings"]]

    return outcome(do)


def broken(study: Study, recording_id: str) -> Study:
    (study.folder / "data" / recording_id / "poses.nc").write_bytes(b"nothing")
    return study


def trained(place: Path) -> Study:
    """Three labelled recordings, a fourth without labels, and a small model of trees."""

    def make(folder: Path) -> None:
        study = Study.create(folder)
        for k in range(4):
            r = simulate.recording(duration_s=30, fps=10, seed=k + 1, id=f"r{k}", animal=f"a{k}", unit="cm")
            study.add(r.replace(labels=None) if k == 3 else r)
        trees = {"n_trees": 8, "n_threads": 1}
        fit_method(study, "gbdt", {"behaviours": ["walk", "rear"], "context_s": [], "folds": 2, "trees": trees})

    return _copy("trained", make, place)


@steady(explain_model, folds=3, n_frames=60)
def explained(place: Path, **options: Any) -> Any:
    return outcome(lambda: explain_model(trained(place), "gbdt", **options).tables)


@steady(propose_bouts, refit=False, curve=False)
def queued(place: Path, **options: Any) -> Any:
    def do() -> Any:
        run = propose_bouts(trained(place), "gbdt", {"n": 4}, **options)
        return [run.tables, run.summary["refitted"]]

    return outcome(do)


def filmed(place: Path) -> Study:
    """Two recordings with films, and a model that was applied to them."""

    def make(folder: Path) -> None:
        from murid.run import apply_method

        study = Study.create(folder)
        for k in range(2):
            r = simulate.recording(duration_s=8, fps=10, px_per_cm=4.0, seed=k, id=f"r{k}", animal=f"a{k}")
            study.add(r.replace(video=simulate.video(r, folder / f"r{k}.mp4")))
        fit_method(study, "kmeans", {"n_motifs": 2, "replicates": 1})
        apply_method(study, "kmeans")

    return _copy("filmed", make, place)


@steady(write_films, clips=2, size=32)
def films(place: Path, **options: Any) -> Any:
    """Frames, size and length of the films, and the bouts that are shown."""
    import av

    run = write_films(filmed(place), "kmeans", **options)
    facts = []
    for path in sorted((run.folder / "films").iterdir()):
        with av.open(str(path)) as film:
            stream = film.streams.video[0]
            frames = [frame.to_ndarray(format="gray") for frame in film.decode(stream)]
            facts.append([path.name, float(stream.average_rate), np.stack(frames)])
    return [facts, run.tables["clips"]]


@steady(compare_motifs, seeds=1, halves=False, behaviours=["run"], rater="me", stream="one")
def motifs(place: Path, **options: Any) -> Any:
    """What `compare_motifs` says, without times and memory."""
    params = {"kmeans": {"n_motifs": 3, "replicates": 1}}
    study = labelled(place)

    def do() -> Any:
        run = compare_motifs(study, ["kmeans"], params, **options)
        return [run.tables["motifs"].drop(columns=["fit_s", "fit_cpu_s", "apply_fps", "peak_mb"]), run.recordings]

    return outcome(do)


def added(place: Path, **options: Any) -> Any:
    """The study that is made of two pose files."""
    for folder in ("poses", "zones"):
        (place / folder).mkdir()
    for k in range(2):
        write_poses(place, k)
    zones = Zones([Zone("arena", polygon=[(0, 0), (200, 0), (200, 200), (0, 200)], kind="arena")])
    (place / "zones" / "arena.json").write_text(zones.to_json())
    given = {key: place / value if isinstance(value, str) else value for key, value in options.items()}
    study = Study.create(place / "S")
    add_files(study, **{"poses": place / "poses", "fps": 20, **given})
    return [study.table.drop(columns="source"), [str(r.poses.attrs.get("px_per_cm")) for r in study]]


def zoned(place: Path, **options: Any) -> Any:
    study = small(place)
    arena = Zones([Zone("arena", polygon=[(0, 0), (200, 0), (200, 200), (0, 200)], kind="arena")])
    for recording in study.recordings():
        study.add(recording.replace(zones=arena), replace=True)
    set_zones(study, template="open_field", replace=True, **options)
    return np.concatenate([z.polygon for z in study["r0"].zones.values() if z.polygon is not None])


def with_runs(place: Path, command: str | None) -> list[str]:
    study = small(place)
    for name in ("budget", "check"):
        with Run.start(study, name, {}):
            pass
    return [run.provenance["command"] for run in runs_of(study, command)]


def updated(place: Path, dry_run: bool) -> list[str]:
    study = small(place)
    update_from_sheet(study, study.table[["id", "animal"]].assign(group="new"), dry_run=dry_run)
    return study.table["group"].tolist()


def stored(place: Path, **options: Any) -> Any:
    """The row and what is in the folder after a recording was written again without its events."""
    study = Study.create(place / "S")
    poses, events = work.small_poses(1), make_events(time_s=[1.0], label=["tone"])
    study.add(Recording("r0", poses=poses, events=events))
    file = study.path_of("r0", "events")
    before = file.stat().st_ino
    return outcome(
        lambda: [
            study.add(Recording("r0", poses=poses, events=study["r0"].events), **options),
            study.table.to_dict("records"),
            file.stat().st_ino == before,
        ]
    )


CASES: dict[tuple[str, str], Case] = {
    ("add_files", "poses"): Case(lambda at, v: added(at, poses=v), "poses/m1DLC_resnet50_x.csv", "poses"),
    ("add_files", "zones"): Case(lambda at, v: added(at, zones=v), "zones", (), slow=True),
    ("add_files", "px_per_cm"): Case(lambda at, v: added(at, px_per_cm=v), 12.5, slow=True),
    ("check_study", "ids"): Case(
        lambda at, v: sorted(set(check_study(small(at), v).tables["quality"]["recording"])), ["r1"], slow=True
    ),
    ("compare_motifs", "ids"): Case(lambda at, v: motifs(at, ids=v), ["r0", "r1", "r2"], slow=True),
    ("compare_motifs", "behaviours"): Case(lambda at, v: motifs(at, behaviours=v), ["zzz"], ["run"], slow=True),
    ("compare_motifs", "rater"): Case(lambda at, v: motifs(at, rater=v, stream=None), "you", "me", slow=True),
    ("compare_motifs", "stream"): Case(lambda at, v: motifs(at, rater=None, stream=v), "two", "one", slow=True),
    ("compare_motifs", "seeds"): Case(lambda at, v: motifs(at, seeds=v), 2, 1, slow=True),
    ("compare_motifs", "halves"): Case(lambda at, v: motifs(at, halves=v), True, False, slow=True),
    ("compare_motifs", "seed"): Case(lambda at, v: motifs(at, seed=v), 5, 0, slow=True),
    ("evaluate_methods", "group"): Case(lambda at, v: evaluated(at, group=v), "id", "animal", slow=True),
    ("evaluate_methods", "ids"): Case(lambda at, v: evaluated(at, ids=v), ["r0", "r2", "r3"], slow=True),
    ("evaluate_methods", "behaviours"): Case(lambda at, v: evaluated(at, behaviours=v), ["zzz"], ["run"], slow=True),
    ("evaluate_methods", "others"): Case(lambda at, v: evaluated(at, others=v), "ignore", "auto", slow=True),
    ("evaluate_methods", "rater"): Case(lambda at, v: evaluated(at, rater=v, stream=None), "you", "me", slow=True),
    ("evaluate_methods", "stream"): Case(lambda at, v: evaluated(at, rater=None, stream=v), "two", "one", slow=True),
    ("evaluate_methods", "rare"): Case(
        lambda at, v: evaluated(at, behaviours=["run", "zzz"], rare=v), "error", "warn", slow=True
    ),
    ("evaluate_methods", "skip_failed"): Case(
        lambda at, v: outcome(
            lambda: evaluate_methods(broken(labelled(at), "r1"), "tiny", rater="me", skip_failed=v).tables["folds"]
        ),
        True,
        False,
        slow=True,
    ),
    ("evaluate_methods", "seed"): Case(lambda at, v: evaluated(at, group="id", folds=3, seed=v), 7, 0, slow=True),
    ("explain_model", "individual"): Case(
        lambda at, v: explained(at, recording="r3", time_s=2.0, individual=v), "nobody", slow=True
    ),
    ("explain_model", "folds"): Case(lambda at, v: explained(at, folds=v), 2, 3, slow=True),
    ("explain_model", "n_frames"): Case(lambda at, v: explained(at, n_frames=v), 20, 60, slow=True),
    ("explain_model", "seed"): Case(lambda at, v: explained(at, seed=v), 5, 0, slow=True),
    ("fit_method", "skip_failed"): Case(
        lambda at, v: outcome(
            lambda: fit_method(broken(labelled(at), "r1"), "tiny", {"behaviours": ["run"]}, skip_failed=v).recordings
        ),
        True,
        False,
        slow=True,
    ),
    ("propose_bouts", "ids"): Case(lambda at, v: queued(at, ids=v), ["r3"], None, slow=True),
    ("propose_bouts", "refit"): Case(lambda at, v: queued(at, refit=v), True, False, slow=True),
    ("propose_bouts", "curve"): Case(lambda at, v: queued(at, curve=v), True, False, slow=True),
    ("runs_of", "command"): Case(with_runs, "budget"),
    ("set_zones", "changes"): Case(lambda at, v: zoned(at, **v), {"centre_share": 0.25}, {}, slow=True),
    ("set_zones", "params"): Case(lambda at, v: zoned(at, params=v), TemplateParams(centre_share=0.3), slow=True),
    ("update_from_sheet", "dry_run"): Case(updated, True, False),
    ("write_films", "before_s"): Case(lambda at, v: films(at, before_s=v), 0.2, 0.5, slow=True),
    ("write_films", "after_s"): Case(lambda at, v: films(at, after_s=v), 1.0, 1.5, slow=True),
    ("write_films", "size"): Case(lambda at, v: films(at, size=v), 48, 32, slow=True),
    ("write_films", "speed"): Case(lambda at, v: films(at, speed=v), 0.5, 1.0, slow=True),
    ("write_films", "seed"): Case(lambda at, v: films(at, clips=1, seed=v), 8, 0, slow=True),
    ("Study.create", "settings"): Case(
        lambda at, v: {k: str(x) for k, x in Study.create(at / "S", **v).settings.items()}, {"px_per_cm": 5}, {}
    ),
    ("Study.set", "settings"): Case(
        lambda at, v: [(s := Study.create(at / "S")).set(**v), str(Study(s.folder).settings.get("camera"))],
        {"camera": "top"},
        {},
    ),
    ("Study.recordings", "ids"): Case(lambda at, v: [r.id for r in small(at).recordings(v)], ["r2", "r0"]),
    ("Study.add", "source"): Case(lambda at, v: stored(at, replace=True, source=v), "a.csv", ""),
    ("Study.add", "replace"): Case(lambda at, v: stored(at, replace=v), True, False),
    ("Study.add", "keep"): Case(lambda at, v: stored(at, replace=True, keep=v), ("events",), (), slow=True),
    ("Study.update", "changes"): Case(
        lambda at, v: [(s := small(at)).update(pd.DataFrame(v)), s.table["group"].tolist()],
        {"id": ["r1"], "column": ["group"], "now": ["z"]},
        {"id": ["r2"], "column": ["group"], "now": ["z"]},
    ),
}
