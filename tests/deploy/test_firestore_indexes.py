"""deploy/firestore.indexes.json against the queries that are really asked: the emulator never misses an index."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, Snapshot
from consumer.backends.local import open_local
from consumer.backends.local_documents import LocalDocuments
from consumer.commands import console
from consumer.commands import jobs as jobs_command
from consumer.http import shim
from consumer.intake import Candidates, Intake
from consumer.intake.owners import Owners
from consumer.jobs.paths import LegacyVideo
from consumer.jobs.queries import ask_all
from consumer.operations.housekeeping import Housekeeping
from consumer.operations.metrics import Metrics
from consumer.operations.removal import forget
from consumer.work.spool import Spool
from tests.consumer_kit import OWNER, job_of, put_job, settings

INDEXES = Path(__file__).parents[2] / "deploy" / "firestore.indexes.json"

Query = tuple[frozenset[str], str, bool]


def answered() -> set[Query]:
    """The queries that the file's indexes answer: fields compared, field ordered by, descending."""
    indexes = json.loads(INDEXES.read_text())["indexes"]
    queries = set()
    for index in indexes:
        assert (index["collectionGroup"], index["queryScope"]) == ("uploads", "COLLECTION")
        *equal, order = index["fields"]
        queries.add((frozenset(field["fieldPath"] for field in equal), order["fieldPath"], order["order"] == "DESCENDING"))
    assert len(queries) == len(indexes), "an index stands there twice"
    return queries


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Query]:
    """The queries asked from now on that need an index of their own (Firestore has those of single fields by itself)."""
    queries: set[Query] = set()
    find = LocalDocuments.find

    def recording(store: LocalDocuments, equal: Mapping[str, Any], **rest: Any) -> list[Snapshot]:
        if equal and rest.get("order_by"):
            queries.add((frozenset(equal), rest["order_by"], rest.get("descending", False)))
        return find(store, equal, **rest)

    monkeypatch.setattr(LocalDocuments, "find", recording)
    return queries


def ask_everything(backend: Backend, data_dir: Path) -> None:
    """Every query of the consumer's."""
    using = settings(data_dir, retention_days=1)
    put_job(backend)
    Intake(backend.documents, using, Candidates(), Metrics()).sweep()
    owners = Owners(backend.documents, 1)
    owners.busy(job_of(backend))
    owners.find_next_of(OWNER)
    Housekeeping(backend, using, Spool(data_dir / "spool", min_free_bytes=0), Metrics()).clean()
    for status, owner in product((None, "done"), (None, OWNER)):
        jobs_command.list_jobs(status=status, owner=owner, limit=5, json=True)
    shim.submit(backend.documents, LegacyVideo.parse("temp/video/user/ann/exercise_Squat_1"), "en")
    forget(backend, None, OWNER)


def test_every_query_has_its_index_and_every_index_its_query(
    tmp_path: Path, asked: set[Query], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = open_local(tmp_path)
    monkeypatch.setattr(console, "connected", lambda **_: nullcontext(backend))
    ask_everything(backend, tmp_path)
    backend.close()
    capsys.readouterr()  # the operator's lists
    assert asked == answered()


def test_the_doctor_asks_each_of_them(tmp_path: Path, asked: set[Query]) -> None:
    backend = open_local(tmp_path)
    ask_all(backend.documents)
    backend.close()
    assert asked == answered()
