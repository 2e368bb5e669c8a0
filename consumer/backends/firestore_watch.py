"""A listening stream that is opened again after every error.

The client library's `on_snapshot` ends without a notice after an exception of the callback, after a status such as
PERMISSION_DENIED, and at a document that it cannot decode; over a connection that loses its packets it stays silent for ever
(all measured). This watch ends by `close` only. When a stream ends, it opens the next one on a new connection, and resumes
where the last one ended. It does not decode documents, except for name and owner.

A sweep finds what the stream misses (consumer/intake/sweep.py).
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient

from consumer.backends.google_errors import status_of

logger = logging.getLogger(__name__)

TARGET_ID = 1
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
"""The pause between two streams doubles from the first to the longest, as long as no message arrives."""

_StreamErrors = (exceptions.GoogleAPIError, auth_exceptions.GoogleAuthError, grpc.RpcError)


class FirestoreWatch:
    """Calls back with the ids of documents that come into a query's result, or are written while they are in it.

    Args:
        open_client: makes a client on a channel of its own.
        database: the database's full name.
        target: the query to listen to.
        metadata: sent with the call.
        callback: called with id and owner from the watch's thread.
    """

    def __init__(
        self,
        open_client: Callable[[], FirestoreClient],
        database: str,
        target: types.Target,
        metadata: Sequence[tuple[str, str]],
        callback: Callable[[str, str], None],
    ) -> None:
        target.target_id = TARGET_ID
        self._target = target
        self._database = database
        self._resume_token = b""
        self._open_client = open_client
        self._metadata = metadata
        self._callback = callback
        self._closed = threading.Event()
        self._last_heard = time.monotonic()
        self._failures = 0
        self._seen = _Seen()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="firestore-watch", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it does until `close`."""
        return self._thread.is_alive() and not self._closed.is_set()

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the last message. Google's servers send one at least every 45 s, the emulator only changes."""
        return self._last_heard

    def close(self) -> None:
        """End the stream and its thread. The callback is not called after this."""
        with self._lock:
            self._closed.set()
            if self._stream is not None:
                self._stream.cancel()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
                status = "closed by the server"
            except _StreamErrors as error:
                status = status_of(error)
                if isinstance(error, exceptions.ClientError):
                    # The server may have refused the resume token, and would refuse it again.
                    self._resume_token = b""
            except Exception:
                # Without this thread the daemon would hear of no new jobs between sweeps.
                logger.exception("The watch failed with an unexpected error.")
                status = "error"
            self._pause(status)

    def _pause(self, status: str) -> None:
        if self._closed.is_set():
            return
        pause_s = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        level = logging.DEBUG if self._failures else logging.WARNING
        logger.log(level, "The watch lost its stream (%s); it opens the next one in %.2g s.", status, pause_s)
        self._failures += 1
        self._closed.wait(pause_s)

    def _listen(self) -> None:
        """Read one stream until it ends or fails."""
        client = self._open_client()
        over = threading.Event()

        # What was sent before is not sent again: each document that is sent counts as a read.
        self._target.resume_token = self._resume_token
        request = types.ListenRequest(database=self._database, add_target=self._target)

        def requests() -> Iterator[types.ListenRequest]:
            yield request
            over.wait()  # the server ends the stream when there are no more requests

        with contextlib.ExitStack() as last:
            last.callback(client.transport.close)
            last.callback(over.set)
            stream = client.listen(requests(), retry=None, timeout=None, metadata=self._metadata)
            with self._lock:
                self._stream = stream
            if self._closed.is_set():
                return
            for response in stream:
                if self._take(types.ListenResponse.pb(response)):
                    self._last_heard = time.monotonic()
                    self._failures = 0

    def _take(self, response: Any) -> bool:
        """Whether the message is a sign of life. That the target was added is none: a refusal may follow."""
        match response.WhichOneof("response_type"):
            case "target_change" if response.target_change.HasField("cause"):
                raise exceptions.from_grpc_status(response.target_change.cause.code, "the server removed the target")
            case "target_change":
                self._resume_token = response.target_change.resume_token or self._resume_token
                self._seen.target_changed(types.TargetChange.TargetChangeType(response.target_change.target_change_type))
                return bool(response.target_change.target_change_type != types.TargetChange.TargetChangeType.ADD)
            case "document_change" if TARGET_ID in response.document_change.target_ids:
                document = response.document_change.document
                if self._seen.is_news(document.name, document.update_time):
                    owner = document.fields["owner"].string_value if "owner" in document.fields else ""
                    self._tell(document.name.rpartition("/")[2], owner)
            case "document_change" | "document_delete" | "document_remove" as kind:
                change = getattr(response, kind)
                self._seen.forget(change.document.name if kind == "document_change" else change.document)
        return True

    def _tell(self, job_id: str, owner: str) -> None:
        if self._closed.is_set():
            return
        try:
            self._callback(job_id, owner)
        except Exception:
            # The promise of `DocumentStore.watch`: a defect of the callback's never ends the watch.
            logger.exception("A watch's callback failed; the sweep will find the document")


class _Seen:
    """The documents that were reported, with their revisions, so that each revision is reported once.

    A stream that begins afresh sends all documents again, and the emulator does so at each change (target change RESET): with
    a thousand waiting, each new one would be told a thousand times.
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int]] = {}
        self._present: set[str] = set()

    def target_changed(self, change: types.TargetChange.TargetChangeType) -> None:
        kinds = types.TargetChange.TargetChangeType
        if change == kinds.RESET:
            self._present = set()
        elif change == kinds.CURRENT:
            self._told = {name: state for name, state in self._told.items() if name in self._present}

    def is_news(self, name: str, update_time: Any) -> bool:
        state = (update_time.seconds, update_time.nanos)
        news = self._told.get(name) != state
        self._told[name] = state
        self._present.add(name)
        return news

    def forget(self, name: str) -> None:
        self._told.pop(name, None)
        self._present.discard(name)
