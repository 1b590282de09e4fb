"""Which methods there are, by name."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from murid.data.errors import did_you_mean, fail
from murid.methods.base import Method, read_head

#: Name → "module:class" of murid's own methods.
BUILT_IN: dict[str, str] = {
    "gbdt": "murid.methods.supervised.gbdt:Gbdt",
    "dlcanalyzer": "murid.methods.supervised.dlcanalyzer:DlcAnalyzer",
    "jaaba": "murid.methods.supervised.jaaba:Jaaba",
    "kmeans": "murid.methods.motifs.kmeans:KMeans",
    "bsoid": "murid.methods.motifs.bsoid:Bsoid",
    "mars": "murid.methods.supervised.mars:Mars",
    "pyrat": "murid.methods.motifs.pyrat:Pyrat",
    "alphatracker": "murid.methods.motifs.alphatracker:AlphaTracker",
    "motionmapper": "murid.methods.motifs.motionmapper:MotionMapper",
    "rules": "murid.methods.supervised.rules:Rules",
    "simba": "murid.methods.supervised.simba:Simba",
    "moseq": "murid.methods.motifs.moseq:Moseq",
    "syllables": "murid.methods.motifs.syllables:Syllables",
    "dbm": "murid.methods.self_supervised.dbm:Dbm",
    "vame": "murid.methods.self_supervised.vame:Vame",
    "selfee": "murid.methods.self_supervised.selfee:Selfee",
    "behavenet": "murid.methods.self_supervised.behavenet:Behavenet",
}


@cache
def method_names() -> tuple[str, ...]:
    """Names of all methods, murid's own first, then those of installed packages.

    Examples
    --------
    >>> method_names()[:3]
    ('gbdt', 'dlcanalyzer', 'jaaba')
    """
    return (*BUILT_IN, *(e.name for e in entry_points(group="murid.methods") if e.name not in BUILT_IN))


def method_class(name: str) -> type[Method]:
    """Return the class of a method by name.

    Parameters
    ----------
    name : str
        Registered name.

    Raises
    ------
    DataError
        Unknown name; near ones are suggested.

    Examples
    --------
    >>> method_class("gbdt").about.family
    'supervised'
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    for entry in entry_points(group="murid.methods"):
        if entry.name == name:
            return entry.load()
    fail("methods", f"no method '{name}'", todo=did_you_mean(name, method_names()))


def method(name: str, **params: Any) -> Method:
    """Return an unfitted method.

    Parameters
    ----------
    name : str
        Registered name, e.g. ``"gbdt"``.
    **params
        Its parameters; unknown ones and values out of bounds are one clear error.

    Examples
    --------
    >>> method("gbdt", behaviours=("rear",), folds=3)
    Gbdt(behaviours=('rear',), folds=3)
    """
    return method_class(name)(**params)


def load_method(folder: str | Path) -> Method:
    """Read a fitted method from the folder `Method.save` wrote.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    DataError
        No model there, a damaged one, or one of a newer murid.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rules = load_method(method("rules", behaviours=("freezing",)).save(f"{folder}/freezing"))
    >>> rules.name
    'rules'
    """
    return method_class(read_head(Path(folder))["method"]).load(folder)


def methods_table() -> list[dict[str, Any]]:
    """Return one row a method: name, family, title, what it needs, citation.

    Examples
    --------
    >>> sorted({row["family"] for row in methods_table()})
    ['rules', 'self-supervised', 'supervised', 'unsupervised']
    """
    rows = []
    for name in method_names():
        card = method_class(name).card()
        rows.append({k: card[k] for k in ("name", "family", "title", "needs", "cites")})
    return rows
