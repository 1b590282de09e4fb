"""A full disk has one message, whatever library met it."""

import pytest

from murid.data.atomic import DiskError, atomic_file, atomic_files, atomic_folder

#: What safetensors and HDF5 raise on a full disk; "something unforeseen" was said of the first.
FULL = [
    "Error while serializing: I/O error: No space left on device (os error 28)",
    "Can't decrement id ref count (unable to extend file properly, errno = 28, error message = 'No space left')",
]


@pytest.mark.parametrize("text", FULL)
@pytest.mark.parametrize("atomic", [atomic_file, atomic_files, atomic_folder])
def test_a_full_disk_is_explained_whatever_library_met_it(tmp_path, text, atomic):
    with pytest.raises(DiskError, match=r"model: no space left on the disk; .*run again"), atomic(tmp_path / "model"):
        raise RuntimeError(text)
    assert not list(tmp_path.iterdir())


def test_other_errors_stay_what_they_are(tmp_path):
    for atomic in (atomic_file, atomic_files, atomic_folder):
        with pytest.raises(RuntimeError, match="no number"), atomic(tmp_path / "x"):
            raise RuntimeError("no number")
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "x"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_several_files_appear_together_and_none_is_written_over(tmp_path):
    out = tmp_path / "a" / "b"
    with atomic_files(out) as temporary:
        (temporary / "1.txt").write_text("1")
        assert not (out / "1.txt").exists()
    with pytest.raises(FileExistsError, match=r"1\.txt"), atomic_files(out) as temporary:
        for name in ("0.txt", "1.txt"):
            (temporary / name).write_text("2")
    assert [(p.name, p.read_text()) for p in out.iterdir()] == [("1.txt", "1")]
