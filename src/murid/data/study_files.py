"""Files of a recording inside a study: what each noun is stored as, and how it is opened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from murid.data import store
from murid.data.atomic import appears
from murid.data.damage import damage_of
from murid.data.errors import DataError, fail
from murid.data.video import Video
from murid.data.zones import Zones

#: Noun → (file name, reader, writer).
FILES: dict[str, tuple[str, Callable, Callable]] = {
    "poses": ("poses.nc", store.read_poses_file, store.write_array),
    "labels": ("labels", store.read_labels_folder, store.write_journals),
    "events": ("events.csv", store.read_events_file, store.write_events),
    "zones": ("zones.json", Zones.read, store.write_zones),
    "traces": ("traces.nc", store.read_traces_file, store.write_array),
    "spikes": ("spikes.npz", store.read_spikes_file, store.write_spikes),
}

#: What the file of each noun is, for the message about one that is damaged.
_EXPECTED = {
    "poses": "netCDF as murid writes it",
    "labels": "journals of labels (.jsonl), one JSON object a line",
    "events": "a table separated by commas with time_s and label",
    "zones": "zones as JSON",
    "traces": "netCDF as murid writes it",
    "spikes": "npz as murid writes it",
}


def link_or_copy(source: Path, target: Path) -> None:
    """Let a file, or every file of a folder, appear at a second place: the same file where the disk can do that."""

    def one(file: str | Path, place: str | Path) -> None:
        try:
            os.link(file, place)
        except OSError:
            shutil.copy2(file, place)

    if source.is_dir():
        shutil.copytree(source, target, copy_function=one)
    elif source.exists():
        one(source, target)


def film_opener(path: Path, owner: str) -> Callable[[], Video]:
    """Return what opens the film of a recording, or says that it is not there."""

    def open_film() -> Video:
        if not path.is_file():
            fail(
                f"recording '{owner}'",
                "film not found",
                where=str(path),
                todo="put it back there, or correct the column 'video' of recordings.csv (paths count from the study)",
            )
        return Video(path)

    return open_film


def noun_opener(path: Path, read: Callable[[Path], Any], noun: str, owner: str) -> Callable[[], Any]:
    """Return what reads the file of a noun, or says in plain words that it is missing or damaged."""

    def open_noun() -> Any:
        if not appears(path, path.parent):
            fail(
                f"recording '{owner}'",
                f"{noun} file is missing",
                where=str(path),
                todo="it was deleted or moved; add the recording again with --replace",
            )
        try:
            return read(path)
        except DataError:
            raise
        except (OSError, ValueError, TypeError, LookupError, AttributeError, StopIteration, EOFError, BadZipFile):
            # What the library says of a damaged file is about its own inside, not about the study.
            fail(
                f"recording '{owner}'",
                f"{noun} file cannot be read",
                where=str(path),
                expected=_EXPECTED[noun],
                got=damage_of(path),
                todo=store.DAMAGED,
            )

    return open_noun
