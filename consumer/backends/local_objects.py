"""Objects as files, each at its path under one directory. A file is written elsewhere and renamed, so it is complete."""

import base64
import errno
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import google_crc32c

from consumer.backends import Conflict, DatedPath, Missing, ObjectInfo, TooLarge, Unavailable
from consumer.directories import sync_directory, unusable
from consumer.jobs import paths

logger = logging.getLogger(__name__)

CHUNK = 1 << 20

ABANDONED_S = 24 * 3600.0
"""An upload without a write for this long, in seconds, belongs to a process that has ended."""

LOCK = "lock"

Progress = Callable[[int, int], None]


class LocalObjects:
    """A bucket in a directory; safe for threads and for processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._partial = root.with_name(f"{root.name}.partial")
        with _as_store_error(root.parent):
            # The videos show people: only the account that runs the daemon may read them.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partial.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(self._partial)

    def stat(self, path: str) -> ObjectInfo:
        """Size and checksum. Raises Missing."""
        file = self._file(path)
        checksum = google_crc32c.Checksum()
        size = 0
        with _as_store_error(), file.open("rb") as source:
            while chunk := source.read(CHUNK):
                checksum.update(chunk)
                size += len(chunk)
            return _info(path, size, checksum, source.fileno())

    def download(self, path: str, to: Path, *, max_bytes: int, progress: Progress | None = None) -> ObjectInfo:
        """Copy to the file `to`. Raises Missing, TooLarge."""
        file = self._file(path)
        with _as_store_error():
            source = file.open("rb")
        with source:
            size = os.fstat(source.fileno()).st_size
            if size > max_bytes:
                raise TooLarge(f"The object has {size} bytes, more than {max_bytes}.")
            with to.open("wb") as target:
                checksum = _copy(source.fileno(), target.fileno(), size, progress)
                return _info(path, os.fstat(target.fileno()).st_size, checksum, source.fileno())

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
        """Copy from the file. Content type and cache control are not stored: a file's suffix gives its type."""
        target = self._file(path)
        partial = self._partial / secrets.token_hex(16)
        with _as_store_error():
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # What goes wrong with the source is the caller's; what goes wrong with the copy is the store's.
            with file.open("rb") as source, _as_store_error(), partial.open("xb") as copy:
                checksum = _copy(source.fileno(), copy.fileno(), os.fstat(source.fileno()).st_size, progress)
                os.fsync(copy.fileno())
                info = _info(path, os.fstat(copy.fileno()).st_size, checksum, copy.fileno())
            with _as_store_error(), self._replacing():
                if if_generation not in {None, _generation(target)}:
                    raise Conflict("The object was written meanwhile.")
                partial.replace(target)
                sync_directory(target.parent)
        finally:
            partial.unlink(missing_ok=True)
        return info

    def list(self, prefix: str) -> Iterator[str]:
        """The paths that begin with `prefix`, in order."""
        # Only the directory that the prefix names is walked, not the whole bucket.
        start = prefix.rpartition("/")[0]
        if start:
            paths.check_path(start)
        found = [
            (Path(directory) / name).relative_to(self._root).as_posix()
            for directory, _, names in os.walk(self._root / start)
            for name in names
        ]
        yield from sorted(path for path in found if path.startswith(prefix))

    def list_dated(self, prefix: str, *, after: str = "") -> Iterator[DatedPath]:
        """The same with times, from the first path behind `after` on."""
        for path in self.list(prefix):
            # One that was removed meanwhile is left out.
            with suppress(FileNotFoundError):
                if path > after:
                    yield DatedPath(path, datetime.fromtimestamp((self._root / path).stat().st_mtime, UTC))

    def purge(self, path: str) -> int:
        """Remove an object, or of a path that ends with a slash everything below it; there are no earlier generations."""
        found = [each for each in self.list(path) if path.endswith("/") or each == path]
        for each in found:
            self.delete(each)
        return len(found)

    def delete(self, path: str, *, if_generation: int | None = None) -> None:
        """Remove the object, if it is there, and the directories that it leaves empty."""
        file = self._file(path)
        with _as_store_error(), self._replacing():
            if if_generation not in {None, _generation(file)} and file.exists():
                raise Conflict("The object was written meanwhile.")
            try:
                file.unlink(missing_ok=True)
            except NotADirectoryError:
                return
        for directory in file.parents:
            if directory == self._root:
                break
            try:
                directory.rmdir()
            except OSError:
                # Something else lies in it: here the clearing ends.
                break

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _replacing(self) -> Iterator[None]:
        """While the lock is held, no other process replaces an object."""
        with (self._partial / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _file(self, path: str) -> Path:
        paths.check_path(path)
        return self._root / path


def _remove_abandoned(directory: Path) -> None:
    """The partial uploads of processes that have ended."""
    for file in directory.iterdir():
        with suppress(FileNotFoundError):
            if file.name != LOCK and time.time() - file.stat().st_mtime > ABANDONED_S:
                file.unlink()


def _copy(source: int, target: int, size: int, progress: Progress | None) -> google_crc32c.Checksum:
    checksum = google_crc32c.Checksum()
    done = 0
    while chunk := os.read(source, CHUNK):
        checksum.update(chunk)
        written = 0
        # A volume that becomes full takes a part of a chunk, and refuses the rest.
        while written < len(chunk):
            written += os.writev(target, [memoryview(chunk)[written:]])
        done += len(chunk)
        if progress is not None:
            progress(done, max(size, done))
    return checksum


def _info(path: str, size: int, checksum: google_crc32c.Checksum, file: int) -> ObjectInfo:
    return ObjectInfo(path, size, base64.b64encode(checksum.digest()).decode(), _generation(file))


def _generation(file: int | Path) -> int:
    """Of the file as it is, 0 if there is none. Neither part alone would do: clocks tick slowly, inodes are used again."""
    try:
        status = os.stat(file)  # noqa: PTH116 - also of a descriptor
    except FileNotFoundError:
        return 0
    return status.st_mtime_ns << 64 | status.st_ino


_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})


@contextmanager
def _as_store_error(data_dir: Path | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise Missing("There is no such object.") from error
        raise Unavailable(unusable("object store", error, data_dir)) from error
