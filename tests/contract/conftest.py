"""Runs every test of the contract on both backends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.backends import Backend, DocumentStore, ObjectStore
from consumer.backends.firebase import open_firebase
from consumer.backends.local import open_local
from tests.emulators import FirebaseProject


@pytest.fixture(params=["local", pytest.param("firebase", marks=pytest.mark.emulator)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "local":
        opened = open_local(tmp_path / "data")
    else:
        project: FirebaseProject = request.getfixturevalue("firebase_project")
        opened = open_firebase(project.id, project.bucket)
    yield opened
    opened.close()


@pytest.fixture
def documents(backend: Backend) -> DocumentStore:
    return backend.documents


@pytest.fixture
def objects(backend: Backend) -> ObjectStore:
    return backend.objects
