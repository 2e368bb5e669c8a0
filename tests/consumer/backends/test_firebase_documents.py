"""Firestore as it really behaves: strange documents, refusals, connections that break."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.api_core import exceptions as google_exceptions
from google.auth import exceptions as auth_exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.types import ListenRequest

from consumer.backends import Conflict, Denied, Missing, Snapshot, StoreError, TooLarge, Unavailable
from consumer.backends.firestore import FirestoreDocuments
from consumer.backends.google_errors import as_store_errors
from tests.emulators import FirebaseProject
from tests.faults import GrpcProxy, Mode, TcpProxy

pytestmark = pytest.mark.emulator

Opener = Callable[..., FirestoreDocuments]


@pytest.fixture
def opened(firebase_project: FirebaseProject) -> Iterator[Opener]:
    """Opens the test's collection, by way of a proxy if one is given."""
    stores: list[FirestoreDocuments] = []

    def open_at(host: str | None = None, deadline_s: float = 10.0) -> FirestoreDocuments:
        emulator = host or firebase_project.firestore_host
        stores.append(
            FirestoreDocuments(AnonymousCredentials(), firebase_project.id, "uploads", emulator=emulator, deadline_s=deadline_s)
        )
        return stores[-1]

    yield open_at
    for store in stores:
        store.close()


def eventually(condition: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {within_s} s"
        time.sleep(0.02)


class Heard:
    """A watch, and what it tells. It is known to hear once this is made."""

    def __init__(self, through: FirestoreDocuments, writer: FirestoreDocuments) -> None:
        self.ids: set[str] = set()
        self._writer = writer
        self.watch = through.watch("uploaded", lambda job_id, _owner: self.ids.add(job_id))
        for number in range(50):
            self.write(f"begin{number}")
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                if self.ids:
                    return
                time.sleep(0.01)
        pytest.fail("the watch hears nothing")

    def write(self, job_id: str) -> None:
        self._writer.create(job_id, {"status": "uploaded"})

    def hears(self, job_id: str, within_s: float) -> None:
        eventually(lambda: job_id in self.ids, within_s)


# --- strange documents ------------------------------------------------------------------------------------------------


def test_a_reference_into_another_database_hides_no_other_document(opened: Opener, firebase_project: FirebaseProject) -> None:
    plain = firestore.Client(project=firebase_project.id)
    elsewhere = firestore.Client(project="demo-elsewhere").document("secrets/x")
    plain.document("uploads/a").set({"status": "uploaded", "createdAt": elsewhere, "owner": [elsewhere]})
    plain.document("uploads/b").set({"status": "uploaded", "createdAt": firestore.GeoPoint(1, 2)})
    plain.document("uploads/c").set({"status": "uploaded", "createdAt": b"\xff"})
    documents = opened()
    found: list[Snapshot] = []
    while page := documents.find({"status": "uploaded"}, order_by="createdAt", after=found[-1] if found else None, limit=1):
        found += page
    assert {snapshot.id for snapshot in found} == {"a", "b", "c"}
    for snapshot in found:
        documents.update(snapshot, {"status": "failed"})
    assert documents.find({"status": "uploaded"}) == []


def test_a_full_document_is_told_apart(opened: Opener) -> None:
    documents = opened()
    documents.create("full", {"status": "uploaded", "video": "x" * 1_048_300})
    (snapshot,) = documents.find({"status": "uploaded"})
    with pytest.raises(TooLarge):
        documents.update(snapshot, {"status": "failed", "error": {"code": "invalid_request", "message": "m" * 200}})
    documents.replace(snapshot, {"status": "failed"})
    again = documents.get("full")
    assert again is not None
    assert again.fields == {"status": "failed"}


def test_a_page_of_large_documents_arrives(opened: Opener) -> None:
    documents = opened(deadline_s=30)
    for number in range(12):  # 12 MB: gRPC's own limit is 4 MB
        documents.create(f"job{number}", {"status": "uploaded", "video": "x" * 1_000_000})
    assert len(documents.find({"status": "uploaded"})) == 12


def test_nested_twenty_deep(opened: Opener) -> None:
    documents = opened()
    nested: dict[str, Any] = {}
    for _ in range(18):
        nested = {"a": nested}
    documents.create("deep", {"status": "uploaded", "video": nested})
    snapshot = documents.get("deep")
    assert snapshot is not None
    assert snapshot.fields["video"] == nested


# --- errors -----------------------------------------------------------------------------------------------------------


SECRET = "ya29.secret users/alice/uploads/home.mp4"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (google_exceptions.PermissionDenied(SECRET), Denied),
        (google_exceptions.Unauthenticated(SECRET), Denied),
        (google_exceptions.Forbidden(SECRET), Denied),
        (google_exceptions.NotFound(SECRET), Missing),
        (google_exceptions.AlreadyExists(SECRET), Conflict),
        (google_exceptions.Aborted(SECRET), Conflict),
        (google_exceptions.ResourceExhausted(SECRET), Unavailable),
        (google_exceptions.TooManyRequests(SECRET), Unavailable),
        (google_exceptions.DeadlineExceeded(SECRET), Unavailable),
        (google_exceptions.ServiceUnavailable(SECRET), Unavailable),
        (google_exceptions.InternalServerError(SECRET), Unavailable),
        (google_exceptions.Unknown(SECRET), Unavailable),
        (google_exceptions.Cancelled(SECRET), Unavailable),
        (google_exceptions.RetryError(SECRET, cause=None), Unavailable),
        (auth_exceptions.RefreshError(SECRET), Denied),
        (auth_exceptions.DefaultCredentialsError(SECRET), Denied),
        (auth_exceptions.RefreshError(SECRET, retryable=True), Unavailable),
        (auth_exceptions.TransportError(SECRET), Unavailable),
        (ConnectionResetError(SECRET), Unavailable),
        (google_exceptions.InvalidArgument(SECRET), StoreError),
        (google_exceptions.FailedPrecondition(SECRET), StoreError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_are_mapped_and_tell_no_secret(error: Exception, kind: type[StoreError]) -> None:
    with pytest.raises(kind) as caught, as_store_errors():
        raise error
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)
    assert "alice" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_other_exceptions_are_not_converted() -> None:
    for error in (OSError(28, "No space left on device"), KeyError("x")):
        with pytest.raises(type(error)) as caught, as_store_errors():
            raise error
        assert caught.value is error


def test_an_unreachable_store_is_unavailable_within_the_deadline(opened: Opener) -> None:
    documents = opened("127.0.0.1:9", deadline_s=1.0)
    start = time.monotonic()
    with pytest.raises(Unavailable):
        documents.get("job")
    with pytest.raises(Unavailable):
        documents.create("job", {})
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("status", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED])
def test_a_refusal_is_denied(opened: Opener, firebase_project: FirebaseProject, status: grpc.StatusCode) -> None:
    with GrpcProxy(firebase_project.firestore_host) as proxy:
        documents = opened(proxy.host)
        for method in ("BatchGetDocuments", "RunQuery", "Commit"):
            proxy.fail_next(method, status)
        for call in (lambda: documents.get("job"), lambda: documents.find({}), lambda: documents.create("job", {})):
            with pytest.raises(Denied):
                call()
            call()


def test_reads_are_repeated_and_writes_are_not(opened: Opener, firebase_project: FirebaseProject) -> None:
    with GrpcProxy(firebase_project.firestore_host) as proxy:
        documents = opened(proxy.host)
        proxy.fail_next("RunQuery", grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
        assert documents.find({}) == []
        proxy.fail_next("Commit", grpc.StatusCode.UNAVAILABLE)
        with pytest.raises(Unavailable):
            documents.create("job", {})
        assert proxy.calls["Commit"] == 1


# --- connections that break -------------------------------------------------------------------------------------------


def test_a_half_open_connection_is_left_behind(
    opened: Opener, firebase_project: FirebaseProject, caplog: pytest.LogCaptureFixture
) -> None:
    with TcpProxy(firebase_project.firestore_host) as proxy:
        documents = opened(proxy.host, deadline_s=1.0)
        documents.create("job", {"a": 1})
        time.sleep(5.1)  # a channel is given that long before the next
        proxy.set(Mode.SWALLOW)
        with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
            documents.get("job")
        assert "new connection" in caplog.text
        proxy.set(Mode.PASS)  # the old connection stays dead, a new one works
        start = time.monotonic()
        assert documents.get("job") is not None
        assert time.monotonic() - start < 1.0
        assert proxy.connections == 2


def test_a_new_connection_does_not_disturb_calls_on_those_before(
    opened: Opener, firebase_project: FirebaseProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that began at different moments give up at different moments; each of them makes a new connection here."""
    monkeypatch.setattr("consumer.backends.firestore.RENEW_AT_MOST_EVERY_S", 0.0)
    ends: list[type[BaseException]] = []
    with TcpProxy(firebase_project.firestore_host) as proxy:
        documents = opened(proxy.host, deadline_s=1.0)
        until = time.monotonic() + 5

        def call() -> None:
            while time.monotonic() < until:
                with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at below
                    documents.get("job")
                ends.append(caught.type)

        proxy.set(Mode.DROP)
        threads = [threading.Thread(target=call) for _ in range(6)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            # Refused connections make a call begin its last attempt late; a silent one makes that last.
            proxy.set(Mode.DROP)
            time.sleep(0.7)
            proxy.set(Mode.SWALLOW)
            time.sleep(0.45)
        for thread in threads:
            thread.join()
    assert len(ends) > 12
    assert set(ends) == {Unavailable}


def test_a_cut_connection_is_taken_up_again(opened: Opener, firebase_project: FirebaseProject) -> None:
    with TcpProxy(firebase_project.firestore_host) as proxy:
        documents = opened(proxy.host, deadline_s=5.0)
        documents.create("job", {"a": 1})
        proxy.set(Mode.DROP)
        threading.Timer(1.0, proxy.set, [Mode.PASS]).start()
        assert documents.get("job") is not None  # the read waits within its deadline


def test_a_watch_hears_again_after_a_cut(opened: Opener, firebase_project: FirebaseProject) -> None:
    with TcpProxy(firebase_project.firestore_host) as proxy:
        heard = Heard(opened(proxy.host), opened())
        proxy.set(Mode.DROP)
        time.sleep(0.5)
        heard.write("meanwhile")
        proxy.set(Mode.PASS)
        heard.hears("meanwhile", within_s=10)
        heard.write("after")
        heard.hears("after", within_s=5)
        heard.watch.close()


@pytest.mark.parametrize(
    "status",
    [
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAUTHENTICATED,
    ],
    ids=lambda status: status.name,
)
def test_no_status_ends_a_watch(
    opened: Opener, firebase_project: FirebaseProject, status: grpc.StatusCode, caplog: pytest.LogCaptureFixture
) -> None:
    with GrpcProxy(firebase_project.firestore_host) as proxy:
        proxy.fail_next("Listen", status)
        with caplog.at_level(logging.WARNING):
            heard = Heard(opened(proxy.host), opened())
        assert proxy.calls["Listen"] >= 2
        assert heard.watch.alive
        assert status.name in caplog.text
        heard.watch.close()


def test_a_watch_goes_on_where_its_stream_ended(opened: Opener, firebase_project: FirebaseProject) -> None:
    with GrpcProxy(firebase_project.firestore_host) as grpc_proxy, TcpProxy(grpc_proxy.host) as line:
        heard = Heard(opened(line.host), opened())
        before = len(grpc_proxy.requests["Listen"])
        line.set(Mode.DROP)
        time.sleep(0.5)
        heard.write("meanwhile")
        line.set(Mode.PASS)
        heard.hears("meanwhile", within_s=20)
        heard.watch.close()
    tokens = [ListenRequest.deserialize(request).add_target.resume_token for request in grpc_proxy.requests["Listen"]]
    assert not tokens[0]
    assert any(tokens[before:])


def test_a_refused_token_is_not_sent_again(opened: Opener, firebase_project: FirebaseProject) -> None:
    with GrpcProxy(firebase_project.firestore_host) as grpc_proxy, TcpProxy(grpc_proxy.host) as line:
        heard = Heard(opened(line.host), opened())
        line.set(Mode.DROP)
        time.sleep(0.5)
        grpc_proxy.fail_next("Listen", grpc.StatusCode.INVALID_ARGUMENT)
        line.set(Mode.PASS)
        heard.write("meanwhile")
        heard.hears("meanwhile", within_s=20)
        heard.watch.close()
    # The refused request does not get as far as being kept.
    last = ListenRequest.deserialize(grpc_proxy.requests["Listen"][-1])
    assert not last.add_target.resume_token


def test_a_watch_of_the_newest_reads_no_backlog(opened: Opener) -> None:
    documents = opened()
    start = datetime(2026, 1, 31, tzinfo=UTC)
    for number in range(30):
        documents.create(f"job{number:02}", {"status": "uploaded", "createdAt": start + timedelta(hours=number)})
    told: set[str] = set()
    watch = documents.watch("uploaded", lambda job_id, _owner: told.add(job_id), newest=5)
    eventually(lambda: len(told) >= 5, within_s=20)
    documents.create("new", {"status": "uploaded", "createdAt": start + timedelta(days=30)})
    eventually(lambda: "new" in told, within_s=20)
    watch.close()
    assert told == {"new", *(f"job{number}" for number in range(25, 30))}


def test_a_closed_watch_leaves_no_thread(opened: Opener) -> None:
    before = threading.active_count()
    documents = opened()
    for _ in range(5):
        documents.watch("uploaded", print).close()
    eventually(lambda: threading.active_count() <= before + 1, within_s=5)
