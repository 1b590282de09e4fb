"""What to cite for a study: murid, and the papers of the methods and analyses that its runs used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from murid import __version__
from murid.data.analysis import find_analysis
from murid.data.errors import MuridError
from murid.data.study import Study
from murid.run.runs import runs_of

#: ``Author A. & Author B. (2021) Title. Journal 1:2``, as cards write it.
_FULL = re.compile(r"^(?P<authors>.+?) \((?P<year>\d{4})\) (?P<title>.+?[.?!]) (?P<journal>.+)$")
_YEAR = re.compile(r"(1[89]|20)\d{2}")


@dataclass(frozen=True)
class Reference:
    """One paper, and what of the study rests on it.

    Attributes
    ----------
    text : str
        As the card writes it.
    used_for : tuple of str
        Methods and analyses.
    """

    text: str
    used_for: tuple[str, ...]

    @property
    def key(self) -> str:
        """First author and year: ``Hsu2021``."""
        name = re.sub(r"[^A-Za-z]", "", self.text.split()[0]) or "Paper"
        year = _YEAR.search(self.text)
        return f"{name}{year[0] if year else ''}"

    def bibtex(self, key: str = "") -> str:
        """Return the entry as BibTeX."""
        full = _FULL.match(self.text)
        note = f"used for {', '.join(self.used_for)}"
        if full is None:
            fields = {"title": self.text, "note": note}
        else:
            authors = re.sub(r"\s*&\s*", " and ", full["authors"]).replace(" et al.", " and others")
            authors = re.sub(r"(?<=\.), (?=[A-Z])", " and ", authors)
            title = full["title"].rstrip(".")
            fields = {"author": authors, "year": full["year"], "title": f"{{{title}}}", "journal": full["journal"]}
            fields["note"] = note
        kind = "misc" if full is None else "article"
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@{kind}{{{key or self.key},", *lines, "}"])


def references(study: Study) -> list[Reference]:
    """Return what to cite for a study, murid first.

    Counted are the complete runs: the methods that were fitted, applied, evaluated and compared, and the analyses.
    """
    used: dict[str, list[str]] = {}
    for name, cites in _used(study).items():
        for text in cites:
            used.setdefault(text, []).append(name)
    own = Reference(f"The murid developers (2026) murid: behaviour of rodents. Version {__version__}", ("all of it",))
    return [own, *(Reference(text, tuple(names)) for text, names in used.items())]


def bibliography(study: Study) -> str:
    """Return the references of a study as BibTeX, each with a key of its own."""
    entries, keys = [], set()
    for reference in references(study):
        key, n = reference.key, 0
        while key in keys:
            n += 1
            key = f"{reference.key}{chr(ord('a') + n)}"
        keys.add(key)
        entries.append(reference.bibtex(key))
    return "\n\n".join(entries) + "\n"


def _used(study: Study) -> dict[str, tuple[str, ...]]:
    """Methods and analyses of the runs of a study → what they cite; those that are gone are left out."""
    from murid.methods import method_class

    cites: dict[str, tuple[str, ...]] = {}
    for run in runs_of(study):
        for name in _methods_of(run.summary, run.provenance.get("params", {})):
            try:
                cites[name] = tuple(method_class(name).about.cites)
            except MuridError:
                continue
        analysis = run.summary.get("analysis")
        if analysis:
            try:
                cites[str(analysis)] = find_analysis(str(analysis)).cites
            except MuridError:
                continue
    return cites


def _methods_of(summary: dict[str, Any], params: dict[str, Any]) -> list[str]:
    several = summary.get("methods") or params.get("methods") or []
    return [*map(str, several), *([str(summary["method"])] if summary.get("method") else [])]
