"""Parts of the picture networks against formulas and known pictures."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch

from murid.data.errors import DataError
from murid.learn.nets import colours
from murid.learn.nets.autoencoder import AutoEncoder, decomposed_kl
from murid.learn.nets.blocks import SmallResNet
from murid.learn.nets.images import Images, encode_pictures, jittered, moved, turbo, unit
from murid.learn.nets.params import TrainParams
from murid.learn.nets.resnet import ResNet, load_pretrained
from murid.learn.nets.siamese import Siamese, activation_map, cross_level, feature_spread, spherical_kmeans


def test_images_come_from_the_right_film_and_row():
    films = [
        np.arange(5)[:, None, None, None] * np.ones((1, 1, 4, 4)),
        100 + np.arange(3)[:, None, None, None] * np.ones((1, 1, 4, 4)),
    ]
    films = [f.astype(np.uint8) for f in films]
    extra = {"keypoints": [np.arange(5.0)[:, None], 100 + np.arange(3.0)[:, None]]}
    source = Images(films, [np.array([4, 0]), np.array([1, 2])], extra)
    batch = source.batch(np.array([3, 0, 1])).validate()
    assert batch["pictures"][:, 0, 0, 0].tolist() == [102, 4, 0]
    assert batch["keypoints"][:, 0].tolist() == [102, 4, 0]
    net = torch.nn.Flatten()
    found = encode_pictures(net, net, films[0], np.array([1, 3]), TrainParams(device="cpu"), block=1)
    np.testing.assert_allclose(found[:, 0] * 255, [1, 3], atol=1e-5)


def test_turned_pictures_keep_what_is_in_the_middle():
    torch.manual_seed(0)
    pictures = torch.zeros(64, 3, 40, 60)
    pictures[:, :, 17:23, 27:33] = 1
    out = moved(pictures, least_side=0.7, degrees=180)
    assert out.shape == pictures.shape
    # The crop keeps at least part of the middle, and a larger square where it is narrower.
    mass = out[:, 0].sum(dim=(1, 2))
    assert (mass > 15).all()
    assert mass.max() < 36 / 0.7**2 * 1.1
    still = moved(pictures, least_side=1.0, degrees=0.0, flips=0.0)
    torch.testing.assert_close(still, pictures, atol=1e-5, rtol=0)


def test_a_turn_is_a_turn_also_in_wide_pictures():
    torch.manual_seed(1)
    picture = torch.zeros(200, 1, 30, 90)
    picture[:, :, 15, 45:57] = 1  # a line of 12 px
    out = moved(picture, least_side=1.0, degrees=90, flips=0.0)[:, 0]
    ys, xs = torch.meshgrid(torch.arange(30.0), torch.arange(90.0), indexing="ij")
    far = torch.stack([(((ys - 14.5) ** 2 + (xs - 44.5) ** 2).sqrt() * (o > 0.3)).max() for o in out])
    assert far.max() < 14.5
    assert far.min() > 9.0


def test_width_and_height_of_a_crop_are_drawn_apart_on_request():
    torch.manual_seed(2)
    rows = torch.linspace(-1, 1, 40)[:, None].expand(40, 40)
    pictures = 0.5 + 0.4 * torch.stack([rows, rows.T])[None].repeat(200, 1, 1, 1)
    for proportions in (True, False):
        out = moved(pictures, degrees=0.0, flips=0.0, proportions=proportions)
        high = (out[:, 0, 30, 20] - out[:, 0, 10, 20]) / (0.4 * 40 / 39)
        wide = (out[:, 1, 20, 30] - out[:, 1, 20, 10]) / (0.4 * 40 / 39)
        assert high.min() > 0.69
        assert high.max() < 1.01
        assert float((high - wide).abs().max() < 1e-3) == proportions
        assert wide.min() < 0.75
    assert abs(np.corrcoef(high, wide)[0, 1]) < 0.2


def test_colours_change_by_their_definitions():
    torch.manual_seed(0)
    pictures = torch.rand(20, 3, 5, 5)
    by = 0.1 * (2 * torch.rand(20, 1, 1, 1) - 1)
    hsv = [[colorsys.rgb_to_hsv(*p.tolist()) for p in picture.reshape(3, -1).T] for picture in pictures]
    turned = [
        [colorsys.hsv_to_rgb((h + float(b)) % 1, s, v) for h, s, v in p] for p, b in zip(hsv, by.flatten(), strict=True)
    ]
    found = colours.changed_hue(pictures, by).reshape(20, 3, -1).transpose(1, 2)
    torch.testing.assert_close(found, torch.tensor(turned), atol=1e-5, rtol=0)
    own = colours.grey_values(pictures)
    torch.testing.assert_close(colours.grey_values(colours.changed_saturation(pictures, by)), own)
    torch.testing.assert_close(
        colours.grey_values(colours.changed_contrast(pictures, by)).mean((2, 3)), own.mean((2, 3))
    )
    assert (colours.changed_saturation(pictures, -torch.ones_like(by)) - own).abs().max() < 1e-6
    assert not torch.equal(colours.jittered_colours(pictures, 0.1), pictures)
    still = pictures[:, :1].expand(-1, 3, -1, -1)
    assert (colours.jittered_colours(still).std(dim=1) < 1e-6).all(), "what does not move has no colour to change"


def test_colours_read_the_turbo_curves():
    pictures = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1)
    out = jittered(pictures, 0.0, colours=1.0)
    torch.testing.assert_close(out[0].reshape(3, -1).T, turbo(), atol=1e-6, rtol=0)
    assert unit(torch.tensor([255], dtype=torch.uint8)).item() == 1


def test_clusters_of_directions_are_found():
    torch.manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(4, 16), dim=1)
    truth = torch.arange(4).repeat(25)
    rows = torch.nn.functional.normalize(centres[truth] + 0.05 * torch.randn(100, 16), dim=1)
    labels, found = spherical_kmeans(rows, 4)
    assert all(len(labels[truth == k].unique()) == 1 for k in range(4))
    assert len(labels.unique()) == 4
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
    assert cross_level(rows, rows, 4) < 0.01
    # Told apart by partners that have nothing to do with them: no better than chance.
    assert cross_level(rows, rows[torch.randperm(100)], 4) > math.log(4)


def test_spread_says_collapse():
    torch.manual_seed(0)
    assert feature_spread(torch.randn(500, 64)) == pytest.approx(1, abs=0.02)
    assert feature_spread(torch.ones(500, 64) + 1e-4 * torch.randn(500, 64)) < 0.01


def test_siamese_loss_is_least_for_equal_views_and_stops_the_gradient():
    torch.manual_seed(0)
    net = Siamese(SmallResNet(3, (4, 8)), 16, 8, 8).eval()
    x = torch.rand(12, 3, 16, 16)
    terms = net.both(x, x, 3, 0.0)
    z, f = net.projector(net(x)), net(x)
    expected = 2 - 2 * torch.nn.functional.cosine_similarity(net.predictor(z), z, dim=1).mean()
    torch.testing.assert_close(terms["loss"], expected)
    assert "cld" not in terms
    assert "cld" in net.both(x, x, 3, 2.0)
    assert f.shape == (12, 8)


def test_activation_map_is_the_weighted_map():
    net = SmallResNet(3, (4, 8)).eval()
    x = torch.rand(2, 3, 16, 16)
    weight = torch.randn(8)
    heat = activation_map(net, x, weight)
    assert heat.shape == (2, 16, 16)
    torch.testing.assert_close(heat.mean(dim=(1, 2)), net(x) @ weight, atol=1e-4, rtol=1e-3)


def test_published_weights_fit_by_name(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    one, two = ResNet(18), ResNet(18)
    file = {**one.state_dict(), "fc.weight": torch.zeros(1000, 512)}
    save_file({k: v for k, v in file.items() if "num_batches" not in k}, tmp_path / "r.safetensors")
    load_pretrained(two, tmp_path / "r.safetensors")
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(one.eval()(x), two.eval()(x))
    with pytest.raises(DataError, match="do not fit"):
        load_pretrained(ResNet(50), tmp_path / "r.safetensors")
    with pytest.raises(DataError, match="not found"):
        load_pretrained(two, tmp_path / "none.safetensors")


@pytest.mark.parametrize(("size", "strides"), [((32, 32), (2, 2)), ((33, 50), (2, 3)), ((64, 48), (2, 5))])
def test_autoencoders_give_back_the_size(size, strides):
    net = AutoEncoder(1, *size, 5, (4, 8), strides)
    net.start_from(torch.full((1, *size), 0.2))
    assert net.decode(net(torch.rand(3, 1, *size))).shape == (3, 1, *size)
    net.from_latents.weight.data.zero_(), net.from_latents.bias.data.zero_()
    for layer in net.decoder:
        if isinstance(layer, torch.nn.ConvTranspose2d):
            layer.bias.data.zero_()
    torch.testing.assert_close(net.decode(torch.zeros(1, 5)), torch.full((1, 1, *size), 0.2))


def test_parts_of_the_kl_add_up_to_the_kl():
    """With as many samples as the data set the three parts are the KL to the prior, in expectation."""
    torch.manual_seed(0)
    mean, logvar = torch.randn(2000, 3), torch.full((2000, 3), -1.0)
    latents = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
    parts = decomposed_kl(latents, mean, logvar, 1)
    exact = -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1).mean()
    assert float(sum(parts)) == pytest.approx(float(exact), rel=0.05)
    # Independent latents share nothing; equal ones share much.
    assert abs(float(parts[1])) < 0.1
    same = mean[:, :1].repeat(1, 3)
    shared = decomposed_kl(same + torch.exp(logvar / 2) * torch.randn_like(same), same, logvar, 1)[1]
    assert float(shared) > 0.3


def test_unknown_keypoints_do_not_count():
    torch.manual_seed(0)
    net = AutoEncoder(1, 16, 16, 4, (4,), (2,), "psvae", 2).eval()
    x, y = torch.rand(6, 1, 16, 16), torch.randn(6, 2)
    hole = y.clone()
    hole[0] = float("nan")
    weights = {"beta": 1.0, "alpha": 1.0, "gamma": 1.0}
    part = net.terms(x, hole, 100, **weights)["label"]
    expected = ((net.labels(net(x))[1:] - y[1:]) ** 2).mean()
    torch.testing.assert_close(part, expected)


@pytest.mark.parametrize(("n_labels", "n_free"), [(4, 8), (12, 8), (4, 2)])
def test_terms_of_psvae_are_on_the_published_scale(n_labels, n_free):
    torch.manual_seed(0)
    net = AutoEncoder(1, 16, 16, n_labels + n_free, (4, 4), (2, 2), "psvae", n_labels)
    x, y = torch.rand(32, 1, 16, 16), torch.randn(32, n_labels)
    terms = net.terms(x, y, 1000, beta=5.0, alpha=1000.0, gamma=500.0)
    error = (net.labels(net.to_latents(net.encoder(x))) - y) ** 2
    weight = net.to_latents.weight
    assert terms["label"].item() == pytest.approx(0.5 * error.sum(dim=1).mean().item(), rel=1e-5)
    away = (weight @ weight.T - torch.eye(len(weight))) ** 2
    assert terms["overlap"].item() == pytest.approx(away.sum().item() / away.numel(), rel=1e-5)
