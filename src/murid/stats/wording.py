"""Numbers, p values, units and lists of names as they stand in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: p or q up to this counts as a difference, unless another level was asked for.
ALPHA = 0.05


def number_text(x: float) -> str:
    """Return a number with three significant digits, never in powers of ten below a million: ``1,230``, ``0.0412``."""
    if not math.isfinite(x):
        return "–" if math.isnan(x) else str(x)
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e6 else f"{x:.3g}"


def p_text(p: float, letter: str = "p", alpha: float = ALPHA) -> str:
    """Return ``p = 0.012``, ``p < 0.0001``, or ``not tested``; digits are added where rounding would reach the level.

    Parameters
    ----------
    p : float
        p or q; NaN means not tested.
    letter : str
        ``"p"`` or ``"q"``.
    alpha : float
        Level on whose side the text stays.
    """
    if math.isnan(p):
        return "not tested"
    if p < 1e-4:
        return f"{letter} < 0.0001"
    for digits in (2, 3, 4):
        text = f"{p:.{digits}g}" if p < 0.1 else f"{p:.2f}"
        if (float(text) <= alpha) == (p <= alpha) and not (float(text) == alpha and p != alpha):
            break
    return f"{letter} = {text}"


def unit_text(unit: str, *, difference: bool) -> str:
    """Return a unit as it stands behind a number; differences of percentages are percentage points, counts have none.

    Parameters
    ----------
    unit : str
        ``"cm"``, ``"%"``, or ``""``.
    difference : bool
        True behind a difference, False behind a mean.
    """
    if unit == "%":
        return " percentage points" if difference else " %"
    return f" {unit}" if unit not in ("", "1", "count") else ""


def joined(names: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    items = list(names)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
