"""Tables of the commands that are no analyses: declared once, beside the code that makes them.

A run checks a table against its declaration when it is written and puts its units into the CSV; the report and the
commands read it by the same declaration. Modules are named here and not imported: they lie on floors above.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from murid.data.tables import Table

#: Command → modules that declare its tables, each in a tuple ``TABLES``.
MODULES: dict[str, tuple[str, ...]] = {
    "apply": ("murid.ethogram.bouts", "murid.run.apply"),
    "check": ("murid.prepare.quality_analysis",),
    "compare-motifs": ("murid.methods.motifs.comparison_tables",),
    "evaluate": ("murid.evaluate.evaluation_tables", "murid.ethogram.bouts", "murid.run.apply"),
    "explain": ("murid.methods.supervised.explain_tables",),
    "films": ("murid.run.films",),
    "label_queue": ("murid.methods.supervised.queue_tables",),
}

#: Modules with tables that several commands write.
SHARED: tuple[str, ...] = ("murid.stats.group_tables", "murid.run.failures")


@cache
def command_tables(command: str) -> tuple[Table, ...]:
    """Return the declared tables of a command, and those that it shares with others.

    A table whose name ends with ``*`` declares all tables that begin so: ``confusion_*``, one a method.

    Examples
    --------
    >>> command_tables("no such command") == command_tables("nor this")
    True
    """
    modules = (*MODULES.get(command, ()), *SHARED)
    return tuple(table for module in modules for table in import_module(module).TABLES)


def declared_table(command: str, name: str) -> Table | None:
    """Return the declaration of one table of a command, or None where there is none."""
    tables = command_tables(command)
    for table in tables:
        if table.name == name:
            return table
    return next((t for t in tables if t.name.endswith("*") and name.startswith(t.name[:-1])), None)


__all__ = ["MODULES", "SHARED", "command_tables", "declared_table"]
