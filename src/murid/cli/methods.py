"""``murid methods``: which methods are there, what is one, does it keep the contract?"""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.data.errors import fail


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid methods\nmurid methods gbdt\nmurid methods check gbdt")
    def methods(
        words: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[NAME | check NAME]", help="A method; or 'check' and a method.", show_default=False
            ),
        ] = None,
    ) -> Reply:
        """List the methods; show the card of one; or check that one keeps the contract of all methods."""
        words = words or []
        if not words or words == ["list"]:
            return _table()
        if words[0] != "check" and len(words) == 1:
            return _card(words[0])
        if words[0] == "check" and len(words) == 2:
            return _contract(words[1])
        fail(
            "methods", f"cannot read '{' '.join(words)}'", expected="murid methods [NAME], or murid methods check NAME"
        )


def _table() -> Reply:
    import pandas as pd

    from murid.methods import methods_table

    rows = methods_table()
    shown = pd.DataFrame([{**r, "needs": ", ".join(r["needs"]), "cites": "; ".join(r["cites"])} for r in rows])
    return Reply({"ok": True, "methods": rows}, ["One of them: murid methods NAME"], {"Methods": shown})


def _card(name: str) -> Reply:
    import pandas as pd

    from murid.methods import method_class

    card = method_class(name).card()
    text = [
        f"{name}: {card['title']} ({card['family']}; needs {', '.join(card['needs'])})",
        *(f"cites: {c}" for c in card["cites"]),
        *(f"differs: {d}" for d in card["differs"]),
        f"Use: murid fit STUDY {name} -p KEY=VALUE",
    ]
    return Reply({"ok": True, **card}, text, {f"Parameters of {name}": pd.DataFrame(card["params"])})


def _contract(name: str) -> Reply:
    from murid.run.method_contract import check_method

    table = check_method(name)
    failed = table[table["result"] == "failed"]
    kept, unchecked = ((table["result"] == result).sum() for result in ("kept", "not checked"))
    text = f"{name}: {kept} of {kept + len(failed)} promises kept."
    text += f" Not checked: {unchecked}." if unchecked else ""
    rows = table.to_dict("records")
    return Reply(
        {"ok": failed.empty, "method": name, "checks": rows}, [text], {"Contract": table}, code=int(len(failed) > 0)
    )
