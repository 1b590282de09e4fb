"""Which of the drawn zones are the open arms, the cups, the light side: by their kind, else by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from murid.data.errors import Faults
from murid.data.zones import Zone

#: A kind of place → the words by which zones of it are known.
Kinds = Mapping[str, tuple[str, ...]]


def by_kind(zones: Sequence[Zone], kinds: Kinds) -> dict[str, list[Zone]]:
    """Return the zones of each kind.

    A zone belongs to the kind that it was given; one without a kind to that of the first word of its name
    which is known: ``open_arm_1`` is an open arm, ``chamber left`` a chamber.

    Parameters
    ----------
    zones : sequence of Zone
    kinds : mapping of str to words
        Each kind's own name is one of its words.

    Returns
    -------
    dict of kind to list of Zone
        Every kind of `kinds` is there, perhaps empty; zones of no kind are under ``""``.

    Examples
    --------
    >>> arms = [Zone("Open arm 1", centre=(0, 0), radius=1), Zone("W", centre=(5, 0), radius=1, kind="closed")]
    >>> {k: [z.name for z in v] for k, v in by_kind(arms, {"open": (), "closed": ()}).items()}
    {'open': ['Open arm 1'], 'closed': ['W'], '': []}
    """
    known = {word.casefold(): kind for kind, words in kinds.items() for word in (kind, *words)}
    out: dict[str, list[Zone]] = {kind: [] for kind in (*kinds, "")}
    for zone in zones:
        words = [zone.kind.casefold(), *name_words(zone.kind)] if zone.kind else name_words(zone.name)
        kind_of_word = (known[word] for word in words if word in known)
        out[next(kind_of_word, "")].append(zone)
    return out


def name_words(name: str) -> list[str]:
    """Return the words of a name in lower case, without the digits that tell zones of one kind apart.

    Examples
    --------
    >>> name_words("OpenArm_2")
    ['open', 'arm']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", spaced)]


def require_kinds(
    subject: str, zones_by_kind: Mapping[str, Sequence[Zone]], needed: Iterable[str], template: str = ""
) -> None:
    """Refuse a recording that lacks zones of a kind that a test cannot do without.

    Raises
    ------
    DataError
        All kinds that are missing, and which zones there are.
    """
    faults = Faults(subject)
    there = [z.name + (f" (kind {z.kind})" if z.kind else "") for zones in zones_by_kind.values() for z in zones]
    for kind in needed:
        if not zones_by_kind[kind]:
            faults.add(
                f"no zone of kind '{kind}'",
                got=", ".join(there) or "no zones",
                todo=f"draw them, or fit a template: murid zones STUDY {template}".rstrip(),
            )
    faults.raise_if_any()
