"""Fixtures of the consumer's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.backends import Backend
from consumer.backends.local import open_local
from consumer.sandbox import Sandbox
from tests.work import ROOT


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """An embedded backend of its own."""
    opened = open_local(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One fork server with the cheap tasks."""
    started = Sandbox(("tests.work",), scratch=tmp_path_factory.mktemp("cache"), python_path=[ROOT])
    started.start()
    yield started
    started.close()
