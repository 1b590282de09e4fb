"""Which of two places is the target: the stranger's cup, the novel object, the drug's side."""

from __future__ import annotations

from collections.abc import Sequence

from murid.assays.zone_kinds import name_words
from murid.data.errors import did_you_mean, fail
from murid.data.recording import Recording

#: Column of the sheet that names the target of a recording.
TARGET = "target"


def target_of(recording: Recording, asked: str) -> str:
    """Return the name given for the target: the sheet's column ``target`` of the recording, else the parameter."""
    cell = str(recording.meta.get(TARGET, "")).strip()
    return asked if cell in ("", "nan", "None") else cell


def target_and_other(subject: str, target: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Return target and other of two places; None when no target is given.

    Parameters
    ----------
    subject : str
        For messages.
    target : str
        Full name of a place, or a word of it that only one has: ``left`` for ``chamber_left``.
    names : sequence of str
        The places; with more than two there is no single other, and None is returned.

    Raises
    ------
    DataError
        No place or several fit the name.

    Examples
    --------
    >>> target_and_other("three chambers", "left", ["cup_left", "cup_right"])
    ('cup_left', 'cup_right')
    """
    if not target or len(names) != 2:
        return None
    wanted = target.casefold()
    fits = [n for n in names if n.casefold() == wanted]
    fits = fits or [n for n in names if wanted in name_words(n)]
    if len(fits) != 1:
        fail(
            subject,
            f"target '{target}' is {'no zone' if not fits else 'not one zone'}",
            expected=" or ".join(names),
            todo=did_you_mean(target, names),
        )
    return fits[0], next(n for n in names if n != fits[0])
