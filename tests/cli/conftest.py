"""A small study, and a way to run commands as a shell would."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import run_work as work
from typer.testing import CliRunner


@pytest.fixture
def murid():
    """Run ``murid ...`` in this process; ``.json`` is stdout parsed."""
    from murid.cli.app import app

    def run(*words: object, expect: int = 0):
        found = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
        assert found.exit_code == expect, f"{found.exit_code}\n{found.stdout}\n{found.stderr}"
        data = json.loads(found.stdout) if "--json" in words else None
        return SimpleNamespace(out=found.stdout, err=found.stderr, json=data)

    return run


@pytest.fixture(scope="session")
def labelled(tmp_path_factory):
    """A labelled study; not to be written to."""
    return work.labelled_study(tmp_path_factory.mktemp("cli") / "study").folder


@pytest.fixture
def study(labelled, tmp_path):
    """A copy of it, for one test."""
    import shutil

    shutil.copytree(labelled, tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def tiny(monkeypatch):
    """Register the method of `run_tiny`."""
    from murid.methods import registry

    monkeypatch.setitem(registry.BUILT_IN, "tiny", "run_tiny:Tiny")
    registry.method_names.cache_clear()
    yield
    registry.method_names.cache_clear()


@pytest.fixture
def pose_files(tmp_path):
    """Three DeepLabCut-like files and the labels of two of them."""
    import numpy as np

    (tmp_path / "poses").mkdir()
    (tmp_path / "labels").mkdir()
    head = "scorer,D,D,D,D,D,D\nbodyparts,nose,nose,nose,tail_base,tail_base,tail_base\n"
    head += "coords,x,y,likelihood,x,y,likelihood\n"
    for k in (1, 2, 11):
        rng = np.random.default_rng(k)
        rows = "".join(
            f"{i},{x:.2f},{y:.2f},0.99,{x + 20:.2f},{y:.2f},0.98\n"
            for i, (x, y) in enumerate(200 + rng.normal(0, 2, (240, 2)).cumsum(0))
        )
        (tmp_path / "poses" / f"{k}DLC_resnet50_x_filtered.csv").write_text(head + rows)
        if k != 2:
            (tmp_path / "labels" / f"{k}_annot.csv").write_text("start_s,stop_s,label\n1.0,2.0,rear\n4.0,5.5,groom\n")
    return tmp_path
