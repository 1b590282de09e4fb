"""Features without labels: two views of a picture must agree, and clusters of a batch must be separated.

SimSiam (Chen & He 2021) with cross-level discrimination (CLD; Wang et al. 2021), as Selfee (Jia et al. 2022) uses
them on snippets of video.
"""

from __future__ import annotations

from murid.learn.nets._torch import torch
from murid.learn.nets.blocks import PictureNet

nn = torch.nn


class Siamese(nn.Module):
    """Backbone with projector, predictor and grouping head.

    Parameters
    ----------
    backbone : PictureNet
        Pictures → ``(sample, n_out)``.
    width : int
        Of projector and its output; 2048 in the paper.
    bottleneck : int
        Of the predictor; 512 in the paper.
    n_group : int
        Width of the grouping head; 1024 in the paper.
    """

    def __init__(self, backbone: PictureNet, width: int, bottleneck: int, n_group: int) -> None:
        super().__init__()
        self.backbone = backbone
        n = backbone.n_out
        self.projector = nn.Sequential(*_layer(n, width), *_layer(width, width), *_layer(width, width, last=True))
        self.predictor = nn.Sequential(*_layer(width, bottleneck), nn.Linear(bottleneck, width))
        self.group = nn.Linear(width, n_group, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the features of pictures 0..1, ``(sample, feature)``."""
        return self.backbone(pictures)

    def both(self, one: torch.Tensor, two: torch.Tensor, n_clusters: int, weight: float) -> dict[str, torch.Tensor]:
        """Return the loss terms of two views of the same pictures.

        ``loss = 2 − cos(p1, z2) − cos(p2, z1) + weight · cld``; no gradient flows through the z of a cosine.
        """
        f1, f2 = self.backbone(one), self.backbone(two)
        z1, z2 = self.projector(f1), self.projector(f2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        agree = 2 - _cos(p1, z2.detach()) - _cos(p2, z1.detach())
        terms = {"agreement": agree, "spread": feature_spread(f1)}
        loss = agree
        if weight > 0:
            direction = nn.functional.normalize(self.group.weight, dim=1)
            g1, g2 = (nn.functional.normalize(z @ direction.T, dim=1) for z in (z1, z2))
            terms["cld"] = (cross_level(g1, g2, n_clusters) + cross_level(g2, g1, n_clusters)) / 2
            loss = loss + weight * terms["cld"]
        return {"loss": loss, **terms}


def cross_level(one: torch.Tensor, two: torch.Tensor, n_clusters: int, temperature: float = 0.07) -> torch.Tensor:
    """Each row of `one` must be assigned to the cluster that its partner in `two` belongs to; rows have length 1."""
    labels, centres = spherical_kmeans(two.detach(), n_clusters)
    return nn.functional.cross_entropy(one @ centres.T / temperature, labels)


def spherical_kmeans(rows: torch.Tensor, n_clusters: int, iterations: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """Cluster rows of length 1 by cosine: labels ``(row,)`` and centres ``(cluster, D)`` of length 1.

    Starts from rows that lie far from each other; an emptied cluster keeps its centre.
    """
    n = min(n_clusters, len(rows))
    chosen = [0]
    nearest = rows @ rows[0]
    for _ in range(n - 1):
        chosen.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, rows @ rows[chosen[-1]])
    centres = rows[chosen].clone()
    for _ in range(iterations):
        labels = (rows @ centres.T).argmax(dim=1)
        member = nn.functional.one_hot(labels, n).to(rows.dtype)
        total = member.T @ rows
        centres = torch.where(member.sum(0)[:, None] > 0, nn.functional.normalize(total, dim=1), centres)
    return (rows @ centres.T).argmax(dim=1), centres


def feature_spread(features: torch.Tensor) -> torch.Tensor:
    """SD of features of length 1 over the samples, times √D: about 1 when they point everywhere, 0 when collapsed."""
    directions = nn.functional.normalize(features.detach().float(), dim=1)
    return directions.std(dim=0, correction=0).mean() * features.shape[1] ** 0.5


def activation_map(net: PictureNet, pictures: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Where in the pictures a direction of the features comes from (class-activation map; Zhou et al. 2016).

    Parameters
    ----------
    net : PictureNet
        Its features are the mean over the maps, so that a weight on features is one on maps.
    pictures : (sample, channel, row, column) tensor, 0..1
    weight : (feature,) or (sample, feature) tensor
        Of a linear classifier, or the features themselves.

    Returns
    -------
    (sample, row, column) tensor
        At the size of the pictures; positive where the picture speaks for the direction.
    """
    maps = net.maps(pictures)
    weight = weight if weight.ndim == 2 else weight[None].expand(len(pictures), -1)
    heat = torch.einsum("nchw,nc->nhw", maps, weight)
    return nn.functional.interpolate(heat[:, None], pictures.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def _layer(n_in: int, n_out: int, *, last: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out)]
    return layers if last else [*layers, nn.ReLU(inplace=True)]


def _cos(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return nn.functional.cosine_similarity(a.float(), b.float(), dim=1).mean()
