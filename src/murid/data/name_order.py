"""Order of names."""

from __future__ import annotations

import re


def natural(name: str) -> tuple[int | str, ...]:
    """Sort key in which ``motif_2`` comes before ``motif_10``.

    Parameters
    ----------
    name : str
        Name of a group, day, motif …

    Returns
    -------
    tuple
        Text and numbers in turn, text first (it may be empty), so that any two keys can be compared.
    """
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(name)))
