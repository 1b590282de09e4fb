"""The reference page says what the code does."""

from __future__ import annotations

from pathlib import Path

from murid.features.reference import markdown


def test_the_page_is_in_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "features.md"
    assert page.read_text() == markdown(), "run: python -m murid.features.reference > docs/reference/features.md"


def test_importing_features_is_light() -> None:
    import subprocess
    import sys

    code = "import murid.features, sys; print(sum(m in sys.modules for m in ('numba', 'scipy', 'sklearn', 'torch')))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "0"
    )
