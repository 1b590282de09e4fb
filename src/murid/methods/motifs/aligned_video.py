"""Pictures of an animal, turned to look the same way, as few numbers a frame: posture where keypoints are too few.

Pixels are described by their principal components over the study, as MotionMapper (Berman et al. 2014) and MoSeq
do; what follows (wavelets, modes) need not know that they were pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from murid.features.pictures import Pictures, write_pictures
from murid.features.views import ViewParams, animal_view, picture_numbers, stretched_px
from murid.learn.embed.pca import PCA, fit_pca
from murid.methods.motifs.base import AnimalTrack, need_frames
from murid.methods.motifs.radon import radon_weights

#: Frames of a study that the components are learnt from, and how many components are looked at further.
MAX_FRAMES, N_COMPONENTS = 5000, 40
#: Frames described at once: bounds memory.
BLOCK = 4096


def film_of(track: AnimalTrack, params: ViewParams, frames: np.ndarray | None = None) -> Pictures:
    """Cut the pictures of an animal out of the video of its recording.

    Parameters
    ----------
    track : AnimalTrack
        Of a recording with video and poses.
    params : ViewParams
    frames : int array, optional
        Which frames of the track; all by default.
    """
    recording = track.recording
    roles = dict(track.roles)
    view = animal_view(track.poses, track.individual, params, roles, stretched_px(track.poses, roles))
    rows = np.arange(len(track.time_s)) if frames is None else np.asarray(frames)
    numbers = picture_numbers(recording)[rows]
    title = f"pictures of {recording.id}, {track.individual}"
    return write_pictures(recording.need("video"), numbers[:, None], view.take(rows), params, title=title)


def fit_pixels(
    tracks: Sequence[AnimalTrack] | Iterator[AnimalTrack],
    n_tracks: int,
    params: ViewParams,
    variance: float,
    n_angles: int = 0,
) -> PCA:
    """Learn the components of the pixels from frames spread evenly over all tracks.

    Parameters
    ----------
    tracks : iterable of AnimalTrack
    n_tracks : int
        How many there are about: each gives its share of `MAX_FRAMES` frames.
    params : ViewParams
    variance : float
        Share of the variance that the components keep, at most `N_COMPONENTS` of them.
    n_angles : int
        Pictures are compared by their sums along lines at so many angles (`radon_weights`); 0 by grey values.
    """
    some = []
    for track in tracks:
        every = max(1, -(-len(track.time_s) * n_tracks // MAX_FRAMES))
        film = film_of(track, params, np.arange(0, len(track.time_s), every))
        some.append(_flat(film.array[film.seen], n_angles))
    need_frames("pixels", sum(map(len, some)), 2 * N_COMPONENTS, "frames with a picture")
    return fit_pca(some, variance, missing=False, max_components=N_COMPONENTS)


def describe_pixels(track: AnimalTrack, params: ViewParams, pixels: PCA, n_angles: int = 0) -> np.ndarray:
    """Scores of each frame's picture, float32 ``(time, component)``; NaN where the animal is not seen."""
    film = film_of(track, params)
    out = np.full((len(film), len(pixels.components)), np.nan, np.float32)
    seen = np.flatnonzero(film.seen)
    for at in range(0, len(seen), BLOCK):
        rows = seen[at : at + BLOCK]
        out[rows] = pixels.transform(_flat(film.array[rows], n_angles))
    return out


def _flat(pictures: np.ndarray, n_angles: int) -> np.ndarray:
    """Pixels 0 … 1, float32 ``(frame, pixel)``, or with `n_angles` what stands for their sums along lines."""
    height, width = pictures.shape[-2:]
    flat = np.asarray(pictures, np.float32).reshape(len(pictures), -1) / 255
    return flat @ radon_weights(height, width, n_angles).astype(np.float32) if n_angles else flat
