"""The same words about several recordings become one text that names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: Recordings that are named where the same is said of many.
MAX_NAMED = 8

_HEAD = re.compile(r"(?P<step>[^:,'\n]+, )?recording '(?P<recording>[^']*)': ")
#: What differs between recordings though the same is said: the file, what was met in it, and shares.
_FILE = r"(?:[^\s:;,'\"]*[/\\])+[^\s:;,'\"]*"
_PATH = re.compile(rf" ?{_FILE}(?:; {_FILE})*")
_GOT = re.compile(r"(?<=[;,] )got .*?(?=; -> |$)", re.DOTALL)
_SHARE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?= ?%)")


def say_once(texts: Iterable[str]) -> list[str]:
    """Join the texts that begin with ``recording 'm1':``, with or without the step before it, and say the same.

    Examples
    --------
    >>> say_once(["recording 'm1': no zones", "one study", "recording 'm2': no zones"])
    ['2 recordings (m1, m2): no zones', 'one study']
    >>> say_once(["budget, recording 'm1': 74% unlabelled", "budget, recording 'm2': 99% unlabelled"])
    ['budget, 2 recordings (m1, m2): 74 to 99% unlabelled']
    """
    alike: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for text in texts:
        head = _HEAD.match(text)
        if head is None:
            alike.setdefault(("", text), []).append(("", text))
            continue
        words = text[head.end() :]
        alike.setdefault((head["step"] or "recording", _meaning(words)), []).append((head["recording"], words))
    out = []
    for (step, _), same in alike.items():
        recordings = [recording for recording, _ in same]
        words = _joined(same)
        out.append(f"{'' if step == 'recording' else step}{of_recordings(recordings)}: {words}" if step else words)
    return out


def reasons_once(reasons: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Join the recordings of which the same reason is given.

    Parameters
    ----------
    reasons : iterable of (recording, reason)

    Returns
    -------
    list of (recordings, reason)
        What was met in the files is that of the first recording, and says so where it differs.

    Examples
    --------
    >>> one, two = (f"labels m/{k}.csv: no rater, got {k}; -> ask" for k in (1, 2))
    >>> reasons_once([("m1", one), ("m2", two)])
    [(['m1', 'm2'], "labels: no rater, got 1 (in 'm1'); -> ask")]
    """
    same: dict[str, list[tuple[str, str]]] = {}
    for recording, reason in reasons:
        own = reason.removeprefix(f"recording '{recording}': ")
        same.setdefault(_meaning(own), []).append((recording, own))
    return [([recording for recording, _ in pairs], _joined(pairs)) for pairs in same.values()]


def of_recordings(recordings: Sequence[str]) -> str:
    """Return ``recording 'm1'`` or ``3 recordings (m1, m2, m3)``; of many the first are named.

    Examples
    --------
    >>> of_recordings(["m1"]), of_recordings(["m1", "m2"])
    ("recording 'm1'", '2 recordings (m1, m2)')
    """
    if len(recordings) == 1:
        return f"recording '{recordings[0]}'"
    more = f" and {len(recordings) - MAX_NAMED} more" if len(recordings) > MAX_NAMED else ""
    return f"{len(recordings)} recordings ({', '.join(recordings[:MAX_NAMED])}{more})"


def _meaning(words: str) -> str:
    """Return words without what may differ between recordings."""
    return _SHARE.sub("#", _GOT.sub("got", _PATH.sub("", words)))


def _joined(same: Sequence[tuple[str, str]]) -> str:
    """Return the words of recordings that mean the same; what differs is left out, named or given as a range."""
    texts = [words for _, words in same]
    first = texts[0]
    if len(set(texts)) == 1:
        return first
    if len({tuple(_PATH.findall(text)) for text in texts}) > 1:
        texts = [_PATH.sub("", text).removeprefix(": ") for text in texts]
    if len({tuple(_GOT.findall(text)) for text in texts}) > 1:
        first = _GOT.sub(lambda m: f"{m[0]} (in '{same[0][0]}')", texts[0])
    else:
        first = texts[0]
    shares = [[float(s) for s in _SHARE.findall(text)] for text in texts]
    if len({len(s) for s in shares}) == 1:
        limits = iter([(min(s), max(s)) for s in zip(*shares, strict=True)])
        first = _SHARE.sub(lambda _: _range(*next(limits)), first)
    return first


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
