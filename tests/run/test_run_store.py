import errno
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from murid.data.atomic import DiskError
from murid.data.errors import DataError
from murid.data.process_owner import host, work_name
from murid.data.states import make_states
from murid.run.step import Kept
from murid.run.store import Store

HERE = Kept("work", "k1")


def values():
    states = make_states(np.array([0, 1, -1, 1]), np.arange(4) / 4, ["rest", "rear"], ["a"])
    return {
        "table": pd.DataFrame({"id": ["a", "b"], "x": [1.5, np.nan], "n": [1, 2]}),
        "states": states,
        "dataset": xr.Dataset({"states": states, "latent": (("time", "component"), np.ones((4, 2), np.float32))}),
        "json": {"a": [1, None, "x"], "b": 0.25},
        "bundle": {"scores": pd.DataFrame({"f1": [0.5]}), "notes": {"n": 3}, "states": states},
    }


def same(a, b) -> bool:
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b)
        return True
    if isinstance(a, (xr.Dataset, xr.DataArray)):
        xr.testing.assert_equal(a, b)
        return True
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


@pytest.mark.parametrize("kind", values())
def test_what_goes_in_comes_out(tmp_path, kind):
    store, value = Store(tmp_path / "cache"), values()[kind]
    store.put(HERE, value, seconds=1.0)
    assert same(value, store.get(HERE))
    assert store.entry(HERE)["seconds"] == 1.0


def test_states_keep_their_behaviour_names(tmp_path):
    store = Store(tmp_path)
    store.put(HERE, values()["states"])
    assert list(store.get(HERE).attrs["behaviours"]) == ["rest", "rear"]


def test_no_pickle_is_ever_written(tmp_path):
    store = Store(tmp_path)
    for i, value in enumerate(values().values()):
        store.put(Kept("work", f"k{i}"), value)
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".json", ".parquet", ".nc"}


@pytest.mark.parametrize("harm", ["truncate", "flip", "delete", "no entry", "bad entry"])
def test_damage_is_seen(tmp_path, harm):
    store = Store(tmp_path)
    store.put(HERE, values()["table"])
    file, entry = store.folder(HERE) / "value.parquet", store.folder(HERE) / "entry.json"
    data = bytearray(file.read_bytes())
    if harm == "truncate":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif harm == "delete":
        file.unlink()
    elif harm == "no entry":
        entry.unlink()
    else:
        entry.write_text('{"format": 1')
    assert store.entry(HERE) is None
    with pytest.raises(DataError, match="missing or damaged"):
        store.get(HERE)


def test_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_args, **_kw):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(DiskError, match="no space left"):
        Store(tmp_path / "cache").put(HERE, pd.DataFrame({"a": [1]}))
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_sweep_removes_leftovers_of_the_dead_and_spares_the_living_and_other_programs(tmp_path):
    store = Store(tmp_path)
    store.put(HERE, {"a": 1})
    there = [f".k2.999999999-{host()}-1.tmp", f".k3.{work_name()}.tmp", ".x.tmp", ".a.b.tmp"]
    for name in there:
        (tmp_path / "work" / name).mkdir()
    store.sweep()
    assert sorted(p.name for p in (tmp_path / "work").glob(".*")) == sorted(there[1:])
    assert store.get(HERE) == {"a": 1}


def test_entry_is_readable_by_people(tmp_path):
    store = Store(tmp_path)
    store.put(HERE, {"a": 1}, params={"window_s": 0.2}, warnings=["odd"])
    entry = json.loads((store.folder(HERE) / "entry.json").read_text())
    assert entry["params"] == {"window_s": 0.2}
    assert entry["kind"] == "json"
