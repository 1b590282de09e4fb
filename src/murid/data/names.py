"""Names in any script: how they are compared, and how they become file names without loss.

Names are kept as they were written (composed form, NFC). Two names are *alike* when they differ in
case or in how accents are stored; files are never shared by names that are alike, since file systems
of macOS and Windows would make them one.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import groupby
from urllib.parse import unquote

from murid.data.errors import Faults, fail

_KEPT = "._- "
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in "123456789¹²³")}
#: File systems allow 255 bytes; endings and temporary names need some of them.
_MOST_BYTES = 200

#: Letters of Greek and Cyrillic that look like Latin ones: a sheet typed on two keyboards.
_LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТУХІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοα‐‑‒–—−’‘",
    "ABEKMHOPCTYXIJSaeopcyxijsABEZHIKMNOPTYXoa------''",
)


def is_word_character(character: str) -> bool:
    """True for letters, marks and digits of any script."""
    return unicodedata.category(character)[0] in "LMN"


def split_runs(text: str) -> list[str]:
    """Split into runs of letters and digits (of any script) and the runs between them."""
    return ["".join(run) for _, run in groupby(unicodedata.normalize("NFC", text), is_word_character)]


def split_words(text: str) -> list[str]:
    """Split into runs of letters and digits, of any script, as they are written."""
    return [run for run in split_runs(text) if is_word_character(run[0])]


def matching_key(text: str) -> str:
    """Return what two spellings of one name share: composed, without case, without outer spaces.

    Examples
    --------
    >>> matching_key("Мышь1 ") == matching_key("МЫШЬ1")
    True
    >>> matching_key("Jürgen") == matching_key("Jörgen")
    False
    """
    folded = unicodedata.normalize("NFC", text.strip()).casefold()
    return unicodedata.normalize("NFC", folded)


def look_alike_key(text: str) -> str:
    """Return what names share that a reader takes for one: case, spaces, dashes, letters of other scripts."""
    plain = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES).casefold()
    words = plain.replace("_", " ").replace("-", " ").split()
    # Between two digits a separator says something: animal 1-12 is not animal 11-2.
    out = words[0] if words else ""
    for word in words[1:]:
        out += f" {word}" if out[-1].isdecimal() and word[0].isdecimal() else word
    return out


def slug(text: str) -> str:
    """Return a name of letters and digits of any script, ``. _ -``; all else becomes ``_``.

    A name that Windows reserves (``con``, ``nul``, also with an ending) gets a ``_``. For names that are made, not
    for names that are kept: two texts may give one slug.

    Examples
    --------
    >>> slug("Mäuschen (cage 3)"), slug("con.1")
    ('Mäuschen_cage_3', 'con_.1')
    """
    text = unicodedata.normalize("NFC", text)
    marked = "".join(c if is_word_character(c) or c in "._-" else " " for c in text)
    name = "_".join(marked.split()).strip("._")
    stem = name.split(".")[0]
    return f"{stem}_{name[len(stem) :]}" if stem.casefold() in _RESERVED else name


#: What a name of a recording or model must be: it is a folder, also on the computer of whoever gets the study.
FOLDER_NAME = f"letters and digits of any script, . _ -, at most {_MOST_BYTES} bytes, no name of Windows (con, nul)"


def is_folder_name(name: str) -> bool:
    """True for a name that can be a folder on every system, see `FOLDER_NAME`."""
    return bool(name) and name == slug(name) and len(name.encode()) <= _MOST_BYTES


def refuse_bad_id(name: str, subject: str) -> None:
    """Refuse an id of a recording, or the name of a model, that cannot be the name of its folder in a study.

    Raises
    ------
    DataError
        The name is empty or long, holds anything but letters, digits and ``. _ -``, or is one that Windows reserves.

    Examples
    --------
    >>> refuse_bad_id("m1", "study")
    >>> try:
    ...     refuse_bad_id("../m1", "study")
    ... except ValueError as error:
    ...     print(str(error).partition(";")[0])
    study: '../m1' cannot be a folder name
    """
    if not is_folder_name(name):
        other = slug(name)
        fail(
            subject,
            f"'{name}' cannot be a folder name",
            expected=FOLDER_NAME,
            todo=f"use '{other}'" if is_folder_name(other) else "give it a shorter name" if other else "give it a name",
        )


def refuse_other_encoding(names: Iterable[str], subject: str) -> None:
    """Refuse names of files that the encoding of this process would write otherwise than every other computer.

    Python on Linux takes the encoding of file names from the locale; with ASCII or Latin-1 the folder ``Mäuschen`` of
    a study is not found, or gets a name that cannot be read elsewhere.

    Raises
    ------
    DataError
        Where the encoding is not UTF-8 and a name has other letters than those of ASCII.
    """
    encoding = sys.getfilesystemencoding()
    lost = [name for name in names if not name.isascii()]
    if lost and encoding.replace("-", "").casefold() != "utf8":
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        fail(
            subject,
            f"the encoding of this shell ({encoding}) cannot name the files of {', '.join(map(repr, lost[:3]))}{more}",
            expected="UTF-8",
            todo="set PYTHONUTF8=1 or LC_ALL=C.UTF-8, and run again",
        )


def file_name_of(text: str) -> str:
    r"""Return a file name for any text: another one for every text, readable in every script.

    What file systems do not take (``/ \ : * ? " < > |``, control characters, a dot or space at an end,
    names reserved by Windows) is written as ``%`` and its code; `text_of` gives the text back.

    Raises
    ------
    DataError
        When the text is longer than file systems allow, or has letters that this process cannot write in UTF-8.

    Examples
    --------
    >>> file_name_of("Jürgen"), file_name_of("a/b")
    ('Jürgen', 'a%2Fb')
    >>> text_of(file_name_of("50 % (top)"))
    '50 % (top)'
    """
    text = unicodedata.normalize("NFC", text)
    refuse_other_encoding([text], "name of a file")
    last = len(text) - 1
    out = []
    for i, c in enumerate(text):
        kept = is_word_character(c) or (c in _KEPT and not (c in ". " and i in (0, last)))
        out.append(c if kept else _coded(c))
    name = "".join(out) or "%"
    if name.split(".")[0].casefold() in _RESERVED:
        name = _coded(name[0]) + name[1:]
    if len(name.encode()) > _MOST_BYTES:
        fail(
            f"name '{text[:40]}...'",
            "is too long for a file name",
            expected=f"at most {_MOST_BYTES} bytes",
            got=str(len(name.encode())),
        )
    return name


def text_of(file_name: str) -> str:
    """Return the text that `file_name_of` made a file name of."""
    return "" if file_name == "%" else unquote(file_name)


def _coded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def check_distinct(names: Iterable[str], subject: str, what: str = "names") -> None:
    """Refuse names that would share a file: equal but for case or the way accents are stored.

    Raises
    ------
    DataError
        Listing every group of names that are alike.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(matching_key(name), []).append(name)
    faults = Faults(subject)
    for alike in groups.values():
        if len(alike) > 1:
            faults.add(
                f"{what} are alike and would share a file",
                got=", ".join(map(repr, alike)),
                expected="names that differ in more than case",
                todo="rename one of them",
            )
    faults.raise_if_any()


#: Words for "no value" in sheets typed by hand or saved by R, pandas and Excel.
MISSING_WORDS = frozenset({"", "na", "n/a", "#n/a", "nan", "<na>", "null", "missing", "-", "--", "?", "."})


def without_missing(text: str) -> str:
    """Return a cell without outer spaces, empty for the usual words for "no value"."""
    text = unicodedata.normalize("NFC", text).strip()
    return "" if text.casefold() in MISSING_WORDS else text


def near_twins(names: Iterable[str]) -> list[list[str]]:
    """Return groups of distinct names that a reader takes for one (see `look_alike_key`).

    Examples
    --------
    >>> near_twins(["ctrl", "Ctrl", "drug", "mouse 1", "mouse_1"])
    [['ctrl', 'Ctrl'], ['mouse 1', 'mouse_1']]
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(look_alike_key(name), []).append(name)
    return [alike for alike in groups.values() if len(alike) > 1]


#: Names by which control groups are usually known.
CONTROLS = {
    *("control", "controls", "ctrl", "ctl", "con", "vehicle", "veh", "saline", "sham", "wt", "wild type", "wild-type"),
    *("wildtype", "baseline", "naive", "untreated", "kontrolle"),
}


def doubtful_names(columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Say which names of a table may be one thing under several names.

    Parameters
    ----------
    columns : mapping of str to names
        Column → its cells; empty ones say nothing. In the column ``group`` the usual names of control groups are known.

    Examples
    --------
    >>> doubtful_names({"animal": ["m1", "M1"], "group": ["drug", "ctrl", "Control"]})[0]
    "'m1', 'M1' in column 'animal' look alike and count as 2"
    >>> doubtful_names({"group": ["drug", "ctrl", "Control"]})
    ["'ctrl' and 'Control' in column 'group' are both names of a control group and count as 2"]
    """
    sentences = []
    for column, cells in columns.items():
        names = [cell for cell in dict.fromkeys(cells) if cell]
        sentences += [
            f"{', '.join(map(repr, alike))} in column '{column}' look alike and count as {len(alike)}"
            for alike in near_twins(names)
        ]
        controls = [n for n in names if column == "group" and n.strip().casefold() in CONTROLS]
        if len({look_alike_key(name) for name in controls}) > 1:
            both = "both" if len(controls) == 2 else "all"
            listed = f"{', '.join(map(repr, controls[:-1]))} and {controls[-1]!r}"
            sentences.append(
                f"{listed} in column 'group' are {both} names of a control group and count as {len(controls)}"
            )
    return sentences


def counted(n: int, noun: str = "recording") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1), counted(15)
    ('1 recording', '15 recordings')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
