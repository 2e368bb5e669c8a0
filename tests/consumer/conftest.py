"""Fixtures of the consumer's tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend
from consumer.backends.local import open_local
from consumer.sandbox.supervisor import Sandbox
from tests.daemons import Process
from tests.work import ROOT


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """A new embedded backend."""
    opened = open_local(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A fork server with the fast analysis of `tests.work`."""
    started = Sandbox(("tests.work",), scratch=tmp_path_factory.mktemp("cache"), python_path=[ROOT])
    started.start()
    yield started
    started.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts daemons on the test's backend; stops them at the end of the test."""
    started: list[Process] = []

    def run(**told: Any) -> Process:
        started.append(Process(tmp_path, **told))
        return started[-1]

    yield run
    for process in started:
        if process.process.poll() is None:
            process.process.kill()
        process.process.wait(10)
