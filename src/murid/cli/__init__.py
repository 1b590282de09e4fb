"""Command line: ``murid COMMAND``. No analysis lives here; every command calls `murid.run`."""

from __future__ import annotations

from murid.cli.app import main

__all__ = ["main"]
