"""Objects in Cloud Storage.

Transfers are streamed between a socket and a file in pieces of at most CHUNK_BYTES, so memory does not grow with the object.
This module checks the CRC32C of each transfer, because the client library does not check a download that was resumed.

An interrupted download is resumed where it stopped, also by another process: the bytes so far are in a file beside the target,
with the object's generation in its name.

Each attempt at a job writes to paths of its own (consumer/jobs/paths.py). Attempts share only the paths of the older app.
Writes to these need a precondition, which the emulators ignore.
"""

import base64
import glob
import io
import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import google_crc32c
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import Credentials
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from consumer.backends import Conflict, DatedPath, Denied, Missing, ObjectInfo, TooLarge, Unavailable
from consumer.backends.google_errors import TRANSPORT_ERRORS, as_store_errors

logger = logging.getLogger(__name__)

CHUNK_BYTES = 8 * 1024 * 1024
"""A larger file is sent by a resumable upload, in pieces of this size (the library's default keeps 100 MB in memory)."""

TIMEOUT_S = (10.0, 20.0)
"""Timeouts in seconds: for the connection, and between two pieces of an answer."""

RETRY_S = 30.0
"""How long one call is repeated over 5xx answers and broken connections before it counts as `Unavailable`. A download counts
again from its last byte."""

UNPACK_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]


class CloudStorageObjects:
    """One bucket of Cloud Storage, as an `ObjectStore`.

    Args:
        credentials: of a service account or a user; anonymous for an emulator.
        project: the project's id.
        bucket: the bucket's name.
        emulator: URL of an emulator instead of Google's servers.
        chunk_bytes: pieces of a resumable upload; None lets the library choose (100 MB).
        retry_s: how long a failing call is repeated.
    """

    def __init__(
        self,
        credentials: Credentials,
        project: str,
        bucket: str,
        *,
        emulator: str | None = None,
        chunk_bytes: int | None = CHUNK_BYTES,
        retry_s: float = RETRY_S,
    ) -> None:
        options = {"api_endpoint": emulator} if emulator else None
        self._client = storage.Client(project=project, credentials=credentials, client_options=options)
        self._bucket = self._client.bucket(bucket)
        self._bucket_seen = False
        self._chunk_bytes = chunk_bytes
        self._retry = DEFAULT_RETRY.with_timeout(retry_s)
        self._patience: dict[str, Any] = {"timeout": TIMEOUT_S, "retry": self._retry}

    def stat(self, path: str) -> ObjectInfo:
        with as_store_errors():
            return _info(self._found(path))

    def download(self, path: str, to: Path, *, max_bytes: int, progress: Progress | None = None) -> ObjectInfo:
        with as_store_errors():
            found = self._found(path)
            info = _info(found)
            if info.size > max_bytes:
                raise TooLarge(f"The object has {info.size} bytes; at most {max_bytes} are taken.")
            partial = _partial_file(to, info)
            with partial.open("r+b" if partial.exists() else "w+b") as file:
                counted = _CountedWriter(file, info.size, progress)
                self._fetch(info, counted)
        if (counted.done, counted.crc32c) != (info.size, info.crc32c):
            partial.unlink()
            raise Unavailable("The download does not fit the object's checksum.")
        if found.content_encoding == "gzip" and _is_gzip(partial):
            try:
                _unpack(partial, to, max_bytes)
            finally:
                partial.unlink()
        else:
            partial.replace(to)
        return info

    def upload(
        self,
        file: Path,
        path: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        expected = crc32c_of(file)
        size = file.stat().st_size
        blob = self._bucket.blob(path, chunk_size=self._chunk_bytes)
        blob.cache_control = cache_control
        try:
            with as_store_errors(), self._needing_the_bucket(), _as_conflict(), file.open("rb") as stream:
                blob.upload_from_file(
                    _CountedReader(stream, size, progress),
                    size=size,
                    content_type=content_type,
                    checksum="crc32c",
                    if_generation_match=if_generation,
                    **self._patience,
                )
            info = _info(blob)
        except Conflict:
            # The answer to our own upload may have been lost: its repetition then conflicts with what we have written.
            info = self._lying_at(path)
            if (info.size, info.crc32c) != (size, expected):
                raise
        if (info.size, info.crc32c) != (size, expected):
            raise Unavailable("The uploaded object does not fit the file's checksum.")
        return info

    def list(self, prefix: str) -> Iterator[str]:
        with as_store_errors(), self._needing_the_bucket():
            for blob in self._client.list_blobs(
                self._bucket, prefix=prefix, fields="items(name),nextPageToken", **self._patience
            ):
                yield blob.name

    def list_dated(self, prefix: str, *, after: str = "") -> Iterator[DatedPath]:
        with as_store_errors(), self._needing_the_bucket():
            for blob in self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                start_offset=after or None,
                fields="items(name,timeCreated),nextPageToken",
                **self._patience,
            ):
                # The offset itself is a part of the answer; the emulator knows no offset.
                if blob.name > after:
                    yield DatedPath(blob.name, blob.time_created)

    def purge(self, path: str) -> int:
        removed = set()
        with as_store_errors(), self._needing_the_bucket():
            found = self._client.list_blobs(
                self._bucket, prefix=path, versions=True, fields="items(name,generation),nextPageToken", **self._patience
            )
            for blob in found:
                if path.endswith("/") or blob.name == path:
                    with suppress(NotFound):
                        self._bucket.blob(blob.name, generation=blob.generation).delete(**self._patience)
                    removed.add(blob.name)
        return len(removed)

    def delete(self, path: str, *, if_generation: int | None = None) -> None:
        try:
            with as_store_errors(), _as_conflict():
                self._bucket.blob(path).delete(if_generation_match=if_generation, **self._patience)
        except Missing:
            return

    def close(self) -> None:
        self._client.close()

    def _fetch(self, info: ObjectInfo, to: "_CountedWriter") -> None:
        """Get the bytes that are missing. Raises the library's errors when no byte has come for `retry_s`."""

        def fetch() -> None:
            before = to.done
            try:
                # Raw: what is stored, not what a Content-Encoding of gzip would unpack to.
                # The generation: the object that was looked at, not one that has replaced it since.
                # A new blob: a found one would go to the host in its mediaLink, which need not be the one we were given.
                # No checksum and no retry: the library knows only the bytes of one call.
                self._bucket.blob(info.path).download_to_file(
                    to,
                    start=to.done or None,
                    raw_download=True,
                    checksum=None,
                    if_generation_match=info.generation,
                    timeout=TIMEOUT_S,
                    retry=None,
                )
            except TRANSPORT_ERRORS:
                # Once bytes have come, the next call begins with fresh patience.
                if to.done == before:
                    raise
            if to.done == before:
                raise ConnectionError("The answer was empty.")

        while to.done < info.size:
            self._retry(fetch)()

    def _lying_at(self, path: str) -> ObjectInfo:
        try:
            return self.stat(path)
        except Missing:
            raise Conflict("The object was removed meanwhile.") from None

    def _found(self, path: str) -> Any:
        blob = self._bucket.blob(path)
        try:
            blob.reload(**self._patience)
        except NotFound:
            # A missing object and a missing bucket have one answer; only the second is an operator's mistake, for every job.
            if not self._bucket_seen:
                self._look_for_bucket()
            raise
        return blob

    def _look_for_bucket(self) -> None:
        # Not Bucket.exists: that takes a permission which the role storage.objectAdmin lacks.
        with self._needing_the_bucket():
            next(iter(self._client.list_blobs(self._bucket, max_results=1, fields="items(name)", **self._patience)), None)
        self._bucket_seen = True

    @contextmanager
    def _needing_the_bucket(self) -> Iterator[None]:
        """Of calls that answer 404 for nothing else. Raises Denied."""
        try:
            yield
        except NotFound:
            raise Denied(f"There is no bucket {self._bucket.name}: correct DOTHIS_BUCKET.") from None


def crc32c_of(file: Path) -> str:
    """Base64 of a file's big-endian CRC32C."""
    with file.open("rb") as stream:
        checksum = google_crc32c.Checksum()
        for _ in checksum.consume(stream, 1024 * 1024):
            pass
    return _base64(checksum)


def _partial_file(to: Path, info: ObjectInfo) -> Path:
    """Where the bytes of this generation are collected; those of others are removed."""
    partial = to.with_name(f"{to.name}.{info.generation}.partial")
    for found in to.parent.glob(f"{glob.escape(to.name)}.*.partial"):
        if found != partial or found.stat().st_size > info.size:
            found.unlink()
    return partial


def _is_gzip(file: Path) -> bool:
    """Whether a file begins as RFC 1952 says. Some clients name an encoding that their bytes do not have."""
    with file.open("rb") as content:
        return content.read(2) == b"\x1f\x8b"


def _unpack(packed: Path, to: Path, max_bytes: int) -> None:
    """Undo a Content-Encoding of gzip. One that is damaged gives what is before the damage.

    Raises:
        TooLarge: there is more than `max_bytes` in it.
    """
    # 16: with gzip's header and checksum (zlib's manual, inflateInit2).
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    size = 0
    with packed.open("rb") as source, to.open("wb") as target:
        while not decoder.eof and (data := decoder.unconsumed_tail or source.read(UNPACK_BYTES)):
            try:
                plain = decoder.decompress(data, UNPACK_BYTES)
            except zlib.error:
                logger.warning("An object that says it is gzip is damaged after %d unpacked bytes.", size)
                return
            size += len(plain)
            if size > max_bytes:
                raise TooLarge(f"The object unpacks to more than {max_bytes} bytes.")
            target.write(plain)
        target.write(decoder.flush())


class _CountedWriter(io.RawIOBase):
    """Appends to a file, counts its bytes and their CRC32C, those that are there already too, and reports progress."""

    def __init__(self, file: Any, total: int, progress: Progress | None) -> None:
        super().__init__()
        self._file = file
        self._total = total
        self._progress = progress
        self._checksum = google_crc32c.Checksum()
        self.done = sum(len(chunk) for chunk in self._checksum.consume(file, 1024 * 1024))

    @property
    def crc32c(self) -> str:
        return _base64(self._checksum)

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._checksum.update(bytes(data))
        self.done += len(data)
        if self.done > self._total:
            raise Unavailable("The object grew while it was read.")
        if self._progress:
            self._progress(self.done, self._total)
        return len(data)


class _CountedReader(io.RawIOBase):
    """Reads through from a file and reports how far it is."""

    def __init__(self, file: Any, total: int, progress: Progress | None) -> None:
        super().__init__()
        self._file = file
        self._total = total
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        data = bytearray()
        # Whatever the library asks for at once, progress comes in steps.
        while piece := self._file.read(CHUNK_BYTES if size < 0 else min(size - len(data), CHUNK_BYTES)):
            data += piece
            if self._progress:
                self._progress(self._file.tell(), self._total)
        return bytes(data)

    def tell(self) -> int:
        position: int = self._file.tell()
        return position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position: int = self._file.seek(offset, whence)
        return position


@contextmanager
def _as_conflict() -> Iterator[None]:
    """Of writes with a precondition. While reading, the same answer means that it is worth another try (google_errors.py)."""
    try:
        yield
    except PreconditionFailed:
        raise Conflict("The object was written meanwhile.") from None


def _info(blob: Any) -> ObjectInfo:
    return ObjectInfo(path=blob.name, size=blob.size, crc32c=blob.crc32c, generation=blob.generation)


def _base64(checksum: Any) -> str:
    return base64.b64encode(checksum.digest()).decode()
