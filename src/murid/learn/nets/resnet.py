"""ResNets (He et al. 2016) with the usual names of their weights, so that published weights fit.

No library is needed to load them: a ``.safetensors`` file with the names that torchvision and timm use will do.
"""

from __future__ import annotations

from pathlib import Path

from murid.data.errors import fail
from murid.learn.nets._torch import torch
from murid.learn.nets.blocks import PictureNet

nn = torch.nn


class _Basic(nn.Module):
    """Two 3 × 3 convolutions."""

    widen = 1

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = _shortcut(n_in, width, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + self.downsample(x))


class _Bottleneck(nn.Module):
    """1 × 1, 3 × 3, 1 × 1; the stride is that of the 3 × 3, as in current published weights."""

    widen = 4

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(n_in, 4 * width, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        return torch.relu(self.bn3(self.conv3(out)) + self.downsample(x))


def _shortcut(n_in: int, n_out: int, stride: int) -> nn.Module:
    if n_in == n_out and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))


class ResNet(PictureNet):
    """ResNet-18 or -50 without its last layer.

    Parameters
    ----------
    depth : {18, 50}
    """

    def __init__(self, depth: int = 50) -> None:
        super().__init__()
        block: type[_Basic] | type[_Bottleneck] = _Basic if depth == 18 else _Bottleneck
        numbers = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth]
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        width = 64
        levels = []
        for i, number in enumerate(numbers):
            blocks: list[nn.Module] = []
            for k in range(number):
                blocks.append(block(width, 64 * 2**i, 2 if i and not k else 1))
                width = 64 * 2**i * block.widen
            levels.append(nn.Sequential(*blocks))
        # Names as in published weights.
        self.layer1, self.layer2, self.layer3, self.layer4 = levels
        self.n_out = width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps, at 1/32 of the size."""
        x = torch.relu(self.bn1(self.conv1(images)))
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def load_pretrained(net: ResNet, path: str | Path) -> None:
    """Start from published weights, a ``.safetensors`` file with the usual names; the classifier is left out."""
    from safetensors.torch import load_file

    if not Path(path).is_file():
        fail("pretrained weights", "file not found", where=str(path), expected="a .safetensors file")
    given, own = load_file(str(path)), net.state_dict()
    kept = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    # Shortcuts without a convolution have no weights, counters of batches are not always stored.
    missing = [k for k in own if k not in kept and not k.endswith("num_batches_tracked")]
    if missing:
        fail(
            "pretrained weights",
            "do not fit this network",
            where=str(path),
            got=f"no {', '.join(missing[:5])} …",
            expected="weights of the same depth in torchvision's names",
        )
    net.load_state_dict({**own, **kept})
