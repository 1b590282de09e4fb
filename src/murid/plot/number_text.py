"""Numbers and names as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from murid.data.name_order import natural as natural
from murid.stats.wording import ALPHA, p_text

DASH = "–"


def number(value: Any, digits: int = 3) -> str:
    """Return a number with three significant digits, thousands apart; a dash where nothing is known.

    Parameters
    ----------
    value : any
        Number, bool, text or missing.
    digits : int
        Significant digits; whole numbers keep all of theirs.
    """
    if value is None or value is np.ma.masked:
        return DASH
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}".replace(",", " ")
    if not isinstance(value, (float, np.floating)):
        text = str(value)
        return DASH if text.strip() in ("", "nan", "NaN", "None", "<NA>", "NaT") else text
    value = float(value)
    if not math.isfinite(value):
        return DASH if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    text = f"{round(value, digits - 1 - size):,.{max(0, digits - 1 - size)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", " ").replace("-", "−")


def p_value(p: float, alpha: float = ALPHA) -> str:
    """Return ``p = 0.032`` or ``p < 0.0001``; more digits where two would hide its side of `alpha`."""
    return p_text(p, alpha=alpha) if p is not None and np.isfinite(p) else f"p {DASH}"


def span(low: float, high: float) -> str | None:
    """Return ``0.1 to 0.4``; None when the limits are not known."""
    return f"{number(low)} to {number(high)}" if np.isfinite(low) and np.isfinite(high) else None


def count(n: int, noun: str, plural: str = "") -> str:
    """Return ``1 animal`` or ``3 animals``."""
    return f"{number(int(n))} {noun if n == 1 else plural or noun + 's'}"


def listed(names: Iterable[Any], limit: int = 8, last: str = "and") -> str:
    """Return ``a, b and c``; long lists end with ``and 5 more``."""
    items = [str(n) for n in names]
    if len(items) > limit:
        items = [*items[: limit - 1], f"{len(items) - limit + 1} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def short(name: str, length: int = 22) -> str:
    """Return a name that fits a figure: its middle replaced by … when too long."""
    name = str(name)
    keep = length - 1
    return name if len(name) <= length else f"{name[: keep - keep // 3]}…{name[-(keep // 3) :]}"


def readable(name: str) -> str:
    """Return an identifier as words: ``stretch_attend`` → ``stretch attend``."""
    return str(name).replace("_", " ")


def measure_name(name: str, unit: str = "") -> str:
    """Return a measure as words, with its unit when given: ``time_percent:centre`` → ``time, centre (%)``."""
    base, _, zone = str(name).partition(":")
    words = readable(base).replace("time percent", "time").replace("distance percent", "share of distance")
    text = f"{words}, {readable(zone)}" if zone else words
    return f"{text} ({unit})" if unit else text
