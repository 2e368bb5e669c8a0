"""A proxy between a consumer and Firestore that counts what Firestore would bill. The consumer knows nothing of it."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator

import grpc
from google.cloud.firestore_v1 import types

from tests.faults import GrpcProxy

COMMIT = type(types.CommitRequest.pb(types.CommitRequest()))
QUERIED = type(types.RunQueryResponse.pb(types.RunQueryResponse()))
LISTENED = type(types.ListenResponse.pb(types.ListenResponse()))
"""The plain messages: proto-plus has no quick parser."""


class CountingProxy(GrpcProxy):
    """Counts as Firestore's page on prices says:

    reads       each document of a query, at least one for a query; each document looked up, whether there or not; each document
                that comes into a listener's result or changes in it
    writes      each document written or deleted
    """

    def __init__(self, target: str) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        super().__init__(target)

    def take(self) -> Counter[str]:
        """The figures since the last call."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def pass_on(self, path: str, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        sent: list[bytes] = []
        answers = super().pass_on(path, _noting(requests, sent), context)
        match path.rpartition("/")[2]:
            case "Commit":
                yield from answers
                self._count(writes=sum(len(COMMIT.FromString(request).writes) for request in sent))
            case "RunQuery":
                documents = 0
                for answer in answers:
                    documents += QUERIED.FromString(answer).HasField("document")
                    yield answer
                self._count(reads=max(documents, 1), swept=max(documents, 1))
            case "BatchGetDocuments":
                # The consumer looks up one at a time.
                yield from answers
                self._count(reads=1, got=1)
            case "Listen":
                yield from self._listened(answers)
            case _:
                yield from answers

    def _listened(self, answers: Iterable[bytes]) -> Iterator[bytes]:
        # The emulator sends a whole result again at each change, which Firestore does not.
        known: dict[str, bytes] = {}
        for answer in answers:
            with self._lock:
                change = LISTENED.FromString(answer).document_change
            state = change.document.update_time.SerializeToString()
            if change.target_ids and known.get(change.document.name) != state:
                known[change.document.name] = state
                self._count(reads=1, listened=1)
            yield answer

    def _count(self, **more: int) -> None:
        with self._lock:
            self._counts.update(more)


def _noting(requests: Iterator[bytes], sent: list[bytes]) -> Iterator[bytes]:
    for request in requests:
        sent.append(request)
        yield request
