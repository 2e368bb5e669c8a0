"""The two stores of the service: documents and objects. The backends `local` and `firebase` implement both; tests/contract
tests both. To store results elsewhere, implement these protocols and add the backend to selection.py.

The protocols have only read, create, compare-and-set, ordered pages, and a watch. The rules for the status of a job are not
part of a backend: they are in consumer/jobs/moves.py.

    StoreError
    |-- Unavailable     network, quota, outage: try again later
    |-- Conflict        the document or object has changed since it was read
    |-- Missing         no such document or object
    |-- TooLarge        the object is larger than the caller's limit, or the document larger than the store's
    +-- Denied          credentials missing or insufficient; a person has to act
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


class StoreError(Exception):
    """Base class of the stores' errors."""


class Unavailable(StoreError):
    """Network, quota or outage: try again later."""


class Conflict(StoreError):
    """The document or object has changed since it was read, or exists already."""


class Missing(StoreError):
    """No such document or object."""


class TooLarge(StoreError):
    """The object is larger than the caller's limit, or the document larger than the store's."""


class Denied(StoreError):
    """Credentials are missing or insufficient."""


class _Sentinel:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


SERVER_TIME: Any = _Sentinel("SERVER_TIME")
"""As a field's value: the store replaces it by its own time. The time of a consumer's clock is never written."""

DELETE: Any = _Sentinel("DELETE")
"""As a field's value in an update: the field is removed."""


@dataclass(frozen=True)
class Revision:
    """One state of a document, without its fields. A compare-and-set needs it.

    Attributes:
        id: the document's id in its collection.
        version: opaque; equal for equal states (Firestore's update time).
    """

    id: str
    version: Any


@dataclass(frozen=True)
class Snapshot(Revision):
    """A document as it was at one moment.

    Attributes:
        fields: its data; timestamps are aware datetimes in UTC.
        read_time: the store's own time of the read.
    """

    fields: Mapping[str, Any]
    read_time: datetime


class Watch(Protocol):
    """A running watch. It may stop reporting at any time; sweeps find what it misses."""

    @property
    def alive(self) -> bool: ...

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the last sign of life."""
        ...

    def close(self) -> None: ...


Beside = Mapping[str, Mapping[str, Any]]
"""Documents to write in the same commit as another one: path, such as `users/UID/history/JOB`, to fields."""


class Collection(Protocol):
    """Documents of one kind."""

    def get(self, job_id: str) -> Snapshot | None: ...

    def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
        """Raises Conflict if the document exists."""
        ...

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Beside | None = None) -> Revision:
        """Compare-and-set: write `changes` (top-level fields, or dotted paths into maps) if the document has not changed since.

        The same commit writes the documents `beside`, without any condition. Either all of them are written, or none.

        Returns:
            The document's revision after the write: the next write needs no read.

        Raises:
            Conflict: the document has changed (read it and try again), or is gone.
            TooLarge: the document has no room for the changes (Firestore: 1 MiB in all).
        """
        ...

    def replace(self, revision: Revision, fields: Mapping[str, Any]) -> None:
        """Compare-and-set: replace all fields. Raises the same errors as `update`."""
        ...

    def delete(self, job_id: str, *, unchanged: Revision | None = None) -> None:
        """Delete the document. No error if it is gone already.

        Raises:
            Conflict: the document has changed since the revision `unchanged`, or is gone.
        """
        ...

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
        """Read a page of documents.

        Args:
            equal: values that fields must have.
            order_by: field or dotted path to order by; documents without it are left out. Without it the order is by id.
            descending: order from large to small; needs `order_by`.
            until: leave out documents whose `order_by` is later or no time; needs `order_by`.
            after: last document of the page before.
            limit: most documents to read.
        """
        ...


class DocumentStore(Collection, Protocol):
    """The collection of the job documents. `collection` opens other collections."""

    def collection(self, path: str) -> Collection:
        """Open another collection, such as `users/UID/history`. It is closed together with this one."""
        ...

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> Watch:
        """Call `callback(job_id, owner)` in another thread soon after a document gets that status.

        It may also be called for documents that have the status already, and more than once. The owner is empty if the document
        has none. An exception of the callback is logged and does not end the watch.

        Args:
            status: the status to watch for.
            callback: see above.
            newest: report at least this many documents, those with the latest `createdAt`; None for all.
        """
        ...

    def watch_any(self, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str], None]) -> Watch:
        """Like `watch`, with `callback(job_id)`, for documents whose fields equal those of one of `alternatives`."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class ObjectInfo:
    """What the object store knows about an object without reading it."""

    path: str
    size: int
    crc32c: str
    """Base64 of the big-endian CRC32C, as Cloud Storage writes it."""
    generation: int
    """Number that changes whenever the object is written; never 0."""


@dataclass(frozen=True)
class DatedPath:
    """An object's path and the time at which the object was written."""

    path: str
    created: datetime


class ObjectStore(Protocol):
    """One bucket. Object paths are checked by the caller (consumer/jobs/paths.py); local stores check again."""

    def stat(self, path: str) -> ObjectInfo: ...

    def download(
        self, path: str, to: Path, *, max_bytes: int, progress: Callable[[int, int], None] | None = None
    ) -> ObjectInfo:
        """Stream to the file `to`, which is overwritten, and verify the checksum.

        `progress(done, total)` is called with bytes; an exception from it ends the transfer. A failure may leave a partial file
        beside `to`; the next call continues it.

        Raises:
            Missing: there is no such object.
            TooLarge: the object has more than `max_bytes` bytes, as stored or unpacked.
            Unavailable: the store cannot be reached, or the checksum is wrong.
        """
        ...

    def upload(
        self,
        file: Path,
        path: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ObjectInfo:
        """Stream from the file and verify the checksum. A large upload is resumable. An existing object is replaced atomically.

        Args:
            file: the file to upload.
            path: the object's path.
            content_type: the Content-Type header of the object.
            cache_control: the Cache-Control header of the object (RFC 9111).
            if_generation: the generation that the object must have; 0 if it must not exist.
            progress: called with the bytes done and the total; an exception from it ends the transfer.

        Raises:
            Conflict: the object has another generation than `if_generation`. Emulators do not check this.
        """
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """The paths that begin with `prefix`, in order."""
        ...

    def list_dated(self, prefix: str, *, after: str = "") -> Iterator[DatedPath]:
        """Like `list`, with times, from the first path after `after` on."""
        ...

    def purge(self, path: str) -> int:
        """Remove an object with all its generations; if the path ends with a slash, all objects below it.

        Returns:
            The number of paths that were removed.
        """
        ...

    def delete(self, path: str, *, if_generation: int | None = None) -> None:
        """Delete the object. No error if it is gone already. A bucket with versioning keeps earlier generations.

        Raises:
            Conflict: the object has another generation than `if_generation`. Emulators do not check this.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Backend:
    """Both stores together."""

    name: str
    documents: DocumentStore
    objects: ObjectStore

    def close(self) -> None:
        """Close connections and files."""
        self.documents.close()
        self.objects.close()
