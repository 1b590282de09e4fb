"""A run without a folder, for what writes into runs."""


class Memory:
    """A run that keeps its tables and notes in memory."""

    def __init__(self, **tables):
        self.tables, self.parts, self.summary, self.warnings = tables, {}, {}, []
        self.provenance = {"command": "budget", "params": {"individual": None}}

    def table(self, name, table):
        self.tables[name] = table

    def note(self, **summary):
        self.summary |= summary

    def warn(self, *texts):
        self.warnings += texts
