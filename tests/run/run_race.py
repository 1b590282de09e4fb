"""What four processes do to one study at once: add, edit labels, analyse, report. Started by `test_race`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import run_work as work

from murid.data.recording import Recording
from murid.data.study import Study
from murid.run import build_report, check_study, run_analysis
from murid.run.add import add_files

FPS = 20.0


def write_poses(path: Path, seed: int) -> Path:
    """A file of DeepLabCut, as small as can be."""
    xy = work.small_poses(seed)["position"].values[:, :, :, 0]
    head = "scorer,D,D,D,D,D,D\nbodyparts,nose,nose,nose,tail_base,tail_base,tail_base\n"
    head += "coords,x,y,likelihood,x,y,likelihood\n"
    rows = "".join(f"{i},{p[0, 0]:.2f},{p[1, 0]:.2f},0.99,{p[0, 1]:.2f},{p[1, 1]:.2f},0.98\n" for i, p in enumerate(xy))
    path.write_text(head + rows)
    return path


def add(folder: Path, k: int) -> None:
    """A new recording, and other poses for the one whose labels are being edited."""
    Study(folder).add(Recording(f"new{k}", poses=work.small_poses(k, n=20), animal=f"b{k}", group="xy"[k % 2]))
    poses = write_poses(folder.parent / "poses" / "r0.csv", k)
    add_files(Study(folder), poses, fps=FPS, replace=True)


def edit(folder: Path, k: int) -> None:
    """Append one bout to a journal, as an editor does; and the animal of a recording through the study."""
    line = {"op": "add", "start_s": 0.01 * k, "stop_s": 0.01 * k + 0.005, "label": "rear", "individual": "all"}
    while True:
        try:
            journal = next((folder / "data" / "r0" / "labels").glob("*.jsonl"))
            with journal.open("r+") as handle:  # never a new file in a folder that is being swapped
                handle.seek(0, 2)
                handle.write(json.dumps({**line, "rater": "me", "stream": "", "source": "", "score": None}) + "\n")
        except (OSError, StopIteration):
            time.sleep(0.001)
        else:
            break
    import pandas as pd

    Study(folder).update(pd.DataFrame({"id": ["r1"], "column": ["note"], "now": [str(k)]}))


def analyse(folder: Path, k: int) -> None:
    """Two runs, the second of which another process does at the same time."""
    run_analysis(Study(folder), "budget", {"start_s": 0.001 * k}, ids=["r0", "r1"], compare=None)
    check_study(Study(folder), ["r1"])


def report(folder: Path, k: int) -> None:
    """The page of the study, and a run beside it."""
    build_report(Study(folder), "budget")
    check_study(Study(folder), ["r1"])


ROLES = {"add": add, "edit": edit, "analyse": analyse, "report": report}


def main(folder: str, role: str, rounds: int) -> None:
    """Do one role, round by round; all four begin each round together."""
    study = Path(folder)
    for k in range(rounds):
        (study.parent / f"{role}.{k}").touch()
        while not all((study.parent / f"{other}.{k}").exists() for other in ROLES):
            time.sleep(0.0005)
        ROLES[role](study, k)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
