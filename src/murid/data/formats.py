"""Formats of study, run and model folders: their versions, how old ones are read, and what is said of others.

Every folder carries the version of its format and the murid that wrote it. A folder of an older format is migrated
as it is read, step by step; its files stay as they are. One of a newer format, or one that no step reaches, is one
error with the murid that wrote it and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from murid.data.errors import fail

#: Content of a folder's head: plain values.
Head = dict[str, Any]


@dataclass(frozen=True)
class FolderFormat:
    """Format of one kind of folder.

    Attributes
    ----------
    kind : str
        ``"study"``, ``"run"`` or ``"model"``.
    version : int
        What this murid writes.
    key : str
        Where the version stands in the head.
    remedy : str
        What to do with a folder that is too old.
    steps : mapping of int to callable
        Version → function that makes a head of that version one of the next.
    """

    kind: str
    version: int
    key: str
    remedy: str
    steps: Mapping[int, Callable[[Head], Head]] = field(default_factory=dict)

    def migrated(self, head: Mapping[str, Any], where: str) -> Head:
        """Return a head as this murid writes it.

        Parameters
        ----------
        head : mapping
            As it was read. Without a version it is of version 1, the first that was written.
        where : str
            The file, for the error.

        Raises
        ------
        DataError
            The folder is of a newer murid, or too old.

        Examples
        --------
        >>> RUN.migrated({"format": 1, "command": "motifs", "params": {"model": "kmeans"}}, "runs/x")["command"]
        'motif_statistics'
        """
        migrated, now = dict(head), head.get(self.key, 1)
        if not isinstance(now, int) or now > self.version:
            fail(
                self.kind,
                f"was written by a newer murid ({writer_of(head)})",
                where=where,
                expected=f"{self.key} <= {self.version}",
                got=str(now),
                todo="upgrade murid",
            )
        while now < self.version:
            if now not in self.steps:
                fail(
                    self.kind,
                    f"was written by an old murid ({writer_of(head)}) and cannot be read any more",
                    where=where,
                    expected=f"{self.key} {self.version}",
                    got=str(now),
                    todo=self.remedy,
                )
            migrated, now = self.steps[now](migrated), now + 1
        return {**migrated, self.key: self.version}


def writer_of(head: Mapping[str, Any]) -> str:
    """Return which murid wrote a folder, in words.

    Examples
    --------
    >>> writer_of({"versions": {"murid": "0.1.0"}}), writer_of({"murid": "0.2.0"}), writer_of({})
    ('version 0.1.0', 'version 0.2.0', 'its version is not known')
    """
    versions = head.get("versions")
    version = versions.get("murid") if isinstance(versions, Mapping) else head.get("murid")
    return f"version {version}" if version else "its version is not known"


#: Analyses of runs that name none: those of the commands before every analysis was declared.
_ANALYSIS_OF = {"check": "check", "neural": "tuning", "preview": "preview", "motif_statistics": "motif_statistics"}


def _run_from_1(head: Head) -> Head:
    """A run of an analysis names it, and the statistics of motifs are one."""
    command = "motif_statistics" if head.get("command") == "motifs" else head.get("command")
    params = head.get("params")
    paradigm = params.get("name") if isinstance(params, dict) else None
    analysis = str(paradigm or "open_field") if command == "assay" else _ANALYSIS_OF.get(str(command), "")
    owner = head.get("owner", head.get("pid"))
    added = {"analysis": analysis} if analysis else {}
    return {**head, "command": command, **added, **({} if owner is None else {"owner": str(owner)})}


STUDY = FolderFormat("study", 1, "layout", "add the recordings again with: murid add")
RUN = FolderFormat("run", 2, "format", "run its command again", {1: _run_from_1})
MODEL = FolderFormat("model", 1, "format", "fit again with: murid fit")

__all__ = ["MODEL", "RUN", "STUDY", "FolderFormat", "writer_of"]
