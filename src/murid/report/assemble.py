"""`build`: every section that has something to show, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from murid.data.atomic import atomic_file
from murid.data.errors import DataError, fail
from murid.data.study import Study
from murid.data.warning import warn_user
from murid.plot.number_text import count, listed
from murid.report import sections
from murid.report.context import Context
from murid.report.section_parts import Part, Section, Words

#: Sentences in "what was found".
MAX_FINDINGS = 6


#: Section in which the runs of a command are shown, where its name is another.
_SECTION = {"check": "quality", "evaluate": "evaluation", "apply": "motifs", "compare-motifs": "motifs"}


def build(
    study: Study,
    run_folders: Sequence[str | Path],
    path: str | Path,
    *,
    outdated: Mapping[str, Sequence[str]] | None = None,
    damaged: Mapping[str, Sequence[str]] | None = None,
    figures: bool = False,
) -> Path:
    """Write the report of a study and some of its runs: one HTML file that needs nothing else.

    Parameters
    ----------
    study : Study
        Whose recordings are shown.
    run_folders : sequence of path
        Folders of runs (``runs/<run>``). Of several runs of a command all are shown.
    path : path
        File to write.
    outdated : mapping of str to sequence of str, optional
        Runs (by the name of their folder) that are older than their data, and why: a warning at the top of the
        page and of the section.
    damaged : mapping of str to sequence of str, optional
        Runs whose files are not as they left them, and which: a warning in the same places.
    figures : bool
        Write every figure as SVG, PDF and PNG too, into the folder ``<name of the file>_figures`` beside it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        A folder that does not exist. What is damaged inside a run is named in the report instead.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import murid
    >>> from murid import report
    >>> folder = Path(tempfile.mkdtemp())
    >>> study = murid.Study.create(folder / "study", "an empty study")
    >>> report.build(study, [], folder / "report.html").name
    'report.html'

    Notes
    -----
    The same input gives the same file, apart from the date in its head.
    """
    context = Context(study, _existing(run_folders))
    shown = [s for s in (_make(name, context) for name in sections.ORDER) if s is not None]
    _note_problems(context, shown)
    _note_runs(context, shown, outdated or {}, damaged or {})
    path = Path(path)
    _write(study.name, shown, path)
    if figures:
        from murid.report.render import save_figures

        save_figures(shown, path.with_name(f"{path.stem}_figures"))
    return path


def _existing(run_folders: Sequence[str | Path]) -> list[Path]:
    """Return the folders, or name all that are not there."""
    folders = [Path(f) for f in run_folders]
    missing = [str(f) for f in folders if not f.is_dir()]
    if missing:
        fail(
            "report", "no such run", where=", ".join(missing), todo="name runs of this study: murid report STUDY --run"
        )
    return folders


def _write(title: str, shown: Sequence[Section], path: Path) -> None:
    """Fill the page and write it, whole or not at all."""
    from murid import __version__
    from murid.report.render import page

    date = datetime.now(UTC).strftime("%d %B %Y")
    html = page(path.parent, title=title, date=date, version=__version__, findings=findings_of(shown), sections=shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def findings_of(shown: Sequence[Section], limit: int = MAX_FINDINGS) -> list[str]:
    """Take the first finding of every section, then the second of each, up to the limit, in page order."""
    ranked = [(rank, k, text) for k, s in enumerate(shown) for rank, text in enumerate(s.findings)]
    kept = sorted(ranked)[:limit]
    return [text for _, _, text in sorted(kept, key=lambda item: (item[1], item[0]))]


def _make(name: str, context: Context) -> Section | None:
    """Make one section; a fault in its data costs that section, not the report."""
    maker = sections.maker(name)
    try:
        return maker(context)
    except (DataError, OSError) as exc:
        reason = str(exc)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as exc:
        reason = f"{type(exc).__name__}: {exc}"
        warn_user(f"report: section '{name}' could not be made ({reason})")
    title = name.replace("_", " ").capitalize()
    text = f"This section could not be made: {reason}. The run it rests on may be damaged; run it again."
    return Section(name, title, parts=[Words(text, "warning")])


def _note_runs(
    context: Context,
    shown: list[Section],
    outdated: Mapping[str, Sequence[str]],
    damaged: Mapping[str, Sequence[str]],
) -> None:
    """Warn at the top, and in its section, of every run that came to no end, is damaged or older than its data."""
    top: list[Part] = []
    for run in context.runs:
        status = str(run.provenance.get("status", "complete"))
        texts = []
        if status != "complete":
            texts.append(
                f"The run {run.name} did not come to its end ({status}): what it wrote until then is shown, and may "
                f"lack recordings and tests. Run murid {run.command} again."
            )
        if reasons := outdated.get(run.name, ()):
            texts.append(
                f"The run {run.name} is older than its data ({listed(reasons, 8)}): its numbers and tests are of "
                f"the data as they were. Run murid {run.command} again."
            )
        if reasons := damaged.get(run.name, ()):
            texts.append(
                f"Files of the run {run.name} are not as it left them ({listed(reasons, 8)}): what they held is "
                f"missing here, or not what was found. Run murid {run.command} again."
            )
        notes: list[Part] = [Words(text, "warning") for text in texts]
        top += notes
        section = next((s for s in shown if s.id == _SECTION.get(run.command, run.command)), None)
        if section is not None and section is not shown[0]:
            section.parts[:0] = notes
    if shown:
        shown[0].parts[:0] = top


def _note_problems(context: Context, shown: list[Section]) -> None:
    """Say at the top what could not be read."""
    problems = [f"{run.name}: {text}" for run in context.runs for text in run.problems] + context.problems
    if problems and shown:
        text = (
            f"{count(len(problems), 'part')} could not be read and {'is' if len(problems) == 1 else 'are'} left out: "
        )
        shown[0].parts.insert(0, Words(f"{text}{listed(problems, 12)}.", "warning"))
