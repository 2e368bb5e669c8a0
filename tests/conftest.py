"""Fixtures of all tests."""

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.emulators"]


@pytest.fixture(autouse=True)
def _same_scheduling() -> Iterator[None]:
    """Undo a real-time priority that a test leaves behind: it would slow down all later tests."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER, "this test has changed how its process is scheduled"
