"""Every example of the command line's reference runs, and leaves what its command is for.

The examples stand in the help of the commands; docs/reference/cli.md is made from it. Each command gets a folder with
the study and the files that its examples name, and runs them from top to bottom.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import murid
from murid import simulate
from murid.data.zones import Zone, Zones
from murid.run.sheet import study_sheet
from tests.docs import given
from tests.docs.pages import DOCS
from tests.docs.test_blocks import run_command

_SECTION = re.compile(r"^## murid (?P<name>\S+)\n.*?^```bash\n(?P<examples>.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = {
    found["name"]: found["examples"].splitlines()
    for found in _SECTION.finditer((DOCS / "reference" / "cli.md").read_text(encoding="utf-8"))
}
#: Commands of the default run: those whose examples take less than about two seconds of CPU together.
CHEAP = {"new", "sheet", "analyses", "cite", "formats", "doctor", "budget"}
#: The study of the tests has seven recordings of 90 s, so the demo and the forest are small too.
SMALLER = {
    "--animals 8 --minutes 3": "--animals 4 --minutes 1",
    "--folds 5": "--folds 2",
    "n_trees=300": "n_trees=10",
    "evaluate S simba jaaba dlcanalyzer mars gbdt": "evaluate S simba gbdt",
}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> Path:
    """Return a folder with the study S with two models and an evaluation."""
    folder = tmp_path_factory.mktemp("examples")
    study = murid.open_study(given.study(folder / "S"))
    with pytest.MonkeyPatch.context() as patch:
        given.small_methods(patch)
        study.fit("gbdt", workers=1)
        study.fit("kmeans", workers=1)
        study.evaluate("gbdt", folds=2, workers=1)
    return folder


def files_of(line: str, folder: Path) -> None:
    """Put the files that an example names into a folder, beside the study; take away what it makes."""
    name = line.split()[1]
    given.pose_files(folder, given.mice()[:2])
    if name == "agreement":
        shutil.rmtree(folder / "S")
        given.study(folder / "S", raters=2)
    if name in ("new", "demo") or (name == "add" and line != "murid add S --sheet animals.csv"):
        shutil.rmtree(folder / "S")
    if name == "sheet":
        (folder / "animals.csv").unlink()
    if name == "export":
        murid.open_study(folder / "S").apply("gbdt", workers=1)
    if name == "films":
        filmed(folder)
    if name == "zones":
        arena = given.arenas_alone(folder / "S")
        if "--file" in line:
            (folder / "zones.json").write_text(arena)
            study = murid.open_study(folder / "S")
            for recording in study.recordings():
                study.add(recording.replace(zones=None), replace=True)
    if line == "murid add S --sheet animals.csv":
        study_sheet(murid.open_study(folder / "S")).to_csv(folder / "animals.csv", index=False)
    elif name == "add":
        files_to_add(line, folder)


def filmed(folder: Path) -> None:
    """Make S a study of filmed animals with motifs and behaviours found in them."""
    shutil.rmtree(folder / "S")
    study = murid.open_study(folder / "S", create=True)
    for recording in given.films(folder):
        study.add(recording)
    for method, model in (("kmeans", "moseq"), ("gbdt", "gbdt")):
        study.fit(method, model=model, workers=1)
        study.apply(model, workers=1)


def files_to_add(line: str, folder: Path) -> None:
    """Put the files that an example of ``murid add`` names into a folder with an empty study."""
    if not (folder / "S").exists():
        murid.Study.create(folder / "S")
    if ".slp" in line:
        film = simulate.recording(duration_s=10, fps=10, px_per_cm=4.0, seed=3, id="m1")
        simulate.video(film, folder / "m1.mp4", seed=3)
        sleap(film, folder / "m1.slp")
        shutil.copy(folder / "photometry" / "m1.csv", folder / "m1_photometry.csv")
    if ".h5" in line:
        read = pd.read_csv(folder / "poses" / "m1.csv", header=[0, 1, 2], index_col=0)
        read.to_hdf(folder / "poses" / "m5.h5", key="df_with_missing")
        square = Zone("arena", [(0, 0), (500, 0), (500, 500), (0, 500)], unit="px", kind="arena")
        (folder / "arena.json").write_text(Zones([square]).to_json())


def sleap(recording: murid.Recording, path: Path) -> None:
    """Write poses of one animal as a SLEAP file."""
    sio = pytest.importorskip("sleap_io")
    names = [str(n) for n in recording.poses["keypoint"].values]
    skeleton, track = sio.Skeleton(names), sio.Track("m1")
    film = sio.Video(filename="m1.mp4", open_backend=False)
    places = recording.poses["position"].values[..., 0].transpose(0, 2, 1)
    frames = [
        sio.LabeledFrame(
            video=film, frame_idx=k, instances=[sio.Instance.from_numpy(xy, skeleton=skeleton, track=track)]
        )
        for k, xy in enumerate(places)
    ]
    sio.Labels(frames).save(str(path))


@pytest.mark.xdist_group("docs")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in CHEAP else [pytest.mark.slow]) for n in EXAMPLES])
def test_examples_run(name, request, tmp_path, monkeypatch):
    given.small_methods(monkeypatch)
    source = given.study_folder() if name in CHEAP else request.getfixturevalue("fitted") / "S"
    for k, line in enumerate(EXAMPLES[name]):
        folder = tmp_path / str(k) / "work"
        shutil.copytree(source, folder / "S")
        shutil.copytree(source, folder.parent / "other_study")
        monkeypatch.chdir(folder)
        files_of(line, folder)
        for whole, less in SMALLER.items():
            line = line.replace(whole, less)
        said = run_command(line)
        if "--json" in line:
            assert isinstance(json.loads(said), dict), line
        else:
            assert said.strip(), line


def test_every_command_has_examples():
    from typer.main import get_command

    from murid.cli.app import app

    assert EXAMPLES.keys() == get_command(app).commands.keys()
