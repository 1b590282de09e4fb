"""Pictures for networks: a source over files on disk, encoding in blocks, and random changes of pictures.

Pictures travel as 8-bit integers ``(sample, channel, row, column)`` and become 0..1 on the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from murid.learn.nets._torch import torch
from murid.learn.nets.batches import Axes, Batch
from murid.learn.nets.device import laid_out, pick_device, settled
from murid.learn.nets.params import TrainParams
from murid.learn.sequences import Place, place_of

IMAGE_AXES = ("sample", "channel", "row", "column")


class Images:
    """Source of pictures that lie in several arrays or memory maps.

    Parameters
    ----------
    films : sequence of uint8 arrays (row, channel, height, width)
        Memory maps stay on disk.
    rows : sequence of int arrays
        Rows of each film that are samples.
    extra : mapping of str to sequence of float arrays (row, value), optional
        Further values of each row of each film, e.g. keypoints.
    places : sequence of Place, optional
        Of each film.
    """

    def __init__(
        self,
        films: Sequence[np.ndarray],
        rows: Sequence[np.ndarray],
        extra: Mapping[str, Sequence[np.ndarray]] | None = None,
        places: Sequence[Place] = (),
    ) -> None:
        self.films, self.extra, self.places = list(films), dict(extra or {}), places
        self.film = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        self.row = np.concatenate([np.empty(0, np.int64), *rows]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.row)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the pictures (and extra values) of these samples."""
        indices = np.asarray(indices)
        pictures = np.empty((len(indices), *self.films[0].shape[1:]), np.uint8)
        values = {k: np.empty((len(indices), arrays[0].shape[1]), np.float32) for k, arrays in self.extra.items()}
        for which in np.unique(self.film[indices]):
            members = np.flatnonzero(self.film[indices] == which)
            # A memory map is read fastest in its own order.
            members = members[np.argsort(self.row[indices[members]], kind="stable")]
            rows = self.row[indices[members]]
            pictures[members] = self.films[which][rows]
            for name, arrays in self.extra.items():
                values[name][members] = arrays[which][rows]
        tensors = {"pictures": torch.from_numpy(pictures)} | {k: torch.from_numpy(v) for k, v in values.items()}
        axes: Axes = {"pictures": IMAGE_AXES, **{k: ("sample", k) for k in values}}
        return Batch(tensors, axes)

    def rows_of(self, film: int) -> np.ndarray:
        """Return the rows of one film that are samples."""
        return self.row[self.film == film]

    def where(self, index: int) -> str:
        """Say where a picture is."""
        return place_of(self.places, int(self.film[index]), int(self.row[index]))


def encode_pictures(
    apply: Callable[[torch.Tensor], torch.Tensor],
    net: torch.nn.Module,
    film: np.ndarray,
    rows: np.ndarray,
    params: TrainParams,
    block: int = 256,
) -> np.ndarray:
    """Return what a network says about pictures, block by block.

    Parameters
    ----------
    apply : callable
        Takes pictures 0..1, ``(sample, channel, row, column)``, to ``(sample, …)``.
    net : Module
        The network that `apply` uses.
    film : uint8 array (row, channel, height, width)
    rows : int array
        Rows wanted.
    params : TrainParams
        Device and threads.

    Returns
    -------
    float32 array (len(rows), …)
    """
    device = pick_device(params.device)
    out = []
    laid_out(net, device).eval()
    with settled(device, threads=params.threads, deterministic=params.deterministic), torch.no_grad():
        for start in range(0, len(rows), block):
            pictures = torch.from_numpy(np.ascontiguousarray(film[rows[start : start + block]]))
            out.append(apply(unit(pictures.to(device))).float().cpu().numpy())
    laid_out(net, torch.device("cpu"), training=False)
    return np.concatenate(out) if out else np.empty((0, 0), np.float32)


def unit(pictures: torch.Tensor) -> torch.Tensor:
    """Return 8-bit pictures as 0..1."""
    return pictures.float() / 255


def moved(
    pictures: torch.Tensor,
    *,
    least_side: float = 0.7,
    degrees: float = 37.0,
    flips: float = 0.5,
    proportions: bool = True,
) -> torch.Tensor:
    """Crop, turn and flip each picture at random, all its channels alike.

    Parameters
    ----------
    pictures : (sample, channel, row, column) tensor
    least_side : float
        Smallest side of the crop, share of the picture.
    degrees : float
        Turned by up to so much either way.
    flips : float
        Probability of each flip (left-right, up-down).
    proportions : bool
        Crops keep those of the picture; otherwise their width and height are drawn apart.
    """
    n, device = len(pictures), pictures.device
    side = least_side + (1 - least_side) * torch.rand(n, 1 if proportions else 2, device=device).expand(n, 2)
    angle = math.radians(degrees) * (2 * torch.rand(n, device=device) - 1)
    sign = 1 - 2 * (torch.rand(n, 2, device=device) < flips).float()
    shift = (2 * torch.rand(n, 2, device=device) - 1) * (1 - side)
    # Angles are of pixels, affine_grid works in units of each side.
    aspect = pictures.shape[-1] / pictures.shape[-2]
    cos, sin = side * torch.cos(angle)[:, None], side * torch.sin(angle)[:, None]
    matrix = torch.stack(
        [
            torch.stack([cos[:, 0] * sign[:, 0], -sin[:, 0] * sign[:, 1] / aspect, shift[:, 0]], 1),
            torch.stack([sin[:, 1] * sign[:, 0] * aspect, cos[:, 1] * sign[:, 1], shift[:, 1]], 1),
        ],
        1,
    )
    grid = torch.nn.functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
    return torch.nn.functional.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)


def jittered(pictures: torch.Tensor, amount: float = 0.1, *, colours: float = 0.0) -> torch.Tensor:
    """Change brightness and contrast of each picture at random; with probability `colours` re-colour it."""
    n, device = len(pictures), pictures.device
    change = 1 + amount * (2 * torch.rand(n, 2, device=device) - 1)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    out = ((pictures - mean) * change[:, 0, None, None, None] + mean) * change[:, 1, None, None, None]
    return recoloured(out.clamp(0, 1), colours)


def recoloured(pictures: torch.Tensor, share: float) -> torch.Tensor:
    """Re-colour each picture of three channels with probability `share`.

    The first, second and third channel take the red, green and blue curve of the Turbo map: grey values keep their
    order locally, not globally, so that networks look at shape.
    """
    if share <= 0 or pictures.shape[1] != 3:
        return pictures
    out = pictures.clone()
    chosen = torch.rand(len(pictures), device=pictures.device) < share
    index = (out[chosen] * 255).round().long()
    table = turbo().to(pictures.device)
    out[chosen] = torch.stack([table[index[:, c], c] for c in range(3)], dim=1)
    return out


@cache
def turbo() -> torch.Tensor:
    """Return the Turbo colour map, ``(256, 3)``, red green blue, 0..1."""
    import cv2

    bgr = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0]
    return torch.from_numpy(bgr[:, ::-1].astype(np.float32) / 255)
