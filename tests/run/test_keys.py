import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.run.keys import code_version, digest, file_digest

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(plain_values)
def test_equal_values_have_equal_digests(value):
    import copy

    assert digest(value) == digest(copy.deepcopy(value))


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2, max_size=6))
def test_order_of_keys_does_not_matter_but_content_does(values):
    assert digest(values) == digest(dict(reversed(values.items())))
    changed = dict(values)
    changed[next(iter(changed))] += 1
    assert digest(values) != digest(changed)


def test_digest_tells_apart_what_is_different():
    assert len({digest(v) for v in (0, 0.5, "0", None, [0], {"a": 0}, float("nan"), float("inf"), True)}) == 9
    assert digest((1, 2)) == digest([1, 2]) == digest(np.array([1, 2]))


def test_digest_refuses_what_it_cannot_see_into():
    with pytest.raises(DataError, match="cannot be written as JSON"):
        digest({"model": object()})


def test_digest_is_the_same_in_another_process():
    code = "from murid.run.keys import digest; print(digest({'b': {1, 2}, 'a': [1.5, None]}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == digest({"a": [1.5, None], "b": {2, 1}})


def test_file_digest_follows_content_and_names(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("1")
    first = file_digest(tmp_path / "d")
    (tmp_path / "d" / "a").write_text("2 ")
    second = file_digest(tmp_path / "d")
    (tmp_path / "d" / "a").rename(tmp_path / "d" / "b")
    assert len({first, second, file_digest(tmp_path / "d")}) == 3


def test_long_files_are_recognised_by_their_ends(tmp_path, monkeypatch):
    import murid.run.keys as keys

    monkeypatch.setattr(keys, "WHOLE_FILE_BYTES", 100)
    monkeypatch.setattr(keys, "_END_BYTES", 10)
    path = tmp_path / "film"
    path.write_bytes(b"x" * 500)
    first = file_digest(path)
    path.write_bytes(b"x" * 499 + b"y")
    assert file_digest(path) != first


@pytest.fixture
def package(tmp_path, monkeypatch):
    import importlib

    folder = tmp_path / "codetest"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text("def f():\n    from codetest.parts import helper\n    return helper\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "helper.py").write_text("X = 1\n")
    (folder / "stranger.py").write_text("Y = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    for name in ("code_version", "_source_of"):
        getattr(__import__("murid.run.keys", fromlist=[name]), name).cache_clear()
    yield folder
    for name in [n for n in sys.modules if n.startswith("codetest")]:
        del sys.modules[name]


def _version() -> str:
    code_version.cache_clear()
    return code_version("codetest.top")


def test_code_version_follows_imports_inside_functions(package: Path):
    first = _version()
    (package / "parts" / "helper.py").write_text("X = 2\n")
    assert _version() != first


def test_code_version_ignores_files_nobody_imports(package: Path):
    first = _version()
    # `codetest` itself is imported as a package, but only `codetest.parts` is asked by name.
    (package.parent / "unrelated.py").write_text("Z = 1\n")
    assert _version() == first


def test_code_version_runs_no_module_to_learn_what_is_inside(package: Path):
    (package / "top.py").write_text("from codetest.stranger import Y\n")
    (package / "stranger.py").write_text("raise RuntimeError('it was run')\n")
    first = _version()
    (package / "stranger.py").write_text("raise RuntimeError('it was run again')\n")
    assert _version() != first


def test_code_version_of_murid_leaves_the_runner_out(monkeypatch):
    import murid.run.keys as keys

    seen = []
    real = keys._source_of.__wrapped__
    monkeypatch.setattr(keys, "_source_of", lambda name: seen.append(name) or real(name))
    code_version.cache_clear()
    code_version("murid.data.study")
    assert "murid.data.atomic" in seen
    assert "murid.run.executor" not in seen
