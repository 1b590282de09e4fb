"""Blocks that several networks share: dense, recurrent, temporal and image convolutions.

Time series are ``(sample, time, feature)`` everywhere, images ``(sample, channel, row, column)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from murid.learn.nets._torch import torch

nn = torch.nn


class Mlp(nn.Sequential):
    """Dense layers with an activation between them, none after the last.

    Parameters
    ----------
    sizes : sequence of int
        Widths from input to output.
    activation : Module class
    """

    def __init__(self, sizes: Sequence[int], activation: type[torch.nn.Module] = nn.ReLU) -> None:
        layers: list[torch.nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), activation()]
        super().__init__(*layers[:-1])


class Noise(nn.Module):
    """Gaussian noise while training, nothing afterwards.

    Parameters
    ----------
    sd : float
        In the unit of the input.
    """

    def __init__(self, sd: float) -> None:
        super().__init__()
        self.sd = sd

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` plus noise."""
        return x + self.sd * torch.randn_like(x) if self.training and self.sd > 0 else x


class Recurrent(nn.Module):
    """GRU or LSTM over ``(sample, time, feature)``.

    Parameters
    ----------
    n_in, n_hidden, n_layers : int
    kind : {"gru", "lstm"}
    both_ways : bool
        Also from the end to the start.
    """

    def __init__(
        self, n_in: int, n_hidden: int, n_layers: int = 1, kind: Literal["gru", "lstm"] = "gru", both_ways: bool = False
    ) -> None:
        super().__init__()
        cell = nn.GRU if kind == "gru" else nn.LSTM
        self.net = cell(n_in, n_hidden, n_layers, batch_first=True, bidirectional=both_ways)
        #: Width of the output at each time.
        self.n_out = n_hidden * (1 + both_ways)
        #: Width of the final states of all layers and directions together.
        self.n_final = n_layers * self.n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output at each time, ``(sample, time, n_out)``."""
        return self.net(x)[0]

    def final(self, x: torch.Tensor) -> torch.Tensor:
        """Return the final hidden states of all layers and directions, ``(sample, n_final)``."""
        state = self.net(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return state.transpose(0, 1).reshape(len(x), -1)


class TcnBlock(nn.Module):
    """Residual block: dilated convolution over time, norm over features, GELU, dropout, mixing of features.

    Parameters
    ----------
    width : int
        Features in and out.
    kernel : int
        Odd number of taps.
    dilation : int
        Samples between taps.
    dropout : float
    causal : bool
        Look back only; otherwise equally far to both sides.
    """

    def __init__(
        self, width: int, kernel: int = 3, dilation: int = 1, dropout: float = 0.0, causal: bool = False
    ) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach - reach // 2)
        self.conv = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.norm = nn.LayerNorm(width)
        self.after = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(sample, time, width)``."""
        # The edge is repeated: zeros would say that the animal jumps to the mean posture.
        padded = nn.functional.pad(x.transpose(1, 2), self.padding, mode="replicate")
        return x + self.after(self.norm(self.conv(padded).transpose(1, 2)))


class Tcn(nn.Module):
    """Temporal convolutional network: dilations 1, 2, 4 … over ``(sample, time, feature)``.

    Parameters
    ----------
    n_in, width : int
    n_layers : int
        Reach on each side: ``(kernel − 1) / 2 · (2^n_layers − 1)`` samples.
    kernel : int
        Odd.
    dropout : float
    causal : bool
    """

    def __init__(
        self, n_in: int, width: int, n_layers: int = 4, kernel: int = 3, dropout: float = 0.0, causal: bool = False
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(n_in, width)
        self.blocks = nn.Sequential(*(TcnBlock(width, kernel, 2**i, dropout, causal) for i in range(n_layers)))
        self.n_out = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(sample, time, width)``."""
        return self.blocks(self.enter(x))


class ResBlock(nn.Module):
    """Two 3 × 3 convolutions with batch norm around a shortcut.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    stride : int
        Of the first convolution.
    """

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        same = n_in == n_out and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the feature maps, at 1/stride of the size."""
        return torch.relu(self.body(x) + self.shortcut(x))


class PictureNet(nn.Module):
    """Base of networks that turn pictures into features: the mean over their last feature maps."""

    #: Width of the features.
    n_out: int

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps, ``(sample, n_out, row, column)``."""
        raise NotImplementedError

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the mean over the maps, ``(sample, n_out)``."""
        return self.maps(images).mean(dim=(2, 3))


class SmallResNet(PictureNet):
    """A residual network for CPUs: one block a width, each halves the image; mean over the image at the end.

    Parameters
    ----------
    n_in : int
        Channels of the images.
    widths : sequence of int
        Channels after each block; the last one is the width of the output.
    """

    def __init__(self, n_in: int = 3, widths: Sequence[int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(n_in, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(*(ResBlock(a, b, 2) for a, b in pairwise([widths[0], *widths])))
        self.n_out = widths[-1]

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps (for class-activation maps)."""
        return self.blocks(self.stem(images))
