"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from murid.data.errors import Faults, ParameterError, did_you_mean

if TYPE_CHECKING:
    from murid.data.params import Params
    from murid.data.study import Study

StudyFolder = Annotated[Path, typer.Argument(help="Study folder (made with: murid new).", show_default=False)]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--ids",
        help="Recordings: names, patterns (m1*), number ranges (1-40); may be repeated, or listed with commas.",
        show_default=False,
    ),
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="A parameter; may be repeated. Nested: clean.fill_s=0.2.",
        show_default=False,
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", "-j", min=0, help="Processes; 0 = one per core. Results are the same.")
]
Behaviours = Annotated[
    list[str] | None, typer.Option("--behaviours", "-b", help="With commas or repeated.", show_default=False)
]
SkipFailed = Annotated[
    bool, typer.Option("--skip-failed", help="Leave out recordings that cannot be read, instead of stopping.")
]
#: As `murid.data.labels.Others`, written out since help must not load numpy.
Others = Literal["auto", "ignore", "negative"]
OthersOption = Annotated[
    Others, typer.Option(help="Frames with other labels only: auto, ignore (unlabelled) or negative (absent).")
]
Rater = Annotated[str, typer.Option(help="Whose labels, when there are several raters.")]
Stream = Annotated[str, typer.Option(help="Which stream (channel) of the labels.")]
Alpha = Annotated[float, typer.Option(help="q up to which groups are said to differ.")]
AlphaOfMethods = Annotated[
    float, typer.Option(help="q up to which groups, or with several methods level at which these, are said to differ.")
]
AnyAlpha = Annotated[
    float | None,
    typer.Option(help="q up to which groups differ: the analysis's own alpha, else 0.05.", show_default=False),
]
Seed = Annotated[int, typer.Option(help="Same seed, same answer.")]


def asks_for_list(study: Path) -> bool:
    """True for ``murid assay list``: the word where the study stands, and no study of that name."""
    return str(study) == "list" and not (study / "study.toml").is_file()


def n_workers(workers: int) -> int:
    """Return the number of processes; 0 stands for one per core."""
    import os

    return workers or os.cpu_count() or 1


def items(values: Sequence[str] | None) -> list[str] | None:
    """Return ``["a,b", "c"]`` as ``["a", "b", "c"]``; None when nothing was given."""
    if not values:
        return None
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def pick_recordings(study: Study, values: Sequence[str] | None, option: str = "--ids") -> list[str] | None:
    """Return the recordings that names, patterns and number ranges stand for, in the study's order.

    Raises
    ------
    DataError
        Naming every part that fits no recording.
    """
    parts = items(values)
    if parts is None:
        return None
    known, chosen = study.ids, set()
    faults = Faults(option)
    for part in parts:
        span = re.fullmatch(r"(\d+)-(\d+)", part)
        if part in known:
            matching = [part]
        elif span:
            low, high = int(span[1]), int(span[2])
            matching = [
                recording_id for recording_id in known if recording_id.isdigit() and low <= int(recording_id) <= high
            ]
        else:
            matching = [recording_id for recording_id in known if fnmatchcase(recording_id, part)]
        if not matching:
            faults.add(f"no recording '{part}'", todo=did_you_mean(part, known))
        chosen.update(matching)
    faults.raise_if_any()
    return [recording_id for recording_id in known if recording_id in chosen]


def read_params(declared: type[Params], texts: Sequence[str] | None) -> dict[str, Any]:
    """Return ``["n_motifs=10", "clean.fill_s=0.2"]`` as checked parameters.

    Only what was given is returned; a nested group keeps the defaults it has inside this method.

    Raises
    ------
    ParameterError
        Naming every text without ``=``, every unknown name and every value out of bounds.
    """
    faults = Faults(f"parameters of {declared.__name__}")
    values: dict[str, Any] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals:
            faults.add(f"'{text}' is no parameter", expected="key=value")
            continue
        _put(values, declared, key.strip().split("."), value.strip(), faults)
    faults.raise_if_any(ParameterError)
    declared(**values)
    return values


def _put(values: dict[str, Any], declared: type[Params], path: list[str], text: str, faults: Faults) -> None:
    from murid.data.params import Params

    name, rest = path[0], path[1:]
    field = declared.model_fields.get(name)
    if field is None:
        faults.add(f"unknown parameter '{name}'", todo=did_you_mean(name, declared.model_fields))
        return
    inner = field.annotation
    if not rest:
        values[name] = _value(text, inner)
        return
    # ``Parts | None`` has the parts of ``Parts``.
    options = [a for a in (inner, *get_args(inner)) if isinstance(a, type) and issubclass(a, Params)]
    inner = options[0] if options else inner
    if isinstance(inner, type) and issubclass(inner, Params):
        default = field.get_default(call_default_factory=True)
        group = values.setdefault(name, default.model_dump() if default is not None else {})
        _put(group, inner, rest, text, faults)
    else:
        faults.add(f"parameter '{name}' has no parts", got=".".join(path))


def _value(text: str, annotation: Any) -> Any:
    """A choice of the parameter, or a JSON value where it is one; ``a,b`` where several are expected; else the text."""
    if text in _choices(annotation):
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = {"True": True, "False": False, "None": None, "none": None}.get(text, text)
    if _several(annotation) and not isinstance(value, (list, dict, type(None))):
        return [_value(part.strip(), None) for part in text.split(",")]
    return value


def _choices(annotation: Any) -> set[Any]:
    """Words that a parameter may be: ``"none"`` may be one of them, and then it is not the absence of a value."""
    if get_origin(annotation) is Literal:
        return {a for a in get_args(annotation) if isinstance(a, str)}
    return {c for a in get_args(annotation) for c in _choices(a)}


def _several(annotation: Any) -> bool:
    if get_origin(annotation) in (tuple, list, set, frozenset):
        return True
    return any(_several(a) for a in get_args(annotation)) if get_origin(annotation) is not dict else False
