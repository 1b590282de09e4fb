"""Documentation is true: names and options of its code exist, its links lead somewhere.

That the code runs is tested in `test_blocks`; files named ``my_...`` are the reader's own.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import shlex

import pytest
import typer

from tests.docs.pages import PAGES, command_lines, name_of, python_blocks

WITH_CODE = [p for p in PAGES if python_blocks(p)]
WITH_COMMANDS = [p for p in PAGES if command_lines(p)]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_names_and_keywords_exist(page):
    """What a block imports or reads below ``murid`` exists, and every call of it takes the keywords given."""
    for number, block in enumerate(python_blocks(page), 1):
        tree = ast.parse(block, f"{page.name}, block {number}")
        known = imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (found := resolved(node, known)) is MISSING:
                pytest.fail(f"{page.name}: {ast.unparse(node)} does not exist")
            if isinstance(node, ast.Call) and callable(found := resolved(node.func, known)):
                check_call(page.name, node, found)


MISSING = object()


def imported(tree: ast.Module) -> dict[str, object]:
    """Names that the block imports from murid, and what they are."""
    known: dict[str, object] = {"murid": importlib.import_module("murid")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "murid":
                    importlib.import_module(alias.name)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "murid":
            module = importlib.import_module(node.module)
            for alias in node.names:
                value = getattr(module, alias.name, MISSING)
                if value is MISSING:
                    value = importlib.import_module(f"{node.module}.{alias.name}")
                known[alias.asname or alias.name] = value
    return known


def resolved(node: ast.expr, known: dict[str, object]) -> object:
    """What a chain of names is; None where it does not begin with murid, `MISSING` where it ends in nothing."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolved(node.value, known)
        if inspect.ismodule(owner) or inspect.isclass(owner):
            return getattr(owner, node.attr, MISSING)
    return None


def check_call(where: str, node: ast.Call, target: object) -> None:
    """Fail where a call gives keywords that its target does not take."""
    keywords = {k.arg for k in node.keywords if k.arg}
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    free = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    unknown = set() if free else keywords - set(signature.parameters)
    assert not unknown, f"{where}: {ast.unparse(node.func)} does not take {sorted(unknown)}"
    if getattr(target, "__name__", "") == "method" and node.args and isinstance(node.args[0], ast.Constant):
        import murid

        given = {k.arg: k.value for k in node.keywords if k.arg}
        whole = all(k.arg for k in node.keywords)
        plain = whole and all(is_plain(v) and not str(ast.literal_eval(v)).startswith("my_") for v in given.values())
        if plain:
            murid.method(node.args[0].value, **{k: ast.literal_eval(v) for k, v in given.items()})
        else:
            unknown = set(given) - set(murid.methods.method_class(node.args[0].value).Params.model_fields)
            assert not unknown, f"{where}: {node.args[0].value} has no parameter {sorted(unknown)}"


def is_plain(node: ast.expr) -> bool:
    """True for a value written out."""
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_and_options_exist(page):
    """Every printed command is one of murid's, and takes the options that it is given."""
    from murid.cli.app import app

    root = typer.main.get_command(app)
    for line in command_lines(page):
        words = shlex.split(re.sub(r"\s[\[<].*?[\]>]", " ", line.partition(" #")[0]), comments=True)[1:]
        command, context = root, root.make_context("murid", ["doctor"], resilient_parsing=True)
        while hasattr(command, "get_command") and words and not words[0].startswith("-"):
            inner = command.get_command(context, words[0])
            assert inner is not None, f"{page.name}: no command '{words[0]}' in: {line}"
            command, words = inner, words[1:]
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "--version"}
        unknown = [w for w in words if re.match(r"--?[a-zA-Z]", w) and w.partition("=")[0] not in options]
        assert not unknown, f"{page.name}: {unknown} in: {line}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    generated = ("api/", "gallery/")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(generated):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_blocks_use_no_name_that_hides_a_builtin():
    hidden = {
        f"{page.name}: {node.id}"
        for page in WITH_CODE
        for block in python_blocks(page)
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in set(dir(builtins)) - {"_"}
    }
    assert not hidden
