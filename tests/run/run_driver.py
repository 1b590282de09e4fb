"""A program that does a step of many recordings: killed and interrupted by the tests.

``python run_driver.py STUDY WORKERS WAIT_S``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import run_work as work

from murid.data.study import Study
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step


def main(folder: str, workers: str, wait_s: str) -> None:
    study = Study(folder)
    with Run.start(study, "means", {}) as run:
        steps = [
            Step("mean", work.slow_mean, {"recording": s}, {"wait_s": float(wait_s)}, recording=s.id)
            for s in inputs_of(study, None, ["poses"])
        ]
        table = Step("table", work.table_of, {"parts": steps})
        run.table("means", Runner(study, int(workers), run).values([table])[0])
    print(json.dumps({"run": Path(run.folder).name}))


if __name__ == "__main__":
    main(*sys.argv[1:])
