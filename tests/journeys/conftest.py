"""A shell for journeys: what a user types, what is printed, and how many commands it took to the first figure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner


@dataclass
class Shell:
    """Runs ``murid ...`` in a folder; every command must end well and without a traceback."""

    folder: Path
    typed: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> str:
        from murid.cli.app import app

        words = shlex.split(line)
        assert words[0] == "murid"
        self.typed.append(line)
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        self.warned = done.stderr
        return done.stdout

    @property
    def to_first_figure(self) -> int:
        """Commands up to the first report, which holds the figures."""
        return 1 + next(k for k, line in enumerate(self.typed) if line.startswith("murid report"))

    def tables(self, printed: str) -> dict[str, pd.DataFrame]:
        """Tables of the run that a command names, by name, read as a spreadsheet does."""
        folder = self.folder / printed.split("Tables (CSV): ")[1].splitlines()[0]
        return {p.stem: pd.read_csv(p) for p in sorted(folder.glob("*.csv"))}


@pytest.fixture
def shell(tmp_path, monkeypatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)
