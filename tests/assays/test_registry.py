"""Every paradigm has a page."""

from pathlib import Path

import pytest

from murid.assays import PARADIGMS, assay_params

DOCS = Path(__file__).parents[2] / "docs" / "paradigms"


@pytest.mark.parametrize("name", PARADIGMS)
def test_page_names_every_parameter(name):
    page = (DOCS / f"{name}.md").read_text()
    for row in assay_params(name).table():
        assert f"`{row['name']}`" in page
        assert row["why"] or row["name"] == "clean"
