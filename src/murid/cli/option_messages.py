"""Messages in the words of the command line: the library names arguments, a command names its options."""

from __future__ import annotations

import re

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


def for_command_line(text: str) -> str:
    """Return a message of the library with options instead of arguments.

    Examples
    --------
    >>> for_command_line("no frame rate; -> pass fps=...")
    'no frame rate; -> give --fps 25, or the film: --video'
    >>> for_command_line("write them anew with --replace (replace=True)")
    'write them anew with --replace'
    """
    for pattern, option in _COMPILED:
        text = pattern.sub(option, text)
    return text
