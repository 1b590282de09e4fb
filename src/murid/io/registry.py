"""The register of file formats: who reads what, and which reader a file asks for.

A format is one file in `murid.io.poses`, `murid.io.labels` or `murid.io.traces` (or a decorated
function in `events`, `zones`, `spikes`) whose reader carries one of the decorators below. Nothing
else lists formats: detection, errors and the documentation table all read this register.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from murid.data.errors import DataError, Faults, did_you_mean, fail
from murid.io.files import Head

Sniff = Callable[[Head], bool]

#: Kinds of data, the function that reads each, and where their readers live.
KINDS = {
    "poses": ("read_poses", "murid.io.poses"),
    "labels": ("read_labels", "murid.io.labels"),
    "traces": ("read_traces", "murid.io.traces"),
    "spikes": ("read_spikes", "murid.io.spikes"),
    "events": ("read_events", "murid.io.events"),
    "zones": ("read_zones", "murid.io.zones"),
}

#: Modules of files that hold two kinds of data: they bring readers of both.
_ALSO = {
    "events": ("murid.io.traces.pyphotometry", "murid.io.trial_rasters"),
    "spikes": ("murid.io.trial_rasters",),
}


@dataclass(frozen=True)
class Reader:
    """One registered format.

    Attributes
    ----------
    kind, name : str
        Kind of data (a key of `KINDS`) and the name given as ``source=``.
    suffixes : tuple of str
        File endings the format usually has, for the table; detection goes by content.
    about : str
        What the format is, in one line.
    fps : str
        Where the frame rate comes from: ``"required"``, ``"stated"`` (in the file) or ``"-"``.
    sniff : callable
        ``sniff(head) -> bool``: does this head of a file look like the format?
    read : callable
        ``read(path, **options)``.
    fallback : bool
        Takes delimited text that nothing else recognises: its own errors say which columns are
        missing and propose some, or the caller has named them.
    """

    kind: str
    name: str
    suffixes: tuple[str, ...]
    about: str
    fps: str
    sniff: Sniff
    read: Callable[..., Any]
    fallback: bool = False

    @property
    def options(self) -> list[str]:
        """Names of the keyword options the reader takes."""
        return [p.name for p in inspect.signature(self.read).parameters.values() if p.kind is p.KEYWORD_ONLY]


_READERS: dict[tuple[str, str], Reader] = {}


def reader(
    kind: str, name: str, suffixes: Sequence[str], *, sniff: Sniff, about: str, fps: str = "-", fallback: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function ``f(path, *, options...)`` as the reader of one format.

    Raises
    ------
    DataError
        When the kind is unknown or the name is taken: a mistake in the code of a format.

    Examples
    --------
    >>> @reader("poses", "example", [".xyz"], sniff=lambda head: head.suffix == ".xyz", about="an example")
    ... def read_example(path):
    ...     return path
    >>> any(r.name == "example" for r in readers("poses"))
    True
    >>> del _READERS["poses", "example"]
    """
    if kind not in KINDS:
        fail("formats", f"no kind of data '{kind}'", todo=did_you_mean(kind, KINDS))

    def register(read: Callable[..., Any]) -> Callable[..., Any]:
        known = _READERS.get((kind, name))
        if known is not None and known.read.__module__ != read.__module__:
            fail(
                "formats",
                f"{kind} format '{name}' is registered twice",
                got=read.__module__,
                expected=known.read.__module__,
            )
        _READERS[kind, name] = Reader(kind, name, tuple(suffixes), about, fps, sniff, read, fallback)
        return read

    return register


pose_reader = partial(reader, "poses")
label_reader = partial(reader, "labels")
trace_reader = partial(reader, "traces")


def readers(kind: str | None = None) -> list[Reader]:
    """Return the registered readers of one kind (or of all kinds), loading them if needed."""
    for wanted, (_, module) in KINDS.items():
        if kind in (None, wanted):
            for name in (module, *_ALSO.get(wanted, ())):
                _load(name)
    return [r for r in _READERS.values() if kind in (None, r.kind)]


def _load(name: str) -> None:
    module = importlib.import_module(name)
    for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
        importlib.import_module(f"{name}.{info.name}")


def find(kind: str, path: Path, source: str = "auto") -> Reader:
    """Return the one reader for a file.

    Parameters
    ----------
    kind : str
        Kind of data wanted.
    path : Path
        The file; only its head is looked at.
    source : str
        Name of a format, or ``"auto"`` to recognise it by content.

    Raises
    ------
    DataError
        For an unknown name; when no reader, or more than one, recognises the file.
    """
    candidates = readers(kind)
    names = [r.name for r in candidates]
    if source != "auto":
        if source not in names:
            fail(f"source '{source}'", f"no such {kind} format", todo=did_you_mean(source, names))
        return candidates[names.index(source)]
    head = Head.of(path)
    matches = [r for r in candidates if r.sniff(head)]
    if len(matches) == 1:
        return matches[0]
    function = KINDS[kind][0]
    if matches:
        recognised = [r.name for r in matches]
        fail(
            str(path),
            f"looks like several {kind} formats",
            got=", ".join(recognised),
            todo=f"name one: {function}(path, source='{recognised[0]}')",
        )
    advice = _advice(kind, head)
    table = [r for r in candidates if r.fallback and head.is_text and len(head.columns) > 1]
    if table and not advice:
        return table[0]
    fail(
        str(path),
        f"not recognised as {kind}",
        expected="one of: " + ", ".join(names),
        got=head.describe(),
        todo=advice or head.advice or f"name the format: {function}(path, source=...)",
    )


def kinds_of(path: Path) -> list[str]:
    r"""Return the kinds of data whose readers recognise a file by its content, in the order of `KINDS`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m1.csv"
    >>> _ = path.write_text("from,to,type\n1,2,rear\n")
    >>> kinds_of(path)
    ['labels']
    """
    try:
        head = Head.of(path)
    except DataError:
        return []
    known = {r.kind for r in readers() if r.sniff(head)}
    return [kind for kind in KINDS if kind in known]


def holds_also(kind: str, path: Path, other: str, source: str = "auto") -> bool:
    """Return whether the format that a file is read with as `kind` holds data of another kind too.

    True only for formats that are made of both (signals with their digital lines): their readers stand in one module.
    A table that could be read either way is not one.
    """
    module = find(kind, path, source).read.__module__
    head = Head.of(path)
    return any(r.read.__module__ == module and r.sniff(head) for r in readers(other))


def _advice(kind: str, head: Head) -> str:
    """Point to the function that does recognise the file, when another kind does."""
    for other in readers():
        if other.kind != kind and other.sniff(head):
            return f"it looks like {other.kind} ({other.name}): use {KINDS[other.kind][0]}(path)"
    return ""


def read_with(kind: str, path: str | Path, source: str = "auto", /, **options: Any) -> Any:
    """Find the reader of a file and call it, after checking that it knows every option given."""
    path = Path(path)
    chosen = find(kind, path, source)
    given = {k: v for k, v in options.items() if v is not None or k in chosen.options}
    faults = Faults(f"{KINDS[kind][0]}({path.name!r}, source={chosen.name!r})")
    for name in sorted(set(given) - set(chosen.options)):
        faults.add(f"the reader has no option '{name}'", todo=did_you_mean(name, chosen.options))
    faults.raise_if_any()
    return chosen.read(path, **given)


def formats_table() -> list[dict[str, str]]:
    """Return one row per format: kind, name, suffixes, fps, options, about.

    Examples
    --------
    >>> sorted(row["name"] for row in formats_table() if row["kind"] == "spikes")
    ['spikes_csv', 'spikes_npz', 'trial_raster']
    """
    return [
        {
            "kind": r.kind,
            "name": r.name,
            "suffixes": " ".join(r.suffixes),
            "fps": r.fps,
            "options": ", ".join(r.options),
            "about": r.about,
        }
        for r in sorted(readers(), key=lambda r: (list(KINDS).index(r.kind), r.name))
    ]
