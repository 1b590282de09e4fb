"""Options that do nothing beside others: what ``faithful=True`` decides by itself is said, not passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np

from murid.data.params import Params
from murid.data.warning import warn_user

P = TypeVar("P", bound=Params)
#: An option has no part in what happens, whatever its value.
NO_PART: Final = object()
#: What holds instead of options that every supervised method has: every labelled frame, all alike, nothing tuned.
ROWS_OF_ORIGINALS: Final[Mapping[str, Any]] = {"sample_hz": np.inf, "bout_weight": 0.0, "tune": False}


def as_original(given: P, original: Mapping[str, Any]) -> P:
    """Return a group of parameters with the original's values wherever it has the default ones.

    One parameter that a user sets leaves the others the original's. Parameters are known by their values alone: one
    that is set to its default counts as not given.

    Parameters
    ----------
    given : Params
        What the user asked for.
    original : mapping
        Parameter → value of the original.

    Examples
    --------
    >>> from murid.learn.classify.forests import ForestParams
    >>> forest = as_original(ForestParams(n_trees=100), {"n_trees": 2000, "min_leaf": 1})
    >>> forest.n_trees, forest.min_leaf
    (100, 1)
    """
    usual = type(given)()
    kept = {k: v for k, v in original.items() if getattr(given, k) == getattr(usual, k)}
    return given.replace(**kept)


def warn_of_ignored(method: str, params: Params, ignored: Mapping[str, Mapping[str, Any]]) -> None:
    """Warn of options that somebody set and that do nothing beside the others.

    Parameters
    ----------
    method : str
        Its name.
    params : Params
    ignored : mapping
        When (``"with faithful=True"``) → option → the value that holds instead, or `NO_PART`. An option with its
        default value, or with the one that holds, is not spoken of.
    """
    usual = type(params)() if ignored else params
    for when, options in ignored.items():
        named = [
            f"{option} ({'not used' if instead is NO_PART else f'{instead!r} holds'})"
            for option, instead in options.items()
            if getattr(params, option) != getattr(usual, option)
            and (instead is NO_PART or getattr(params, option) != instead)
        ]
        if named:
            warn_user(f"{method}: {when} these options do nothing: {', '.join(named)} -> leave them out")


__all__ = ["NO_PART", "ROWS_OF_ORIGINALS", "as_original", "warn_of_ignored"]
