"""The two stores behind the daemon: documents and objects. `local` and `firebase` implement both; tests/contract holds them
to it.

The protocols are as thin as they can be, so that every rule of a job's life is written once (consumer/jobs/moves.py) and no
backend can have an opinion of its own: read, create, compare-and-set, ordered pages, and a watch that only gives hints.

    StoreError
    |-- Unavailable     network, quota, outage: try again later
    |-- Conflict        somebody else wrote the document, or the object, since it was looked at
    |-- Missing         no such document or object
    |-- TooLarge        the object has more bytes than the caller takes, the document more than the store does
    +-- Denied          credentials missing or insufficient; a person has to act
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


class StoreError(Exception):
    """Root of the stores' errors."""


class Unavailable(StoreError):
    """Network, quota or outage: try again later."""


class Conflict(StoreError):
    """The document or object was written since it was looked at, or exists already."""


class Missing(StoreError):
    """No such document or object."""


class TooLarge(StoreError):
    """The object has more bytes than the caller takes, or the document more than the store does."""


class Denied(StoreError):
    """Credentials are missing or insufficient."""


class _Sentinel:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


SERVER_TIME: Any = _Sentinel("SERVER_TIME")
"""As a field's value: the store puts its own time there. Workers' clocks are never written."""

DELETE: Any = _Sentinel("DELETE")
"""As a field's value in an update: the field is removed."""


@dataclass(frozen=True)
class Revision:
    """One state of a document, without its data: what a compare-and-set needs.

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
    """A running watch. It may go silent or die at any time; nobody relies on it for correctness."""

    @property
    def alive(self) -> bool: ...

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the last sign of life."""
        ...

    def close(self) -> None: ...


Beside = Mapping[str, Mapping[str, Any]]
"""Documents that are written in the same commit as another one: path, such as `users/UID/history/JOB`, to fields."""


class Collection(Protocol):
    """Documents of one kind."""

    def get(self, job_id: str) -> Snapshot | None: ...

    def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
        """Raises Conflict if the document exists."""
        ...

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Beside | None = None) -> Revision:
        """Compare-and-set: write `changes` (top-level fields, or dotted paths into maps) if nothing was written since then.

        With it go the documents `beside`, whatever was there before: either all of it is written, or nothing.

        Returns:
            The document's revision after the write: the next write needs no read.

        Raises:
            Conflict: somebody wrote in between (retry after reading again), or the document is gone.
            TooLarge: the document has no room for the changes (Firestore: 1 MiB in all).
        """
        ...

    def replace(self, revision: Revision, fields: Mapping[str, Any]) -> None:
        """Compare-and-set: afterwards the document has these fields and no others. Raises as `update` does."""
        ...

    def delete(self, job_id: str, *, unchanged: Revision | None = None) -> None:
        """Without error when it is gone already.

        Raises:
            Conflict: somebody has written or removed the document since it was `unchanged`.
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
        """At most `limit` documents whose fields equal `equal`, by `order_by` (a field or a dotted path; documents without that
        field are left out) or, without it, by id; `descending` needs `order_by`, and so does `until`, which leaves out those
        whose `order_by` is later, or no time at all; `after` continues a page.
        """
        ...


class DocumentStore(Collection, Protocol):
    """The collection of job documents, and the way to the others."""

    def collection(self, path: str) -> Collection:
        """Another one, such as `users/UID/history`; it may be empty, and lives as long as this one."""
        ...

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> Watch:
        """Call `callback(job_id, owner)` from another thread soon after a document gets that status; perhaps for those that
        have it already, and more than once. The owner is empty where the document names none. An exception of the callback is
        logged and swallowed: it can never end the watch.

        Args:
            status: of the documents.
            callback: see above.
            newest: only so many documents, those of the latest `createdAt`, have to be told of; None for all.
        """
        ...

    def watch_any(self, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str], None]) -> Watch:
        """The same with `callback(job_id)` for documents whose fields equal one of `alternatives`."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class ObjectInfo:
    """What the object store says of an object without reading it."""

    path: str
    size: int
    crc32c: str
    """Base64 of the big-endian CRC32C, as Cloud Storage writes it."""
    generation: int
    """Another one whenever the object is written; never 0."""


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
        """Stream to the file `to` (overwritten), verify the checksum. `progress(done, total)` in bytes; what it raises ends the
        transfer. After a failure there may be a partial file beside `to`; the next call goes on with it.

        Raises:
            Missing, TooLarge (before the first byte, or while a compressed object is unpacked), Unavailable (also on a checksum
            that does not fit).
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
        """Stream from the file, resumable when large, verified. An existing object is replaced at once, never half-written.

        Args:
            file: what is uploaded.
            path: where to.
            content_type: what it is.
            cache_control: what an HTTP client is told of keeping it (RFC 9111).
            if_generation: see below.
            progress: called with bytes done and in all; what it raises ends the transfer.

        Raises:
            Conflict: the object is not, or no longer, the one of `if_generation`; 0 stands for none. Emulators do not look.
        """
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """The paths that begin with `prefix`, in order."""
        ...

    def list_dated(self, prefix: str, *, after: str = "") -> Iterator[DatedPath]:
        """The same with times, from the first path behind `after` on."""
        ...

    def purge(self, path: str) -> int:
        """Remove an object with all its generations; of a path that ends with a slash, everything below it.

        Returns:
            How many paths were removed.
        """
        ...

    def delete(self, path: str, *, if_generation: int | None = None) -> None:
        """Without error when it is gone already. Earlier generations stay where the bucket keeps them.

        Raises:
            Conflict: the object is no longer the one of `if_generation`. Emulators do not look.
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
