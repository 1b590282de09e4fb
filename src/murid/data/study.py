"""Study: a folder that holds recordings, models and runs; what CLI, web and Python share.

::

    study/  study.toml  recordings.csv
      data/<recording>/  poses.nc  traces.nc  spikes.npz  labels/<rater>.jsonl  events.csv  zones.json
      models/<name>/     params.json  arrays.safetensors  card.json
      runs/<run>/        provenance.json  log.jsonl  tables/*.parquet  report.html
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import tomlkit

from murid.data.atomic import atomic_file, atomic_folder, put_back
from murid.data.damage import damage_of
from murid.data.errors import DataError, Faults, did_you_mean, fail
from murid.data.formats import STUDY
from murid.data.lock import locked
from murid.data.names import doubtful_names, look_alike_key, matching_key, refuse_bad_id, refuse_other_encoding
from murid.data.notebook_html import shown_as_html
from murid.data.recording import NOUNS, Recording
from murid.data.recordings_csv import COLUMNS, read_recordings
from murid.data.roles import ROLES
from murid.data.study_files import FILES, film_opener, link_or_copy, noun_opener
from murid.data.warning import warn_user


class Study:
    """An opened study folder.

    Parameters
    ----------
    folder : str or Path
        An existing study; `Study.create` makes a new one.

    Raises
    ------
    DataError
        When the folder is no study, or was written by a newer murid.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> study = Study.create(pathlib.Path(tempfile.mkdtemp()) / "pilot")
    >>> study.add(Recording("m1", group="ctrl"))
    >>> study.ids, study["m1"].group
    (['m1'], 'ctrl')
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._warned = False
        toml = self.folder / "study.toml"
        if not toml.is_file():
            fail(
                "study",
                "no study here",
                where=str(self.folder),
                expected="a folder with study.toml",
                todo=f"make one with: murid new {self.folder}",
            )
        self.settings: dict[str, Any] = _read_settings(toml)
        for name in [*put_back(self.folder / "data"), *(f"models/{m}" for m in put_back(self.models_dir))]:
            warn_user(f"study {self.folder}: '{name}' was being replaced when a command was killed; it is as it was")

    @classmethod
    def create(cls, folder: str | Path, name: str | None = None, **settings: Any) -> Study:
        """Make a new study folder; refuses a folder that holds something else."""
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            fail(
                "study",
                "folder is not empty",
                where=str(folder),
                expected="a new or empty folder",
                todo="choose another name" if not (folder / "study.toml").exists() else "it is a study already",
            )
        (folder / "data").mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / "recordings.csv") as temporary:
            temporary.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        from murid import __version__

        document = tomlkit.document()
        document.add(tomlkit.comment("A murid study. Edit by hand or with the commands; see docs: study folder."))
        document.update({"name": name or folder.name, STUDY.key: STUDY.version, "murid": __version__, **settings})
        with atomic_file(folder / "study.toml") as temporary:
            temporary.write_text(tomlkit.dumps(document), encoding="utf-8")
        return cls(folder)

    def set(self, **settings: Any) -> None:
        """Change settings in study.toml, keeping comments and order."""
        path = self.folder / "study.toml"
        with locked(self.folder):
            document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
            document.update(settings)
            with atomic_file(path) as temporary:
                temporary.write_text(tomlkit.dumps(document), encoding="utf-8")
        self.settings = document.unwrap()

    @property
    def name(self) -> str:
        """Name of the study."""
        return str(self.settings.get("name", self.folder.name))

    @property
    def models_dir(self) -> Path:
        """Where fitted methods are kept."""
        return self.folder / "models"

    @property
    def runs_dir(self) -> Path:
        """Where runs, their tables and reports are kept."""
        return self.folder / "runs"

    @property
    def table(self) -> pd.DataFrame:
        """`recordings.csv`: one row a recording, every column text."""
        path = self.folder / "recordings.csv"
        if not path.is_file():
            fail(
                "study",
                "recordings.csv is missing",
                where=str(self.folder),
                todo="add the recordings again with: murid add",
            )
        return read_recordings(path)

    @property
    def ids(self) -> list[str]:
        """Recording ids in order."""
        return self.table["id"].tolist()

    def _repr_html_(self) -> str:
        table = self.table
        facts = {"folder": self.folder, "recordings": len(table), "animals": table["animal"].nunique()}
        return shown_as_html(f"Study {self.name}", facts, table.drop(columns="source"))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings())

    def __getitem__(self, recording_id: str) -> Recording:
        return self.recordings([recording_id])[0]

    def recordings(self, ids: Iterable[str] | None = None) -> list[Recording]:
        """Return recordings whose nouns open when first asked for; unknown ids are an error."""
        table = self.table.set_index("id", drop=False)
        wanted = list(table["id"]) if ids is None else [str(i) for i in ids]
        faults = Faults(f"study {self.folder}")
        for unknown in [i for i in wanted if i not in table.index]:
            faults.add(f"no recording '{unknown}'", todo=did_you_mean(unknown, table["id"]))
        faults.raise_if_any()
        self._warn_of_doubts()
        rows = {row["id"]: row for row in self._rows(table)}
        return [self._recording(rows[i]) for i in wanted]

    @classmethod
    def open_one(cls, folder: str | Path, recording_id: str) -> tuple[Study, Recording]:
        """Open a study for one of its recordings, without saying again what looks wrong in the study.

        For work on one recording after the other: whoever asked for it has opened the study, and was told.
        """
        study = cls(folder)
        study._warned = True
        return study, study[recording_id]

    def doubts(self) -> list[str]:
        """Return what looks wrong in ``recordings.csv``: names that may be one, written in several ways."""
        table = self.table
        return [
            f"study {self.folder}: {text}; write them in one way in recordings.csv if they are the same"
            for text in doubtful_names({column: table[column] for column in ("animal", "group")})
        ]

    def path_of(self, recording_id: str, noun: str) -> Path:
        """File or folder that holds a noun of a recording."""
        if noun == "video":
            return (self.folder / {row["id"]: row for row in self._rows(self.table)}[recording_id]["video"]).resolve()
        return self.folder / "data" / recording_id / FILES[noun][0]

    def _warn_of_doubts(self) -> None:
        """Warn, once for an opened study, of animals and groups that a reader takes for one."""
        if not self._warned:
            for text in self.doubts():
                warn_user(text)
        self._warned = True

    @staticmethod
    def _rows(table: pd.DataFrame) -> list[dict[str, str]]:
        return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]

    def _recording(self, row: dict[str, str]) -> Recording:
        folder = self.folder / "data" / row["id"]
        nouns: dict[str, Any] = {
            noun: noun_opener(folder / FILES[noun][0], FILES[noun][1], noun, row["id"])
            for noun in row["nouns"].split()
            if noun in FILES
        }
        if row["video"]:
            nouns["video"] = film_opener((self.folder / row["video"]).resolve(), row["id"])
        extra = {k: v for k, v in row.items() if k not in COLUMNS and v != ""}
        return Recording(
            row["id"],
            animal=row["animal"],
            group=row["group"],
            day=row["day"],
            session=row["session"],
            roles=self.settings.get("roles", {}),
            meta=extra,
            **nouns,
        )

    def add(self, recording: Recording, *, source: str = "", replace: bool = False, keep: Collection[str] = ()) -> None:
        """Write a recording into the study; all of it or nothing.

        Roles of keypoints are the study's: those of the recording join them. Several processes may add at once.

        Parameters
        ----------
        recording : Recording
        source : str
            What it was made from, for ``recordings.csv``.
        replace : bool
            Write a recording anew that is there already.
        keep : collection of str
            With `replace`: nouns that the recording has from the study. Their files stay the very files they are, so
            that labels which somebody edits meanwhile are not lost.

        Raises
        ------
        DataError
            When the id is taken (and not `replace`), a noun is faulty, or a role is another keypoint's in this study.
        """
        self._check_taken(recording.id, replace)
        self._check_notes(recording)
        recording.validate()
        self._joined_roles(recording)
        present = [noun for noun in FILES if recording.has(noun)]
        folder = self.folder / "data" / recording.id
        with ExitStack() as lock:
            with atomic_folder(folder) as temporary:
                for noun in [n for n in present if n not in keep]:
                    name, _, write = FILES[noun]
                    write(recording.need(noun), temporary / name)
                # From here to the row nobody else changes the study: others may have added meanwhile.
                lock.enter_context(locked(self.folder))
                self._check_taken(recording.id, replace)
                for noun in [n for n in present if n in keep]:
                    link_or_copy(folder / FILES[noun][0], temporary / FILES[noun][0])
            self.settings = _read_settings(self.folder / "study.toml")
            roles = self._joined_roles(recording)
            # Roles first: after a kill, a role too many harms less than a recording without its own.
            if roles != self.settings.get("roles", {}):
                self.set(roles=roles)
            self._write_row(self._row(recording, present, source))

    def _check_taken(self, name: str, replace: bool) -> None:
        """Refuse an id that is no folder name, or is there already."""
        known = self.table["id"]
        self._check_id(name, known)
        if name in set(known) and not replace:
            fail(
                "study",
                f"recording '{name}' is already there",
                where=str(self.folder),
                todo="use --replace (replace=True) to write it anew",
            )

    @staticmethod
    def _check_notes(recording: Recording) -> None:
        """Refuse notes that would stand in the columns of ``recordings.csv`` that the study fills."""
        faults = Faults(f"recording '{recording.id}'")
        for name in [n for n in recording.meta if n in COLUMNS]:
            faults.add(f"its note '{name}' is called like a column of recordings.csv", todo="name it otherwise")
        faults.raise_if_any()

    def _row(self, recording: Recording, nouns: list[str], source: str) -> dict[str, str]:
        """Row of a recording in recordings.csv."""
        return {
            "id": recording.id,
            "animal": recording.animal,
            "group": recording.group,
            "day": recording.day,
            "session": recording.session,
            "nouns": " ".join(nouns),
            "video": self._film_cell(recording.need("video").path) if recording.has("video") else "",
            "source": source,
            **{k: str(v) for k, v in recording.meta.items() if isinstance(v, (str, int, float))},
        }

    def _write_row(self, row: Mapping[str, str]) -> None:
        """Put a row in its place, or at the end."""
        table = self.table
        at = table.index[table["id"] == row["id"]]
        before, after = (table.iloc[: at[0]], table.iloc[at[0] + 1 :]) if len(at) else (table, table.iloc[:0])
        self._write_table(pd.concat([before, pd.DataFrame([row]), after], ignore_index=True).fillna(""))

    def _film_cell(self, film: Path) -> str:
        """Path of a film as recordings.csv has it: from the study where the film lies in or beside it, else whole.

        A study that is moved together with its films, or opened on another machine, then finds them.
        """
        own, film = self.folder.resolve(), film.resolve()
        near = film.is_relative_to(own.parent) and own.parent != Path(own.anchor)
        return Path(os.path.relpath(film, own)).as_posix() if near else str(film)

    def _check_id(self, name: str, known: Iterable[str]) -> None:
        """Refuse an id that is no folder name, or that would share the folder of another recording."""
        refuse_bad_id(name, "study")
        refuse_other_encoding([name], f"study {self.folder}")
        alike = [other for other in known if other != name and matching_key(other) == matching_key(name)]
        if alike:
            fail(
                f"study {self.folder}",
                f"recordings '{name}' and '{alike[0]}' are alike and would share a folder",
                expected="ids that differ in more than case",
                todo="rename one of them",
            )

    def _joined_roles(self, recording: Recording) -> dict[str, str]:
        """Roles of the study with those of a recording."""
        ours: dict[str, str] = self.settings.get("roles", {})
        faults = Faults(f"recording '{recording.id}'")
        for role, keypoint in recording.roles.items():
            if ours.get(role, keypoint) != keypoint:
                faults.add(
                    f"its {role} is another keypoint than in this study",
                    where=str(self.folder / "study.toml"),
                    expected=ours[role],
                    got=keypoint,
                    todo="rename its keypoints, or give such recordings a study of their own",
                )
        faults.raise_if_any()
        return {**ours, **recording.roles}

    def update(self, changes: pd.DataFrame) -> None:
        """Change cells of ``recordings.csv``; all of them or none.

        Parameters
        ----------
        changes : DataFrame
            ``id, column, now``; columns that are not there are added.
        """
        unknown = sorted(set(changes["id"]) - set(self.ids))
        if unknown:
            fail(f"study {self.folder}", "no such recordings", got=", ".join(unknown))
        with locked(self.folder):
            table = self.table.set_index("id")
            for recording_id, column, value in changes[["id", "column", "now"]].itertuples(index=False, name=None):
                if column not in table:
                    table[column] = ""
                table.at[recording_id, column] = value
            self._write_table(table.reset_index())

    def remove(self, recording_id: str) -> None:
        """Take a recording out of the study and delete its folder."""
        self.recordings([recording_id])
        with locked(self.folder):
            table = self.table
            self._write_table(table[table["id"] != recording_id])
            shutil.rmtree(self.folder / "data" / recording_id, ignore_errors=True)

    def _write_table(self, table: pd.DataFrame) -> None:
        with atomic_file(self.folder / "recordings.csv") as temporary:
            table.to_csv(temporary, index=False)

    def faults(self) -> Faults:
        """Return everything that is wrong with the folder: missing files, damaged nouns, strays."""
        faults = Faults(f"study {self.folder}")
        known = set()
        for recording in self.recordings():
            known.add(recording.id)
            try:
                recording.validate()
            except DataError as exc:
                faults.add(str(exc))
            recording.forget()
        data = self.folder / "data"
        for stray in sorted(p.name for p in data.iterdir() if p.is_dir()) if data.is_dir() else []:
            if stray not in known and not stray.startswith("."):
                faults.add(
                    f"folder data/{stray} is in no row of recordings.csv",
                    todo="add the recording again, or delete the folder",
                )
        return faults


def _read_settings(toml: Path) -> dict[str, Any]:
    """Content of study.toml, checked."""
    try:
        settings: dict[str, Any] = tomlkit.parse(toml.read_text(encoding="utf-8-sig")).unwrap()
    except tomlkit.exceptions.ParseError as exc:
        fail("study", "study.toml cannot be read", where=str(toml), got=str(exc), todo="mend that line")
    except (OSError, UnicodeDecodeError):
        todo = "put back a copy of it that is whole"
        fail("study", "study.toml cannot be read", where=str(toml), expected="TOML", got=damage_of(toml), todo=todo)
    STUDY.migrated(settings, str(toml))
    if "roles" in settings:
        settings["roles"] = _checked_roles(settings["roles"], toml)
    return settings


def _checked_roles(roles: object, toml: Path) -> dict[str, str]:
    """Roles as they stand in study.toml, typed by hand: texts without outer spaces, known words spelt right."""
    faults = Faults(f"{toml}, [roles]")
    if not isinstance(roles, Mapping):
        fail(str(toml), "roles are no table", expected='[roles] with lines like nose = "snout"', got=str(roles))
    out: dict[str, str] = {}
    for role, keypoint in roles.items():
        name = str(role).strip()
        if not isinstance(keypoint, str):
            faults.add("keypoint is no text", where=name, expected=f'{name} = "<keypoint>"', got=repr(keypoint))
            continue
        twin = next((known for known in ROLES if known != name and look_alike_key(known) == look_alike_key(name)), None)
        if twin is not None:
            faults.add(f"role '{name}' is spelt in another way", expected=twin, todo=f"write {twin}")
        out[name] = keypoint.strip()
    double = sorted({k for k in out.values() if k and list(out.values()).count(k) > 1})
    if double:
        faults.add("keypoints have two roles", got=", ".join(double), todo="give each keypoint one role")
    faults.raise_if_any()
    return out


__all__ = ["COLUMNS", "NOUNS", "Study"]
