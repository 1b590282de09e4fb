"""What every section is given."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid.assays.assay_result import ARENAS
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels, Others
from murid.data.names import CONTROLS
from murid.data.reserved_names import MACRO, behaviour_column, behaviour_of
from murid.data.study import Study
from murid.data.warning import MuridWarning
from murid.data.zones import Zone
from murid.evaluate.evaluation_tables import PER_CLASS
from murid.neural.tuning_analysis import TUNING
from murid.plot import colours
from murid.plot.number_text import listed, natural
from murid.plot.places import GUESSED
from murid.report.pose_overview import Glance, glance_in_cm, look_at, with_arenas
from murid.report.runfolder import RunFolder
from murid.stats.wording import ALPHA


class Context:
    """Study, runs, and what is looked up more than once.

    Parameters
    ----------
    study : Study
    run_folders : sequence of path

    Attributes
    ----------
    runs : list of RunFolder
        In the order given.
    problems : list of str
        Recordings that could not be read.
    """

    def __init__(self, study: Study, run_folders: Sequence[str | Path]) -> None:
        self.study = study
        self.runs = [RunFolder(f) for f in run_folders]
        self.problems: list[str] = []
        self.table = study.table

    # ---- runs -----------------------------------------------------------------------------------
    def runs_of(self, *commands: str) -> list[RunFolder]:
        """Runs of some commands, oldest first as given."""
        return [r for r in self.runs if r.command in commands]

    # ---- recordings -----------------------------------------------------------------------------
    @cached_property
    def glances(self) -> dict[str, Glance]:
        """One look at every recording that has poses; unreadable ones are noted."""
        glances = {}
        for recording in self.study.recordings():
            if not recording.has("poses"):
                continue
            try:
                look = look_at(recording)
                scale = self.scales.get(recording.id)
                look = glance_in_cm(look, scale) if look.unit == "px" and scale else look
                glances[recording.id] = with_arenas(look, self.arenas.get(recording.id, ()))
            except (DataError, OSError) as exc:
                self._problem(f"recording '{recording.id}': {str(exc).splitlines()[0]}")
            recording.forget()
        return glances

    @cached_property
    def scales(self) -> dict[str, float]:
        """Scale (px/cm) that a run of a paradigm used for recordings whose poses carry none."""
        scales: dict[str, float] = {}
        for run in self.runs_of("assay"):
            table = run.rows(ARENAS) if run.has(ARENAS.name) else None
            if table is not None and table.has(table.recording, table.px_per_cm):
                known = table.having(table.px_per_cm.notna())
                scales |= dict(zip(known.recording.astype(str), known.px_per_cm.astype(float), strict=True))
        return scales

    @cached_property
    def arenas(self) -> dict[str, list[Zone]]:
        """Arena and the zones to outline (cm) that a run of a paradigm used for recordings without a drawn arena."""
        outlines: dict[str, list[Zone]] = {}
        for run in self.runs_of("assay"):
            table = run.rows(ARENAS, ["source", "outline"]) if run.has(ARENAS.name) else None
            if table is None:
                continue
            used = table.having(table.source != "drawn")
            own: dict[str, list[Zone]] = {}
            for recording, source, outline, zones, centre in zip(
                used.recording.astype(str), used.source, used.outline, used.zones, used.centre, strict=True
            ):
                arena = Zone(**json.loads(outline))
                named = replace(arena, name=GUESSED if source == "estimated" else arena.name)
                inner = json.loads(zones) if zones else [json.loads(centre)] if centre else []
                own.setdefault(recording, []).extend([named, *(Zone(**plain) for plain in inner)])
            outlines |= own
        return outlines

    @cached_property
    def duration_s(self) -> dict[str, float]:
        """Length of every recording, seconds; NaN where not known."""
        out = {}
        for recording in self.study.recordings():
            look = self.glances.get(recording.id)
            try:
                out[recording.id] = look.duration_s if look else recording.duration_s
            except (DataError, OSError):
                out[recording.id] = float("nan")
            recording.forget()
        return out

    def keys(self, recording_id: str) -> dict[str, str]:
        """Row of a recording in ``recordings.csv``."""
        return self._rows[recording_id]

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        columns = [str(c) for c in self.table.columns]
        rows = self.table.astype(str).itertuples(index=False, name=None)
        return {row["id"]: row for row in (dict(zip(columns, values, strict=True)) for values in rows)}

    @property
    def groups(self) -> list[str]:
        """Group names, the control first where its name shows it, then in order of appearance; not the empty one."""
        names = [g for g in dict.fromkeys(self.table["group"].astype(str)) if g != ""]
        return sorted(names, key=lambda g: g.strip().lower() not in CONTROLS)

    @cached_property
    def animals(self) -> pd.Series:
        """Animal of each recording (its id where none is given), by recording."""
        table = self.table
        return pd.Series(np.where(table["animal"] == "", table["id"], table["animal"]), index=table["id"])

    # ---- labels and states ----------------------------------------------------------------------
    def labelled(self) -> list[str]:
        """Recordings with labels."""
        return [
            recording_id
            for recording_id, nouns in zip(self.table["id"], self.table["nouns"], strict=True)
            if "labels" in nouns.split()
        ]

    def label_states(self, recording_id: str) -> xr.DataArray | None:
        """Labels of a recording as States, of the rater and stream of `label_choice`; None when there are none."""
        if recording_id not in self._label_states:
            self._label_states[recording_id] = self._read_labels(recording_id)
        return self._label_states[recording_id]

    @cached_property
    def label_choice(self) -> LabelChoice:
        """Rater, stream and rule for other labels of the newest run on labels: the page shows what the run tested."""
        asked = [run.params for run in reversed(self.runs) if run.params.get("states_from", "labels") == "labels"]
        others: Others = next((p["others"] for p in asked if p.get("others")), "auto")
        for params in asked:
            rater, stream = params.get("rater"), params.get("stream")
            if rater or stream:
                return LabelChoice(None, others, str(rater) if rater else None, str(stream) if stream else None)
        return LabelChoice(others=others)

    @property
    def level_on_labels(self) -> float:
        """The level that the newest run on labels was asked for: a test of the same labels in the page has it too."""
        runs = [run for run in reversed(self.runs) if run.params.get("states_from") == "labels"]
        return next((run.level for run in runs if run.summary.get("level")), runs[0].level if runs else ALPHA)

    @property
    def labeller(self) -> str:
        """Who made the labels that are shown: ``"people"``, or which of several raters and streams."""
        parts = []
        for what, names in self._several.items():
            chosen = getattr(self.label_choice, what)
            others = [n for n in names if n != (chosen or names[0])]
            why = "" if chosen else f"; the first, choose with --{what}"
            parts.append(f"{what} {chosen or names[0]} (not shown: {listed(others, 4)}{why})")
        return " and ".join(parts) or "people"

    @cached_property
    def _several(self) -> dict[str, list[str]]:
        """``rater`` and ``stream``, where labels have several: their names over all recordings, in order."""
        names: dict[str, list[str]] = {}
        for recording_id in self.labelled():
            try:
                labels: Labels = self.study[recording_id].need("labels")
            except (DataError, OSError):
                continue
            for what, own in (("rater", labels.raters), ("stream", labels.streams)):
                if len(own) > 1:
                    names[what] = list(dict.fromkeys([*names.get(what, []), *own]))
        return names

    @cached_property
    def _label_states(self) -> dict[str, xr.DataArray | None]:
        return {}

    def _read_labels(self, recording_id: str) -> xr.DataArray | None:
        recording = self.study[recording_id]
        if not recording.has("labels"):
            return None
        try:
            labels: Labels = recording.need("labels")
            for what in ("rater", "stream"):
                own = getattr(labels, f"{what}s")
                if len(own) > 1:
                    chosen = getattr(self.label_choice, what) or next(n for n in self._several[what] if n in own)
                    labels = labels.select(**{what: chosen})
            if not np.isfinite(labels.stop_s) or not labels.behaviours:
                return None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MuridWarning)  # the run has said what it leaves out
                return labels.to_states(labels.clock(), others=self.label_choice.others)
        except (DataError, OSError) as exc:
            self._problem(f"labels of recording '{recording_id}': {str(exc).splitlines()[0]}")
            return None

    # ---- colours --------------------------------------------------------------------------------
    @cached_property
    def behaviour_colours(self) -> dict[str, str]:
        """Colour of every behaviour that people or supervised methods name."""
        names: list[str] = []
        for run in self.runs_of("evaluate"):
            scores = run.rows(PER_CLASS, ["behaviour"])
            if scores is not None:
                names += [behaviour_of(b) for b in scores.behaviour.astype(str) if b != MACRO]
        for recording_id in self.labelled():
            states = self.label_states(recording_id)
            if states is not None:
                names += [str(b) for b in states["behaviour"].values]
        for run in self.runs_of("neural"):
            tuning = run.rows(TUNING, ["behaviour"])
            if tuning is not None:
                names += tuning.behaviour.astype(str).unique().tolist()
        return colours.colours_of(names)

    def colours_for(self, names: Sequence[str]) -> dict[str, str]:
        """Colours of behaviours; names that no person or supervised method uses (motifs) get their own."""
        # Tables of scores may have a behaviour under another name; its colour is the same.
        known = {behaviour_column(b): c for b, c in self.behaviour_colours.items()} | self.behaviour_colours
        if set(names) & set(known):
            return {**colours.colours_of(sorted(names, key=natural)), **known}
        return colours.colours_of(sorted(names, key=natural))

    @cached_property
    def group_colours(self) -> dict[str, str]:
        """Colour of every group; of "all animals" where there are none."""
        return colours.colours_of(self.groups or [""], colours.GROUPS)

    def _problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)
