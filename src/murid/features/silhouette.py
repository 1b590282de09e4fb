"""Silhouettes: the animal's outline in the video, turned so that it looks along +x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.video import Video


def silhouettes(
    video: Video,
    frames: NDArray[np.int64],
    nose_px: NDArray,
    rump_px: NDArray,
    *,
    length_px: float,
    threshold: int = 50,
    dark: bool = False,
    size: int = 32,
) -> NDArray[np.float32]:
    """Return the mask of the animal in each frame, aligned and small.

    Parameters
    ----------
    video : Video
    frames : int array (row,)
        Frame numbers, increasing.
    nose_px, rump_px : arrays (row, 2)
        Where they are in the picture, px.
    length_px : float
        Body length, px; the crop is two body lengths wide, centred between nose and rump.
    threshold : int
        Grey value that separates animal and floor; 50 as in AlphaTracker.
    dark : bool
        The animal is darker than the floor.
    size : int
        Side of the crop in pixels after shrinking.

    Returns
    -------
    float32 array (row, size · size)
        Share of each pixel that is animal; NaN where nose or rump is missing.
    """
    import cv2

    if len(frames) == 0 or frames.min() < 0 or frames.max() >= video.n_frames:
        fail(
            "silhouettes",
            "the poses have frames that the video has not",
            where=str(video.path),
            expected=f"0..{video.n_frames - 1}",
            todo="check that poses and video belong together",
        )
    out = np.full((len(frames), size * size), np.nan, np.float32)
    rows = {int(f): r for r, f in enumerate(frames)}
    # Cut at about the resolution of the picture, then shrink by the mean of whole blocks: shares of pixels.
    block = max(1, int(np.ceil(2 * length_px / size)))
    large = size * block
    scale = large / (2 * length_px)
    for number, picture in enumerate(video.frames(int(frames[0]), int(frames[-1]) + 1, grey=True), int(frames[0])):
        r = rows.get(number)
        if r is None or not (np.isfinite(nose_px[r]).all() and np.isfinite(rump_px[r]).all()):
            continue
        centre, along = (nose_px[r] + rump_px[r]) / 2, nose_px[r] - rump_px[r]
        c, s = scale * along / max(float(np.hypot(*along)), 1e-9)
        turn = np.array([[c, s, 0], [-s, c, 0]])
        turn[:, 2] = (large - 1) / 2 - turn[:, :2] @ centre
        mask = ((picture < threshold) if dark else (picture > threshold)).astype(np.float32)
        crop = cv2.warpAffine(mask, turn, (large, large), flags=cv2.INTER_LINEAR)
        out[r] = crop.reshape(size, block, size, block).mean(axis=(1, 3)).ravel()
    return out
