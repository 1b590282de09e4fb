"""Every page of a method, a paradigm or a neural analysis has the parts that a reader looks for."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, PAGES, name_of

#: Pages of those folders that describe none.
OTHERS = ("methods/README", "methods/motifs_measured", "methods/frame_rates")
DESCRIBED = [p for p in PAGES if p.parent.parent == DOCS and p.parent.name in ("methods", "paradigms", "neural")]
DESCRIBED = [p for p in DESCRIBED if name_of(p) not in OTHERS]

PARTS = {
    "what it is": r"\A# .+\n\n\S",
    "when to use it": r"^\*\*When\.\*\* ",
    "what it needs": r"\*\*Needs\*\*|^## (Needs|Inputs?)\b",
    "code that runs": r"^```python\n",
    "its parameters": r"^## Parameters\n+<!-- params: ",
    "what comes out": r"^\*\*Output\.?\*\*|^## (Output|Measures)\b",
    "what differs": r"^## (Differs|What differs)",
    "what was measured": r"^## Measured",
    "what to cite": r"^## (Cite|Sources)\n\n?\S",
}


@pytest.mark.parametrize("page", DESCRIBED, ids=name_of)
def test_page_has_its_parts(page):
    text = page.read_text(encoding="utf-8")
    missing = [part for part, pattern in PARTS.items() if not re.search(pattern, text, re.MULTILINE)]
    assert not missing, f"{name_of(page)} does not tell {', '.join(missing)}"


def test_a_page_without_a_part_is_seen():
    assert len(DESCRIBED) >= 20
    assert [part for part, pattern in PARTS.items() if not re.search(pattern, "# a\n\nb", re.MULTILINE)] == [*PARTS][1:]
