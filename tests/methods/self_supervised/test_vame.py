"""VAME: loss, latents, motifs, communities, generated windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import murid
from murid import simulate
from murid.data.states import behaviour_names
from murid.learn.nets.batches import Batch
from murid.learn.nets.loop import TrainingStep, TrainParams
from murid.learn.nets.vame import (
    VameNetParams,
    default_training,
    encode_windows,
    fit_vame,
    loss_terms,
    make_vame_net,
    nuclear_norm,
)
from murid.report.figures.skeleton import windows

QUICK = {"n_motifs": 6, "latent": 8, "hidden": 32, "rate_hz": 15, "train": {"epochs": 6, "batch": 128, "lr": 3e-3}}
SMALL = VameNetParams(latent=4, window=10, future=5, hidden=32)


def waves(n=600, seed=0):
    """Three sines of one phase: windows with two numbers in them."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) * 0.3
    return (np.sin(t[:, None] + [0, 1, 2]) + 0.01 * rng.normal(size=(n, 3))).astype(np.float32)


@pytest.fixture(scope="module")
def recordings():
    return [
        simulate.recording("open_field", duration_s=50, fps=25, seed=s, id=f"r{s}", animal=f"a{s}") for s in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def fitted(recordings):
    return murid.method("vame", **QUICK).fit(recordings)


def test_nuclear_norm_is_that_of_the_large_matrix():
    z = torch.randn(64, 5, dtype=torch.float64, requires_grad=True)
    large = torch.sqrt(torch.linalg.svdvals(z @ z.T / 64)[:5]).sum()
    assert nuclear_norm(z).item() == pytest.approx(large.item(), rel=1e-5)
    flat = torch.zeros(8, 3, requires_grad=True)
    nuclear_norm(flat).backward()
    assert torch.isfinite(flat.grad).all()
    with torch.autocast("cpu", torch.bfloat16):
        assert nuclear_norm(z.float()).item() == pytest.approx(large.item(), rel=1e-5), "in full precision all the same"


def test_interrupted_training_ends_the_same(recordings, tmp_path, interrupted):
    quick = {**QUICK, "segment": "kmeans", "replicates": 1, "train": {**QUICK["train"], "epochs": 3}}
    whole = murid.method("vame", **quick).fit(recordings[0]).apply(recordings[2])
    again = murid.method("vame", checkpoint=str(tmp_path / "checkpoint"), **quick)
    found = interrupted(again, recordings[0]).apply(recordings[2])
    np.testing.assert_array_equal(whole["latent"].values, found["latent"].values)
    np.testing.assert_array_equal(whole["states"].values, found["states"].values)


@pytest.mark.parametrize("kind", ["conv", "gru"])
def test_networks_learn_waves_and_what_follows_them(kind):
    p = SMALL.replace(kind=kind)
    net, history = fit_vame(
        [waves()], [waves(seed=1)], p, TrainParams(epochs=12, batch=64, lr=5e-3, device="cpu"), seed=1
    )
    table = history.table()
    variance = waves().var() * 3
    assert table["valid_reconstruction"].iloc[-1] < 0.1 * 10 * variance
    assert table["valid_future"].iloc[-1] < 0.1 * 5 * variance
    assert net.encode(torch.zeros(2, 10, 3))[0].shape == (2, 4)
    _, error = encode_windows(
        net, np.concatenate([waves(200), np.tile(np.random.default_rng(0).normal(size=3), (60, 1))])
    )
    assert np.nanmedian(error[215:]) > 5 * np.nanmedian(error[:190]), "what has not been seen is predicted badly"


def test_gru_has_the_published_sizes():
    net = make_vame_net(9, VameNetParams(kind="gru"))
    assert net.encoder.n_final == 1024
    assert net.encoder.net.num_layers == 2
    window, future = net.decode(torch.zeros(2, 30))
    assert window.shape == (2, 30, 9)
    assert future.shape == (2, 15, 9)
    p = default_training("gru", 27_000)
    assert (p.batch, p.lr, p.optimizer, p.epochs, p.patience) == (256, 5e-4, "amsgrad", 500, 50)


def test_published_network_from_one_call(recordings):
    small = {**QUICK, "hidden": 16, "train": {"epochs": 1, "batch": 256, "max_steps": 6}}
    method = murid.method("vame", net="gru", movement=False, segment="kmeans", **small).fit(recordings[:2])
    assert method.facts["n_features"] == 2 * len(method.facts["points"])
    assert method.apply(recordings[2]).sizes["component"] == 8


def test_penalties_rise_from_nothing():
    net, batch = make_vame_net(3, SMALL), Batch({"pose": torch.randn(16, 15, 3)}, {})
    at = lambda step: loss_terms(net, batch, TrainingStep(0, step, 1, 100, False, torch.device("cpu")))  # noqa: E731
    plain, full = at(0), at(99)
    assert plain["loss"].item() == pytest.approx((plain["reconstruction"] + plain["future"]).item(), rel=1e-6)
    penalty = (SMALL.beta * full["kl"] + SMALL.cluster * full["cluster"]) / 16
    assert full["loss"].item() - plain["loss"].item() == pytest.approx(penalty.item(), rel=1e-3)


def test_published_penalties_are_whole_at_the_sixth_epoch():
    net, batch = make_vame_net(3, SMALL.replace(kind="gru")), Batch({"pose": torch.randn(16, 15, 3)}, {})

    def weight(epoch):
        terms = loss_terms(net, batch, TrainingStep(epoch - 1, 0, 500, 1000, False, torch.device("cpu")))
        whole = (SMALL.beta * terms["kl"] + SMALL.cluster * terms["cluster"]) / 16
        return ((terms["loss"] - terms["reconstruction"] - terms["future"]) / whole).item()

    assert [weight(k) for k in (1, 2, 3, 4, 5, 6, 7)] == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1], abs=1e-2)


def test_noise_is_put_on_what_is_seen_and_not_on_what_is_drawn():
    net, batch = make_vame_net(3, SMALL.replace(noise=0.8)), Batch({"pose": torch.randn(64, 15, 3)}, {})
    seen = []
    net.encoder.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    for training in (True, False):
        loss_terms(net, batch, TrainingStep(0, 0, 1, 100, training, torch.device("cpu")))
    now = batch["pose"][:, : SMALL.window].transpose(1, 2)
    assert (seen[0] - now).std().item() == pytest.approx(0.8, abs=0.05)
    assert torch.equal(seen[1], now)


def test_latent_belongs_to_the_window_around_a_row_and_gaps_cut():
    with torch.no_grad():
        net = make_vame_net(3, SMALL)
        table = waves(100)
        table[50] = np.nan
        latent, error = encode_windows(net, table, batch=7)
        expected = net.encode(torch.from_numpy(table[20:30][None]))[0][0].numpy()
    np.testing.assert_allclose(latent[25], expected, atol=1e-5)
    assert np.isnan(latent[50]).all()
    assert np.isfinite(latent[:50]).all()
    assert np.isfinite(latent[51:]).all()
    np.testing.assert_array_equal(latent[0], latent[5])
    assert np.isnan(error[:10]).all()
    assert np.isnan(error[46:61]).all()
    assert np.isfinite(error[10:46]).all()
    assert np.isnan(encode_windows(net, table[:8])[0]).all()


def test_training_and_embedding_see_the_same_scale(recordings, fitted):
    """The original's fault: what is embedded must be what was trained on."""
    track = next(fitted.tracks(recordings[0]))
    scaled = fitted.parts["scaler"](fitted._describe(track))
    net = fitted.net
    with torch.inference_mode():
        z = torch.from_numpy(encode_windows(net, scaled)[0][200:400])
        drawn = net.decode(z)[0][:, net.p.window // 2].numpy()
    rows = scaled[200:400]
    assert ((drawn - rows) ** 2).mean() < 0.5 * rows.var()


def test_communities_where_a_motif_is_missing(recordings, fitted):
    outs = [fitted.apply(r) for r in recordings]
    names = behaviour_names(outs[0]["states"])
    # The first recording never shows motif 0.
    outs[0]["states"].values[outs[0]["states"].values == 0] = 1
    groups, tree = fitted.communities(outs, depth=2)
    assert set(groups.index) <= set(names)
    assert groups.nunique() >= 2
    assert len(tree.leaves) >= 2
    assert groups.notna().any()


def test_generated_windows_are_postures_of_the_study(fitted):
    centres, drawn = fitted.centres(), fitted.generate(2, n=5, seed=1)
    assert centres.dims == ("window", "time", "space", "point")
    assert centres.sizes["window"] == 6
    assert drawn.sizes["window"] == 5
    assert np.isfinite(drawn).all()
    np.testing.assert_array_equal(drawn, fitted.generate(2, n=5, seed=1))
    # Nose ahead of tail base, about a body length away.
    point = [str(p) for p in centres["point"].values]
    gap = centres.isel(point=point.index("nose")) - centres.isel(point=point.index("tail_base"))
    assert (gap.sel(space="x").mean("time") > 0.4).all()
    figure = windows(centres, [f"motif_{k}" for k in range(6)])
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()] == [f"motif {k}" for k in range(6)]
    with pytest.raises(ValueError, match="no motif 9"):
        fitted.generate(9)


def test_what_is_strange_is_marked(recordings, fitted):
    out = fitted.apply(recordings[0])
    assert np.nanmin(out["unseen"]) >= 0
    assert np.nanmax(out["unseen"]) <= 1
    poses = recordings[0].poses.copy(deep=True)
    shaken = poses["position"].values[400:700]
    rng = np.random.default_rng(0)
    shaken[:] = shaken + rng.normal(0, 0.25 * np.ptp(shaken, axis=0).mean(), shaken.shape)
    odd = fitted.apply(recordings[0].replace(poses=poses))
    assert odd["unseen"].values[420:680].mean() > out["unseen"].values[420:680].mean() + 0.1


@pytest.mark.realdata
def test_open_field_clip(data_dir):
    path = next((data_dir / "bsoid_openfield").glob("raw_clip1*"))
    poses = murid.read_poses(path, fps=60.0).isel(time=slice(0, 3000))
    recording = murid.Recording("clip", poses=poses)
    method = murid.method("vame", **{**QUICK, "segment": "kmeans"}).fit(recording)
    out = method.apply(recording)
    assert (out["states"].values >= 0).mean() > 0.9
    first, last = method.facts["history"][0], method.facts["history"][-1]
    assert last["valid_reconstruction"] < first["valid_reconstruction"]
