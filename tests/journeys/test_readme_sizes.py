"""The commands of README's block, as they are printed, on a study of two animals."""

import re
from pathlib import Path

import numpy as np
import pytest

from murid import simulate
from murid.io import write_bouts_csv, write_poses_dlc

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.search(r"## Your own files.*?```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
COMMANDS = [c.strip() for line in BLOCK.splitlines() for c in line.split("#")[0].split("&&") if c.strip()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_animals", [2])
def test_commands_work_as_printed(shell, tmp_path, n_animals):
    (tmp_path / "poses").mkdir()
    (tmp_path / "labels").mkdir()
    for k in range(n_animals):
        made = simulate.recording(duration_s=40, fps=24, behaviours=("walk", "rear", "groom"), seed=k)
        write_poses_dlc(made.poses, tmp_path / "poses" / f"m{k}DLC_net.csv")
        write_bouts_csv(made.labels, tmp_path / "labels" / f"m{k}.csv")
    assert [c.split()[1] for c in COMMANDS][:4] == ["new", "add", "check", "assay"]
    for command in COMMANDS:
        if command.startswith("murid neural"):  # "where signals were added"
            continue
        files = " ".join(f"poses/{p.name}" for p in sorted((tmp_path / "poses").iterdir()))
        printed = shell(command.replace("poses/*.csv", files))
        if command.startswith("murid add"):
            assert f"{n_animals} recordings: {n_animals} new" in printed
        if command.startswith("murid evaluate"):
            scores = shell.tables(printed)["per_class"].set_index("behaviour")["f1"]
            assert np.isfinite(scores["macro"])
    assert (tmp_path / "S" / "report.html").stat().st_size > 20_000
