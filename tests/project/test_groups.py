"""Tests that share what is dear to make go to one worker; without that each worker fits the same models again."""

import os

import pytest


@pytest.mark.xdist_group("groups")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process has no groups")
def test_workers_see_the_groups(request):
    if request.config.getoption("loadgroup"):
        assert request.node.nodeid.endswith("@groups"), "pytest-xdist no longer groups tests under this pytest"
