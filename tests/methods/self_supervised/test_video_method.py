"""Methods that learn from video: what they see, what they say when they cannot, and what they make of it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.video import Video, write_video
from murid.evaluate.latent import linear_probe
from murid.methods.self_supervised.behavenet import PAPER as BEHAVENET_PAPER
from murid.methods.self_supervised.selfee import PAPER as SELFEE_PAPER

#: One worker makes what these tests share.
pytestmark = pytest.mark.xdist_group("films")

FILM = {"pictures": {"height": 32, "width": 32}, "rate_hz": 10.0, "kappa": 1000, "n_states": 5, "em_iterations": 4}
QUICK = {**FILM, "widths": (8, 16, 16), "n_latents": 6}
TRAIN = {"epochs": 6, "batch": 32, "lr": 0.003}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Three filmed mice of 30 s, 3 px a cm."""
    folder = tmp_path_factory.mktemp("films")
    out = []
    for k in (1, 2, 3):
        made = simulate.recording(
            duration_s=30, fps=20, behaviours=("walk", "rest", "rear", "groom"), seed=k, id=f"r{k}", px_per_cm=3
        )
        out.append(made.replace(video=simulate.video(made, folder / f"{k}.mp4")))
    return out


@pytest.fixture(scope="module")
def behavenet(films):
    return murid.method("behavenet", **QUICK, train={**TRAIN, "epochs": 20}).fit(films[:2])


@pytest.fixture(scope="module")
def psvae(films):
    train = {**TRAIN, "epochs": 15}
    return murid.method("behavenet", **QUICK, kind="psvae", points=("nose", "tail_base"), train=train).fit(films[:2])


@pytest.fixture(scope="module")
def selfee(films):
    train = {"epochs": 1, "min_steps": 80, "batch": 64, "lr": 0.003, "drop_last": True}
    return murid.method("selfee", **FILM, widths=(8, 16, 32), projection=64, train=train).fit(films[:2])


def test_latents_paint_the_picture_and_tell_the_behaviour(behavenet, films):
    assert behavenet.facts["evidence"]["pixel_r2"] > 0.65
    features = [behavenet.features(f).values[:, 0] for f in films]
    codes = [simulate.true_states(f).values[:, 0] for f in films]
    found = linear_probe((np.concatenate(features[:2]), np.concatenate(codes[:2])), (features[2], codes[2]))
    assert found["balanced_accuracy"] > 0.5, found  # 0.2 by chance


def test_tied_latents_are_the_keypoints(psvae, films):
    subject = next(psvae.tracks(films[2]))
    truth = psvae._keypoints(subject)
    found = psvae.rows(films[2]).values
    assert found.shape[1] == 6 + 4
    for k in range(4):
        known = np.isfinite(truth[:, k]) & np.isfinite(found[:, k])
        if truth[known, k].std() > 0.05:
            assert abs(np.corrcoef(truth[known, k], found[known, k])[0, 1]) > 0.6


@pytest.mark.slow
def test_told_the_keypoints_it_paints_better_from_as_few_latents(films, tmp_path):
    few = {**QUICK, "n_latents": 1, "train": {**TRAIN, "epochs": 15}}
    plain = murid.method("behavenet", **few).fit(films[:2])
    told = murid.method("behavenet", **few, kind="cond", points=("nose", "tail_base")).fit(films[:2])
    evidence = [m.facts["evidence"]["pixel_r2"] for m in (plain, told)]
    assert evidence[1] > evidence[0] + 0.05, evidence
    table = told.rows(films[2]).values
    assert table.shape[1] == 4 + 1
    known = told._keypoints(next(told.tracks(films[2])))
    seen = np.isfinite(table).all(axis=1) & np.isfinite(known).all(axis=1)
    np.testing.assert_allclose(
        table[seen, :4], ((known - told.parts["labels"].mean) / told.parts["labels"].sd)[seen], rtol=1e-5
    )
    moved = table[seen][:50].copy()
    moved[:, 0] += 2
    assert np.abs(told.decode(moved) - told.decode(table[seen][:50])).max() > 0.02, "keypoints move what is painted"
    assert Video(told.film(films[2], tmp_path / "told.mp4")).shape == (32, 64)


def test_film_shows_seen_and_painted(behavenet, films, tmp_path):
    latent = behavenet.rows(films[2])
    path = behavenet.film(films[2], tmp_path / "side.mp4", latent)
    video = Video(path)
    assert video.shape == (32, 96)
    assert video.n_frames == latent.sizes["time"]
    seen, own, other = np.split(video.frame(100, grey=True).astype(float), 3, axis=1)
    assert np.abs(own - other).mean() < 3
    assert np.abs(seen - own).mean() < 0.5 * np.abs(seen - seen.mean()).mean() + 10


def test_latents_are_decoded_from_neurons_with_the_states_as_prior(behavenet, films):
    from murid.data.traces import make_traces
    from murid.neural import DecodingParams, combine, decode

    latent = behavenet.rows(films[2])
    rng = np.random.default_rng(0)
    clear = np.nan_to_num(latent.values) @ rng.standard_normal((6, 40))
    signal = make_traces(clear + 2 * clear.std(0) * rng.standard_normal(clear.shape), time_s=latent["time"].values)
    params = DecodingParams(lags_s=0.0, folds=3, gap_s=1.0)
    found, both = (
        decode(signal, latent, params),
        combine(signal, latent, behavenet.parts["model"], behavenet.parts["pca"], params),
    )
    assert both.latent.dims == latent.dims
    assert both.r2 > found.r2 > 0.1
    assert behavenet.decode(both.latent.values).shape == (latent.sizes["time"], 32, 32)


def test_features_have_not_collapsed_and_maps_lie_on_the_animal(selfee, films):
    assert selfee.facts["evidence"]["feature_spread"] > 0.1
    maps = selfee.activation(films[2], [5.0, 12.0, 20.0, 27.0])
    assert maps.shape == (4, 1, 32, 32)
    assert maps["picture"].shape == maps.shape
    assert np.isfinite(maps).all()


def test_collapse_is_said(films):
    train = {"epochs": 1, "max_steps": 1, "batch": 64, "lr": 1e-4, "drop_last": True}
    with pytest.warns(UserWarning, match="collapsed"):
        murid.method("selfee", **FILM, widths=(8, 8, 8), projection=16, train=train).fit(films[:1])


def test_without_poses_the_whole_picture_is_one_subject(films):
    bare = [f.replace(poses=None, zones=None) for f in films]
    method = murid.method("behavenet", **QUICK, train={**TRAIN, "epochs": 2}).fit(bare[:2])
    out = method.apply(bare[2])
    assert list(out["states"]["individual"].values) == ["all"]
    assert out.sizes["time"] == bare[2].video.n_frames
    with pytest.raises(DataError, match="seen differently"):
        method.fit([bare[0], films[1]])
    with pytest.raises(DataError, match="ties latents to keypoints"):
        murid.method("behavenet", **QUICK, kind="psvae").fit(bare)
    with pytest.raises(DataError, match="paints from keypoints"):
        murid.method("behavenet", **QUICK, kind="cond").fit(bare)


def test_bad_input_is_named(films, tmp_path):
    short = write_video(tmp_path / "short.mp4", [np.full((64, 64), 90, np.uint8)] * 3, 20)
    with pytest.raises(DataError, match="shorter than a snippet"):
        murid.method("selfee").fit(Recording("short", video=short))
    other = simulate.recording(duration_s=20, fps=20, seed=1, px_per_cm=3)
    with pytest.raises(DataError, match="differ in length"):
        murid.method("behavenet", **QUICK).fit(films[0].replace(poses=other.poses))
    with pytest.raises(DataError, match="differ in number"):
        murid.method("behavenet", **{**QUICK, "strides": (2, 2)}).fit(films[0])
    with pytest.raises(DataError, match="no individual 'ghost'"):
        murid.method("behavenet", **QUICK, train={**TRAIN, "max_steps": 1}).fit(films[0]).rows(films[0], "ghost")


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("behavenet", QUICK),
        pytest.param("selfee", {**FILM, "widths": (8, 8, 16), "projection": 16}, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_training_ends_the_same(films, tmp_path, interrupted, name, params):
    train = {**TRAIN, "epochs": 3, "drop_last": True}
    straight = murid.method(name, **params, train=train).fit(films[0])
    again = murid.method(name, **params, train=train, checkpoint=str(tmp_path / "training"))
    kept, found = straight._dump().arrays, interrupted(again, films[0])._dump().arrays
    assert kept.keys() == found.keys()
    for part, values in kept.items():
        np.testing.assert_array_equal(values, found[part], err_msg=part)


def test_poses_of_another_length_than_the_video_are_an_error(films):
    from murid.features.views import picture_numbers

    poses = films[0].need("poses")
    with pytest.raises(DataError, match=r"poses and video differ in length.*check that they belong together"):
        picture_numbers(films[0].replace(poses=poses.isel(time=slice(0, -3))))
    assert len(picture_numbers(films[0].replace(poses=poses.isel(time=slice(0, -2))))) == poses.sizes["time"] - 2


def test_rows_beyond_the_video_are_told_once(films):
    poses = simulate.recording(duration_s=30.1, fps=20, seed=1, px_per_cm=3).poses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        longer = films[0].replace(poses=poses, labels=None)
        other = longer.replace(id="other")
    method = murid.method("behavenet", **QUICK, train={**TRAIN, "max_steps": 1})
    with pytest.warns(UserWarning, match=r"no picture .* 2 in all \(r1: 2\)") as caught:
        method.fit([longer, films[1]])
        method.apply(longer)
    assert len([w for w in caught if "no picture" in str(w.message)]) == 1
    with pytest.warns(UserWarning, match=r"other: 2"):
        states = method.apply(other)["states"].values
    assert (states[:-2] >= 0).mean() > 0.9


def test_more_moments_than_the_network_learns_from(films):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = murid.method("behavenet", **QUICK, max_rows=100, train={**TRAIN, "epochs": 1}).fit(films[0])
    assert method.facts["evidence"]["rows"] <= 100
    assert (method.apply(films[0])["states"].values >= 0).mean() > 0.9


def test_networks_of_the_papers_are_what_they_should_be():
    import torch

    net = murid.method("selfee", **SELFEE_PAPER)._build()
    assert sum(w.numel() for w in net.backbone.parameters()) == 23_508_032  # ResNet-50 without its last layer
    assert net.projector[0].in_features == 2048
    assert net.predictor[0].out_features == 512
    assert net.group.out_features == 1024
    net = murid.method("behavenet", **BEHAVENET_PAPER)._build()
    with torch.no_grad():
        assert net.decode(net(torch.rand(1, 1, 128, 128))).shape == (1, 1, 128, 128)


def test_an_animal_whose_rear_is_never_tracked_cannot_be_shown(selfee, films):
    poses = films[2].poses.copy(deep=True)
    poses["position"].values[:, :, list(poses["keypoint"].values).index("tail_base")] = np.nan
    with pytest.raises(DataError, match="keypoint 'tail_base' is hardly ever tracked"):
        selfee.apply(films[2].replace(poses=poses))


def test_weights_need_a_backbone_that_has_some():
    with pytest.raises(DataError, match="small backbone has no published weights"):
        murid.method("selfee", pretrained="resnet18.safetensors")
