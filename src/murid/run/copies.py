"""The same measurements under the names of several animals: one animal counted twice, or learnt from and tested on."""

from __future__ import annotations

from collections.abc import Iterable

from murid.data.errors import Faults, MuridError
from murid.data.recording import Recording
from murid.run.fit import content_of


def copies_among(recordings: Iterable[Recording]) -> list[list[Recording]]:
    """Return the groups of recordings with the same positions (or signals) that belong to different animals.

    A recording that cannot be read is no copy: what is wrong with it is said elsewhere.
    """
    alike: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda r: r.id):
        try:
            content = content_of(recording)
        except (MuridError, OSError, ValueError):
            content = ""
        recording.forget()
        if content:
            alike.setdefault(content, []).append(recording)
    return [group for group in alike.values() if len({r.animal or r.id for r in group}) > 1]


def add_copies(faults: Faults, recordings: Iterable[Recording]) -> None:
    """Add a fault for each group of copies."""
    for group in copies_among(recordings):
        faults.add(
            "the same measurements under several animals",
            where=", ".join(r.id for r in group),
            got=f"animals {', '.join(dict.fromkeys(r.animal or r.id for r in group))}",
            todo="give them one animal in recordings.csv, or remove the copies: murid cannot tell which is which",
        )
