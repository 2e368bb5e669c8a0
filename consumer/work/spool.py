"""The jobs' directories on the volume (job_directory.py). They let a job go on after a crash with its first unfinished stage.

Any number of processes may share a volume. A locked directory belongs to a living process. That process may have lost the job
without knowing it yet. If another process on the same volume then takes the job over, it works in a second directory, with the
name NAME-1, so the two do not disturb each other.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

from consumer.directories import size_of
from consumer.jobs.document import Job
from consumer.work.job_directory import (
    LEASE,
    Identity,
    JobDirectory,
    lease_of_dead_process,
    make_directory,
    read_directory,
    remove_directory,
    try_lock,
)

logger = logging.getLogger(__name__)

PROBE_S = 0.02
"""Wait before a second try to lock a directory: another process locks it for a moment to check whether its worker is alive."""


_VOLUME_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
"""Errors of the volume, not of the job: no space, no quota, read-only, damaged."""


class NoRoom(Exception):
    """The volume has less free space than the work needs, or cannot be written."""


@dataclass(frozen=True)
class Remains:
    """What a spool's directory tells about itself. `job` and `owner` are None when it has no readable manifest."""

    path: Path
    job: str | None
    owner: str | None
    age_s: float
    size: int


class Spool:
    """The directories of all jobs on one volume. Several processes may share it.

    Args:
        root: holds the directories.
        min_free_bytes: space of the volume that is kept free.
        program: fingerprint of the analysis; files that another version left are not used.
    """

    def __init__(self, root: Path, *, min_free_bytes: int = 0, program: str = "") -> None:
        self.root = root
        self._program = program
        self._min_free = min_free_bytes
        # The videos show people: only the account that runs the daemon may read them.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def open(self, job: Job) -> Iterator[JobDirectory]:
        """Lock the job's directory; it still has the finished stages of an earlier attempt at the same request.

        Raises:
            NoRoom: the volume is full or cannot be written.
            OSError: the volume cannot be used.
        """
        identity = Identity.of(job, self._program)
        name = _name_of(job.id)
        with room_errors():
            path, lock = self._lock_fitting(name, identity) or self._lock_first(name)
        try:
            yield read_directory(path, identity)
        finally:
            (path / LEASE).unlink(missing_ok=True)
            os.close(lock)

    def orphans(self) -> list[str]:
        """Ids of the jobs whose process was killed while it worked on this volume."""
        return [lease["job"] for path in sorted(self.root.iterdir()) if (lease := lease_of_dead_process(path)) is not None]

    def is_orphan(self, job_id: str, token: str) -> bool:
        """Whether the process that worked on the job under the lease with this token was killed."""
        paths = takewhile(Path.exists, self._paths(_name_of(job_id)))
        return any(lease_of_dead_process(path) == {"job": job_id, "token": token} for path in paths)

    def free_bytes(self) -> int:
        """Free space beyond `min_free_bytes`, in bytes; negative when there is less."""
        return shutil.disk_usage(self.root).free - self._min_free

    def obstacle(self) -> str | None:
        """A sentence why the volume cannot take new jobs; None when it can."""
        try:
            free = self.free_bytes()
        except OSError as error:
            return f"The volume cannot be used ({error.strerror})"
        if free < 0:
            kept = self._min_free
            return f"The volume is full ({_megabytes(free + kept)} MB free, {_megabytes(kept)} MB needed)"
        return None if os.access(self.root, os.W_OK) else "The volume cannot be written"

    def need(self, size: int) -> None:
        """Check that the volume has room for `size` more bytes. Raises NoRoom."""
        free = self.free_bytes()
        if free < size:
            raise NoRoom(
                f"The volume has too little free space: {_megabytes(max(free, 0))} MB beyond what is kept free, "
                f"{_megabytes(size)} MB needed."
            )

    def remains(self) -> Iterator[Remains]:
        """List all directories in the spool."""
        now = time.time()
        for path in sorted(self.root.iterdir()):
            try:
                manifest = json.loads((path / "manifest.json").read_bytes())["identity"]
                age = now - (path / "manifest.json").stat().st_mtime
            except (OSError, ValueError, KeyError, TypeError):
                manifest, age = {}, now - _mtime(path)
            yield Remains(path, manifest.get("job"), manifest.get("owner"), age, size_of(path))

    def remove(self, remains: Remains) -> bool:
        """Remove a directory unless a living process works in it; whether it was removed."""
        try:
            lock = try_lock(remains.path)
        except OSError:
            return False
        if lock is None:
            return False
        try:
            remove_directory(remains.path)
        finally:
            os.close(lock)
        return True

    def clean(self, *, max_age_s: float, max_bytes: int, over: Callable[[str], bool]) -> int:
        """Remove directories that are too old or whose job is over; then the oldest ones, until the rest fits the quota.

        Args:
            max_age_s: highest age of a directory, in seconds.
            max_bytes: quota of the whole spool, in bytes.
            over: whether the job with an id is finished or deleted.

        Returns:
            The size of the remaining directories, in bytes.
        """
        entries = sorted(self.remains(), key=lambda entry: -entry.age_s)
        total = sum(entry.size for entry in entries)
        for entry in entries:
            try:
                # `_useless` comes last: it may read the job's document.
                if (total > max_bytes or entry.age_s > max_age_s or _useless(entry, over)) and self.remove(entry):
                    total -= entry.size
                    logger.info("Removed a job's directory: %d bytes, %.0f s old", entry.size, entry.age_s)
            except (OSError, RecursionError) as error:
                # The other directories are removed all the same.
                logger.warning("A job's directory could not be removed: %s", type(error).__name__)
        return total

    def _lock_fitting(self, name: str, identity: Identity) -> tuple[Path, int] | None:
        """Lock an unlocked directory in which the job has finished stages; None when there is none."""
        for path in takewhile(Path.exists, self._paths(name)):
            lock = try_lock(path)
            if lock is None:
                time.sleep(PROBE_S)
                lock = try_lock(path)
            if lock is None:
                continue
            if read_directory(path, identity).has_finished_stages:
                return path, lock
            os.close(lock)
        return None

    def _lock_first(self, name: str) -> tuple[Path, int]:
        """Lock the first directory that no process has locked."""
        for path in self._paths(name):
            make_directory(path)
            lock = try_lock(path)
            if lock is not None:
                return path, lock
        raise AssertionError("The names never end.")

    def _paths(self, name: str) -> Iterator[Path]:
        return (self.root / (f"{name}-{number}" if number else name) for number in count())


@contextmanager
def room_errors() -> Iterator[None]:
    """Convert an OSError of the volume to NoRoom; let every other OSError pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _VOLUME_ERRORS:
            raise NoRoom(f"The volume cannot be written: {error.strerror}.") from error
        raise


def _megabytes(size: int) -> int:
    return size // 1_000_000


def _name_of(job_id: str) -> str:
    return hashlib.sha256(job_id.encode()).hexdigest()[:32]


def _useless(entry: Remains, over: Callable[[str], bool]) -> bool:
    # A directory without a manifest is of no use, or a process is making it now.
    return entry.age_s > 60 if entry.job is None else over(entry.job)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
