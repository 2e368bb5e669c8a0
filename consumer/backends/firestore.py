"""Job documents in Firestore.

Written on the generated API client rather than on `google.cloud.firestore.Client`, because that one hides what the daemon
depends on: the channel's options, a deadline for every call, and the listening stream (firestore_watch.py).

A claim or a fenced write is one commit with the document's update time as its precondition: one of many claimants wins at
once. Transactions with reads inside lock instead, and keep the losers waiting for seconds.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions, retry
from google.auth.credentials import Credentials
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from consumer.backends import Beside, Conflict, Missing, Revision, Snapshot, TooLarge
from consumer.backends.firestore_values import decode_fields, encode, moment_of, write_of, write_of_changes
from consumer.backends.firestore_watch import FirestoreWatch
from consumer.backends.google_errors import as_store_errors

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ENDPOINT = "firestore.googleapis.com:443"

CHANNEL_OPTIONS = (
    # Without its own pool, a new channel takes over the TCP connection of the old one, a dead one included.
    ("grpc.use_local_subchannel_pool", 1),
    # A connection whose packets vanish is noticed after 30 + 10 s; otherwise a listening stream is silent for ever.
    # Google's servers accept a ping every 30 s, not more.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC's own limit of two minutes between two attempts to connect is too long for a phone that waits.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A document has at most 1 MiB, a page of them more than gRPC's 4 MB.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)

RENEW_AT_MOST_EVERY_S = 5.0
"""Calls of several threads run into their deadlines together; one new channel is enough for all of them."""


def open_client(credentials: Credentials, emulator: str | None) -> FirestoreClient:
    """A client on a channel of its own, to the emulator (`host:port`) if there is one."""
    if emulator:
        channel = grpc.insecure_channel(emulator, options=CHANNEL_OPTIONS)
    else:
        channel = FirestoreGrpcTransport.create_channel(ENDPOINT, credentials=credentials, options=CHANNEL_OPTIONS)
    return FirestoreClient(transport=FirestoreGrpcTransport(host=emulator or ENDPOINT, channel=channel))


class FirestoreCollection:
    """One collection of Firestore, as a `Collection`.

    Args:
        connection: to the database.
        path: from the database's root, such as `users/UID/history`.
    """

    def __init__(self, connection: "Connection", path: str) -> None:
        self._connection = connection
        self._path = f"{connection.root}/{path}"
        self._parent, _, self._collection = self._path.rpartition("/")

    def get(self, job_id: str) -> Snapshot | None:
        request = types.BatchGetDocumentsRequest(database=self._connection.database, documents=[self._name(job_id)])
        for response in self._connection.read("batch_get_documents", request):
            if response.HasField("found"):
                return _snapshot(response.found, response.read_time)
        return None

    def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
        self._connection.commit(write_of(self._name(job_id), fields, {"exists": False}))

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Beside | None = None) -> Revision:
        write = write_of_changes(self._name(revision.id), changes, {"update_time": revision.version})
        others = [write_of(f"{self._connection.root}/{path}", fields) for path, fields in (beside or {}).items()]
        return Revision(revision.id, self._commit_on_version(write, *others))

    def replace(self, revision: Revision, fields: Mapping[str, Any]) -> None:
        self._commit_on_version(write_of(self._name(revision.id), fields, {"update_time": revision.version}))

    def delete(self, job_id: str, *, unchanged: Revision | None = None) -> None:
        if unchanged is None:
            self._connection.commit({"delete": self._name(job_id)})
        else:
            self._commit_on_version({"delete": self._name(job_id), "current_document": {"update_time": unchanged.version}})

    def find(
        self,
        equal: Mapping[str, Any],
        *,
        order_by: str | None = None,
        descending: bool = False,
        until: datetime | None = None,
        after: Snapshot | None = None,
        limit: int = 100,
    ) -> list[Snapshot]:
        order = [order_by, "__name__"] if order_by else ["__name__"]
        direction = "DESCENDING" if descending else "ASCENDING"
        query: dict[str, Any] = {
            "from_": [{"collection_id": self._collection}],
            "order_by": [{"field": {"field_path": path}, "direction": direction} for path in order],
            "limit": limit,
        }
        if equal:
            query["where"] = _all_equal(equal)
        if until is not None and order_by:
            bound = {"field": {"field_path": order_by}, "op": "LESS_THAN_OR_EQUAL", "value": encode(until)}
            query.setdefault("where", _all_equal({}))["composite_filter"]["filters"].append({"field_filter": bound})
        if after:
            values = [{"reference_value": self._name(after.id)}]
            if order_by:
                values.insert(0, encode(_at(after.fields, order_by)))
            query["start_at"] = {"values": values, "before": False}
        request = types.RunQueryRequest(parent=self._parent, structured_query=query)
        responses = self._connection.read("run_query", request)
        return [_snapshot(response.document, response.read_time) for response in responses if response.HasField("document")]

    def _name(self, job_id: str) -> str:
        return f"{self._path}/{job_id}"

    def _commit_on_version(self, *writes: Mapping[str, Any]) -> Any:
        try:
            return self._connection.commit(*writes)
        except Missing:
            raise Conflict("The document was deleted meanwhile.") from None


class FirestoreDocuments(FirestoreCollection):
    """The collection of job documents, as a `DocumentStore`.

    Args:
        credentials: of a service account or a user; anonymous for the emulator.
        project: the project's id.
        collection: the collection's name.
        database: the database's id.
        emulator: `host:port` of the emulator instead of Google's servers.
        deadline_s: after that many seconds a call is given up as `Unavailable`.
    """

    def __init__(
        self,
        credentials: Credentials,
        project: str,
        collection: str,
        *,
        database: str = "(default)",
        emulator: str | None = None,
        deadline_s: float = 10.0,
    ) -> None:
        super().__init__(Connection(credentials, project, database, emulator, deadline_s), collection)

    def collection(self, path: str) -> FirestoreCollection:
        return FirestoreCollection(self._connection, path)

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> FirestoreWatch:
        query: dict[str, Any] = {"where": _all_equal({"status": status})}
        if newest is not None:
            order = ("createdAt", "__name__")
            query |= {
                "order_by": [{"field": {"field_path": path}, "direction": "DESCENDING"} for path in order],
                "limit": newest,
            }
        return self._watch(query, callback)

    def watch_any(self, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str], None]) -> FirestoreWatch:
        where = {"composite_filter": {"op": "OR", "filters": [_all_equal(equal) for equal in alternatives]}}
        return self._watch({"where": where}, lambda job_id, _owner: callback(job_id))

    def _watch(self, query: Mapping[str, Any], callback: Callable[[str, str], None]) -> FirestoreWatch:
        structured = {"from_": [{"collection_id": self._collection}], **query}
        target = types.Target(query={"parent": self._parent, "structured_query": structured})
        return self._connection.listen(target, callback)

    def close(self) -> None:
        self._connection.close()


class Connection:
    """A channel to one database, that is made anew when it is stuck. Safe for threads; the arguments are those of
    `FirestoreDocuments`.

    Attributes:
        database: its resource name.
        root: that of its documents.
    """

    def __init__(self, credentials: Credentials, project: str, database: str, emulator: str | None, deadline_s: float) -> None:
        self.database = f"projects/{project}/databases/{database}"
        self.root = f"{self.database}/documents"
        self._deadline_s = deadline_s
        self._metadata = [("google-cloud-resource-prefix", self.database)]
        if emulator:
            self._metadata.append(("authorization", "Bearer owner"))  # the emulator's word for "rules do not apply"
        self._open: Callable[[], FirestoreClient] = lambda: open_client(credentials, emulator)
        self._lock = threading.Lock()
        self._client = self._open()
        self._renewed_at = time.monotonic()

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()

    def listen(self, target: Any, callback: Callable[[str, str], None]) -> FirestoreWatch:
        """A watch on the documents of a target, on a channel of its own."""
        return FirestoreWatch(self._open, self.database, target, self._metadata, callback)

    def read(self, method: str, request: Any) -> list[Any]:
        """All responses, as plain messages, of a call that may be repeated while the connection comes back."""
        again = retry.Retry(
            predicate=retry.if_exception_type(exceptions.ServiceUnavailable), initial=0.1, maximum=1.0, timeout=self._deadline_s
        )

        def read(client: FirestoreClient, **rest: Any) -> list[Any]:
            return [type(response).pb(response) for response in getattr(client, method)(request, retry=again, **rest)]

        return self._call(read)

    def commit(self, *writes: Mapping[str, Any]) -> Any:
        """Commit writes, all or none, and return the first one's update time. They are never repeated here: if the first
        attempt has arrived, a repetition would fail as if another client had written.
        """
        request = types.CommitRequest(database=self.database, writes=list(writes))

        def commit(client: FirestoreClient, **rest: Any) -> Any:
            try:
                answer = types.CommitResponse.pb(client.commit(request, retry=None, **rest))
            except exceptions.FailedPrecondition:
                raise Conflict("The document was written meanwhile.") from None
            except exceptions.InvalidArgument as error:
                # Of the document, or of one value in it.
                if ("maximum" in error.message and "size" in error.message) or "is longer than" in error.message:
                    raise TooLarge("The document would be larger than Firestore allows.") from None
                raise
            return answer.write_results[0].update_time

        return self._call(commit)

    def _call(self, call: Callable[..., Result]) -> Result:
        client = self._client
        with as_store_errors():
            try:
                return call(client, timeout=self._deadline_s, metadata=self._metadata)
            except (exceptions.DeadlineExceeded, exceptions.RetryError):
                self._renew(client)
                raise

    def _renew(self, stuck: FirestoreClient) -> None:
        """Go on with a new channel: a half-open connection swallows every later call as well.

        The old one is closed when no call on it can be under way any more: closed under a call, it would raise ValueError.
        A read takes at most two deadlines: the last of its attempts may begin when the first is over.
        """
        with self._lock:
            if self._client is not stuck or time.monotonic() - self._renewed_at < RENEW_AT_MOST_EVERY_S:
                return
            logger.warning("Firestore did not answer within %.0f s; going on with a new connection.", self._deadline_s)
            self._client = self._open()
            self._renewed_at = time.monotonic()
        closing = threading.Timer(2 * self._deadline_s + 1.0, stuck.transport.close)
        closing.daemon = True
        closing.start()


def _snapshot(document: Any, read_time: Any) -> Snapshot:
    return Snapshot(
        id=document.name.rpartition("/")[2],
        fields=decode_fields(document.fields),
        version=document.update_time,
        read_time=moment_of(read_time),
    )


def _all_equal(equal: Mapping[str, Any]) -> dict[str, Any]:
    filters = [
        {"field_filter": {"field": {"field_path": path}, "op": "EQUAL", "value": encode(value)}}
        for path, value in equal.items()
    ]
    return {"composite_filter": {"op": "AND", "filters": filters}}


def _at(fields: Mapping[str, Any], path: str) -> Any:
    value: Any = fields
    for part in path.split("."):
        value = value[part]
    return value
