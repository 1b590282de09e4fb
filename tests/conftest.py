"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no limit of time: a busy machine is no fault of the code.
settings.register_profile("murid", deadline=None, derandomize=True)
settings.load_profile("murid")


def data_folder() -> Path:
    """Where real recordings are looked for: MURID_DATA, or beside the checkout."""
    root = Path(__file__).resolve().parents[1]
    return Path(os.environ.get("MURID_DATA", root.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real recordings (MURID_DATA); the test is skipped where it is missing."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set MURID_DATA)")
    return folder
