"""Batches, windows, weights and blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.learn.nets.batches import Batch, MemorySource, Windows, window_starts
from murid.learn.nets.blocks import Mlp, Noise, Recurrent, SmallResNet, Tcn
from murid.learn.nets.device import seeded
from murid.learn.nets.weights import load_weights, save_weights, set_weights, weights_of


def numbered(*lengths):
    """Sequences whose first column is the sequence and whose second is the frame."""
    return [np.stack([np.full(n, i), np.arange(n)], 1).astype(np.float32) for i, n in enumerate(lengths)]


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    length=st.integers(1, 8),
    stride=st.integers(1, 4),
    holes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 29)), max_size=5),
)
def test_windows_stay_in_one_recording_and_off_missing_frames(lengths, length, stride, holes):
    sequences = numbered(*lengths)
    for i, t in holes:
        if i < len(sequences) and t < len(sequences[i]):
            sequences[i][t, 1] = np.nan
    expected = [
        (i, a)
        for i, s in enumerate(sequences)
        for a in range(0, len(s) - length + 1, stride)
        if np.isfinite(s[a : a + length]).all()
    ]
    if not expected:
        with pytest.raises(DataError, match="no sequence is long enough"):
            Windows(sequences, length, stride)
        return
    windows = Windows(sequences, length, stride)
    assert list(zip(windows.sequence, windows.start, strict=True)) == expected
    order = np.random.default_rng(0).permutation(len(windows))
    found = windows.batch(order).validate()["pose"].numpy()
    for row, k in enumerate(order):
        i, a = expected[k]
        np.testing.assert_array_equal(found[row], sequences[i][a : a + length])


def test_windows_read_from_disk(tmp_path):
    whole = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", whole)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(window_starts(mapped, 10, 3, block=64), window_starts(whole, 10, 3))
    windows = Windows([mapped], 10)
    assert isinstance(windows.sequences[0], np.memmap)
    np.testing.assert_array_equal(windows.batch(np.array([7, 3]))["pose"], [whole[7:17], whole[3:13]])


def test_a_bad_batch_names_every_fault():
    batch = Batch(
        {"x": torch.zeros(3, 4), "y": torch.zeros(2, 4), "z": torch.zeros(3)},
        {"x": ("sample", "time"), "y": ("sample", "time"), "z": ("time",)},
    )
    with pytest.raises(DataError) as caught:
        batch.validate()
    assert "two sizes" in str(caught.value)
    assert "wrong axes" in str(caught.value)
    with pytest.raises(DataError, match="same things"):
        MemorySource({"x": np.zeros((3, 2), np.float32)}, {"y": ("sample",)})


def test_weights_come_back_and_misfits_are_named(tmp_path):
    with seeded(0):
        a, b, other = SmallResNet(1, (4, 8)), SmallResNet(1, (4, 8)), SmallResNet(1, (4, 6))
    save_weights(a, tmp_path / "w")
    load_weights(b, tmp_path / "w")
    for key, value in weights_of(a).items():
        np.testing.assert_array_equal(weights_of(b)[key], value)
    with pytest.raises(DataError, match="another shape"):
        load_weights(other, tmp_path / "w")
    with pytest.raises(DataError, match="is missing"):
        set_weights(a, {})


def test_tcn_reaches_as_far_as_it_says_and_causal_only_back():
    x = torch.zeros(1, 41, 2)
    x[0, 20] = 1
    for causal, reach in ((False, (20 - 7, 20 + 7)), (True, (20, 20 + 14))):
        with seeded(0):
            net = Tcn(2, 4, n_layers=3, causal=causal)
        changed = (net(x) - net(torch.zeros_like(x))).abs().sum(2)[0].detach().numpy()
        touched = np.flatnonzero(changed > 1e-7)
        assert (touched.min(), touched.max()) == reach


def test_recurrent_and_dense_shapes():
    x = torch.zeros(3, 7, 5)
    for kind in ("gru", "lstm"):
        net = Recurrent(5, 4, 2, kind, both_ways=True)
        assert net(x).shape == (3, 7, net.n_out)
        assert net.final(x).shape == (3, net.n_final) == (3, 16)
    # The final state of a one-way net is its last output.
    net, x = Recurrent(5, 4), torch.randn(3, 7, 5)
    assert torch.equal(net.final(x), net(x)[:, -1])
    assert SmallResNet(3, (4, 8, 8))(torch.zeros(2, 3, 32, 24)).shape == (2, 8)
    assert len([m for m in Mlp([3, 4, 2]) if isinstance(m, torch.nn.ReLU)]) == 1
    noise = Noise(1.0)
    assert not torch.equal(noise(x), x)
    assert torch.equal(noise.eval()(x), x)
