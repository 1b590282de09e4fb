"""Pages of the documentation, their code, and what a reader is expected to have before it runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Every page of the site that is written by hand, and the README.
PAGES = [ROOT / "README.md", *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)]
#: Pages that run as they are, from an empty folder.
COMPLETE = [p for p in PAGES if p.parent.name in ("tutorials", "how-to")]

_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
_FENCED = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)

_STUDY = """
import murid
from murid import simulate
recordings, _ = simulate.study(2, duration_s=60.0, fps=10.0, seed=3)
recording = recordings[0]
states = simulate.true_states(recording)
"""
_SIGNAL = """
traces, _ = simulate.units(states, n_units=4, tuned={"rear": 2}, seed=1)
recording = recording.replace(traces=traces)
"""

#: Page → what its first block starts from: the reader's own recordings, here small simulated ones.
GIVEN = {
    "background/evaluation": _STUDY
    + """
test = recordings
predictions = {r.id: simulate.true_states(r) for r in test}
""",
    "background/cleaning": """
from murid import simulate
from murid.data.poses import keypoint_names
recording = simulate.recording(duration_s=20.0, fps=10.0, n_animals=2, seed=1)
poses = recording.poses
poses.attrs.pop("px_per_cm", None)
corners = keypoint_names(poses)[:2]
poses = poses.assign_coords(
    keypoint=[{corners[0]: "corner_tl", corners[1]: "corner_tr"}.get(k, k) for k in keypoint_names(poses)]
)
""",
    "background/group_statistics": """
import numpy as np
import pandas as pd
rng = np.random.default_rng(0)
animals = [f"m{k}" for k in range(16)]
table = pd.DataFrame({"animal": animals, "treatment": ["saline"] * 8 + ["drug"] * 8, "sex": ["f", "m"] * 8})
table = pd.concat([table.assign(day=day) for day in (1, 2, 3)], ignore_index=True)
for name in ("open_arm_s", "entries", "distance_cm", "freezing"):
    table[name] = rng.normal(10, 2, len(table)) + table["animal"].map({a: rng.normal(0, 1) for a in animals})
latency = rng.exponential(60, len(table))
table["latency_s"], table["entered"] = np.minimum(latency, 300.0), latency < 300.0
""",
    "paradigms/open_field": _STUDY,
    "neural/tuning": _STUDY + _SIGNAL,
    "neural/decoding": _STUDY
    + _SIGNAL
    + """
import numpy as np
import xarray as xr
slow = np.sin(states["time"].values / 5.0)[:, None]
latent = xr.DataArray(slow, dims=("time", "component"), coords={"time": states["time"].values})
""",
    "neural/peri_event": _STUDY
    + """
import pandas as pd
from murid.ethogram import bouts_of
from murid.neural import bout_events
from murid.data.recording import Recording
bouts = bouts_of(states)
bouts["label"] = "freezing"
onsets_of = {r.id: bouts["start_s"].to_numpy()[2::6] for r in recordings}
recordings = [
    r.replace(traces=simulate.units(simulate.true_states(r), n_units=2, seed=k)[0]) for k, r in enumerate(recordings)
]
""",
}


def name_of(page: Path) -> str:
    """Name of a page below docs, without its ending."""
    return page.stem if page.parent == ROOT else str(page.relative_to(DOCS).with_suffix(""))


def python_blocks(page: Path) -> list[str]:
    """Python blocks of a page, top to bottom."""
    return _PYTHON.findall(page.read_text(encoding="utf-8"))


def command_lines(page: Path) -> list[str]:
    """Lines of its blocks that call murid, joined where a backslash ends them."""
    lines: list[str] = []
    for block in _FENCED.findall(page.read_text(encoding="utf-8")):
        text = re.sub(r"\\\n\s*", " ", block)
        lines += [part.strip() for line in text.splitlines() for part in line.split("&&")]
    return [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("murid ")]
