"""Which files belong together, read from their names.

A recording is named by its pose file, without what tracking programs append
(``1DLC_resnet50_…_filtered.csv.gz`` → ``1``) and without words that say what kind of file it is
(``m1_pose.csv`` → ``m1``). Another file belongs to the recording whose name it contains, word for
word; of several, to the one with the longest name. Whatever stays unclear is an error that lists the
candidates, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from murid.data.errors import Faults
from murid.data.names import counted, matching_key, slug, split_runs, split_words
from murid.data.warning import warn_user

#: Kinds of file a recording may have beside its poses.
COMPANIONS = ("labels", "events", "zones", "traces", "spikes", "video")
#: Columns of ``recordings.csv`` that murid fills.
OWN = ("nouns", "video", "source")
#: Columns that every table of an analysis may have and that no sheet gives.
_IN_TABLES = ("recording", "individual")

#: What DeepLabCut puts between the name of the film and its own words.
_TRACKER = re.compile(
    r"(?<=.)(?:DLC|DeepCut)_?(?=resnet|dlcrnet|mobnet|effnet|efficientnet|hrnet|cspnext|ctd|rtmpose|snapshot|_)", re.I
)

#: Words that say what a file is, not what it is of.
_KIND_WORDS = frozenset(
    {
        *("pose", "poses", "tracking", "tracks", "tracked", "keypoints", "predictions", "analysis", "proofread"),
        *("filtered", "el", "sk", "bx", "dlc", "sleap", "timestamps", "video", "film"),
        *("label", "labels", "annot", "annotation", "annotations", "annotated", "scored", "scoring", "manual"),
        *("behavior", "behaviour", "behaviors", "behaviours", "event", "events"),
        *("zone", "zones", "roi", "rois", "trace", "traces", "photometry", "calcium", "spikes", "units"),
    }
)


#: Last words of the names of files that hold one unit, or a group of them, each.
_UNIT = re.compile(r"(?:c|u|unit|units|cell|neuron|ch|channel|clu|cluster|shank\w?|probe\w?|tt|tetrode)\d*", re.I)


@dataclass
class Paired:
    """Files of one recording.

    Attributes
    ----------
    id : str
        Name of the recording.
    main : Path
        The file that names the recording: its poses, or traces, spikes or labels where there are none.
    kind : str
        What `main` holds.
    companions : dict of str to list of Path
        Kind → files; several only for labels, when several raters are allowed.
    keys : dict of str to str
        Animal, group, day … from the sheet.
    parts : dict of Path to str
        Which part of a file that holds several recordings is this one.
    raters : dict of Path to str
        Name of the rater of each label file, from its name.
    """

    id: str
    main: Path
    kind: str = "poses"
    companions: dict[str, list[Path]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    parts: dict[Path, str] = field(default_factory=dict)
    raters: dict[Path, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All files, the main one first."""
        return [self.main, *(p for paths in self.companions.values() for p in paths)]


def stem_of(path: Path) -> str:
    """File name without endings: ``m1.analysis.h5`` → ``m1``, ``day.1_m2.csv.gz`` → ``day.1_m2``."""
    name = path.name
    while (ending := Path(name).suffix) and re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,8}", ending):
        name = name[: -len(ending)]
    return name


def words_of(path: Path) -> tuple[str, ...]:
    """Words of a file name that say what it is of, of any script, without case."""
    stem = _TRACKER.split(stem_of(path))[0]
    words = [matching_key(w) for w in split_words(stem)]
    return tuple([w for w in words if w not in _KIND_WORDS] or words)


def id_of(path: Path) -> str:
    """Name of the recording a pose file is of: letters and digits of any script, ``. _ -``."""
    stem = _TRACKER.split(stem_of(path))[0]
    kept = [run for run in split_runs(stem) if matching_key(run) not in _KIND_WORDS]
    name = re.sub(r"([_\-. ])[_\-. ]+", r"\1", "".join(kept))
    return slug(name) or slug(stem)


def pair_files(
    main: Sequence[Path],
    companions: Mapping[str, Sequence[Path]] | None = None,
    *,
    kind: str = "poses",
    sheet: pd.DataFrame | None = None,
    several_raters: bool = False,
    several_units: bool = False,
    unused: list[tuple[str, str]] | None = None,
    parts: Mapping[Path, Mapping[str, str]] | None = None,
) -> list[Paired]:
    """Return one `Paired` per main file, in natural order (2 before 10).

    Parameters
    ----------
    main : sequence of Path
        One file per recording.
    kind : str
        What they hold.
    companions : mapping of kind to files, optional
        A single zones file that names no recording serves all of them.
    sheet : DataFrame of text, optional
        Column ``id`` (or ``recording``, ``file``) and any of ``animal, group, day, session``; further
        columns are kept as notes.
    several_raters : bool
        Label files that pair with the same recording are raters of it, not a mistake. Without poses,
        label files whose names differ in one word that comes back (``OFT_1_anna``, ``OFT_1_ben``) are too.
    several_units : bool
        Without poses: spike files whose names differ in their last word alone hold units of one recording. Beside
        poses those that pair with the same recording always do.
    unused : list, optional
        Filled with (kind, name) of files and rows of the sheet that fit no recording, as long as others of
        their kind do: they are left out. Without it they are an error.
    parts : mapping of file to mapping of name to film, optional
        Label files that hold several recordings: each name goes to the recording it fits, by its words, else by
        the film or pose file that the file names beside it (empty where it names none).

    Raises
    ------
    DataError
        Every ambiguous, unmatched and repeated file at once, with the candidates.
    """
    faults = Faults("pairing files")
    parts = parts or {}
    if kind == "labels" and several_raters:
        pairs = _by_rater(main) or _named(main, kind, faults)
    elif kind == "spikes" and several_units:
        pairs = _united(main)
    else:
        if kind == "spikes":
            _tell_units(main)
        if kind == "labels":
            _tell_raters([p for p in main if p not in parts])
        pairs = _named([p for p in main if p not in parts], kind, faults) + [
            Paired(slug(name), path, kind, parts={path: name}) for path in main for name in parts.get(path, ())
        ]
    for kind, paths in (companions or {}).items():
        whole = [p for p in paths if p not in parts]
        several = kind == "spikes" or (kind == "labels" and several_raters)
        _assign(pairs, kind, whole, faults, unused, several=several)
        for path in [p for p in paths if p in parts]:
            _assign_parts(pairs, kind, path, parts[path], faults, unused)
    if sheet is not None:
        add_keys(pairs, sheet, faults, unused)
    faults.raise_if_any()
    return sorted(pairs, key=lambda p: naturally(p.id))


def pairing_table(pairs: Sequence[Paired]) -> pd.DataFrame:
    """One row a recording: id, file of each kind, keys of the sheet."""
    kinds = [k for k in COMPANIONS if any(k in p.companions and k != p.kind for p in pairs)]
    keys = list(dict.fromkeys(k for p in pairs for k in p.keys))
    rows = [
        {
            "id": p.id,
            **{k: ", ".join(f.name for f in p.companions.get(k, [])) for k in kinds},
            p.kind: ", ".join(f.name for f in [p.main, *p.companions.get(p.kind, [])]),
            **{k: p.keys.get(k, "") for k in keys},
        }
        for p in pairs
    ]
    main = list(dict.fromkeys(p.kind for p in pairs)) or ["poses"]
    return pd.DataFrame(rows, columns=["id", *main, *kinds, *keys])


def naturally(name: str) -> list[tuple[int, int, str]]:
    """Sort key that reads numbers as numbers."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p.lower()) for p in parts if p]


def _named(main: Sequence[Path], kind: str, faults: Faults) -> list[Paired]:
    pairs = [Paired(id_of(path), path, kind) for path in main]
    by_id: dict[str, list[Paired]] = {}
    for pair in pairs:
        by_id.setdefault(matching_key(pair.id), []).append(pair)
    for same in by_id.values():
        if len(same) > 1:
            faults.add(
                f"{len(same)} {kind} files would be named '{same[0].id}'",
                got=", ".join(p.main.name for p in same),
                todo="rename them, or add them one by one with different names",
            )
    return pairs


def _by_rater(paths: Sequence[Path]) -> list[Paired]:
    """Label files of several raters: the word in which names differ, and which comes back, is the rater; [] if none."""
    split = {p: split_words(_TRACKER.split(stem_of(p))[0]) for p in paths}
    split = {p: [w for w in words if matching_key(w) not in _KIND_WORDS] or words for p, words in split.items()}
    for at in (-1, 0):
        raters = {p: words[at] for p, words in split.items() if len(words) > 1}
        names = {p: "_".join(words[:-1] if at else words[1:]) for p, words in split.items()}
        films = {matching_key(n) for n in names.values()}
        once = len({(matching_key(names[p]), matching_key(r)) for p, r in raters.items()}) == len(paths)
        if once and len(films) < len(paths):
            groups: dict[str, list[Path]] = {}
            for path in paths:
                groups.setdefault(names[path], []).append(path)
            return [
                Paired(slug(n), same[0], "labels", {"labels": same[1:]} if same[1:] else {}, raters=raters)
                for n, same in groups.items()
            ]
    return []


def _united(paths: Sequence[Path]) -> list[Paired]:
    """Spike files whose names differ in their last word alone, as one recording each."""
    words = {path: split_words(stem_of(path)) for path in paths}
    groups: dict[str, list[Path]] = {}
    for path, own in words.items():
        groups.setdefault(matching_key("_".join(own[:-1] or own)), []).append(path)
    return [
        Paired(
            slug("_".join(words[same[0]][:-1] or words[same[0]])),
            same[0],
            "spikes",
            {"spikes": same[1:]} if same[1:] else {},
        )
        for same in (sorted(group, key=lambda p: naturally(p.name)) for group in groups.values())
    ]


def _tell_units(paths: Sequence[Path]) -> None:
    """Warn of spike files that would be recordings of their own and look like units of the same one."""
    pairs = _united(paths)
    if len(pairs) < len(paths) and all(_UNIT.fullmatch(split_words(stem_of(p))[-1]) for p in paths):
        warn_user(
            f"the names of {len(paths)} spike files look like units of {counted(len(pairs))} "
            f"({', '.join(p.id for p in pairs[:3])}{' …' * (len(pairs) > 3)}), and make {len(paths)} recordings now; "
            "-> if they are, say so: --units (several_units=True)"
        )


def _tell_raters(paths: Sequence[Path]) -> None:
    """Warn of label files that would be recordings of their own and look like raters of the same ones."""
    pairs = _by_rater(paths)
    raters = sorted({rater for pair in pairs for rater in pair.raters.values()})
    if len(raters) > 1 and all(len(p.files) > 1 for p in pairs) and not any(c.isdigit() for r in raters for c in r):
        warn_user(
            f"the names of {len(paths)} label files look like {len(raters)} raters ({', '.join(raters[:5])}) of "
            f"{counted(len(pairs))} ({', '.join(p.id for p in pairs[:3])}{' …' * (len(pairs) > 3)}), and make "
            f"{len(paths)} recordings now; -> if they are raters, say so: --raters (several_raters=True)"
        )


def _assign_parts(
    pairs: list[Paired],
    kind: str,
    path: Path,
    names: Mapping[str, str],
    faults: Faults,
    unused: list[tuple[str, str]] | None,
) -> None:
    """Give each recording its part of a file that holds several; what fits none is left out."""
    stray = []
    for name, film in names.items():
        best = _rows_recordings(name, pairs)
        if len(best) != 1 and film:
            best = _rows_recordings(film, pairs) or best
        if len(best) == 1 and path not in best[0].parts:
            best[0].companions.setdefault(kind, []).append(path)
            best[0].parts[path] = name
        elif best:
            several = len(best) > 1
            faults.add(
                f"'{name}' fits {len(best)} recordings" if several else f"two parts fit recording '{best[0].id}'",
                where=path.name,
                got=", ".join(p.id for p in best) if several else f"{best[0].parts[path]}, {name}",
                todo="name observations after their pose files",
            )
        else:
            stray.append(name)
    if len(stray) == len(names):
        faults.add(
            f"none of its {len(names)} recordings fits",
            where=path.name,
            expected=f"names with one of: {', '.join(p.id for p in pairs[:8])}",
            got=", ".join(list(names)[:8]),
            todo="name observations after their pose files",
        )
    elif unused is not None:
        unused += [(kind, f"{path.name}: {name}") for name in stray]


def _assign(
    pairs: list[Paired],
    kind: str,
    paths: list[Path],
    faults: Faults,
    unused: list[tuple[str, str]] | None = None,
    *,
    several: bool,
) -> None:
    """Give each file of a kind to its recording."""
    if kind == "zones" and len(paths) == 1 and not _best(words_of(paths[0]), pairs):
        for pair in pairs:
            pair.companions[kind] = paths
        return
    files: dict[str, list[Path]] = {}
    stray: list[Path] = []
    for path in paths:
        best = _best(words_of(path), pairs)
        if not best and len(pairs) == len(paths) == 1:
            best = pairs
        if len(best) == 1:
            files.setdefault(best[0].id, []).append(path)
        elif best:
            faults.add(
                f"{kind} file fits {len(best)} recordings",
                where=path.name,
                got=", ".join(p.id for p in best),
                todo="name the file after one of them",
            )
        else:
            stray.append(path)
    if unused is not None and len(stray) < len(paths):
        unused += [(kind, path.name) for path in stray]
    else:
        near = ", ".join(p.id for p in pairs[:8]) + (" …" if len(pairs) > 8 else "")
        for path in stray:
            faults.add(
                f"{kind} file fits no recording",
                where=path.name,
                expected=f"a name with one of: {near}",
                todo="leave it out, or name it after its pose file",
            )
    for pair in pairs:
        fitting = files.get(pair.id, [])
        if len(fitting) > 1 and not several:
            more = "; if they are raters of the same recording, say so: --raters" if kind == "labels" else ""
            faults.add(
                f"{len(fitting)} {kind} files fit recording '{pair.id}'",
                got=", ".join(p.name for p in fitting),
                todo=f"give one{more}",
            )
        elif fitting:
            pair.companions[kind] = sorted(fitting)
            if kind == "labels":
                pair.raters |= {path: _rater_of(path, pair) for path in fitting}


def _rater_of(path: Path, pair: Paired) -> str:
    """Words of a label file's name that are not the recording's; the whole name when there are none."""
    own = {matching_key(w) for w in split_words(stem_of(pair.main))} | _KIND_WORDS
    return " ".join(w for w in split_words(stem_of(path)) if matching_key(w) not in own) or stem_of(path)


def _best(words: Sequence[str], pairs: Sequence[Paired]) -> list[Paired]:
    """Recordings whose name is in `words`, or that have `words` in their name: those that share most."""
    shared = [(_overlap(words, words_of(p.main)), p) for p in pairs]
    most = max((n for n, _ in shared), default=0)
    return [p for n, p in shared if n == most] if most else []


def _overlap(a: Sequence[str], b: Sequence[str]) -> float:
    """Number of words of the shorter name when it lies whole and in order within the longer; else 0.

    Equal names get half a word more, so that ``m1`` goes to ``m1`` and not to ``m1_day2``.
    """
    short, long = sorted((tuple(a), tuple(b)), key=len)
    inside = any(long[i : i + len(short)] == short for i in range(len(long) - len(short) + 1))
    return len(short) + 0.5 * (len(short) == len(long)) if short and inside else 0


def add_keys(
    pairs: list[Paired], sheet: pd.DataFrame, faults: Faults, unused: list[tuple[str, str]] | None = None
) -> None:
    """Give each recording the keys of its row: by recording, else by animal (one row for all of its recordings).

    Columns that murid fills itself, or that its tables have, are faults: a note of that name would be taken for them.
    """
    column = next((c for c in ("id", "recording", "file", "animal") if c in sheet), None)
    if column is None:
        faults.add(
            "the sheet does not say which recording a row is of",
            expected="a column 'id'",
            got=", ".join(map(str, sheet.columns)),
        )
        return
    for taken in [c for c in map(str, sheet.columns) if c != column and c in (*OWN, *_IN_TABLES)]:
        why = "is filled by murid" if taken in OWN else "has the name of a column of murid's tables"
        faults.add(f"column '{taken}' {why}", todo="leave it out, or name it otherwise")
    by_animal = column == "animal"
    records = [{str(k): str(v) for k, v in r.items()} for r in sheet.to_dict("records")]
    rows = {r[column]: r if by_animal else {k: v for k, v in r.items() if k != column} for r in records}
    if len(rows) < len(sheet):
        twice = sheet[column][sheet[column].duplicated()].astype(str).unique()
        faults.add(f"the sheet has several rows of the same '{column}'", got=", ".join(twice))
    for name, keys in rows.items():
        best = _rows_recordings(name, pairs)
        if not best and unused is not None:
            unused.append(("row of the sheet", name))
        if len(best) > 1 and not by_animal:
            faults.add(f"row '{name}' of the sheet fits {len(best)} recordings", got=", ".join(p.id for p in best))
        for pair in best if by_animal else best[:1]:
            if pair.keys:
                faults.add(f"two rows of the sheet fit recording '{pair.id}'", got=name)
            pair.keys = keys
    for pair in pairs:
        if not pair.keys:
            faults.add(f"recording '{pair.id}' has no row in the sheet", todo=f"add one with {column} = {pair.id}")


def _rows_recordings(name: str, pairs: Sequence[Paired]) -> list[Paired]:
    """Recordings that a cell of the sheet names: exactly, by its words, or as a number (``1`` for ``01``)."""
    wanted = matching_key(name)
    exact = [p for p in pairs if wanted in {matching_key(n) for n in (p.id, p.main.name, stem_of(p.main))}]
    return exact or _best(words_of(Path(f"{name}.x")), pairs) or [p for p in pairs if _number(p.id) == _number(name)]


def _number(text: str) -> str:
    """Text of digits without leading zeros, which spreadsheets drop; other text as it is."""
    return text.lstrip("0") or "0" if text.isdecimal() else text
