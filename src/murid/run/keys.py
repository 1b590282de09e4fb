"""Fingerprints: of parameters, of files and of code. Same fingerprint, same result.

A step is redone when any of three changed: what it was given, its parameters, or the code that
does it. The first two are hashed as they are; the third is the source of the function's module and
of every murid module it imports, directly or through others.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from murid.data.json_values import to_plain

#: Files longer than this (videos) are recognised by length, time of change and both ends.
WHOLE_FILE_BYTES = 256 * 2**20
_END_BYTES = 2**20


def digest(value: Any) -> str:
    """Return 32 hex digits for a plain value: the same for the same content, on any machine.

    Parameters
    ----------
    value
        Numbers, text, None, lists, tuples, sets, mappings, numpy scalars and arrays, paths and
        `Params`, nested at will.

    Raises
    ------
    DataError
        For anything else: an object whose content cannot be seen has no fingerprint.
    """
    text = json.dumps(to_plain(value, nonfinite="text", name="step"), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def file_digest(path: str | Path) -> str:
    """Return the fingerprint of a file's content, or of a folder's files and their names.

    Files over `WHOLE_FILE_BYTES` are not read through: length, time of change, first and last
    megabyte stand for them.
    """
    path = Path(path)
    if path.is_dir():
        parts = {p.relative_to(path).as_posix(): file_digest(p) for p in sorted(path.rglob("*")) if p.is_file()}
        return digest(parts)
    info = path.stat()
    return _file_digest(str(path.resolve()), info.st_size, info.st_mtime_ns)


def film_digest(path: str | Path) -> str:
    """Return the fingerprint of a film: its length and both ends; neither its name nor its age counts."""
    path = Path(path)
    size = path.stat().st_size
    hasher = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as handle:
        hasher.update(handle.read(_END_BYTES))
        if size > _END_BYTES:
            handle.seek(-_END_BYTES, 2)
            hasher.update(handle.read(_END_BYTES))
    return hasher.hexdigest()


@lru_cache(maxsize=4096)
def _file_digest(path: str, size: int, changed_ns: int) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as handle:
        if size <= WHOLE_FILE_BYTES:
            while chunk := handle.read(_END_BYTES):
                hasher.update(chunk)
        else:
            hasher.update(f"{size} {changed_ns}".encode())
            hasher.update(handle.read(_END_BYTES))
            handle.seek(-_END_BYTES, 2)
            hasher.update(handle.read(_END_BYTES))
    return hasher.hexdigest()


@lru_cache(maxsize=256)
def code_version(*modules: str) -> str:
    """Return the fingerprint of the source of `modules` and of all they import of their own package.

    Imports are read from the source, also those inside functions. A package that is imported counts
    with all its files, since packages look names up lazily. The runner itself does not count: it
    moves results, it does not make them. No version counts, neither murid's (two builds of one source are one)
    nor that of a library; they are written down beside each result.
    """
    sources: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in sources or (name not in modules and _is_runner(name)):
            continue
        path = _source_of(name)
        if path is None:
            continue
        text = path.read_bytes()
        sources[name] = hashlib.blake2b(text, digest_size=16).hexdigest()
        root = name.partition(".")[0]
        waiting += [n for n in _imports(path, name) if n.partition(".")[0] in (root, "murid")]
        if path.name == "__init__.py" and "." in name:
            waiting += [f"{name}.{p.stem}" for p in path.parent.glob("*.py") if p.stem != "__init__"]
    return digest(sources)


def _is_runner(name: str) -> bool:
    return name == "murid" or name.startswith(("murid.run", "murid.cli"))


@lru_cache(maxsize=2048)
def _source_of(name: str) -> Path | None:
    """Path of a module's source file, or None when there is none (compiled, missing, built in, or no module).

    Looking for a module below another imports that one. So what stands inside a module that is no package is not looked
    for: it would load torch to learn that a function of a network is none.
    """
    above = _source_of(name.rpartition(".")[0]) if "." in name else None
    if above is not None and above.name != "__init__.py":
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


@lru_cache(maxsize=2048)
def _imports(path: Path, name: str) -> frozenset[str]:
    """Absolute names of the modules that the source at `path` imports."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            # A name may be a module of its own, or something inside `base`; `_source_of` sorts it out.
            modules.add(base)
            modules.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(modules)
