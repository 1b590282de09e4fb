"""Grid films: many bouts of one motif side by side, each animal turned to look the same way.

A motif has no meaning until somebody has looked at film of it; one bout may be a chance, twenty that begin at one
moment are not (Wiltschko et al. 2015 and Weinreb et al. 2024 call them crowd and grid movies).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.clock import rate_of, samples_in
from murid.data.recording import Recording
from murid.data.resample import sample_at
from murid.data.tables import Table, count_column, number_column, text_column
from murid.data.video import Video, write_video
from murid.features.pictures import write_pictures
from murid.features.views import ViewParams, animal_view, picture_numbers, stretched_px
from murid.prepare import clean

Grey = NDArray[np.uint8]
#: Whose bouts the films of a run show.
CLIPS = Table(
    "clips",
    {
        "film": text_column(why="file"),
        "label": text_column("motif"),
        "clip": count_column(why="place in the grid, from 1, row by row"),
        "recording": text_column(),
        "animal": text_column(optional=True),
        "individual": text_column(optional=True),
        "start_s": number_column("from", unit="s"),
        "stop_s": number_column("to", unit="s"),
    },
    "One row a clip.",
)
#: Grey of the lines between clips, and side of the mark that is lit while the motif lasts, as a share of a clip.
LINE, MARK = 60, 0.1


def choose_bouts(bouts: pd.DataFrame, n: int, *, seed: int = 0) -> pd.DataFrame:
    """Draw bouts of one motif, by animals in turn, so that none fills the film while others have bouts left.

    Parameters
    ----------
    bouts : DataFrame
        ``recording, individual, start_s, stop_s``, and ``animal`` where known.
    n : int
        How many; fewer where there are fewer.
    seed : int

    Returns
    -------
    DataFrame
        Rows of `bouts`, drawn at random within each animal.

    Examples
    --------
    >>> table = pd.DataFrame({"recording": ["a"] * 9 + ["b"], "individual": "m", "start_s": range(10), "stop_s": 10.0})
    >>> sorted(choose_bouts(table, 2)["recording"])
    ['a', 'b']
    """
    drawn = bouts.sample(frac=1, random_state=seed)
    animal_keys = (
        [c for c in ("animal", "individual") if c in drawn] if "animal" in drawn else ["recording", "individual"]
    )
    turn = drawn.groupby(animal_keys, sort=False).cumcount()
    return drawn.iloc[np.argsort(turn.to_numpy(), kind="stable")[:n]]


def grid_film(
    path: str | Path,
    bouts: pd.DataFrame,
    recordings: Mapping[str, Recording],
    *,
    before_s: float = 0.5,
    after_s: float = 1.5,
    size: int = 128,
    speed: float = 1.0,
) -> tuple[Video, list[int]]:
    """Write a film of bouts that all begin at one moment.

    Parameters
    ----------
    path : str or Path
        Where to, ``.mp4``.
    bouts : DataFrame
        ``recording, individual, start_s, stop_s``, one clip each, row by row of the grid.
    recordings : mapping of id to Recording
        With video and poses.
    before_s, after_s : float
        From how long before the onset to how long after it, s.
    size : int
        Side of a clip, px: two body lengths.
    speed : float
        0.5 plays at half the speed; the film has all frames of the slowest recording in any case.

    Returns
    -------
    Video
        Grey. The square in the corner of a clip is white while the motif lasts; black where there is no picture.
    list of int
        Numbers (0 …) of the clips that show nothing at all: the animal was not tracked, or the recording had ended.
    """
    used = {str(i): recordings[str(i)] for i in bouts["recording"].unique()}
    fps = min(rate_of(r.need("poses")["time"].values) for r in used.values())
    offsets = np.arange(-samples_in(before_s, fps), max(samples_in(after_s, fps), 1)) / fps
    tiles = np.zeros((len(bouts), len(offsets), size, size), np.uint8)
    seen = np.zeros(len(bouts), bool)
    rows = bouts.reset_index(drop=True)
    for (recording, individual), part in rows.groupby(["recording", "individual"], sort=False):
        at = part.index.to_numpy()
        tiles[at], seen[at] = _clips(used[str(recording)], str(individual), part, offsets, size)
        used[str(recording)].forget()
    lasts = rows["stop_s"].to_numpy(float) - rows["start_s"].to_numpy(float)
    on = (offsets >= -1e-9) & (offsets < lasts[:, None] - 1e-9)
    return write_video(path, _pages(tiles, on & seen[:, None]), fps * speed), np.flatnonzero(~seen).tolist()


def _clips(
    recording: Recording, individual: str, bouts: pd.DataFrame, offsets: NDArray[np.float64], size: int
) -> tuple[Grey, NDArray[np.bool_]]:
    """Pictures (clip, frame, y, x) of one animal around the onsets, and which clips show anything."""
    params = ViewParams(height=size, width=size, background="kept")
    poses = clean(recording.need("poses"))
    length = stretched_px(poses, recording.roles)
    view = animal_view(poses, individual, params, recording.roles, length)
    wanted = (bouts["start_s"].to_numpy(float)[:, None] + offsets).ravel()
    at = sample_at(poses["time"].values, wanted)
    numbers = np.where(at >= 0, picture_numbers(recording)[np.maximum(at, 0)], -1)
    title = f"film of {recording.id}, {individual}"
    made = write_pictures(recording.need("video"), numbers[:, None], view.take(at), params, title=title)
    shape = (len(bouts), len(offsets))
    tiles = np.array(made.array[:, 0]).reshape(*shape, size, size)
    seen: NDArray[np.bool_] = np.asarray(made.seen, bool).reshape(shape)
    return tiles, np.asarray(seen.any(axis=1), bool)


def _pages(tiles: Grey, on: NDArray[np.bool_]) -> Iterator[Grey]:
    """Frames of the film: clips row by row in a grid as square as it gets."""
    n, frames, size, _ = tiles.shape
    across = int(np.ceil(np.sqrt(n)))
    down = -(-n // across)
    mark = max(3, round(MARK * size))
    for t in range(frames):
        page = np.full((down * (size + 2), across * (size + 2)), LINE, np.uint8)
        for i in range(n):
            y, x = i // across * (size + 2) + 1, i % across * (size + 2) + 1
            page[y : y + size, x : x + size] = tiles[i, t]
            page[y : y + mark, x : x + mark] = 255 if on[i, t] else 0
        yield page
