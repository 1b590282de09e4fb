"""Messages in the words of the command line: the library names arguments, a command names its options.

Where both are told in one message the library writes ``--option NAME (Python: argument='NAME')``; the part in brackets
is left out here. Arguments that are options of the command at work, or parameters of its ``-p``, become these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

#: How the library puts it → the option that does it. Kinds of file are named where the text does not say which.
_OPTIONS: tuple[tuple[str, str], ...] = (
    (
        r"\bpass fps=\.\.\.(; murid\.Video\(video\)\.fps reads it from the video file)?",
        "give --fps 25, or the film: --video",
    ),
    (r"\b(pass|give) rate_hz=\.\.\.", r"give -o traces.rate_hz=20"),
    (r"\bgive stop_s=\.\.\.", "give -o spikes.stop_s=600"),
    (r"name it: time='\.\.\.'", "name it: -o traces.time=COLUMN"),
    (
        r"\bread_(poses|labels|events|zones|traces|spikes)\(path, source=\.\.\.\)",
        r"-o \1.source=NAME (names: murid formats)",
    ),
    (r"\bread_(poses|labels|events|zones|traces|spikes)\(path, source='(\w+)'\)", r"-o \1.source=\2"),
    (r"\buse read_poses\(path\)", "give it as a pose file"),
    (r"\buse read_(labels|events|zones|traces|spikes)\(path\)", r"give it with --\1"),
    (r"\bchoose one: (\w+)=\.\.\.", r"choose one: -o KIND.\1=NAME, e.g. -o labels.\1=NAME"),
    (r"clean\(\) masks them", "they are masked when the recording is analysed"),
    (r"; run repair_identity\(\) first, some may be swaps", "; with several animals some may be swaps of identity"),
    (
        r"calibrate\(poses, \.\.\.\) with a known distance in the arena",
        "give the scale: murid add ... --px-per-cm 12 --replace, or murid assay S open_field -p arena_cm=40,40",
    ),
    (r"calibrate\(poses\)", "nothing: the scale is known"),
    (r"\blabels\.select\((rater|stream|individual)=\.\.\.\)", r"--\1 NAME"),
    (r"\blabels\.select\((rater|stream|individual)='([^'\s]+)'\)", r"--\1 \2"),
    (r"\blabels\.select\((rater|stream|individual)=('[^']*')\)", r"--\1 \2"),
    (r"\buse others='negative'", "use --others negative"),
    (r"\bby='id'", "--group id"),
    (
        r"\bpass roles=\{\"nose\": \"<your keypoint>\", \"tail_base\": …\}",
        'name them in study.toml: [roles] nose = "KEYPOINT"',
    ),
    (
        r"use paired=True for measures before and after, or name the column of the animal in unit=",
        "give every animal one group, or its own name",
    ),
    (r" \((?:\w+=(?:True|\.\.\.)|Python: [^()]*(?:\([^()]*\))?[^()]*)\)", ""),
)
_COMPILED = [(re.compile(pattern), option) for pattern, option in _OPTIONS]

#: ``name='value'``, ``name=...``, a list, a tuple or a truth value; not what stands in quotes, a path or an option.
_ARGUMENT = re.compile(
    r"""(?<![\w.'"/(\[{=-])(?<!-p\ )(?<!-o\ )(?P<name>[a-z]\w*)="""
    r"""(?P<value>\.\.\.|'[^'…]*'|\([^()]*\)|\[[^\[\]]*\]|True\b|False\b)"""
)
#: An option that another command has, with its value.
_LABEL_OPTION = re.compile(r"(?<!\w)--(?P<name>rater|stream|individual|others) (?P<value>[\w.-]+)")


@dataclass(frozen=True)
class CommandOptions:
    """What the command at work can be told.

    Attributes
    ----------
    options : mapping of str to str
        Argument → its option: ``behaviours`` → ``-b``; ``individual`` → ``--individual``.
    switches : frozenset of str
        Those that take no value.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()

    @property
    def takes_parameters(self) -> bool:
        """True where parameters of a method or analysis are given with ``-p``."""
        return "param" in self.options

    def put(self, name: str, value: str) -> str | None:
        """Return how an argument is given to this command; None where it cannot be."""
        if name in self.switches:
            return self.options[name] if value == "True" else f"no {self.options[name]}"
        if name in self.options:
            return f"{self.options[name]} {_shown(value, 'NAME')}"
        return f"-p {name}={_shown(value, 'VALUE')}" if self.takes_parameters else None


_NO_COMMAND = CommandOptions()
_AT_WORK: ContextVar[CommandOptions] = ContextVar("options of the command at work", default=_NO_COMMAND)


@contextmanager
def options_at_work(options: CommandOptions) -> Iterator[None]:
    """Word messages for a command with these options."""
    token = _AT_WORK.set(options)
    try:
        yield
    finally:
        _AT_WORK.reset(token)


def for_command_line(text: str) -> str:
    """Return a message of the library with options instead of arguments.

    Examples
    --------
    >>> for_command_line("no frame rate; -> pass fps=...")
    'no frame rate; -> give --fps 25, or the film: --video'
    >>> for_command_line("write them anew with --replace (replace=True)")
    'write them anew with --replace'
    >>> with options_at_work(CommandOptions({"param": "-p", "others": "--others"})):
    ...     for_command_line("use model='arhmm', or pass others='negative'")
    'use -p model=arhmm, or pass --others negative'
    """
    for pattern, option in _COMPILED:
        text = pattern.sub(option, text)
    at_work = _AT_WORK.get()
    text = _ARGUMENT.sub(lambda m: at_work.put(m["name"], m["value"]) or m[0], text)
    return _LABEL_OPTION.sub(lambda m: at_work.put(m["name"], m["value"]) or m[0], text)


def _shown(value: str, unknown: str) -> str:
    """Return a value of Python as a shell has it; `unknown` stands for what the user must fill in."""
    if value.strip("'") == "...":
        return unknown
    if value[0] in "([":
        parts = [part.strip().strip("'\"") for part in value[1:-1].split(",")]
        return ",".join(f"{unknown},{unknown}" if part == "..." else part for part in parts if part)
    return value.strip("'")
