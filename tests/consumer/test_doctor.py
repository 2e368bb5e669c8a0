"""`dothis doctor` does what the daemon does, and says what it was refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, Denied, StoreError
from consumer.backends.firebase import open_firebase
from consumer.backends.local_documents import LocalDocuments
from consumer.backends.local_objects import LocalObjects
from consumer.commands.doctor import Finding, examine
from consumer.settings import Settings
from tests.consumer_kit import settings
from tests.emulators import FirebaseProject

STORES = ("document store", "queries", "writing documents", "object storage", "writing objects")


def findings(using: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(using)}


def refuse(monkeypatch: pytest.MonkeyPatch, store: type, method: str) -> None:
    """Refuse one method, as roles do."""

    def refused(*_: Any, **__: Any) -> Any:
        raise Denied("The credentials do not suffice.")

    monkeypatch.setattr(store, method, refused)


def test_nothing_is_left_of_what_was_tried(backend: Backend, tmp_path: Path) -> None:
    found = findings(settings(tmp_path))
    assert all(found[name].ok for name in STORES)
    assert backend.documents.find({}) == []
    assert list(backend.objects.list("")) == []


@pytest.mark.emulator
def test_all_of_it_is_tried_on_firebase(firebase_project: FirebaseProject, tmp_path: Path) -> None:
    found = findings(settings(tmp_path, backend="firebase", project=firebase_project.id, bucket=firebase_project.bucket))
    assert [found[name].says for name in STORES if not found[name].ok] == []
    opened = open_firebase(firebase_project.id, firebase_project.bucket)
    assert opened.documents.find({}) == []
    assert list(opened.objects.list("")) == []
    opened.close()


def test_a_missing_index_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = LocalDocuments.find

    def finding(store: LocalDocuments, equal: Mapping[str, Any], **options: Any) -> Any:
        if options.get("order_by") == "lease.renewedAt":
            raise StoreError("The query needs an index.")
        return find(store, equal, **options)

    monkeypatch.setattr(LocalDocuments, "find", finding)
    found = findings(settings(tmp_path))
    assert found["document store"].ok
    assert found["queries"].ok is False
    assert found["queries"].says == "status by lease.renewedAt: The query needs an index."


@pytest.mark.parametrize(
    ("store", "method", "permission"),
    [
        (LocalDocuments, "create", "datastore.entities.create"),
        (LocalDocuments, "update", "datastore.entities.update"),
        (LocalDocuments, "delete", "datastore.entities.delete"),
        (LocalObjects, "upload", "storage.objects.create"),
        (LocalObjects, "list", "storage.objects.list"),
        (LocalObjects, "purge", "storage.objects.delete"),
    ],
)
def test_a_permission_that_is_lacking_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: type, method: str, permission: str
) -> None:
    refuse(monkeypatch, store, method)
    said = [finding.says for finding in findings(settings(tmp_path)).values() if finding.ok is False]
    assert any(says.startswith(f"{permission} is lacking.") for says in said)
