"""Does memory grow with the number of recordings? Peak memory and time of every command, each in its own process.

Run ``OMP_NUM_THREADS=1 python -m benchmarks.memory [--counts 10 40] [--minutes 5] [--commands fit report]``. Recordings
are open fields of the simulator (13 keypoints, 25 frames/s, labels), two groups; one process each (``-j 1``), so that
the figure is that of the command itself; ``--commands "fit moseq"`` measures any method with its defaults. Memory is
the largest resident set that the system saw (``ru_maxrss``). ``growth``: MB for each recording beyond the smallest
count.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

import murid
from murid import simulate
from murid.data.progress import silent
from murid.methods.registry import method_names

#: Commands in the order in which they can run; names are those of the table.
COMMANDS: dict[str, tuple[str, ...]] = {
    "check": ("check", "-j", "1"),
    "assay": ("assay", "open_field", "-j", "1"),
    "fit": ("fit", "kmeans", "-p", "n_motifs=8", "-p", "replicates=1", "-j", "1"),
    "apply": ("apply", "kmeans", "-j", "1"),
    "report": ("report",),
}


def words_of(command: str) -> tuple[str, ...]:
    """Words of a command of the table, or of ``fit <method>`` with the method's defaults."""
    return COMMANDS.get(command) or (*command.split(), "-j", "1")


def make_study(folder: Path, n_recordings: int, minutes: float) -> None:
    """Write a simulated study of two groups."""
    with silent():
        recordings, _ = simulate.study(-(-n_recordings // 2), duration_s=60 * minutes, fps=25.0, seed=0)
        study = murid.Study.create(folder, "memory")
        for recording in recordings[:n_recordings]:
            study.add(recording)


def measure(words: list[str]) -> tuple[float, float]:
    """Run a command in a process of its own; return its peak memory (MB) and its time (s)."""
    started = time.perf_counter()
    code = "import sys; from murid.cli.app import main; sys.argv = ['murid', *sys.argv[1:]]; main()"
    child = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stderr = ""
    if child.stderr:
        with child.stderr:
            stderr = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"murid {' '.join(words)} ended with {child.returncode}:\n{stderr}")
    return usage.ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1)), time.perf_counter() - started


def table_of(counts: list[int], minutes: float, commands: list[str]) -> pd.DataFrame:
    """Peak memory (MB) of each command at each number of recordings."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="murid_memory_"))
    try:
        for n in counts:
            study = folder / f"S{n}"
            make_study(study, n, minutes)
            for name in commands:
                words = words_of(name)
                mb, seconds = measure([words[0], str(study), *words[1:]])
                rows.append({"command": name, "recordings": n, "MB": round(mb), "seconds": round(seconds, 1)})
                print(rows[-1], flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 40])
    parser.add_argument("--minutes", type=float, default=5.0)
    choices = [*COMMANDS, *(f"fit {name}" for name in method_names())]
    parser.add_argument("--commands", nargs="+", default=[*COMMANDS, "fit gbdt"], choices=choices, metavar="COMMAND")
    asked = parser.parse_args()
    rows = table_of(sorted(asked.counts), asked.minutes, asked.commands)
    wide = rows.pivot(index="command", columns="recordings", values="MB").reindex(asked.commands)
    least, most = min(asked.counts), max(asked.counts)
    wide["growth (MB/recording)"] = ((wide[most] - wide[least]) / max(1, most - least)).round(2)
    print("\nPeak memory, MB")
    print(wide.to_string())


if __name__ == "__main__":
    main()
