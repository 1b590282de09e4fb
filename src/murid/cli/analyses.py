"""``murid analyses``: what can be measured; and one command for every analysis that has none of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.analysis import command_of
from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.data.registry import command_word

#: Analyses whose command is written by hand.
_OWN = ("check",)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from murid.data import registry

    for name, entry in registry.BUILT_IN.items():
        if not entry.family and name not in _OWN:
            word = command_word(name)
            add_command(app, f"murid {word} S\nmurid {word} S --params\nmurid {word} S --json")(
                command_of(name, entry.what, compares=entry.compares, states=entry.states)
            )
    for name, point in registry.foreign().items():
        package, word = point.dist.name if point.dist is not None else point.value, command_word(name)
        what = f"An analysis of the package {package}; see: murid analyses {name}."
        add_command(app, f"murid {word} S\nmurid {word} S --params")(command_of(name, what))

    @add_command(app, "murid analyses\nmurid analyses budget\nmurid analyses --json")
    def analyses(
        name: Annotated[str, typer.Argument(metavar="[NAME]", help="One of them, to see what it is.")] = "",
    ) -> Reply:
        """List the analyses; or show one: what it needs, its parameters, its tables."""
        return _card(name) if name and name != "list" else list_of()


def list_of(family: str | None = None) -> Reply:
    """Return the table of analyses, of one family if given."""
    import pandas as pd

    from murid.data.analysis import broken_analyses, find_analysis
    from murid.data.registry import analysis_names

    broken = broken_analyses()
    cards = [find_analysis(name).card() for name in analysis_names() if name not in broken]
    cards = [card for card in cards if family is None or f"murid {family} " in card["command"]]
    rows = [
        {
            "name": card["name"],
            "command": card["command"],
            "what": card["title"],
            "needs": ", ".join([*card["needs"], *filter(None, [" or ".join(card["any_of"])])])
            or ("labels or a model" if card["states"] == "needed" else "-"),
        }
        for card in cards
    ]
    return Reply(
        {"ok": True, "analyses": cards, "broken": broken},
        ["One of them: murid analyses NAME"],
        {"Analyses": pd.DataFrame(rows, columns=["name", "command", "what", "needs"])},
        list(broken.values()),
    )


def _card(name: str) -> Reply:
    import pandas as pd

    from murid.data.analysis import find_analysis

    chosen = find_analysis(name)
    card = chosen.card()
    tables = {f"Parameters of {name}": pd.DataFrame(card["params"])}
    for table in chosen.tables:
        rows = [{"column": n, "unit": c.unit, "what": c.why or c.label} for n, c in table.columns.items()]
        tables[f"Table {table.name}: {table.caption}"] = pd.DataFrame(rows)
    text = [f"{name}: {card['title']}", f"Use: {card['command']}", *(f"cites: {c}" for c in card["cites"])]
    return Reply({"ok": True, **card}, text, tables)
