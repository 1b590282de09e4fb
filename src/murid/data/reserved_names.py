"""Names given by users that are also words of murid's tables: one rule for all of them.

A behaviour may be called ``group`` and a group ``p``. Where such a name becomes a column or a row beside murid's own
words, it has in brackets what it is: the share of time of behaviour ``group`` is the column ``group (behaviour)``. The
words are compared without case, since a reader takes ``P`` and ``p`` for one; every other name stays as it is. Where
a name is a value of its column (bouts, budgets, units) it is never changed, but for scores, of which one row is the
mean over behaviours.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Columns that the runner puts before the rows of an analysis.
ADDED_KEYS = ("recording", "animal", "group", "day", "session")
#: Columns that say whose row it is; every table of an analysis may carry them.
KEYS = (*ADDED_KEYS, "individual")
#: Row of scores that is the mean over behaviours.
MACRO = "macro"
#: Row and column of a confusion for frames in which none of the behaviours happens.
NONE_OF_THEM = "(none of them)"
#: What stands beside behaviours: the keys, the litter, which comparisons of groups look at, and words of scores.
BEHAVIOUR_WORDS = (*KEYS, "litter", "behaviour", MACRO, "truth", NONE_OF_THEM)
#: Counts of a comparison of latencies that are of no group.
_NO_GROUPS = ("n_missing", "n_no_group")


def set_apart(name: str, words: Iterable[str], kind: str) -> str:
    """Return a name as it stands beside `words`: with its kind in brackets where it is one of them.

    Different names stay different: a name that ends with the kind already has it once more.

    Parameters
    ----------
    name : str
        As the user gave it.
    words : iterable of str
        What murid calls its own columns or rows there.
    kind : str
        What the name is of: ``"behaviour"``, ``"group"``.

    Examples
    --------
    >>> set_apart("groom", KEYS, "behaviour"), set_apart("group", KEYS, "behaviour")
    ('groom', 'group (behaviour)')
    >>> set_apart("group (behaviour)", KEYS, "behaviour")
    'group (behaviour) (behaviour)'
    """
    return name + _mark(kind) if _bare(name, kind).casefold() in {w.casefold() for w in words} else name


def as_given(name: str, words: Iterable[str], kind: str) -> str:
    """Return the name that `set_apart` made `name` of.

    Examples
    --------
    >>> as_given("group (behaviour)", KEYS, "behaviour"), as_given("left (behaviour)", KEYS, "behaviour")
    ('group', 'left (behaviour)')
    """
    shown = name.removesuffix(_mark(kind))
    return shown if set_apart(shown, words, kind) == name else name


def behaviour_column(behaviour: str) -> str:
    """Name of a behaviour (or motif) where it is a column, or a row of scores; `behaviour_of` gives it back.

    Examples
    --------
    >>> behaviour_column("rear"), behaviour_column("session"), behaviour_column("macro")
    ('rear', 'session (behaviour)', 'macro (behaviour)')
    """
    return set_apart(behaviour, BEHAVIOUR_WORDS, "behaviour")


def behaviour_of(column: str) -> str:
    """Return the behaviour that `behaviour_column` made the name of a column or row of.

    Examples
    --------
    >>> behaviour_of("macro (behaviour)"), behaviour_of("rear (behaviour)")
    ('macro', 'rear (behaviour)')
    """
    return as_given(column, BEHAVIOUR_WORDS, "behaviour")


def group_column(what: str, group: str) -> str:
    """Name of a column about one group in a table of latencies: ``events_drug``.

    Examples
    --------
    >>> group_column("n", "drug"), group_column("n", "missing")
    ('n_drug', 'n_missing (group)')
    """
    return set_apart(f"{what}_{group}", _NO_GROUPS, "group")


def _mark(kind: str) -> str:
    return f" ({kind})"


def _bare(name: str, kind: str) -> str:
    while name.endswith(_mark(kind)):
        name = name.removesuffix(_mark(kind))
    return name
