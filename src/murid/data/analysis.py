"""The contract of every analysis: a recording in, declared tables out.

An analysis is one function under `@analysis(...)`, which declares what the function needs, its parameters
and its tables. The command, the run folder, the report's tables, the documentation and the contract test
come from the declaration::

    STEPS = Table("animals", {"individual": text_column()}, "One row an animal.", measures=number_column(low=0))

    class StepsParams(Params):
        min_cm: float = param(1.0, unit="cm", ge=0, why="shorter steps are jitter")

    @analysis("steps", params=StepsParams, needs=("poses",), tables=(STEPS,), compare="animals")
    def steps(recording: Recording, p: StepsParams) -> Tables:
        \"\"\"Count the steps of every animal.\"\"\"
        return Tables({"animals": ...}, units={"steps": "1"})

murid's own analyses are named in `murid.data.registry`; a package adds its own by an entry point::

    [project.entry-points."murid.analyses"]
    steps = "my_package.steps"
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import Any, Literal, TypeVar

import pandas as pd
import xarray as xr

from murid.data.errors import MuridError, did_you_mean, fail
from murid.data.params import Params
from murid.data.recording import NOUNS
from murid.data.registry import BUILT_IN, analysis_names, command_word, foreign
from murid.data.tables import Table

#: Do states (what the animal did, from labels or from a fitted model) go into an analysis?
States = Literal["none", "needed", "optional"]
Function = TypeVar("Function", bound=Callable[..., "Tables"])


@dataclass(frozen=True)
class Tables:
    """What an analysis returns.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        Table name → rows.
    warnings : sequence of str
        What a reader must know before believing the numbers.
    conventions : mapping
        Every choice that changes a number, plain values.
    units : mapping of str to str
        Units of measure columns (those of a table's `measures`).
    summary : mapping
        Main numbers over all recordings, from `Analysis.together` or a pooled analysis.
    sentences : sequence of str
        The result in words, likewise.
    states : DataArray (time, individual[, behaviour]), optional
        What the analysis calls every frame of its recording: kept as ``states/<recording>.nc`` of the run.
    compared : sequence of str, optional
        From `Analysis.together`: the measures whose groups are compared, where not all of them are.
    """

    frames: Mapping[str, pd.DataFrame]
    warnings: Sequence[str] = ()
    conventions: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    sentences: Sequence[str] = ()
    states: xr.DataArray | None = None
    compared: Sequence[str] | None = None


@dataclass(frozen=True)
class Analysis:
    """A declared analysis; see `analysis` for the fields."""

    name: str
    function: Callable[..., Tables]
    params: type[Params]
    tables: tuple[Table, ...]
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    states: States = "none"
    pooled: bool = False
    shared: Callable[..., Any] | None = None
    join: Callable[..., Mapping[str, Any]] | None = None
    together: Callable[..., Tables] | None = None
    compare: str = ""
    primary: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    figure: str = ""
    family: str = ""
    cites: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """First sentence of the function's docstring."""
        return (inspect.getdoc(self.function) or self.name).split("\n\n")[0].replace("\n", " ")

    @property
    def seeded(self) -> bool:
        """True when the function draws random numbers: it takes ``seed``."""
        return takes(self.function, "seed")

    @property
    def nouns(self) -> tuple[str, ...]:
        """Everything of a recording that the function may look at."""
        return tuple(dict.fromkeys([*self.needs, *self.any_of, *self.uses]))

    @property
    def command(self) -> str:
        """How it is called on the command line."""
        return f"murid {self.family} STUDY {self.name}" if self.family else f"murid {command_word(self.name)} STUDY"

    def table(self, name: str) -> Table:
        """Return the declaration of one of its tables."""
        for table in self.tables:
            if table.name == name:
                return table
        fail(f"analysis '{self.name}'", f"no table '{name}'", todo=did_you_mean(name, [t.name for t in self.tables]))

    def lacks(self, recording: Any) -> str:
        """What a recording lacks for this analysis, in words; "" when nothing."""
        missing = [noun for noun in self.needs if not recording.has(noun)]
        if self.any_of and not any(recording.has(noun) for noun in self.any_of):
            missing.append(" or ".join(self.any_of))
        return ", ".join(missing)

    def check(self, tables: Tables) -> Tables:
        """Return the tables, each checked against its declaration."""
        frames = {name: self.table(name).check(frame, owner=self.name) for name, frame in tables.frames.items()}
        return replace(tables, frames=frames)

    def card(self) -> dict[str, Any]:
        """What it is, as plain values: for help, documentation and JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "command": self.command,
            "needs": list(self.needs),
            "any_of": list(self.any_of),
            "uses": list(self.uses),
            "states": self.states,
            "compared": self.compare,
            "primary": list(self.primary),
            "params": self.params.table(),
            "tables": {
                t.name: {"caption": t.caption, "columns": {n: vars(c) for n, c in t.columns.items()}}
                for t in self.tables
            },
            "cites": list(self.cites),
        }


_declared: dict[str, Analysis] = {}


def takes(function: Callable[..., object], keyword: str) -> bool:
    """True when a function has an argument of that name: it is given what it asks for, and nothing else."""
    return keyword in inspect.signature(function).parameters


def analysis(
    name: str,
    *,
    params: type[Params],
    tables: Sequence[Table],
    needs: Sequence[str] = (),
    any_of: Sequence[str] = (),
    uses: Sequence[str] = (),
    states: States = "none",
    pooled: bool = False,
    shared: Callable[..., Any] | None = None,
    join: Callable[..., Mapping[str, Any]] | None = None,
    together: Callable[..., Tables] | None = None,
    compare: str = "",
    primary: Sequence[str] = (),
    shown: Sequence[str] = (),
    figure: str = "",
    family: str = "",
    cites: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Callable[[Function], Function]:
    """Declare a function to be an analysis.

    The function is called ``f(recording, params)``, with the keywords ``states`` (when `states` is not
    "none"; None where a recording has none) and ``seed`` (when it has such an argument), and returns `Tables`.

    Parameters
    ----------
    name : str
        Letters, digits and ``_``; the command's name.
    params : type of Params
        Its parameters.
    tables : sequence of Table
        Every table that it may return.
    needs : sequence of str
        Nouns without which a recording is left out: ``("poses",)``.
    any_of : sequence of str
        Nouns of which one is enough: ``("traces", "spikes")``.
    uses : sequence of str
        Nouns that are looked at where they are there.
    states : {"none", "needed", "optional"}
        Does it take states (what the animal did)? They come from the labels, or from a fitted model.
    pooled : bool
        The function takes the list of all recordings at once, and is called once, with the keyword ``choice``
        (which labels are meant).
    shared : callable, optional
        ``f(recording, params)`` → plain values that a recording adds to what is known only from all recordings;
        every recording's function is given the outcome as the keyword ``shared``. By default names, of which
        everyone is given the sorted list: an event that never happened in this one is something else than an
        event that nobody recorded.
    join : callable, optional
        ``f(values by recording, params)`` → what each recording is given as ``shared``, by recording; for
        values that are no names. The outline of an arena is known best from all recordings of its camera.
    together : callable, optional
        ``f(frames, params)`` over all recordings: takes the tables with their keys and returns `Tables`
        (changed and further tables, `summary`, `sentences`, `compared`). It is given ``seed``, and ``group`` (the
        column that groups are compared by, or None), where it has such arguments.
    compare : str
        Table of one row a recording and individual, and one column a measure, whose measures are compared
        between groups.
    primary : sequence of str
        Measures that the analysis is made for: they are shown first and form the family that is corrected
        for multiple testing; the others are described. All measures by default.
    shown : sequence of str
        Tables that the command prints when no groups are compared; the first one by default.
    figure : str
        ``"module:function"`` of a figure of one recording, ``f(recording, states, tables)`` → matplotlib Figure;
        named and not imported, since figures lie on a floor above. It is kept as ``figures/<recording>``.
    family : str
        Command that it belongs to (``"assay"``, ``"neural"``); a command of its own when "".
    cites : sequence of str
        Papers that it follows.
    columns : sequence of str
        Further columns of ``recordings.csv`` that the function reads as ``recording.meta``; others are not there.
    """

    def declare(function: Function) -> Function:
        made = Analysis(
            name,
            function,
            params,
            tuple(tables),
            needs=tuple(needs),
            any_of=tuple(any_of),
            uses=tuple(uses),
            states=states,
            pooled=pooled,
            shared=shared,
            join=join,
            together=together,
            compare=compare,
            primary=tuple(primary),
            shown=tuple(shown),
            figure=figure,
            family=family,
            cites=tuple(cites),
            columns=tuple(columns),
        )
        _refuse_mistakes(made)
        _declared[name] = made
        return function

    return declare


def _refuse_mistakes(made: Analysis) -> None:
    """Check a declaration: mistakes of whoever writes an analysis are found at import."""
    subject = f"analysis '{made.name}'"
    if not made.name.isidentifier():
        fail(subject, "the name cannot be a command", expected="letters, digits and _")
    for noun in made.nouns:
        if noun not in NOUNS:
            fail(subject, f"no noun '{noun}'", todo=did_you_mean(noun, NOUNS))
    names = [t.name for t in made.tables]
    for name in filter(None, [made.compare, *made.shown]):
        if name not in names:
            fail(subject, f"no table '{name}' is declared", todo=did_you_mean(name, names))
    if made.join is not None and made.shared is None:
        fail(subject, "joins what no recording shares", todo="give shared, or leave out join")
    if made.pooled and (made.shared is not None or made.figure or made.states != "none"):
        fail(subject, "takes all recordings at once", todo="leave out shared, figure and states")
    other = _declared.get(made.name)
    if other is not None and other.function.__module__ != made.function.__module__:
        fail(subject, "is declared twice", got=f"{other.function.__module__} and {made.function.__module__}")


def find_analysis(name: str) -> Analysis:
    """Return an analysis by name; an unknown name suggests near ones.

    Raises
    ------
    DataError
        No such analysis.
    MuridError
        The package that brings it cannot be imported.

    Examples
    --------
    >>> find_analysis("open_field").needs
    ('poses',)
    """
    if name not in _declared:
        if name in BUILT_IN:
            importlib.import_module(BUILT_IN[name].module)
        elif name in foreign():
            _load(foreign()[name])
        else:
            fail("analyses", f"no analysis '{name}'", todo=did_you_mean(name, analysis_names()))
    if name not in _declared:
        fail("analyses", f"'{name}' is registered, but its module declares no such analysis")
    return _declared[name]


def require_family(name: str, family: str) -> None:
    """Refuse the name of an analysis of another family: a paradigm is no neural analysis.

    Raises
    ------
    DataError
        Suggesting those of the family.
    """
    if find_analysis(name).family != family:
        known = [other for other, entry in BUILT_IN.items() if entry.family == family]
        fail(family, f"'{name}' is not one of them", todo=did_you_mean(name, known))


def _load(entry: EntryPoint) -> None:
    """Import the module of an entry point; what goes wrong names the package."""
    try:
        entry.load()
    except Exception as exc:
        package = entry.dist.name if entry.dist is not None else entry.value
        raise MuridError(
            f"analysis '{entry.name}' cannot be loaded: {type(exc).__name__}: {exc} "
            f"-> it comes from the package {package}; update that package, or report it to its authors"
        ) from exc


def broken_analyses() -> dict[str, str]:
    """Analyses of other packages that cannot be loaded → why; all others work."""
    broken = {}
    for name in foreign():
        try:
            find_analysis(name)
        except MuridError as exc:
            broken[name] = str(exc)
    return broken


__all__ = [
    "Analysis",
    "Tables",
    "analysis",
    "analysis_names",
    "broken_analyses",
    "find_analysis",
    "require_family",
    "takes",
]
