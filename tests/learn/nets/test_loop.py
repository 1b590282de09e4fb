"""The training loop: determinism, resumption, memory, faults, schedules."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from murid.data.errors import DataError
from murid.learn.nets.batches import MemorySource, Windows
from murid.learn.nets.blocks import Mlp, Noise
from murid.learn.nets.device import describe_device, pick_device, pick_precision, seeded
from murid.learn.nets.loop import TrainParams, train
from murid.learn.nets.weights import weights_of
from murid.learn.sequences import Place

PARAMS = TrainParams(epochs=6, batch=16, lr=0.01, device="cpu", patience=20)


class Stop(Exception):
    """Stands for a kill."""


def source(n=100, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)).astype(np.float32)
    y = (x @ rng.normal(size=(5, 1)) + 0.5).astype(np.float32)
    return MemorySource({"x": x, "y": y}, {"x": ("sample", "feature"), "y": ("sample", "target")})


def net(seed=1):
    with seeded(seed):
        return torch.nn.Sequential(Noise(0.1), Mlp([5, 8, 1]))


def squares(model, batch, _step):
    return {"loss": ((model(batch["x"]) - batch["y"]) ** 2).mean()}


def same(a, b):
    a, b = weights_of(a), weights_of(b)
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_learns_and_tells_its_course():
    model = net()
    history = train(model, squares, source(), PARAMS.replace(epochs=40), valid=source(seed=0))
    table = history.table()
    assert len(table) == 40
    assert history.stopped == "epochs"
    assert table["valid_loss"].iloc[-1] < 0.1 * table["valid_loss"].iloc[0]
    assert history.best_epoch == table["valid_loss"].idxmin()
    assert (table[["seconds", "samples_per_s", "memory_mb", "lr"]] > 0).all().all()
    assert history.device.startswith("cpu")
    assert history.kind() == "cpu"
    assert set(history.course()[0]) == set(table) - {"seconds", "samples_per_s", "memory_mb"}
    assert history.cost()["seconds"] == pytest.approx(table["seconds"].sum())
    assert not model.training


def test_same_seed_same_weights_and_the_callers_random_state_is_untouched():
    a, b, c = net(), net(), net()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(a, squares, source(), PARAMS, seed=3)
    assert torch.equal(torch.rand(1), expected)
    train(b, squares, source(), PARAMS, seed=3)
    train(c, squares, source(), PARAMS, seed=4)
    assert same(a, b)
    assert not same(a, c)


@pytest.mark.parametrize(
    "more", [{}, {"optimizer": "amsgrad", "schedule": "plateau", "plateau_patience": 1}, {"optimizer": "sgd"}]
)
def test_interrupted_training_goes_on_to_the_same_weights(tmp_path, more):
    params, path = PARAMS.replace(schedule=more.pop("schedule", "cosine"), warmup=0.1, clip=1.0, **more), tmp_path / "c"
    whole, cut = net(), net()
    expected = train(whole, squares, source(), params, valid=source(30, 9), seed=3)

    def killed(model, batch, step):
        if step.training and step.step == 24:  # In the fourth epoch of seven steps.
            raise Stop
        return squares(model, batch, step)

    with pytest.raises(Stop):
        train(cut, killed, source(), params, valid=source(30, 9), seed=3, checkpoint=path)
    fresh = net(seed=99)
    history = train(fresh, squares, source(), params, valid=source(30, 9), seed=3, checkpoint=path)
    assert same(fresh, whole)
    columns = ["epoch", "steps", "loss", "valid_loss", "lr"]
    np.testing.assert_array_equal(history.table()[columns], expected.table()[columns])
    again = net(seed=98)
    train(again, squares, source(), params, valid=source(30, 9), seed=3, checkpoint=path)
    assert same(again, whole), "a finished training is read, not repeated"


def test_killed_process_goes_on_to_the_same_weights(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    code = textwrap.dedent(f"""
        import os, sys
        from tests.learn.nets.test_loop import *
        def killed(model, batch, step):
            if step.step == 24: os._exit(9)
            return squares(model, batch, step)
        train(net(), killed, source(), PARAMS, seed=3, checkpoint={str(path)!r})
    """)
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert done.returncode == 9
    assert path.is_file()
    whole, resumed = net(), net(seed=99)
    train(whole, squares, source(), PARAMS, seed=3)
    train(resumed, squares, source(), PARAMS, seed=3, checkpoint=path)
    assert same(whole, resumed)
    assert not [p for p in tmp_path.iterdir() if p != path]


def test_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "c"
    train(net(), squares, source(), PARAMS, checkpoint=path)
    with pytest.raises(DataError, match="another params") as caught:
        train(net(), squares, source(90), PARAMS.replace(lr=0.5), checkpoint=path)
    assert "another samples" in str(caught.value)
    with pytest.raises(DataError, match="another content of samples"):
        train(net(), squares, source(seed=1), PARAMS, checkpoint=path)
    with pytest.raises(DataError, match="another content of samples"):
        train(net(), squares, source(), PARAMS, valid=source(30, 9), checkpoint=path)


def test_loss_that_is_no_number_names_its_samples():
    data = source()
    data.tensors["x"][37] = torch.nan
    with pytest.raises(DataError, match=r"epoch 0, step \d+.*from sample 37;"):
        train(net(), squares, data, PARAMS)


def test_loss_that_is_no_number_names_recording_and_time():
    tables = [np.zeros((40, 2), np.float32), np.zeros((40, 2), np.float32)]
    tables[1][21] = np.inf
    windows = Windows(tables, 4, 4, places=[Place(n, 5 + np.arange(40) / 10) for n in ("m1, mouse", "m2, mouse")])

    def loss(model, batch, _step):
        return {"loss": model(batch["pose"]).square().mean()}

    with pytest.raises(DataError, match=r"from m2, mouse at 7.00 s;"):
        train(Mlp([2, 1]), loss, windows, PARAMS)


def test_out_of_memory_computes_the_batch_in_parts_with_the_same_gradient():
    def greedy(model, batch, step):
        if len(batch) > 5:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return squares(model, batch, step)

    with seeded(1):
        plain = Mlp([5, 8, 1])
    with seeded(1):
        parts = Mlp([5, 8, 1])
    train(plain, squares, source(96), PARAMS)
    with pytest.warns(UserWarning, match="out of memory") as caught:
        history = train(parts, greedy, source(96), PARAMS)
    assert history.parts == 4
    assert len(caught) == 2
    for key, value in weights_of(plain).items():
        np.testing.assert_allclose(weights_of(parts)[key], value, atol=1e-4)

    def hopeless(*_):
        raise MemoryError

    with pytest.warns(UserWarning, match="out of memory"), pytest.raises(DataError, match="one sample"):
        train(net(), hopeless, source(), PARAMS)


def test_other_errors_pass():
    def wrong(*_):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        train(net(), wrong, source(), PARAMS)


def test_stops_by_patience_with_the_best_weights_and_by_steps():
    p = PARAMS.replace(epochs=200, lr=0.5, patience=3, patience_from=2)
    model = net()
    history = train(model, squares, source(), p, valid=source(40, 8))
    table = history.table()
    assert history.stopped == "patience"
    assert len(table) < 200
    assert history.best_epoch == table["valid_loss"][2:].idxmin() == len(table) - 4
    with torch.no_grad():
        found = squares(model, source(40, 8).batch(np.arange(40)), None)["loss"].item()
    np.testing.assert_allclose(found, table["valid_loss"][history.best_epoch], rtol=1e-5)
    assert train(net(), squares, source(), PARAMS.replace(max_steps=10)).rows[-1]["steps"] == 10
    assert train(net(), squares, source(), PARAMS.replace(min_steps=60)).rows[-1]["steps"] >= 60


def test_one_cycle_is_that_of_the_authors(monkeypatch):
    p = PARAMS.replace(epochs=4, optimizer="sgd", momentum=0.95, schedule="one_cycle", warmup=0.3)
    there = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    course = torch.optim.lr_scheduler.OneCycleLR(there, max_lr=p.lr, total_steps=28, pct_start=0.3)
    expected, found, step = [], [], torch.optim.SGD.step
    for _ in range(28):
        expected.append((there.param_groups[0]["lr"], there.param_groups[0]["momentum"]))
        there.step()
        course.step() if len(expected) < 28 else None

    def noted(optimizer, *args, **kwargs):
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        return step(optimizer, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", noted)
    train(net(), squares, source(), p)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_learning_rate_follows_its_schedule():
    seen = []

    def note(model, batch, step):
        seen.append(step.step)
        return squares(model, batch, step)

    p = PARAMS.replace(epochs=10, schedule="cosine", warmup=0.2)
    lr = train(net(), note, source(), p).table()["lr"]
    assert lr[1] == pytest.approx(p.lr)
    assert (np.diff(lr[1:]) < 0).all()
    assert lr.iloc[-1] < 1e-5
    assert seen == list(range(70))
    rising = lambda m, b, s: {"loss": squares(m, b, s)["loss"] * 0 + 1.0 + s.epoch}  # noqa: E731
    p = PARAMS.replace(schedule="plateau", plateau_patience=2, plateau_factor=0.5)
    falling = train(net(), rising, source(), p).table()["lr"]
    np.testing.assert_allclose(falling, PARAMS.lr * np.array([1, 1, 1, 0.5, 0.5, 0.25]))


def test_precision_and_device_are_checked():
    model = net()
    history = train(model, squares, source(), PARAMS.replace(precision="bf16", epochs=40))
    assert history.rows[-1]["loss"] < 0.2 * history.rows[0]["loss"]
    with pytest.raises(DataError, match="GPU"):
        pick_precision("16", torch.device("cpu"))
    assert pick_precision("auto", torch.device("cpu")) is None
    if not torch.cuda.is_available():
        with pytest.raises(DataError, match="no cuda device"):
            pick_device("cuda")
        assert pick_device("auto").type in ("cpu", "mps")
    assert "cores" in describe_device("cpu")
    with pytest.raises(DataError, match="too few samples"):
        train(net(), squares, source(10), PARAMS.replace(drop_last=True))


@pytest.mark.slow
def test_two_processes_learn_the_same_as_one(tmp_path):
    code = textwrap.dedent(f"""
        from tests.learn.nets.test_loop import *
        from murid.learn.nets.weights import save_weights
        with seeded(1):
            model = Mlp([5, 8, 1])
        train(model, squares, source(96), PARAMS)
        if os.environ.get("RANK", "0") == "0":
            save_weights(model, {str(tmp_path / "w")!r})
    """)
    script = tmp_path / "script.py"
    script.write_text(code)
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *torchrun, str(script)], check=True, timeout=180, env=environment)
    from murid.learn.nets.weights import load_weights

    with seeded(1):
        one, two = Mlp([5, 8, 1]), Mlp([5, 8, 1])
    train(one, squares, source(96), PARAMS)
    load_weights(two, tmp_path / "w")
    for key, value in weights_of(one).items():
        np.testing.assert_allclose(weights_of(two)[key], value, atol=1e-5)
