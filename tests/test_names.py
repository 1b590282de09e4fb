"""One name, one thing: no two public objects of one name, no hidden module, no name that says nothing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import murid

#: Repeated names that are an interface, the files that implement it (below src/murid), and why they share the name.
INTERFACES = {
    "make": ("report/sections/", "every section of the report is made by its `make(context)`"),
    "register": ("cli/", "every command is put on the command line by its `register(app)`"),
}

#: Words that say nothing of what they hold.
EMPTY_WORDS = frozenset({"found", "told", "said", "mine", "who", "here", "again", "thing", "things", "stuff"})

#: Names of files that leave open what is inside. `base` is one too, but for the base class of a room's methods.
EMPTY_FILES = frozenset(
    {
        "align",
        "base",
        "bits",
        "common",
        "comparing",
        "contract",
        "cuts",
        "dots",
        "even",
        "extras",
        "fitted",
        "glance",
        "heat",
        "helpers",
        "html",
        "learning",
        "match",
        "misc",
        "order",
        "owner",
        "pairing",
        "pairs",
        "parts",
        "plain",
        "points",
        "reading",
        "replies",
        "rest",
        "rows",
        "shown",
        "stuff",
        "things",
        "tools",
        "util",
        "utils",
        "various",
        "vintage",
        "words",
    }
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(root: Path) -> Iterator[tuple[Path, Definition]]:
    """Top-level functions and classes without underscore, with the file that defines them."""
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, Definition) and not node.name.startswith("_"):
                yield path.relative_to(root), node


def namesakes(root: Path) -> dict[str, list[str]]:
    """Name → files, for public objects that share their name and are no interface."""
    files = defaultdict(list)
    for path, node in public_definitions(root):
        files[node.name].append(path.as_posix())
    return {
        name: paths
        for name, paths in files.items()
        if len(paths) > 1 and not (name in INTERFACES and all(p.startswith(INTERFACES[name][0]) for p in paths))
    }


def offered(package: Path) -> set[str]:
    """Names that a package offers besides its modules: imported or defined in its ``__init__``, stub included."""
    names: set[str] = set()
    for path in (package / "__init__.py", package / "__init__.pyi"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ():
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, Definition):
                names.add(node.name)
    return names


def hidden_modules(root: Path) -> list[str]:
    """Modules that cannot be reached as an attribute, because their package offers an object of that name."""
    hidden = []
    for init in sorted(root.rglob("__init__.py")):
        package = init.parent
        modules = {p.stem for p in package.glob("*.py")} | {p.parent.name for p in package.glob("*/__init__.py")}
        hidden += [(package / name).relative_to(root).as_posix() for name in sorted(offered(package) & modules)]
    return hidden


def empty_names(root: Path) -> list[str]:
    """Variables, arguments and definitions called by a word that says nothing, as ``file:line name``."""
    faults = []
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                name, line = node.id, node.lineno
            elif isinstance(node, ast.arg):
                name, line = node.arg, node.lineno
            elif isinstance(node, Definition):
                name, line = node.name, node.lineno
            else:
                continue
            if name in EMPTY_WORDS:
                faults.append(f"{path.relative_to(root).as_posix()}:{line} {name}")
    return faults


def bases(root: Path) -> set[str]:
    """Names of the classes that some class of the tree is made from."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py")))
    classes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return {ast.unparse(base).split("[")[0].split(".")[-1] for node in classes for base in node.bases}


def empty_files(root: Path) -> list[str]:
    """Files called by a word that leaves open what is inside; a base class's file may be called `base`."""
    parents = bases(root)
    defined = defaultdict(set)
    for path, node in public_definitions(root):
        if isinstance(node, ast.ClassDef):
            defined[path.as_posix()].add(node.name)
    faults = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        is_base = path.stem == "base" and bool(defined[name] & parents)
        if path.stem.strip("_") in EMPTY_FILES and not is_base:
            faults.append(name)
    return faults


SOURCE = Path(murid.__file__).parent


def test_a_public_name_means_one_thing():
    assert namesakes(SOURCE) == {}


def test_no_object_hides_a_module():
    assert hidden_modules(SOURCE) == []


def test_names_say_what_they_hold():
    assert empty_names(SOURCE) == []


def test_files_say_what_is_inside():
    assert empty_files(SOURCE) == []


def test_every_interface_is_one():
    files = defaultdict(list)
    for path, node in public_definitions(SOURCE):
        files[node.name].append(path)
    assert [name for name in INTERFACES if len(files[name]) < 2] == []


def small_tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_checks_notice_an_offence(tmp_path):
    root = small_tree(
        tmp_path,
        INIT="",
        a__INIT="from a.tuning import tuning\n",
        a__tuning="def tuning(): ...\ndef align(): ...\n",
        b__align="def align(found, *, here=0):\n    mine = [who for who in found]\n    return mine\nclass Pair: ...\n",
        b__INIT="",
    )
    assert namesakes(root) == {"align": ["a/tuning.py", "b/align.py"]}
    assert hidden_modules(root) == ["a/tuning"]
    assert sorted(fault.split()[1] for fault in empty_names(root)) == ["found", "here", "mine", "who"]


def test_an_interface_excuses_only_the_files_that_implement_it(tmp_path):
    section = "def make(context): ...\n"
    root = small_tree(tmp_path, report__sections__a=section, report__sections__b=section, cli__c="def run(): ...\n")
    assert namesakes(root) == {}
    assert namesakes(small_tree(root, neural__d=section)).keys() == {"make"}


def test_the_check_of_file_names_notices_an_offence(tmp_path):
    root = small_tree(
        tmp_path,
        a__words="",
        a___parts="",
        a__base="class Animal: ...\n",
        a__mouse="from a.base import Animal\nclass Mouse(Animal): ...\n",
        b__base="class Result: ...\n",
        b__sentences="",
    )
    assert empty_files(root) == ["a/_parts.py", "a/words.py", "b/base.py"]
