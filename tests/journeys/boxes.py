"""Mice in a tracked 42 cm box as a laboratory has them: DeepLabCut files, with paths that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FPS, PX_PER_CM, SIDE_CM = 25.0, 8.0, 42.0
#: Corner of the box in px.
CORNER = np.array([100.0, 60.0])
CORNERS_PX = CORNER + PX_PER_CM * SIDE_CM * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
PARTS = ("tl", "tr", "br", "bl", "nose", "bodycentre", "tailbase")


def write_mouse(folder: Path, name: str, seed: int, *, frames: int = 750, reach_cm: float = 17.0, pace: float = 1.0):
    """Write a DeepLabCut file of a mouse in the box, with tracked corners; return its path in cm, ``(time, 2)``."""
    rng = np.random.default_rng(seed)
    t = pace * np.arange(frames) / FPS
    start = rng.uniform(0, 6, 2)
    waves = np.column_stack([np.sin(0.31 * t + start[0]), np.sin(0.47 * t + start[1])])
    path = SIDE_CM / 2 + reach_cm * waves
    centre = CORNER + PX_PER_CM * path
    corners = [rng.normal(corner, 0.3, (frames, 2)) for corner in CORNERS_PX]
    places = [*corners, centre + [12, 0], centre, centre - [12, 0]]
    columns = [a for place in places for a in (place[:, 0], place[:, 1], np.full(frames, 0.99))]
    head = ["scorer," + ",".join(["DLC"] * 21), "bodyparts," + ",".join(p for p in PARTS for _ in range(3))]
    head.append("coords," + ",".join(["x", "y", "likelihood"] * len(PARTS)))
    rows = [f"{i}," + ",".join(f"{v:.2f}" for v in row) for i, row in enumerate(np.column_stack(columns))]
    (folder / f"{name}DLC_resnet50_oft.csv").write_text("\n".join([*head, *rows]) + "\n")
    return path
