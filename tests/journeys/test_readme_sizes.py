"""The commands of README's block, as they are printed, on studies of 2, 5 and 12 animals, with and without signals."""

import re
from pathlib import Path

import numpy as np
import pytest

from murid import simulate
from murid.data.recording import Recording
from murid.io import write_bouts_csv, write_poses_dlc

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.search(r"## Your own files.*?```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
COMMANDS = [c.strip() for line in BLOCK.splitlines() for c in line.split("#")[0].split("&&") if c.strip()]
N_UNITS = 3


def write_files(folder: Path, n_animals: int, duration_s: float, signals: bool) -> None:
    """Put poses, labels and perhaps signals of simulated animals where README's commands look for them."""
    for name in ("poses", "labels", *(["photometry"] if signals else [])):
        (folder / name).mkdir()
    for k in range(n_animals):
        made = simulate.recording(duration_s=duration_s, fps=24, behaviours=("walk", "rear", "groom"), seed=k)
        write_poses_dlc(made.poses, folder / "poses" / f"m{k}DLC_net.csv")
        write_bouts_csv(made.labels, folder / "labels" / f"m{k}.csv")
        if signals:
            write_signal(made, folder / "photometry" / f"m{k}.csv", k)


def write_signal(recording: Recording, path: Path, seed: int) -> None:
    """Write the signals of units, one of which follows grooming."""
    states = simulate.true_states(recording)
    traces = simulate.units(states, n_units=N_UNITS, tuned={"groom": 1}, rate_hz=10, seed=seed)[0]
    traces.to_pandas().rename_axis("time_s").to_csv(path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("n_animals", "duration_s", "signals"),
    [(2, 40, False), (2, 40, True), (5, 20, True), (12, 20, True)],
    ids=["2_without_signals", "2", "5", "12"],
)
def test_commands_work_as_printed(shell, tmp_path, n_animals, duration_s, signals):
    write_files(tmp_path, n_animals, duration_s, signals)
    assert [c.split()[1] for c in COMMANDS][:4] == ["new", "add", "check", "assay"]
    for command in COMMANDS:
        if not signals and command.startswith("murid neural"):  # "where signals were added"
            continue
        files = " ".join(f"poses/{p.name}" for p in sorted((tmp_path / "poses").iterdir()))
        typed = command.replace("poses/*.csv", files)
        printed = shell(typed if signals else typed.replace("--traces photometry/ ", ""))
        look_at(command.split()[1], printed, shell, n_animals)
    page = (tmp_path / "S" / "report.html").read_text(encoding="utf-8")
    assert len(page) > 20_000
    assert all(f"m{k}" in page for k in range(n_animals))


def look_at(command: str, printed: str, shell, n_animals: int) -> None:
    """Check what a command found on so many animals."""
    if command == "add":
        assert f"{n_animals} recordings: {n_animals} new" in printed
    if command == "evaluate":
        scores = shell.tables(printed)["per_class"].set_index("behaviour")["f1"]
        assert np.isfinite(scores["macro"])
        # From two animals one trains and one is scored: a number, but no interval and no promise.
        assert n_animals < 5 or scores["macro"] > 0.6
        assert ("no interval: fewer than five animals" in printed) == (n_animals < 5)
    if command == "neural":
        assert f"{n_animals} recordings." in printed
        assert f"; {N_UNITS * n_animals} in all." in printed
