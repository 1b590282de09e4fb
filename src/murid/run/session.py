"""An opened study with every command as a method: the way through in Python, as short as on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.analysis import require_family
from murid.data.labels import LabelChoice
from murid.data.study import Study
from murid.data.zones import Zones
from murid.run.add import Added, Paths, add_files
from murid.run.analysis import run_analysis
from murid.run.analysis_steps import FROM_LABELS
from murid.run.apply import apply_method
from murid.run.check import check_study
from murid.run.cite import bibliography
from murid.run.evaluate import evaluate_methods
from murid.run.explain import explain_model
from murid.run.export import export_states
from murid.run.films import write_films
from murid.run.fit import fit_method
from murid.run.label_queue import propose_bouts
from murid.run.motifs import compare_motifs
from murid.run.report import build_report
from murid.run.runs import Run, find_run, runs_of
from murid.run.sheet import study_sheet, update_from_sheet
from murid.run.zones import set_zones, write_drawing_page
from murid.stats.wording import ALPHA


def open_study(folder: str | Path, *, create: bool = False, name: str | None = None) -> OpenStudy:
    """Open a study folder.

    Parameters
    ----------
    folder : str or Path
    create : bool
        Make a new study where there is none.
    name : str, optional
        Of a new study; the folder's name by default.

    Returns
    -------
    OpenStudy
        A `Study` with every command as a method.

    Raises
    ------
    DataError
        No study there (and not `create`), or one of a newer murid.

    Examples
    --------
    >>> import tempfile, murid
    >>> study = murid.open_study(tempfile.mkdtemp() + "/mice", create=True)
    >>> study.ids
    []
    """
    if create and not (Path(folder) / "study.toml").is_file():
        OpenStudy.create(folder, name)
    return OpenStudy(folder)


class OpenStudy(Study):
    """A study with every command as a method; each writes a run and returns it.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")  # doctest: +SKIP
    >>> study.add_files("poses/", labels="scored/", sheet="animals.csv", fps=25)  # doctest: +SKIP
    >>> study.check().tables["overview"]  # doctest: +SKIP
    >>> study.assay("open_field", arena_cm=40).tables["comparison"]  # doctest: +SKIP
    >>> study.report()  # doctest: +SKIP
    """

    def add_files(self, poses: Paths = (), **options: Any) -> Added:
        """Add recordings from files, paired by name; options as for `murid.run.add_files`."""
        return add_files(self, poses, **options)

    def sheet(self) -> pd.DataFrame:
        """Return animal, group, day, session and notes of every recording, to be changed and given back."""
        return study_sheet(self)

    def update_from_sheet(self, sheet: str | Path | pd.DataFrame, *, dry_run: bool = False) -> pd.DataFrame:
        """Give the recordings the animals, groups and notes of a sheet; returns every value that changed."""
        return update_from_sheet(self, sheet, dry_run=dry_run)

    def set_zones(self, zones: Zones | str | Path | None = None, **options: Any) -> pd.DataFrame:
        """Give recordings their zones, from a file or a template; options as for `murid.run.set_zones`."""
        return set_zones(self, zones, **options)

    def drawing_page(self, out: str | Path, recording_id: str | None = None) -> str:
        """Write the page on which zones are drawn over a picture of a recording; return which one."""
        return write_drawing_page(self, out, recording_id)

    def check(self, ids: Sequence[str] | None = None, *, workers: int = 1) -> Run:
        """Judge every recording and the folder; tables ``quality``, ``overview``, ``faults``."""
        return check_study(self, ids, workers=workers)

    def analyse(
        self,
        name: str,
        ids: Sequence[str] | None = None,
        *,
        compare: str | None = "group",
        measures: Sequence[str] | None = None,
        states_from: str | Path = FROM_LABELS,
        labels: LabelChoice | None = None,
        individual: str | None = None,
        alpha: float | None = None,
        seed: int = 0,
        workers: int = 1,
        **params: Any,
    ) -> Run:
        """Run any analysis by name (``murid analyses`` lists them); its parameters as keywords."""
        return run_analysis(
            self,
            name,
            params,
            ids,
            compare=compare,
            measures=measures,
            states_from=states_from,
            labels=labels,
            individual=individual,
            alpha=alpha,
            seed=seed,
            workers=workers,
        )

    def assay(self, name: str = "open_field", ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Measure what a paradigm measures, and compare groups; options as for `analyse`."""
        require_family(name, "assay")
        return self.analyse(name, ids, **options)

    def budget(self, ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Time spent in every behaviour, by group; options as for `analyse`."""
        return self.analyse("budget", ids, **options)

    def agreement(self, ids: Sequence[str] | None = None, **options: Any) -> Run:
        """How far raters agree; options as for `analyse`."""
        return self.analyse("agreement", ids, **options)

    def neural(self, name: str = "tuning", ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Analyse neural signals, by default tuning to behaviours; options as for `analyse`."""
        require_family(name, "neural")
        return self.analyse(name, ids, **options)

    def fit(
        self,
        method: str,
        ids: Sequence[str] | None = None,
        *,
        model: str | None = None,
        replace: bool = False,
        skip_failed: bool = False,
        workers: int = 1,
        **params: Any,
    ) -> Run:
        """Fit a method and keep the model; parameters of the method as keywords."""
        return fit_method(
            self, method, params, ids, model=model, replace=replace, skip_failed=skip_failed, workers=workers
        )

    def apply(
        self, model: str | Path, ids: Sequence[str] | None = None, *, alpha: float = ALPHA, workers: int = 1
    ) -> Run:
        """Apply a fitted model: states, bouts, summary, comparison of groups."""
        return apply_method(self, model, ids, alpha=alpha, workers=workers)

    def evaluate(self, methods: str | Sequence[str], **options: Any) -> Run:
        """Score methods on animals they have not seen; options as for `murid.run.evaluate_methods`."""
        return evaluate_methods(self, methods, **options)

    def compare(self, methods: Sequence[str], **options: Any) -> Run:
        """Set motif methods side by side; options as for `murid.run.compare_motifs`."""
        return compare_motifs(self, methods, **options)

    def motifs(self, model: str | Path, ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Describe the motifs of a model and compare groups; options as for `analyse`."""
        return self.analyse("motif_statistics", ids, states_from=model, **options)

    def films(self, model: str | Path, ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Write a film for each motif or behaviour of a model; options as for `murid.run.write_films`."""
        return write_films(self, model, ids, **options)

    def explain(self, model: str | Path, **options: Any) -> Run:
        """Explain a model, or one of its decisions; options as for `murid.run.explain_model`."""
        return explain_model(self, model, **options)

    def label_queue(
        self,
        model: str | Path,
        ids: Sequence[str] | None = None,
        *,
        refit: bool = True,
        curve: bool = True,
        workers: int = 1,
        **params: Any,
    ) -> Run:
        """Propose the bouts to label next; parameters of the queue as keywords."""
        return propose_bouts(self, model, params, ids, refit=refit, curve=curve, workers=workers)

    def preview(self, ids: Sequence[str] | None = None, **options: Any) -> Run:
        """Draw the pseudo-labels of `dbm` before any training; parameters of `dbm` as keywords."""
        return self.analyse("preview", ids, **options)

    def export(self, states_from: str | Path = FROM_LABELS, out: str | Path = "exported", **options: Any) -> list[Path]:
        """Write what a model found, or people scored, for BORIS and others; options as for `export_states`."""
        return export_states(self, states_from, out, **options)

    def report(
        self,
        runs: Sequence[Run | str] | str | None = None,
        *,
        out: str | Path | None = None,
        figures: bool = False,
    ) -> Path:
        """Write one HTML file with figures, tables and provenance (and each figure as a file); return its path."""
        return build_report(self, runs, out=out, figures=figures)

    def runs(self, command: str | None = None) -> list[Run]:
        """Return the runs of the study, or those of one command, oldest first."""
        return runs_of(self, command)

    def run(self, name: str) -> Run:
        """Return a run by its name, or the newest run of a command."""
        return find_run(self, name)

    def cite(self) -> str:
        """Return BibTeX of what this study used: murid, methods and analyses of its runs."""
        return bibliography(self)
