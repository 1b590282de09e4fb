"""Damaged files of a study: what is wrong is said in plain words, with the file, what it should be and what to do."""

import re

import numpy as np
import pandas as pd
import pytest

from murid.data.bouts import make_events
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.traces import Spikes, make_traces
from murid.data.zones import Zone, Zones

#: Words of libraries that a user of murid need not know.
LIBRARY = re.compile(r"Errno|HDF5?\b|h5py|superblock|tokeniz|C error|codec|EmptyData|pandas|Traceback|NoneType|pickle")


@pytest.fixture
def study(tmp_path):
    """One recording with every noun that murid keeps in a file of its own."""
    study = Study.create(tmp_path / "S")
    walk = np.random.default_rng(0).normal(0, 1, (400, 2, 2, 1)).cumsum(axis=0)
    bouts = pd.DataFrame({"start_s": [0.5], "stop_s": [1.0], "label": ["rear"]})
    study.add(
        Recording(
            "r0",
            poses=make_poses(walk, keypoints=["nose", "tail"], fps=20.0, unit="cm"),
            labels=Labels.from_bouts(bouts, duration_s=3.0, fps=20.0),
            events=make_events(pd.DataFrame({"time_s": [1.0], "label": ["tone"]})),
            zones=Zones([Zone("centre", centre=(0.0, 0.0), radius=5.0, unit="cm")]),
            traces=make_traces(np.arange(60.0), rate_hz=20.0),
            spikes=Spikes({"u": np.array([0.1, 0.2])}, 0.0, 3.0),
            animal="a0",
        )
    )
    return study


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "other": lambda content: b"\xff\xfe\x00\x01" * 20,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("noun", ["poses", "traces", "spikes", "zones", "events", "labels"])
def test_a_damaged_noun_is_told_in_plain_words(study, noun, damage):
    path = study.path_of("r0", noun)
    path = next(path.glob("*.jsonl")) if path.is_dir() else path
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    try:
        study["r0"].need(noun)
    except DataError as exc:
        (fault,) = exc.faults
        text = str(exc)
    else:
        # A journal or a table of which whole lines are left is what a kill leaves behind, and is read.
        assert (noun, damage) in (("labels", "cut"), ("events", "cut"))
        return
    assert not LIBRARY.search(text), text
    assert str(path) in text
    assert fault.got or noun in ("labels", "events")
    assert fault.todo
    if path.suffix == ".nc":
        size = len(whole)
        expected = {
            "cut": f"a file that is cut short: {size // 2:,} of {size:,} bytes",
            "empty": "an empty file",
            "other": "a file that begins with other bytes, not as netCDF does",
        }
        assert fault.got == expected[damage]
        assert fault.expected == "netCDF as murid writes it"
        assert fault.todo == "put back a copy of it that is whole, or add the recording again with --replace"
    assert any(noun in f.what or str(path) in f.what for f in study.faults().items)


def fault_of(study, content: bytes):
    (study.folder / "recordings.csv").write_bytes(content)
    with pytest.raises(DataError) as told:
        _ = study.table
    assert not LIBRARY.search(str(told.value)), told.value
    assert str(study.folder / "recordings.csv") in str(told.value)
    return told.value.faults


def test_damaged_recordings_csv_is_told_with_lines(study):
    whole = (study.folder / "recordings.csv").read_bytes()
    head, row = whole.splitlines()
    for content, got in (
        (b"", "an empty file"),
        (head + b"\nr0,\xe4\n", "text that is no UTF-8 (byte 0xe4 in line 2)"),
        (head + b"\nr0\0\n", "text with zero bytes in it (the first in line 2)"),
    ):
        (fault,) = fault_of(study, content)
        assert (fault.what, fault.got) == ("recordings.csv cannot be read", got)
        assert fault.expected.startswith("a table separated by commas, in UTF-8, whose first line is id,animal,")
        assert fault.todo
    (wide, wider) = fault_of(study, head + b"\n" + row + b",x\n" + row + b"\n" + row + b",x,y\n")
    assert [(f.what, f.where, f.got) for f in (wide, wider)] == [
        ("more cells than columns", "line 2", "9"),
        ("more cells than columns", "line 4", "10"),
    ]
    (cut,) = fault_of(study, head + b"\nr0,a")
    assert (cut.what, cut.where, cut.got) == ("the last line is cut off", "line 2", "2, and no end of the line")
    (quote,) = fault_of(study, head + b'\nr0,"a1,,\n')
    assert (quote.what.split(",")[0], quote.where) == ("a quotation mark is not closed", "line 2")
    (separated,) = fault_of(study, whole.replace(b",", b";"))
    assert separated.what == "column 'id' is missing"
    assert "separated by commas" in separated.expected
    # What a spreadsheet leaves out at the end of a line, or adds as empty cells, is no fault.
    (study.folder / "recordings.csv").write_bytes(head + b"\nr0,a1\n\n" + row.replace(b"r0", b"r1") + b",,\n")
    assert study.table[["id", "animal", "group"]].values.tolist() == [["r0", "a1", ""], ["r1", "a0", ""]]
