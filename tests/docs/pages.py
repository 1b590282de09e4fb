"""Pages of the documentation and their blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Every page that is written by hand, the README and the guide for contributors.
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts),
]

#: What a block may be. `text` shows a picture or the text of a rule file, and lists of pages belong to Sphinx.
LANGUAGES = ("python", "bash", "toml", "text", "{toctree}")

#: Why a block may be left out, and how many blocks at most.
REASONS = {
    "needs a graphics card": 2,
    "changes the machine": 3,
    "a drawing": 1,
}

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"<!-- not run: (?P<reason>[^>]*?) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page.

    Attributes
    ----------
    language, text : str
        What stands behind the fence, and what is inside.
    line : int
        Line of its first fence.
    reason : str
        Why it is not run; "" where it is.
    """

    language: str
    text: str
    line: int
    reason: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, top to bottom."""
    content = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(content):
        mark = _MARK.search(content, 0, fence.start())
        line = content.count("\n", 0, fence.start()) + 1
        found.append(Block(fence["language"], fence["text"], line, mark["reason"] if mark else ""))
    return found


def name_of(page: Path) -> str:
    """Name of a page below docs, without its ending."""
    return page.stem if page.parent == ROOT else str(page.relative_to(DOCS).with_suffix(""))


def python_blocks(page: Path) -> list[str]:
    """Return the Python blocks of a page."""
    return [b.text for b in blocks(page) if b.language == "python"]


def commands(block: Block) -> list[str]:
    """Return the lines of a shell block, joined where a backslash ends them and parted at ``&&``."""
    text = re.sub(r"\\\n\s*", " ", block.text)
    lines = [re.sub(r"(^|\s+)#.*", "", line).strip() for line in text.splitlines()]
    return [part.strip() for line in lines for part in line.split("&&") if part.strip()]


def command_lines(page: Path) -> list[str]:
    """Return the commands of murid on a page."""
    lines = [line for b in blocks(page) if b.language == "bash" for line in commands(b)]
    return [line for line in lines if line.startswith("murid ")]
