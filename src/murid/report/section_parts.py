"""What a section is made of. Plain values; nothing here knows HTML or matplotlib's back ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

Kind = Literal["text", "note", "warning", "finding"]


@dataclass(frozen=True)
class Words:
    """A paragraph.

    Parameters
    ----------
    text : str
        Plain text; it is escaped.
    kind : {"text", "note", "warning", "finding"}
        How loud it is.
    """

    text: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Listing:
    """A bulleted list of plain-text lines, with an optional title; folded away when asked for."""

    lines: tuple[str, ...]
    title: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure with what can and what cannot be concluded from it.

    Parameters
    ----------
    figure : Figure
    title : str
        What it shows.
    caption : str
        How to read it and what may be concluded.
    alt : str
        The figure in words, for people who cannot see it.
    data : DataFrame, optional
        The numbers drawn, offered as CSV.
    """

    figure: Figure
    title: str
    caption: str
    alt: str
    data: pd.DataFrame | None = None


@dataclass(frozen=True)
class ReportTable:
    """A table with readable numbers; the CSV beside it holds all rows and digits.

    Parameters
    ----------
    data : DataFrame
        Shown columns first to last.
    title, caption : str
    headings : mapping of str to str
        Column → heading with unit; other columns keep their name.
    limit : int
        Rows shown; the rest is in the CSV.
    folded : bool
        Show it only when asked for.
    full : DataFrame, optional
        What the CSV holds when it is more than `data`.
    """

    data: pd.DataFrame
    title: str
    caption: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)
    limit: int = 40
    folded: bool = False
    full: pd.DataFrame | None = None


@dataclass(frozen=True)
class Links:
    """Files beside the page, such as films: pairs of (what it shows, file). The page names them relative to itself."""

    files: tuple[tuple[str, Path], ...]
    title: str
    caption: str = ""


@dataclass(frozen=True)
class Facts:
    """Headline numbers: pairs of (value, what it is)."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """Preformatted text, folded away under a title."""

    text: str
    title: str


Part = Words | Listing | Picture | ReportTable | Links | Facts | Code


@dataclass
class Section:
    """A chapter of the report.

    Attributes
    ----------
    id : str
        Anchor.
    title, lead : str
        Heading, and one or two sentences on what the chapter answers.
    parts : list
    findings : list of str
        Sentences for "what was found" at the top.
    """

    id: str
    title: str
    lead: str = ""
    parts: list[Part] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def add(self, *parts: Part | None) -> None:
        """Add parts; None is left out."""
        self.parts += [p for p in parts if p is not None]
