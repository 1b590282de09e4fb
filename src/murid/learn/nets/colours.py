"""Random changes of the colours of pictures: brightness, contrast, saturation and hue, in random order."""

from __future__ import annotations

from collections.abc import Callable

from murid.learn.nets._torch import torch

#: Share of red, green and blue in the grey value of a picture (ITU-R BT.601).
GREY_SHARES = (0.299, 0.587, 0.114)


def jittered_colours(pictures: torch.Tensor, amount: float = 0.1) -> torch.Tensor:
    """Change brightness, contrast, saturation and hue of each picture at random, in an order of its own.

    Parameters
    ----------
    pictures : (sample, 3, row, column) tensor, 0..1
        Red, green, blue.
    amount : float
        Brightness, contrast and saturation are multiplied by 1 ± this, hue moves by ± this share of the colour circle.

    Returns
    -------
    (sample, 3, row, column) tensor, 0..1

    Examples
    --------
    >>> red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    >>> bool((jittered_colours(red, 0.0) == red).all())
    True
    """
    n, device = len(pictures), pictures.device
    order = torch.rand(n, len(COLOUR_CHANGES), device=device).argsort(dim=1)
    by = amount * (2 * torch.rand(n, len(COLOUR_CHANGES), device=device) - 1)
    out = pictures.clone()
    for place in range(len(COLOUR_CHANGES)):
        for k, change in enumerate(COLOUR_CHANGES):
            chosen = order[:, place] == k
            if chosen.any():
                out[chosen] = change(out[chosen], by[chosen, k, None, None, None]).clamp(0, 1)
    return out


def grey_values(pictures: torch.Tensor) -> torch.Tensor:
    """Return the grey values, (sample, 1, row, column)."""
    shares = torch.tensor(GREY_SHARES, device=pictures.device, dtype=pictures.dtype)
    return (pictures * shares[None, :, None, None]).sum(dim=1, keepdim=True)


def changed_brightness(pictures: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Return brighter pictures: every value times 1 + `by`."""
    return pictures * (1 + by)


def changed_contrast(pictures: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Return pictures whose distance from their mean grey is 1 + `by` times as large."""
    mean = grey_values(pictures).mean(dim=(2, 3), keepdim=True)
    return mean + (pictures - mean) * (1 + by)


def changed_saturation(pictures: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Return pictures whose distance from their own grey values is 1 + `by` times as large."""
    own = grey_values(pictures)
    return own + (pictures - own) * (1 + by)


def changed_hue(pictures: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Return pictures whose hue is moved by `by` of the colour circle; value and saturation stay.

    In the hexcone model a channel is the value less the chroma times a trapezoid of the hue, so that moving the hue is
    reading the trapezoid elsewhere.
    """
    value, least = pictures.amax(dim=1, keepdim=True), pictures.amin(dim=1, keepdim=True)
    chroma = value - least
    red, green, blue = pictures.split(1, dim=1)
    safe = chroma.clamp(min=1e-12)
    sixth = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    moved = sixth + 6 * by
    channels = []
    for offset in (5.0, 3.0, 1.0):
        k = (offset + moved) % 6
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.cat(channels, dim=1)


#: What is changed; the order is drawn.
COLOUR_CHANGES: tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], ...] = (
    changed_brightness,
    changed_contrast,
    changed_saturation,
    changed_hue,
)
