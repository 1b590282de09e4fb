"""What every command has: ``--json``, ``--debug``, errors without a traceback, exit codes."""

from __future__ import annotations

import inspect
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperCommand
from typer.models import OptionInfo

from murid.cli.console import Reply, error, show, working, write_json
from murid.cli.option_messages import CommandOptions, for_command_line, options_at_work
from murid.data.errors import MuridError

_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; everything else on stderr.")]
_DEBUG = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def add_command(
    app: typer.Typer, examples: str, *, cls: type[TyperCommand] | None = None
) -> Callable[[Callable[..., Reply]], Callable[..., None]]:
    """Make a command of a function that returns a `Reply`.

    Parameters
    ----------
    app : Typer
        Where it goes, under the function's name (``compare_motifs`` becomes ``compare-motifs``).
    examples : str
        Shown at the end of ``--help``, one a line.
    cls : type of TyperCommand, optional
        For a command that reads its words in a way of its own.
    """

    def make(function: Callable[..., Reply]) -> Callable[..., None]:
        @wraps(function)
        def run(*args: Any, json: bool, debug: bool, **kwargs: Any) -> None:
            with options_at_work(offered):
                code = _answer(function, args, kwargs, json, debug)
            if code:
                raise typer.Exit(code)

        signature = inspect.signature(function, eval_str=True)
        offered = options_of(signature)
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
            for name, annotation in (("json", _JSON), ("debug", _DEBUG))
        ]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), *extra], return_annotation=None
        )
        run.__annotations__ = {p.name: p.annotation for p in [*signature.parameters.values(), *extra]}
        del run.__wrapped__
        shown = "\n\n".join(f"[cyan]{line.strip()}[/cyan]" for line in examples.strip().splitlines())
        name = function.__name__.rstrip("_").replace("_", "-")
        app.command(name=name, cls=cls, epilog=f"Examples:\n\n{shown}")(run)
        return run

    return make


def options_of(signature: inspect.Signature) -> CommandOptions:
    """Return the options that the arguments of a command are, by name."""
    options: dict[str, str] = {}
    switches: set[str] = set()
    for name, parameter in signature.parameters.items():
        kind, *notes = get_args(parameter.annotation) if get_origin(parameter.annotation) is Annotated else (None,)
        info = next((n for n in notes if isinstance(n, OptionInfo)), None)
        if info is None:
            continue
        # Inside Annotated the first name of an option lies where the default would be.
        declared = [
            str(d).partition("/")[0] for d in (info.default, *(info.param_decls or ())) if str(d).startswith("-")
        ]
        # The short one where there is one: -b, -p.
        options[name] = min(declared, key=len, default=f"--{name.replace('_', '-')}")
        if kind is bool:
            switches.add(name)
    return CommandOptions(options, frozenset(switches))


def _answer(function: Callable[..., Reply], args: tuple, kwargs: dict, as_json: bool, debug: bool) -> int:
    """Run a command and print what it says; return the exit code."""
    try:
        with working() as heard:
            reply = function(*args, **kwargs)
        show(reply, as_json, heard)
        return reply.code
    except KeyboardInterrupt:
        from murid.run.executor import STOPPED

        return _fail(STOPPED, as_json, 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except MuridError as exc:
        if debug:
            traceback.print_exc()
        faults = [{k: for_command_line(v) for k, v in vars(f).items()} for f in getattr(exc, "faults", ())]
        return _fail(str(exc), as_json, 1, faults=faults)
    except typer.Exit:
        raise
    except Exception as exc:
        if debug:
            traceback.print_exc()
        log = _crash_log(exc)
        short = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        return _fail(
            f"murid met something unforeseen: {short}\nThe details are in {log}; please report them.",
            as_json,
            1,
            crash_log=str(log),
        )


def _fail(text: str, as_json: bool, code: int, **more: Any) -> int:
    if as_json:
        write_json({"ok": False, "error": for_command_line(text), **more})
    error(text)
    return code


def _crash_log(exc: BaseException) -> Path:
    """Write everything a developer needs; return where."""
    from murid.run.provenance import machine, versions

    folder = Path(tempfile.gettempdir()) / "murid-crashes"
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.perf_counter_ns() % 10**6:06d}.log"
    lines = [
        f"command: {' '.join(sys.argv)}",
        f"versions: {versions()}",
        f"machine: {machine()}",
        "",
        *traceback.format_exception(exc),
    ]
    path.write_text("\n".join(lines), encoding="utf-8", errors="backslashreplace")
    return path
