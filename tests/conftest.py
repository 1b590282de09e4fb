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


#: Tests that take minutes begin first, so that no worker is left alone with them while the others have nothing to do.
LONGEST = (
    "tests/stats/test_error_rates.py",
    "tests/test_kernels.py",
    "tests/run/test_race.py",
    "tests/journeys",
    "tests/methods",
    "tests/docs",
    "tests/run",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests: the longest first, each file as it is."""
    root = Path(__file__).resolve().parents[1]

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(root).as_posix() if item.path.is_relative_to(root) else ""
        return next((k for k, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))

    items.sort(key=place)
