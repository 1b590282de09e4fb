"""Feature names read back: which per-frame feature a window statistic is of, and what it says in plain words."""

from __future__ import annotations

import re

_STATISTIC = re.compile(
    r"^(?P<base>.+?)_(?:(?P<stat>mean|sd|min|max|change)_(?P<window>[\d.]+)s"
    r"|p(?P<percent>[\d.]+)_(?P<of>[\d.]+)s|power_(?P<band>[\d.]+-[\d.]+)Hz|lag_(?P<lag>-?[\d.]+)s)$"
)
_WORDS = {
    "mean": "mean of",
    "sd": "variation of",
    "min": "lowest",
    "max": "highest",
    "change": "rise of",
}


def base_of(feature: str) -> str:
    """Return the per-frame feature that a column is a window statistic or lag of (itself when it is none).

    ``"speed_centre_max_0.4s"`` → ``"speed_centre"``.
    """
    match = _STATISTIC.match(feature)
    return match["base"] if match else feature


def in_words(feature: str, meaning: str = "") -> str:
    """Say what a column is: ``"highest speed of the body centre within 0.4 s"``.

    Parameters
    ----------
    feature : str
        Column of a feature table.
    meaning : str
        The table's ``meaning`` of it; the name of the per-frame feature by default.
    """
    match = _STATISTIC.match(feature)
    base = match["base"] if match else feature
    text = _subject(meaning, base)
    if not match:
        return text
    if match["stat"]:
        return f"{_WORDS[match['stat']]} {text} within {match['window']} s"
    if match["percent"]:
        return f"{match['percent']}th percentile of {text} within {match['of']} s"
    if match["band"]:
        return f"{match['band']} Hz rhythm of {text}"
    lag = float(match["lag"])
    return f"{text}, {abs(lag):g} s {'before' if lag < 0 else 'later'}"


def _subject(meaning: str, base: str) -> str:
    """What is measured; meanings that many features share get the point's name."""
    if not meaning:
        return base.replace("_", " ")
    return (
        meaning if "keypoint" not in meaning and "point of" not in meaning else f"{meaning} ({base.replace('_', ' ')})"
    )
