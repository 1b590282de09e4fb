"""The gallery is the page of every figure: each is drawn there, and looks as it did."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

import murid.plot
from tests.plot.pictures import picture

GALLERY = sorted((Path(__file__).parents[2] / "docs" / "gallery").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", [pytest.param(p, id=p.stem) for p in GALLERY])
@picture
def test_script(script):
    mpl.use("Agg")
    pyplot.close("all")
    return runpy.run_path(str(script))["figure"]


def test_every_figure_has_a_script():
    drawn = {name for p in GALLERY for name in re.findall(r"murid\.plot\.(\w+)\(", p.read_text(encoding="utf-8"))}
    assert drawn == set(murid.plot.__all__)
