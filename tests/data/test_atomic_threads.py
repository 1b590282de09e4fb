"""Threads of one process that write the same folder or file do not share what is unfinished."""

import threading

import pytest

from murid.data.atomic import atomic_file, atomic_folder


def together(write, n=4):
    """Run `write(k)` in threads at one time; return what they raised."""
    raised, barrier = [], threading.Barrier(n)

    def run(k):
        try:
            write(k, barrier)
        except BaseException as exc:
            raised.append(exc)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.parametrize("there_before", [False, True])
def test_threads_that_write_one_folder_leave_one_of_their_folders_whole(tmp_path, there_before):
    if there_before:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "old").write_text("old")

    def write(k, barrier):
        with atomic_folder(tmp_path / "model") as temporary:
            (temporary / "a").write_text(str(k))
            barrier.wait(60)
            (temporary / "b").write_text(str(k))
            barrier.wait(60)

    assert together(write) == []
    files = {p.name: p.read_text() for p in (tmp_path / "model").iterdir()}
    assert set(files) == {"a", "b"}
    assert files["a"] == files["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_threads_that_write_one_file_leave_one_of_their_files_whole(tmp_path):
    def write(k, barrier):
        with atomic_file(tmp_path / "table.csv") as temporary:
            temporary.write_text(str(k) * 10)
            barrier.wait(60)

    assert together(write) == []
    text = (tmp_path / "table.csv").read_text()
    assert text == text[0] * 10
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
