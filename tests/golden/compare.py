"""Golden numbers against present ones."""

from __future__ import annotations

import math
from typing import Any

from tests.golden.make import stored

#: Floats may differ by rounding; integers and text not at all.
RTOL, ATOL = 1e-9, 1e-12


def compare(name: str, numbers: dict[str, Any]) -> None:
    """Fail with what differs from the golden numbers of a case, and what to do when it should."""
    found = differences(stored(name), numbers)
    assert not found, (
        f"{len(found)} numbers of '{name}' changed:\n  "
        + "\n  ".join(found[:20])
        + f"\nWhen they are meant to: python -m tests.golden.make {name}, and say in CHANGELOG.md under *numbers* why."
    )


def differences(expected: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """What differs: names that are new or gone, text and integers at all, floats beyond rounding."""
    found = [f"{name}: gone" for name in expected if name not in got]
    found += [f"{name}: new" for name in got if name not in expected]
    for name in expected.keys() & got.keys():
        a, b = expected[name], got[name]
        if type(a) is not type(b) or not (a == b or _close(a, b)):
            found.append(f"{name}: {b!r} instead of {a!r}")
    return sorted(found)


def _close(a: Any, b: Any) -> bool:
    if not isinstance(a, float):
        return False
    return math.isclose(a, b, rel_tol=RTOL, abs_tol=ATOL) or (math.isnan(a) and math.isnan(b))
