"""The register of formats: which reader a file asks for, and errors that say which one was meant."""

from __future__ import annotations

import subprocess
import sys

import pytest

import murid.io as io
from murid.data.errors import DataError
from murid.io import registry
from tests.io.golden import GOLDEN, labels, poses, text  # noqa: F401 - they register their files


def test_unknown_source_suggests(tmp_path):
    with pytest.raises(DataError, match=r"did you mean 'dlc_csv'"):
        io.read_poses(text(tmp_path, "a.csv", "a,b\n"), source="dlc_cvs")


def test_unknown_option_suggests(tmp_path):
    path, _options, _ = GOLDEN["labels", "fromto"](tmp_path)
    with pytest.raises(DataError, match=r"no option 'recroding'.*'recording'"):
        io.read_labels(path, recroding="v1")


def test_wrong_kind_points_to_the_right_function(tmp_path):
    path, *_ = GOLDEN["labels", "caltech"](tmp_path)
    with pytest.raises(DataError, match=r"looks like labels \(caltech\): use read_labels"):
        io.read_poses(path, fps=10)


def test_nothing_matches_lists_candidates(tmp_path):
    with pytest.raises(DataError, match=r"not recognised as poses.*dlc_csv.*sleap_slp.*source="):
        io.read_poses(text(tmp_path, "a.txt", "hello\n"), fps=10)


def test_two_matches_are_an_error(tmp_path, monkeypatch):
    path, options, _ = GOLDEN["poses", "dlc_csv"](tmp_path)
    twin = registry.Reader("poses", "twin", (".csv",), "a twin", "-", lambda head: True, lambda path: None)
    monkeypatch.setitem(registry._READERS, ("poses", "twin"), twin)
    with pytest.raises(DataError, match=r"several poses formats.*dlc_csv.*twin.*source='dlc_csv'"):
        io.read_poses(path, **options)


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(DataError, match=r"registered twice"):
        registry.pose_reader("dlc_csv", (".x",), sniff=lambda head: False, about="")(lambda path: None)


def test_import_is_cheap():
    heavy = ["pandas", "xarray", "pyarrow", "h5py", "sleap_io"]
    code = f"import sys, murid.io; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
