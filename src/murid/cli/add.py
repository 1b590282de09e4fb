"""``murid add``: put files into a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from murid.cli.command import add_command
from murid.cli.console import Reply, records
from murid.cli.options import StudyFolder
from murid.data.errors import Faults, ParameterError, did_you_mean
from murid.data.names import counted

if TYPE_CHECKING:
    from murid.run.add import Added

_Files = list[Path] | None
#: Options of readers that take several values, also when one is given.
_LISTS = ("units", "behaviours", "individuals", "markers")
_FILE_OPTIONS = ("--labels", "--events", "--zones", "--traces", "--spikes", "--video")
_KINDS = ("poses", "labels", "events", "zones", "traces", "spikes")


def _files(kind: str, more: str = "") -> Any:
    return typer.Option(f"--{kind}", help=f"File or folder of {kind}{more}; may be repeated.", show_default=False)


_Sheet = Annotated[Path | None, typer.Option(help="CSV or Excel: id, animal, group, day, session, and notes.")]
_ReaderOptions = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--option",
        metavar="KIND.KEY=VALUE",
        help="Option of a reader: traces.rate_hz=20; poses.source=dlc_csv. See: murid formats.",
        show_default=False,
    ),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Write anew what is there already; what is not given again stays.")
]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite-labels", help="With --replace: also labels that were edited in the study.")
]
_Cut = Annotated[bool, typer.Option("--cut-labels", help="Cut labels that run past the end of the poses.")]

_EXAMPLES = """murid add S poses/*.csv --labels labels/ --fps 24
murid add S poses/ --labels labels/ --sheet animals.csv --dry-run
murid add S m1.slp --video m1.mp4 --traces m1_photometry.csv -o traces.time=time_s
murid add S poses/*.h5 --fps 25 --zones arena.json --px-per-cm 12.5
murid add S --sheet animals.csv
murid add S --traces photometry/*.csv --labels scored/*.csv -o traces.units=dF_465"""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        _EXAMPLES,
        cls=AddCommand,
    )
    def add(
        study: StudyFolder,
        poses: Annotated[
            list[Path] | None, typer.Argument(help="Pose files, one per recording, or folders of them.")
        ] = None,
        labels: Annotated[_Files, _files("labels")] = None,
        events: Annotated[_Files, _files("events")] = None,
        zones: Annotated[_Files, _files("zones", " (a single file serves all recordings)")] = None,
        traces: Annotated[_Files, _files("traces")] = None,
        spikes: Annotated[_Files, _files("spikes")] = None,
        video: Annotated[_Files, _files("video", " (linked, not copied)")] = None,
        fps: Annotated[float | None, typer.Option(help="Frames/s, where the files do not say it.", min=0.001)] = None,
        px_per_cm: Annotated[float | None, typer.Option(help="Scale: poses and zones become cm.", min=0.001)] = None,
        sheet: _Sheet = None,
        raters: Annotated[bool, typer.Option("--raters", help="Several label files of one are raters.")] = False,
        units: Annotated[bool, typer.Option("--units", help="Spike files of one are units of it.")] = False,
        option: _ReaderOptions = None,
        replace: _Replace = False,
        overwrite_labels: _Overwrite = False,
        cut_labels: _Cut = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which files belong together.")] = False,
    ) -> Reply:
        """Add recordings: poses, and what belongs to them, paired by file name.

        1DLC_resnet50_..._filtered.csv.gz becomes recording 1 and takes 1_annot.txt along. What is unclear
        is an error that lists the candidates. Without poses the traces (else spikes, else labels) name the
        recordings. Running the same command again adds what is missing. A sheet alone changes animals, groups
        and notes of what is in the study.
        """
        from murid.data.study import Study
        from murid.run import add_files

        if sheet is not None and not any((poses, labels, events, zones, traces, spikes, video)):
            return _sheet_alone(study, sheet, dry_run)
        added = add_files(
            Study(study),
            poses or (),
            labels=labels or (),
            events=events or (),
            zones=zones or (),
            traces=traces or (),
            spikes=spikes or (),
            video=video or (),
            fps=fps,
            px_per_cm=px_per_cm,
            sheet=sheet,
            several_raters=raters,
            several_units=units,
            options=_reader_options(option),
            replace=replace,
            overwrite_labels=overwrite_labels,
            cut_labels=cut_labels,
            dry_run=dry_run,
        )
        return _reply(added, study, dry_run)


def _reply(added: Added, study: Path, dry_run: bool) -> Reply:
    """What the command prints of what was added."""
    states = {str(k): int(v) for k, v in added.table["state"].value_counts().items()}
    counts = ", ".join(f"{n} {state}" for state, n in states.items())
    unused = _not_used("fits no recording ({})", added.unused)
    unused += _not_used("looks like {}", [(holds, name) for name, holds in added.other_kind])
    return Reply(
        {
            "ok": True,
            "study": str(study),
            "dry_run": dry_run,
            "states": states,
            "recordings": records(added.table),
            "unused": [name for _, name in added.unused],
            "other_kind": [name for name, _ in added.other_kind],
        },
        [f"{counted(len(added.table))}: {counts}." + ("" if dry_run else f" Next: murid check {study}")],
        {"Files that belong together": added.table},
        unused,
    )


def _sheet_alone(folder: Path, sheet: Path, dry_run: bool) -> Reply:
    """Give the recordings of the study what the sheet says of them."""
    from murid.data.study import Study
    from murid.run import update_from_sheet

    changed = update_from_sheet(Study(folder), sheet, dry_run=dry_run)
    n = changed["id"].nunique()
    does = "would change" if dry_run else "changed"
    return Reply(
        {"ok": True, "study": str(folder), "dry_run": dry_run, "changes": records(changed)},
        [f"{counted(len(changed), 'value')} of {counted(n)} {does}."],
        {"Changes": changed},
    )


class AddCommand(TyperCommand):
    """``murid add``: every file of a pattern belongs to the option before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after a pattern was spread."""
        return super().parse_args(ctx, spread_patterns(args))


def _not_used(why: str, files: list[tuple[str, str]]) -> list[str]:
    """One line for each kind of file that was not used, with the names."""
    names: dict[str, list[str]] = {}
    for kind, name in files:
        names.setdefault(kind, []).append(name)
    return [f"not used, since it {why.format(kind)}: {', '.join(several)}" for kind, several in names.items()]


def spread_patterns(words: list[str]) -> list[str]:
    """Return the words of a command with the option before each file of a pattern: ``--labels a1.csv --labels a2.csv``.

    The shell turns ``--labels scored/*.csv`` into many words, of which an option takes the first. Files that
    follow from the same folder and with the same ending belong to it too; others are pose files, as always.
    """
    out: list[str] = []
    option = first = None
    for word in words:
        if word.startswith("-"):
            option, first = (word, None) if word in _FILE_OPTIONS else (None, None)
            out.append(word)
        elif option is not None and first is None:
            first = Path(word)
            out.append(word)
        elif option is not None and first is not None and _alike(first, Path(word)):
            out += [option, word]
        else:
            option = first = None
            out.append(word)
    return out


def _alike(first: Path, other: Path) -> bool:
    """True for files that one pattern may have named."""
    return first.parent == other.parent and first.suffix.lower() == other.suffix.lower() != ""


def _reader_options(texts: list[str] | None) -> dict[str, dict[str, Any]]:
    """Return ``["traces.rate_hz=20"]`` as ``{"traces": {"rate_hz": 20}}``."""
    from murid.cli.options import _value

    faults, options = Faults("--option"), {}  # type: ignore[var-annotated]
    for text in texts or ():
        key, equals, value = text.partition("=")
        kind, dot, name = key.partition(".")
        if not (equals and dot and name):
            faults.add(f"'{text}' is no option", expected="kind.key=value")
        elif kind not in _KINDS:
            faults.add(f"no kind of file '{kind}'", todo=did_you_mean(kind, _KINDS))
        else:
            several = "," in value or name in _LISTS
            options.setdefault(kind, {})[name] = _value(value, tuple[str, ...] if several else None)
    faults.raise_if_any(ParameterError)
    return options
