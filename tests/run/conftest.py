import pytest


@pytest.fixture
def tiny(monkeypatch):
    """Register the method of `run_tiny`."""
    from murid.methods import registry

    monkeypatch.setitem(registry.BUILT_IN, "tiny", "run_tiny:Tiny")
    registry.method_names.cache_clear()
    yield
    registry.method_names.cache_clear()


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """Lines that steps left behind: what was really done, in any process."""
    folder = tmp_path / "calls"
    folder.mkdir()
    monkeypatch.setenv("MURID_TEST_COUNT", str(folder))
    return lambda what: (folder / what).read_text().split() if (folder / what).exists() else []
