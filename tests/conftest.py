"""What all tests share."""

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.emulators"]


@pytest.fixture(autouse=True)
def _same_scheduling() -> Iterator[None]:
    """A test that leaves its process with real-time priority would starve all that come after it."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER, "this test has changed how its process is scheduled"
